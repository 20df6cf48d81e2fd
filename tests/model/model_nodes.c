/* SPDX-License-Identifier: MIT */
/*
 * Requests for nodes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/perms.h"
#include "tests/model/model_call.h"

static int read_path(struct call *call, unsigned seen, enum xsp_path_kind kind, struct mwalk *out)
{
	char path[XSP_PATH_BUF];
	int err;

	if (!call_resolve(call, call->args[0], kind, path))
		return EINVAL;
	err = call_walk(call, path, RIGHT_READ, seen, out);
	return err || out->node ? err : ENOENT;
}

int call_read(struct call *call)
{
	struct mwalk walk;
	int err = read_path(call, VALUE, XSP_PATH_NODE, &walk);

	if (!err)
		xsp_body_bytes(&call->body, walk.node->value, walk.node->len);
	return err;
}

static const char *name_of(const struct mnode *node)
{
	return strrchr(node->path, '/') + 1;
}

int call_directory(struct call *call)
{
	struct mnode **children;
	struct mwalk walk;
	size_t n;
	int err = read_path(call, 0, XSP_PATH_NODE, &walk);

	if (err)
		return err;
	call_note(call, walk.node->path, walk.node->parent, walk.node, CHILDREN);
	children = mtree_children(call->tree, walk.node->path, &n);
	for (size_t i = 0; i < n; i++)
		xsp_body_string(&call->body, name_of(children[i]));
	free(children);
	return 0;
}

int call_directory_part(struct call *call)
{
	struct mnode **children;
	struct mwalk walk;
	uint32_t offset;
	char list[16 * XSP_PAYLOAD_MAX];
	size_t n, len = 0, room, at, generation_size;
	char digits[32];
	int err = 0;

	if (!xsp_parse_u32(call->args[1], UINT32_MAX, &offset))
		return EINVAL;
	err = read_path(call, 0, XSP_PATH_NODE, &walk);
	if (err)
		return err;
	call_note(call, walk.node->path, walk.node->parent, walk.node, CHILDREN);
	children = mtree_children(call->tree, walk.node->path, &n);
	for (size_t i = 0; i < n; i++) {
		strcpy(list + len, name_of(children[i]));
		len += strlen(name_of(children[i])) + 1;
	}
	free(children);
	/* Which number it is, is the server's affair. */
	call->rq->has_generation = true;
	generation_size = (size_t)snprintf(digits, sizeof(digits), "%llu",
					   (unsigned long long)call->rq->generation) +
			  1;
	xsp_body_bytes(&call->body, digits, generation_size);
	room = XSP_PAYLOAD_MAX - generation_size - 1;
	for (at = offset; at < len;) {
		size_t name_len = strlen(list + at);

		if (at - offset + name_len >= room)
			return 0;
		xsp_body_string(&call->body, list + at);
		at += name_len + 1;
	}
	xsp_body_bytes(&call->body, "", 1);
	return 0;
}

int call_get_perms(struct call *call)
{
	struct mwalk walk;
	struct mperms perms;
	int err = read_path(call, PERMS, XSP_PATH_EVENT, &walk);

	if (err)
		return err;
	perms = model_current(call->model, &walk.node->perms);
	for (size_t i = 0; i < perms.n; i++) {
		struct xsp_perm perm = { .domid = perms.list[i].domid,
					 .rights = perms.list[i].rights };
		char text[XSP_PERM_TEXT_MAX];

		xsp_perm_format(&perm, text);
		xsp_body_string(&call->body, text);
	}
	return 0;
}

static void tell_one(struct call *call, const char *path, const struct mperms *old,
		     const struct mperms *now)
{
	char above[XSP_PATH_BUF];
	const struct mnode *parent = NULL;

	if (path[0] == '@')
		return;
	if (strcmp(path, "/") != 0) {
		mpath_parent(path, above);
		parent = mtree_find(&call->model->tree, above);
	}
	model_tell(call->model, path, old, now, parent ? &parent->perms : NULL);
}

/* Whether a domain that has so many nodes now may have so many then. */
static bool fits(const struct call *call, size_t now, size_t then)
{
	uint32_t max = call->model->domains[call->client->domid].max_nodes;

	return model_is_privileged(call->client) || !max || then <= now || then <= max;
}

/*
 * In a transaction the server says how the quota was judged if the transaction will fail anyway;
 * whether it will is known here.
 */
static int quota_in_txn(const struct call *call, size_t n_new, bool grows)
{
	const struct model *model = call->model;
	size_t now = model_owned(&model->tree, call->client->domid);
	size_t then = mtxn_owned(model, call->txn, call->client->domid) + n_new;

	if (!grows)
		return 0;
	if (mtxn_conflicts(model, call->client, call->txn))
		return call->rq->answer == ENOSPC ? ENOSPC : 0;
	return fits(call, now, then) ? 0 : ENOSPC;
}

static size_t names_below(const struct mtree *tree, const char *path)
{
	size_t n, sum = 0;
	struct mnode **children = mtree_children(tree, path, &n);

	for (size_t i = 0; i < n; i++)
		sum += strlen(name_of(children[i])) + 1;
	free(children);
	return sum;
}

static bool is_too_large(const struct call *call, size_t n_perms, size_t value_len, size_t names)
{
	size_t max = call->model->max_node_size;

	return !model_is_privileged(call->client) && max &&
	       16 + 8 * n_perms + value_len + names > max;
}

/* Creates all that is missing down to the path. */
static int create(struct call *call, const char *path, const struct mwalk *walk, const char *value,
		  size_t len)
{
	struct mnode owner = *walk->owner;
	struct mperms perms = model_current(call->model, &owner.perms);
	size_t end = strlen(walk->missing), n_new = 1;
	uint64_t parent = owner.id;
	const char *name = strrchr(walk->missing, '/') + 1;
	char at[XSP_PATH_BUF];
	int err = 0;

	if (is_too_large(call, owner.perms.n, owner.len,
			 names_below(call->tree, owner.path) + strlen(name) + 1) ||
	    is_too_large(call, perms.n, len, 0))
		return ENOSPC;
	if (!model_is_privileged(call->client))
		perms.list[0].domid = call->client->domid;
	for (const char *rest = path + end; *rest; rest++)
		n_new += *rest == '/';
	if (call->txn) {
		err = quota_in_txn(call, n_new, true);
	} else {
		size_t now = model_owned(call->tree, call->client->domid);

		err = fits(call, now, now + n_new) ? 0 : ENOSPC;
	}
	if (err)
		return err;
	for (;;) {
		bool is_last = path[end] == '\0';
		uint64_t id = ++call->model->last_id;

		memcpy(at, path, end);
		at[end] = '\0';
		if (call->txn) {
			struct mtouched *touched = mtxn_note(call->txn, at, parent, NULL, 0);
			bool was_own = touched->changed != 0;

			touched->is_implicit = !is_last && (!was_own || touched->is_implicit);
			touched->changed = EXISTENCE | VALUE | PERMS;
			touched->exists = true;
			if (is_last)
				call_name(call, touched);
		} else {
			model_log(call->model, at, parent, EXISTENCE | VALUE | PERMS);
		}
		mtree_add(call->tree, id, parent, at, &perms, is_last ? value : "",
			  is_last ? len : 0);
		if (is_last)
			break;
		parent = id;
		end += strcspn(path + end + 1, "/") + 1;
	}
	if (!call->txn)
		tell_one(call, path, NULL, &perms);
	return 0;
}

int call_write(struct call *call)
{
	char path[XSP_PATH_BUF];
	struct mwalk at;
	struct mnode *node;
	int err;

	if (!call_resolve(call, call->args[0], XSP_PATH_NODE, path))
		return EINVAL;
	err = call_walk(call, path, RIGHT_WRITE, 0, &at);
	if (err)
		return err;
	node = at.node;
	if (!node) {
		err = create(call, path, &at, call->tail, call->tail_len);
	} else if (is_too_large(call, node->perms.n, call->tail_len,
				names_below(call->tree, path))) {
		err = ENOSPC;
	} else if (call->txn) {
		err = quota_in_txn(call, 0, call->tail_len > node->len);
		if (!err) {
			struct mtouched *touched = call_note(call, path, node->parent, node, 0);

			touched->changed |= VALUE;
			touched->exists = true;
			touched->is_implicit = false;
		}
	} else if (node->len != call->tail_len || memcmp(node->value, call->tail, node->len) != 0) {
		model_log(call->model, path, node->parent, VALUE);
	}
	if (err)
		return err;
	if (node) {
		mnode_set_value(node, call->tail, call->tail_len);
		if (!call->txn)
			tell_one(call, path, &node->perms, &node->perms);
	}
	xsp_body_string(&call->body, "OK");
	return 0;
}

int call_mkdir(struct call *call)
{
	char path[XSP_PATH_BUF];
	struct mwalk at;
	int err;

	if (!call_resolve(call, call->args[0], XSP_PATH_NODE, path))
		return EINVAL;
	err = call_walk(call, path, RIGHT_WRITE, 0, &at);
	if (!err && !at.node)
		err = create(call, path, &at, "", 0);
	if (!err)
		xsp_body_string(&call->body, "OK");
	return err;
}

/* Removes a node from the committed tree and tells of it. */
void model_remove_node(struct model *model, const char *path)
{
	struct mnode *node = mtree_find(&model->tree, path);
	const struct mnode *parent;
	struct mperms old = node->perms;
	char above[XSP_PATH_BUF], top[XSP_PATH_BUF];

	strcpy(top, path);
	model_tell_below(model, &model->tree, top, true);
	model_log(model, top, node->parent, EXISTENCE | VALUE | PERMS);
	mtree_remove(&model->tree, top);
	mpath_parent(top, above);
	parent = mtree_find(&model->tree, above);
	model_tell(model, top, &old, NULL, parent ? &parent->perms : NULL);
}

int call_rm(struct call *call)
{
	char path[XSP_PATH_BUF], above[XSP_PATH_BUF];
	struct mtouched *touched;
	struct mwalk at;
	int err;

	if (!call_resolve(call, call->args[0], XSP_PATH_NODE, path) || !strcmp(path, "/"))
		return EINVAL;
	err = call_walk(call, path, RIGHT_WRITE, SUBTREE, &at);
	if (err)
		return err;
	if (!at.node) {
		mpath_parent(path, above);
		if (!mtree_find(call->tree, above))
			return ENOENT;
	} else if (call->txn) {
		call_name_parent(call, at.node);
		touched = call_note(call, path, at.node->parent, at.node, 0);
		touched->changed |= EXISTENCE;
		touched->exists = touched->is_implicit = false;
		mtxn_mark_removed(call->txn, path, touched);
		mtree_remove(call->tree, path);
	} else {
		model_remove_node(call->model, path);
	}
	xsp_body_string(&call->body, "OK");
	return 0;
}

static int parse_perms(struct call *call, struct mperms *out)
{
	*out = (struct mperms){ 0 };
	if (!model_is_privileged(call->client) && call->model->max_perms &&
	    call->n_args - 1 > call->model->max_perms)
		return ENOSPC;
	for (size_t i = 1; i < call->n_args; i++) {
		struct xsp_perm perm;

		if (!xsp_perm_parse(call->args[i], &perm))
			return EINVAL;
		out->list[out->n++] = (struct mperm){ perm.domid, perm.rights, false };
	}
	if (!model_learn(call->model, out->list[0].domid))
		return ENOENT;
	for (size_t i = 1; i < out->n; i++) {
		if (out->list[i].domid != XSP_DOMID_ANY)
			out->list[i].is_ignored = !model_learn(call->model, out->list[i].domid);
	}
	out->epoch = call->model->epoch;
	return 0;
}

int call_set_perms(struct call *call)
{
	char path[XSP_PATH_BUF];
	struct mperms perms, old;
	struct mwalk at;
	int err = parse_perms(call, &perms);

	if (err)
		return err;
	if (!call_resolve(call, call->args[0], XSP_PATH_EVENT, path))
		return EINVAL;
	err = call_walk(call, path, RIGHT_WRITE | RIGHT_OWN, 0, &at);
	if (err && !at.node &&
	    model_allows(call->model, call->client, &at.owner->perms, RIGHT_WRITE))
		err = ENOENT;
	if (err)
		return err;
	if (!at.node)
		return ENOENT;
	if (!model_is_privileged(call->client) &&
	    perms.list[0].domid != at.node->perms.list[0].domid)
		return EPERM;
	if (perms.n > at.node->perms.n &&
	    is_too_large(call, perms.n, at.node->len, names_below(call->tree, path)))
		return ENOSPC;
	old = at.node->perms;
	if (call->txn) {
		struct mtouched *touched;

		err = quota_in_txn(call, 0,
				   perms.n > old.n || perms.list[0].domid != old.list[0].domid);
		if (err)
			return err;
		touched = call_note(call, path, at.node->parent, at.node, 0);
		touched->changed |= PERMS;
		touched->exists = true;
		touched->is_implicit = false;
	} else if (!model_same_perms(&old, &perms)) {
		model_log(call->model, path, at.node->parent, PERMS);
	}
	at.node->perms = perms;
	if (!call->txn)
		tell_one(call, path, &old, &perms);
	xsp_body_string(&call->body, "OK");
	return 0;
}
