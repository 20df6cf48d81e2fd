/* SPDX-License-Identifier: MIT */
#include "tools/link.h"

#include <errno.h>

enum { CONTROL = 0 /* type of message */ };

struct answer {
	int error;
	xs_transaction_t txn;
};

static void note_answer(void *arg, const struct xsa_result *result)
{
	struct answer *answer = arg;

	answer->error = result->error;
	if (!result->error)
		answer->txn = xsa_result_transaction(result);
}

int link_open(struct link *link)
{
	*link = (struct link){ .xsa = xsa_open(0) };
	return link->xsa ? 0 : errno;
}

void link_close(struct link *link)
{
	xsa_close(link->xsa);
	link->xsa = NULL;
}

int link_begin(struct link *link)
{
	struct answer answer = { .error = 0 };
	int err = xsa_transaction_start(link->xsa, note_answer, &answer);

	if (!err)
		err = xsa_drain(link->xsa);
	if (!err)
		err = answer.error;
	if (!err && answer.txn == XBT_NULL)
		err = EINVAL;
	if (!err)
		link->txn = answer.txn;
	return err;
}

/* The first node of "/" is the root itself, whose path is the empty string. */
static void note_tree(void *arg, const struct xsa_result *result)
{
	*(bool *)arg = !result->error && result->len > 0 && result->data[0] == '\0';
}

bool link_has_trees(struct link *link)
{
	static const char tree_of_root[] = "tree\0/\0";
	bool has_trees = false;

	if (xsa_request(link->xsa, CONTROL, XBT_NULL, tree_of_root, sizeof(tree_of_root), note_tree,
			&has_trees) != 0)
		return false;
	(void)xsa_drain(link->xsa);
	return has_trees;
}

int link_commit(struct link *link)
{
	struct answer answer = { .error = 0 };
	int err = xsa_transaction_end(link->xsa, link->txn, false, note_answer, &answer);

	link->txn = XBT_NULL;
	if (!err)
		err = xsa_drain(link->xsa);
	return err ? err : answer.error;
}

void link_abort(struct link *link)
{
	/* If this fails the connection is lost, and the transaction with it. */
	if (link->txn != XBT_NULL && !xsa_transaction_end(link->xsa, link->txn, true, NULL, NULL))
		(void)xsa_drain(link->xsa);
	link->txn = XBT_NULL;
}

int link_make_room(struct link *link)
{
	return xsa_wait(link->xsa, -1);
}
