/* SPDX-License-Identifier: MIT */
/*
 * A client's received bytes, cut into messages. Unlike the server's framer it accepts any length,
 * because it must be able to show what a server did wrong.
 */
#ifndef TESTS_SUPPORT_INBOX_H
#define TESTS_SUPPORT_INBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/wire.h"

struct inbox {
	uint8_t *bytes; /* owned */
	size_t start, len, size;
};

struct message {
	struct xsp_header header;
	const char *payload; /* borrowed until the next inbox_add() */
};

void inbox_add(struct inbox *inbox, const void *bytes, size_t len);

/* Takes the first whole message out. False: there is none. */
bool inbox_next(struct inbox *inbox, struct message *out_message);

/* Bytes that are no whole message yet. */
size_t inbox_rest(const struct inbox *inbox);
void inbox_fini(struct inbox *inbox);

/* "TYPE#req[tx] payload" in the spelling of transcripts. */
void message_show(char *out, size_t size, const struct message *message);

#endif
