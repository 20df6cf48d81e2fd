/* SPDX-License-Identifier: MIT */
/*
 * Items: the nodes of a tree from when they are known until they have been reported. An item that
 * is dropped while replies are missing stays until the last of them, because those carry its
 * address.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libxs/async_tree.h"

int xsi_item_new(struct xsi_tree *tree, const char *parent, const char *name, unsigned depth,
		 struct xsi_item **out_item)
{
	size_t parent_len = strlen(parent), name_len = strlen(name);
	size_t rank_size = depth * sizeof(uint32_t);
	size_t size = sizeof(struct xsi_item) + rank_size + parent_len + name_len + 2;
	struct xsi_item *item;
	char *path;

	if (size > XSI_TREE_KNOWN - tree->known)
		return ENOBUFS;
	item = calloc(1, size);
	if (!item)
		return ENOMEM;
	tree->known += size;
	item->size = size;
	item->tree = tree;
	item->depth = depth;
	item->rank = (uint32_t *)(item + 1);
	item->path = path = (char *)(item + 1) + rank_size;
	if (parent_len > 0) {
		memcpy(path, parent, parent_len);
		path += parent_len;
		*path++ = '/';
	}
	memcpy(path, name, name_len + 1);
	*out_item = item;
	return 0;
}

static void release(struct xsi_item *item)
{
	item->tree->known -= item->size;
	free(item->value);
	free(item->perms);
	free(item);
}

static size_t held_by(const struct xsi_item *item)
{
	return item->len + item->n_perms * sizeof(*item->perms);
}

void xsi_item_drop(struct xsi_item *item)
{
	struct xsi_tree *tree = item->tree;

	TAILQ_REMOVE(&tree->items, item, link);
	if (item->is_unasked)
		TAILQ_REMOVE(&tree->unasked, item, unasked_link);
	item->is_unasked = false;
	tree->held -= held_by(item);
	item->is_dropped = true;
	if (item->n_missing == 0)
		release(item);
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
		release(item);
	return false;
}
