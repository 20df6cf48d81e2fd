/* SPDX-License-Identifier: MIT */
/*
 * Trees from a server that sends many nodes with one message, by
 *
 *	CONTROL "tree" <path> <after>
 *
 * <after> is empty, then the path (below the top) of the last node received, where "/" stands for
 * the top itself. The answer holds nodes, parents first and names in byte order:
 *
 *	<path below the top>\0 <permissions, separated by blanks>\0 <length of value>\0 <value>
 *
 * and nothing at all behind the last node. "?" instead of permissions or length means that they
 * did not fit and have to be asked for. A server without this command refuses it, and so do all to
 * guests; some answer "OK". Then the tree is walked.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libxs/async_tree.h"
#include "protocol/payload.h"

struct record {
	const char *path;
	const char *perms; /* NULL: did not fit */
	const char *value; /* NULL: did not fit */
	uint32_t len;
};

static void on_page(void *arg, const struct xsa_result *result);

static int ask_page(struct xsi_tree *tree)
{
	struct xsi_request request = xsi_request(XSP_CONTROL, tree->t);
	const char *after = "";
	int err;

	if (tree->previous)
		after = *tree->previous ? tree->previous : "/";
	xsi_add_string(&request, "tree");
	xsi_add_string(&request, tree->top);
	xsi_add_string(&request, after);
	err = xsi_call_make(tree->xsa, &request, on_page, tree);
	if (err)
		return err;
	tree->n_calls++;
	tree->page_is_missing = true;
	return 0;
}

/* Asks for the next nodes if the last ones have been reported. */
static int advance(struct xsi_tree *tree)
{
	/* What is in the list now is waiting for replies of its own; more can wait, too. */
	if (!tree->has_pages || tree->page_is_missing || tree->n_calls > XSI_TREE_CALLS)
		return 0;
	if (tree->held > XSI_TREE_HELD && !TAILQ_EMPTY(&tree->items))
		return 0;
	return ask_page(tree);
}

int xsi_snapshot_start(struct xsi_tree *tree)
{
	tree->advance = advance;
	tree->has_pages = true;
	return ask_page(tree);
}

/* ---- reading records ---- */

/* A slash comes before every character of a name: a parent's subtree before its next sibling. */
static int tree_order(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	if (*a == *b)
		return 0;
	if (*a == '/' || *b == '/')
		return (*a == '/' && *b != '\0') || *a == '\0' ? -1 : 1;
	return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
}

static bool is_below(const char *top, const char *path)
{
	size_t len = strlen(top);

	return len == 0 || (!strncmp(top, path, len) && path[len] == '/');
}

static unsigned depth_of(const char *path)
{
	unsigned depth = *path ? 1 : 0;

	for (; *path; path++) {
		if (*path == '/')
			depth++;
	}
	return depth;
}

static int read_record(const char **cursor, const char *end, struct record *out_record)
{
	struct record record = { .path = xsp_next_string(cursor, end) };
	const char *len;

	record.perms = xsp_next_string(cursor, end);
	len = xsp_next_string(cursor, end);
	if (!record.path || !record.perms || !len)
		return EPROTO;
	if (!strcmp(record.perms, "?"))
		record.perms = NULL;
	if (strcmp(len, "?") != 0) {
		if (!xsp_parse_u32(len, (uint32_t)(end - *cursor), &record.len))
			return EPROTO;
		record.value = *cursor;
		*cursor += record.len;
	}
	*out_record = record;
	return 0;
}

static int store_perms(struct xsi_item *item, const char *text)
{
	char entry[XSI_PERM_TEXT];
	size_t max = strlen(text) / 3 + 1;

	item->perms = calloc(max, sizeof(*item->perms));
	if (!item->perms)
		return ENOMEM;
	while (*text) {
		size_t len = strcspn(text, " ");

		if (len >= sizeof(entry))
			return EPROTO;
		memcpy(entry, text, len);
		entry[len] = '\0';
		if (!xsi_parse_permission(entry, &item->perms[item->n_perms]))
			return EPROTO;
		item->n_perms++;
		text += len;
		text += *text == ' ';
	}
	return 0;
}

static int store_value(struct xsi_item *item, const struct record *record)
{
	item->value = malloc(record->len + 1);
	if (!item->value)
		return ENOMEM;
	if (record->len > 0)
		memcpy(item->value, record->value, record->len);
	item->value[record->len] = '\0';
	item->len = record->len;
	return 0;
}

static int fill(struct xsi_item *item, const struct record *record)
{
	unsigned what = item->tree->what;
	int err = 0;

	if (what & XSA_TREE_VALUES)
		err = record->value ? store_value(item, record) : xsi_detail_ask_value(item);
	if (!err && (what & XSA_TREE_PERMISSIONS))
		err = record->perms ? store_perms(item, record->perms) : xsi_detail_ask_perms(item);
	return err;
}

static int add(struct xsi_tree *tree, const struct record *record)
{
	unsigned depth = depth_of(record->path);
	struct xsi_item *item;
	int err;

	if (tree->depth != XSA_DEPTH_ALL && depth > (unsigned)tree->depth)
		return 0;
	if (tree->pruned && is_below(tree->pruned, record->path))
		return 0;
	err = xsi_item_new(tree, "", record->path, depth, &item);
	if (err)
		return err;
	item->is_listed = true;
	TAILQ_INSERT_TAIL(&tree->items, item, link);
	err = fill(item, record);
	tree->held += item->len + item->n_perms * sizeof(*item->perms);
	return err;
}

static int add_all(struct xsi_tree *tree, const struct xsa_result *page)
{
	const char *cursor = page->data, *end = cursor + page->len;
	const char *previous = tree->previous;
	struct record record;
	char *kept;
	int err;

	while (cursor < end) {
		err = read_record(&cursor, end, &record);
		if (err)
			return err;
		/* A server that sends the same again would keep us for ever. */
		if (previous ? tree_order(previous, record.path) >= 0 : *record.path != '\0')
			return EPROTO;
		err = add(tree, &record);
		if (err)
			return err;
		previous = record.path;
	}
	kept = previous ? strdup(previous) : NULL;
	if (!kept)
		return ENOMEM;
	free(tree->previous);
	tree->previous = kept;
	return 0;
}

/* Whether a first answer is what it should be: the top comes first, and it has an empty path. */
static bool is_tree(const struct xsa_result *page)
{
	return !page->error && page->len > 0 && page->data[0] == '\0';
}

static void on_page(void *arg, const struct xsa_result *result)
{
	struct xsi_tree *tree = arg;

	tree->n_calls--;
	tree->page_is_missing = false;
	if (tree->xsa->broken) {
		if (!tree->error)
			tree->error = result->error;
	} else if (tree->error) {
		/* Already on its way out. */
	} else if (!tree->previous && !is_tree(result)) {
		tree->has_pages = false;
		tree->error = xsi_walk_start(tree);
	} else if (result->error) {
		tree->error = result->error;
	} else if (result->len == 0) {
		tree->has_pages = false;
	} else {
		tree->error = add_all(tree, result);
	}
	xsi_report_step(tree);
}
