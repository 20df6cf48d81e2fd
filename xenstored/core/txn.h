/* SPDX-License-Identifier: MIT */
/*
 * The clients' transactions: by number, within limits, and fair.
 *
 * Fairness: a client whose transactions keep failing gets its next one favoured. While that one is
 * open, for a bounded time, modifications by those who beat it wait; nobody else does. A guest is
 * never favoured against the privileged domain.
 */
#ifndef XSD_CORE_TXN_H
#define XSD_CORE_TXN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "xenstored/core/quota.h"
#include "xenstored/store/view.h"

struct client;
struct store;

enum {
	TXN_RIVALS = 16, /* writers remembered per client */
	TXN_LOSSES_TO_FAVOUR = 3,
	TXN_FAVOUR_MS = 200,
	TXN_HISTORY_MAX = 64 << 20, /* bytes of history; see txns_bound_history() */
};

struct txn {
	TAILQ_ENTRY(txn) by_start;  /* txns.open */
	TAILQ_ENTRY(txn) of_client; /* client.txns */
	struct client *client;      /* borrowed: its owner */
	uint32_t id;
	uint64_t started_ms;
	uint64_t favoured_until_ms; /* 0: not favoured */
	struct view view;
	struct history_reader reader; /* open until the view is doomed */
	struct charge count;
	uint64_t charged_bytes; /* of the view, to the client's memory */
};

TAILQ_HEAD(txn_list, txn);

struct txns {
	struct store *store;  /* borrowed */
	struct txn_list open; /* oldest first */
	size_t n;
	size_t n_favoured;
	uint64_t n_conflicts; /* EAGAIN answers so far */
};

/* What a client remembers of its losses. Zero is a valid start. */
struct txn_record {
	uint64_t rivals[TXN_RIVALS]; /* numbers of clients that beat it */
	size_t n_rivals;
	unsigned n_losses; /* in a row */
};

void txns_init(struct txns *txns, struct store *store);

/* Starts a transaction. EBUSY never; ENOSPC: quota; -ENOMEM. */
int txn_begin(struct txns *txns, struct client *client, uint64_t now_ms, struct txn **out_txn)
	__attribute__((warn_unused_result));

/* Frees it, on every road. */
void txn_end(struct txns *txns, struct txn *txn);

/* Ends those that were started after `number`: what they started from is lost. */
void txns_end_since(struct txns *txns, uint64_t number);

/* The client's open transaction of that number, or NULL. */
struct txn *txn_find(const struct client *client, uint32_t id);

/* Notes the outcome of an END for fairness; `rival` is the number of the client that beat it. */
void txn_lost(struct txns *txns, struct txn *txn, uint64_t rival);
void txn_won(struct txn *txn);

/* True if a modification by this client has to wait; *out_until_ms says how long at most. */
bool txn_must_wait(const struct txns *txns, const struct client *client, uint64_t now_ms,
		   uint64_t *out_until_ms);

/*
 * Keeps the history bounded: transactions are doomed if need be, the oldest first. Those of guests
 * go before those of the privileged domain, as far as something is kept for guests alone.
 */
void txns_bound_history(struct txns *txns);

#endif
