/* SPDX-License-Identifier: MIT */
/*
 * What changed since the oldest open transaction began, and how it was before.
 *
 * Each change of a node while a transaction is open leaves a version: the node as it was, and
 * which of its aspects changed. A transaction that began at `start` sees, for each node, the oldest
 * version with a number above `start`, and the tree where there is none. Two changes that no
 * open transaction began between share a version, so a node written in a loop costs one. A version
 * is dropped with the last open transaction that sees it, so there are never more of a node than
 * transactions are open. Nothing is kept while none is open.
 */
#ifndef XSD_STORE_HISTORY_H
#define XSD_STORE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "xenstored/base/map.h"
#include "xenstored/store/node.h"

/* Aspects of a node that can change. */
enum {
	ASPECT_EXISTENCE = 1, /* created or removed */
	ASPECT_VALUE = 2,
	ASPECT_PERMS = 4,
};

struct version;

TAILQ_HEAD(version_list, version);
LIST_HEAD(version_set, version);

/* An open transaction, as far as the history is concerned. It must stay where it is. */
struct history_reader {
	TAILQ_ENTRY(history_reader) by_start;
	uint64_t start;
	struct version_set versions; /* it is the newest reader that sees them */
	bool is_guest;
	bool is_burden; /* see history_weigh() */
};

TAILQ_HEAD(history_readers, history_reader);

/* The changed children of one directory. */
struct history_dir;

struct history {
	struct map nodes; /* newest version of each changed node */
	struct map dirs;  /* history_dir by id */
	struct version_list by_age;
	struct history_readers readers; /* oldest first */
	size_t bytes;                   /* memory held */
	uint64_t oldest; /* start of the oldest open transaction; UINT64_MAX: none is open */
	uint64_t newest; /* start of the newest */
};

void history_init(struct history *history, uint64_t seed);
void history_fini(struct history *history);

/* True if changes have to be recorded. */
bool history_is_needed(const struct history *history);

/* A transaction begins, or needs no history any more. `start` is above all numbers before. */
void history_open(struct history *history, struct history_reader *reader, uint64_t start,
		  bool is_guest);
void history_close(struct history *history, struct history_reader *reader);

/* Finds the burdens: the guests' readers for which something is kept that no other reader sees. */
void history_weigh(struct history *history);

/* One change, as it is recorded. */
struct history_change {
	uint64_t number; /* of the change, larger than all before */
	uint64_t parent;
	const char *path; /* absolute */
	size_t path_len;
	size_t name_len;           /* the last bytes of the path */
	unsigned aspects;          /* ASPECT_* */
	uint64_t writer;           /* who did it, for whom it may concern */
	const struct node *before; /* NULL: it did not exist */
};

/* Records, while a transaction is open; -ENOMEM with nothing recorded. */
int history_record(struct history *history, const struct history_change *change)
	__attribute__((warn_unused_result));

/* Forgets all changes with numbers above `number`: they did not happen after all. */
void history_forget(struct history *history, uint64_t number);

/*
 * The node as it was at `start`. False: the tree has it. True: *out_exists tells whether it
 * existed, and if so *out_node is it, borrowed until the history changes.
 */
bool history_get(const struct history *history, uint64_t start, uint64_t parent, const char *name,
		 size_t len, bool *out_exists, struct node *out_node);

/* Which aspects of a node changed after `start`; *out_writer is the last who changed it then. */
unsigned history_aspects(const struct history *history, uint64_t start, uint64_t parent,
			 const char *name, size_t len, uint64_t *out_writer);

/* True if a child of directory `id` was created or removed after `start`. */
bool history_children_changed(const struct history *history, uint64_t start, uint64_t id,
			      uint64_t *out_writer);

/* A node of which everything below was looked at. */
struct history_top {
	const char *path; /* borrowed */
	size_t len;
};

/* Sorts, and leaves out what is below, or the same as, another: returns how many are left. */
size_t history_sort_tops(struct history_top *tops, size_t n);

/*
 * The sorted top at or below which something changed after `start`, with who changed it last; of
 * several, that of the node whose changes began first. NULL: there is none.
 */
const struct history_top *history_changed_below(const struct history *history, uint64_t start,
						const struct history_top *tops, size_t n,
						uint64_t *out_writer);

/* Told of a child of a directory that was created or removed after `start`, as it was at `start`. */
typedef int history_visit_fn(void *arg, const char *name, size_t len, const struct node *before);

/* Visits, in no particular order; each child once. Returns the first non-zero answer. */
int history_children(const struct history *history, uint64_t start, uint64_t id,
		     history_visit_fn *visit, void *arg);

#endif
