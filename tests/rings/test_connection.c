/* SPDX-License-Identifier: MIT */
/*
 * How a connection over a ring comes about, starts anew and ends: INTRODUCE, ports, the connection
 * field, features, and the daemon's start.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "protocol/payload.h"
#include "tests/rings/rig.h"
#include "tests/support/check.h"

static struct fakehost_channel *channel(const struct rig *rig, uint32_t domid, uint32_t port)
{
	struct fakehost_channel *found = fakehost_channel(rig->host, domid, port);

	CHECK(found != NULL);
	return found;
}

static bool is_bound(const struct rig *rig, uint32_t domid, uint32_t port)
{
	return channel(rig, domid, port)->state & FAKEHOST_BOUND;
}

TEST(introduction_zeroes_the_indices_and_tells_the_features)
{
	struct rig rig;
	struct peer dom0, guest;
	struct xsp_ring_page *page;

	rig_begin(&rig);
	peer_connect(&rig, &dom0);
	peer_be(&rig, &guest, 5);
	page = guest.guest.page;
	page->req_cons = page->req_prod = 77;
	page->rsp_cons = page->rsp_prod = 99;
	page->error = 2;
	peer_introduce(&dom0, 5);
	CHECK_UINT(page->req_cons, 0);
	CHECK_UINT(page->req_prod, 0);
	CHECK_UINT(page->rsp_cons, 0);
	CHECK_UINT(page->rsp_prod, 0);
	CHECK_UINT(page->features, XSP_FEATURES_ALL);
	CHECK_UINT(page->error, 0);
	/* Nobody waits, so nobody is told. */
	peer_quiet(&dom0);
	CHECK_UINT(fakeguest_count(&guest.guest), 0);
	peer_quiet(&guest);
	peer_close(&guest);
	peer_close(&dom0);
	rig_stop(&rig);
}

TEST(introduction_releases_a_guest_that_waits)
{
	struct rig rig;
	struct peer dom0, guest;

	rig_begin(&rig);
	peer_connect(&rig, &dom0);
	peer_be(&rig, &guest, 5);
	guest.guest.page->req_prod = 77;
	guest.guest.page->rsp_cons = 99;
	guest.guest.page->connection = XSP_RING_RECONNECT;
	peer_introduce(&dom0, 5);
	CHECK(peer_wait(&guest, 20000));
	CHECK_UINT(guest.guest.page->connection, XSP_RING_CONNECTED);
	CHECK_UINT(guest.guest.page->req_prod, 0);
	CHECK_UINT(guest.guest.page->rsp_cons, 0);
	peer_quiet(&dom0);
	CHECK_UINT(fakeguest_count(&guest.guest), 1);
	peer_quiet(&guest);
	peer_close(&guest);
	peer_close(&dom0);
	rig_stop(&rig);
}

TEST(introduction_fails_without_a_page_or_a_port)
{
	struct rig rig;
	struct peer dom0, guest;

	rig_begin(&rig);
	peer_connect(&rig, &dom0);
	peer_ask(&dom0, XSP_WATCH, "@introduceDomain|i|", "OK|");
	peer_event(&dom0, "@introduceDomain|i|");
	peer_refused(&dom0, XSP_INTRODUCE, "5|1|1|", "EINVAL");
	peer_be(&rig, &guest, 5);
	peer_refused(&dom0, XSP_INTRODUCE, "5|1|9|", "EINVAL");
	rig.host->host->refuses_maps = 1;
	peer_refused(&dom0, XSP_INTRODUCE, "5|1|1|", "EINVAL");
	peer_ask(&dom0, XSP_IS_DOMAIN_INTRODUCED, "5|", "F|");
	rig.host->host->refuses_maps = 0;
	peer_say(&dom0, XSP_INTRODUCE, 0, "5|1|1|");
	peer_event(&dom0, "@introduceDomain|i|");
	peer_expect(&dom0, XSP_INTRODUCE, "OK|");
	peer_quiet(&guest);
	peer_close(&guest);
	peer_close(&dom0);
	rig_stop(&rig);
}

TEST(the_port_in_the_page_comes_before_the_one_in_the_request)
{
	struct rig rig;
	struct peer dom0, guest;

	rig_begin(&rig);
	peer_connect(&rig, &dom0);
	peer_be(&rig, &guest, 5);
	CHECK_INT(fakehost_offer(rig.host, 5, 42), 0);
	guest.guest.page->evtchn_port = 42;
	peer_introduce(&dom0, 5);
	CHECK(is_bound(&rig, 5, 42));
	CHECK(!is_bound(&rig, 5, FAKEHOST_PORT));
	fakeguest_use_port(&guest.guest, 42);
	peer_quiet(&guest);
	CHECK_UINT(channel(&rig, 5, FAKEHOST_PORT)->n_to_guest, 0);
	peer_close(&guest);
	peer_close(&dom0);
	rig_stop(&rig);
}

TEST(another_introduction_moves_to_another_port)
{
	struct scene scene;

	scene_begin(&scene);
	CHECK_INT(fakehost_offer(scene.rig.host, 5, 6), 0);
	peer_ask(&scene.guest, XSP_WATCH, "x|t|", "OK|");
	peer_event(&scene.guest, "x|t|");
	peer_ask(&scene.guest, XSP_TRANSACTION_START, "|", "1|");
	/* Half a message is forgotten with the rest. */
	CHECK_UINT(fakeguest_write(&scene.guest.guest, "half", 4), 4);
	peer_quiet(&scene.dom0);
	peer_ask(&scene.dom0, XSP_INTRODUCE, "5|1|6|", "OK|");
	CHECK(is_bound(&scene.rig, 5, 6));
	CHECK(!is_bound(&scene.rig, 5, FAKEHOST_PORT));
	fakeguest_use_port(&scene.guest.guest, 6);
	peer_ask(&scene.guest, XSP_WRITE, "x|1", "OK|");
	peer_say(&scene.guest, XSP_TRANSACTION_END, 1, "T|");
	peer_expect(&scene.guest, XSP_ERROR, "ENOENT|");
	scene_end(&scene);
}

/* A port that cannot be bound is no error then; the ring stays open, and slow. */
TEST(another_introduction_with_a_bad_port_leaves_the_ring_open)
{
	struct scene scene;

	scene_begin(&scene);
	peer_ask(&scene.dom0, XSP_INTRODUCE, "5|1|99|", "OK|");
	CHECK(!is_bound(&scene.rig, 5, FAKEHOST_PORT));
	peer_introduce(&scene.dom0, 5);
	CHECK(is_bound(&scene.rig, 5, FAKEHOST_PORT));
	peer_quiet(&scene.guest);
	scene_end(&scene);
}

TEST(a_running_guest_may_start_its_connection_anew)
{
	struct scene scene;
	struct xsp_ring_page *page;

	scene_begin(&scene);
	page = scene.guest.guest.page;
	for (int round = 0; round < 3; round++) {
		peer_ask(&scene.guest, XSP_WATCH, "x|t|", "OK|");
		peer_event(&scene.guest, "x|t|");
		peer_ask(&scene.guest, XSP_TRANSACTION_START, "|", "1|");
		CHECK_UINT(fakeguest_write(&scene.guest.guest, "half", 4), 4);
		/* Events it has not read are forgotten too. */
		peer_ask(&scene.dom0, XSP_WRITE, "/local/domain/5/x|1", "OK|");
		page->connection = XSP_RING_RECONNECT;
		fakeguest_fire(&scene.guest.guest);
		peer_quiet(&scene.dom0);
		CHECK_UINT(page->connection, XSP_RING_CONNECTED);
		CHECK(peer_wait(&scene.guest, 20000));
		CHECK_UINT(page->req_cons, 0);
		CHECK_UINT(page->req_prod, 0);
		CHECK_UINT(page->rsp_cons, 0);
		CHECK_UINT(page->rsp_prod, 0);
		peer_ask(&scene.dom0, XSP_WRITE, "/local/domain/5/x|2", "OK|");
		peer_say(&scene.guest, XSP_TRANSACTION_END, 1, "T|");
		peer_expect(&scene.guest, XSP_ERROR, "ENOENT|");
		peer_quiet(&scene.guest);
	}
	peer_ask(&scene.dom0, XSP_IS_DOMAIN_INTRODUCED, "5|", "T|");
	scene_end(&scene);
}

/* Sends the request and takes its reply; events in between are let go. */
static void exchange(struct peer *peer, enum xsp_type type, uint32_t tx_id, const char *payload,
		     struct message *out_reply)
{
	peer_say(peer, type, tx_id, payload);
	do
		*out_reply = peer_hear(peer);
	while (out_reply->header.type == XSP_WATCH_EVENT);
}

/* Whoever waits for another's transaction is free again when it starts anew. */
TEST(starting_anew_ends_a_wait_for_somebody_elses_transaction)
{
	struct message reply;
	struct scene scene;
	char text[16];

	scene_begin(&scene);
	exchange(&scene.dom0, XSP_WRITE, 0, "/local/domain/5/x|0", &reply);
	exchange(&scene.dom0, XSP_SET_PERMS, 0, "/local/domain/5/x|n5|", &reply);
	/* It loses three times to the guest. */
	for (int i = 0; i < 3; i++) {
		uint32_t tx_id;

		exchange(&scene.dom0, XSP_TRANSACTION_START, 0, "|", &reply);
		CHECK(xsp_parse_u32((const char *)reply.payload, UINT32_MAX, &tx_id));
		exchange(&scene.dom0, XSP_READ, tx_id, "/local/domain/5/x|", &reply);
		snprintf(text, sizeof(text), "x|%d", i + 1);
		exchange(&scene.guest, XSP_WRITE, 0, text, &reply);
		exchange(&scene.dom0, XSP_WRITE, tx_id, "/y|1", &reply);
		exchange(&scene.dom0, XSP_TRANSACTION_END, tx_id, "T|", &reply);
		CHECK_UINT(reply.header.type, XSP_ERROR);
	}
	/* The next one is favoured. */
	exchange(&scene.dom0, XSP_TRANSACTION_START, 0, "|", &reply);
	peer_say(&scene.guest, XSP_WRITE, 0, "x|9");
	peer_quiet(&scene.dom0);
	scene.guest.guest.page->connection = XSP_RING_RECONNECT;
	fakeguest_fire(&scene.guest.guest);
	peer_quiet(&scene.dom0);
	CHECK_UINT(scene.guest.guest.page->connection, XSP_RING_CONNECTED);
	CHECK(peer_wait(&scene.guest, 20000));
	/* The server looks at all rings every ten seconds: that shall not be what helps. */
	peer_say(&scene.guest, XSP_GET_DOMAIN_PATH, 0, "1|");
	CHECK(peer_wait(&scene.guest, 5000));
	peer_expect(&scene.guest, XSP_GET_DOMAIN_PATH, "/local/domain/1|");
	scene_end(&scene);
}

TEST(starting_anew_is_not_for_whom_it_was_not_offered)
{
	struct rig rig;
	struct peer dom0, guest;

	rig_begin(&rig);
	peer_connect(&rig, &dom0);
	peer_be(&rig, &guest, 5);
	peer_ask(&dom0, XSP_SET_FEATURE, "5|14|", "OK|");
	peer_introduce(&dom0, 5);
	CHECK_UINT(guest.guest.page->features, 14);
	peer_quiet(&guest);
	guest.guest.page->connection = XSP_RING_RECONNECT;
	fakeguest_fire(&guest.guest);
	peer_quiet(&guest);
	CHECK_UINT(guest.guest.page->connection, XSP_RING_RECONNECT);
	peer_close(&guest);
	peer_close(&dom0);
	rig_stop(&rig);
}

TEST(starting_anew_is_no_way_out_of_being_ignored)
{
	struct scene scene;
	struct xsp_ring_page *page;

	scene_begin(&scene);
	page = scene.guest.guest.page;
	page->req_prod = page->req_cons + 2000;
	fakeguest_fire(&scene.guest.guest);
	peer_quiet(&scene.dom0);
	CHECK_UINT(page->error, XSP_RING_ERROR_INDEX);
	page->connection = XSP_RING_RECONNECT;
	fakeguest_fire(&scene.guest.guest);
	peer_quiet(&scene.dom0);
	CHECK_UINT(page->connection, XSP_RING_RECONNECT);
	CHECK_UINT(page->error, XSP_RING_ERROR_INDEX);
	scene_end(&scene);
}

/* The kernel keeps so many notifications and forgets them all when there are more. */
TEST(notifications_that_the_kernel_forgot_are_made_up_for)
{
	struct scene scene;
	struct peer other;

	scene_begin(&scene);
	peer_be(&scene.rig, &other, 6);
	peer_introduce(&scene.dom0, 6);
	peer_ask(&scene.dom0, XSP_WATCH, "@releaseDomain|t|", "OK|");
	peer_event(&scene.dom0, "@releaseDomain|t|");
	rig_freeze(&scene.rig);
	peer_say(&scene.guest, XSP_GET_DOMAIN_PATH, 0, "1|");
	peer_say(&other, XSP_GET_DOMAIN_PATH, 0, "2|");
	fakehost_set(scene.rig.host, 6, FAKEHOST_EXISTS | FAKEHOST_SHUT_DOWN, 0);
	fakehost_tell(scene.rig.host);
	scene.rig.host->host->overflows = 1;
	rig_thaw(&scene.rig);
	CHECK(peer_wait(&scene.guest, 5000));
	peer_expect(&scene.guest, XSP_GET_DOMAIN_PATH, "/local/domain/1|");
	peer_expect(&other, XSP_GET_DOMAIN_PATH, "/local/domain/2|");
	peer_event(&scene.dom0, "@releaseDomain|t|");
	CHECK_UINT(scene.rig.host->host->overflows, 0);
	/* From now on it is as before. */
	peer_ask(&scene.guest, XSP_GET_DOMAIN_PATH, "3|", "/local/domain/3|");
	peer_ask(&other, XSP_GET_DOMAIN_PATH, "3|", "/local/domain/3|");
	fakehost_set(scene.rig.host, 6, 0, 0);
	fakehost_tell(scene.rig.host);
	peer_event(&scene.dom0, "@releaseDomain|t|");
	peer_close(&other);
	scene_end(&scene);
}

/* To serve the socket alone would look like a host without guests. */
TEST(without_the_device_dom0_has_no_server_rather_than_half_a_one)
{
	struct rig rig;
	int status;

	rig_make(&rig);
	rig.host->host->has_no_device = 1;
	CHECK_INT(fakedaemon_start(&rig.daemon, RIG_DAEMON, RIG_PRELOAD, NULL), 0);
	CHECK_INT(waitpid(rig.daemon.pid, &status, 0), rig.daemon.pid);
	rig.daemon.pid = 0;
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	rig.host->host->has_no_device = 0;
	rig_start(&rig, NULL, NULL, NULL);
	rig_stop(&rig);
}

TEST(the_daemons_own_kernel_is_served_and_woken_at_the_start)
{
	struct rig rig;
	struct peer kernel;

	rig_make(&rig);
	peer_be(&rig, &kernel, 0);
	kernel.guest.page->connection = XSP_RING_RECONNECT;
	rig_start(&rig, NULL, NULL, NULL);
	CHECK(peer_wait(&kernel, 20000));
	CHECK_UINT(kernel.guest.page->connection, XSP_RING_CONNECTED);
	/* It is privileged, and its relative paths are domain 0's. */
	peer_ask(&kernel, XSP_CONTROL, "check|", "OK|");
	peer_ask(&kernel, XSP_WRITE, "here|1", "OK|");
	peer_ask(&kernel, XSP_READ, "/local/domain/0/here|", "1");
	peer_close(&kernel);
	rig_stop(&rig);
}

/* Guests that were built without a toolstack have their port in the page. */
TEST(domains_that_are_there_at_the_start_are_introduced_behind_dom0)
{
	struct rig rig;
	struct peer dom0, guests[3];
	uint32_t own;

	rig_make(&rig);
	for (uint32_t i = 0; i < 3; i++) {
		peer_be(&rig, &guests[i], 3 + i);
		guests[i].guest.page->connection = XSP_RING_RECONNECT;
	}
	guests[0].guest.page->evtchn_port = FAKEHOST_PORT;
	guests[2].guest.page->evtchn_port = FAKEHOST_PORT;
	rig_start(&rig, NULL, NULL, NULL);
	peer_connect(&rig, &dom0);
	peer_ask(&dom0, XSP_IS_DOMAIN_INTRODUCED, "3|", "T|");
	peer_ask(&dom0, XSP_IS_DOMAIN_INTRODUCED, "4|", "F|");
	peer_ask(&dom0, XSP_IS_DOMAIN_INTRODUCED, "5|", "T|");
	own = channel(&rig, 0, FAKEHOST_PORT)->local_port;
	for (uint32_t i = 0; i < 3; i += 2) {
		/* Local ports are given in the order of binding. */
		CHECK(channel(&rig, 3 + i, FAKEHOST_PORT)->local_port > own);
		CHECK(peer_wait(&guests[i], 20000));
		CHECK_UINT(guests[i].guest.page->connection, XSP_RING_CONNECTED);
		CHECK_UINT(fakeguest_count(&guests[i].guest), 1);
		peer_quiet(&guests[i]);
	}
	CHECK_UINT(guests[1].guest.page->connection, XSP_RING_RECONNECT);
	peer_introduce(&dom0, 4);
	peer_quiet(&guests[1]);
	for (int i = 0; i < 3; i++)
		peer_close(&guests[i]);
	peer_close(&dom0);
	rig_stop(&rig);
}
