/* SPDX-License-Identifier: MIT */
/*
 * Trees from servers that send one thing at a time: DIRECTORY, READ and GET_PERMS of many nodes
 * in flight at once. What comes first in the tree is asked first, so that little has to wait for
 * its turn to be reported.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libxs/async_tree.h"

/* Which of two items comes first in the tree. */
static bool is_before(const struct xsi_item *a, const struct xsi_item *b)
{
	unsigned depth = a->depth < b->depth ? a->depth : b->depth;

	for (unsigned i = 0; i < depth; i++) {
		if (a->rank[i] != b->rank[i])
			return a->rank[i] < b->rank[i];
	}
	return a->depth < b->depth;
}

static void add(struct xsi_item *item, struct xsi_item *after, struct xsi_item *unasked_before)
{
	struct xsi_tree *tree = item->tree;

	if (after)
		TAILQ_INSERT_AFTER(&tree->items, after, item, link);
	else
		TAILQ_INSERT_TAIL(&tree->items, item, link);
	if (unasked_before)
		TAILQ_INSERT_BEFORE(unasked_before, item, unasked_link);
	else
		TAILQ_INSERT_TAIL(&tree->unasked, item, unasked_link);
	item->is_unasked = true;
}

/* A name that cannot be part of a path would lead anywhere. */
static bool is_name(const char *name)
{
	return *name != '\0' && !strchr(name, '/');
}

static int add_children(struct xsi_item *item, const struct xsa_result *names)
{
	struct xsi_tree *tree = item->tree;
	struct xsi_item *after = item, *next = TAILQ_FIRST(&tree->unasked), *child;
	const char *name = NULL;
	uint32_t rank = 0;
	int err;

	/* With depth 0 the top was listed only to find out whether it exists. */
	if (names->len == 0 || tree->depth == 0)
		return 0;
	while (next && is_before(next, item))
		next = TAILQ_NEXT(next, unasked_link);
	while ((name = xsa_result_next(names, name))) {
		if (!is_name(name))
			continue;
		err = xsi_item_new(tree, item->path, name, item->depth + 1, &child);
		if (err)
			return err;
		if (item->depth > 0)
			memcpy(child->rank, item->rank, item->depth * sizeof(*item->rank));
		child->rank[item->depth] = rank++;
		add(child, after, next);
		after = child;
	}
	return 0;
}

static void on_directory(void *arg, const struct xsa_result *result)
{
	struct xsi_item *item = arg;
	struct xsi_tree *tree = item->tree;

	if (xsi_item_replied(item, result)) {
		if (!result->error)
			tree->error = add_children(item, result);
		else if (item->depth == 0)
			tree->error = result->error;
		else if (result->error == ENOENT)
			item->is_vanished = true;
		else
			item->children_error = result->error;
	}
	xsi_report_step(tree);
}

static int ask_children(struct xsi_item *item)
{
	struct xsi_tree *tree = item->tree;
	char *path = xsi_item_path(item);
	int err;

	if (!path)
		return ENOMEM;
	err = xsi_async_directory(tree->xsa, tree->t, path, on_directory, item);
	free(path);
	if (err == E2BIG && item->depth > 0) {
		item->children_error = err;
		return 0;
	}
	if (err)
		return err;
	item->n_missing++;
	tree->n_calls++;
	return 0;
}

static int ask_about(struct xsi_item *item)
{
	struct xsi_tree *tree = item->tree;
	int err = 0;

	TAILQ_REMOVE(&tree->unasked, item, unasked_link);
	item->is_unasked = false;
	/* The top is always listed, if only to find out whether it exists. */
	item->is_listed = item->depth == 0 || tree->depth == XSA_DEPTH_ALL ||
			  item->depth < (unsigned)tree->depth;
	if (item->is_listed)
		err = ask_children(item);
	if (!err && (tree->what & XSA_TREE_VALUES))
		err = xsi_detail_ask_value(item);
	if (!err && (tree->what & XSA_TREE_PERMISSIONS))
		err = xsi_detail_ask_perms(item);
	return err;
}

/* Asks about as many nodes as may be in flight. */
static int advance(struct xsi_tree *tree)
{
	struct xsi_item *item;
	int err = 0;

	while (!err && tree->n_calls < XSI_TREE_CALLS && (item = TAILQ_FIRST(&tree->unasked))) {
		/* Only what everything else waits for may add to too much that waits. */
		if (tree->held > XSI_TREE_HELD && item != TAILQ_FIRST(&tree->items))
			break;
		err = ask_about(item);
	}
	return err;
}

int xsi_walk_start(struct xsi_tree *tree)
{
	struct xsi_item *top;
	int err = xsi_item_new(tree, "", "", 0, &top);

	if (err)
		return err;
	tree->advance = advance;
	add(top, NULL, NULL);
	err = advance(tree);
	/* With a call in flight the error is found, and told, when that comes back. */
	if (err && tree->n_calls > 0) {
		tree->error = err;
		return 0;
	}
	if (err)
		xsi_item_drop(top);
	return err;
}
