/* SPDX-License-Identifier: MIT */
/*
 * Watched nodes below a removed one: found by the ids they had, in the records that are still there.
 *
 * Each directory on the way is looked up once for all who watch below it, so that what a removal
 * costs is a look per watched path, however deep, and whoever watches it.
 */
#ifndef XSD_CORE_BELOW_H
#define XSD_CORE_BELOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct node;
struct tree;
struct view_entry;
struct watch_place;
struct watches;

/* A watched node, and the ids of the two above it. */
struct watched {
	const struct watch_place *place;
	uint64_t parent,
		grandparent; /* grandparent of a child of the removed node: 0, not asked for */
};

struct below {
	const struct watched *all; /* in the arena */
	size_t n;
};

/*
 * Finds those that were there below the node that `entry` removes, in this turn: parents before
 * children or the other way round, siblings in byte order.
 */
int below_find(struct watches *watches, struct tree *tree, const struct view_entry *entry,
	       bool is_deepest_first, struct arena *arena, struct below *out_below)
	__attribute__((warn_unused_result));

/* Looks up one of them, and the node above it. They borrow from the database. */
int below_look(struct tree *tree, const struct view_entry *entry, const struct watched *watched,
	       struct node *out_node, struct node *out_parent) __attribute__((warn_unused_result));

#endif
