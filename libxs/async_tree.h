/* SPDX-License-Identifier: MIT */
/*
 * Trees: nodes that are known but not yet reported stand in one list, in the order in which they
 * will be reported. Who fills it is either async_snapshot.c, where the server sends many nodes at
 * a time, or async_walk.c, which lists directories. async_report.c reports and ends. Files stand
 * here from the lowest up; a tree calls up only through `advance`.
 */
#ifndef XSI_ASYNC_TREE_H
#define XSI_ASYNC_TREE_H

#include "libxs/async.h"

enum {
	/* Messages of one tree in flight: enough to keep any server busy, few enough to be polite. */
	XSI_TREE_CALLS = 512,
	/* Values and permissions that came early wait for their turn; beyond this no more are asked. */
	XSI_TREE_HELD = 16 * 1024 * 1024,
	/* Nodes that wait to be reported, in bytes: a million, where names are not very long. */
	XSI_TREE_KNOWN = 256 * 1024 * 1024,
};

struct xsi_tree;

struct xsi_item {
	TAILQ_ENTRY(xsi_item) link;         /* in xsi_tree::items unless dropped */
	TAILQ_ENTRY(xsi_item) unasked_link; /* in xsi_tree::unasked while is_unasked */
	struct xsi_tree *tree;
	unsigned depth;
	unsigned n_missing; /* replies still to come */
	bool is_unasked;
	bool is_listed; /* its children are asked for, or came with it */
	bool is_vanished;
	bool is_dropped; /* released with its last reply */
	size_t size;     /* of this block */
	int value_error, perms_error, children_error;
	char *value; /* owned, or NULL */
	size_t len;
	struct xs_permissions *perms; /* owned, or NULL */
	size_t n_perms;
	uint32_t *rank; /* depth numbers: which child, from the top down; in this block */
	char *path;     /* below the top; in this block */
};

TAILQ_HEAD(xsi_items, xsi_item);

struct xsi_tree {
	struct xsa *xsa; /* borrowed: no call of ours outlives it */
	xs_transaction_t t;
	int depth;
	unsigned what;
	xsa_node_fn node;
	xsa_done_fn done;
	void *arg;

	struct xsi_items items;
	struct xsi_items
		unasked; /* those of them about which nothing was asked, in the same order */
	size_t held;
	size_t known; /* bytes of items */
	size_t n_calls;
	int error; /* why it ends before its time */
	bool is_delivering;

	/* Asks for what may be asked for now: of the snapshot, or of the walk, that fills it. */
	int (*advance)(struct xsi_tree *tree);

	/* With snapshots: */
	bool has_pages;       /* the server has more nodes */
	bool page_is_missing; /* asked for more of them */
	char *previous;       /* owned: path of the last node received, NULL before the first */
	char *pruned;         /* owned: nothing below this path, NULL if none */

	size_t top_len;
	char top[];
};

/* ---- async_item.c ---- */

/* A new item. The path is `parent`, a slash and `name`. ENOBUFS if there are too many. */
int xsi_item_new(struct xsi_tree *tree, const char *parent, const char *name, unsigned depth,
		 struct xsi_item **out_item);

/* Takes it out of the tree and releases it as soon as no reply is missing. */
void xsi_item_drop(struct xsi_item *item);

/* The item's absolute path; the caller's to free. NULL if there is no memory. */
char *xsi_item_path(const struct xsi_item *item);

/* Accounts a reply about the item; true if the item is still of interest. Then a step is due. */
bool xsi_item_replied(struct xsi_item *item, const struct xsa_result *result);

/* ---- async_report.c ---- */

/* Reports what can be reported, asks what can be asked, and ends when all is done. */
void xsi_report_step(struct xsi_tree *tree);

/* ---- async_detail.c ---- */

/* Asks for value or permissions; counts the reply as missing. */
int xsi_detail_ask_value(struct xsi_item *item);
int xsi_detail_ask_perms(struct xsi_item *item);

/* ---- async_walk.c ---- */

/* Starts with the top, and fills the tree from now on. */
int xsi_walk_start(struct xsi_tree *tree);

/* ---- async_snapshot.c ---- */

/* Starts with the first page, and fills the tree unless the server turns out not to know how. */
int xsi_snapshot_start(struct xsi_tree *tree);

#endif
