/* SPDX-License-Identifier: MIT */
/*
 * What a conversation consists of: steps, each a few requests that one client sends in one go.
 *
 * A request names its transaction by slot, because two servers may number it differently.
 */
#ifndef TESTS_DIFFER_STEP_H
#define TESTS_DIFFER_STEP_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/wire.h"

enum {
	N_CLIENTS = 8, /* a random conversation uses half of them */
	N_TALKERS = 4,
	N_SLOTS = 6,          /* transactions of one client that a conversation remembers */
	N_REQUESTS_MAX = 512, /* in one step */
};

enum step_action { STEP_TALK, STEP_CLOSE_CLIENT };

struct request {
	uint32_t type;
	int slot;      /* of a transaction, or -1 */
	uint32_t tx;   /* used where slot is -1 */
	int new_slot;  /* TRANSACTION_START: what the new transaction is called, or -1 */
	char *payload; /* owned */
	size_t len;
};

struct diff_step {
	enum step_action action;
	int client;
	struct request *requests; /* owned */
	int n_requests;
	int split; /* the first piece's length, 0: all in one piece */
};

struct request *step_add(struct diff_step *step, uint32_t type, int slot, uint32_t tx,
			 const void *payload, size_t len);
void step_fini(struct diff_step *step);

/* "c1> TYPE[slot] payload" */
void request_show(char *out, size_t size, int client, const struct request *request);

#endif
