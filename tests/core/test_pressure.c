/* SPDX-License-Identifier: MIT */
/*
 * Clients that do not read, that ask for more than they may, or that keep transactions open: what
 * they cost is bounded, and paid by themselves.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/core/talk.h"
#include "tests/support/check.h"
#include "xenstored/base/log.h"
#include "xenstored/core/state.h"
#include "xenstored/store/db.h"

/* A server with one socket and one introduced guest, domain 7, that owns /d. */
struct stage {
	struct fake fake;
	struct talker s, g;
};

static struct stage *open_stage(const struct server_config *config)
{
	static struct stage stage;

	fake_start(&stage.fake, config);
	talk_begin(&stage.s, fake_connect(&stage.fake));
	talk_introduce(&stage.s, 7);
	talk_begin(&stage.g, fake_guest(&stage.fake, 7));
	CHECK_STR(talk(&stage.s, "MKDIR /d|"), "OK|");
	CHECK_STR(talk(&stage.s, "SET_PERMS /d|n7|"), "OK|");
	return &stage;
}

static void close_stage(struct stage *stage)
{
	fake_settle(&stage->fake);
	fake_audit(&stage->fake);
	talk_end(&stage->s);
	talk_end(&stage->g);
	fake_stop(&stage->fake);
}

/* A counter of a domain as CONTROL quota shows it. */
static unsigned long usage_of(struct talker *talker, unsigned domid, const char *name)
{
	const char *text = talkf(talker, "CONTROL quota|%u|", domid), *at = strstr(text, name);

	if (!at)
		CHECK_FAIL("no %s in %s", name, text);
	at = strchr(at, ':') + 1;
	/* Blanks are spelled \s. */
	while (!strncmp(at, "\\s", 2))
		at += 2;
	return strtoul(at, NULL, 10);
}

TEST(a_guest_with_enough_outstanding_requests_waits_until_others_have_read)
{
	struct stage *stage = open_stage(NULL);
	struct talker deaf;

	talk_begin(&deaf, fake_connect(&stage->fake));
	CHECK_STR(talk(&deaf, "WATCH /d|{t*200}|"), "OK|");
	fake_settle(&stage->fake);
	/* What is under way already has reached it; from now on it takes nothing. */
	deaf.conn->window = 0;
	for (int i = 0; i < 25; i++)
		sayf(&stage->g, "WRITE /d/%d|v", i);
	for (int i = 0; i < 20; i++)
		CHECK_STR(hear(&stage->g), "OK|");
	CHECK_STR(hear(&stage->g), "");
	CHECK_UINT(usage_of(&stage->s, 7, "outstanding"), 20);
	deaf.conn->window = FAKE_WINDOW;
	for (int i = 0; i < 2; i++)
		event(&deaf);
	for (int i = 20; i < 25; i++)
		CHECK_STR(hear(&stage->g), "OK|");
	while (event(&deaf)[0])
		continue;
	CHECK_UINT(usage_of(&stage->s, 7, "outstanding"), 0);
	talk_end(&deaf);
	close_stage(stage);
}

/* Somebody in dom0 has stopped a program that watches. */
TEST(a_watcher_that_never_reads_slows_guests_and_does_not_stop_them)
{
	struct stage *stage = open_stage(NULL);
	struct talker deaf;
	int done = 0;

	talk_begin(&deaf, fake_connect(&stage->fake));
	CHECK_STR(talk(&deaf, "WATCH /d|t|"), "OK|");
	CHECK_STR(event(&deaf), "/d|t|");
	deaf.conn->window = 0;
	for (int i = 0; i < 60; i++)
		sayf(&stage->g, "WRITE /d/%d|v", i);
	/* Each time it has had the time that a guest would have, as many may be asked again. */
	for (int round = 1; round <= 3; round++) {
		while (!strcmp(hear(&stage->g), "OK|"))
			done++;
		CHECK_INT(done, 20 * round);
		CHECK_UINT(usage_of(&stage->s, 7, "outstanding"), 20);
		fake_advance(&stage->fake, 22000);
	}
	CHECK_UINT(usage_of(&stage->s, 7, "outstanding"), 0);
	/* It has lost nothing. */
	deaf.conn->window = FAKE_WINDOW;
	for (int i = 0; i < 60; i++) {
		char text[32];

		sprintf(text, "/d/%d|t|", i);
		CHECK_STR(event(&deaf), text);
	}
	talk_end(&deaf);
	close_stage(stage);
}

TEST(what_a_guest_itself_has_not_read_is_outstanding_however_long)
{
	struct stage *stage = open_stage(NULL);
	struct talker deaf;

	talk_begin(&deaf, fake_connect(&stage->fake));
	CHECK_STR(talk(&deaf, "WATCH /d|t|"), "OK|");
	CHECK_STR(event(&deaf), "/d|t|");
	deaf.conn->window = 0;
	stage->g.conn->is_read = false;
	/* Replies that fill the ring, and then some. */
	CHECK_STR(talk(&stage->s, "WRITE /d/long|{v*2000}"), "OK|");
	for (int i = 0; i < 10; i++) {
		sayf(&stage->g, "READ /d/long|");
		sayf(&stage->g, "WRITE /d/%d|v", i);
	}
	fake_advance(&stage->fake, 60000);
	CHECK(usage_of(&stage->s, 7, "outstanding") >= 18);
	stage->g.conn->is_read = true;
	fake_advance(&stage->fake, 60000);
	while (hear(&stage->g)[0])
		continue;
	CHECK_UINT(usage_of(&stage->s, 7, "outstanding"), 10);
	fake_advance(&stage->fake, 22000);
	CHECK_UINT(usage_of(&stage->s, 7, "outstanding"), 0);
	talk_end(&deaf);
	close_stage(stage);
}

/* A transaction's events may be many, and long. */
TEST(many_bytes_of_events_count_as_many_requests)
{
	struct stage *stage = open_stage(NULL);
	struct talker deaf;

	talk_begin(&deaf, fake_connect(&stage->fake));
	CHECK_STR(talk(&deaf, "WATCH /d|{t*3000}|"), "OK|");
	CHECK(!strncmp(event(&deaf), "/d|", 3));
	deaf.conn->window = 0;
	CHECK_STR(talk(&stage->g, "TRANSACTION_START |"), "1|");
	for (int i = 0; i < 400; i++)
		CHECK_STR(talkf(&stage->g, "WRITE[1] /d/%d|v", i), "OK|");
	CHECK_STR(talk(&stage->g, "TRANSACTION_END[1] T|"), "OK|");
	/* 1.2 MB, at 64 KiB each. */
	CHECK_UINT(usage_of(&stage->s, 7, "outstanding"), 1 + 18);
	fake_audit(&stage->fake);
	fake_end(deaf.conn, true);
	fake_settle(&stage->fake);
	CHECK_UINT(usage_of(&stage->s, 7, "outstanding"), 0);
	talk_end(&deaf);
	close_stage(stage);
}

TEST(what_a_dead_guest_has_asked_for_holds_nobody_else_up)
{
	struct stage *stage = open_stage(NULL);
	struct talker deaf;

	talk_begin(&deaf, fake_connect(&stage->fake));
	CHECK_STR(talk(&deaf, "WATCH /d|{t*200}|"), "OK|");
	CHECK(!strncmp(event(&deaf), "/d|", 3));
	deaf.conn->window = 0;
	for (int life = 0; life < 3; life++) {
		for (int i = 0; i < 25; i++)
			sayf(&stage->g, "WRITE /d/%d/%d|v", life, i);
		for (int i = 0; i < 20; i++)
			CHECK_STR(hear(&stage->g), "OK|");
		CHECK_STR(hear(&stage->g), "");
		CHECK_UINT(usage_of(&stage->s, 7, "outstanding"), 20);
		if (life == 1)
			CHECK_STR(talk(&stage->s, "RELEASE 7|"), "OK|");
		fake_domain_destroy(&stage->fake, 7);
		fake_changed(&stage->fake);
		fake_settle(&stage->fake);
		/* Its number is another's now, who has asked for nothing. */
		talk_introduce(&stage->s, 7);
		talk_end(&stage->g);
		talk_begin(&stage->g, fake_guest(&stage->fake, 7));
		CHECK_UINT(usage_of(&stage->s, 7, "outstanding"), 0);
		CHECK_STR(talk(&stage->s, "MKDIR /d|"), "OK|");
		CHECK_STR(talk(&stage->s, "SET_PERMS /d|n7|"), "OK|");
		CHECK_STR(talk(&stage->g, "WRITE /d|v"), "OK|");
		CHECK_UINT(usage_of(&stage->s, 7, "outstanding"), 0);
	}
	/* What they caused is delivered all the same, and counts for nobody. */
	fake_domain_destroy(&stage->fake, 7);
	fake_changed(&stage->fake);
	fake_settle(&stage->fake);
	deaf.conn->window = FAKE_WINDOW;
	for (int life = 0; life < 3; life++) {
		char text[32];

		for (int i = 0; i < 20; i++) {
			sprintf(text, "/d/%d/%d|", life, i);
			CHECK(!strncmp(event(&deaf), text, strlen(text)));
		}
		/* Its removal; later ones are the same event. */
		if (life == 0)
			CHECK(!strncmp(event(&deaf), "/d|", 3));
	}
	CHECK_STR(event(&deaf), "");
	talk_end(&deaf);
	close_stage(stage);
}

TEST(events_that_a_guest_leaves_unread_are_dropped_in_time)
{
	struct stage *stage = open_stage(NULL);

	stage->g.conn->is_read = false;
	talk(&stage->g, "WATCH /d|{t*200}|");
	for (int i = 0; i < 50; i++)
		CHECK_STR(talkf(&stage->s, "WRITE /d/%d|v", i), "OK|");
	CHECK(usage_of(&stage->s, 7, "memory") > 50 * 200);
	/* Time passes; nobody does anything. */
	fake_advance(&stage->fake, 22000);
	CHECK(usage_of(&stage->s, 7, "memory") < 50 * 80 + 4 * 300);
	close_stage(stage);
}

TEST(a_guest_that_reads_nothing_uses_no_more_than_its_memory)
{
	struct stage *stage = open_stage(NULL);
	unsigned long most = 0, now;

	stage->g.conn->is_read = false;
	talk(&stage->g, "WATCH /d|{t*1500}|");
	for (int i = 0; i < 3000; i++) {
		CHECK_STR(talkf(&stage->s, "WRITE /d/%d|v", i % 600), "OK|");
		if (i % 50 == 0) {
			now = usage_of(&stage->s, 7, "memory");
			most = now > most ? now : most;
		}
	}
	CHECK(most <= 2560 * 1024);
	close_stage(stage);
}

static unsigned n_lines;

static void count_lines(enum log_level level, const char *text)
{
	(void)level;
	n_lines += strstr(text, "soft memory limit") != NULL;
}

TEST(a_guest_that_jumps_over_its_soft_limit_and_back_does_not_fill_the_log)
{
	struct stage *stage = open_stage(NULL);

	CHECK_STR(talk(&stage->s, "SET_QUOTA 7|soft-memory|5000|"), "OK|");
	log_to(count_lines);
	n_lines = 0;
	for (int i = 0; i < 100; i++) {
		CHECK_STR(talk(&stage->g, "WRITE /d/a|{v*2000}"), "OK|");
		CHECK_STR(talk(&stage->g, "WRITE /d/b|{v*2000}"), "OK|");
		CHECK_STR(talk(&stage->g, "WRITE /d/c|{v*2000}"), "OK|");
		CHECK_STR(talk(&stage->g, "RM /d/a|"), "OK|");
		CHECK_STR(talk(&stage->g, "RM /d/b|"), "OK|");
		CHECK_STR(talk(&stage->g, "RM /d/c|"), "OK|");
	}
	CHECK_UINT(n_lines, 1);
	fake_advance(&stage->fake, 10000);
	CHECK_STR(talk(&stage->g, "WRITE /d|v"), "OK|");
	CHECK_UINT(n_lines, 2);
	log_to(NULL);
	close_stage(stage);
}

TEST(a_socket_that_reads_nothing_is_dropped)
{
	struct stage *stage = open_stage(NULL);
	struct talker deaf;
	int i;

	talk_begin(&deaf, fake_connect(&stage->fake));
	CHECK_STR(talk(&deaf, "WATCH /d|{t*4000}|"), "OK|");
	deaf.conn->window = 0;
	for (i = 0; i < 6000 && deaf.conn->client; i++)
		CHECK_STR(talkf(&stage->s, "WRITE /d/%d|v", i), "OK|");
	/* 16 MiB of events of 4 KB each. */
	CHECK(i > 3500 && i < 5000);
	CHECK_STR(talk(&stage->s, "READ /d/1|"), "v");
	talk_end(&deaf);
	close_stage(stage);
}

TEST(a_transaction_that_touches_too_much_is_refused_and_gives_all_back)
{
	struct stage *stage = open_stage(NULL);
	const char *reply = "";
	unsigned long before;
	int i;

	for (i = 0; i < 1100; i++)
		CHECK_STR(talkf(&stage->s, "WRITE /n/%d|v", i), "OK|");
	CHECK_STR(talk(&stage->s, "SET_PERMS /n|b0|"), "OK|");
	before = usage_of(&stage->s, 7, "memory");
	CHECK_STR(talk(&stage->g, "TRANSACTION_START |"), "1|");
	for (i = 0; i < 1100; i++) {
		reply = talkf(&stage->g, "READ[1] /n/%d|", i);
		if (reply[0] != '!' || !strcmp(reply, "!ENOSPC"))
			break;
	}
	CHECK_STR(reply, "!ENOSPC");
	CHECK(i > 1000 && i < 1024);
	CHECK(usage_of(&stage->s, 7, "memory") > before);
	CHECK_STR(talk(&stage->g, "TRANSACTION_END[1] F|"), "OK|");
	CHECK_UINT(usage_of(&stage->s, 7, "memory"), before);
	close_stage(stage);
}

TEST(all_transactions_of_a_guest_together_stay_within_its_memory)
{
	struct stage *stage = open_stage(NULL);
	char path[2200] = "";

	for (int i = 0; i < 1000; i++)
		strcat(path, "/a");
	for (int i = 1; i <= 10; i++) {
		CHECK(talk(&stage->g, "TRANSACTION_START |")[0] != '!');
		for (int j = 0; j < 40; j++)
			talkf(&stage->g, "WRITE[%d] /d/%d%s|{v*1500}", i, j, path);
		/* One request may pass the limit, the next may not begin. */
		CHECK(usage_of(&stage->s, 7, "memory") < 2560 * 1024 + 2 * 1024 * 1024);
	}
	CHECK_STR(talk(&stage->g, "RESET_WATCHES |"), "OK|");
	CHECK_UINT(usage_of(&stage->s, 7, "transactions"), 0);
	close_stage(stage);
}

TEST(an_open_transaction_costs_nothing_while_one_node_is_written_for_ever)
{
	struct stage *stage = open_stage(NULL);
	uint64_t file_before, file_after, used;
	size_t history;

	CHECK_STR(talk(&stage->s, "WRITE /x|0"), "OK|");
	CHECK_STR(talk(&stage->g, "TRANSACTION_START |"), "1|");
	CHECK_STR(talk(&stage->s, "WRITE /x|1"), "OK|");
	db_size(stage->fake.store->db, &file_before, &used);
	history = stage->fake.store->history.bytes;
	for (int i = 0; i < 20000; i++)
		CHECK_STR(talkf(&stage->s, "WRITE /x|%d", i), "OK|");
	db_size(stage->fake.store->db, &file_after, &used);
	CHECK_UINT(stage->fake.store->history.bytes, history);
	CHECK(file_after <= file_before + (8 << 20));
	CHECK_STR(talk(&stage->g, "TRANSACTION_END[1] F|"), "OK|");
	CHECK_UINT(stage->fake.store->history.bytes, 0);
	close_stage(stage);
}

TEST(a_transaction_whose_history_grows_too_large_fails)
{
	struct stage *stage = open_stage(NULL);
	struct talker other;

	talk_begin(&other, fake_connect(&stage->fake));
	for (int i = 0; i < 19000; i++)
		CHECK_STR(talkf(&stage->s, "WRITE /h/%d|{v*3900}", i), "OK|");
	CHECK_STR(talk(&other, "TRANSACTION_START |"), "1|");
	CHECK_STR(talk(&other, "WRITE[1] /mine|v"), "OK|");
	for (int i = 0; i < 19000; i++)
		CHECK_STR(talkf(&stage->s, "WRITE /h/%d|w", i), "OK|");
	CHECK(stage->fake.store->history.bytes < 70 << 20);
	CHECK_STR(talk(&other, "TRANSACTION_END[1] T|"), "!EAGAIN");
	CHECK_STR(talk(&other, "READ /mine|"), "!ENOENT");
	talk_end(&other);
	close_stage(stage);
}

TEST(resetting_watches_leaves_no_memory_behind)
{
	struct stage *stage = open_stage(NULL);
	size_t before = 0, after;

	for (int round = 0; round < 60; round++) {
		for (int i = 0; i < 128; i++) {
			CHECK_STR(talkf(&stage->g, "WATCH /d/%d/%d|t|", i, i), "OK|");
			stage->g.n_events = 0;
		}
		CHECK_STR(talk(&stage->g, "WATCH /d/more|t|"), "!ENOSPC");
		CHECK_STR(talk(&stage->g, "RESET_WATCHES |"), "OK|");
		stage->g.n_events = 0;
		if (round == 10)
			before = stage->fake.server ? mallinfo2().uordblks : 0;
	}
	after = mallinfo2().uordblks;
	CHECK(after <= before + 64 * 1024);
	CHECK_UINT(usage_of(&stage->s, 7, "watches"), 0);
	close_stage(stage);
}

TEST(removing_a_large_subtree_holds_nobody_up)
{
	struct stage *stage = open_stage(NULL);
	struct talker other;
	unsigned n_turns = 0;

	talk_begin(&other, fake_connect(&stage->fake));
	for (int i = 0; i < 20000; i++)
		CHECK_STR(talkf(&stage->s, "WRITE /big/%d/%d|v", i % 100, i), "OK|");
	say(&stage->s, "RM /big|");
	say(&other, "WRITE /small|v");
	/* One turn answers both, whatever hangs below. */
	fake_pump(&stage->fake);
	CHECK(stage->s.conn->from.len > 0 && other.conn->from.len > 0);
	CHECK(stage->fake.store->n_garbage > 0);
	/* The rest is done bit by bit, though nobody asks for anything. */
	while (stage->fake.store->n_garbage > 0) {
		CHECK(fake_pump(&stage->fake));
		n_turns++;
	}
	CHECK(n_turns >= 20);
	CHECK_STR(hear(&stage->s), "OK|");
	CHECK_STR(hear(&other), "OK|");
	CHECK_STR(talk(&other, "READ /big|"), "!ENOENT");
	talk_end(&other);
	close_stage(stage);
}

TEST(a_refusal_does_not_reclaim_everybodys_nodes_first)
{
	struct stage *stage = open_stage(NULL);
	unsigned n_turns = 0;

	CHECK_STR(talk(&stage->s, "SET_QUOTA 7|nodes|10|"), "OK|");
	for (int i = 0; i < 9; i++)
		CHECK_STR(talkf(&stage->g, "MKDIR /d/%d|", i), "OK|");
	for (int i = 0; i < 20000; i++)
		CHECK_STR(talkf(&stage->s, "WRITE /big/%d/%d|v", i % 100, i), "OK|");
	say(&stage->s, "RM /big|");
	fake_pump(&stage->fake);
	/* Whoever it is that is refused, the others wait for a bounded part of it at a time. */
	while (stage->fake.store->n_garbage > 0) {
		say(&stage->g, "MKDIR /d/more|");
		CHECK(fake_pump(&stage->fake));
		n_turns++;
	}
	CHECK(n_turns >= 4);
	CHECK_STR(hear(&stage->s), "OK|");
	for (unsigned i = 0; i < n_turns; i++)
		CHECK_STR(hear(&stage->g), "!ENOSPC");
	close_stage(stage);
}

TEST(what_waited_for_a_transaction_is_reclaimed_when_it_is_over)
{
	struct stage *stage = open_stage(NULL);

	for (int i = 0; i < 2000; i++)
		CHECK_STR(talkf(&stage->s, "WRITE /big/%d|v", i), "OK|");
	CHECK_STR(talk(&stage->g, "TRANSACTION_START |"), "1|");
	CHECK_STR(talk(&stage->s, "RM /big|"), "OK|");
	fake_settle(&stage->fake);
	CHECK(stage->fake.store->n_garbage > 0);
	CHECK_STR(talk(&stage->g, "TRANSACTION_END[1] F|"), "OK|");
	/* Nobody asks for anything any more. */
	fake_settle(&stage->fake);
	CHECK_UINT(stage->fake.store->n_garbage, 0);
	close_stage(stage);
}

/* Sets the guest's memory quota so that `more` bytes are left. */
static void leave_memory(struct stage *stage, unsigned long more)
{
	unsigned long used = usage_of(&stage->s, 7, "memory");

	CHECK_STR(talkf(&stage->s, "SET_QUOTA 7|memory|%lu|", used + more), "OK|");
}

/* Domain 7 has 16 kB in /d/big, and nearly no memory beyond. */
static struct stage *open_full_stage(void)
{
	struct stage *stage = open_stage(NULL);

	for (int i = 0; i < 8; i++)
		CHECK_STR(talkf(&stage->g, "WRITE /d/big/%d|{v*1900}", i), "OK|");
	CHECK_STR(talk(&stage->s, "WRITE /d/public|{v*3000}"), "OK|");
	CHECK_STR(talk(&stage->s, "SET_PERMS /d/public|r0|"), "OK|");
	leave_memory(stage, 400);
	return stage;
}

/*
 * A request that needs more than there is. It is refused; but not behind another one, in the same
 * turn, that gives up as much. (What fits the ring at once is read in one turn.)
 */
static void check_room_is_made(struct stage *stage, const char *request, const char *reply,
			       const char *refusal)
{
	CHECK_STR(talk(&stage->g, request), refusal);
	say(&stage->g, "RM /d/big|");
	say(&stage->g, request);
	CHECK_STR(hear(&stage->g), "OK|");
	CHECK_STR(hear(&stage->g), reply);
}

TEST(a_watch_may_have_the_memory_of_what_was_removed)
{
	struct stage *stage = open_full_stage();

	check_room_is_made(stage, "WATCH /d|{t*600}|", "OK|", "!ENOSPC");
	close_stage(stage);
}

TEST(a_reply_may_have_the_memory_of_what_was_removed)
{
	struct stage *stage = open_full_stage();

	CHECK_STR(talk(&stage->g, "READ /d/public|"), "!ENOMEM");
	say(&stage->g, "RM /d/big|");
	say(&stage->g, "READ /d/public|");
	CHECK_STR(hear(&stage->g), "OK|");
	CHECK_UINT(strlen(hear(&stage->g)), 3000);
	close_stage(stage);
}

TEST(a_change_in_a_transaction_may_have_the_memory_of_what_was_removed)
{
	struct stage *stage = open_full_stage();

	leave_memory(stage, 1500);
	CHECK_STR(talk(&stage->g, "TRANSACTION_START |"), "1|");
	check_room_is_made(stage, "WRITE[1] /d/x|{v*1800}", "OK|", "!ENOSPC");
	CHECK_STR(talk(&stage->g, "TRANSACTION_END[1] T|"), "OK|");
	CHECK_UINT(strlen(talk(&stage->g, "READ /d/x|")), 1800);
	close_stage(stage);
}

TEST(looking_around_in_a_transaction_may_have_the_memory_of_what_was_removed)
{
	struct stage *stage = open_full_stage();

	CHECK_STR(talk(&stage->s, "WRITE /d/1/2/3/4/5/6/7/8/9/10|far"), "OK|");
	CHECK_STR(talk(&stage->g, "TRANSACTION_START |"), "1|");
	check_room_is_made(stage, "READ[1] /d/1/2/3/4/5/6/7/8/9/10|", "far", "!ENOSPC");
	CHECK_STR(talk(&stage->g, "TRANSACTION_END[1] T|"), "OK|");
	close_stage(stage);
}

TEST(what_fits_after_all_is_no_refusal)
{
	struct stage *stage = open_full_stage();
	unsigned long n_hits;

	say(&stage->g, "RM /d/big|");
	say(&stage->g, "WATCH /d|{t*600}|");
	say(&stage->g, "WRITE /d/again|{v*300}");
	for (int i = 0; i < 3; i++)
		CHECK_STR(hear(&stage->g), "OK|");
	n_hits = domain_find(&stage->fake.server->domains, 7)->ledger.hits[QUOTA_MEMORY];
	CHECK_UINT(n_hits, 0);
	close_stage(stage);
}
