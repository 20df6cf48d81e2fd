/* SPDX-License-Identifier: MIT */
#include "xenstored/store/listing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xenstored/base/arena.h"
#include "xenstored/store/store.h"
#include "xenstored/store/view.h"

static struct view_entry *entry_of_child(struct map_link *link)
{
	return (struct view_entry *)(void *)((char *)link - offsetof(struct view_entry, in_parent));
}

static bool is_child_of(const struct map_link *link, const void *parent)
{
	const struct view_entry *entry =
		(const struct view_entry *)(const void *)((const char *)link -
							  offsetof(struct view_entry, in_parent));

	return entry->spot.parent == *(const uint64_t *)parent;
}

/* A child whose existence differs from what the database has. */
struct overlay {
	const char *name;
	size_t len;
	size_t rank; /* lower: nearer to the top */
	bool exists;
};

struct overlays {
	struct arena *arena;
	struct overlay *all;
	size_t n, size;
	size_t rank;
};

static int overlay_add(struct overlays *overlays, struct overlay overlay)
{
	size_t size = overlays->size ? overlays->size * 2 : 16;
	struct overlay *all;

	if (overlays->n == overlays->size) {
		all = arena_alloc(overlays->arena, size * sizeof(*all));
		if (!all)
			return -ENOMEM;
		if (overlays->n)
			memcpy(all, overlays->all, overlays->n * sizeof(*all));
		overlays->all = all;
		overlays->size = size;
	}
	overlay.rank = overlays->rank;
	overlays->all[overlays->n++] = overlay;
	return 0;
}

static int overlay_from_history(void *arg, const char *name, size_t len, const struct node *before)
{
	return overlay_add(arg, (struct overlay){
					.name = name,
					.len = len,
					.exists = before != NULL,
				});
}

static int collect_view(struct view *view, uint64_t dir_id, struct overlays *overlays)
{
	struct map_link *link;
	int err = 0;

	if (view->children.n == 0)
		return 0;
	link = map_find(&view->children, map_hash_u64(view->children.seed, dir_id), is_child_of,
			&dir_id);
	for (; link && !err; link = map_find_next(link, is_child_of, &dir_id)) {
		struct view_entry *entry = entry_of_child(link);

		err = overlay_add(overlays,
				  (struct overlay){
					  .name = entry->spot.path + entry->spot.path_len -
						  entry->spot.name_len,
					  .len = entry->spot.name_len,
					  .exists = entry->exists,
				  });
	}
	return err;
}

static int compare_names(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	if (order)
		return order;
	return a_len < b_len ? -1 : a_len > b_len;
}

static int compare_overlays(const void *left, const void *right)
{
	const struct overlay *a = left, *b = right;
	int order = compare_names(a->name, a->len, b->name, b->len);

	if (order)
		return order;
	return a->rank < b->rank ? -1 : a->rank > b->rank;
}

/* Sorts by name; of several for one name the topmost stays. */
static void settle(struct overlays *overlays)
{
	size_t kept = 0;

	if (overlays->n)
		qsort(overlays->all, overlays->n, sizeof(*overlays->all), compare_overlays);
	for (size_t i = 0; i < overlays->n; i++) {
		struct overlay *last = kept ? &overlays->all[kept - 1] : NULL;

		if (!last || compare_names(last->name, last->len, overlays->all[i].name,
					   overlays->all[i].len))
			overlays->all[kept++] = overlays->all[i];
	}
	overlays->n = kept;
}

struct merged_scan {
	const struct overlays *overlays;
	size_t at;
	listing_visit_fn *visit;
	void *arg;
};

/* Visits the overlays before a name (NULL: all that are left). */
static int visit_overlays(struct merged_scan *scan, const char *name, size_t len, bool *out_hidden)
{
	int err = 0, order;

	for (; scan->at < scan->overlays->n && !err; scan->at++) {
		const struct overlay *overlay = &scan->overlays->all[scan->at];

		order = name ? compare_names(overlay->name, overlay->len, name, len) : -1;
		if (order > 0)
			break;
		if (order == 0)
			*out_hidden = true;
		if (overlay->exists)
			err = scan->visit(scan->arg, overlay->name, overlay->len);
	}
	return err;
}

static int visit_merged(void *arg, const char *name, size_t len, const struct node *node)
{
	struct merged_scan *scan = arg;
	bool is_hidden = false;
	int err = visit_overlays(scan, name, len, &is_hidden);

	(void)node;
	if (err || is_hidden)
		return err;
	return scan->visit(scan->arg, name, len);
}

/* Collects what hides or adds children, from the topmost view down to the history. */
static int collect(struct view *view, uint64_t dir_id, struct overlays *overlays)
{
	struct view *at, *snapshot = view_snapshot(view);
	int err = 0;

	for (at = view; at && !err; at = at->below) {
		err = collect_view(at, dir_id, overlays);
		overlays->rank++;
	}
	if (!err && snapshot)
		err = history_children(&view->store->history, snapshot->start, dir_id,
				       overlay_from_history, overlays);
	settle(overlays);
	return err;
}

int listing_scan(struct view *view, struct arena *arena, const struct spot *dir_spot,
		 uint64_t dir_id, unsigned seen, const char *after, size_t after_len,
		 listing_visit_fn *visit, void *arg)
{
	struct overlays overlays = { .arena = arena };
	struct merged_scan scan = { .overlays = &overlays, .visit = visit, .arg = arg };
	struct view *snapshot = view_snapshot(view);
	struct view_entry *entry;
	bool is_hidden = false;
	int err;

	entry = snapshot && dir_spot ? view_entry_find(snapshot, dir_spot) : NULL;
	if (entry)
		view_entry_note(entry, seen);
	err = collect(view, dir_id, &overlays);
	if (err)
		return err;
	while (after && scan.at < overlays.n &&
	       compare_names(overlays.all[scan.at].name, overlays.all[scan.at].len, after,
			     after_len) <= 0)
		scan.at++;
	err = tree_scan(&view->store->tree, dir_id, after, after_len, visit_merged, &scan);
	return err ? err : visit_overlays(&scan, NULL, 0, &is_hidden);
}

uint64_t listing_generation(const struct view *view, const struct node *dir)
{
	uint64_t generation = store_listing_generation(view->store, dir->id);
	const struct view *at = view;

	for (; at; at = at->below) {
		/* A transaction's own changes count on from the state it began with. */
		if (at->start != UINT64_MAX)
			return at->start + at->children.n;
	}
	return generation > dir->generation ? generation : dir->generation;
}
