/* SPDX-License-Identifier: MIT */
/* Details: the value and the permissions of an item, where each has to be asked for by itself. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libxs/async_tree.h"

/* A node that was removed since its parent was listed; but not if its own children were. */
static bool is_gone(const struct xsi_item *item, const struct xsa_result *result)
{
	return result->error == ENOENT && !item->is_listed;
}

static void on_value(void *arg, const struct xsa_result *result)
{
	struct xsi_item *item = arg;
	struct xsi_tree *tree = item->tree;

	if (xsi_item_replied(item, result)) {
		item->is_vanished |= is_gone(item, result);
		item->value_error = result->error;
		item->value = malloc(result->len + 1);
		if (item->value) {
			memcpy(item->value, result->data, result->len + 1);
			item->len = result->len;
			tree->held += result->len;
		} else {
			tree->error = ENOMEM;
		}
	}
	xsi_report_step(tree);
}

static int store_perms(struct xsi_item *item, const struct xsa_result *result)
{
	size_t max = xsa_result_count(result);

	item->perms = calloc(max ? max : 1, sizeof(*item->perms));
	if (!item->perms)
		return ENOMEM;
	item->perms_error = xsa_result_permissions(result, item->perms, max, &item->n_perms);
	item->tree->held += item->n_perms * sizeof(*item->perms);
	return 0;
}

static void on_perms(void *arg, const struct xsa_result *result)
{
	struct xsi_item *item = arg;
	struct xsi_tree *tree = item->tree;

	if (xsi_item_replied(item, result)) {
		item->is_vanished |= is_gone(item, result);
		if (result->error)
			item->perms_error = result->error;
		else
			tree->error = store_perms(item, result);
	}
	xsi_report_step(tree);
}

static int ask(struct xsi_item *item, enum xsp_type type, xsa_done_fn done)
{
	struct xsi_request request = xsi_request(type, item->tree->t);
	char *path = xsi_item_path(item);
	int err;

	if (!path)
		return ENOMEM;
	xsi_add_string(&request, path);
	err = xsi_call_make(item->tree->xsa, &request, done, item);
	free(path);
	if (err)
		return err;
	item->n_missing++;
	item->tree->n_calls++;
	return 0;
}

int xsi_detail_ask_value(struct xsi_item *item)
{
	int err = ask(item, XSP_READ, on_value);

	/* Too long a path to ask for is this node's trouble, not the tree's. */
	if (err != E2BIG)
		return err;
	item->value_error = err;
	return 0;
}

int xsi_detail_ask_perms(struct xsi_item *item)
{
	int err = ask(item, XSP_GET_PERMS, on_perms);

	if (err != E2BIG)
		return err;
	item->perms_error = err;
	return 0;
}
