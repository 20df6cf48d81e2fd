/* SPDX-License-Identifier: MIT */
#include "tools/json_in.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tools/json.h"
#include "tools/mem.h"

enum { DEEPEST = 64 };

void json_in_init(struct json_in *in, const char *text, size_t len)
{
	*in = (struct json_in){ .at = text, .end = text + len, .start = text };
}

void json_in_fail(struct json_in *in, const char *defect)
{
	if (!in->defect)
		in->defect = defect;
}

size_t json_in_line(const struct json_in *in)
{
	size_t line = 1;

	for (const char *p = in->start; p < in->at; p++)
		line += *p == '\n';
	return line;
}

static void skip_blanks(struct json_in *in)
{
	while (in->at < in->end && *in->at && strchr(" \t\r\n", *in->at))
		in->at++;
}

bool json_in_take(struct json_in *in, char c)
{
	skip_blanks(in);
	if (in->defect || in->at == in->end || *in->at != c)
		return false;
	in->at++;
	return true;
}

void json_in_expect(struct json_in *in, char c)
{
	if (json_in_take(in, c))
		return;
	switch (c) {
	case '"':
		json_in_fail(in, "a string is missing");
		break;
	case ':':
		json_in_fail(in, "':' is missing");
		break;
	case ',':
		json_in_fail(in, "',' or a closing bracket is missing");
		break;
	default:
		json_in_fail(in, "an object or array is missing");
	}
}

bool json_in_next(struct json_in *in, char closing, bool *is_first)
{
	if (json_in_take(in, closing))
		return false;
	if (!*is_first)
		json_in_expect(in, ',');
	*is_first = false;
	return !in->defect;
}

/* Four hexadecimal digits. */
static uint32_t take_hex(struct json_in *in)
{
	uint32_t n = 0;

	for (int i = 0; i < 4; i++) {
		char c = in->at < in->end ? *in->at : '\0';

		if (c >= '0' && c <= '9')
			n = n << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			n = n << 4 | (uint32_t)(c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			n = n << 4 | (uint32_t)(c - 'A' + 10);
		else {
			json_in_fail(in, "\\u needs four hexadecimal digits");
			return 0;
		}
		in->at++;
	}
	return n;
}

/* A code point behind "\u", with the second half of a surrogate pair where that is due. */
static uint32_t take_code_point(struct json_in *in)
{
	uint32_t high = take_hex(in), low;

	if (high < 0xd800 || high >= 0xe000)
		return high;
	if (high >= 0xdc00 || in->end - in->at < 6 || in->at[0] != '\\' || in->at[1] != 'u') {
		json_in_fail(in, "half a surrogate pair");
		return 0;
	}
	in->at += 2;
	low = take_hex(in);
	if (low < 0xdc00 || low >= 0xe000)
		json_in_fail(in, "half a surrogate pair");
	return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

static size_t put_utf8(uint32_t code, char *out)
{
	static const unsigned char marks[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

	for (size_t i = len - 1; i > 0; i--) {
		out[i] = (char)(0x80U | (code & 0x3fU));
		code >>= 6;
	}
	out[0] = (char)(len == 1 ? code : marks[len] | code);
	return len;
}

static size_t take_escape(struct json_in *in, char *out)
{
	static const char names[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
	char c = in->at < in->end ? *in->at++ : '\0';
	const char *name = c ? strchr(names, c) : NULL;

	if (c == 'u')
		return put_utf8(take_code_point(in), out);
	if (!name) {
		json_in_fail(in, "unknown escape in a string");
		return 0;
	}
	out[0] = bytes[name - names];
	return 1;
}

char *json_in_string(struct json_in *in, size_t *out_len)
{
	const char *quote;
	char *bytes;
	size_t len = 0;

	json_in_expect(in, '"');
	/* What an escape stands for is never longer than the escape. */
	for (quote = in->at; quote < in->end && *quote != '"'; quote++)
		quote += *quote == '\\' && quote + 1 < in->end;
	bytes = mem_alloc((size_t)(quote - in->at) + 1);
	while (!in->defect && in->at < in->end && *in->at != '"') {
		if (*in->at == '\\') {
			in->at++;
			len += take_escape(in, bytes + len);
		} else if ((unsigned char)*in->at < 0x20) {
			json_in_fail(in, "a control character in a string");
		} else {
			bytes[len++] = *in->at++;
		}
	}
	if (!in->defect && in->at == in->end)
		json_in_fail(in, "a string without end");
	if (!in->defect && !json_is_utf8(bytes, len))
		json_in_fail(in, "a string is not UTF-8");
	in->at += !in->defect;
	bytes[len] = '\0';
	*out_len = len;
	return bytes;
}

char *json_in_member(struct json_in *in)
{
	size_t len;
	char *name = json_in_string(in, &len);

	json_in_expect(in, ':');
	return name;
}

static uint32_t base64_digit(struct json_in *in, char c)
{
	if (c >= 'A' && c <= 'Z')
		return (uint32_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint32_t)(c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (uint32_t)(c - '0' + 52);
	if (c == '+')
		return 62;
	if (c != '/')
		json_in_fail(in, "not base64");
	return 63;
}

char *json_in_base64(struct json_in *in, size_t *out_len)
{
	size_t len, at = 0, n_pads = 0;
	char *text = json_in_string(in, &len);

	if (len % 4 != 0)
		json_in_fail(in, "not base64");
	while (n_pads < 2 && n_pads < len && text[len - 1 - n_pads] == '=')
		n_pads++;
	for (size_t i = 0; !in->defect && i < len; i += 4) {
		uint32_t bits = 0;

		for (size_t j = i; j < i + 4; j++)
			bits = bits << 6 | (j < len - n_pads ? base64_digit(in, text[j]) : 0);
		/* Decoding in place: three bytes replace four characters that have been read. */
		text[at++] = (char)(bits >> 16 & 0xffU);
		text[at++] = (char)(bits >> 8 & 0xffU);
		text[at++] = (char)(bits & 0xffU);
	}
	*out_len = at < n_pads ? 0 : at - n_pads;
	text[*out_len] = '\0';
	return text;
}

unsigned json_in_number(struct json_in *in)
{
	unsigned n = 0;
	size_t n_digits = 0;

	skip_blanks(in);
	while (in->at < in->end && *in->at >= '0' && *in->at <= '9' && n_digits < 6) {
		n = n * 10 + (unsigned)(*in->at++ - '0');
		n_digits++;
	}
	if (n_digits == 0)
		json_in_fail(in, "a number is missing");
	return n;
}

static void skip_nested(struct json_in *in, unsigned depth);

static void skip_elements(struct json_in *in, char closing, unsigned depth)
{
	bool is_first = true;

	while (json_in_next(in, closing, &is_first)) {
		if (closing == '}')
			free(json_in_member(in));
		skip_nested(in, depth);
	}
}

static void skip_nested(struct json_in *in, unsigned depth)
{
	size_t len;

	skip_blanks(in);
	if (depth == DEEPEST) {
		json_in_fail(in, "nested too deeply");
	} else if (json_in_take(in, '{')) {
		skip_elements(in, '}', depth + 1);
	} else if (json_in_take(in, '[')) {
		skip_elements(in, ']', depth + 1);
	} else if (in->at < in->end && *in->at == '"') {
		free(json_in_string(in, &len));
	} else {
		const char *word = in->at;

		while (in->at < in->end &&
		       strchr("+-.0123456789abcdefghijklmnopqrstuvwxyzE", *in->at) && *in->at)
			in->at++;
		if (in->at == word)
			json_in_fail(in, "a value is missing");
	}
}

void json_in_skip(struct json_in *in)
{
	if (!in->defect)
		skip_nested(in, 0);
}

bool json_in_end(struct json_in *in)
{
	skip_blanks(in);
	if (in->at < in->end)
		json_in_fail(in, "more text behind the end");
	return !in->defect;
}
