/* SPDX-License-Identifier: MIT */
/*
 * A subtree in memory: read from the store or from a file, with values and permissions as they
 * were. Nodes stand in the order in which they were met, parents before their children.
 */
#ifndef XS_TOOLS_TREE_H
#define XS_TOOLS_TREE_H

#include <stddef.h>

#include "libxs/include/xenstore_async.h"

struct link;

struct tree_node {
	char *path; /* owned; below the top without a slash in front, "" for the top itself */
	unsigned depth;
	int value_error; /* 0, or why there is no value */
	char *value;     /* owned; with a NUL behind it */
	size_t len;
	int perms_error;
	struct xs_permissions *perms; /* owned */
	size_t n_perms;
	int children_error; /* 0, or why the nodes below it are not known */
};

struct tree {
	char *top; /* owned; path of the top in the store */
	struct tree_node *nodes;
	size_t n, room;
};

void tree_init(struct tree *tree, const char *top);
void tree_fini(struct tree *tree);

/* A new node at the end, all empty but for its path, which becomes the tree's. */
struct tree_node *tree_add(struct tree *tree, char *path);

/*
 * Reads the top and all that is at most `depth` levels below it (-1: all). `what` is a set of
 * XSA_TREE_ bits. Returns 0 or an errno; what was read before an error is in the tree.
 */
int tree_load(struct tree *tree, struct link *link, int depth, unsigned what);

/* Full path of a node. The caller frees it. */
char *tree_path(const struct tree *tree, const struct tree_node *node);

/* The last part of a node's path. */
const char *tree_name(const struct tree_node *node);

/* Sorts the nodes by path, byte by byte. */
void tree_sort(struct tree *tree);

/* A node of a sorted tree by path, or NULL. */
const struct tree_node *tree_find(const struct tree *tree, const char *path);

/* What reading several trees came to. */
struct tree_reading {
	size_t n_read; /* trees that were read without error */
	int error;     /* 0, or the errno of the one behind them */
	int torn;      /* 0 if all is of one moment, else an errno that tells why not */
};

/* How much a picture of one moment is worth. */
enum tree_effort {
	TREE_IF_CHEAP, /* take it if the server is made for that */
	TREE_IF_SMALL, /* ask any server for it, as long as it does not hold up everybody else */
};

/*
 * Reads several trees, initialised with their tops, as they were at one moment: in a transaction.
 * Other servers than ours look through all that a transaction has seen at each of its steps, and
 * serve nobody meanwhile; from those a large tree is read without a transaction. `torn` is EAGAIN
 * if the store never stood still, E2BIG if the trees were too large for a transaction.
 */
struct tree_reading tree_read(struct tree *trees, size_t n_trees, struct link *link, int depth,
			      unsigned what, enum tree_effort effort);

#endif
