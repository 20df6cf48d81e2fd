/* SPDX-License-Identifier: MIT */
#include "protocol/framer.h"

enum xsp_frame xsp_frame_next(const uint8_t *bytes, size_t len, struct xsp_header *out_header)
{
	struct xsp_header header;

	if (len < XSP_HEADER_SIZE)
		return XSP_FRAME_PARTIAL;
	xsp_header_get(&header, bytes);
	if (header.len > XSP_PAYLOAD_MAX)
		return XSP_FRAME_TOO_LONG;
	if (len - XSP_HEADER_SIZE < header.len)
		return XSP_FRAME_PARTIAL;
	*out_header = header;
	return XSP_FRAME_WHOLE;
}
