/* SPDX-License-Identifier: MIT */
/*
 * Life and death of domains: who is told, how often, and what is left of whom. Built twice: for a
 * Xen that tells two domains of one number apart, and for one that cannot.
 */
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "tests/rings/rig.h"
#include "tests/support/check.h"

/* Clients that watch @releaseDomain (or another) in each of its forms, one form each. */
struct ears {
	struct peer plain, deep, five, flat;
	char name[32];
};

static void listen_to(struct ears *ears, struct rig *rig, const char *name)
{
	const struct {
		struct peer *peer;
		const char *form;
		const char *rest;
	} forms[] = {
		{ &ears->plain, "%s|t|", "" },
		{ &ears->deep, "%s|t|1|", "" },
		{ &ears->flat, "%s|t|0|", "" },
		{ &ears->five, "%s/5|t|", "/5" },
	};
	char text[64], first[64];

	snprintf(ears->name, sizeof(ears->name), "%s", name);
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		const char *bars = strchr(forms[i].form, '|');

		peer_connect(rig, forms[i].peer);
		snprintf(text, sizeof(text), "%s%s%s", name, forms[i].rest, bars);
		snprintf(first, sizeof(first), "%s%s|t|", name, forms[i].rest);
		peer_ask(forms[i].peer, XSP_WATCH, text, "OK|");
		peer_event(forms[i].peer, first);
	}
}

static void stop_listening(struct ears *ears)
{
	peer_close(&ears->plain);
	peer_close(&ears->deep);
	peer_close(&ears->five);
	peer_close(&ears->flat);
}

/* So often each form, and each domain by its number, in any order of the numbers. */
static void expect_heard(struct ears *ears, int n_plain, int n_five, int n_six)
{
	char plain[64], five[64], six[64];
	struct message message;

	snprintf(plain, sizeof(plain), "%s|t|", ears->name);
	snprintf(five, sizeof(five), "%s/5|t|", ears->name);
	snprintf(six, sizeof(six), "%s/6", ears->name);
	for (int i = 0; i < n_plain; i++)
		peer_event(&ears->plain, plain);
	peer_quiet(&ears->plain);
	for (int i = 0; i < n_five; i++)
		peer_event(&ears->five, five);
	peer_quiet(&ears->five);
	for (int i = n_five + n_six; i > 0; i--) {
		message = peer_hear(&ears->deep);
		CHECK_UINT(message.header.type, XSP_WATCH_EVENT);
		if (!strcmp(message.payload, six))
			n_six--;
		else
			n_five--;
	}
	CHECK_INT(n_six, 0);
	CHECK_INT(n_five, 0);
	peer_quiet(&ears->deep);
	peer_quiet(&ears->flat);
}

static void change(struct scene *scene, uint32_t domid, uint32_t state)
{
	fakehost_set(scene->rig.host, domid, state, 0);
	fakehost_tell(scene->rig.host);
}

TEST(introduction_is_told_once)
{
	struct scene scene;
	struct ears ears;
	struct peer six;

	scene_begin(&scene);
	listen_to(&ears, &scene.rig, "@introduceDomain");
	scene_add(&scene, &six, 6);
	expect_heard(&ears, 1, 0, 1);
	peer_introduce(&scene.dom0, 6);
	peer_introduce(&scene.dom0, 5);
	expect_heard(&ears, 0, 0, 0);
	stop_listening(&ears);
	peer_close(&six);
	scene_end(&scene);
}

TEST(shutdown_is_told_once)
{
	struct scene scene;
	struct ears ears;

	scene_begin(&scene);
	listen_to(&ears, &scene.rig, "@releaseDomain");
	change(&scene, 5, FAKEHOST_EXISTS | FAKEHOST_SHUT_DOWN);
	expect_heard(&ears, 1, 1, 0);
	for (int i = 0; i < 5; i++) {
		fakehost_tell(scene.rig.host);
		expect_heard(&ears, 0, 0, 0);
	}
	/* It is still there, and may even speak. */
	peer_quiet(&scene.guest);
	peer_ask(&scene.dom0, XSP_IS_DOMAIN_INTRODUCED, "5|", "T|");
	change(&scene, 5, 0);
	expect_heard(&ears, 1, 1, 0);
	peer_ask(&scene.dom0, XSP_IS_DOMAIN_INTRODUCED, "5|", "F|");
	fakehost_tell(scene.rig.host);
	expect_heard(&ears, 0, 0, 0);
	stop_listening(&ears);
	scene_end(&scene);
}

TEST(several_shutdowns_at_one_look_are_one_plain_event)
{
	struct scene scene;
	struct ears ears;
	struct peer six;

	scene_begin(&scene);
	scene_add(&scene, &six, 6);
	listen_to(&ears, &scene.rig, "@releaseDomain");
	fakehost_set(scene.rig.host, 5, FAKEHOST_EXISTS | FAKEHOST_SHUT_DOWN, 0);
	fakehost_set(scene.rig.host, 6, FAKEHOST_EXISTS | FAKEHOST_SHUT_DOWN, 0);
	fakehost_tell(scene.rig.host);
	expect_heard(&ears, 1, 1, 1);
	/* Deaths are told one by one. */
	fakehost_set(scene.rig.host, 5, 0, 0);
	fakehost_set(scene.rig.host, 6, 0, 0);
	fakehost_tell(scene.rig.host);
	expect_heard(&ears, 2, 1, 1);
	stop_listening(&ears);
	peer_close(&six);
	scene_end(&scene);
}

TEST(dying_is_not_dead)
{
	struct scene scene;
	struct ears ears;

	scene_begin(&scene);
	listen_to(&ears, &scene.rig, "@releaseDomain");
	change(&scene, 5, FAKEHOST_EXISTS | FAKEHOST_DYING);
	expect_heard(&ears, 0, 0, 0);
	peer_ask(&scene.dom0, XSP_IS_DOMAIN_INTRODUCED, "5|", "T|");
	change(&scene, 5, FAKEHOST_EXISTS | FAKEHOST_DYING | FAKEHOST_DEAD);
	expect_heard(&ears, 1, 1, 0);
	peer_ask(&scene.dom0, XSP_IS_DOMAIN_INTRODUCED, "5|", "F|");
	change(&scene, 5, 0);
	expect_heard(&ears, 0, 0, 0);
	stop_listening(&ears);
	scene_end(&scene);
}

/* Who waits for a suspended domain to go on hears of it. */
TEST(resuming_in_place_is_told_and_clears_the_shutdown)
{
	struct scene scene;
	struct ears ears, starts;

	scene_begin(&scene);
	listen_to(&ears, &scene.rig, "@releaseDomain");
	listen_to(&starts, &scene.rig, "@introduceDomain");
	for (int round = 0; round < 3; round++) {
		change(&scene, 5, FAKEHOST_EXISTS | FAKEHOST_SHUT_DOWN);
		expect_heard(&ears, 1, 1, 0);
		change(&scene, 5, FAKEHOST_EXISTS);
		peer_ask(&scene.dom0, XSP_RESUME, "5|", "OK|");
		expect_heard(&ears, 0, 0, 0);
		expect_heard(&starts, 1, 1, 0);
		peer_quiet(&scene.guest);
	}
	stop_listening(&starts);
	stop_listening(&ears);
	scene_end(&scene);
}

TEST(release_ends_the_connection_and_is_told)
{
	struct scene scene;
	struct ears ears;
	uint32_t produced;

	scene_begin(&scene);
	listen_to(&ears, &scene.rig, "@releaseDomain");
	peer_ask(&scene.dom0, XSP_RELEASE, "5|", "OK|");
	expect_heard(&ears, 1, 1, 0);
	peer_ask(&scene.dom0, XSP_IS_DOMAIN_INTRODUCED, "5|", "F|");
	CHECK_UINT(scene.guest.guest.channel->state & FAKEHOST_BOUND, 0);
	produced = scene.guest.guest.page->rsp_prod;
	peer_say(&scene.guest, XSP_GET_DOMAIN_PATH, 0, "0|");
	fakehost_tell(scene.rig.host);
	expect_heard(&ears, 0, 0, 0);
	CHECK_UINT(scene.guest.guest.page->rsp_prod, produced);
	/* The same domain may be introduced again, as after a kexec. */
	peer_introduce(&scene.dom0, 5);
	inbox_fini(&scene.guest.inbox);
	peer_quiet(&scene.guest);
	stop_listening(&ears);
	scene_end(&scene);
}

/* Nodes, entries in other nodes' lists, watches, transactions. */
TEST(nothing_is_left_of_the_dead)
{
	struct scene scene;
	struct peer six;

	scene_begin(&scene);
	scene_add(&scene, &six, 6);
	peer_ask(&scene.guest, XSP_WRITE, "mine/deep/down|1", "OK|");
	peer_ask(&scene.dom0, XSP_MKDIR, "/shared|", "OK|");
	peer_ask(&scene.dom0, XSP_SET_PERMS, "/shared|n6|r5|r6|", "OK|");
	peer_ask(&scene.dom0, XSP_SET_PERMS, "@introduceDomain|n0|r5|", "OK|");
	peer_ask(&scene.guest, XSP_WATCH, "/shared|t|", "OK|");
	peer_event(&scene.guest, "/shared|t|");
	peer_ask(&scene.guest, XSP_TRANSACTION_START, "|", "1|");
	peer_say(&scene.guest, XSP_WRITE, 1, "mine/never|1");
	peer_expect(&scene.guest, XSP_WRITE, "OK|");
	change(&scene, 5, 0);
	peer_refused(&scene.dom0, XSP_READ, "/local/domain/5|", "ENOENT");
	peer_refused(&scene.dom0, XSP_READ, "/local/domain/5/mine/deep/down|", "ENOENT");
	peer_ask(&scene.dom0, XSP_GET_PERMS, "/shared|", "n6|r6|");
	peer_ask(&scene.dom0, XSP_GET_PERMS, "@introduceDomain|", "n0|");
	peer_ask(&scene.dom0, XSP_CONTROL, "check|", "OK|");
	/* The next of that number has all its quota, and no rights but its own. */
	peer_close(&scene.guest);
	scene_add(&scene, &scene.guest, 5);
	peer_refused(&scene.guest, XSP_READ, "/shared|", "EACCES");
	peer_ask(&scene.guest, XSP_WRITE, "fresh|1", "OK|");
	peer_quiet(&scene.guest);
	peer_ask(&scene.dom0, XSP_CONTROL, "check|", "OK|");
	peer_close(&six);
	scene_end(&scene);
}

TEST(a_domain_that_is_only_named_is_missed_silently)
{
	struct scene scene;
	struct ears ears;

	scene_begin(&scene);
	listen_to(&ears, &scene.rig, "@releaseDomain");
	CHECK_INT(fakehost_create(scene.rig.host, 6), 0);
	peer_ask(&scene.dom0, XSP_WRITE, "/shared|x", "OK|");
	peer_ask(&scene.dom0, XSP_SET_PERMS, "/shared|n0|r6|", "OK|");
	change(&scene, 6, 0);
	expect_heard(&ears, 0, 0, 0);
	peer_ask(&scene.dom0, XSP_GET_PERMS, "/shared|", "n0|");
	stop_listening(&ears);
	scene_end(&scene);
}

/* Waits until domain 5 is known to be gone, which takes as long as the slow look around. */
static void wait_for_end(struct scene *scene)
{
	struct message message;

	do {
		poll(NULL, 0, 100);
		peer_say(&scene->dom0, XSP_IS_DOMAIN_INTRODUCED, 0, "5|");
		message = peer_hear(&scene->dom0);
	} while (message.payload[0] == 'T');
}

/*
 * Nobody signals: ends are found by looking. A domain suspended to be moved signals only its
 * toolstack, so that looking must not make it one that has shut down.
 */
TEST(ends_without_a_signal_are_found_and_suspended_domains_left_alone)
{
	struct scene scene;
	struct ears ears;
	struct peer six;

	scene_begin(&scene);
	scene_add(&scene, &six, 6);
	listen_to(&ears, &scene.rig, "@releaseDomain");
	fakehost_set(scene.rig.host, 6, FAKEHOST_EXISTS | FAKEHOST_SHUT_DOWN, FAKEHOST_SUSPEND);
	fakehost_set(scene.rig.host, 5, 0, 0);
	wait_for_end(&scene);
	expect_heard(&ears, 1, 1, 0);
	/* With a signal, whoever's it is, a suspended domain is as good as one that is off. */
	fakehost_tell(scene.rig.host);
	expect_heard(&ears, 1, 0, 1);
	stop_listening(&ears);
	peer_close(&six);
	scene_end(&scene);
}

/* Many come and go: nothing is kept of them, be it memory, ports or nodes. */
TEST(domains_come_and_go)
{
	enum { ROUNDS = 200 };
	struct scene scene;
	struct peer six;

	scene_begin(&scene);
	for (int round = 0; round < ROUNDS; round++) {
		scene_add(&scene, &six, 6);
		peer_ask(&six, XSP_WRITE, "a/b|1", "OK|");
		/* Half of them while they speak. */
		if (round % 2)
			peer_say(&six, XSP_GET_DOMAIN_PATH, 0, "0|");
		if (round % 3)
			peer_ask(&scene.dom0, XSP_RELEASE, "6|", "OK|");
		change(&scene, 6, 0);
		peer_ask(&scene.dom0, XSP_IS_DOMAIN_INTRODUCED, "6|", "F|");
		peer_close(&six);
	}
	peer_refused(&scene.dom0, XSP_READ, "/local/domain/6|", "ENOENT");
	peer_ask(&scene.dom0, XSP_CONTROL, "check|", "OK|");
	scene_end(&scene);
}

#ifdef RIG_HAS_UNIQUE_IDS
TEST(a_number_that_was_taken_over_between_two_looks_is_another_domain)
{
	struct scene scene;
	struct ears ears;

	scene_begin(&scene);
	listen_to(&ears, &scene.rig, "@releaseDomain");
	peer_ask(&scene.guest, XSP_WRITE, "mine|1", "OK|");
	CHECK_INT(fakehost_create(scene.rig.host, 5), 0);
	fakehost_tell(scene.rig.host);
	expect_heard(&ears, 1, 1, 0);
	peer_ask(&scene.dom0, XSP_IS_DOMAIN_INTRODUCED, "5|", "F|");
	peer_refused(&scene.dom0, XSP_READ, "/local/domain/5/mine|", "ENOENT");
	fakehost_tell(scene.rig.host);
	expect_heard(&ears, 0, 0, 0);
	peer_close(&scene.guest);
	scene_add(&scene, &scene.guest, 5);
	peer_refused(&scene.guest, XSP_READ, "mine|", "ENOENT");
	stop_listening(&ears);
	scene_end(&scene);
}

/* INTRODUCE may be faster than the news of the death. */
TEST(a_number_that_was_taken_over_may_be_introduced_before_the_news)
{
	struct scene scene;
	struct ears ears;

	scene_begin(&scene);
	listen_to(&ears, &scene.rig, "@releaseDomain");
	peer_ask(&scene.guest, XSP_WRITE, "mine|1", "OK|");
	peer_close(&scene.guest);
	CHECK_INT(fakehost_create(scene.rig.host, 5), 0);
	scene_add(&scene, &scene.guest, 5);
	expect_heard(&ears, 1, 1, 0);
	peer_refused(&scene.guest, XSP_READ, "mine|", "ENOENT");
	fakehost_tell(scene.rig.host);
	expect_heard(&ears, 0, 0, 0);
	peer_quiet(&scene.guest);
	stop_listening(&ears);
	scene_end(&scene);
}
#endif
