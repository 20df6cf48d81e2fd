/* SPDX-License-Identifier: MIT */
/*
 * What a client has not received yet: one queue of replies and watch events.
 *
 * Messages are appended during a turn and become visible to the client only when the turn is
 * committed (outbox_release). If the commit fails, what depended on it is taken back
 * (outbox_recall). An event equal to one still waiting is not queued again.
 *
 * The bytes lie as they go over the wire; whole messages can be told apart by their headers.
 */
#ifndef XSD_CORE_OUTBOX_H
#define XSD_CORE_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "protocol/wire.h"
#include "xenstored/base/buf.h"
#include "xenstored/base/map.h"
#include "xenstored/core/quota.h"

struct outstanding;
struct outbox_message;

TAILQ_HEAD(outbox_messages, outbox_message);

struct outbox {
	struct buf bytes;
	struct outbox_messages messages;  /* cut from `bytes` in this order */
	struct outbox_message *first_new; /* borrowed: first of this turn; NULL: none */
	struct outbox_message *spare;     /* owned: saves an allocation per request */
	struct map events;                /* waiting events, by content */
	size_t n_messages;
	size_t visible;        /* bytes of committed turns */
	size_t sent;           /* bytes of the first message that have gone out already */
	struct ledger *ledger; /* borrowed: pays for what waits */
};

enum outbox_kind {
	OUTBOX_REPLY,       /* stands whatever becomes of the turn */
	OUTBOX_STORE_REPLY, /* is right only if the turn is committed */
	OUTBOX_EVENT,       /* may be dropped unread; merges with its like */
	OUTBOX_STORE_EVENT, /* likewise, and right only if the turn is committed */
	OUTBOX_SPECIAL,     /* an event that never merges */
};

/* A reply of at most this size is queued whatever the memory quota says. */
enum { OUTBOX_SMALL_REPLY = XSP_HEADER_SIZE + 64 };

void outbox_init(struct outbox *outbox, struct ledger *ledger, uint64_t seed);
void outbox_fini(struct outbox *outbox);

/*
 * Appends a message of header and up to two pieces of payload (header.len is their sum). `cause`
 * may be NULL; else it is held until the message is gone. `expires_ms` 0: never. -ENOMEM, ENOSPC:
 * nothing was appended.
 */
struct outbox_post {
	struct xsp_header header;
	enum outbox_kind kind;
	const void *first;
	size_t first_len;
	const void *second;
	size_t second_len;
	uint64_t expires_ms;
	struct outstanding *cause;
};
int outbox_post(struct outbox *outbox, const struct outbox_post *post)
	__attribute__((warn_unused_result));

/* Lets out what this turn appended. True if there was anything. */
bool outbox_release(struct outbox *outbox);

/* What this turn appended so far is right whatever becomes of the rest of the turn. */
void outbox_settle(struct outbox *outbox);

/*
 * Turns this turn's replies that depended on the store into ERROR `err`, and drops its events.
 * -ENOMEM: the queue is broken and the client must go.
 */
int outbox_recall(struct outbox *outbox, int err) __attribute__((warn_unused_result));

/* The bytes to be sent now; 0: none. */
size_t outbox_peek(const struct outbox *outbox, const uint8_t **out_bytes);

/* Takes `len` sent bytes away. */
void outbox_sent(struct outbox *outbox, size_t len);

/* Drops events whose time has come and of which nothing was sent. Returns the next such time. */
uint64_t outbox_expire(struct outbox *outbox, uint64_t now_ms);

/* Bytes waiting. */
size_t outbox_len(const struct outbox *outbox);

#endif
