/* SPDX-License-Identifier: MIT */
/* Trees as the program asks for them: what it may ask, and who is to fill the tree. */
#include "libxs/async_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int xsa_tree(struct xsa *xsa, xs_transaction_t t, const char *path, int depth, unsigned int what,
	     xsa_node_fn node, xsa_done_fn done, void *arg)
{
	size_t len = strlen(path);
	struct xsi_tree *tree;
	int err = xsi_call_admit(xsa);

	if (err)
		return err;
	if (len == 0 || depth < XSA_DEPTH_ALL || (what & ~(XSA_TREE_VALUES | XSA_TREE_PERMISSIONS)))
		return EINVAL;
	tree = calloc(1, sizeof(*tree) + len + 1);
	if (!tree)
		return ENOMEM;
	tree->xsa = xsa;
	tree->t = t;
	tree->depth = depth;
	tree->what = what;
	tree->node = node;
	tree->done = done;
	tree->arg = arg;
	TAILQ_INIT(&tree->items);
	TAILQ_INIT(&tree->unasked);
	memcpy(tree->top, path, len + 1);
	tree->top_len = len;

	/* Of a deep tree the server would send much that is too deep to be wanted. */
	if (depth == 0 || depth == 1)
		err = xsi_walk_start(tree);
	else
		err = xsi_snapshot_start(tree);
	if (err)
		free(tree);
	return err;
}
