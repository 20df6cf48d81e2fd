/* SPDX-License-Identifier: MIT */
#include "tests/support/text.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/check.h"

static void check_builds(const char *source, const char *bytes, size_t len)
{
	struct text_variables none = { 0 };
	struct text text;
	char *built;
	size_t built_len = 0;

	CHECK_STR(text_parse(&text, source), NULL);
	built = text_build(&text, &none, &built_len);
	CHECK_BYTES(built, built_len, bytes, len);
	free(built);
	text_fini(&text);
}

TEST(spells_every_byte)
{
	check_builds("/a|", "/a\0", 3);
	check_builds("", "", 0);
	check_builds("\"\"", "", 0);
	check_builds("a b  c", "abc", 3);
	check_builds("\"a b\"c\\sd", "a bc d", 6);
	check_builds("\\x00\\xff\\x7F\\\\\\|\\\"\\$\\{\\}\\#\\n\\t", "\0\xff\x7f\\|\"${}#\n\t", 12);
	check_builds("{ab*3}|{x*0}", "ababab\0", 7);
	check_builds("{|*4}", "\0\0\0\0", 4);
}

TEST(refuses_what_it_does_not_understand)
{
	static const char *const bad[] = { "\\q",   "\\x1", "\\", "{a", "{a*",
					   "{a*x}", "\"a",  "$",  "$-" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct text text;

		if (!text_parse(&text, bad[i]))
			CHECK_FAIL("%s was read", bad[i]);
		text_fini(&text);
	}
}

TEST(a_variable_takes_its_value_once)
{
	struct text_variables variables = { 0 };
	struct text text;
	char *built;
	size_t len;

	CHECK_STR(text_parse(&text, "$a|x|"), NULL);
	CHECK(!text_build(&text, &variables, &len));
	CHECK(!text_match(&text, &variables, "12\0y\0", 5));
	CHECK(!text_variable_find(&variables, "a"));
	CHECK(text_match(&text, &variables, "12\0x\0", 5));
	CHECK(!text_match(&text, &variables, "13\0x\0", 5));
	CHECK(text_match(&text, &variables, "12\0x\0", 5));
	built = text_build(&text, &variables, &len);
	CHECK_BYTES(built, len, "12\0x\0", 5);
	free(built);
	text_fini(&text);
	text_variables_fini(&variables);
}

TEST(the_nameless_variable_forgets)
{
	struct text_variables variables = { 0 };
	struct text text;

	CHECK_STR(text_parse(&text, "$_|"), NULL);
	CHECK(text_match(&text, &variables, "12\0", 3));
	CHECK(text_match(&text, &variables, "\0", 1));
	CHECK(!text_match(&text, &variables, "12", 2));
	CHECK(!text_match(&text, &variables, "12\0\0", 4));
	CHECK_UINT(variables.n, 0);
	text_fini(&text);
}

TEST(shows_bytes_in_its_own_spelling)
{
	char shown[64], tight[12];

	text_show(shown, sizeof(shown), "a\0 |\xff", 5);
	CHECK_STR(shown, "a|\\s\\|\\xff");
	text_show(shown, sizeof(shown), "", 0);
	CHECK_STR(shown, "\"\"");
	text_show(tight, sizeof(tight), "aaaaaaaaaaaaaaaaaaaa", 20);
	CHECK_UINT(strlen(tight) < sizeof(tight), 1);
	CHECK_STR(tight + strlen(tight) - 3, "...");
}
