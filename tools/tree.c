/* SPDX-License-Identifier: MIT */
#include "tools/tree.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tools/link.h"
#include "tools/mem.h"

enum {
	MOST_TRIES = 5,
	SMALL = 1000, /* nodes that any server can have in a transaction */
};

void tree_init(struct tree *tree, const char *top)
{
	*tree = (struct tree){ .top = mem_string(top) };
}

static void clear(struct tree *tree)
{
	for (size_t i = 0; i < tree->n; i++) {
		free(tree->nodes[i].path);
		free(tree->nodes[i].value);
		free(tree->nodes[i].perms);
	}
	tree->n = 0;
}

void tree_fini(struct tree *tree)
{
	clear(tree);
	free(tree->nodes);
	free(tree->top);
	*tree = (struct tree){ .top = NULL };
}

struct tree_node *tree_add(struct tree *tree, char *path)
{
	struct tree_node *node;

	tree->nodes = mem_grow(tree->nodes, &tree->room, tree->n + 1, sizeof(*tree->nodes));
	node = &tree->nodes[tree->n++];
	*node = (struct tree_node){ .path = path };
	return node;
}

struct loading {
	struct tree *tree;
	size_t most;
	int error;
};

static enum xsa_tree_next add_node(void *arg, const struct xsa_node *from)
{
	struct loading *loading = arg;
	struct tree_node *node;

	if (loading->tree->n == loading->most)
		return XSA_TREE_STOP;
	node = tree_add(loading->tree, mem_string(from->path));
	node->depth = from->depth;
	node->value_error = from->value_error;
	node->len = from->value_error ? 0 : from->len;
	node->value = mem_bytes(from->value, node->len);
	node->perms_error = from->perms_error;
	node->children_error = from->children_error;
	if (!from->perms_error && from->n_perms) {
		node->n_perms = from->n_perms;
		node->perms = mem_alloc(from->n_perms * sizeof(*node->perms));
		memcpy(node->perms, from->perms, from->n_perms * sizeof(*node->perms));
	}
	return XSA_TREE_CONTINUE;
}

static void note_end(void *arg, const struct xsa_result *result)
{
	struct loading *loading = arg;

	loading->error = result->error;
}

/* E2BIG if there are more than `most` nodes. */
static int load(struct tree *tree, struct link *link, int depth, unsigned what, size_t most)
{
	struct loading loading = { .tree = tree, .most = most };
	int err;

	clear(tree);
	err = xsa_tree(link->xsa, link->txn, tree->top, depth, what, add_node, note_end, &loading);
	if (!err)
		err = xsa_drain(link->xsa);
	if (!err)
		err = loading.error;
	return err == ECANCELED ? E2BIG : err;
}

int tree_load(struct tree *tree, struct link *link, int depth, unsigned what)
{
	return load(tree, link, depth, what, SIZE_MAX);
}

char *tree_path(const struct tree *tree, const struct tree_node *node)
{
	return mem_path(tree->top, node->path);
}

const char *tree_name(const struct tree_node *node)
{
	const char *slash = strrchr(node->path, '/');

	return slash ? slash + 1 : node->path;
}

static int compare_nodes(const void *a, const void *b)
{
	return strcmp(((const struct tree_node *)a)->path, ((const struct tree_node *)b)->path);
}

void tree_sort(struct tree *tree)
{
	if (tree->n)
		qsort(tree->nodes, tree->n, sizeof(*tree->nodes), compare_nodes);
}

static int compare_with_path(const void *path, const void *node)
{
	return strcmp(path, ((const struct tree_node *)node)->path);
}

const struct tree_node *tree_find(const struct tree *tree, const char *path)
{
	if (!tree->n)
		return NULL;
	return bsearch(path, tree->nodes, tree->n, sizeof(*tree->nodes), compare_with_path);
}

/* What to read, and how. */
struct plan {
	struct tree *trees;
	size_t n_trees;
	struct link *link;
	int depth;
	unsigned what;
};

static void load_all(const struct plan *plan, size_t most, struct tree_reading *reading)
{
	reading->error = 0;
	for (size_t i = 0; i < plan->n_trees && !reading->error; i++) {
		struct tree *tree = &plan->trees[i];

		reading->n_read = i;
		reading->error = load(tree, plan->link, plan->depth, plan->what, most);
		if (most != SIZE_MAX)
			most -= tree->n;
	}
	if (!reading->error)
		reading->n_read = plan->n_trees;
}

/* Errors of a node or of the connection; all others may come from the transaction. */
static bool is_final(int err)
{
	return err == 0 || err == ENOENT || err == EACCES || err == EINVAL || err == EPIPE ||
	       err == ECONNRESET || err == EBADF;
}

static void load_in_transaction(const struct plan *plan, size_t most, struct tree_reading *reading)
{
	reading->torn = link_begin(plan->link);
	if (reading->torn)
		return;
	load_all(plan, most, reading);
	if (is_final(reading->error)) {
		reading->torn = link_commit(plan->link);
	} else {
		reading->torn = reading->error;
		link_abort(plan->link);
	}
}

struct tree_reading tree_read(struct tree *trees, size_t n_trees, struct link *link, int depth,
			      unsigned what, enum tree_effort effort)
{
	const struct plan plan = { trees, n_trees, link, depth, what };
	struct tree_reading reading = { .torn = EAGAIN };
	bool is_cheap = link_has_trees(link);
	size_t most = is_cheap ? SIZE_MAX : SMALL;

	if (!is_cheap && effort == TREE_IF_CHEAP)
		reading.torn = E2BIG;
	for (int i = 0; i < MOST_TRIES && reading.torn == EAGAIN; i++)
		load_in_transaction(&plan, most, &reading);
	if (reading.torn && reading.torn != EAGAIN)
		load_all(&plan, SIZE_MAX, &reading);
	return reading;
}
