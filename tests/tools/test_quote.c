/* SPDX-License-Identifier: MIT */
#include "tools/quote.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/check.h"

static void check_quote(const char *value, size_t len, const char *expected)
{
	size_t quoted_len;
	char *quoted = quote_value(value, len, &quoted_len);

	CHECK_STR(quoted, expected);
	CHECK_UINT(quoted_len, strlen(expected));
	free(quoted);
}

static void check_parse(const char *text, const char *expected, size_t expected_len)
{
	size_t len;
	char *value = quote_parse(text, &len);

	CHECK_BYTES(value, len, expected, expected_len);
	CHECK_INT(value[len], 0);
	free(value);
}

TEST(printable_bytes_stay_as_they_are)
{
	check_quote("", 0, "");
	check_quote("plain \"text\" ~ with blanks", 26, "plain \"text\" ~ with blanks");
}

TEST(other_bytes_become_escapes)
{
	check_quote("\t\n\r\\", 4, "\\t\\n\\r\\\\");
	check_quote("\0\1\7\x08\x1f\x7f\x80\xff", 8, "\\000\\001\\007\\x08\\x1f\\x7f\\x80\\xff");
}

TEST(escapes_become_bytes)
{
	check_parse("a\\tb\\nc\\rd\\\\e", "a\tb\nc\rd\\e", 9);
	check_parse("\\x41\\X41\\xfF\\x4", "AX41\xff\4", 6);
	check_parse("\\101\\0012\\7\\18", "A\0012\7\0018", 6);
}

TEST(numbers_beyond_a_byte_lose_their_upper_bits)
{
	check_parse("\\400\\777", "\0\xff", 2);
}

TEST(a_backslash_before_anything_else_is_that_character)
{
	check_parse("\\q\\\"\\8\\xg\\x", "q\"8xgx", 6);
}

TEST(a_backslash_at_the_end_is_a_nul)
{
	check_parse("ab\\", "ab", 3);
	check_parse("\\", "", 1);
}

TEST(every_pair_of_bytes_survives_quoting_and_parsing)
{
	for (unsigned n = 0; n < 65536; n++) {
		char bytes[2] = { (char)(n & 0xffU), (char)(n >> 8) };
		char *quoted = quote_value(bytes, 2, NULL);
		size_t len;
		char *value = quote_parse(quoted, &len);

		CHECK_BYTES(value, len, bytes, 2);
		free(quoted);
		free(value);
	}
}
