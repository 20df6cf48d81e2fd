/* SPDX-License-Identifier: MIT */
#include "tools/json.h"

#include <stdint.h>

/*
 * Length of the UTF-8 sequence that begins with `first`, and the least code point that needs so
 * many bytes; 0 if none begins so.
 */
static size_t sequence_length(unsigned char first, uint32_t *out_least)
{
	if (first >= 0xc2 && first < 0xe0) {
		*out_least = 0x80;
		return 2;
	}
	if (first >= 0xe0 && first < 0xf0) {
		*out_least = 0x800;
		return 3;
	}
	if (first >= 0xf0 && first < 0xf5) {
		*out_least = 0x10000;
		return 4;
	}
	return 0;
}

/* Length of the well-formed multi-byte sequence at `p`, or 0. */
static size_t check_sequence(const unsigned char *p, size_t left)
{
	uint32_t code, least;
	size_t len = sequence_length(p[0], &least);

	if (len == 0 || len > left)
		return 0;
	code = p[0] & (0x7fU >> len);
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3fU);
	}
	if (code < least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	return len;
}

bool json_is_utf8(const void *bytes, size_t len)
{
	const unsigned char *p = bytes;
	size_t i = 0;

	while (i < len) {
		size_t step = p[i] < 0x80 ? 1 : check_sequence(p + i, len - i);

		if (step == 0)
			return false;
		i += step;
	}
	return true;
}

void json_put_string(FILE *out, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	putc('"', out);
	for (size_t i = 0; i < len; i++) {
		if (p[i] == '"' || p[i] == '\\')
			fprintf(out, "\\%c", p[i]);
		else if (p[i] == '\n')
			fputs("\\n", out);
		else if (p[i] == '\t')
			fputs("\\t", out);
		else if (p[i] < 0x20 || p[i] == 0x7f)
			fprintf(out, "\\u%04x", p[i]);
		else if (p[i] == 0xc2 && p[i + 1] < 0xa0)
			fprintf(out, "\\u%04x", p[++i]);
		else
			putc(p[i], out);
	}
	putc('"', out);
}

static void put_base64(FILE *out, const unsigned char *p, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		uint32_t bits = (uint32_t)p[i] << 16;

		if (left > 1)
			bits |= (uint32_t)p[i + 1] << 8;
		if (left > 2)
			bits |= p[i + 2];
		putc(digits[bits >> 18], out);
		putc(digits[bits >> 12 & 63], out);
		putc(left > 1 ? digits[bits >> 6 & 63] : '=', out);
		putc(left > 2 ? digits[bits & 63] : '=', out);
	}
}

void json_put_value(FILE *out, const void *value, size_t len)
{
	if (json_is_utf8(value, len)) {
		fputs("\"value\":", out);
		json_put_string(out, value, len);
	} else {
		fputs("\"base64\":\"", out);
		put_base64(out, value, len);
		putc('"', out);
	}
}

void json_put_perms(FILE *out, const struct xs_permissions *perms, size_t n_perms)
{
	char text[PERM_TEXT_MAX];

	fputs("\"perms\":[", out);
	for (size_t i = 0; i < n_perms; i++) {
		perm_format(&perms[i], text);
		fprintf(out, "%s\"%s\"", i ? "," : "", text);
	}
	putc(']', out);
}

void perm_format(const struct xs_permissions *perm, char out_text[PERM_TEXT_MAX])
{
	static const char letters[] = { 'n', 'r', 'w', 'b' };

	snprintf(out_text, PERM_TEXT_MAX, "%c%d", letters[perm->perms & 3U], (int)perm->id);
}
