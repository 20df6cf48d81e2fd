/* SPDX-License-Identifier: MIT */
#include "tools/quote.h"

#include "tools/mem.h"

#include <string.h>

enum { LONGEST_ESCAPE = 4 };

static const char hex[] = "0123456789abcdef";

/* Writes one byte's quoted form and returns its length. */
static size_t quote_byte(unsigned char c, char *out)
{
	static const char letters[] = "\tt\nn\rr\\\\";

	if (c >= 0x20 && c < 0x7f && c != '\\') {
		out[0] = (char)c;
		return 1;
	}
	out[0] = '\\';
	for (size_t i = 0; letters[i]; i += 2) {
		if (c == (unsigned char)letters[i]) {
			out[1] = letters[i + 1];
			return 2;
		}
	}
	if (c < 8) {
		out[1] = '0';
		out[2] = '0';
		out[3] = (char)('0' + c);
	} else {
		out[1] = 'x';
		out[2] = hex[c >> 4];
		out[3] = hex[c & 15];
	}
	return LONGEST_ESCAPE;
}

char *quote_value(const void *value, size_t len, size_t *out_len)
{
	const unsigned char *bytes = value;
	char *quoted = mem_alloc(len * LONGEST_ESCAPE + 1);
	size_t at = 0;

	for (size_t i = 0; i < len; i++)
		at += quote_byte(bytes[i], quoted + at);
	quoted[at] = '\0';
	if (out_len)
		*out_len = at;
	return quoted;
}

/* The value of a digit in `base`, or -1. */
static int digit(char c, int base)
{
	const char *p;

	if (c >= 'A' && c <= 'F')
		c = (char)(c - 'A' + 'a');
	p = c ? strchr(hex, c) : NULL;
	return p && p - hex < base ? (int)(p - hex) : -1;
}

/* Up to `most` digits of `base` at `text`; returns how many there were. */
static size_t parse_number(const char *text, int base, size_t most, unsigned char *out_byte)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < most && digit(text[i], base) >= 0; i++)
		n = n * (unsigned)base + (unsigned)digit(text[i], base);
	*out_byte = (unsigned char)(n & 0xffU);
	return i;
}

/* The escape behind a backslash; returns how many characters of `text` it took. */
static size_t parse_escape(const char *text, unsigned char *out_byte)
{
	size_t taken;

	switch (text[0]) {
	case '\0':
		*out_byte = 0;
		return 0;
	case 't':
		*out_byte = '\t';
		return 1;
	case 'n':
		*out_byte = '\n';
		return 1;
	case 'r':
		*out_byte = '\r';
		return 1;
	case 'x':
		taken = parse_number(text + 1, 16, 2, out_byte);
		if (taken)
			return taken + 1;
		break;
	default:
		taken = parse_number(text, 8, 3, out_byte);
		if (taken)
			return taken;
	}
	*out_byte = (unsigned char)text[0];
	return 1;
}

char *quote_parse(const char *text, size_t *out_len)
{
	char *value = mem_alloc(strlen(text) + 1);
	size_t at = 0;

	while (*text) {
		unsigned char byte = (unsigned char)*text++;

		if (byte == '\\')
			text += parse_escape(text, &byte);
		value[at++] = (char)byte;
	}
	value[at] = '\0';
	*out_len = at;
	return value;
}
