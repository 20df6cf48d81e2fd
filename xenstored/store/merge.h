/* SPDX-License-Identifier: MIT */
/*
 * Bringing a view's changes down: into the view below it, or into the store.
 *
 * The road of a commit: merge_validate(), then merge_usage() for the quotas, then merge_apply().
 * Up to merge_apply() nothing has happened, and there nothing but the database can fail.
 */
#ifndef XSD_STORE_MERGE_H
#define XSD_STORE_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct node;
struct view;

/* Merges a request's view into its transaction's. ENOSPC, -ENOMEM: nothing was merged. */
int merge_down(struct view *view) __attribute__((warn_unused_result));

/* Why a transaction cannot be committed. */
struct conflict {
	const char *path; /* borrowed from the view; NULL: its history was dropped */
	size_t path_len;
	uint64_t writer;
};

/* Asked whether a caller may still do what was allowed when it was first checked. */
typedef bool merge_may_fn(void *arg, const struct node *node, unsigned rights);

/* EAGAIN, with the reason, if something seen since the start was changed by others; -ENOMEM. */
int merge_validate(struct view *view, merge_may_fn *may, void *arg, struct conflict *out_conflict)
	__attribute__((warn_unused_result));

/* Told how a view changes what a domain has. */
typedef void merge_charge_fn(void *arg, uint16_t owner, int64_t n_nodes, int64_t n_bytes);

/* Sums up the changes, without what lies below removed nodes. */
int merge_usage(struct view *view, merge_charge_fn *charge, void *arg)
	__attribute__((warn_unused_result));

/* Counts what lies below the nodes the view removes: it will be given back later. */
int merge_usage_below(struct view *view, merge_charge_fn *charge, void *arg)
	__attribute__((warn_unused_result));

/*
 * Makes the changes in the store, in the order of first access; `writer` goes to the history.
 * ENOSPC: there is no room and nothing was changed. Trouble loses the batch.
 */
int merge_apply(struct view *view, struct arena *arena, uint64_t writer)
	__attribute__((warn_unused_result));

#endif
