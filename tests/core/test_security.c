/* SPDX-License-Identifier: MIT */
/*
 * The published advisories about xenstore servers, as far as one process can play them. The names
 * say what must hold; the number of the advisory stands in front of each.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "protocol/path.h"
#include "tests/core/talk.h"
#include "tests/support/check.h"

enum { GUESTS_MAX = 10 };

struct stage {
	struct fake fake;
	struct talker s, t;
	struct talker guests[GUESTS_MAX + 1];
};

static struct stage *open_stage(unsigned n_guests)
{
	static struct stage stage;

	fake_start(&stage.fake, NULL);
	talk_begin(&stage.s, fake_connect(&stage.fake));
	talk_begin(&stage.t, fake_connect(&stage.fake));
	for (unsigned domid = 1; domid <= n_guests; domid++) {
		talk_introduce(&stage.s, domid);
		talk_begin(&stage.guests[domid], fake_guest(&stage.fake, domid));
		talkf(&stage.s, "MKDIR /g/%u|", domid);
		talkf(&stage.s, "SET_PERMS /g/%u|n%u|", domid, domid);
	}
	return &stage;
}

static void close_stage(struct stage *stage)
{
	fake_settle(&stage->fake);
	fake_audit(&stage->fake);
	CHECK_STR(talk(&stage->s, "GET_DOMAIN_PATH 1|"), "/local/domain/1|");
	talk_end(&stage->s);
	talk_end(&stage->t);
	for (unsigned i = 0; i <= GUESTS_MAX; i++)
		talk_end(&stage->guests[i]);
	fake_stop(&stage->fake);
}

static void kill_domain(struct stage *stage, unsigned domid)
{
	fake_domain_destroy(&stage->fake, domid);
	fake_changed(&stage->fake);
	fake_settle(&stage->fake);
}

static void revive(struct stage *stage, unsigned domid)
{
	talk_introduce(&stage->s, domid);
	talk_end(&stage->guests[domid]);
	talk_begin(&stage->guests[domid], fake_guest(&stage->fake, domid));
}

static int nodes_of(struct stage *stage, unsigned domid)
{
	const char *at = strstr(talkf(&stage->s, "CONTROL quota|%u|", domid), "nodes");
	int n = -1;

	at = strchr(at, ':') + 1;
	while (!strncmp(at, "\\s", 2))
		at += 2;
	sscanf(at, "%d", &n);
	return n;
}

/* 233: a stub and its target die together, in either order, with everything open. */
TEST(a_stub_domain_and_its_target_end_in_either_order)
{
	struct stage *stage = open_stage(2);

	for (int round = 0; round < 200; round++) {
		const char *orders[] = { "12", "21" };

		CHECK_STR(talk(&stage->s, "SET_TARGET 2|1|"), "OK|");
		for (unsigned domid = 1; domid <= 2; domid++) {
			talk(&stage->guests[domid], "TRANSACTION_START |");
			talk(&stage->guests[domid], "WATCH /g/1|t|");
			say(&stage->guests[domid], "WRITE /g/1/x|v");
		}
		if (round % 3 == 0) {
			for (int i = 0; i < 2; i++)
				sayf(&stage->s, "RELEASE %c|", orders[round % 2][i]);
			CHECK_STR(hear(&stage->s), "OK|");
			CHECK_STR(hear(&stage->s), "OK|");
		} else {
			fake_domain_destroy(&stage->fake, 1);
			if (round % 3 == 1)
				fake_domain_destroy(&stage->fake, 2);
			fake_changed(&stage->fake);
			fake_settle(&stage->fake);
			kill_domain(stage, 2);
		}
		revive(stage, 1);
		revive(stage, 2);
		talk(&stage->s, "MKDIR /g/1|");
		talk(&stage->s, "SET_PERMS /g/1|n1|");
		/* The link went with the first target. */
		CHECK_STR(talk(&stage->guests[2], "READ /g/1|"), "!EACCES");
	}
	close_stage(stage);
}

/* 322, 417: what was allowed to a domain, or made by it, is not for the next of its number. */
TEST(a_reborn_domain_inherits_nothing)
{
	struct stage *stage = open_stage(2);

	talk(&stage->s, "WRITE /x|v");
	talk(&stage->s, "SET_PERMS /x|n0|r1|");
	talk(&stage->s, "SET_PERMS @introduceDomain|n0|r1|");
	talk(&stage->guests[1], "WRITE /g/1/own|v");
	talk(&stage->s, "SET_PERMS /g/2|n2|b1|");
	/* Dead and reborn between two looks of the server: only the unique id tells. */
	fake_domain_create(&stage->fake, 1);
	fake_changed(&stage->fake);
	fake_settle(&stage->fake);
	CHECK_STR(talk(&stage->s, "IS_DOMAIN_INTRODUCED 1|"), "F|");
	CHECK_STR(talk(&stage->s, "INTRODUCE 1|0|5|"), "OK|");
	talk_end(&stage->guests[1]);
	talk_begin(&stage->guests[1], fake_guest(&stage->fake, 1));
	CHECK_STR(talk(&stage->guests[1], "READ /x|"), "!EACCES");
	CHECK_STR(talk(&stage->guests[1], "READ /g/2|"), "!EACCES");
	CHECK_STR(talk(&stage->s, "READ /g/1/own|"), "!ENOENT");
	CHECK_STR(talk(&stage->s, "GET_PERMS /x|"), "n0|");
	CHECK_STR(talk(&stage->s, "GET_PERMS @introduceDomain|"), "n0|");
	close_stage(stage);
}

/* 322, 417: the same of a domain that was named by its toolstack, and died before it was introduced. */
TEST(a_domain_introduced_for_the_first_time_inherits_nothing)
{
	struct stage *stage = open_stage(0);

	fake_domain_create(&stage->fake, 3);
	CHECK_STR(talk(&stage->s, "WRITE /local/domain/3/secret|v"), "OK|");
	CHECK_STR(talk(&stage->s, "SET_PERMS /local/domain/3|n3|"), "OK|");
	/* Nobody has told the server yet. */
	fake_domain_create(&stage->fake, 3);
	CHECK_STR(talk(&stage->s, "INTRODUCE 3|0|5|"), "OK|");
	talk_begin(&stage->guests[3], fake_guest(&stage->fake, 3));
	CHECK_STR(talk(&stage->guests[3], "WRITE /local/domain/3/x|v"), "!EACCES");
	CHECK_STR(talk(&stage->s, "READ /local/domain/3|"), "!ENOENT");
	close_stage(stage);
}

/* 324: an event that cannot be sent is not, and nothing else is lost. */
TEST(an_event_too_long_for_a_message_is_left_out)
{
	struct stage *stage = open_stage(0);

	CHECK_STR(talk(&stage->s, "WATCH /|{t*4080}|"), "OK|");
	CHECK(event(&stage->s)[0]);
	CHECK_STR(talk(&stage->t, "WRITE /longer/than/what/is/left|v"), "OK|");
	CHECK_STR(event(&stage->s), "");
	CHECK_STR(talk(&stage->t, "WRITE /short|v"), "OK|");
	CHECK(event(&stage->s)[0]);
	close_stage(stage);
}

/* 325: a guest that breaks its ring is not gone; when it is, that is told once. */
TEST(a_broken_ring_is_no_end_of_a_domain)
{
	struct stage *stage = open_stage(1);

	talk(&stage->s, "WATCH @releaseDomain|r|");
	CHECK_STR(event(&stage->s), "@releaseDomain|r|");
	*(&stage->guests[1].conn->page.req_prod) = 5000;
	fake_notify(stage->guests[1].conn);
	CHECK_STR(event(&stage->s), "");
	CHECK(stage->guests[1].conn->is_failed);
	kill_domain(stage, 1);
	CHECK_STR(event(&stage->s), "@releaseDomain|r|");
	CHECK_STR(event(&stage->s), "");
	close_stage(stage);
}

/* 38: a ring that is full to the last byte is served. */
TEST(a_ring_full_to_the_last_byte_is_served)
{
	struct stage *stage = open_stage(1);
	struct talker *guest = &stage->guests[1];
	char request[256];

	/* 1024 bytes in 16 requests of 64. */
	for (int i = 0; i < 16; i++) {
		snprintf(request, sizeof(request), "WRITE /g/1/a|{%c*%d}", 'a' + i, 64 - 16 - 7);
		say(guest, request);
	}
	CHECK_UINT(guest->conn->to.len, XSP_RING_SIZE);
	for (int i = 0; i < 16; i++)
		CHECK_STR(hear(guest), "OK|");
	close_stage(stage);
}

/* 414: a creation that its quota ends half-way leaves nothing. */
TEST(a_refused_deep_creation_leaves_no_part_of_it)
{
	struct stage *stage = open_stage(1);

	talk(&stage->s, "SET_QUOTA 1|nodes|4|");
	CHECK_STR(talk(&stage->guests[1], "WRITE /g/1/a/b/c/d/e|v"), "!ENOSPC");
	CHECK_STR(talk(&stage->s, "DIRECTORY /g/1|"), "\"\"");
	CHECK_INT(nodes_of(stage, 1), 1);
	CHECK_STR(talk(&stage->guests[1], "WRITE /g/1/a/b/c|v"), "OK|");
	CHECK_STR(talk(&stage->guests[1], "WRITE /g/1/x|v"), "!ENOSPC");
	close_stage(stage);
}

/* 415: the same in a transaction that is committed after all. */
TEST(a_refused_deep_creation_in_a_transaction_leaves_no_part_of_it)
{
	struct stage *stage = open_stage(1);

	talk(&stage->s, "SET_QUOTA 1|nodes|4|");
	CHECK_STR(talk(&stage->guests[1], "TRANSACTION_START |"), "1|");
	CHECK_STR(talk(&stage->guests[1], "WRITE[1] /g/1/a/b/c/d/e|v"), "!ENOSPC");
	CHECK_STR(talk(&stage->guests[1], "DIRECTORY[1] /g/1|"), "\"\"");
	CHECK_STR(talk(&stage->guests[1], "WRITE[1] /g/1/ok|v"), "OK|");
	CHECK_STR(talk(&stage->guests[1], "TRANSACTION_END[1] T|"), "OK|");
	CHECK_STR(talk(&stage->s, "DIRECTORY /g/1|"), "ok|");
	CHECK_INT(nodes_of(stage, 1), 2);
	close_stage(stage);
}

static void *play_deep_chain(void *arg)
{
	static char path[XSP_PATH_BUF];
	struct stage *stage = open_stage(0);

	(void)arg;
	for (size_t i = 0; i + 2 <= XSP_PATH_ABS_MAX; i += 2)
		memcpy(path + i, "/a", 3);
	CHECK_STR(talkf(&stage->s, "WRITE %s|v", path), "OK|");
	CHECK_STR(talk(&stage->s, "WATCH /a/a|t|"), "OK|");
	CHECK_STR(talkf(&stage->s, "WATCH %s|t|", path), "OK|");
	CHECK_STR(talkf(&stage->s, "READ %s|", path), "v");
	CHECK_STR(talk(&stage->s, "CONTROL check|"), "OK|");
	CHECK(talk(&stage->s, "CONTROL tree|/|"
			      "|")[0] != '!');
	CHECK_STR(talk(&stage->s, "TRANSACTION_START |"), "1|");
	CHECK_STR(talk(&stage->s, "RM[1] /a|"), "OK|");
	CHECK_STR(talkf(&stage->s, "READ[1] %s|", path), "!ENOENT");
	CHECK_STR(talk(&stage->s, "TRANSACTION_END[1] T|"), "OK|");
	CHECK_STR(talkf(&stage->s, "WRITE %s|v", path), "OK|");
	CHECK_STR(talk(&stage->s, "RM /a|"), "OK|");
	stage->s.n_events = 0;
	close_stage(stage);
	return NULL;
}

/* 418: the deepest tree there can be needs no deep stack. */
TEST(the_deepest_tree_needs_no_deep_stack)
{
	/* The talkers of this test take up to 20 KiB of it, sanitizers several times that. */
	size_t size = 128 * 1024;
	pthread_attr_t attr;
	pthread_t thread;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	size *= 4;
#endif
	CHECK_INT(pthread_attr_init(&attr), 0);
	CHECK_INT(pthread_attr_setstacksize(&attr, size), 0);
	CHECK_INT(pthread_create(&thread, &attr, play_deep_chain, NULL), 0);
	CHECK_INT(pthread_join(thread, NULL), 0);
	pthread_attr_destroy(&attr);
}

/* 419: nodes of the dead do not become the privileged domain's. */
TEST(nodes_of_the_dead_are_removed_wherever_they_are)
{
	struct stage *stage = open_stage(2);
	int before = nodes_of(stage, 0);

	talk(&stage->s, "SET_PERMS /g/2|n2|b1|");
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 50; i++)
			CHECK_STR(talkf(&stage->guests[1], "WRITE /g/2/%d|v", i), "OK|");
		kill_domain(stage, 1);
		revive(stage, 1);
		talk(&stage->s, "SET_PERMS /g/2|n2|b1|");
		CHECK_STR(talk(&stage->s, "DIRECTORY /g/2|"), "\"\"");
	}
	/* Its own home went with it, too. */
	CHECK_INT(nodes_of(stage, 0), before);
	close_stage(stage);
}

/* 421: what is created and removed in one transaction leaves the rest alone, and the count right. */
TEST(creating_and_removing_in_one_transaction_never_drifts)
{
	struct stage *stage = open_stage(1);
	struct talker *guest = &stage->guests[1];
	int before = nodes_of(stage, 1);

	for (int id = 1; id <= 2000; id++) {
		talk(guest, "TRANSACTION_START |");
		talkf(guest, "WRITE[%d] /g/1/n|v", id);
		talkf(guest, "RM[%d] /g/1/n|", id);
		talkf(guest, "WRITE[%d] /g/1/m/deep|v", id);
		talkf(guest, "RM[%d] /g/1/m|", id);
		talkf(guest, "WRITE[%d] /g/1/m|v", id);
		CHECK_STR(talkf(guest, "TRANSACTION_END[%d] T|", id), "OK|");
		CHECK_STR(talk(guest, "DIRECTORY /g/1|"), "m|");
	}
	CHECK_INT(nodes_of(stage, 1), before + 1);
	close_stage(stage);
}

/* 425: domains are released, and introduced again, in the midst of their own requests. */
TEST(releasing_the_next_in_line_harms_nobody)
{
	struct stage *stage = open_stage(GUESTS_MAX);

	for (int round = 0; round < 50; round++) {
		for (unsigned domid = 1; domid <= GUESTS_MAX; domid++)
			say(&stage->guests[domid], "WATCH /g|t|");
		for (unsigned domid = 1; domid <= GUESTS_MAX; domid++) {
			sayf(&stage->s, "RELEASE %u|", domid);
			if (domid % 2)
				sayf(&stage->s, "INTRODUCE %u|0|5|", domid);
		}
		fake_settle(&stage->fake);
		for (unsigned domid = 1; domid <= GUESTS_MAX; domid++) {
			CHECK_STR(hear(&stage->s), "OK|");
			if (domid % 2)
				CHECK_STR(hear(&stage->s), "OK|");
			else
				CHECK_STR(talkf(&stage->s, "INTRODUCE %u|0|5|", domid), "OK|");
			talk_end(&stage->guests[domid]);
			fake_end(fake_guest(&stage->fake, domid), false);
			talk_begin(&stage->guests[domid], fake_guest(&stage->fake, domid));
			CHECK_STR(talkf(&stage->guests[domid], "GET_DOMAIN_PATH %u|", domid)[0] ==
						  '/'
					  ? "/"
					  : "",
				  "/");
		}
	}
	close_stage(stage);
}

/* 440: the second of two transactions that remove the same nodes is told so. */
TEST(two_transactions_that_remove_the_same_nodes_count_them_once)
{
	struct stage *stage = open_stage(1);
	struct talker *guest = &stage->guests[1];
	int before = nodes_of(stage, 1);

	for (int i = 0; i < 50; i++)
		CHECK_STR(talkf(guest, "WRITE /g/1/%d|v", i), "OK|");
	CHECK_STR(talk(guest, "TRANSACTION_START |"), "1|");
	CHECK_STR(talk(&stage->s, "TRANSACTION_START |"), "1|");
	for (int i = 0; i < 50; i++) {
		CHECK_STR(talkf(guest, "RM[1] /g/1/%d|", i), "OK|");
		CHECK_STR(talkf(&stage->s, "RM[1] /g/1/%d|", i), "OK|");
	}
	CHECK_STR(talk(guest, "TRANSACTION_END[1] T|"), "OK|");
	CHECK_STR(talk(&stage->s, "TRANSACTION_END[1] T|"), "!EAGAIN");
	CHECK_INT(nodes_of(stage, 1), before);
	close_stage(stage);
}

/* 481: every way to misspell a path is an error and nothing else. */
TEST(misspelled_paths_are_refused_by_every_request)
{
	static const char *const paths[] = { "/local/domain/",
					     "/local/domain//",
					     "/local/domain/0/",
					     "//",
					     "",
					     "@",
					     "@x/",
					     "{/*4000}",
					     "/a/./b",
					     "/a\\sb" };
	static const char *const types[] = { "READ",      "DIRECTORY",     "GET_PERMS", "MKDIR",
					     "RM",        "WRITE",         "WATCH",     "UNWATCH",
					     "SET_PERMS", "DIRECTORY_PART" };
	struct stage *stage = open_stage(0);

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		for (size_t j = 0; j < sizeof(types) / sizeof(types[0]); j++) {
			const char *rest = j < 5    ? ""
					   : j == 5 ? "v"
					   : j < 8  ? "t|"
					   : j == 8 ? "n0|"
						    : "0|";
			const char *reply;

			reply = talkf(&stage->s, "%s %s|%s", types[j], paths[i], rest);
			/* "@" alone is a name, if not of anything. */
			if (!strcmp(paths[i], "@") && !strcmp(types[j], "WATCH"))
				CHECK_STR(reply, "OK|");
			else if (!strcmp(paths[i], "@") && strcmp(reply, "!EINVAL") != 0)
				CHECK(!strcmp(reply, "!ENOENT") || !strcmp(reply, "OK|"));
			else
				CHECK_STR(reply, "!EINVAL");
		}
	}
	stage->s.n_events = 0;
	close_stage(stage);
}

/* 483: a domain that comes again has all of its quota. */
TEST(a_reborn_domain_has_its_whole_quota)
{
	struct stage *stage = open_stage(1);

	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 60; i++)
			CHECK_STR(talkf(&stage->guests[1], "MKDIR /g/1/%d/a/b/c/d/e/f/g|", i),
				  "OK|");
		fake_domain_destroy(&stage->fake, 1);
		fake_changed(&stage->fake);
		/* At once, while what the last one had is still being cleared away. */
		fake_pump(&stage->fake);
		revive(stage, 1);
		talk(&stage->s, "MKDIR /g/1|");
		talk(&stage->s, "SET_PERMS /g/1|n1|");
	}
	for (int i = 0; i < 111; i++)
		CHECK_STR(talkf(&stage->guests[1], "MKDIR /g/1/%d/a/b/c/d/e/f/g/h|", i), "OK|");
	CHECK_INT(nodes_of(stage, 1), 1000);
	CHECK_STR(talk(&stage->guests[1], "MKDIR /g/1/more|"), "!ENOSPC");
	close_stage(stage);
}

/* 484: a request may end the transaction that it names. */
TEST(a_request_may_end_the_transaction_it_names)
{
	struct stage *stage = open_stage(1);

	CHECK_STR(talk(&stage->s, "TRANSACTION_START |"), "1|");
	CHECK_STR(talk(&stage->s, "RESET_WATCHES[1] |"), "OK|");
	CHECK_STR(talk(&stage->s, "READ[1] /|"), "!ENOENT");
	CHECK_STR(talk(&stage->s, "TRANSACTION_START |"), "2|");
	CHECK_STR(talk(&stage->s, "RELEASE[2] 1|"), "OK|");
	CHECK_STR(talk(&stage->s, "INTRODUCE[2] 1|0|5|"), "OK|");
	CHECK_STR(talk(&stage->s, "SET_TARGET[2] 1|1|"), "OK|");
	CHECK_STR(talk(&stage->s, "WATCH[2] /|t|"), "OK|");
	CHECK_STR(talk(&stage->s, "CONTROL[2] check|"), "OK|");
	CHECK_STR(talk(&stage->s, "TRANSACTION_START[2] |"), "!EBUSY");
	CHECK_STR(talk(&stage->s, "TRANSACTION_END[2] T|"), "OK|");
	close_stage(stage);
}

/* Robustness 1: a payload of no length is answered, whatever the request, however it comes. */
TEST(every_request_without_a_payload_is_answered)
{
	struct stage *stage = open_stage(1);

	for (uint32_t type = 0; type <= XSP_TYPE_COUNT; type++) {
		struct talker *talkers[] = { &stage->t, &stage->guests[1] };

		for (int who = 0; who < 2; who++) {
			struct xsp_header header = { .type = type, .req_id = type };
			uint8_t bytes[XSP_HEADER_SIZE];

			xsp_header_put(bytes, &header);
			for (size_t i = 0; i < sizeof(bytes); i++) {
				fake_send(talkers[who]->conn, bytes + i, 1);
				fake_settle(&stage->fake);
			}
			talkers[who]->n_unanswered++;
			CHECK(hear(talkers[who])[0] != '\0');
			CHECK_STR(talk(talkers[who], "GET_DOMAIN_PATH 3|"), "/local/domain/3|");
		}
	}
	close_stage(stage);
}

/* Advisory 322: where nodes outlive their owner, his successor gets none of them. */
TEST(the_successor_gets_nothing_from_a_transaction_of_before)
{
	static struct fake fake;
	struct talker s, other, guest;
	struct server_config config;

	server_config_defaults(&config);
	config.keep_orphans = true;
	fake_start(&fake, &config);
	talk_begin(&s, fake_connect(&fake));
	talk_begin(&other, fake_connect(&fake));
	talk_introduce(&s, 7);
	CHECK_STR(talk(&s, "MKDIR /x|"), "OK|");
	CHECK_STR(talk(&s, "SET_PERMS /x|n7|"), "OK|");
	CHECK_STR(talk(&s, "TRANSACTION_START |"), "1|");
	fake_domain_destroy(&fake, 7);
	fake_changed(&fake);
	fake_settle(&fake);
	CHECK_STR(talk(&other, "GET_PERMS /x|"), "n0|");
	/* In its transaction the node is still the dead domain's. */
	CHECK_STR(talk(&s, "WRITE[1] /x/secret|v"), "OK|");
	CHECK_STR(talk(&s, "TRANSACTION_END[1] T|"), "!EAGAIN");
	CHECK_STR(talk(&s, "WRITE /x/secret|v"), "OK|");
	CHECK_STR(talk(&s, "GET_PERMS /x/secret|"), "n0|");
	talk_introduce(&s, 7);
	talk_begin(&guest, fake_guest(&fake, 7));
	CHECK_STR(talk(&guest, "READ /x/secret|"), "!EACCES");
	fake_audit(&fake);
	talk_end(&guest);
	talk_end(&other);
	talk_end(&s);
	fake_stop(&fake);
}
