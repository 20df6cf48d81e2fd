/* SPDX-License-Identifier: MIT */
/*
 * Whom permissions mean, and who owns what, whatever became of the domains: while a server looks,
 * and while none does, for one that goes on with what another has left.
 */
#include "tests/core/talk.h"
#include "tests/support/check.h"
#include "xenstored/core/state.h"

/* A server with one socket, and domain 5, which may read /x and owns /d. */
struct stage {
	struct fake fake;
	struct talker s, five;
};

static void connect_all(struct stage *stage)
{
	talk_begin(&stage->s, fake_connect(&stage->fake));
	talk_begin(&stage->five, fake_guest(&stage->fake, 5));
}

static struct stage *open_stage(const struct server_config *config)
{
	static struct stage stage;

	fake_start(&stage.fake, config);
	fake_domain_create(&stage.fake, 5);
	connect_all(&stage);
	CHECK_STR(talk(&stage.s, "WRITE /x|v"), "OK|");
	CHECK_STR(talk(&stage.s, "SET_PERMS /x|n0|r5|"), "OK|");
	CHECK_STR(talk(&stage.s, "WRITE /d/below|v"), "OK|");
	CHECK_STR(talk(&stage.s, "SET_PERMS /d|n5|"), "OK|");
	return &stage;
}

static void leave_all(struct stage *stage)
{
	talk_end(&stage->s);
	talk_end(&stage->five);
}

static void close_stage(struct stage *stage)
{
	fake_settle(&stage->fake);
	fake_audit(&stage->fake);
	leave_all(stage);
	fake_stop(&stage->fake);
}

/* The server is killed, and another one goes on. */
static void crash(struct stage *stage)
{
	leave_all(stage);
	fake_crash(&stage->fake);
	connect_all(stage);
}

/* Domain 5 as the server gets to know it, by its toolstack. */
static void introduce(struct stage *stage)
{
	CHECK_STR(talk(&stage->s, "INTRODUCE 5|0|5|"), "OK|");
	talk_end(&stage->five);
	talk_begin(&stage->five, fake_guest(&stage->fake, 5));
}

/* Another domain has the number now, and nothing that was its predecessor's. */
static void check_nothing_inherited(struct stage *stage)
{
	introduce(stage);
	CHECK_STR(talk(&stage->five, "READ /x|"), "!EACCES");
	CHECK_STR(talk(&stage->s, "GET_PERMS /x|"), "n0|");
	CHECK_STR(talk(&stage->s, "READ /d|"), "!ENOENT");
	CHECK_STR(talk(&stage->s, "READ /d/below|"), "!ENOENT");
}

TEST(a_living_domain_keeps_what_it_had)
{
	struct stage *stage = open_stage(NULL);

	for (int i = 0; i < 3; i++) {
		crash(stage);
		CHECK_STR(talk(&stage->s, "GET_PERMS /x|"), "n0|r5|");
		introduce(stage);
		CHECK_STR(talk(&stage->five, "READ /x|"), "v");
		CHECK_STR(talk(&stage->five, "WRITE /d|v"), "OK|");
	}
	close_stage(stage);
}

TEST(a_domain_that_died_before_a_restart_is_dead_behind_it)
{
	struct stage *stage = open_stage(NULL);

	introduce(stage);
	fake_domain_destroy(&stage->fake, 5);
	fake_changed(&stage->fake);
	fake_settle(&stage->fake);
	crash(stage);
	fake_domain_create(&stage->fake, 5);
	check_nothing_inherited(stage);
	close_stage(stage);
}

TEST(a_domain_that_dies_while_nobody_looks_is_missed_at_the_start)
{
	struct stage *stage = open_stage(NULL);

	/* The server that would hear of it is killed before it does. */
	fake_domain_destroy(&stage->fake, 5);
	crash(stage);
	CHECK_STR(talk(&stage->s, "READ /d|"), "!ENOENT");
	fake_domain_create(&stage->fake, 5);
	check_nothing_inherited(stage);
	close_stage(stage);
}

TEST(a_number_that_is_taken_over_while_nobody_looks_is_another_domain)
{
	struct stage *stage = open_stage(NULL);

	introduce(stage);
	fake_domain_create(&stage->fake, 5);
	crash(stage);
	check_nothing_inherited(stage);
	close_stage(stage);
}

TEST(a_number_that_is_taken_over_is_another_domain_for_whoever_names_it_first)
{
	struct stage *stage = open_stage(NULL);

	fake_domain_create(&stage->fake, 5);
	crash(stage);
	CHECK_STR(talk(&stage->s, "SET_PERMS /local|n0|r5|"), "!ENOENT");
	CHECK_STR(talk(&stage->s, "WRITE /y|w"), "OK|");
	CHECK_STR(talk(&stage->s, "SET_PERMS /y|n0|r5|"), "OK|");
	check_nothing_inherited(stage);
	CHECK_STR(talk(&stage->five, "READ /y|"), "w");
	close_stage(stage);
}

TEST(what_is_set_behind_a_restart_is_void_behind_the_next)
{
	struct stage *stage = open_stage(NULL);

	crash(stage);
	CHECK_STR(talk(&stage->s, "SET_PERMS /x|n0|b5|"), "OK|");
	fake_domain_destroy(&stage->fake, 5);
	crash(stage);
	fake_domain_create(&stage->fake, 5);
	check_nothing_inherited(stage);
	CHECK_STR(talk(&stage->s, "SET_PERMS /x|n0|r5|"), "OK|");
	CHECK_STR(talk(&stage->five, "READ /x|"), "v");
	crash(stage);
	introduce(stage);
	CHECK_STR(talk(&stage->five, "READ /x|"), "v");
	close_stage(stage);
}

TEST(a_domain_released_and_known_again_has_only_what_came_later)
{
	struct stage *stage = open_stage(NULL);

	introduce(stage);
	CHECK_STR(talk(&stage->s, "RELEASE 5|"), "OK|");
	CHECK_STR(talk(&stage->s, "WRITE /y|w"), "OK|");
	CHECK_STR(talk(&stage->s, "SET_PERMS /y|n0|r5|"), "OK|");
	crash(stage);
	CHECK_STR(talk(&stage->s, "GET_PERMS /y|"), "n0|r5|");
	check_nothing_inherited(stage);
	CHECK_STR(talk(&stage->five, "READ /y|"), "w");
	close_stage(stage);
}

TEST(an_owner_that_outlives_a_restart_is_missed_when_it_dies)
{
	struct stage *stage = open_stage(NULL);

	introduce(stage);
	crash(stage);
	CHECK_STR(talk(&stage->s, "READ /d/below|"), "v");
	/* Nobody has introduced or named it since. */
	fake_domain_destroy(&stage->fake, 5);
	fake_changed(&stage->fake);
	fake_settle(&stage->fake);
	CHECK_STR(talk(&stage->s, "READ /d|"), "!ENOENT");
	fake_domain_create(&stage->fake, 5);
	check_nothing_inherited(stage);
	close_stage(stage);
}

TEST(nodes_of_the_dead_are_handed_over_where_that_is_asked_for)
{
	struct server_config config;
	struct stage *stage;

	server_config_defaults(&config);
	config.keep_orphans = true;
	stage = open_stage(&config);
	fake_domain_destroy(&stage->fake, 5);
	crash(stage);
	CHECK_STR(talk(&stage->s, "GET_PERMS /d|"), "n0|");
	CHECK_STR(talk(&stage->s, "READ /d/below|"), "v");
	fake_domain_create(&stage->fake, 5);
	introduce(stage);
	CHECK_STR(talk(&stage->five, "READ /d|"), "!EACCES");
	close_stage(stage);
}

TEST(entries_for_nobody_and_for_the_privileged_stay_as_they_are)
{
	struct stage *stage = open_stage(NULL);

	CHECK_STR(talk(&stage->s, "SET_PERMS /d|n5|b0|r9|w32757|"), "OK|");
	for (int i = 0; i < 2; i++) {
		crash(stage);
		CHECK_STR(talk(&stage->s, "GET_PERMS /d|"), "n5|b0|r9|w32757|");
		CHECK_STR(talk(&stage->s, "GET_PERMS @releaseDomain|"), "n0|r32757|");
	}
	close_stage(stage);
}

static unsigned nodes_of_five(struct stage *stage)
{
	const struct domain *domain = domain_find(&stage->fake.server->domains, 5);

	return (unsigned)domain->ledger.used[QUOTA_NODES];
}

TEST(a_domain_named_again_owns_nothing_of_the_one_before)
{
	struct stage *stage = open_stage(NULL);

	CHECK_STR(talk(&stage->s, "WATCH /|t|"), "OK|");
	CHECK_STR(event(&stage->s), "/|t|");
	CHECK_UINT(nodes_of_five(stage), 1);
	/* Nobody has told the server. */
	fake_domain_create(&stage->fake, 5);
	CHECK_STR(talk(&stage->s, "SET_PERMS /x|n0|r5|"), "OK|");
	CHECK_STR(event(&stage->s), "/d|t|");
	CHECK_STR(event(&stage->s), "/x|t|");
	CHECK_STR(talk(&stage->s, "READ /d/below|"), "!ENOENT");
	CHECK_UINT(nodes_of_five(stage), 0);
	/* Whatever names it will do. */
	CHECK_STR(talk(&stage->s, "SET_PERMS /x|n5|"), "OK|");
	CHECK_UINT(nodes_of_five(stage), 1);
	fake_domain_create(&stage->fake, 5);
	CHECK_STR(talk(&stage->s, "GET_QUOTA 5|nodes|"), "1000|");
	CHECK_UINT(nodes_of_five(stage), 0);
	CHECK_STR(talk(&stage->s, "READ /x|"), "!ENOENT");
	close_stage(stage);
}
