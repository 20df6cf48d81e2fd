/* SPDX-License-Identifier: MIT */
/*
 * The daemon is killed, domains go on or end meanwhile, and another daemon goes on: permissions
 * mean whom they meant. Built twice: for a Xen that tells two domains of one number apart, and for
 * one that cannot.
 */
#include "tests/rings/rig.h"
#include "tests/support/check.h"

/* The usual scene; /x is for domain 5 to read, and /five is its own. */
static void begin(struct scene *scene)
{
	scene_begin(scene);
	peer_ask(&scene->dom0, XSP_WRITE, "/x|v", "OK|");
	peer_ask(&scene->dom0, XSP_SET_PERMS, "/x|n0|r5|", "OK|");
	peer_ask(&scene->dom0, XSP_WRITE, "/five|v", "OK|");
	peer_ask(&scene->dom0, XSP_SET_PERMS, "/five|n5|", "OK|");
	peer_ask(&scene->guest, XSP_READ, "/x|", "v");
}

static void kill_daemon(struct scene *scene)
{
	peer_close(&scene->dom0);
	peer_close(&scene->guest);
	rig_kill(&scene->rig);
}

static void go_on(struct scene *scene)
{
	rig_start(&scene->rig, NULL, NULL, NULL);
	peer_connect(&scene->rig, &scene->dom0);
}

static void create(struct scene *scene)
{
	CHECK_INT(fakehost_create(scene->rig.host, 5), 0);
}

static void destroy(struct scene *scene)
{
	fakehost_set(scene->rig.host, 5, 0, 0);
}

/* Domain 5 speaks as one that has just been introduced. */
static void introduce(struct scene *scene)
{
	peer_introduce(&scene->dom0, 5);
	peer_be(&scene->rig, &scene->guest, 5);
}

static void check_nothing_inherited(struct scene *scene)
{
	introduce(scene);
	peer_refused(&scene->guest, XSP_READ, "/x|", "EACCES");
	peer_ask(&scene->dom0, XSP_GET_PERMS, "/x|", "n0|");
	peer_refused(&scene->dom0, XSP_READ, "/five|", "ENOENT");
	peer_ask(&scene->dom0, XSP_CONTROL, "check|", "OK|");
}

TEST(a_living_domain_keeps_what_it_had)
{
	struct scene scene;

	begin(&scene);
	for (int i = 0; i < 3; i++) {
		kill_daemon(&scene);
		go_on(&scene);
		introduce(&scene);
		peer_ask(&scene.guest, XSP_READ, "/x|", "v");
		peer_ask(&scene.guest, XSP_WRITE, "/five|w", "OK|");
	}
	peer_ask(&scene.dom0, XSP_CONTROL, "check|", "OK|");
	scene_end(&scene);
}

TEST(a_domain_that_died_before_is_dead_behind_a_restart)
{
	struct scene scene;
	struct peer watcher;

	begin(&scene);
	peer_connect(&scene.rig, &watcher);
	peer_ask(&watcher, XSP_WATCH, "@releaseDomain|t|", "OK|");
	peer_event(&watcher, "@releaseDomain|t|");
	destroy(&scene);
	fakehost_tell(scene.rig.host);
	/* As soon as anybody can know of it, it is for good. */
	peer_event(&watcher, "@releaseDomain|t|");
	kill_daemon(&scene);
	peer_close(&watcher);
	create(&scene);
	go_on(&scene);
	check_nothing_inherited(&scene);
	scene_end(&scene);
}

TEST(a_domain_that_dies_while_nobody_looks_is_missed_at_the_start)
{
	struct scene scene;

	begin(&scene);
	kill_daemon(&scene);
	destroy(&scene);
	go_on(&scene);
	peer_refused(&scene.dom0, XSP_READ, "/five|", "ENOENT");
	create(&scene);
	check_nothing_inherited(&scene);
	scene_end(&scene);
}

#ifdef RIG_HAS_UNIQUE_IDS

TEST(a_number_that_is_taken_over_while_nobody_looks_is_another_domain)
{
	struct scene scene;

	begin(&scene);
	kill_daemon(&scene);
	create(&scene);
	go_on(&scene);
	check_nothing_inherited(&scene);
	scene_end(&scene);
}

#endif

TEST(rights_follow_their_domains_over_many_deaths)
{
	struct scene scene;

	begin(&scene);
	for (int round = 0; round < 12; round++) {
		bool dies = round % 3 != 0, is_before = round % 2;

		peer_ask(&scene.dom0, XSP_SET_PERMS, "/x|n0|r5|", "OK|");
		peer_ask(&scene.guest, XSP_READ, "/x|", "v");
		if (dies && is_before) {
			peer_ask(&scene.dom0, XSP_RELEASE, "5|", "OK|");
			destroy(&scene);
		}
		kill_daemon(&scene);
		if (dies && !is_before)
			destroy(&scene);
		go_on(&scene);
		if (dies)
			create(&scene);
		introduce(&scene);
		if (dies)
			peer_refused(&scene.guest, XSP_READ, "/x|", "EACCES");
		else
			peer_ask(&scene.guest, XSP_READ, "/x|", "v");
	}
	scene_end(&scene);
}
