/* SPDX-License-Identifier: MIT */
#include "xenstored/store/edit.h"

#include "protocol/path.h"
#include "xenstored/store/store.h"
#include "xenstored/store/view.h"

/* The end of the next part of a path behind `at`. */
static size_t next_end(const char *path, size_t len, size_t at)
{
	at++;
	while (at < len && path[at] != '/')
		at++;
	return at;
}

size_t edit_missing(const char *path, size_t len, const struct walk *walk)
{
	size_t n = 1;

	for (size_t at = walk->spot.path_len; at < len; at = next_end(path, len, at))
		n++;
	return n;
}

int edit_create(struct view *view, const char *path, size_t len, const struct walk *walk,
		const struct node *node)
{
	struct spot spot = walk->spot;
	struct view_entry *entry;
	struct node made = *node;
	size_t end;
	int err;

	for (;;) {
		bool is_last = spot.path_len == len;

		made.id = tree_number(&view->store->tree);
		made.generation = made.id;
		made.value = is_last ? node->value : NULL;
		made.value_len = is_last ? node->value_len : 0;
		err = view_put(view, &spot, &made, ASPECT_EXISTENCE | ASPECT_VALUE | ASPECT_PERMS,
			       NULL, &entry);
		if (err)
			return err;
		entry->is_implicit = !is_last;
		if (is_last)
			return 0;
		end = next_end(path, len, spot.path_len);
		spot = (struct spot){
			.parent = made.id,
			.path = path,
			.path_len = end,
			.name_len = end - spot.path_len - 1,
		};
	}
}

int edit_value(struct view *view, const struct walk *walk, const void *value, size_t len)
{
	struct node node = walk->node;
	struct view_entry *entry;

	node.value = value;
	node.value_len = len;
	return view_put(view, &walk->spot, &node, ASPECT_VALUE, &walk->node, &entry);
}

int edit_perms(struct view *view, const struct walk *walk, const struct node *model)
{
	struct node node = walk->node;
	struct view_entry *entry;

	node.perms = model->perms;
	node.n_perms = model->n_perms;
	node.epoch = model->epoch;
	return view_put(view, &walk->spot, &node, ASPECT_PERMS, &walk->node, &entry);
}
