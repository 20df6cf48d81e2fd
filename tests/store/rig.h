/* SPDX-License-Identifier: MIT */
/*
 * A store of its own for each case: a database in a directory that goes with it, and requests as
 * the server's core makes them, in a view each.
 */
#ifndef TESTS_STORE_RIG_H
#define TESTS_STORE_RIG_H

#include <stddef.h>
#include <stdint.h>

#include "xenstored/base/arena.h"
#include "xenstored/store/merge.h"
#include "xenstored/store/store.h"
#include "xenstored/store/view.h"

struct scratch {
	char dir[32];
	char file[48]; /* a name for a database in it */
};

void scratch_make(struct scratch *scratch);
void scratch_remove(struct scratch *scratch);

/* A node with one permission entry, borrowing from static memory and `value`. */
struct node rig_node(uint64_t id, uint16_t owner, const char *value);

struct rig {
	struct scratch scratch;
	struct store *store;
	struct arena arena;
	struct history_reader reader; /* of the only transaction */
};

/* Opens a store with a root owned by domain 0. */
void rig_open(struct rig *rig);
void rig_close(struct rig *rig);

/* Begins the only transaction; ends it without a merge. */
void rig_begin(struct rig *rig, struct view *txn);
void rig_end(struct rig *rig, struct view *txn);

/* Requests, in a transaction or (NULL) outside. Outside they are committed. */
void rig_write(struct rig *rig, struct view *txn, const char *path, const char *value);
void rig_own(struct rig *rig, struct view *txn, const char *path, uint16_t owner);
void rig_rm(struct rig *rig, struct view *txn, const char *path);

/* The value, or NULL if there is no such node. Static memory. */
const char *rig_read(struct rig *rig, struct view *txn, const char *path);

/* The names below a directory, each with a space behind it. Static memory. */
const char *rig_list(struct rig *rig, struct view *txn, const char *path);

#endif
