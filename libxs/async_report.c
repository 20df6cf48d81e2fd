/* SPDX-License-Identifier: MIT */
/*
 * Reports the nodes of a tree in order, each as soon as all about it is known and everything
 * before it has been reported; then lets whoever fills the tree ask for more.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libxs/async_tree.h"

static enum xsa_tree_next report(struct xsi_tree *tree, const struct xsi_item *item)
{
	const char *slash = strrchr(item->path, '/');
	struct xsa_node node = {
		.path = item->path,
		.name = slash ? slash + 1 : item->path,
		.depth = item->depth,
		.value_error = item->value_error,
		.value = item->value ? item->value : "",
		.len = item->len,
		.perms_error = item->perms_error,
		.perms = item->perms,
		.n_perms = item->n_perms,
		.children_error = item->children_error,
	};

	return tree->node(tree->arg, &node);
}

/* What is below an item follows it. */
static int prune(struct xsi_tree *tree, const struct xsi_item *item)
{
	struct xsi_item *below;

	while ((below = TAILQ_NEXT(item, link)) && below->depth > item->depth)
		xsi_item_drop(below);
	if (!tree->has_pages)
		return 0;
	free(tree->pruned);
	tree->pruned = strdup(item->path);
	return tree->pruned ? 0 : ENOMEM;
}

static bool is_complete(const struct xsi_item *item)
{
	return item && !item->is_unasked && item->n_missing == 0;
}

static void deliver(struct xsi_tree *tree)
{
	struct xsi_item *item;

	tree->is_delivering = true;
	while (!tree->error && is_complete(item = TAILQ_FIRST(&tree->items))) {
		if (!item->is_vanished) {
			enum xsa_tree_next next = report(tree, item);

			/* The program may have closed the connection. */
			if (next == XSA_TREE_STOP)
				tree->error = ECANCELED;
			else if (tree->xsa->broken)
				tree->error = tree->xsa->broken;
			else if (next == XSA_TREE_PRUNE)
				tree->error = prune(tree, item);
		}
		xsi_item_drop(item);
	}
	tree->is_delivering = false;
}

static void finish(struct xsi_tree *tree)
{
	xsa_done_fn done = tree->done;
	void *arg = tree->arg;
	int err = tree->error;

	free(tree->previous);
	free(tree->pruned);
	free(tree);
	xsi_call_back(done, arg, err, "", 0);
}

void xsi_report_step(struct xsi_tree *tree)
{
	struct xsi_item *item;

	if (tree->is_delivering)
		return;
	do {
		deliver(tree);
		if (!tree->error)
			tree->error = tree->advance(tree);
	} while (!tree->error && is_complete(TAILQ_FIRST(&tree->items)));

	if (tree->error) {
		while ((item = TAILQ_FIRST(&tree->items)))
			xsi_item_drop(item);
	}
	if (tree->n_calls == 0 && TAILQ_EMPTY(&tree->items))
		finish(tree);
}
