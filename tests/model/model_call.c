/* SPDX-License-Identifier: MIT */
#include "tests/model/model_call.h"

#include <errno.h>
#include <string.h>

#include "protocol/errname.h"

/* Cuts the payload into at most `max` strings and a tail. */
static bool cut(struct call *call, size_t min, size_t max, bool has_tail)
{
	const char *cursor = call->rq->payload, *end = cursor + call->rq->header.len;

	while (call->n_args < max && call->n_args < 8 &&
	       (call->args[call->n_args] = xsp_next_string(&cursor, end)))
		call->n_args++;
	call->tail = cursor;
	call->tail_len = (size_t)(end - cursor);
	return call->n_args >= min && (has_tail || call->tail_len == 0);
}

bool call_resolve(struct call *call, const char *text, enum xsp_path_kind kind, char *out)
{
	char base[XSP_PATH_BASE_MAX];

	size_t len;

	xsp_path_base(base, call->client->domid);
	len = xsp_path_resolve(text, base, kind, out);
	return len > 0 && (model_is_privileged(call->client) ||
			   xsp_path_quota_len(out, len) <= XSP_PATH_REL_MAX);
}

struct mtouched *call_note(struct call *call, const char *path, uint64_t parent,
			   const struct mnode *node, unsigned seen)
{
	return call->txn ? mtxn_note(call->txn, path, parent, node, seen | EXISTENCE) : NULL;
}

void call_name(struct call *call, struct mtouched *touched)
{
	if (touched)
		mtxn_name(call->txn, touched);
}

/* What is missing has been asked for, and all above it, up to the first that is there. */
static void name_missing(struct call *call, const char *path, const struct mwalk *walk)
{
	const struct mnode *owner = walk->owner;
	char at[XSP_PATH_BUF];

	if (!call->txn)
		return;
	for (strcpy(at, path); strcmp(at, walk->missing) != 0; *strrchr(at, '/') = '\0')
		mtxn_name_vain(call->txn, at);
	mtxn_name(call->txn, call_note(call, at, path[0] == '@' ? 0 : owner->id, NULL, 0));
	mtxn_name(call->txn, call_note(call, owner->path, owner->parent, owner, 0));
}

/* Whoever removes a node, or is refused it, has asked for its parent, too. */
void call_name_parent(struct call *call, const struct mnode *node)
{
	const struct mnode *parent;
	char above[XSP_PATH_BUF];

	if (!call->txn || node->path[0] == '@' || !node->path[1])
		return;
	mpath_parent(node->path, above);
	parent = mtree_find(call->tree, above);
	mtxn_name(call->txn, call_note(call, above, parent->parent, parent, 0));
}

static void walk_special(struct call *call, const char *path, unsigned seen, struct mwalk *walk)
{
	struct mnode *node = mtree_find(call->tree, path);
	char above[XSP_PATH_BUF];
	size_t len = strcspn(path, "/");

	walk->node = walk->owner = node;
	call_name(call, call_note(call, path, 0, node, seen));
	if (!node && path[len]) {
		memcpy(above, path, len);
		above[len] = '\0';
		walk->owner = mtree_find(call->tree, above);
		call_note(call, above, 0, walk->owner, 0);
	}
	if (!walk->owner) {
		walk->owner = mtree_find(call->tree, "/");
		call_note(call, "/", 0, walk->owner, 0);
	}
	strcpy(walk->missing, path);
	if (!node)
		name_missing(call, path, walk);
}

static void walk(struct call *call, const char *path, unsigned seen, struct mwalk *walk)
{
	char at[XSP_PATH_BUF] = "/";
	struct mtouched *touched;
	size_t len = 1;

	*walk = (struct mwalk){ 0 };
	if (path[0] == '@') {
		walk_special(call, path, seen, walk);
		return;
	}
	walk->owner = mtree_find(call->tree, "/");
	touched = call_note(call, "/", 0, walk->owner, path[1] ? 0 : seen);
	if (!path[1])
		call_name(call, touched);
	while (path[len]) {
		struct mnode *node;

		len += strcspn(path + len + (len > 1), "/") + (len > 1);
		memcpy(at, path, len);
		at[len] = '\0';
		node = mtree_find(call->tree, at);
		touched = call_note(call, at, walk->owner->id, node, path[len] ? 0 : seen);
		if (!node) {
			strcpy(walk->missing, at);
			name_missing(call, path, walk);
			return;
		}
		if (!path[len])
			call_name(call, touched);
		walk->owner = node;
	}
	walk->node = walk->owner;
}

/* Walks, and checks rights on what is there or nearest to it. */
int call_walk(struct call *call, const char *path, unsigned rights, unsigned seen,
	      struct mwalk *out)
{
	struct mtouched *touched;

	walk(call, path, seen, out);
	if (model_is_privileged(call->client))
		return 0;
	if (!model_allows(call->model, call->client, &out->owner->perms, rights)) {
		call_note(call, out->owner->path, out->owner->parent, out->owner, PERMS);
		if (out->node)
			call_name_parent(call, out->node);
		return EACCES;
	}
	if (call->txn) {
		touched = call_note(call, out->owner->path, out->owner->parent, out->owner, 0);
		if (!(touched->changed & (EXISTENCE | PERMS)))
			touched->rights |= rights;
	}
	return 0;
}

struct model_op {
	int (*run)(struct call *call);
	bool is_privileged, is_outside; /* outside: the transaction id is not looked at */
	size_t min, max;
	bool has_tail;
};

static const struct model_op model_ops[XSP_TYPE_COUNT] = {
	[XSP_DIRECTORY] = { call_directory, false, false, 1, 1, false },
	[XSP_READ] = { call_read, false, false, 1, 1, false },
	[XSP_GET_PERMS] = { call_get_perms, false, false, 1, 1, false },
	[XSP_WATCH] = { call_watch, false, true, 2, 3, false },
	[XSP_UNWATCH] = { call_unwatch, false, true, 2, 2, false },
	[XSP_TRANSACTION_START] = { call_start, false, false, 0, 0, true },
	[XSP_TRANSACTION_END] = { call_end, false, false, 1, 1, false },
	[XSP_INTRODUCE] = { call_introduce, true, false, 3, 3, false },
	[XSP_RELEASE] = { call_release, true, false, 1, 1, false },
	[XSP_WRITE] = { call_write, false, false, 1, 1, true },
	[XSP_MKDIR] = { call_mkdir, false, false, 1, 1, false },
	[XSP_RM] = { call_rm, false, false, 1, 1, false },
	[XSP_SET_PERMS] = { call_set_perms, false, false, 2, 8, false },
	[XSP_IS_DOMAIN_INTRODUCED] = { call_is_introduced, true, false, 1, 1, false },
	[XSP_RESUME] = { call_resume, true, false, 1, 1, false },
	[XSP_SET_TARGET] = { call_set_target, true, false, 2, 2, false },
	[XSP_RESET_WATCHES] = { call_reset_watches, false, false, 0, 0, true },
	[XSP_DIRECTORY_PART] = { call_directory_part, false, false, 2, 2, false },
	[XSP_SET_QUOTA] = { call_set_quota, true, false, 3, 3, false },
};

static int execute(struct call *call)
{
	const struct xsp_header *header = &call->rq->header;
	const struct model_op *op = header->type < XSP_TYPE_COUNT ? &model_ops[header->type] : NULL;

	if (!op || !op->run)
		return ENOSYS;
	if (op->is_privileged && !model_is_privileged(call->client))
		return EACCES;
	if (header->tx_id && !op->is_outside) {
		call->txn = mtxn_find(call->client, header->tx_id);
		if (!call->txn)
			return ENOENT;
	}
	call->tree = call->txn ? &call->txn->view : &call->model->tree;
	if (!cut(call, op->min, op->max, op->has_tail))
		return EINVAL;
	return op->run(call);
}

void model_request(struct model *model, struct mrequest *rq)
{
	struct call call = { .model = model, .rq = rq, .client = rq->client };
	struct xsp_header header = rq->header;
	int err = execute(&call);

	if (!err && call.body.is_over)
		err = E2BIG;
	if (err) {
		header.type = XSP_ERROR;
		xsp_body_reset(&call.body);
		xsp_body_string(&call.body, xsp_errname(err));
	}
	header.len = (uint32_t)call.body.len;
	model_post(rq->client, &header, call.body.bytes, false);
	if (call.new_watch)
		model_first_event(model, call.new_watch);
}
