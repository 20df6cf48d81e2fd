/* SPDX-License-Identifier: MIT */
#include "xenstored/store/merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/path.h"
#include "xenstored/base/arena.h"
#include "xenstored/store/db.h"
#include "xenstored/store/store.h"
#include "xenstored/store/view.h"

static const char *name_of(const struct view_entry *entry)
{
	return entry->spot.path + entry->spot.path_len - entry->spot.name_len;
}

/* True for an entry that makes a difference to the store. */
static bool is_effective(const struct view_entry *entry)
{
	if (!entry->changed || entry->is_detached)
		return false;
	return entry->existed || entry->exists;
}

/* Copies what the entry's node borrows to one heap block; NULL when memory is exhausted. */
static void *copy_content(const struct node *node)
{
	size_t perms_len = (size_t)node->n_perms * NODE_PERM_SIZE;
	uint8_t *block = malloc(perms_len + node->value_len + 1);

	if (!block)
		return NULL;
	memcpy(block, node->perms, perms_len);
	if (node->value_len)
		memcpy(block + perms_len, node->value, node->value_len);
	return block;
}

static size_t content_len(const struct node *node)
{
	return (size_t)node->n_perms * NODE_PERM_SIZE + node->value_len;
}

/* Everything that can fail: entries below for all of ours, and copies of what ours borrow. */
static int prepare(struct view *view)
{
	struct view_entry *entry, *target;
	int err;

	TAILQ_FOREACH (entry, &view->order, order) {
		err = view_entry_get(view->below, &entry->spot, entry->existed ? &entry->old : NULL,
				     &target);
		if (err)
			return err;
		if (!entry->exists)
			continue;
		entry->owned = copy_content(&entry->now);
		if (!entry->owned)
			return -ENOMEM;
	}
	return 0;
}

/* What was changed below a removed node will not be applied. */
static void detach_below(struct view *view, const struct view_entry *removed)
{
	struct view_entry *entry;

	TAILQ_FOREACH (entry, &view->order, order) {
		if (xsp_path_levels_below(removed->spot.path, removed->spot.path_len,
					  entry->spot.path, entry->spot.path_len) > 0)
			entry->is_detached = true;
	}
}

static void take_over(struct view *below, struct view_entry *target, struct view_entry *entry)
{
	bool was_own = target->changed != 0;

	if (target->owned)
		below->bytes -= content_len(&target->now);
	free(target->owned);
	target->owned = entry->owned;
	entry->owned = NULL;
	/* An ancestor stays unannounced until something is done to it for its own sake. */
	target->is_implicit = entry->is_implicit && (!was_own || target->is_implicit);
	target->exists = entry->exists;
	if (!entry->is_implicit)
		view_entry_touch(below, target);
	if (entry->changed & ASPECT_EXISTENCE)
		view_entry_mark_existence(below, target);
	target->changed |= entry->changed;
	if (!entry->exists) {
		detach_below(below, entry);
		return;
	}
	target->now = entry->now;
	target->now.perms = target->owned;
	target->now.value = target->now.perms + (size_t)entry->now.n_perms * NODE_PERM_SIZE;
	below->bytes += content_len(&target->now);
}

int merge_down(struct view *view)
{
	struct view_entry *entry;
	int err = prepare(view);

	TAILQ_FOREACH (entry, &view->order, order) {
		if (!err)
			take_over(view->below, view_entry_find(view->below, &entry->spot), entry);
		free(entry->owned);
		entry->owned = NULL;
	}
	return err;
}

/* The node as it is in the batch now. */
static int current(struct view *view, const struct view_entry *entry, struct node *out_node)
{
	/* A request's view is as old as the batch. */
	if (view->start == UINT64_MAX) {
		if (!entry->existed)
			return ENOENT;
		*out_node = entry->old;
		return 0;
	}
	return tree_get(&view->store->tree, entry->spot.parent, name_of(entry),
			entry->spot.name_len, out_node);
}

static bool is_beaten(struct view *view, const struct view_entry *entry, merge_may_fn *may,
		      void *arg, uint64_t *out_writer)
{
	const struct history *history = &view->store->history;
	const struct spot *spot = &entry->spot;
	unsigned aspects = history_aspects(history, view->start, spot->parent, name_of(entry),
					   spot->name_len, out_writer);
	struct node node;

	/* A write needs its node to be there, or not to be there, as it was. */
	if (aspects & (entry->seen | (entry->changed ? SEEN_EXISTENCE : 0)))
		return true;
	if ((aspects & ASPECT_PERMS) && entry->rights &&
	    (tree_get(&view->store->tree, spot->parent, name_of(entry), spot->name_len, &node) ||
	     !may(arg, &node, entry->rights)))
		return true;
	return (entry->seen & SEEN_CHILDREN) && entry->existed &&
	       history_children_changed(history, view->start, entry->old.id, out_writer);
}

/* Below what was missing nothing can change unless it is created, and that is seen of itself. */
static bool has_seen_below(const struct view_entry *entry)
{
	return (entry->seen & SEEN_SUBTREE) && entry->existed;
}

/* One look at the history for all subtrees: there may be many of both. */
static int validate_subtrees(struct view *view, struct conflict *out_conflict)
{
	const struct history_top *top;
	struct history_top *tops;
	struct view_entry *entry;
	size_t n = 0;

	TAILQ_FOREACH (entry, &view->order, order)
		n += has_seen_below(entry);
	if (n == 0)
		return 0;
	tops = malloc(n * sizeof(*tops));
	if (!tops)
		return -ENOMEM;
	n = 0;
	TAILQ_FOREACH (entry, &view->order, order) {
		if (has_seen_below(entry))
			tops[n++] = (struct history_top){ entry->spot.path, entry->spot.path_len };
	}
	top = history_changed_below(&view->store->history, view->start, tops,
				    history_sort_tops(tops, n), &out_conflict->writer);
	if (top) {
		out_conflict->path = top->path;
		out_conflict->path_len = top->len;
	}
	free(tops);
	return top ? EAGAIN : 0;
}

int merge_validate(struct view *view, merge_may_fn *may, void *arg, struct conflict *out_conflict)
{
	struct view_entry *entry;

	*out_conflict = (struct conflict){ 0 };
	if (view->is_doomed)
		return EAGAIN;
	if (view->store->history.nodes.n == 0)
		return 0;
	TAILQ_FOREACH (entry, &view->order, order) {
		if (!is_beaten(view, entry, may, arg, &out_conflict->writer))
			continue;
		out_conflict->path = entry->spot.path;
		out_conflict->path_len = entry->spot.path_len;
		return EAGAIN;
	}
	return validate_subtrees(view, out_conflict);
}

/* What an entry leaves behind, with what it does not change taken from `before`. */
static struct node outcome(const struct view_entry *entry, const struct node *before)
{
	struct node after = entry->now;

	if (entry->changed & ASPECT_EXISTENCE)
		return after;
	if (!(entry->changed & ASPECT_VALUE)) {
		after.value = before->value;
		after.value_len = before->value_len;
	}
	if (!(entry->changed & ASPECT_PERMS)) {
		after.perms = before->perms;
		after.n_perms = before->n_perms;
		after.epoch = before->epoch;
	}
	return after;
}

int merge_usage(struct view *view, merge_charge_fn *charge, void *arg)
{
	struct view_entry *entry;
	struct node before, after;
	int err;

	TAILQ_FOREACH (entry, &view->order, order) {
		const struct spot *spot = &entry->spot;

		if (!is_effective(entry))
			continue;
		err = current(view, entry, &before);
		if (err && err != ENOENT)
			return err;
		if (!err)
			charge(arg, node_owner(&before), -1,
			       -(int64_t)node_cost(&before, spot->path_len, spot->name_len));
		/* What it changes may be gone: the transaction will fail, so it uses nothing. */
		if (!entry->exists || (err && !(entry->changed & ASPECT_EXISTENCE)))
			continue;
		after = outcome(entry, &before);
		charge(arg, node_owner(&after), 1,
		       (int64_t)node_cost(&after, spot->path_len, spot->name_len));
	}
	return 0;
}

/* Directories still to be counted, and the sum so far. */
struct below_count {
	struct pending {
		uint64_t id;
		size_t path_len;
	} * pending; /* owned */
	size_t n, size;
	size_t path_len; /* of the directory being counted */
	merge_charge_fn *charge;
	void *arg;
};

static int pend(struct below_count *count, uint64_t id, size_t path_len)
{
	size_t size = count->size ? count->size * 2 : 64;
	struct pending *pending;

	if (count->n == count->size) {
		pending = realloc(count->pending, size * sizeof(*pending));
		if (!pending)
			return -ENOMEM;
		count->pending = pending;
		count->size = size;
	}
	count->pending[count->n++] = (struct pending){ id, path_len };
	return 0;
}

static int count_child(void *arg, const char *name, size_t len, const struct node *node)
{
	struct below_count *count = arg;
	size_t path_len = count->path_len + 1 + len;

	(void)name;
	count->charge(count->arg, node_owner(node), -1, -(int64_t)node_cost(node, path_len, len));
	return pend(count, node->id, path_len);
}

int merge_usage_below(struct view *view, merge_charge_fn *charge, void *arg)
{
	struct below_count count = { .charge = charge, .arg = arg };
	struct view_entry *entry;
	struct node before;
	struct pending next;
	int err = 0;

	TAILQ_FOREACH (entry, &view->order, order) {
		if (!is_effective(entry) || !(entry->changed & ASPECT_EXISTENCE) || !entry->existed)
			continue;
		err = current(view, entry, &before);
		if (!err)
			err = pend(&count, before.id, entry->spot.path_len);
		if (err)
			break;
	}
	while (!err && count.n > 0) {
		next = count.pending[--count.n];
		count.path_len = next.path_len;
		err = tree_scan(&view->store->tree, next.id, NULL, 0, count_child, &count);
	}
	free(count.pending);
	return err == ENOENT ? 0 : err;
}

static struct store_change change_of(const struct view_entry *entry, uint64_t writer)
{
	return (struct store_change){
		.parent = entry->spot.parent,
		.path = entry->spot.path,
		.path_len = entry->spot.path_len,
		.name_len = entry->spot.name_len,
		.writer = writer,
	};
}

/* Bytes of a node that a change leaves as they are, and that may have grown since it was seen. */
static int kept_len(struct view *view, const struct view_entry *entry, size_t *out_len)
{
	struct node now;
	int err;

	*out_len = 0;
	if (view->start == UINT64_MAX || !entry->exists || (entry->changed & ASPECT_EXISTENCE))
		return 0;
	err = current(view, entry, &now);
	if (!err)
		*out_len = content_len(&now);
	return err == ENOENT ? -EBADMSG : err;
}

static int reserve(struct view *view)
{
	/* What only removes may take the last room: it gives it back. */
	enum db_room room = DB_ROOM_LAST;
	size_t n_puts = 0, n_bytes = 0, kept;
	struct view_entry *entry;
	int err;

	TAILQ_FOREACH (entry, &view->order, order) {
		if (!is_effective(entry))
			continue;
		err = kept_len(view, entry, &kept);
		if (err)
			return err;
		n_puts += store_change_puts(entry->spot.name_len, entry->changed);
		n_bytes += NODE_RECORD_HEAD + kept;
		if (entry->exists) {
			room = DB_ROOM_COMMON;
			n_bytes += entry->spot.path_len + content_len(&entry->now);
		}
	}
	return n_puts ? store_reserve(view->store, n_puts, n_bytes, room) : 0;
}

/* The database's bytes may move under the put that replaces them: keep copies. */
static int keep(struct arena *arena, struct node *node, const struct view_entry *entry)
{
	size_t perms_len = (size_t)node->n_perms * NODE_PERM_SIZE;

	if (entry->changed & ASPECT_EXISTENCE)
		return 0;
	if (!(entry->changed & ASPECT_VALUE)) {
		node->value = arena_copy(arena, node->value, node->value_len);
		if (!node->value)
			return -ENOMEM;
	}
	if (!(entry->changed & ASPECT_PERMS)) {
		node->perms = arena_copy(arena, node->perms, perms_len);
		if (!node->perms)
			return -ENOMEM;
	}
	return 0;
}

static int apply_entry(struct view *view, struct arena *arena, struct view_entry *entry,
		       uint64_t writer)
{
	struct store_change change = change_of(entry, writer);
	struct node before, after;
	bool is_fresh = view->start == UINT64_MAX && !history_is_needed(&view->store->history);
	int err;

	if (is_fresh)
		err = current(view, entry, &before);
	else
		err = tree_get(&view->store->tree, entry->spot.parent, name_of(entry),
			       entry->spot.name_len, &before);
	if (err && err != ENOENT)
		return err;
	if (!err)
		change.before = &before;
	else if (entry->existed)
		return -EBADMSG;
	if (entry->exists) {
		after = view->start == UINT64_MAX ? entry->now : outcome(entry, &before);
		after.generation = tree_number(&view->store->tree);
		if (view->start != UINT64_MAX)
			err = keep(arena, &after, entry);
		else
			err = 0;
		if (err)
			return err;
		change.after = &after;
	}
	return store_change(view->store, &change);
}

int merge_apply(struct view *view, struct arena *arena, uint64_t writer)
{
	struct view_entry *entry;
	int err = reserve(view);

	TAILQ_FOREACH (entry, &view->order, order) {
		if (err)
			break;
		if (is_effective(entry))
			err = apply_entry(view, arena, entry, writer);
	}
	return err;
}
