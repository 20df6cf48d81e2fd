/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "tests/model/model.h"
#include "tests/support/text.h"

struct mnode *mtree_find(const struct mtree *tree, const char *path)
{
	for (size_t i = 0; i < tree->n; i++) {
		if (!strcmp(tree->nodes[i].path, path))
			return &tree->nodes[i];
	}
	return NULL;
}

static void *copy_of(const void *bytes, size_t len)
{
	char *copy = text_alloc(len + 1);

	if (len)
		memcpy(copy, bytes, len);
	copy[len] = '\0';
	return copy;
}

struct mnode *mtree_add(struct mtree *tree, uint64_t id, uint64_t parent, const char *path,
			const struct mperms *perms, const char *value, size_t len)
{
	if (tree->n == tree->size) {
		tree->size = tree->size ? tree->size * 2 : 64;
		tree->nodes = text_grow(tree->nodes, tree->size * sizeof(*tree->nodes));
	}
	tree->nodes[tree->n] = (struct mnode){
		.id = id,
		.parent = parent,
		.path = copy_of(path, strlen(path)),
		.perms = *perms,
		.value = copy_of(value, len),
		.len = len,
	};
	return &tree->nodes[tree->n++];
}

void mnode_set_value(struct mnode *node, const char *value, size_t len)
{
	char *copy = copy_of(value, len);

	free(node->value);
	node->value = copy;
	node->len = len;
}

void mtree_remove(struct mtree *tree, const char *path)
{
	/* The path may be that of a node that goes. */
	char *top = copy_of(path, strlen(path));
	size_t kept = 0;

	for (size_t i = 0; i < tree->n; i++) {
		struct mnode *node = &tree->nodes[i];

		if (!strcmp(node->path, top) || mpath_is_below(top, node->path)) {
			free(node->path);
			free(node->value);
		} else {
			tree->nodes[kept++] = *node;
		}
	}
	tree->n = kept;
	free(top);
}

void mtree_copy(struct mtree *to, const struct mtree *from)
{
	*to = (struct mtree){ 0 };
	for (size_t i = 0; i < from->n; i++) {
		const struct mnode *node = &from->nodes[i];

		mtree_add(to, node->id, node->parent, node->path, &node->perms, node->value,
			  node->len);
	}
}

void mtree_fini(struct mtree *tree)
{
	for (size_t i = 0; i < tree->n; i++) {
		free(tree->nodes[i].path);
		free(tree->nodes[i].value);
	}
	free(tree->nodes);
	*tree = (struct mtree){ 0 };
}

void mpath_parent(const char *path, char *out)
{
	const char *slash = strrchr(path, '/');

	if (slash == path || !slash) {
		strcpy(out, "/");
	} else {
		memcpy(out, path, (size_t)(slash - path));
		out[slash - path] = '\0';
	}
}

bool mpath_is_below(const char *top, const char *path)
{
	size_t len = strlen(top);

	if (path[0] != '/' || top[0] != '/')
		return false;
	if (len == 1)
		return path[1] != '\0';
	return !strncmp(top, path, len) && path[len] == '/';
}

static int compare_nodes(const void *left, const void *right)
{
	const struct mnode *const *a = left, *const *b = right;

	/* Of one parent: the paths differ in the names only. */
	return strcmp((*a)->path, (*b)->path);
}

struct mnode **mtree_children(const struct mtree *tree, const char *path, size_t *out_n)
{
	struct mnode **children = text_alloc((tree->n + 1) * sizeof(struct mnode *));
	char parent[XSP_PATH_BUF];
	size_t n = 0;

	for (size_t i = 0; i < tree->n; i++) {
		if (!mpath_is_below(path, tree->nodes[i].path))
			continue;
		mpath_parent(tree->nodes[i].path, parent);
		if (!strcmp(parent, path))
			children[n++] = &tree->nodes[i];
	}
	qsort(children, n, sizeof(struct mnode *), compare_nodes);
	*out_n = n;
	return children;
}
