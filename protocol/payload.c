/* SPDX-License-Identifier: MIT */
#include "protocol/payload.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

size_t xsp_count_strings(const char *bytes, size_t len)
{
	const char *end = bytes + len;
	size_t n = 0;

	while (xsp_next_string(&bytes, end))
		n++;
	return n;
}

const char *xsp_next_string(const char **cursor, const char *end)
{
	const char *start = *cursor;
	const char *nul;

	if (start >= end)
		return NULL;
	nul = memchr(start, '\0', (size_t)(end - start));
	if (!nul)
		return NULL;
	*cursor = nul + 1;
	return start;
}

bool xsp_parse_u32(const char *text, uint32_t max, uint32_t *out_value)
{
	uint64_t value = 0;

	if (*text == '\0')
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (uint64_t)(*text - '0');
		if (value > max)
			return false;
	}
	*out_value = (uint32_t)value;
	return true;
}

bool xsp_parse_domid(const char *text, uint16_t *out_domid)
{
	uint32_t value;

	if (!xsp_parse_u32(text, UINT16_MAX, &value))
		return false;
	*out_domid = (uint16_t)value;
	return true;
}

void xsp_body_reset(struct xsp_body *body)
{
	body->len = 0;
	body->is_over = false;
}

void xsp_body_bytes(struct xsp_body *body, const void *bytes, size_t len)
{
	if (body->is_over || len > sizeof(body->bytes) - body->len) {
		body->is_over = true;
		return;
	}
	if (len == 0)
		return;
	memcpy(body->bytes + body->len, bytes, len);
	body->len += len;
}

void xsp_body_string(struct xsp_body *body, const char *string)
{
	xsp_body_bytes(body, string, strlen(string) + 1);
}

void xsp_body_text(struct xsp_body *body, const char *format, ...)
{
	char text[512];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(text)) {
		body->is_over = true;
		return;
	}
	xsp_body_bytes(body, text, (size_t)len);
}
