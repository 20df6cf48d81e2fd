/* SPDX-License-Identifier: MIT */
#include "protocol/perms.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/check.h"

TEST(letters_are_the_two_rights)
{
	static const struct {
		const char *text;
		uint8_t rights;
	} cases[] = {
		{ "n5", XSP_PERM_NONE },
		{ "r5", XSP_PERM_READ },
		{ "w5", XSP_PERM_WRITE },
		{ "b5", XSP_PERM_READ | XSP_PERM_WRITE },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct xsp_perm perm = { .domid = 1, .rights = 0xff, .flags = 0xff };
		char text[XSP_PERM_TEXT_MAX];

		CHECK(xsp_perm_parse(cases[i].text, &perm));
		CHECK_UINT(perm.domid, 5);
		CHECK_UINT(perm.rights, cases[i].rights);
		CHECK_UINT(perm.flags, 0);
		CHECK_UINT(xsp_perm_format(&perm, text), 2);
		CHECK_STR(text, cases[i].text);
	}
}

TEST(every_domid_survives_text_and_back)
{
	for (unsigned domid = 0; domid <= UINT16_MAX; domid++) {
		struct xsp_perm perm = { .domid = (uint16_t)domid, .rights = XSP_PERM_READ }, back;
		char text[XSP_PERM_TEXT_MAX], expected[XSP_PERM_TEXT_MAX];

		snprintf(expected, sizeof(expected), "r%u", domid);
		CHECK_UINT(xsp_perm_format(&perm, text), strlen(expected));
		CHECK_STR(text, expected);
		CHECK(xsp_perm_parse(text, &back));
		CHECK_UINT(back.domid, domid);
	}
}

TEST(numbers_have_a_base_as_in_c)
{
	static const struct {
		const char *text;
		unsigned domid;
	} cases[] = {
		{ "r0", 0 },           { "r00", 0 },        { "r010", 8 },
		{ "r0x10", 16 },       { "r0XfF", 255 },    { "r0xffff", 65535 },
		{ "r0177777", 65535 }, { "r65535", 65535 }, { "r0x00000000000000001", 1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct xsp_perm perm;

		if (!xsp_perm_parse(cases[i].text, &perm))
			CHECK_FAIL("%s was refused", cases[i].text);
		CHECK_UINT(perm.domid, cases[i].domid);
	}
}

TEST(malformed_entries_are_refused)
{
	static const char *const bad[] = {
		"",
		"r",
		"5",
		"x5",
		"R5",
		"rw5",
		"r 5",
		"r5 ",
		"r5x",
		"r-1",
		"r+1",
		"r0x",
		"r0xg",
		"r08",
		"r1a",
		"r65536",
		"r0x10000",
		"r0200000",
		"r99999999999999999999",
		"r4294967296",
		"r18446744073709551616",
		"n\n",
		" r5",
		"n32757,",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct xsp_perm perm = { .domid = 77, .rights = 9, .flags = 9 };

		if (xsp_perm_parse(bad[i], &perm))
			CHECK_FAIL("\"%s\" was read as %u/%u", bad[i], perm.rights, perm.domid);
		CHECK_UINT(perm.domid, 77);
		CHECK_UINT(perm.rights, 9);
	}
}

TEST(longest_text_fits_its_buffer)
{
	struct xsp_perm perm = { .domid = UINT16_MAX, .rights = 3, .flags = 0xff };
	char text[XSP_PERM_TEXT_MAX];

	CHECK_UINT(xsp_perm_format(&perm, text), 6);
	CHECK_STR(text, "b65535");
}
