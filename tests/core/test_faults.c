/* SPDX-License-Identifier: MIT */
/*
 * One conversation, played again for each call that can fail: the n-th allocation, the n-th call of
 * LMDB. Nobody crashes; what was answered before is as ever; whoever met the fault has a clean
 * error or is dropped; what was acknowledged is there, and what was refused is not.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/core/talk.h"
#include "tests/support/check.h"
#include "tests/support/faults.h"
#include "xenstored/base/log.h"

enum { TALKERS = 5, REPLY_MAX = 96, LINES_MAX = 128 };

/* Who says what: s and t are sockets, 1 and 2 guests; "!" is the host. "(" opens a joint turn. */
struct line {
	char who;
	const char *what;
};

static const struct line lines[] = {
	{ 's', "WRITE /ack/1|v" },
	{ 's', "WATCH /|root|" },
	{ '!', "create 1" },
	{ 's', "MKDIR /local/domain/1/data|" },
	{ 's', "SET_PERMS /local/domain/1/data|n1|r2|" },
	{ 's', "INTRODUCE 1|0|5|" },
	{ '!', "create 2" },
	{ 's', "WATCH @introduceDomain|i|1|" },
	{ 's', "INTRODUCE 2|0|6|" },
	{ '1', "WRITE data/a/b/c|1" },
	{ '1', "WATCH data|tok|" },
	{ '2', "WATCH /local/domain/1/data/a|tok2|1|" },
	{ '1', "WRITE data/a|2" },
	{ '2', "READ /local/domain/1/data/a|" },
	{ '1', "TRANSACTION_START |" },
	{ '1', "WRITE[1] data/t/x|1" },
	{ '1', "READ[1] data/a|" },
	{ '1', "DIRECTORY[1] data|" },
	{ '1', "RM[1] data/a/b|" },
	{ 't', "WRITE /ack/2|v" },
	{ '1', "SET_PERMS[1] data/t|n1|b0|" },
	{ '1', "TRANSACTION_END[1] T|" },
	{ 't', "TRANSACTION_START |" },
	{ 't', "READ[1] /ack/1|" },
	{ 't', "WRITE[1] /x/y|1" },
	{ '1', "RM data/t|" },
	{ 't', "DIRECTORY[1] /local/domain/1/data|" },
	{ 's', "RM /local/domain/1/data/a|" },
	{ 't', "DIRECTORY_PART[1] /|0|" },
	{ 't', "WRITE[1] /ack/1x|z" },
	{ 't', "TRANSACTION_END[1] T|" },
	{ 's', "WRITE /ack/{n*600}|v" },
	{ 's', "WRITE /deep/a/b/c/d/e/f/g|{v*3000}" },
	{ '(', "" },
	{ 's', "WRITE /ack/3|v" },
	{ 't', "WRITE /ack/4|v" },
	{ '1', "WRITE data/j|v" },
	{ '2', "GET_DOMAIN_PATH 2|" },
	{ ')', "" },
	{ 's', "SET_TARGET 2|1|" },
	{ '2', "WRITE /local/domain/1/data/stub|v" },
	{ 's', "CONTROL tree|/|"
	       "|" },
	{ 's', "CONTROL quota|1|" },
	{ 's', "SET_QUOTA 1|nodes|50|" },
	{ 's', "GET_QUOTA 1|nodes|" },
	{ 's', "RM /deep|" },
	{ 't', "GET_PERMS /local/domain/1/data|" },
	{ '1', "UNWATCH data|tok|" },
	{ '2', "RESET_WATCHES |" },
	{ 's', "SET_PERMS /ack/3|n0|r1|" },
	{ '!', "shutdown 2" },
	{ 's', "RESUME 2|" },
	{ '!', "dead 1" },
	{ 's', "WRITE /ack/5|v" },
	{ 's', "SET_PERMS /ack/4|n0|r2|" },
	{ 's', "RELEASE 2|" },
	{ '!', "create 1" },
	{ 's', "INTRODUCE 1|0|5|" },
	{ 's', "WRITE /local/domain/1/data|" },
	{ 's', "SET_PERMS /local/domain/1/data|n1|" },
	{ '1', "WRITE data/again|v" },
	{ '1', "TRANSACTION_START |" },
	{ 's', "SET_PERMS /ack/2|n0|r1|" },
	{ 's', "SET_FEATURE 2|2|" },
	{ 's', "WRITE /ack/6|v" },
};

enum { N_LINES = sizeof(lines) / sizeof(lines[0]) };

struct play {
	struct fake fake;
	struct talker talkers[TALKERS];
	bool is_there[TALKERS];
	bool has_started;
	char replies[N_LINES][REPLY_MAX];
};

static const char names[TALKERS + 1] = "st12";

static size_t index_of(char who)
{
	return (size_t)(strchr(names, who) - names);
}

static struct talker *find(struct play *play, char who)
{
	size_t i = index_of(who);
	struct fake_conn *conn = NULL;

	if (play->is_there[i])
		return &play->talkers[i];
	if (who == '1' || who == '2')
		conn = fake_guest(&play->fake, (unsigned)(who - '0'));
	while (!conn)
		conn = fake_connect(&play->fake);
	talk_begin(&play->talkers[i], conn);
	play->is_there[i] = true;
	return &play->talkers[i];
}

static void do_host(struct play *play, const char *what)
{
	unsigned domid = (unsigned)(strchr(what, ' ')[1] - '0');

	if (what[0] == 'c') {
		fake_domain_create(&play->fake, domid);
		/* It speaks anew. */
		if (play->is_there[index_of((char)('0' + domid))])
			talk_end(&play->talkers[index_of((char)('0' + domid))]);
		play->is_there[index_of((char)('0' + domid))] = false;
	} else if (what[0] == 'd') {
		fake_domain_destroy(&play->fake, domid);
	} else {
		play->fake.domains[domid].state.is_shut_down = true;
	}
	fake_changed(&play->fake);
	fake_settle(&play->fake);
}

/* Drops what nobody here looks at: events, and late replies of a client that went on. */
static void keep_quiet(struct talker *talker)
{
	talker->n_events = 0;
}

static void note_reply(struct play *play, size_t i, struct talker *talker)
{
	const char *reply = hear(talker);

	snprintf(play->replies[i], REPLY_MAX, "%.90s", reply);
	keep_quiet(talker);
}

static void play_lines(struct play *play)
{
	bool is_joint = false;
	size_t first = 0;

	for (size_t i = 0; i < N_LINES; i++) {
		const struct line *line = &lines[i];
		struct talker *talker;

		if (line->who == '!') {
			do_host(play, line->what);
			continue;
		}
		if (line->who == '(') {
			is_joint = true;
			first = i + 1;
			continue;
		}
		if (line->who == ')') {
			is_joint = false;
			for (size_t j = first; j < i; j++)
				note_reply(play, j, find(play, lines[j].who));
			continue;
		}
		talker = find(play, line->who);
		/* A guest that could not be introduced says nothing. */
		if (!talker->conn->client || talker->conn->is_failed) {
			snprintf(play->replies[i], REPLY_MAX, "closed");
			continue;
		}
		say(talker, line->what);
		if (!is_joint)
			note_reply(play, i, talker);
	}
}

/* What was acknowledged is there; what was refused is not. */
static void check_acknowledged(struct play *play, struct talker *talker)
{
	for (size_t i = 0; i < N_LINES; i++) {
		const char *what = lines[i].what, *reply = play->replies[i];
		char request[1024];

		if (strncmp(what, "WRITE /ack/", 11) != 0)
			continue;
		snprintf(request, sizeof(request), "READ %.*s|", (int)strcspn(what + 6, "|"),
			 what + 6);
		if (!strcmp(reply, "OK|"))
			CHECK_STR(talk(talker, request), "v");
		else if (reply[0] == '!')
			CHECK_STR(talk(talker, request), "!ENOENT");
	}
}

static void check_audit(struct play *play, unsigned n)
{
	char text[256];

	if (!server_audit(play->fake.server, text, sizeof(text)))
		CHECK_FAIL("call %u: audit: %s", n, text);
}

static bool is_clean_error(const char *reply)
{
	return !strcmp(reply, "!ENOMEM") || !strcmp(reply, "!EIO") || !strcmp(reply, "!ENOSPC") ||
	       !strcmp(reply, "closed");
}

/* Everything up to the fault is as ever, and the first that differs is a clean error. */
static void check_replies(const struct play *play, const struct play *usual, unsigned n)
{
	for (size_t i = 0; i < N_LINES; i++) {
		if (!strcmp(play->replies[i], usual->replies[i]))
			continue;
		if (!is_clean_error(play->replies[i]))
			CHECK_FAIL("call %u: %c> %s: %s, expected %s or a clean error", n,
				   lines[i].who, lines[i].what, play->replies[i],
				   usual->replies[i]);
		return;
	}
}

/* Whether a request of the conversation was answered with OK. */
static bool was_granted(const struct play *play, const char *request)
{
	for (size_t i = 0; i < N_LINES; i++) {
		if (!strcmp(lines[i].what, request))
			return !strcmp(play->replies[i], "OK|");
	}
	CHECK_FAIL("nobody says: %s", request);
	return false;
}

/* Another server goes on: whatever failed in the first, permissions mean whom they meant. */
static void check_restart(struct play *play, unsigned n)
{
	struct talker s, one, two;

	fake_domain_destroy(&play->fake, 2);
	/* To copy all files takes longer than everything else. */
	if (n % 8)
		fake_restart(&play->fake);
	else
		fake_crash(&play->fake);
	talk_begin(&s, fake_connect(&play->fake));
	talk_introduce(&s, 2);
	CHECK_STR(talk(&s, "INTRODUCE 1|0|5|"), "OK|");
	talk_begin(&one, fake_guest(&play->fake, 1));
	talk_begin(&two, fake_guest(&play->fake, 2));
	if (was_granted(play, "SET_PERMS /ack/2|n0|r1|"))
		CHECK_STR(talk(&one, "READ /ack/2|"), "v");
	if (was_granted(play, "SET_PERMS /ack/3|n0|r1|"))
		CHECK_STR(talk(&one, "READ /ack/3|"), "!EACCES");
	if (was_granted(play, "SET_PERMS /ack/4|n0|r2|"))
		CHECK_STR(talk(&two, "READ /ack/4|"), "!EACCES");
	check_audit(play, n);
	talk_end(&s);
	talk_end(&one);
	talk_end(&two);
}

/* Plays it all with the n-th call failing. False: it never came to that call. */
static bool play_once(struct play *play, enum fault_kind kind, unsigned n, unsigned *out_count)
{
	struct talker last;
	bool has_failed;
	int err;

	*play = (struct play){ 0 };
	faults_arm(kind, n, false);
	err = fake_try_start(&play->fake, NULL, faults_passing);
	if (err) {
		*out_count = faults_disarm(&has_failed);
		CHECK(has_failed);
		CHECK(err == -ENOMEM || err == -EIO || err == -ENOSPC);
		return true;
	}
	play->has_started = true;
	play_lines(play);
	*out_count = faults_disarm(&has_failed);
	/* What failed without a client to tell is tried again soon. */
	fake_advance(&play->fake, 200);
	check_audit(play, n);
	talk_begin(&last, fake_connect(&play->fake));
	CHECK_STR(talk(&last, "WRITE /last|v"), "OK|");
	CHECK_STR(talk(&last, "READ /last|"), "v");
	check_acknowledged(play, &last);
	/* What the dead have owned is gone, whatever failed on the way. */
	CHECK_STR(talk(&last, "READ /local/domain/1/data/j|"), "!ENOENT");
	CHECK_STR(talk(&last, "READ /local/domain/1/data/stub|"), "!ENOENT");
	for (size_t i = 0; i < TALKERS; i++) {
		if (play->is_there[i])
			talk_end(&play->talkers[i]);
	}
	talk_end(&last);
	check_audit(play, n);
	check_restart(play, n);
	fake_stop(&play->fake);
	return has_failed;
}

static void play_all(enum fault_kind kind)
{
	static struct play usual, play;
	unsigned count, n_calls;

	play_once(&usual, kind, 0, &n_calls);
	CHECK(n_calls > 20);
	for (size_t i = 0; i < N_LINES; i++) {
		if (usual.replies[i][0])
			CHECK(!is_clean_error(usual.replies[i]));
	}
	for (unsigned n = 1; play_once(&play, kind, n, &count); n++) {
		if (play.has_started)
			check_replies(&play, &usual, n);
	}
	printf("%u calls failed, one at a time\n", n_calls);
}

TEST(every_allocation_may_fail_once)
{
	play_all(FAULT_MEMORY);
}

TEST(every_call_of_the_database_may_fail_once)
{
	play_all(FAULT_STORE);
}

/* Writes until there is an answer other than OK; returns how many were OK. */
static int fill_up(struct talker *talker, int first, const char **out_reply)
{
	int n = first;

	do
		*out_reply = talkf(talker, "WRITE /big/%d/%d|{v*3900}", n / 100, n);
	while (!strcmp(*out_reply, "OK|") && ++n < 20000);
	return n;
}

TEST(a_full_disk_refuses_writers_and_nothing_else)
{
	struct talker s, t;
	struct fake fake;
	const char *reply;
	bool has_failed;
	int n;

	CHECK_INT(fake_try_start(&fake, NULL, faults_passing), 0);
	talk_begin(&s, fake_connect(&fake));
	talk_begin(&t, fake_connect(&fake));
	CHECK_STR(talk(&t, "WATCH /small|w|"), "OK|");
	CHECK_STR(event(&t), "/small|w|");
	CHECK_STR(talk(&s, "WRITE /small|v"), "OK|");
	CHECK_STR(event(&t), "/small|w|");
	faults_arm(FAULT_DISK, 1, true);
	n = fill_up(&s, 0, &reply);
	CHECK_STR(reply, "!ENOSPC");
	CHECK(n > 500);
	/* Readers, and what was there, are as before; a transaction is refused as a whole. */
	CHECK_STR(talk(&t, "READ /small|"), "v");
	CHECK_STR(talk(&t, "TRANSACTION_START |"), "1|");
	for (int i = 0; i < 50; i++)
		CHECK_STR(talkf(&t, "WRITE[1] /big/t/%d|{v*3900}", i), "OK|");
	CHECK_STR(talk(&t, "TRANSACTION_END[1] T|"), "!ENOSPC");
	CHECK_STR(talk(&t, "READ /big/t|"), "!ENOENT");
	fake_audit(&fake);
	/* Removing is the way out. */
	CHECK_STR(talk(&s, "RM /big|"), "OK|");
	CHECK_STR(talk(&s, "READ /big|"), "!ENOENT");
	faults_disarm(&has_failed);
	CHECK(has_failed);
	CHECK_STR(talk(&s, "WRITE /again|v"), "OK|");
	fake_settle(&fake);
	fake_audit(&fake);
	talk_end(&s);
	talk_end(&t);
	fake_stop(&fake);
}

TEST(a_disk_that_has_room_again_is_used_again)
{
	struct fake fake;
	struct talker s;
	const char *reply;
	bool has_failed;
	int n;

	CHECK_INT(fake_try_start(&fake, NULL, faults_passing), 0);
	talk_begin(&s, fake_connect(&fake));
	faults_arm(FAULT_DISK, 1, true);
	n = fill_up(&s, 0, &reply);
	CHECK_STR(reply, "!ENOSPC");
	faults_disarm(&has_failed);
	CHECK_STR(talkf(&s, "WRITE /big/%d/%d|{v*3900}", n / 100, n), "OK|");
	for (int i = 0; i <= n; i += 97)
		CHECK(strlen(talkf(&s, "READ /big/%d/%d|", i / 100, i)) == 3900);
	fake_audit(&fake);
	/* And after a restart. */
	talk_end(&s);
	fake_restart(&fake);
	talk_begin(&s, fake_connect(&fake));
	CHECK(strlen(talkf(&s, "READ /big/%d/%d|", n / 100, n)) == 3900);
	fake_audit(&fake);
	talk_end(&s);
	fake_stop(&fake);
}

TEST(memory_that_is_out_for_good_ends_clients_and_not_the_server)
{
	struct talker s, last;
	struct fake fake;
	bool has_failed;

	for (unsigned n = 1; n < 120; n += 3) {
		CHECK_INT(fake_try_start(&fake, NULL, faults_passing), 0);
		talk_begin(&s, fake_connect(&fake));
		talk(&s, "WATCH /|t|");
		faults_arm(FAULT_MEMORY, n, true);
		for (int i = 0; i < 30; i++) {
			sayf(&s, "WRITE /a/%d|{v*2000}", i);
			/* Not to the end: without memory there is always something to try again. */
			for (int turn = 0; turn < 10; turn++)
				fake_pump(&fake);
		}
		faults_disarm(&has_failed);
		fake_advance(&fake, 1000);
		fake_audit(&fake);
		talk_begin(&last, fake_connect(&fake));
		CHECK_STR(talk(&last, "WRITE /last|v"), "OK|");
		talk_end(&last);
		talk_end(&s);
		fake_stop(&fake);
	}
}

/* Introduces domain 5 and removes a tree in one turn, in which the n-th call of the store fails. */
static unsigned n_told;

static void count_told(enum log_level level, const char *text)
{
	(void)level;
	n_told += strstr(text, "so far") != NULL;
}

TEST(the_log_hears_of_trouble_now_and_then)
{
	struct talker talker;
	struct fake fake;
	bool has_failed;

	CHECK_INT(fake_try_start(&fake, NULL, faults_passing), 0);
	talk_begin(&talker, fake_connect(&fake));
	log_to(count_told);
	n_told = 0;
	faults_arm(FAULT_STORE, 1, true);
	for (int i = 0; i < 50; i++)
		CHECK(talk(&talker, "READ /tool/xenstored|")[0] == '!');
	CHECK_UINT(n_told, 1);
	fake_advance(&fake, 10000);
	CHECK(talk(&talker, "READ /tool/xenstored|")[0] == '!');
	CHECK_UINT(n_told, 2);
	faults_disarm(&has_failed);
	CHECK(has_failed);
	log_to(NULL);
	CHECK(talk(&talker, "READ /tool/xenstored|")[0] != '!');
	talk_end(&talker);
	fake_stop(&fake);
}

/* It is not tried without a pause: the processor is for others. */
TEST(a_removal_that_fails_is_tried_again_until_it_succeeds)
{
	struct talker talker;
	struct fake fake;
	bool has_failed;

	CHECK_INT(fake_try_start(&fake, NULL, faults_passing), 0);
	talk_begin(&talker, fake_connect(&fake));
	talk_introduce(&talker, 7);
	CHECK_STR(talk(&talker, "WRITE /local/domain/7/data|v"), "OK|");
	CHECK_STR(talk(&talker, "SET_PERMS /local/domain/7/data|n7|"), "OK|");
	fake_domain_destroy(&fake, 7);
	fake_changed(&fake);
	faults_arm(FAULT_STORE, 1, true);
	for (int i = 0; i < 20; i++)
		fake_advance(&fake, 100);
	CHECK(faults_disarm(&has_failed) <= 500);
	CHECK(has_failed);
	fake_advance(&fake, 200);
	CHECK_STR(talk(&talker, "READ /local/domain/7/data|"), "!ENOENT");
	fake_audit(&fake);
	talk_end(&talker);
	fake_stop(&fake);
}

static bool introduce_once(unsigned n)
{
	struct talker s, t, five;
	struct fake fake;
	const char *reply;
	bool has_failed;

	CHECK_INT(fake_try_start(&fake, NULL, faults_passing), 0);
	talk_begin(&s, fake_connect(&fake));
	talk_begin(&t, fake_connect(&fake));
	CHECK_STR(talk(&s, "WRITE /x|v"), "OK|");
	CHECK_STR(talk(&s, "WRITE /a/b|v"), "OK|");
	fake_domain_create(&fake, 5);
	faults_arm(FAULT_STORE, n, false);
	say(&s, "INTRODUCE 5|0|5|");
	say(&t, "RM /a|");
	hear(&t);
	faults_disarm(&has_failed);
	reply = hear(&s);
	if (strcmp(reply, "OK|") != 0)
		CHECK(is_clean_error(reply));
	CHECK_STR(talk(&s, "INTRODUCE 5|0|5|"), "OK|");
	CHECK_STR(talk(&s, "SET_PERMS /x|n0|r5|"), "OK|");
	fake_crash(&fake);
	talk_end(&s);
	talk_end(&t);
	talk_begin(&s, fake_connect(&fake));
	CHECK_STR(talk(&s, "INTRODUCE 5|0|5|"), "OK|");
	talk_begin(&five, fake_guest(&fake, 5));
	CHECK_STR(talk(&five, "READ /x|"), "v");
	fake_audit(&fake);
	talk_end(&s);
	talk_end(&five);
	fake_stop(&fake);
	return has_failed;
}

TEST(a_domain_of_a_lost_turn_is_known_behind_a_restart)
{
	unsigned n = 1;

	while (introduce_once(n))
		n++;
	CHECK(n > 4);
}
