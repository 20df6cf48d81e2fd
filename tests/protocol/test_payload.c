/* SPDX-License-Identifier: MIT */
#include "protocol/payload.h"

#include <string.h>

#include "tests/support/check.h"

TEST(counts_strings_by_their_nuls)
{
	CHECK_UINT(xsp_count_strings("", 0), 0);
	CHECK_UINT(xsp_count_strings("abc", 3), 0);
	CHECK_UINT(xsp_count_strings("abc\0", 4), 1);
	CHECK_UINT(xsp_count_strings("abc\0def", 7), 1);
	CHECK_UINT(xsp_count_strings("\0\0\0", 3), 3);
	CHECK_UINT(xsp_count_strings("a\0b\0c\0", 6), 3);
}

TEST(cursor_walks_the_strings_and_stops_at_the_tail)
{
	static const char bytes[] = "path\0\0tail";
	const char *cursor = bytes, *end = bytes + sizeof(bytes) - 1;

	CHECK_STR(xsp_next_string(&cursor, end), "path");
	CHECK_STR(xsp_next_string(&cursor, end), "");
	CHECK(!xsp_next_string(&cursor, end));
	CHECK_UINT(end - cursor, 4);
	CHECK(!xsp_next_string(&cursor, end));
}

TEST(cursor_stays_at_an_end)
{
	static const char bytes[] = "a";
	const char *cursor = bytes, *end = bytes + 2;

	CHECK_STR(xsp_next_string(&cursor, end), "a");
	CHECK(cursor == end);
	CHECK(!xsp_next_string(&cursor, end));
	CHECK(cursor == end);
}

TEST(cursor_never_looks_behind_the_end)
{
	/* No NUL inside, so a reader that goes on is found by the sanitizer. */
	char bytes[4];
	const char *cursor = bytes;

	memset(bytes, 'x', sizeof(bytes));
	CHECK(!xsp_next_string(&cursor, bytes + sizeof(bytes)));
	CHECK(cursor == bytes);
}

TEST(numbers_are_whole_decimals)
{
	uint32_t value = 77;

	CHECK(xsp_parse_u32("0", 10, &value));
	CHECK_UINT(value, 0);
	CHECK(xsp_parse_u32("10", 10, &value));
	CHECK_UINT(value, 10);
	CHECK(xsp_parse_u32("00005", 10, &value));
	CHECK_UINT(value, 5);
	CHECK(xsp_parse_u32("4294967295", UINT32_MAX, &value));
	CHECK_UINT(value, UINT32_MAX);
}

TEST(anything_else_is_no_number)
{
	static const char *const bad[] = {
		"",
		"-1",
		"+1",
		" 1",
		"1 ",
		"1x",
		"x",
		"0x1",
		"1.0",
		"11",
		"-0",
		"4294967296",
		"18446744073709551616",
		"99999999999999999999999999999999999999",
		"1\n",
		"\xff",
		"/1",
		":",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint32_t value = 77;

		if (xsp_parse_u32(bad[i], 10, &value))
			CHECK_FAIL("\"%s\" was read as %u", bad[i], value);
		CHECK_UINT(value, 77);
	}
}

TEST(leading_zeros_do_not_overflow)
{
	char digits[4096];
	uint32_t value;

	memset(digits, '0', sizeof(digits));
	digits[sizeof(digits) - 2] = '7';
	digits[sizeof(digits) - 1] = '\0';
	CHECK(xsp_parse_u32(digits, UINT32_MAX, &value));
	CHECK_UINT(value, 7);
}

TEST(domids_end_at_65535)
{
	uint16_t domid = 77;

	CHECK(xsp_parse_domid("65535", &domid));
	CHECK_UINT(domid, 65535);
	CHECK(xsp_parse_domid("0", &domid));
	CHECK_UINT(domid, 0);
	domid = 77;
	CHECK(!xsp_parse_domid("65536", &domid));
	CHECK(!xsp_parse_domid("", &domid));
	CHECK(!xsp_parse_domid("-1", &domid));
	CHECK_UINT(domid, 77);
}

TEST(body_collects_strings_bytes_and_text)
{
	static struct xsp_body body;

	xsp_body_string(&body, "a");
	xsp_body_bytes(&body, "b\0c", 3);
	xsp_body_text(&body, "%u-%s", 12U, "x");
	xsp_body_string(&body, "");
	CHECK(!body.is_over);
	CHECK_BYTES(body.bytes, body.len, "a\0b\0c12-x\0", 10);
}

TEST(body_takes_exactly_a_payload)
{
	static struct xsp_body body;
	static char bytes[XSP_PAYLOAD_MAX + 1];

	memset(bytes, 'x', sizeof(bytes));
	xsp_body_bytes(&body, bytes, XSP_PAYLOAD_MAX);
	CHECK(!body.is_over);
	CHECK_UINT(body.len, XSP_PAYLOAD_MAX);
	xsp_body_bytes(&body, bytes, 0);
	CHECK(!body.is_over);
	xsp_body_bytes(&body, bytes, 1);
	CHECK(body.is_over);
	xsp_body_reset(&body);
	CHECK(!body.is_over);
	CHECK_UINT(body.len, 0);
	xsp_body_bytes(&body, bytes, sizeof(bytes));
	CHECK(body.is_over);
}

TEST(body_remembers_what_did_not_fit)
{
	static struct xsp_body body;
	static char bytes[XSP_PAYLOAD_MAX];

	xsp_body_bytes(&body, bytes, XSP_PAYLOAD_MAX - 2);
	xsp_body_string(&body, "ab");
	CHECK(body.is_over);
	/* A later piece that would fit must not make the whole look complete. */
	xsp_body_string(&body, "");
	CHECK(body.is_over);
}

TEST(body_string_needs_room_for_its_nul)
{
	static struct xsp_body body;
	static char bytes[XSP_PAYLOAD_MAX];

	xsp_body_bytes(&body, bytes, XSP_PAYLOAD_MAX - 2);
	xsp_body_string(&body, "a");
	CHECK(!body.is_over);
	CHECK_UINT(body.len, XSP_PAYLOAD_MAX);
	xsp_body_reset(&body);
	xsp_body_bytes(&body, bytes, XSP_PAYLOAD_MAX - 1);
	xsp_body_string(&body, "a");
	CHECK(body.is_over);
}

TEST(body_text_longer_than_a_line_is_over_not_cut)
{
	static struct xsp_body body;
	char line[600];

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\0';
	xsp_body_text(&body, "%s", line);
	CHECK(body.is_over || body.len == strlen(line));
}
