/* SPDX-License-Identifier: MIT */
/*
 * Server and model, byte by byte.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/errname.h"
#include "tests/model/world.h"

void pair_receive(struct pair *pair)
{
	static uint8_t bytes[65536];
	size_t n;

	while ((n = fake_receive(pair->conn, bytes, sizeof(bytes))) > 0)
		inbox_add(&pair->got, bytes, n);
}

/* Finds the server's reply to a request among what its client has received. */
static void look_up(struct world *world, const struct sent *sent, struct mrequest *rq)
{
	const struct inbox *got = &sent->pair->got;
	struct inbox rest = { .bytes = got->bytes, .start = got->start, .len = got->len };
	struct message message;

	(void)world;
	while (inbox_next(&rest, &message)) {
		if (message.header.type == XSP_WATCH_EVENT ||
		    message.header.req_id != sent->header.req_id)
			continue;
		if (message.header.type == XSP_ERROR)
			rq->answer = xsp_errname_parse(message.payload, message.header.len);
		else if (message.header.type == XSP_DIRECTORY_PART && message.header.len)
			rq->generation = strtoull(message.payload, NULL, 10);
	}
}

/* The first message that is not the same on both sides. */
_Noreturn static void show_difference(struct world *world, struct pair *pair)
{
	struct inbox *got = &pair->got, *expected = &pair->client->expected;
	struct message a, b;
	char left[600], right[600];
	bool has_left, has_right;

	do {
		has_left = inbox_next(got, &a);
		has_right = inbox_next(expected, &b);
	} while (has_left && has_right && !memcmp(&a.header, &b.header, sizeof(a.header)) &&
		 !memcmp(a.payload, b.payload, a.header.len));
	snprintf(left, sizeof(left), "nothing more (%zu bytes)", inbox_rest(got));
	snprintf(right, sizeof(right), "nothing more (%zu bytes)", inbox_rest(expected));
	if (has_left)
		message_show(left, sizeof(left), &a);
	if (has_right)
		message_show(right, sizeof(right), &b);
	world_differ(world, "%s %u\n  got      %s\n  expected %s",
		     pair->client->is_socket ? "socket" : "domain",
		     pair->client->is_socket ? (unsigned)(pair - world->pairs)
					     : pair->client->domid,
		     left, right);
}

void pair_compare(struct world *world, struct pair *pair)
{
	struct inbox *got = &pair->got, *expected = &pair->client->expected;

	if (got->len != expected->len ||
	    (got->len &&
	     memcmp(got->bytes + got->start, expected->bytes + expected->start, got->len) != 0))
		show_difference(world, pair);
	got->len = got->start = expected->len = expected->start = 0;
}

void world_audit(struct world *world)
{
	char text[256];

	if (!server_audit(world->fake.server, text, sizeof(text)))
		world_differ(world, "audit: %s", text);
}

/* A guest that has been introduced becomes a pair, one that is gone is none any more. */
static void match_pairs(struct world *world)
{
	for (size_t i = 0; i < MODEL_CLIENTS_MAX; i++) {
		struct mclient *client = &world->model.clients[i];
		struct pair *pair = &world->pairs[i];

		if (client->is_used && !pair->client && !client->is_socket) {
			pair->client = client;
			pair->conn = fake_guest(&world->fake, client->domid);
			pair->conn->is_read = client->is_reading = true;
		} else if (!client->is_used && pair->client) {
			pair->client = NULL;
			inbox_fini(&pair->got);
		}
	}
}

/* Lets the server and the model do what was asked of them, and compares. */
void world_finish_step(struct world *world)
{
	struct fake *fake = &world->fake;
	bool has_start = false;

	fake_settle(fake);
	for (size_t i = 0; i < MODEL_CLIENTS_MAX; i++) {
		if (world->pairs[i].client && world->pairs[i].client->is_reading)
			pair_receive(&world->pairs[i]);
	}
	for (size_t i = 0; i < world->n_sent; i++) {
		struct sent *sent = &world->sent[i];
		struct mrequest rq = {
			.client = sent->pair->client,
			.header = sent->header,
			.payload = sent->payload,
		};

		has_start = has_start || sent->header.type == XSP_TRANSACTION_START;
		look_up(world, sent, &rq);
		model_request(&world->model, &rq);
	}
	world->n_sent = 0;
	model_deliver(&world->model);
	match_pairs(world);
	for (size_t i = 0; i < MODEL_CLIENTS_MAX; i++) {
		struct pair *pair = &world->pairs[i];

		if (!pair->client || !pair->client->is_reading)
			continue;
		pair_receive(pair);
		pair_compare(world, pair);
	}
	/* Whoever was promised to win has had its time: nobody has to wait in this test. */
	if (has_start)
		fake->now_ms += 1000;
}
