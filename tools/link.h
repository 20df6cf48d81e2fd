/* SPDX-License-Identifier: MIT */
/*
 * A connection for many requests at once, with the transaction that they may run in. Functions
 * return 0 or an errno.
 */
#ifndef XS_TOOLS_LINK_H
#define XS_TOOLS_LINK_H

#include <stdbool.h>

#include "libxs/include/xenstore_async.h"

struct link {
	struct xsa *xsa;      /* owned */
	xs_transaction_t txn; /* XBT_NULL: none */
};

int link_open(struct link *link);
void link_close(struct link *link);

int link_begin(struct link *link);

/*
 * Whether the server sends whole trees, and therefore keeps every transaction a picture of its
 * own at no cost. Others, and all servers to guests, do not.
 */
bool link_has_trees(struct link *link);

/* What came of the transaction; EAGAIN: all of it is to be done again. */
int link_commit(struct link *link);
void link_abort(struct link *link);

/* Waits until there is room for one more request. */
int link_make_room(struct link *link);

#endif
