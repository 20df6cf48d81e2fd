/* SPDX-License-Identifier: MIT */
/*
 * Guests that break the rules of the ring: each is ignored, told why, and harms nobody else.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/rings/rig.h"
#include "tests/support/check.h"

/* Beside the usual scene: domain 6, which keeps to the rules, and a watch for who goes. */
struct crowd {
	struct scene scene;
	struct peer other;
};

static void crowd_begin(struct crowd *crowd)
{
	scene_begin(&crowd->scene);
	scene_add(&crowd->scene, &crowd->other, 6);
	peer_ask(&crowd->scene.dom0, XSP_WATCH, "@releaseDomain|r|", "OK|");
	peer_event(&crowd->scene.dom0, "@releaseDomain|r|");
}

static void crowd_end(struct crowd *crowd)
{
	peer_close(&crowd->other);
	scene_end(&crowd->scene);
}

/* The others are served, and nobody is told that a domain has gone. */
static void check_others(struct crowd *crowd)
{
	peer_ask(&crowd->other, XSP_WRITE, "n|1", "OK|");
	peer_ask(&crowd->other, XSP_READ, "n|", "1");
	peer_ask(&crowd->scene.dom0, XSP_IS_DOMAIN_INTRODUCED, "5|", "T|");
}

/* Nothing that domain 5 asks is answered. */
static void check_ignored(struct crowd *crowd)
{
	struct fakeguest *guest = &crowd->scene.guest.guest;
	struct xsp_header header = { .type = XSP_GET_DOMAIN_PATH, .len = 2 };
	uint32_t produced = guest->page->rsp_prod;
	char bytes[XSP_HEADER_SIZE + 2] = { 0 };

	xsp_header_put(bytes, &header);
	memcpy(bytes + XSP_HEADER_SIZE, "0", 2);
	guest->page->req_prod = guest->page->req_cons;
	fakeguest_write(guest, bytes, sizeof(bytes));
	fakeguest_fire(guest);
	check_others(crowd);
	CHECK_UINT(guest->page->rsp_prod, produced);
}

/* Introduced again, it is served again, and the error is forgotten. */
static void check_revived(struct crowd *crowd)
{
	struct peer *guest = &crowd->scene.guest;

	peer_introduce(&crowd->scene.dom0, 5);
	CHECK_UINT(guest->guest.page->error, XSP_RING_ERROR_NONE);
	CHECK_UINT(guest->guest.page->req_prod, 0);
	inbox_fini(&guest->inbox);
	peer_quiet(guest);
}

static void break_ring(struct crowd *crowd, uint32_t expected_error)
{
	struct fakeguest *guest = &crowd->scene.guest.guest;

	fakeguest_fire(guest);
	/* It has been seen when somebody else has been answered who spoke later. */
	check_others(crowd);
	CHECK_UINT(guest->page->error, expected_error);
	check_ignored(crowd);
	check_revived(crowd);
}

TEST(impossible_producers_of_requests_are_refused)
{
	static const uint32_t beyond[] = { 1025, 2000, 0x80000000, UINT32_MAX };
	struct crowd crowd;

	crowd_begin(&crowd);
	for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		struct xsp_ring_page *page = crowd.scene.guest.guest.page;

		page->req_prod = page->req_cons + beyond[i];
		break_ring(&crowd, XSP_RING_ERROR_INDEX);
	}
	crowd_end(&crowd);
}

TEST(impossible_consumers_of_responses_are_refused)
{
	static const uint32_t beyond[] = { 1, 1000, 0x80000000, (uint32_t)-1025 };
	struct crowd crowd;

	crowd_begin(&crowd);
	for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		struct xsp_ring_page *page = crowd.scene.guest.guest.page;

		page->rsp_cons = page->rsp_prod + beyond[i];
		/* It shows when there is something to respond. */
		peer_say(&crowd.scene.guest, XSP_GET_DOMAIN_PATH, 0, "0|");
		break_ring(&crowd, XSP_RING_ERROR_INDEX);
	}
	crowd_end(&crowd);
}

/* The words that are the server's own are not read back. */
TEST(the_servers_indices_are_not_taken_from_the_page)
{
	struct crowd crowd;
	struct xsp_ring_page *page;

	crowd_begin(&crowd);
	page = crowd.scene.guest.guest.page;
	for (uint32_t i = 0; i < 20; i++) {
		uint32_t consumed = page->req_cons, produced = page->rsp_prod;

		page->req_cons = 0x55555555 * i;
		page->rsp_prod = 0xaaaaaaab * i;
		fakeguest_fire(&crowd.scene.guest.guest);
		check_others(&crowd);
		page->req_cons = consumed;
		page->rsp_prod = produced;
		peer_quiet(&crowd.scene.guest);
	}
	CHECK_UINT(page->error, XSP_RING_ERROR_NONE);
	crowd_end(&crowd);
}

TEST(lengths_beyond_4096_are_refused)
{
	static const uint32_t lengths[] = { 4097, 0x40000000, 0x7fffffff, 0x80000000, UINT32_MAX };
	struct crowd crowd;

	crowd_begin(&crowd);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct xsp_header header = { .type = XSP_READ, .len = lengths[i] };
		char bytes[XSP_HEADER_SIZE];

		xsp_header_put(bytes, &header);
		CHECK_UINT(fakeguest_write(&crowd.scene.guest.guest, bytes, sizeof(bytes)),
			   sizeof(bytes));
		break_ring(&crowd, XSP_RING_ERROR_PROTOCOL);
	}
	crowd_end(&crowd);
}

/* A guest that is not to know the error field finds it untouched. */
TEST(the_error_is_not_told_to_whom_it_means_nothing)
{
	struct scene scene;
	struct peer old;

	scene_begin(&scene);
	peer_be(&scene.rig, &old, 7);
	peer_ask(&scene.dom0, XSP_SET_FEATURE, "7|0|", "OK|");
	old.guest.page->error = 77;
	peer_introduce(&scene.dom0, 7);
	CHECK_UINT(old.guest.page->features, 0);
	peer_quiet(&old);
	old.guest.page->req_prod = old.guest.page->req_cons + 3000;
	fakeguest_fire(&old.guest);
	peer_quiet(&scene.dom0);
	CHECK_UINT(old.guest.page->error, 77);
	CHECK_UINT(old.guest.page->req_prod, old.guest.page->req_cons + 3000);
	peer_close(&old);
	scene_end(&scene);
}

/* A broken ring is not a dead domain: it is missed when it dies, once, and not before. */
TEST(a_broken_ring_goes_with_its_domain)
{
	struct crowd crowd;

	crowd_begin(&crowd);
	crowd.scene.guest.guest.page->req_prod += 5000;
	fakeguest_fire(&crowd.scene.guest.guest);
	check_others(&crowd);
	CHECK_UINT(crowd.scene.guest.guest.page->error, XSP_RING_ERROR_INDEX);
	fakehost_set(crowd.scene.rig.host, 5, 0, 0);
	fakehost_tell(crowd.scene.rig.host);
	peer_event(&crowd.scene.dom0, "@releaseDomain|r|");
	peer_ask(&crowd.scene.dom0, XSP_IS_DOMAIN_INTRODUCED, "5|", "F|");
	peer_quiet(&crowd.scene.dom0);
	crowd_end(&crowd);
}

struct flipper {
	struct fakeguest *guest;
	unsigned seed;
	atomic_bool is_over;
};

static void *flip(void *arg)
{
	struct flipper *flipper = arg;
	_Atomic uint32_t *words = &flipper->guest->page->req_cons;

	while (!flipper->is_over) {
		int which = rand_r(&flipper->seed) % 4;

		atomic_fetch_add(&words[which], (uint32_t)rand_r(&flipper->seed) % 5 - 2);
		if (rand_r(&flipper->seed) % 64 == 0)
			words[which] = (uint32_t)rand_r(&flipper->seed) * 2654435761u;
		if (rand_r(&flipper->seed) % 8 == 0)
			fakeguest_fire(flipper->guest);
	}
	return NULL;
}

/* Indices and bytes change while they are being read; whatever comes of it, others do not see it. */
TEST(indices_flipped_by_another_thread_harm_nobody)
{
	enum { ROUNDS = 25, EXCHANGES = 20 };
	struct crowd crowd;
	pthread_t thread;

	crowd_begin(&crowd);
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct flipper flipper = { .guest = &crowd.scene.guest.guest, .seed = round };
		struct xsp_header header = { .type = XSP_READ, .len = 200 };

		CHECK_INT(pthread_create(&thread, NULL, flip, &flipper), 0);
		for (int i = 0; i < EXCHANGES; i++) {
			xsp_header_put(flipper.guest->page->req + i * 40, &header);
			check_others(&crowd);
		}
		flipper.is_over = true;
		pthread_join(thread, NULL);
		check_revived(&crowd);
	}
	crowd_end(&crowd);
}

TEST(garbage_in_every_field_harms_nobody)
{
	enum { ROUNDS = 300 };
	struct crowd crowd;
	unsigned seed = 1;

	crowd_begin(&crowd);
	for (int round = 0; round < ROUNDS; round++) {
		struct fakeguest *guest = &crowd.scene.guest.guest;
		uint8_t *bytes = (uint8_t *)guest->page;

		/* All of the page, or all but valid indices, so that the bytes are looked at. */
		for (size_t i = 0; i < (round % 2 ? sizeof(*guest->page) : 2048); i++)
			bytes[i] = (uint8_t)(rand_r(&seed) >> 8);
		if (round % 2 == 0)
			guest->page->req_prod = guest->page->req_cons +
						(uint32_t)rand_r(&seed) % (XSP_RING_SIZE + 1);
		fakeguest_fire(guest);
		check_others(&crowd);
		check_revived(&crowd);
	}
	crowd_end(&crowd);
}

static void *fire_for_ever(void *arg)
{
	struct flipper *flipper = arg;

	while (!flipper->is_over)
		fakeguest_fire(flipper->guest);
	return NULL;
}

TEST(a_guest_that_fires_without_end_is_listened_to_now_and_then)
{
	struct crowd crowd;
	struct flipper flipper;
	pthread_t thread;

	crowd_begin(&crowd);
	flipper = (struct flipper){ .guest = &crowd.scene.guest.guest };
	CHECK_INT(pthread_create(&thread, NULL, fire_for_ever, &flipper), 0);
	for (int i = 0; i < 1000; i++)
		check_others(&crowd);
	/* It is still served itself. */
	for (int i = 0; i < 10; i++)
		peer_quiet(&crowd.scene.guest);
	flipper.is_over = true;
	pthread_join(thread, NULL);
	for (int i = 0; i < 10; i++)
		peer_quiet(&crowd.scene.guest);
	crowd_end(&crowd);
}

TEST(a_guest_that_never_reads_keeps_nobody_waiting)
{
	struct crowd crowd;
	char bytes[XSP_RING_SIZE];
	struct xsp_header header = { .type = XSP_GET_DOMAIN_PATH, .len = 2 };

	crowd_begin(&crowd);
	memset(bytes, 0, sizeof(bytes));
	xsp_header_put(bytes, &header);
	memcpy(bytes + XSP_HEADER_SIZE, "0", 2);
	for (int i = 0; i < 2000; i++) {
		fakeguest_write(&crowd.scene.guest.guest, bytes, XSP_HEADER_SIZE + 2);
		if (i % 50 == 0)
			check_others(&crowd);
	}
	/* What it was sent fills the ring; what it asks beyond its quota stays in the other. */
	CHECK_UINT(crowd.scene.guest.guest.page->rsp_prod, XSP_RING_SIZE);
	CHECK_UINT(crowd.scene.guest.guest.page->error, XSP_RING_ERROR_NONE);
	check_others(&crowd);
	crowd_end(&crowd);
}

/* Whatever signal is lost makes a delay of seconds, and not a hang. */
TEST(a_guest_that_never_signals_is_served_in_the_end)
{
	struct scene scene;
	struct xsp_header header = { .type = XSP_GET_DOMAIN_PATH, .req_id = 1, .len = 2 };
	struct xsp_ring_page *page;

	scene_begin(&scene);
	page = scene.guest.guest.page;
	xsp_header_put(page->req, &header);
	memcpy(page->req + XSP_HEADER_SIZE, "0", 2);
	atomic_store(&page->req_prod, XSP_HEADER_SIZE + 2);
	scene.guest.last_id = 1;
	peer_expect(&scene.guest, XSP_GET_DOMAIN_PATH, "/local/domain/0|");
	scene_end(&scene);
}
