/* SPDX-License-Identifier: MIT */
/*
 * Short conversations with the core: one request, its reply as text; events on the side.
 *
 * Requests are spelled as in transcripts: "WRITE[3] /a|v". A reply is its payload in the same
 * spelling, an error "!" and its name, and "closed" if the server has closed the connection or
 * given up the ring.
 */
#ifndef TESTS_CORE_TALK_H
#define TESTS_CORE_TALK_H

#include "tests/support/fake_host.h"

enum { TALK_EVENTS_MAX = 64, TALK_TEXT_MAX = 4200 };

/* One side of a conversation. */
struct talker {
	struct fake_conn *conn; /* borrowed */
	struct inbox inbox;
	char events[TALK_EVENTS_MAX][160];
	size_t n_events;
	uint32_t next_id;
	uint32_t n_unanswered;
};

void talk_begin(struct talker *talker, struct fake_conn *conn);
void talk_end(struct talker *talker);

/* Sends, lets the server work, and returns the reply; valid until the next call. */
const char *talk(struct talker *talker, const char *request);

/* The same with numbers and strings put into the request first. */
const char *talkf(struct talker *talker, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Only sends. */
void say(struct talker *talker, const char *request);
void sayf(struct talker *talker, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The next reply that is there; "" if there is none. */
const char *hear(struct talker *talker);

/* The next event that is there; "" if there is none. */
const char *event(struct talker *talker);

/* Creates a domain and introduces it by `talker`. */
void talk_introduce(struct talker *talker, unsigned domid);

#endif
