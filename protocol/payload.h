/* SPDX-License-Identifier: MIT */
/*
 * Payloads: a cursor over the NUL-ended strings of a request, a bounded builder for replies,
 * and the strict reading of numbers.
 */
#ifndef XSP_PAYLOAD_H
#define XSP_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/wire.h"

/* How many NUL-ended strings `len` bytes hold: the number of NULs. */
size_t xsp_count_strings(const char *bytes, size_t len);

/*
 * The NUL-ended string at `*cursor`, before `end`; moves the cursor behind its NUL.
 * NULL, cursor unmoved, when no NUL is left: the rest is a binary tail.
 */
const char *xsp_next_string(const char **cursor, const char *end);

/*
 * A whole decimal number in 0..max: digits only, no sign, no blank, nothing before or after.
 * False, *out_value untouched, for everything else.
 */
bool xsp_parse_u32(const char *text, uint32_t max, uint32_t *out_value);

/* A domain number: xsp_parse_u32 with 65535 as its end. */
bool xsp_parse_domid(const char *text, uint16_t *out_domid);

/* The payload of one reply. Zero is a valid empty one. */
struct xsp_body {
	size_t len;
	bool is_over; /* something did not fit; len is then meaningless */
	uint8_t bytes[XSP_PAYLOAD_MAX];
};

void xsp_body_reset(struct xsp_body *body);

/* Appends; what does not fit sets is_over, and the caller asks once, at the end. */
void xsp_body_bytes(struct xsp_body *body, const void *bytes, size_t len);

/* Appends a string with its NUL. */
void xsp_body_string(struct xsp_body *body, const char *string);

/* Appends formatted text, without a NUL. */
void xsp_body_text(struct xsp_body *body, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
