/* SPDX-License-Identifier: MIT */
/*
 * The framer: however few bytes are there, it never says more than they do, and more bytes never
 * change what it has said.
 */
#include <string.h>

#include "fuzz/insist.h"
#include "protocol/framer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t at = 0;

	while (at < size) {
		struct xsp_header whole = { 0 }, part = { 0 };
		size_t left = size - at, end;
		enum xsp_frame frame = xsp_frame_next(data + at, left, &whole);

		for (size_t n = 0; n < left && n < 64; n++) {
			enum xsp_frame less = xsp_frame_next(data + at, n, &part);

			INSIST(less == XSP_FRAME_PARTIAL || less == frame);
			INSIST(n >= XSP_HEADER_SIZE || less == XSP_FRAME_PARTIAL);
		}
		if (frame != XSP_FRAME_WHOLE)
			break;
		end = XSP_HEADER_SIZE + whole.len;
		INSIST(whole.len <= XSP_PAYLOAD_MAX && end <= left);
		INSIST(xsp_frame_next(data + at, end, &part) == XSP_FRAME_WHOLE);
		INSIST(xsp_frame_next(data + at, end - 1, &part) == XSP_FRAME_PARTIAL);
		INSIST(!memcmp(&whole, &part, sizeof(whole)));
		at += end;
	}
	return 0;
}
