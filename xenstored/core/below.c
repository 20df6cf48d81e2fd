/* SPDX-License-Identifier: MIT */
#include "xenstored/core/below.h"

#include <errno.h>
#include <string.h>

#include "protocol/path.h"
#include "xenstored/base/arena.h"
#include "xenstored/core/watch.h"
#include "xenstored/store/tree.h"
#include "xenstored/store/view.h"

/* A path of full length has no more. */
enum { LEVELS_MAX = XSP_PATH_ABS_MAX / 2 + 2 };

/* A level of the way down to a node: the bytes of the path up to it, and its id. */
struct level {
	size_t end;
	uint64_t id;
};

/* The way down from a removed node that was gone last. The records are still there in this turn. */
struct trail {
	struct tree *tree; /* borrowed */
	const char *path;
	size_t len;
	size_t n;
	struct level levels[LEVELS_MAX]; /* the first is the removed node */
};

/* Goes down to a path, from where its way and the last one part. ENOENT: there was no such node. */
static int trail_follow(struct trail *trail, const char *path, size_t len)
{
	struct node node;
	size_t same = 0, at;
	int err = 0;

	while (same < len && same < trail->len && trail->path[same] == path[same])
		same++;
	/* A level that is on both ways ends where a part ends. */
	while (trail->n > 1 && (trail->levels[trail->n - 1].end > same ||
				(trail->levels[trail->n - 1].end < len &&
				 path[trail->levels[trail->n - 1].end] != '/')))
		trail->n--;
	trail->path = path;
	trail->len = len;
	for (at = trail->levels[trail->n - 1].end; at < len && !err;) {
		size_t start = path[at] == '/' ? at + 1 : at;

		for (at = start; at < len && path[at] != '/';)
			at++;
		err = tree_get(trail->tree, trail->levels[trail->n - 1].id, path + start,
			       at - start, &node);
		if (!err)
			trail->levels[trail->n++] = (struct level){ at, node.id };
	}
	return err;
}

/* Being collected. */
struct found {
	struct arena *arena; /* borrowed */
	struct watched *all;
	size_t n, size;
};

static int found_add(struct found *below, const struct watch_place *place,
		     const struct trail *trail)
{
	size_t size = below->size ? below->size * 2 : 16;
	struct watched *all;

	if (below->n == below->size) {
		all = arena_alloc(below->arena, size * sizeof(*all));
		if (!all)
			return -ENOMEM;
		if (below->n)
			memcpy(all, below->all, below->n * sizeof(*all));
		below->all = all;
		below->size = size;
	}
	below->all[below->n++] = (struct watched){
		.place = place,
		.parent = trail->levels[trail->n - 2].id,
		.grandparent = trail->n > 2 ? trail->levels[trail->n - 3].id : 0,
	};
	return 0;
}

/* From parents before children to children before parents; siblings stay in order. */
static int turn_around(struct found *below)
{
	struct watched *open, *all;
	size_t n_open = 0, n = 0;

	open = arena_alloc(below->arena, below->n * sizeof(*open));
	all = arena_alloc(below->arena, below->n * sizeof(*all));
	if (!open || !all)
		return -ENOMEM;
	for (size_t i = 0; i < below->n; i++) {
		const struct watch_place *place = below->all[i].place;

		/* Of those before it, the ones that it is not below are finished. */
		while (n_open > 0 && !xsp_path_is_below(open[n_open - 1].place->path,
							open[n_open - 1].place->path_len,
							place->path, place->path_len))
			all[n++] = open[--n_open];
		open[n_open++] = below->all[i];
	}
	while (n_open > 0)
		all[n++] = open[--n_open];
	below->all = all;
	return 0;
}

int below_find(struct watches *watches, struct tree *tree, const struct view_entry *entry,
	       bool is_deepest_first, struct arena *arena, struct below *out_below)
{
	const struct spot *spot = &entry->spot;
	struct watch_place *place = watches_below(watches, spot->path, spot->path_len);
	struct found found = { .arena = arena };
	struct trail trail;
	int err = 0;

	/* Not by an initializer: the levels are many, and not looked at. */
	trail.tree = tree;
	trail.path = spot->path;
	trail.len = spot->path_len;
	trail.n = 1;
	trail.levels[0] = (struct level){ spot->path_len, entry->old.id };
	for (; place && !err; place = watches_next_below(place, spot->path, spot->path_len)) {
		err = trail_follow(&trail, place->path, place->path_len);
		if (!err)
			err = found_add(&found, place, &trail);
		else if (err == ENOENT)
			err = 0;
	}
	if (!err && found.n > 0 && is_deepest_first)
		err = turn_around(&found);
	*out_below = (struct below){ .all = found.all, .n = err ? 0 : found.n };
	return err;
}

int below_look(struct tree *tree, const struct view_entry *entry, const struct watched *watched,
	       struct node *out_node, struct node *out_parent)
{
	const char *path = watched->place->path;
	size_t len = watched->place->path_len, above = xsp_path_parent_len(path, len);
	const char *leaf;
	int err = 0;

	*out_parent = entry->old;
	if (watched->parent != entry->old.id) {
		leaf = xsp_path_leaf(path, above);
		err = tree_get(tree, watched->grandparent, leaf, (size_t)(path + above - leaf),
			       out_parent);
	}
	leaf = xsp_path_leaf(path, len);
	return err ? err
		   : tree_get(tree, watched->parent, leaf, (size_t)(path + len - leaf), out_node);
}
