/* SPDX-License-Identifier: MIT */
/*
 * The framer: where in a run of bytes the next whole message ends.
 *
 * It looks and decides; the bytes stay where they are and nothing is stored. A length above
 * XSP_PAYLOAD_MAX is refused as soon as the header is whole, before a byte of payload is kept.
 */
#ifndef XSP_FRAMER_H
#define XSP_FRAMER_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/wire.h"

enum xsp_frame {
	XSP_FRAME_PARTIAL,  /* more bytes are needed */
	XSP_FRAME_WHOLE,    /* *out_header is set, the payload follows it in `bytes` */
	XSP_FRAME_TOO_LONG, /* the header announces more than a message may hold */
};

/* Examines `len` bytes at `bytes`, a message boundary. `out_header` is written only for WHOLE. */
enum xsp_frame xsp_frame_next(const uint8_t *bytes, size_t len, struct xsp_header *out_header);

#endif
