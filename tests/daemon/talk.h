/* SPDX-License-Identifier: MIT */
/*
 * A client of the daemon under test. Requests and replies are text in which `|` stands for a NUL
 * byte; an error reply is its name. Whatever fails, or takes too long, ends the case.
 */
#ifndef TESTS_DAEMON_TALK_H
#define TESTS_DAEMON_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/wire.h"
#include "tests/support/inbox.h"

struct home;

struct talk {
	int fd;
	struct inbox inbox;
	uint32_t last_id;
	uint32_t type;                   /* of the last reply */
	size_t n_events;                 /* watch events that came between replies */
	char text[XSP_PAYLOAD_MAX + 16]; /* the last reply */
};

void talk_open(struct talk *talk, const struct home *home);
void talk_open_at(struct talk *talk, const char *path);
void talk_close(struct talk *talk);

/* One request and its reply. The text lives until the next one. */
const char *talk_ask(struct talk *talk, enum xsp_type type, const char *payload);
const char *talk_ask_in(struct talk *talk, uint32_t tx_id, enum xsp_type type, const char *payload);

/* WRITE, which must succeed. */
void talk_write(struct talk *talk, const char *path, const char *value);

/* A request with any payload; its reply is not waited for. Returns its id. */
uint32_t talk_send(struct talk *talk, uint32_t type, const void *payload, size_t len);

/* The next message; false: the server has closed the connection. */
bool talk_next(struct talk *talk, struct message *out_message);

/* The next reply, events being counted and passed over. */
const char *talk_reply(struct talk *talk);

/* Makes request i: sets its type and payload and returns the length of that. */
typedef size_t talk_make_fn(void *arg, size_t i, uint32_t *out_type, char *payload);

/* Is told of the reply to request i, spelled as talk_ask() does. */
typedef void talk_told_fn(void *arg, size_t i, const char *text);

/* Many requests, a good number of them under way at any time. Without `told` each must succeed. */
void talk_many(struct talk *talk, size_t n, talk_make_fn *make, talk_told_fn *told, void *arg);

/* Whether a whole message is there within that time. */
bool talk_has_message(struct talk *talk, int patience_ms);

/* Waits until the server closes the connection. */
void talk_await_close(struct talk *talk);

/* The process that listens. */
int talk_peer_pid(const struct talk *talk);

#endif
