/* SPDX-License-Identifier: MIT */
/*
 * A player's clients: their streams in both directions, and the words for what went wrong.
 * The steps of a script are play.c's affair.
 */
#ifndef TESTS_SUPPORT_PLAYER_H
#define TESTS_SUPPORT_PLAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/wire.h"
#include "tests/support/inbox.h"
#include "tests/support/script.h"
#include "tests/support/target.h"

/* A request whose reply has not been looked at. */
struct pending {
	struct xsp_header header;
	struct pending *next; /* owned */
};

struct player_client {
	bool is_open, is_closed; /* closed: by the server, and seen */
	int handle;
	uint32_t split; /* bytes per piece; 0: whole messages */
	bool is_holding;
	struct inbox held, inbox;
	struct pending *first, **last;
};

struct player {
	const struct script *script;
	struct target *target; /* borrowed */
	const struct step *step;
	struct player_client clients[SCRIPT_CLIENTS_MAX];
	struct text_variables variables;
	uint32_t next_id;
	char *why;
};

/* Notes what did not hold, with file and line. Always false. */
bool player_broken(struct player *player, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
bool player_target_failed(struct player *player, int err);

/* The name of the client that the step is about. */
const char *player_client_name(const struct player *player);

bool player_settle(struct player *player);

/* The client, opened at its first use. NULL: it could not be. */
struct player_client *player_open(struct player *player, size_t index);

/* Hands bytes over, in pieces that the server sees one by one if the client splits. */
bool player_deliver(struct player *player, struct player_client *client, const void *bytes,
		    size_t len);

/* Sends a request and remembers that its reply is due. */
bool player_request(struct player *player, struct player_client *client,
		    const struct xsp_header *header, const char *payload);

/* Reads what is there into the inbox. `*out_closed`: the stream has ended. */
bool player_receive(struct player *player, struct player_client *client, enum target_wait wait,
		    size_t *out_len, bool *out_closed);

/* The next message of the stream, waiting for it; `wanted` is what the script expects. */
bool player_next(struct player *player, struct player_client *client, const char *wanted,
		 struct message *out_message);

/* Back to a client that was never opened. */
void player_forget(struct player_client *client);

#endif
