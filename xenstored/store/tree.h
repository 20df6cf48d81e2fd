/* SPDX-License-Identifier: MIT */
/*
 * The committed tree: nodes filed under (id of the parent, name) in the database.
 *
 * Ids are never used twice and nodes never move. So removing a node's record detaches whatever
 * hangs below it at once, and creating a child does not touch its parent. Children of one parent
 * lie side by side in byte order of their names, which is the order listings have.
 *
 * Names too long for a database key are cut into chunks: each chunk but the last is filed with a
 * mark behind it that no name can contain, and leads to an id under which the rest is filed. That
 * is exact, and it keeps the order.
 */
#ifndef XSD_STORE_TREE_H
#define XSD_STORE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xenstored/store/node.h"

struct db;

/*
 * Where the roots are filed: "/" under the empty name, special nodes under their own, such as
 * "@releaseDomain". No listing ever shows this parent.
 */
enum { TREE_NOWHERE = 0 };

/* First bytes of the keys of each kind of record in the table. */
enum tree_key {
	TREE_KEY_DOMAIN = 'd',
	TREE_KEY_EPOCH = 'e',
	TREE_KEY_GARBAGE = 'g',
	TREE_KEY_META = 'm',
	TREE_KEY_NODE = 'n',
	TREE_KEY_OWNER = 'o',
};

enum {
	TREE_CHUNK = 496,
	TREE_LEVELS_MAX = 8, /* chunks of the longest name, rounded up */
};

struct tree {
	struct db *db;     /* borrowed */
	uint64_t last;     /* last number given out */
	uint64_t promised; /* numbers up to here are known to the database as used */
};

/* A number larger than all before: for ids, generations and the starts of transactions. */
uint64_t tree_number(struct tree *tree);

/* Looks a child up. ENOENT. The node borrows from the database. */
int tree_get(struct tree *tree, uint64_t parent, const char *name, size_t len,
	     struct node *out_node) __attribute__((warn_unused_result));

/* Files or replaces a child. The node must not borrow from the database. */
int tree_put(struct tree *tree, uint64_t parent, const char *name, size_t len,
	     const struct node *node) __attribute__((warn_unused_result));

/* Removes a child's record; what is below it stays, detached. ENOENT. */
int tree_delete(struct tree *tree, uint64_t parent, const char *name, size_t len)
	__attribute__((warn_unused_result));

/* How many puts at the most tree_put() or tree_delete() of such a name takes. */
size_t tree_puts(size_t name_len);

/* Told of one child; must not touch the database. Anything but 0 stops the scan. */
typedef int tree_visit_fn(void *arg, const char *name, size_t len, const struct node *node);

/*
 * Visits the children in byte order, those behind `after` only (NULL: all). Returns what the last
 * visit returned, or the trouble met.
 */
int tree_scan(struct tree *tree, uint64_t parent, const char *after, size_t after_len,
	      tree_visit_fn *visit, void *arg) __attribute__((warn_unused_result));

/* 0 if there is a child, ENOENT if there is none. */
int tree_has_children(struct tree *tree, uint64_t parent) __attribute__((warn_unused_result));

/* Big-endian numbers, so that keys sort as the numbers do. */
void tree_key_u64(uint8_t *out_key, uint64_t number);
uint64_t tree_key_get_u64(const uint8_t *key);

#endif
