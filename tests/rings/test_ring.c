/* SPDX-License-Identifier: MIT */
/*
 * The daemon's end of a ring (xenstored/io/ring.c) with a core that is made up here: what it does
 * at the ends of the index space, and how much it does at once.
 */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "protocol/wire.h"
#include "tests/support/check.h"
#include "xenstored/core/server.h"
#include "xenstored/io/ring.h"

enum { CORE_SIZE = 64 * 1024 };

/* The core, seen from a ring: a queue in, a queue out. */
struct client {
	uint8_t in[CORE_SIZE];
	size_t n_in;
	size_t n_wanted; /* input it wants at all */
	uint8_t out[CORE_SIZE];
	size_t out_at, n_out;
	uint32_t error;
	/* A guest that works while it is being served. */
	void (*meanwhile)(struct client *client);
	struct xsp_ring_page *page;
};

bool client_wants_input(struct client *client)
{
	return client->n_in < client->n_wanted;
}

uint8_t *client_input_space(struct client *client, size_t *out_len)
{
	*out_len = client->n_wanted - client->n_in;
	return client->in + client->n_in;
}

void client_input_added(struct client *client, size_t len)
{
	client->n_in += len;
	if (client->meanwhile)
		client->meanwhile(client);
}

size_t client_output(const struct client *client, const uint8_t **out_bytes)
{
	*out_bytes = client->out + client->out_at;
	return client->n_out - client->out_at;
}

void client_output_taken(struct client *client, size_t len)
{
	client->out_at += len;
	if (client->meanwhile)
		client->meanwhile(client);
}

void client_broke(struct client *client, uint32_t error)
{
	client->error = error;
}

static struct xsp_ring_page page;
static struct client core;
static struct ring ring;

static void begin(uint32_t at)
{
	memset(&page, 0, sizeof(page));
	memset(&core, 0, sizeof(core));
	core.page = &page;
	core.n_wanted = CORE_SIZE;
	for (size_t i = 0; i < CORE_SIZE; i++)
		core.out[i] = (uint8_t)(i * 7);
	ring = (struct ring){ .client = &core };
	ring_start(&ring, &page, XSP_FEATURES_ALL, false);
	/* As after so many bytes. */
	page.req_cons = page.req_prod = ring.ends.req_cons = at;
	page.rsp_cons = page.rsp_prod = ring.ends.rsp_prod = at;
}

/* The guest sends, and takes what is there. */
static uint8_t next_sent, next_due;

static void guest_sends(uint32_t n)
{
	uint32_t prod = page.req_prod;

	for (uint32_t i = 0; i < n; i++)
		page.req[(prod + i) % XSP_RING_SIZE] = next_sent++;
	page.req_prod = prod + n;
}

static void guest_takes(uint32_t n)
{
	uint32_t cons = page.rsp_cons;

	for (uint32_t i = 0; i < n; i++) {
		CHECK_UINT(page.rsp[(cons + i) % XSP_RING_SIZE], next_due);
		next_due = (uint8_t)(next_due + 7);
	}
	page.rsp_cons = cons + n;
}

/* Through the end of the index space, and of every ring's worth before and behind it. */
TEST(indices_wrap_at_two_to_the_32)
{
	static const uint32_t starts[] = {
		0, 1023, UINT32_MAX - 5000, UINT32_MAX - 1023, UINT32_MAX - 1024, UINT32_MAX
	};

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		size_t n_sent = 0;

		begin(starts[i]);
		next_sent = next_due = 0;
		for (uint32_t n = 1; n <= XSP_RING_SIZE && n_sent + n < 20000; n += 37) {
			guest_sends(n);
			core.n_out = core.out_at + n;
			ring_serve(&ring);
			n_sent += n;
			CHECK_UINT(core.error, 0);
			CHECK_UINT(core.n_in, n_sent);
			CHECK_UINT(page.req_cons, page.req_prod);
			guest_takes(n);
		}
		for (size_t at = 0; at < n_sent; at++)
			CHECK_UINT(core.in[at], (uint8_t)at);
	}
}

TEST(full_rings_are_full_and_one_more_is_wrong)
{
	begin(UINT32_MAX - 100);
	next_sent = next_due = 0;
	guest_sends(XSP_RING_SIZE);
	core.n_out = XSP_RING_SIZE + 1;
	CHECK(ring_serve(&ring).has_moved);
	CHECK_UINT(core.n_in, XSP_RING_SIZE);
	CHECK_UINT(page.rsp_prod - page.rsp_cons, XSP_RING_SIZE);
	CHECK(!ring_serve(&ring).has_moved);
	CHECK_UINT(core.error, 0);
	page.req_prod = page.req_cons + XSP_RING_SIZE + 1;
	ring_serve(&ring);
	CHECK_UINT(core.error, XSP_RING_ERROR_INDEX);
	CHECK_UINT(core.n_in, XSP_RING_SIZE);
}

static void keep_busy(struct client *client)
{
	if (client->page->req_prod == client->page->req_cons)
		guest_sends(1);
	client->page->rsp_cons = client->page->rsp_prod;
}

/* A guest that sends byte after byte while it is served does not keep the server. */
TEST(a_turn_of_a_ring_has_an_end)
{
	struct ring_work work;
	int n_turns = 0;

	begin(0);
	core.meanwhile = keep_busy;
	core.n_out = CORE_SIZE;
	guest_sends(1);
	do {
		size_t before = core.n_in;

		work = ring_serve(&ring);
		CHECK(work.has_moved);
		CHECK(core.n_in - before <= 16);
	} while (++n_turns < 100 && work.is_unfinished);
	/* It went on sending, so it was never done. */
	CHECK_INT(n_turns, 100);
	core.meanwhile = NULL;
	core.n_out = core.out_at;
	ring_serve(&ring);
	CHECK(!ring_serve(&ring).is_unfinished);
}

static void read_all(struct client *client)
{
	client->page->rsp_cons = client->page->rsp_prod;
}

/* The guest found a ring that was not full, so it will not tell that it has read. */
TEST(what_is_read_meanwhile_is_followed_by_more)
{
	begin(7);
	core.meanwhile = read_all;
	core.n_out = 5 * XSP_RING_SIZE;
	CHECK(!ring_serve(&ring).is_unfinished);
	CHECK_UINT(core.out_at, core.n_out);
}

static void send_once(struct client *client)
{
	if (client->n_in == 10)
		guest_sends(20);
}

/* Likewise, it did not tell of what it sent before its ring was seen to be empty. */
TEST(what_is_sent_meanwhile_is_found)
{
	begin(7);
	core.meanwhile = send_once;
	guest_sends(10);
	CHECK(!ring_serve(&ring).is_unfinished);
	CHECK_UINT(core.n_in, 30);
}

/* The core wants no more: the rest stays where it is, and is not lost. */
TEST(input_waits_in_the_ring)
{
	begin(1000);
	next_sent = 0;
	core.n_wanted = 10;
	guest_sends(100);
	CHECK(!ring_serve(&ring).is_unfinished);
	CHECK_UINT(core.n_in, 10);
	CHECK_UINT(page.req_prod - page.req_cons, 90);
	CHECK(!ring_serve(&ring).has_moved);
	core.n_wanted = CORE_SIZE;
	CHECK(ring_serve(&ring).has_moved);
	CHECK_UINT(core.n_in, 100);
}

TEST(a_failed_ring_is_not_touched)
{
	struct xsp_ring_page before;

	begin(0);
	ring_fail(&ring, XSP_RING_ERROR_PROTOCOL);
	CHECK_UINT(page.error, XSP_RING_ERROR_PROTOCOL);
	guest_sends(10);
	page.connection = XSP_RING_RECONNECT;
	core.n_out = 10;
	memcpy(&before, &page, sizeof(page));
	CHECK(!ring_wants_restart(&ring));
	CHECK(!ring_serve(&ring).has_moved);
	CHECK_BYTES((void *)&page, sizeof(page), (void *)&before, sizeof(before));
}
