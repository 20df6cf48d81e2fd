/* SPDX-License-Identifier: MIT */
/*
 * Transactions that keep losing win in the end, and only those who beat them wait for it.
 */
#include <stdio.h>
#include <string.h>

#include "tests/core/talk.h"
#include "tests/support/check.h"

struct stage {
	struct fake fake;
	struct talker s, t, g;
};

static struct stage *open_stage(void)
{
	static struct stage stage;

	fake_start(&stage.fake, NULL);
	talk_begin(&stage.s, fake_connect(&stage.fake));
	talk_begin(&stage.t, fake_connect(&stage.fake));
	talk_introduce(&stage.s, 7);
	talk_begin(&stage.g, fake_guest(&stage.fake, 7));
	CHECK_STR(talk(&stage.s, "WRITE /d|0"), "OK|");
	CHECK_STR(talk(&stage.s, "SET_PERMS /d|n7|b0|"), "OK|");
	return &stage;
}

static void close_stage(struct stage *stage)
{
	fake_advance(&stage->fake, 1000);
	fake_audit(&stage->fake);
	talk_end(&stage->s);
	talk_end(&stage->t);
	talk_end(&stage->g);
	fake_stop(&stage->fake);
}

/* `loser` begins, `winner` writes what it has read, `loser` fails. */
static void lose(struct talker *loser, struct talker *winner, int id)
{
	talkf(loser, "TRANSACTION_START |");
	CHECK(talkf(loser, "READ[%d] /d|", id)[0] != '!');
	CHECK_STR(talkf(loser, "WRITE[%d] /d/x|v", id), "OK|");
	CHECK_STR(talkf(winner, "WRITE /d|%d", id), "OK|");
	CHECK_STR(talkf(loser, "TRANSACTION_END[%d] T|", id), "!EAGAIN");
}

TEST(who_beat_a_transaction_too_often_waits_for_the_next)
{
	struct stage *stage = open_stage();

	for (int id = 1; id <= 3; id++)
		lose(&stage->s, &stage->g, id);
	CHECK_STR(talk(&stage->s, "TRANSACTION_START |"), "4|");
	CHECK(talk(&stage->s, "READ[4] /d|")[0] != '!');
	/* The guest's write waits; its reads, and everybody else, do not. */
	say(&stage->g, "READ /d|");
	say(&stage->g, "WRITE /d|9");
	CHECK_STR(hear(&stage->g), "3");
	CHECK_STR(hear(&stage->g), "");
	CHECK_STR(talk(&stage->t, "WRITE /other|v"), "OK|");
	CHECK_STR(talk(&stage->s, "WRITE[4] /d/x|v"), "OK|");
	CHECK_STR(talk(&stage->s, "TRANSACTION_END[4] T|"), "OK|");
	CHECK_STR(hear(&stage->g), "OK|");
	CHECK_STR(talk(&stage->s, "READ /d|"), "9");
	close_stage(stage);
}

TEST(nobody_waits_longer_than_the_limit)
{
	struct stage *stage = open_stage();

	for (int id = 1; id <= 3; id++)
		lose(&stage->s, &stage->g, id);
	CHECK_STR(talk(&stage->s, "TRANSACTION_START |"), "4|");
	say(&stage->g, "WRITE /d|9");
	CHECK_STR(hear(&stage->g), "");
	fake_advance(&stage->fake, 199);
	CHECK_STR(hear(&stage->g), "");
	fake_advance(&stage->fake, 2);
	CHECK_STR(hear(&stage->g), "OK|");
	close_stage(stage);
}

TEST(a_guest_never_holds_the_privileged_domain_up)
{
	struct stage *stage = open_stage();

	for (int id = 1; id <= 3; id++)
		lose(&stage->g, &stage->s, id);
	CHECK_STR(talk(&stage->g, "TRANSACTION_START |"), "4|");
	CHECK(talk(&stage->g, "READ[4] /d|")[0] != '!');
	CHECK_STR(talk(&stage->s, "WRITE /d|now"), "OK|");
	close_stage(stage);
}

TEST(a_client_that_waits_may_vanish)
{
	struct stage *stage = open_stage();

	for (int id = 1; id <= 3; id++)
		lose(&stage->s, &stage->t, id);
	CHECK_STR(talk(&stage->s, "TRANSACTION_START |"), "4|");
	say(&stage->t, "WRITE /d|9");
	CHECK_STR(hear(&stage->t), "");
	fake_end(stage->t.conn, true);
	fake_settle(&stage->fake);
	CHECK_STR(talk(&stage->s, "READ[4] /d|"), "3");
	CHECK_STR(talk(&stage->s, "TRANSACTION_END[4] T|"), "OK|");
	close_stage(stage);
}

TEST(unrelated_transactions_never_fail)
{
	struct stage *stage = open_stage();
	char request[64];

	for (int id = 1; id <= 50; id++) {
		talk(&stage->s, "TRANSACTION_START |");
		snprintf(request, sizeof(request), "READ[%d] /tool|", id);
		CHECK_STR(talk(&stage->s, request), "\"\"");
		talkf(&stage->s, "WRITE[%d] /own|%d", id, id);
		CHECK_STR(talk(&stage->g, "WRITE /d|v"), "OK|");
		snprintf(request, sizeof(request), "TRANSACTION_END[%d] T|", id);
		CHECK_STR(talk(&stage->s, request), "OK|");
	}
	close_stage(stage);
}
