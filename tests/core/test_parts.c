/* SPDX-License-Identifier: MIT */
/*
 * Listings in parts: what the server remembers of a client's last part saves time and is never seen.
 */
#include <stdio.h>
#include <string.h>

#include "tests/core/talk.h"
#include "tests/support/check.h"

TEST(a_part_is_of_the_directory_that_is_asked_for)
{
	struct talker talker, fresh;
	struct fake fake;
	char before[64], after[64];
	const char *part;
	size_t len;

	fake_start(&fake, NULL);
	talk_begin(&talker, fake_connect(&fake));
	talk_begin(&fresh, fake_connect(&fake));
	for (int i = 100; i < 600; i++) {
		CHECK_STR(talkf(&talker, "MKDIR /c/z%d|", i), "OK|");
		CHECK_STR(talkf(&talker, "MKDIR /b/bbbbb%d|", i), "OK|");
	}
	CHECK_STR(talk(&talker, "MKDIR /empty|"), "OK|");
	part = talk(&talker, "DIRECTORY_PART /c|0|");
	/* Where its next part begins. */
	len = strlen(part) - strcspn(part, "|") - 2;
	snprintf(before, sizeof(before), "%.50s", talkf(&fresh, "DIRECTORY_PART /b|%zu|", len));
	CHECK(strstr(before, "bbb"));
	for (int round = 0; round < 2; round++) {
		talk(&talker, "DIRECTORY_PART /c|0|");
		/* No name is in this reply, so there is none to go on behind. */
		talk(&talker, round ? "DIRECTORY_PART /empty|0|" : "DIRECTORY_PART /b|999999|");
		snprintf(after, sizeof(after), "%.50s",
			 talkf(&talker, "DIRECTORY_PART /b|%zu|", len));
		CHECK_STR(after, before);
	}
	talk_end(&talker);
	talk_end(&fresh);
	fake_stop(&fake);
}
