/* SPDX-License-Identifier: MIT */
#include "xenstored/store/view.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/path.h"
#include "xenstored/base/arena.h"
#include "xenstored/store/store.h"

struct name_key {
	uint64_t parent;
	const char *name;
	size_t len;
};

static const char *spot_name(const struct spot *spot)
{
	return spot->path + spot->path_len - spot->name_len;
}

static struct name_key key_of(const struct spot *spot)
{
	return (struct name_key){ spot->parent, spot_name(spot), spot->name_len };
}

static bool is_entry_of(const struct map_link *link, const void *arg)
{
	const struct view_entry *entry = (const struct view_entry *)link;
	const struct name_key *key = arg;

	return entry->spot.parent == key->parent && entry->spot.name_len == key->len &&
	       !memcmp(spot_name(&entry->spot), key->name, key->len);
}

static uint64_t hash_of(const struct view *view, const struct name_key *key)
{
	return map_hash(map_hash_u64(view->entries.seed, key->parent), key->name, key->len);
}

struct view_entry *view_entry_find(const struct view *view, const struct spot *spot)
{
	struct name_key key = key_of(spot);

	if (view->n_entries == 0)
		return NULL;
	return (struct view_entry *)map_find(&view->entries, hash_of(view, &key), is_entry_of,
					     &key);
}

static void init(struct view *view, struct store *store)
{
	*view = (struct view){ .store = store, .start = UINT64_MAX, .bytes_max = SIZE_MAX };
	map_init(&view->entries, store->dirs.seed);
	map_init(&view->children, store->dirs.seed);
	TAILQ_INIT(&view->order);
}

void view_begin(struct view *view, struct store *store, struct view *below, struct arena *arena)
{
	init(view, store);
	view->below = below;
	view->arena = arena;
}

void view_begin_snapshot(struct view *view, struct store *store, uint64_t start)
{
	init(view, store);
	vains_init(&view->vains, store->dirs.seed);
	view->start = start;
}

void view_end(struct view *view)
{
	struct view_entry *entry;

	while ((entry = TAILQ_FIRST(&view->order))) {
		TAILQ_REMOVE(&view->order, entry, order);
		if (!view->arena) {
			free(entry->owned);
			free(entry);
		}
	}
	if (view->store) {
		map_fini(&view->entries);
		map_fini(&view->children);
	}
	if (view->store && view->start != UINT64_MAX)
		vains_fini(&view->vains);
	view->n_entries = 0;
}

/* A new entry, with copies of what must outlive the request if the view does. */
static struct view_entry *entry_new(struct view *view, const struct spot *spot,
				    const struct node *old)
{
	size_t perms_len = old ? (size_t)old->n_perms * NODE_PERM_SIZE : 0;
	size_t path_size = view->arena ? 0 : spot->path_len + 1;
	size_t size = sizeof(struct view_entry) + perms_len + path_size;
	struct view_entry *entry = view->arena ? arena_alloc(view->arena, size) : malloc(size);
	uint8_t *bytes;

	if (!entry)
		return NULL;
	*entry = (struct view_entry){ .spot = *spot, .existed = old != NULL };
	bytes = (uint8_t *)(entry + 1);
	if (old) {
		entry->old = *old;
		entry->old.perms = bytes;
		entry->old.value = NULL;
		memcpy(bytes, old->perms, perms_len);
	}
	if (path_size) {
		memcpy(bytes + perms_len, spot->path, spot->path_len);
		bytes[perms_len + spot->path_len] = '\0';
		entry->spot.path = (const char *)bytes + perms_len;
		view->bytes += size;
	}
	return entry;
}

static bool is_full(const struct view *view)
{
	return (view->n_max && view->n_entries >= view->n_max) || view->bytes >= view->bytes_max;
}

/* Notes that a path was asked for whose parent is missing: it can be filed nowhere. */
static int touch_vain(struct view *view, const char *path, size_t len)
{
	int err;

	if (vain_place(&view->vains, path, len))
		return 0;
	if (is_full(view))
		return ENOSPC;
	err = vain_add(&view->vains, path, len, view->n_touches + 1);
	if (err)
		return err;
	view->n_touches++;
	view->bytes += sizeof(struct vain);
	return 0;
}

int view_entry_get(struct view *view, const struct spot *spot, const struct node *old,
		   struct view_entry **out_entry)
{
	struct view_entry *entry = view_entry_find(view, spot);
	struct name_key key;

	if (!entry) {
		if (is_full(view))
			return ENOSPC;
		entry = entry_new(view, spot, old);
		if (!entry)
			return -ENOMEM;
		entry->touch = vain_place(&view->vains, spot->path, spot->path_len);
		key = key_of(&entry->spot);
		map_add(&view->entries, &entry->link, hash_of(view, &key));
		TAILQ_INSERT_TAIL(&view->order, entry, order);
		view->n_entries++;
	}
	*out_entry = entry;
	return 0;
}

struct view *view_snapshot(struct view *view)
{
	while (view && view->start == UINT64_MAX)
		view = view->below;
	return view;
}

/* Looks at the tree as the bottom view sees it. */
static int get_bottom(struct view *view, const struct spot *spot, struct node *out_node)
{
	struct store *store = view->store;
	bool exists;

	if (view->start != UINT64_MAX &&
	    history_get(&store->history, view->start, spot->parent, spot_name(spot), spot->name_len,
			&exists, out_node))
		return exists ? 0 : ENOENT;
	return tree_get(&store->tree, spot->parent, spot_name(spot), spot->name_len, out_node);
}

/* Aspects that an own change has already replaced are not seen of others. */
static unsigned seen_of_others(const struct view_entry *entry, unsigned seen)
{
	if (!entry || !entry->changed)
		return seen;
	if (entry->changed & ASPECT_EXISTENCE)
		return seen & ~(unsigned)(SEEN_EXISTENCE | SEEN_VALUE | SEEN_PERMS | SEEN_CHILDREN);
	return seen & ~entry->changed;
}

void view_entry_touch(struct view *view, struct view_entry *entry)
{
	if (entry && !entry->touch)
		entry->touch = ++view->n_touches;
}

void view_entry_note(struct view_entry *entry, unsigned seen)
{
	entry->seen |= seen_of_others(entry, seen);
}

int view_get(struct view *view, const struct spot *spot, unsigned seen, struct node *out_node)
{
	struct view *snapshot = view_snapshot(view), *at;
	struct view_entry *entry = NULL;
	int err = 0, missing;

	for (at = view; at; at = at->below) {
		entry = view_entry_find(at, spot);
		if (entry && entry->changed)
			break;
		entry = NULL;
		if (!at->below)
			err = get_bottom(at, spot, out_node);
	}
	if (entry) {
		*out_node = entry->now;
		err = entry->exists ? 0 : ENOENT;
	}
	if (err && err != ENOENT)
		return err;
	seen = seen_of_others(entry, seen | SEEN_EXISTENCE);
	if (!snapshot || !seen || (seen & SEEN_COVERED))
		return err;
	missing = err;
	err = view_entry_get(snapshot, spot, missing ? NULL : out_node, &entry);
	if (err)
		return err;
	entry->seen |= seen;
	return missing;
}

int view_note_rights(struct view *view, const struct spot *spot, unsigned rights)
{
	struct view *snapshot = view_snapshot(view);
	struct view_entry *entry;

	if (!snapshot)
		return 0;
	/* Whoever checked a node's permissions has looked at the node: the entry is there. */
	entry = view_entry_find(snapshot, spot);
	if (entry && !seen_of_others(entry, SEEN_PERMS))
		return 0;
	if (entry)
		entry->rights |= rights;
	return 0;
}

/* The root, or a special node: what is filed nowhere. */
static struct spot top_spot(const char *path, size_t len)
{
	return (struct spot){
		.parent = TREE_NOWHERE,
		.path = path,
		.path_len = len,
		.name_len = path[0] == '@' ? len : 0,
	};
}

static int walk_special(struct view *view, const char *path, size_t len, unsigned seen,
			struct walk *out)
{
	const char *slash = memchr(path, '/', len);
	int err;

	out->spot = top_spot(path, len);
	err = view_get(view, &out->spot, seen, &out->node);
	out->exists = err == 0;
	out->owner = out->spot;
	if (err == ENOENT && slash) {
		out->owner = top_spot(path, (size_t)(slash - path));
		err = view_get(view, &out->owner, 0, &out->node);
	}
	if (err == ENOENT) {
		out->owner = top_spot("/", 1);
		err = view_get(view, &out->owner, 0, &out->node);
	}
	/* Without a root there is no store. */
	return err == ENOENT ? -EBADMSG : err;
}

/* The first part of a path behind `at` bytes of it. */
static struct spot next_spot(uint64_t parent, const char *path, size_t len, size_t at)
{
	size_t start = at == 1 ? 1 : at + 1, end = start;

	while (end < len && path[end] != '/')
		end++;
	return (struct spot){
		.parent = parent,
		.path = path,
		.path_len = end,
		.name_len = end - start,
	};
}

/* A directory on the way that the snapshot has looked at already is as it was: its list is known. */
static bool recall(struct view *view, const struct spot *spot, struct node *out_node)
{
	const struct view_entry *entry = NULL;

	for (struct view *at = view; at; at = at->below) {
		entry = view_entry_find(at, spot);
		if (entry && entry->changed)
			return false;
	}
	/* The last one asked was the snapshot. */
	if (!entry || !entry->existed || !(entry->seen & SEEN_EXISTENCE))
		return false;
	*out_node = entry->old;
	return true;
}

/* One step of a walk; of what is only passed no value is needed. */
static int step(struct view *view, const struct walk *walk, size_t len, unsigned seen,
		struct node *out_node)
{
	if (walk->spot.path_len == len)
		return view_get(view, &walk->spot, seen, out_node);
	if (view_snapshot(view) && recall(view, &walk->spot, out_node))
		return 0;
	return view_get(view, &walk->spot, 0, out_node);
}

/* Walks from the root, part by part. */
static int walk_down(struct view *view, const char *path, size_t len, unsigned seen,
		     struct walk *out)
{
	bool is_current = !view_snapshot(view);
	struct node node;
	int err;

	out->spot = out->owner = top_spot(path, 1);
	err = step(view, out, len, seen, &out->node);
	if (err)
		return err == ENOENT ? -EBADMSG : err;
	out->exists = len == 1;
	while (out->spot.path_len < len) {
		out->above = out->spot;
		out->spot = next_spot(out->node.id, path, len, out->owner.path_len);
		err = step(view, out, len, seen, &node);
		if (err == ENOENT)
			return 0;
		if (err)
			return err;
		out->node = node;
		out->owner = out->spot;
		if (is_current && out->spot.path_len < len)
			dircache_put(&view->store->dirs, path, out->spot.path_len, node.id,
				     out->spot.parent);
	}
	out->exists = true;
	return 0;
}

/* Walks by the cache. ENOENT: it does not help. */
static int walk_cached(struct view *view, const char *path, size_t len, struct walk *out)
{
	size_t parent_len = xsp_path_parent_len(path, len);
	const struct dircache_slot *slot;
	int err;

	if (parent_len == 1)
		return ENOENT;
	slot = dircache_get(&view->store->dirs, path, parent_len);
	if (!slot)
		return ENOENT;
	out->spot = next_spot(slot->id, path, len, parent_len);
	err = view_get(view, &out->spot, 0, &out->node);
	out->exists = err == 0;
	out->owner = out->spot;
	if (err != ENOENT)
		return err;
	out->owner = (struct spot){
		.parent = slot->parent,
		.path = path,
		.path_len = parent_len,
		.name_len = parent_len - xsp_path_parent_len(path, parent_len) -
			    (xsp_path_parent_len(path, parent_len) == 1 ? 0 : 1),
	};
	return view_get(view, &out->owner, 0, &out->node);
}

static int walk(struct view *view, const char *path, size_t len, unsigned seen, struct walk *out)
{
	int err;

	if (path[0] == '@')
		return walk_special(view, path, len, seen, out);
	/* The cache knows the tree as it is now; a snapshot walks, and notes what it passes. */
	if (!view_snapshot(view)) {
		err = walk_cached(view, path, len, out);
		if (err != ENOENT)
			return err;
	}
	return walk_down(view, path, len, seen, out);
}

static int touch_walk(struct view *view, const char *path, size_t len, const struct walk *walk)
{
	int err = 0;

	while (!err && len > walk->spot.path_len) {
		err = touch_vain(view, path, len);
		len = xsp_path_parent_len(path, len);
	}
	if (err)
		return err;
	view_entry_touch(view, view_entry_find(view, &walk->spot));
	if (!walk->exists)
		view_entry_touch(view, view_entry_find(view, &walk->owner));
	return 0;
}

int view_walk(struct view *view, const char *path, size_t len, unsigned seen, struct walk *out)
{
	struct view *snapshot = view_snapshot(view);
	int err = walk(view, path, len, seen, out);

	return err || !snapshot ? err : touch_walk(snapshot, path, len, out);
}

void view_touch_parent(struct view *view, const struct walk *walk)
{
	struct view *snapshot = view_snapshot(view);

	if (snapshot && walk->exists && walk->spot.path[0] == '/' && walk->spot.path_len > 1)
		view_entry_touch(snapshot, view_entry_find(snapshot, &walk->above));
}

void view_entry_mark_existence(struct view *view, struct view_entry *entry)
{
	if (entry->changed & ASPECT_EXISTENCE)
		return;
	map_add(&view->children, &entry->in_parent,
		map_hash_u64(view->children.seed, entry->spot.parent));
}

int view_put(struct view *view, const struct spot *spot, const struct node *node, unsigned changed,
	     const struct node *old, struct view_entry **out_entry)
{
	struct view_entry *entry;
	int err = view_entry_get(view, spot, old, &entry);

	if (err)
		return err;
	entry->now = *node;
	if (changed & ASPECT_EXISTENCE) {
		view_entry_mark_existence(view, entry);
	} else if (!(changed & ASPECT_PERMS)) {
		entry->now.perms = entry->old.perms;
	} else if (!(changed & ASPECT_VALUE)) {
		entry->now.value = arena_copy(view->arena, node->value, node->value_len);
		if (!entry->now.value)
			return -ENOMEM;
	}
	entry->changed |= changed;
	entry->exists = true;
	*out_entry = entry;
	return 0;
}

int view_remove(struct view *view, const struct spot *spot, const struct node *old)
{
	struct view_entry *entry;
	int err = view_entry_get(view, spot, old, &entry);

	if (err)
		return err;
	view_entry_mark_existence(view, entry);
	entry->changed |= ASPECT_EXISTENCE;
	entry->exists = false;
	return 0;
}
