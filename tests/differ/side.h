/* SPDX-License-Identifier: MIT */
/*
 * One of the two servers: its clients, what they have received, and the state between
 * conversations.
 *
 * Nothing here waits for time to pass. After each step every client asks a question of its own
 * and reads up to the answer: a server answers in order, so that what the step caused has come.
 */
#ifndef TESTS_DIFFER_SIDE_H
#define TESTS_DIFFER_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/differ/step.h"
#include "tests/support/inbox.h"

/* One received message, kept. */
struct kept {
	struct xsp_header header;
	char *payload; /* owned */
};

/* What one client received in one step. */
struct stream {
	struct kept *messages; /* owned */
	size_t n;
	bool is_closed; /* the server closed the connection */
	bool is_silent; /* it did not answer at all */
};

struct side_client {
	int fd;
	struct inbox inbox;
	uint32_t tx[N_SLOTS];
	struct stream stream;
};

struct side {
	const char *name;    /* borrowed */
	const char *path;    /* borrowed */
	const char *restart; /* borrowed; a shell command, or NULL */
	struct side_client clients[N_CLIENTS];
	int n_clients;             /* in use */
	struct side_client keeper; /* resets and dumps the tree */
	char why[256];
};

/* Connects all clients anew and brings the tree back to its first state. */
bool side_reset(struct side *side, int n_clients);
void side_close(struct side *side);

/* Runs the restart command, if there is one. */
bool side_restart(struct side *side);

/* Plays one step and fills every client's stream. */
bool side_step(struct side *side, const struct diff_step *step);

/* The whole tree as text, a line for each node, in byte order. NULL: `why`. To be freed. */
char *side_dump(struct side *side);

#endif
