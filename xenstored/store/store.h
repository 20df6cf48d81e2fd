/* SPDX-License-Identifier: MIT */
/*
 * The store: the tree with all that must change together with it.
 *
 * One change of one node goes through store_change(), which keeps the index of owners, the list of
 * detached subtrees, the history for open transactions and the caches in step. Everything since
 * the last store_commit() is one batch.
 *
 * What hung below a removed node is reclaimed later, in bounded steps, by store_reclaim(); the
 * list of it is in the database, so that a restart goes on with it.
 */
#ifndef XSD_STORE_STORE_H
#define XSD_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xenstored/store/db.h"
#include "xenstored/store/dircache.h"
#include "xenstored/store/history.h"
#include "xenstored/store/tree.h"

enum { STORE_SCHEMA = 1 };

/* Generations of directories' child lists that are remembered one by one. */
enum { STORE_LISTINGS = 1024 };

struct store_listing {
	uint64_t id;      /* of the directory; 0: unused */
	uint64_t changed; /* number of the last creation or removal of a child */
};

struct store {
	struct db *db; /* owned */
	struct tree tree;
	struct history history;
	struct dircache dirs;
	struct store_listing *listings; /* owned; hashed by id, one slot each */
	uint64_t listings_floor;        /* no directory without a slot changed later than this */
	uint64_t batch_start;           /* the last number before the open batch */
	uint64_t n_early_commits;       /* batches made permanent by store_reserve() */
	size_t n_garbage;               /* detached subtrees waiting */
	bool reclaim_lacks_room;        /* not even the least step fitted; until the next change */
	uint64_t reclaim_waits_for;     /* history.oldest that held the rest back; 0: nothing did */
};

enum store_found {
	STORE_NEW,       /* there was none */
	STORE_CONTINUED, /* that of this boot */
	STORE_OUTLIVED,  /* one of an earlier boot, which is gone now */
	STORE_DAMAGED,   /* one that cannot be read, which is gone now */
};

/*
 * Opens the store in directory `dir`. A database from an earlier boot or a damaged one is
 * discarded; one of an unknown, newer schema is refused (-EPROTO).
 */
int store_open(const char *dir, const char *boot_id, uint64_t seed, struct store **out_store,
	       enum store_found *out_found) __attribute__((warn_unused_result));
void store_close(struct store *store);

/*
 * Reads all there is of a closed store. LMDB trusts what it finds in its file: with one that is
 * damaged it may end the process, and so this is for a process of its own. -EBADMSG, or the end.
 */
int store_try(const char *dir) __attribute__((warn_unused_result));

/* Removes the files of a closed store that has turned out to be damaged. */
int store_discard(const char *dir) __attribute__((warn_unused_result));

/* Makes the batch permanent, or gives it up and with it all that it changed. */
int store_commit(struct store *store) __attribute__((warn_unused_result));
void store_abort(struct store *store);

/* Does now what a commit left for later; trouble is met again by whoever reads next. */
void store_settle(struct store *store);

/* One node's change. `before` and `after`: NULL if it does not exist then. */
struct store_change {
	uint64_t parent;
	const char *path; /* absolute, or the name of a special node */
	size_t path_len;
	size_t name_len;
	/* As it is in the batch now; may borrow from it. Its value is looked at for the history only. */
	const struct node *before;
	const struct node *after; /* must not borrow from the database */
	uint64_t writer;          /* for the history */
};

/* How many puts at the most a change of these aspects of such a node takes; for store_reserve(). */
size_t store_change_puts(size_t name_len, unsigned aspects);

/* Reserves room. ENOSPC: none to be had; nothing changed. May commit the batch so far. */
int store_reserve(struct store *store, size_t n_puts, size_t n_bytes, enum db_room room)
	__attribute__((warn_unused_result));

/* Makes the change. Room must have been reserved. Trouble loses the batch. */
int store_change(struct store *store, const struct store_change *change)
	__attribute__((warn_unused_result));

/* The generation of a directory's child list; never lower than that of any change of it. */
uint64_t store_listing_generation(const struct store *store, uint64_t id);

/* Told of each node reclaimed, whose owner gets its cost back. */
typedef void store_refund_fn(void *arg, uint16_t owner, uint64_t cost);

enum store_pace {
	STORE_UNHURRIED, /* leaves alone what open transactions may still look at */
	STORE_AT_ONCE,   /* takes that too; their view of it goes to the history */
};

/* Reclaims at most `n_nodes` nodes. ENOENT: nothing is left to do now. */
int store_reclaim(struct store *store, size_t n_nodes, enum store_pace pace,
		  store_refund_fn *refund, void *arg) __attribute__((warn_unused_result));

#endif
