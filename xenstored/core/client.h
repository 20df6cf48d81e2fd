/* SPDX-License-Identifier: MIT */
/*
 * One client: the bytes it sent and was sent, who it is, what it holds.
 *
 * A client comes over a socket or is a domain's ring. Its input is kept only as far as it could not
 * be executed yet. What is on its way in either direction is plain bytes, told apart by headers.
 */
#ifndef XSD_CORE_CLIENT_H
#define XSD_CORE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "xenstored/base/buf.h"
#include "xenstored/core/outbox.h"
#include "xenstored/core/txn.h"
#include "xenstored/core/watch.h"

struct domain;
struct server;

enum client_kind { CLIENT_SOCKET, CLIENT_RING };

enum {
	/* A client that has this much unread is not read from. */
	CLIENT_OUT_PAUSE = 256 * 1024,
	/* A socket client that lets this much pile up is dropped; rings have quotas. */
	CLIENT_OUT_MAX = 16 * 1024 * 1024,
	CLIENT_IN_SIZE = 16 * 1024,
};

/* Where the last partial listing ended, so that the next part need not start from the front. */
struct listing_mark {
	uint64_t dir; /* 0: none */
	uint64_t generation;
	uint64_t offset; /* bytes of listing before the name */
	size_t name_len;
	char *name; /* owned: first name of the next part */
};

struct client {
	TAILQ_ENTRY(client) of_server;
	TAILQ_ENTRY(client) in_ready;
	TAILQ_ENTRY(client) in_touched;
	TAILQ_ENTRY(client) in_leaving;
	TAILQ_ENTRY(client) in_held;
	TAILQ_ENTRY(client) in_waiting;
	struct server *server; /* borrowed */
	enum client_kind kind;
	uint64_t number;       /* order of arrival; never used twice */
	struct domain *domain; /* borrowed; of a socket: the store's own domain */
	void *io;              /* the transport's; not looked at here */
	bool is_ready;         /* in server.ready */
	bool is_touched;       /* in server.touched: has output of this turn */
	bool is_eof;           /* nothing more will come in */
	bool is_leaving;       /* in server.leaving: freed at the end of the turn */
	bool is_held;          /* in server.held: had no room when it was asked last */
	bool is_over;          /* does not read what it is sent: will have to leave */
	bool is_ignored; /* a broken ring: neither read nor written until the domain is gone */
	uint64_t waits_until_ms; /* held back for somebody's transaction; 0: not */
	struct buf in;
	struct outbox out;
	struct watch_list watches;
	struct txn_list txns;
	uint32_t last_txn_id;
	struct txn_record record;
	struct listing_mark listing;
	uint64_t n_requests;
};

TAILQ_HEAD(client_list, client);

/* NULL: no memory. */
struct client *client_new(struct server *server, enum client_kind kind, struct domain *domain);

/* Drops what it holds: watches, transactions, input, output. */
void client_reset(struct client *client);

/*
 * Drops watches and transactions, lets go of the transport, and leaves the rest to the end of the
 * turn: nothing is freed while somebody may be looking at it.
 */
void client_leave(struct client *client);

/* Drops all and frees. */
void client_free(struct client *client);

/* It has output of this turn. */
void client_touch(struct client *client);

/* Puts it in line for execution. */
void client_make_ready(struct client *client);

/* False while its quotas, or what it has not read yet, hold its next request back. */
bool client_has_room(const struct client *client);

/* The same; a client without room is looked at again in every turn, until it has. */
bool client_await_room(struct client *client);

/* Has the client looked at in the next turn: its transport is woken if there is room then. */
void client_hold(struct client *client);

/* Tells the trace of something of the client's that came or went. */
void client_trace(const struct client *client, bool is_created, const char *kind,
		  const void *object);

/*
 * Replies of this turn that depended on the store are final where the store has made the batch
 * permanent early, for want of room. To be called behind whatever may have had it do that.
 */
void client_settle_all(struct server *server);

/* Drops all transactions, or all watches. */
void client_end_transactions(struct client *client);
void client_drop_watches(struct client *client);

#endif
