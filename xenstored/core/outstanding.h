/* SPDX-License-Identifier: MIT */
/*
 * A request of which something is still on its way: its reply, or events it caused. Its domain's
 * quota of outstanding requests is charged until the last of them is delivered or dropped, or the
 * domain is gone.
 *
 * Guests that do not read events lose them after a while; dom0's clients never do. So a request
 * that only such events keep is charged for as long and no longer: a watcher that has stopped
 * slows the guests that it watches, and does not stop them.
 */
#ifndef XSD_CORE_OUTSTANDING_H
#define XSD_CORE_OUTSTANDING_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "xenstored/core/quota.h"

TAILQ_HEAD(outstanding_queue, outstanding);

struct outstanding {
	LIST_ENTRY(outstanding) of_domain; /* while it is charged */
	TAILQ_ENTRY(outstanding) in_queue;
	struct outstanding_queue *queue; /* borrowed; NULL: in none */
	uint64_t until_ms;               /* in a queue: when it is looked at */
	unsigned n_references;
	unsigned n_lasting; /* of them: messages that are never dropped */
	size_t n_bytes;     /* of lasting messages, sent ones included */
	struct charge charge;
};

/* Those of one domain. */
LIST_HEAD(outstanding_list, outstanding);

/* NULL: no memory. The caller holds one reference. */
struct outstanding *outstanding_new(struct outstanding_list *list, struct ledger *ledger);

/*
 * Another reference, and one given back, for a message of `lasting` bytes that is never dropped,
 * or 0. Many bytes count as further requests. NULL is fine.
 */
void outstanding_hold(struct outstanding *outstanding, size_t lasting);
void outstanding_release(struct outstanding *outstanding, size_t lasting);

/* Charged no longer than to `until_ms`, if only lasting messages keep it then. */
void outstanding_await(struct outstanding *outstanding, struct outstanding_queue *queue,
		       uint64_t until_ms);

/*
 * Ends the charges whose time has come; what is kept otherwise gets `more_ms` more. Returns the
 * next such time, or UINT64_MAX.
 */
uint64_t outstanding_expire(struct outstanding_queue *queue, uint64_t now_ms, uint64_t more_ms);

/* The domain is gone: nobody is charged any more, whatever is still on its way. */
void outstanding_forgive(struct outstanding_list *list);

#endif
