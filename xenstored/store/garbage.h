/* SPDX-License-Identifier: MIT */
/*
 * The list of detached subtrees: what hung below removed nodes and is still in the database.
 *
 * The list is in the database too, so that a restart goes on with it. Taking entries off it is
 * store_reclaim()'s work.
 */
#ifndef XSD_STORE_GARBAGE_H
#define XSD_STORE_GARBAGE_H

#include <stddef.h>
#include <stdint.h>

struct db;

/* The children of a node that is gone, all there is of it. */
struct garbage {
	uint64_t id;       /* of the node */
	uint64_t removed;  /* number of the removal */
	uint64_t path_len; /* of the node's path: what its nodes cost includes it */
};

/* Adds or removes an entry; room must have been reserved. */
int garbage_add(struct db *db, const struct garbage *garbage) __attribute__((warn_unused_result));
int garbage_remove(struct db *db, uint64_t id) __attribute__((warn_unused_result));

/* Told of one entry; must not touch the database. Anything but 0 stops. */
typedef int garbage_visit_fn(void *arg, const struct garbage *garbage);

int garbage_visit(struct db *db, garbage_visit_fn *visit, void *arg)
	__attribute__((warn_unused_result));

/* The first entry removed at or before `number`. ENOENT: there is none. */
int garbage_next(struct db *db, uint64_t number, struct garbage *out_garbage)
	__attribute__((warn_unused_result));

/* How many entries there are. */
int garbage_count(struct db *db, size_t *out_n) __attribute__((warn_unused_result));

#endif
