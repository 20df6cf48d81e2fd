/* SPDX-License-Identifier: MIT */
/*
 * Reports the nodes of a tree in order, each as soon as all about it is known and everything
 * before it has been reported.
 */
#include "libxs/async_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/payload.h"

/* ---- items ---- */

struct xsi_item *xsi_item_new(struct xsi_tree *tree, const char *parent, const char *name,
			      unsigned depth)
{
	size_t parent_len = strlen(parent), name_len = strlen(name);
	size_t rank_size = depth * sizeof(uint32_t);
	struct xsi_item *item = calloc(1, sizeof(*item) + rank_size + parent_len + name_len + 2);
	char *path;

	if (!item)
		return NULL;
	item->tree = tree;
	item->depth = depth;
	item->rank = (uint32_t *)(item + 1);
	item->path = path = (char *)(item + 1) + rank_size;
	memcpy(path, parent, parent_len);
	if (parent_len > 0)
		path[parent_len++] = '/';
	memcpy(path + parent_len, name, name_len);
	return item;
}

void xsi_item_free(struct xsi_item *item)
{
	free(item->value);
	free(item->perms);
	free(item);
}

static size_t held_by(const struct xsi_item *item)
{
	return item->len + item->n_perms * sizeof(*item->perms);
}

static void drop(struct xsi_item *item)
{
	struct xsi_tree *tree = item->tree;

	TAILQ_REMOVE(&tree->items, item, link);
	if (item->is_unasked)
		TAILQ_REMOVE(&tree->unasked, item, unasked_link);
	item->is_unasked = false;
	tree->held -= held_by(item);
	item->is_dropped = true;
	if (item->n_missing == 0)
		xsi_item_free(item);
}

char *xsi_item_path(const struct xsi_item *item)
{
	const struct xsi_tree *tree = item->tree;
	size_t len = strlen(item->path), at = tree->top_len;
	char *path = malloc(tree->top_len + len + 2);

	if (!path)
		return NULL;
	memcpy(path, tree->top, tree->top_len);
	if (len > 0 && path[at - 1] != '/')
		path[at++] = '/';
	memcpy(path + at, item->path, len + 1);
	return path;
}

/* ---- values and permissions ---- */

bool xsi_item_replied(struct xsi_item *item, const struct xsa_result *result)
{
	struct xsi_tree *tree = item->tree;

	tree->n_calls--;
	item->n_missing--;
	if (tree->xsa->broken && !tree->error)
		tree->error = result->error;
	if (!item->is_dropped)
		return !tree->error;
	if (item->n_missing == 0)
		xsi_item_free(item);
	return false;
}

/* A node that was removed since its parent was listed; but not if its own children were. */
static bool is_gone(const struct xsi_item *item, const struct xsa_result *result)
{
	return result->error == ENOENT && !item->is_listed;
}

static void on_value(void *arg, const struct xsa_result *result)
{
	struct xsi_item *item = arg;
	struct xsi_tree *tree = item->tree;

	if (xsi_item_replied(item, result)) {
		item->is_vanished |= is_gone(item, result);
		item->value_error = result->error;
		item->value = malloc(result->len + 1);
		if (item->value) {
			memcpy(item->value, result->data, result->len + 1);
			item->len = result->len;
			tree->held += result->len;
		} else {
			tree->error = ENOMEM;
		}
	}
	xsi_tree_step(tree);
}

static int store_perms(struct xsi_item *item, const struct xsa_result *result)
{
	size_t max = xsa_result_count(result);

	item->perms = calloc(max ? max : 1, sizeof(*item->perms));
	if (!item->perms)
		return ENOMEM;
	item->perms_error = xsa_result_permissions(result, item->perms, max, &item->n_perms);
	item->tree->held += item->n_perms * sizeof(*item->perms);
	return 0;
}

static void on_perms(void *arg, const struct xsa_result *result)
{
	struct xsi_item *item = arg;
	struct xsi_tree *tree = item->tree;

	if (xsi_item_replied(item, result)) {
		item->is_vanished |= is_gone(item, result);
		if (result->error)
			item->perms_error = result->error;
		else
			tree->error = store_perms(item, result);
	}
	xsi_tree_step(tree);
}

static int ask(struct xsi_item *item, enum xsp_type type, xsa_done_fn done)
{
	struct xsi_request request = xsi_request(type, item->tree->t);
	char *path = xsi_item_path(item);
	int err;

	if (!path)
		return ENOMEM;
	xsi_add_string(&request, path);
	err = xsi_call_make(item->tree->xsa, &request, done, item);
	free(path);
	if (err)
		return err;
	item->n_missing++;
	item->tree->n_calls++;
	return 0;
}

int xsi_item_ask_value(struct xsi_item *item)
{
	int err = ask(item, XSP_READ, on_value);

	/* Too long a path to ask for is this node's trouble, not the tree's. */
	if (err != E2BIG)
		return err;
	item->value_error = err;
	return 0;
}

int xsi_item_ask_perms(struct xsi_item *item)
{
	int err = ask(item, XSP_GET_PERMS, on_perms);

	if (err != E2BIG)
		return err;
	item->perms_error = err;
	return 0;
}

/* ---- reporting ---- */

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
		drop(below);
	if (!tree->is_snapshot || tree->at_end)
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
		drop(item);
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

void xsi_tree_step(struct xsi_tree *tree)
{
	struct xsi_item *item;

	if (tree->is_delivering)
		return;
	do {
		deliver(tree);
		if (!tree->error && tree->is_snapshot)
			tree->error = xsi_snapshot_advance(tree);
		else if (!tree->error)
			tree->error = xsi_walk_advance(tree);
	} while (!tree->error && is_complete(TAILQ_FIRST(&tree->items)));

	if (tree->error) {
		while ((item = TAILQ_FIRST(&tree->items)))
			drop(item);
	}
	if (tree->n_calls == 0 && TAILQ_EMPTY(&tree->items))
		finish(tree);
}

int xsa_tree(struct xsa *xsa, xs_transaction_t t, const char *path, int depth, unsigned int what,
	     xsa_node_fn node, xsa_done_fn done, void *arg)
{
	size_t len = strlen(path);
	struct xsi_tree *tree;
	int err = xsi_call_admit(xsa);

	if (err)
		return err;
	if (len == 0 || depth < XSA_DEPTH_ALL || (what & ~(XSA_TREE_VALUES | XSA_TREE_PERMISSIONS)))
		return EINVAL;
	tree = calloc(1, sizeof(*tree) + len + 1);
	if (!tree)
		return ENOMEM;
	tree->xsa = xsa;
	tree->t = t;
	tree->depth = depth;
	tree->what = what;
	tree->node = node;
	tree->done = done;
	tree->arg = arg;
	TAILQ_INIT(&tree->items);
	TAILQ_INIT(&tree->unasked);
	memcpy(tree->top, path, len + 1);
	tree->top_len = len;

	/* Of a deep tree the server would send much that is too deep to be wanted. */
	if (depth == 0 || depth == 1)
		err = xsi_walk_start(tree);
	else
		err = xsi_snapshot_start(tree);
	if (err)
		free(tree);
	return err;
}
