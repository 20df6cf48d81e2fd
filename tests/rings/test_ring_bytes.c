/* SPDX-License-Identifier: MIT */
/*
 * Bytes over a ring: every fill, every position, nothing lost and nobody left asleep.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/rings/rig.h"
#include "tests/support/check.h"

/* One request, as it goes into the ring. */
static size_t request(char *out, uint32_t type, uint32_t id, const char *payload, size_t len)
{
	struct xsp_header header = { .type = type, .req_id = id, .len = (uint32_t)len };

	xsp_header_put(out, &header);
	memcpy(out + XSP_HEADER_SIZE, payload, len);
	return XSP_HEADER_SIZE + len;
}

static uint32_t used(const _Atomic uint32_t *prod, const _Atomic uint32_t *cons)
{
	return *prod - *cons;
}

TEST(one_exchange_is_one_notification)
{
	struct scene scene;
	uint64_t before;

	scene_begin(&scene);
	for (int i = 0; i < 10; i++) {
		before = fakeguest_count(&scene.guest.guest);
		peer_quiet(&scene.guest);
		CHECK_UINT(fakeguest_count(&scene.guest.guest) - before, 1);
	}
	scene_end(&scene);
}

TEST(twenty_requests_at_once_are_one_notification)
{
	char bytes[XSP_RING_SIZE];
	struct scene scene;
	size_t len = 0;
	uint64_t before;

	scene_begin(&scene);
	for (uint32_t i = 1; i <= 20; i++)
		len += request(bytes + len, XSP_GET_DOMAIN_PATH, i, "0", 2);
	rig_freeze(&scene.rig);
	before = fakeguest_count(&scene.guest.guest);
	CHECK_UINT(fakeguest_write(&scene.guest.guest, bytes, len), len);
	rig_thaw(&scene.rig);
	for (uint32_t i = 1; i <= 20; i++) {
		scene.guest.last_id = i;
		peer_expect(&scene.guest, XSP_GET_DOMAIN_PATH, "/local/domain/0|");
	}
	CHECK_UINT(fakeguest_count(&scene.guest.guest) - before, 1);
	scene_end(&scene);
}

TEST(an_exactly_full_request_ring_is_served)
{
	char bytes[XSP_RING_SIZE], value[128];
	struct scene scene;
	size_t len = 0;
	uint32_t id = 0;

	scene_begin(&scene);
	memset(value, 'v', sizeof(value));
	memcpy(value, "x", 2);
	/* 8 writes of 112 + 16 bytes: 1024 to the byte, wherever in the ring they begin. */
	while (len < XSP_RING_SIZE)
		len += request(bytes + len, XSP_WRITE, ++id, value, 112);
	CHECK_UINT(len, XSP_RING_SIZE);
	for (int round = 0; round < 3; round++) {
		rig_freeze(&scene.rig);
		CHECK_UINT(fakeguest_write(&scene.guest.guest, bytes, len), len);
		CHECK_UINT(fakeguest_write(&scene.guest.guest, "more", 4), 0);
		rig_thaw(&scene.rig);
		for (uint32_t i = 1; i <= id; i++) {
			scene.guest.last_id = i;
			peer_expect(&scene.guest, XSP_WRITE, "OK|");
		}
		peer_quiet(&scene.guest);
	}
	CHECK_UINT(scene.guest.guest.page->error, 0);
	scene_end(&scene);
}

/* The guest is only told of room if there was none, so none may be left while there is more. */
TEST(a_response_ring_is_filled_to_the_last_byte)
{
	struct xsp_ring_page *page;
	struct message message;
	struct scene scene;
	char value[1500];

	scene_begin(&scene);
	page = scene.guest.guest.page;
	memset(value, 'v', sizeof(value));
	memcpy(value, "/local/domain/5/x", 18);
	peer_say_bytes(&scene.dom0, XSP_WRITE, 0, value, sizeof(value));
	peer_expect(&scene.dom0, XSP_WRITE, "OK|");
	for (int round = 0; round < 5; round++) {
		peer_say(&scene.guest, XSP_READ, 0, "x|");
		CHECK(peer_wait(&scene.guest, 20000));
		peer_quiet(&scene.dom0);
		CHECK_UINT(used(&page->rsp_prod, &page->rsp_cons), XSP_RING_SIZE);
		message = peer_hear(&scene.guest);
		CHECK_BYTES(message.payload, message.header.len, value + 18, sizeof(value) - 18);
	}
	scene_end(&scene);
}

TEST(payloads_of_4096_bytes_pass_both_ways)
{
	char value[XSP_PAYLOAD_MAX], listing[XSP_PAYLOAD_MAX + 1];
	struct message message;
	struct scene scene;

	scene_begin(&scene);
	peer_ask(&scene.dom0, XSP_SET_QUOTA, "5|node-size|0|", "OK|");
	for (int round = 0; round < 3; round++) {
		memset(value, 'a' + round, sizeof(value));
		memcpy(value, "x", 2);
		peer_say_bytes(&scene.guest, XSP_WRITE, 0, value, sizeof(value));
		peer_expect(&scene.guest, XSP_WRITE, "OK|");
		peer_say(&scene.guest, XSP_READ, 0, "x|");
		message = peer_hear(&scene.guest);
		CHECK_BYTES(message.payload, message.header.len, value + 2, sizeof(value) - 2);
	}
	/* Four names of 255 + 1 + ... bytes: a listing of exactly 4096. */
	for (int i = 0; i < 16; i++) {
		snprintf(listing, sizeof(listing), "/local/domain/5/l/%c%0254d|", 'a' + i, 0);
		peer_ask(&scene.dom0, XSP_MKDIR, listing, "OK|");
	}
	peer_say(&scene.guest, XSP_DIRECTORY, 0, "l|");
	message = peer_hear(&scene.guest);
	CHECK_UINT(message.header.type, XSP_DIRECTORY);
	CHECK_UINT(message.header.len, XSP_PAYLOAD_MAX);
	peer_quiet(&scene.guest);
	scene_end(&scene);
}

TEST(messages_begin_at_every_position_of_the_ring)
{
	struct scene scene;

	scene_begin(&scene);
	peer_ask(&scene.guest, XSP_WRITE, "nn|12345", "OK|");
	/* 19 and 21 bytes: neither has a divisor in common with the size of a ring. */
	for (int i = 0; i < XSP_RING_SIZE; i++)
		peer_ask(&scene.guest, XSP_READ, "nn|", "12345");
	scene_end(&scene);
}

TEST(long_messages_begin_at_every_position_of_the_ring)
{
	char value[1003];
	struct message message;
	struct scene scene;

	scene_begin(&scene);
	memcpy(value, "x", 2);
	/* 1019 bytes and 18 to the server, 19 and 1017 from it: odd, so all positions come. */
	for (int i = 0; i < XSP_RING_SIZE; i++) {
		memset(value + 2, 'a' + i % 26, sizeof(value) - 2);
		peer_say_bytes(&scene.guest, XSP_WRITE, 0, value, sizeof(value));
		peer_expect(&scene.guest, XSP_WRITE, "OK|");
		peer_say(&scene.guest, XSP_READ, 0, "x|");
		message = peer_hear(&scene.guest);
		CHECK_BYTES(message.payload, message.header.len, value + 2, sizeof(value) - 2);
	}
	scene_end(&scene);
}

TEST(messages_arrive_byte_by_byte)
{
	struct scene scene;
	char bytes[64];
	size_t len;

	scene_begin(&scene);
	for (uint32_t round = 1; round <= 3; round++) {
		len = request(bytes, XSP_GET_DOMAIN_PATH, round, "12", 3);
		for (size_t i = 0; i < len; i++) {
			CHECK_UINT(fakeguest_write(&scene.guest.guest, bytes + i, 1), 1);
			peer_quiet(&scene.dom0);
			CHECK_UINT(scene.guest.guest.page->req_cons,
				   scene.guest.guest.page->req_prod);
		}
		scene.guest.last_id = round;
		peer_expect(&scene.guest, XSP_GET_DOMAIN_PATH, "/local/domain/12|");
	}
	scene_end(&scene);
}

/* A guest that keeps as much in flight as the rings allow, in chunks of all sizes. */
struct busy {
	struct peer *peer;
	char out[2 * XSP_RING_SIZE];
	size_t len;
	uint32_t n_sent, n_heard;
};

static void add_request(struct busy *busy)
{
	char payload[400];
	size_t len = (size_t)rand() % 40 ? 2 : 1 + (size_t)rand() % (sizeof(payload) - 1);

	memset(payload, 'x', sizeof(payload));
	payload[len - 1] = '\0';
	busy->len += request(busy->out + busy->len, XSP_READ, ++busy->n_sent, payload, len);
}

/* Moves something either way. False: nothing could be moved. */
static bool push_and_pull(struct busy *busy)
{
	struct fakeguest *guest = &busy->peer->guest;
	struct message message;
	char in[XSP_RING_SIZE];
	size_t n_out = 0, n_in;

	if (busy->len)
		n_out = fakeguest_write(guest, busy->out, 1 + (size_t)rand() % busy->len);
	memmove(busy->out, busy->out + n_out, busy->len - n_out);
	busy->len -= n_out;
	n_in = fakeguest_read(guest, in, 1 + (size_t)rand() % sizeof(in));
	inbox_add(&busy->peer->inbox, in, n_in);
	while (inbox_next(&busy->peer->inbox, &message))
		CHECK_UINT(message.header.req_id, ++busy->n_heard);
	return n_out || n_in;
}

/* Whoever forgets to look again before sleeping, on either side, hangs here. */
TEST(a_busy_ring_never_falls_asleep)
{
	enum { N = 20000, SLICE_MS = 100, PATIENCE = 200 };
	int patience = PATIENCE;
	char value[700];
	struct scene scene;
	struct busy busy = { .peer = &scene.guest };

	scene_begin(&scene);
	memset(value, 'v', sizeof(value));
	memcpy(value, "x", 2);
	peer_say_bytes(&scene.guest, XSP_WRITE, 0, value, sizeof(value));
	peer_expect(&scene.guest, XSP_WRITE, "OK|");
	srand(1);
	while (busy.n_heard < N) {
		if (busy.len < XSP_RING_SIZE && busy.n_sent < N)
			add_request(&busy);
		if (push_and_pull(&busy) || peer_wait(&scene.guest, SLICE_MS))
			patience = PATIENCE;
		else if (--patience == 0)
			CHECK_FAIL("asleep: %u requests sent, %u replies", busy.n_sent,
				   busy.n_heard);
	}
	scene_end(&scene);
}
