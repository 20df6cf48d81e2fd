/* SPDX-License-Identifier: MIT */
/*
 * A request of which something is still on its way: its reply, or events it caused. Its domain's
 * quota of outstanding requests is charged until the last of them is delivered or dropped, or the
 * domain is gone.
 */
#ifndef XSD_CORE_OUTSTANDING_H
#define XSD_CORE_OUTSTANDING_H

#include <sys/queue.h>

#include "xenstored/core/quota.h"

struct outstanding {
	LIST_ENTRY(outstanding) of_domain; /* while it is charged */
	unsigned n_references;
	struct charge charge;
};

/* Those of one domain. */
LIST_HEAD(outstanding_list, outstanding);

/* NULL: no memory. The caller holds one reference. */
struct outstanding *outstanding_new(struct outstanding_list *list, struct ledger *ledger);

/* Another reference, and one given back. NULL is fine. */
void outstanding_hold(struct outstanding *outstanding);
void outstanding_release(struct outstanding *outstanding);

/* The domain is gone: nobody is charged any more, whatever is still on its way. */
void outstanding_forgive(struct outstanding_list *list);

#endif
