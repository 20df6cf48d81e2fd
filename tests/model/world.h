/* SPDX-License-Identifier: MIT */
/*
 * A server in this process, a model beside it, and the clients that both have: what one run of the
 * model test is made of.
 */
#ifndef TESTS_MODEL_WORLD_H
#define TESTS_MODEL_WORLD_H

#include "tests/model/model.h"
#include "tests/support/fake_host.h"

enum {
	GUESTS = 4, /* domains 1 to 4 come and go; 5 is named now and then, 6 never exists */
	SOCKETS_MAX = 4,
	BATCH_MAX = 12,
	TREE_MAX = 120,
	HISTORY = 40,
	LINE = 400,
};

struct pair {
	struct mclient *client;
	struct fake_conn *conn;
	struct inbox got;
};

/* A request of this step. */
struct sent {
	struct pair *pair;
	struct xsp_header header;
	char payload[XSP_PAYLOAD_MAX];
};

struct world {
	struct fake fake;
	struct model model;
	struct pair pairs[MODEL_CLIENTS_MAX];
	struct sent sent[BATCH_MAX];
	size_t n_sent;
	uint64_t random, seed;
	unsigned long step;
	uint32_t next_id;
	bool is_traced;
	char lines[HISTORY][LINE];
	unsigned long n_lines;
};

/* Keeps a line of what happened, for whoever has to understand a difference. */
void world_note(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Server and model differ: prints how that came about, and how to repeat it. */
_Noreturn void world_differ(struct world *world, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

uint64_t world_random(struct world *world);
unsigned world_below(struct world *world, unsigned n);
bool world_chance(struct world *world, unsigned percent);

/* compare.c: takes what has come for a client, and compares it with what the model expects. */
void pair_receive(struct pair *pair);
void pair_compare(struct world *world, struct pair *pair);

/* The server's own audit must find nothing. */
void world_audit(struct world *world);

/* Has both carry out what was sent in this step, and compares everything. */
void world_finish_step(struct world *world);

#endif
