/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/errname.h"
#include "protocol/payload.h"
#include "protocol/perms.h"
#include "tests/model/model.h"
#include "tests/support/text.h"

/* A request on its way through the model. */
struct call {
	struct model *model;
	struct mrequest *rq;
	struct mclient *client;
	struct mtxn *txn;
	struct mtree *tree; /* what the request sees */
	const char *args[8];
	size_t n_args;
	const char *tail;
	size_t tail_len;
	struct xsp_body body;
	struct mwatch *new_watch;
};

void model_init(struct model *model)
{
	static const struct mperms root = { .n = 1 };
	static const struct mperms release = {
		.list = { { .domid = 0 }, { .domid = XSP_DOMID_ANY, .rights = RIGHT_READ } },
		.n = 2,
	};

	*model = (struct model){ 0 };
	for (size_t i = 0; i < MODEL_DOMIDS; i++)
		model->domains[i].target = MODEL_NOBODY;
	model->domains[0].exists = model->domains[0].is_known = true;
	mtree_add(&model->tree, 1, 0, "/", &root, "", 0);
	mtree_add(&model->tree, 2, 1, "/tool", &root, "", 0);
	mtree_add(&model->tree, 3, 2, "/tool/xenstored", &root, "", 0);
	mtree_add(&model->tree, 4, 0, "@introduceDomain", &root, "", 0);
	mtree_add(&model->tree, 5, 0, "@releaseDomain", &release, "", 0);
	model->last_id = 5;
}

static void forget_queue(struct mclient *client)
{
	for (size_t i = 0; i < client->n_queue; i++)
		free(client->queue[i].bytes);
	client->n_queue = client->sent = 0;
}

/* Watches, transactions and what is on its way are gone. */
static void reset(struct model *model, struct mclient *client)
{
	model_end_txns(model, client);
	model_drop_watches(model, client);
	forget_queue(client);
	client->last_txn = 0;
}

void model_disconnect(struct model *model, struct mclient *client)
{
	reset(model, client);
	free(client->queue);
	inbox_fini(&client->expected);
	*client = (struct mclient){ 0 };
}

void model_fini(struct model *model)
{
	for (size_t i = 0; i < MODEL_CLIENTS_MAX; i++)
		model_disconnect(model, &model->clients[i]);
	mtree_fini(&model->tree);
	free(model->log);
}

struct mclient *model_connect(struct model *model)
{
	for (size_t i = 0; i < MODEL_CLIENTS_MAX; i++) {
		struct mclient *client = &model->clients[i];

		if (client->is_used)
			continue;
		*client =
			(struct mclient){ .is_used = true, .is_socket = true, .is_reading = true };
		return client;
	}
	return NULL;
}

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

static bool resolve(struct call *call, const char *text, enum xsp_path_kind kind, char *out)
{
	char base[XSP_PATH_BASE_MAX];

	size_t len;

	xsp_path_base(base, call->client->domid);
	len = xsp_path_resolve(text, base, kind, out);
	return len > 0 && (model_is_privileged(call->client) ||
			   xsp_path_quota_len(out, len) <= XSP_PATH_REL_MAX);
}

static struct mtouched *note(struct call *call, const char *path, uint64_t parent,
			     const struct mnode *node, unsigned seen)
{
	return call->txn ? mtxn_note(call->txn, path, parent, node, seen | EXISTENCE) : NULL;
}

static void call_name(struct call *call, struct mtouched *touched)
{
	if (touched)
		mtxn_name(call->txn, touched);
}

/* Where a walk to a path ended. */
struct mwalk {
	struct mnode *node;         /* at the path, or NULL */
	struct mnode *owner;        /* the same, or what is nearest above */
	char missing[XSP_PATH_BUF]; /* the first that is not there */
};

/* What is missing has been asked for, and all above it, up to the first that is there. */
static void name_missing(struct call *call, const char *path, const struct mwalk *walk)
{
	const struct mnode *owner = walk->owner;
	char at[XSP_PATH_BUF];

	if (!call->txn)
		return;
	for (strcpy(at, path); strcmp(at, walk->missing) != 0; *strrchr(at, '/') = '\0')
		mtxn_name_vain(call->txn, at);
	mtxn_name(call->txn, note(call, at, path[0] == '@' ? 0 : owner->id, NULL, 0));
	mtxn_name(call->txn, note(call, owner->path, owner->parent, owner, 0));
}

/* Whoever removes a node, or is refused it, has asked for its parent, too. */
static void name_parent(struct call *call, const struct mnode *node)
{
	const struct mnode *parent;
	char above[XSP_PATH_BUF];

	if (!call->txn || node->path[0] == '@' || !node->path[1])
		return;
	mpath_parent(node->path, above);
	parent = mtree_find(call->tree, above);
	mtxn_name(call->txn, note(call, above, parent->parent, parent, 0));
}

static void walk_special(struct call *call, const char *path, unsigned seen, struct mwalk *walk)
{
	struct mnode *node = mtree_find(call->tree, path);
	char above[XSP_PATH_BUF];
	size_t len = strcspn(path, "/");

	walk->node = walk->owner = node;
	call_name(call, note(call, path, 0, node, seen));
	if (!node && path[len]) {
		memcpy(above, path, len);
		above[len] = '\0';
		walk->owner = mtree_find(call->tree, above);
		note(call, above, 0, walk->owner, 0);
	}
	if (!walk->owner) {
		walk->owner = mtree_find(call->tree, "/");
		note(call, "/", 0, walk->owner, 0);
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
	touched = note(call, "/", 0, walk->owner, path[1] ? 0 : seen);
	if (!path[1])
		call_name(call, touched);
	while (path[len]) {
		struct mnode *node;

		len += strcspn(path + len + (len > 1), "/") + (len > 1);
		memcpy(at, path, len);
		at[len] = '\0';
		node = mtree_find(call->tree, at);
		touched = note(call, at, walk->owner->id, node, path[len] ? 0 : seen);
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
static int walk_for(struct call *call, const char *path, unsigned rights, unsigned seen,
		    struct mwalk *out)
{
	struct mtouched *touched;

	walk(call, path, seen, out);
	if (model_is_privileged(call->client))
		return 0;
	if (!model_allows(call->model, call->client, &out->owner->perms, rights)) {
		note(call, out->owner->path, out->owner->parent, out->owner, PERMS);
		if (out->node)
			name_parent(call, out->node);
		return EACCES;
	}
	if (call->txn) {
		touched = note(call, out->owner->path, out->owner->parent, out->owner, 0);
		if (!(touched->changed & (EXISTENCE | PERMS)))
			touched->rights |= rights;
	}
	return 0;
}

static int read_path(struct call *call, unsigned seen, enum xsp_path_kind kind, struct mwalk *out)
{
	char path[XSP_PATH_BUF];
	int err;

	if (!resolve(call, call->args[0], kind, path))
		return EINVAL;
	err = walk_for(call, path, RIGHT_READ, seen, out);
	return err || out->node ? err : ENOENT;
}

static int do_read(struct call *call)
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

static int do_directory(struct call *call)
{
	struct mnode **children;
	struct mwalk walk;
	size_t n;
	int err = read_path(call, 0, XSP_PATH_NODE, &walk);

	if (err)
		return err;
	note(call, walk.node->path, walk.node->parent, walk.node, CHILDREN);
	children = mtree_children(call->tree, walk.node->path, &n);
	for (size_t i = 0; i < n; i++)
		xsp_body_string(&call->body, name_of(children[i]));
	free(children);
	return 0;
}

static int do_directory_part(struct call *call)
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
	note(call, walk.node->path, walk.node->parent, walk.node, CHILDREN);
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

static int do_get_perms(struct call *call)
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

static int do_write(struct call *call)
{
	char path[XSP_PATH_BUF];
	struct mwalk at;
	struct mnode *node;
	int err;

	if (!resolve(call, call->args[0], XSP_PATH_NODE, path))
		return EINVAL;
	err = walk_for(call, path, RIGHT_WRITE, 0, &at);
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
			struct mtouched *touched = note(call, path, node->parent, node, 0);

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

static int do_mkdir(struct call *call)
{
	char path[XSP_PATH_BUF];
	struct mwalk at;
	int err;

	if (!resolve(call, call->args[0], XSP_PATH_NODE, path))
		return EINVAL;
	err = walk_for(call, path, RIGHT_WRITE, 0, &at);
	if (!err && !at.node)
		err = create(call, path, &at, "", 0);
	if (!err)
		xsp_body_string(&call->body, "OK");
	return err;
}

/* Removes a node from the committed tree and tells of it. */
static void remove_node(struct model *model, const char *path)
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

static int do_rm(struct call *call)
{
	char path[XSP_PATH_BUF], above[XSP_PATH_BUF];
	struct mtouched *touched;
	struct mwalk at;
	int err;

	if (!resolve(call, call->args[0], XSP_PATH_NODE, path) || !strcmp(path, "/"))
		return EINVAL;
	err = walk_for(call, path, RIGHT_WRITE, SUBTREE, &at);
	if (err)
		return err;
	if (!at.node) {
		mpath_parent(path, above);
		if (!mtree_find(call->tree, above))
			return ENOENT;
	} else if (call->txn) {
		name_parent(call, at.node);
		touched = note(call, path, at.node->parent, at.node, 0);
		touched->changed |= EXISTENCE;
		touched->exists = touched->is_implicit = false;
		mtxn_mark_removed(call->txn, path, touched);
		mtree_remove(call->tree, path);
	} else {
		remove_node(call->model, path);
	}
	xsp_body_string(&call->body, "OK");
	return 0;
}

/* A domain that exists becomes known when it is named. */
static bool learn(struct model *model, unsigned domid)
{
	struct mdomain *domain;

	if (domid >= MODEL_DOMIDS)
		return false;
	domain = &model->domains[domid];
	if (!domain->exists)
		return false;
	if (!domain->is_known && domid != MODEL_PRIVILEGED) {
		domain->max_nodes = model->max_nodes;
		domain->max_watches = model->max_watches;
		domain->max_txns = model->max_txns;
	}
	domain->is_known = true;
	return true;
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
	if (!learn(call->model, out->list[0].domid))
		return ENOENT;
	for (size_t i = 1; i < out->n; i++) {
		if (out->list[i].domid != XSP_DOMID_ANY)
			out->list[i].is_ignored = !learn(call->model, out->list[i].domid);
	}
	out->epoch = call->model->epoch;
	return 0;
}

static int do_set_perms(struct call *call)
{
	char path[XSP_PATH_BUF];
	struct mperms perms, old;
	struct mwalk at;
	int err = parse_perms(call, &perms);

	if (err)
		return err;
	if (!resolve(call, call->args[0], XSP_PATH_EVENT, path))
		return EINVAL;
	err = walk_for(call, path, RIGHT_WRITE | RIGHT_OWN, 0, &at);
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
		touched = note(call, path, at.node->parent, at.node, 0);
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

static struct mwatch *find_watch(const struct call *call, const char *path)
{
	for (size_t i = 0; i < call->model->n_watches; i++) {
		struct mwatch *watch = &call->model->watches[i];

		if (watch->client == call->client && !strcmp(watch->path, path) &&
		    !strcmp(watch->token, call->args[1]))
			return watch;
	}
	return NULL;
}

static int do_watch(struct call *call)
{
	struct model *model = call->model;
	uint32_t depth, max = model->domains[call->client->domid].max_watches;
	size_t n = 0;
	char path[XSP_PATH_BUF], base[XSP_PATH_BASE_MAX];
	struct mwatch *watch;

	if (!resolve(call, call->args[0], XSP_PATH_EVENT, path))
		return EINVAL;
	if (call->n_args == 3 && !xsp_parse_u32(call->args[2], INT32_MAX, &depth))
		return EINVAL;
	if (find_watch(call, path))
		return EEXIST;
	for (size_t i = 0; i < model->n_watches; i++)
		n += model->watches[i].client == call->client;
	if (!model_is_privileged(call->client) && max && n >= max)
		return ENOSPC;
	watch = &model->watches[model->n_watches++];
	*watch = (struct mwatch){
		.client = call->client,
		.path = strdup(path),
		.token = strdup(call->args[1]),
		.depth = call->n_args == 3 ? (int)depth : -1,
	};
	if (call->args[0][0] != '/' && call->args[0][0] != '@')
		watch->cut = xsp_path_base(base, call->client->domid) + 1;
	call->new_watch = watch;
	xsp_body_string(&call->body, "OK");
	return 0;
}

static int do_unwatch(struct call *call)
{
	struct model *model = call->model;
	char path[XSP_PATH_BUF];
	struct mwatch *watch;

	if (!resolve(call, call->args[0], XSP_PATH_EVENT, path))
		return EINVAL;
	watch = find_watch(call, path);
	if (!watch)
		return ENOENT;
	mwatch_fini(watch);
	model->n_watches--;
	memmove(watch, watch + 1,
		(size_t)(&model->watches[model->n_watches] - watch) * sizeof(*watch));
	xsp_body_string(&call->body, "OK");
	return 0;
}

static int do_reset_watches(struct call *call)
{
	model_end_txns(call->model, call->client);
	model_drop_watches(call->model, call->client);
	xsp_body_string(&call->body, "OK");
	return 0;
}

static int do_start(struct call *call)
{
	uint32_t max = call->model->domains[call->client->domid].max_txns;

	if (call->txn)
		return EBUSY;
	if (!model_is_privileged(call->client) && max && call->client->n_txns >= max)
		return ENOSPC;
	xsp_body_text(&call->body, "%u", mtxn_start(call->model, call->client)->id);
	xsp_body_bytes(&call->body, "", 1);
	return 0;
}

static int do_end(struct call *call)
{
	bool is_commit = !strcmp(call->args[0], "T");
	int err = 0;

	if (!is_commit && strcmp(call->args[0], "F") != 0)
		return EINVAL;
	if (!call->txn)
		return ENOENT;
	if (is_commit)
		err = mtxn_commit(call->model, call->rq, call->txn);
	mtxn_end(call->model, call->client, call->txn);
	if (!err)
		xsp_body_string(&call->body, "OK");
	return err;
}

static struct mdomain *guest_of(struct call *call, size_t arg, uint16_t *out_domid)
{
	if (!xsp_parse_domid(call->args[arg], out_domid) || *out_domid == 0 ||
	    *out_domid >= MODEL_DOMIDS)
		return NULL;
	return &call->model->domains[*out_domid];
}

static int do_introduce(struct call *call)
{
	struct model *model = call->model;
	struct mdomain *domain;
	uint32_t port;
	uint16_t domid;

	domain = guest_of(call, 0, &domid);
	if (!domain || !xsp_parse_u32(call->args[2], UINT32_MAX, &port) || port == 0)
		return EINVAL;
	if (domain->is_introduced) {
		reset(model, domain->client);
		domain->client->unread = 0;
	} else {
		if (!learn(model, domid))
			return EINVAL;
		domain->client = model_connect(model);
		domain->client->is_socket = false;
		domain->client->domid = domid;
		domain->is_introduced = true;
		domain->is_reported_shut_down = false;
		model_tell_special(model, "@introduceDomain", domid, TELL_PLAIN | TELL_DOMAIN);
	}
	xsp_body_string(&call->body, "OK");
	return 0;
}

static int do_release(struct call *call)
{
	uint16_t domid;
	struct mdomain *domain = guest_of(call, 0, &domid);

	if (!domain)
		return EINVAL;
	if (!domain->is_introduced)
		return ENOENT;
	model_domain_gone(call->model, domid);
	xsp_body_string(&call->body, "OK");
	return 0;
}

static int do_resume(struct call *call)
{
	uint16_t domid;
	struct mdomain *domain = guest_of(call, 0, &domid);

	if (!domain)
		return EINVAL;
	if (!domain->is_introduced)
		return ENOENT;
	if (domain->is_reported_shut_down)
		model_tell_special(call->model, "@introduceDomain", domid,
				   TELL_PLAIN | TELL_DOMAIN);
	domain->is_reported_shut_down = false;
	xsp_body_string(&call->body, "OK");
	return 0;
}

static int do_set_target(struct call *call)
{
	uint16_t domid, target_domid;
	struct mdomain *domain = guest_of(call, 0, &domid);
	struct mdomain *target = guest_of(call, 1, &target_domid);

	if (!domain || !target || !domain->is_introduced || !target->is_introduced)
		return ENOENT;
	domain->target = target_domid;
	xsp_body_string(&call->body, "OK");
	return 0;
}

static int do_is_introduced(struct call *call)
{
	uint16_t domid;
	struct mdomain *domain;

	if (!xsp_parse_domid(call->args[0], &domid))
		return EINVAL;
	domain = guest_of(call, 0, &domid);
	xsp_body_string(&call->body, domid == 0 || (domain && domain->is_introduced) ? "T" : "F");
	return 0;
}

/* SET_QUOTA <domid>|nodes|<value>| and the like. */
static int do_set_quota(struct call *call)
{
	uint16_t domid;
	uint32_t value;
	struct mdomain *domain;

	if (!xsp_parse_domid(call->args[0], &domid))
		return EINVAL;
	if (!learn(call->model, domid))
		return ENOENT;
	domain = &call->model->domains[domid];
	if (!xsp_parse_u32(call->args[2], UINT32_MAX - 1, &value))
		return EINVAL;
	if (!strcmp(call->args[1], "nodes"))
		domain->max_nodes = value;
	else if (!strcmp(call->args[1], "watches"))
		domain->max_watches = value;
	else if (!strcmp(call->args[1], "transactions"))
		domain->max_txns = value;
	else
		return EINVAL;
	xsp_body_string(&call->body, "OK");
	return 0;
}

struct model_op {
	int (*run)(struct call *call);
	bool is_privileged, is_outside; /* outside: the transaction id is not looked at */
	size_t min, max;
	bool has_tail;
};

static const struct model_op model_ops[XSP_TYPE_COUNT] = {
	[XSP_DIRECTORY] = { do_directory, false, false, 1, 1, false },
	[XSP_READ] = { do_read, false, false, 1, 1, false },
	[XSP_GET_PERMS] = { do_get_perms, false, false, 1, 1, false },
	[XSP_WATCH] = { do_watch, false, true, 2, 3, false },
	[XSP_UNWATCH] = { do_unwatch, false, true, 2, 2, false },
	[XSP_TRANSACTION_START] = { do_start, false, false, 0, 0, true },
	[XSP_TRANSACTION_END] = { do_end, false, false, 1, 1, false },
	[XSP_INTRODUCE] = { do_introduce, true, false, 3, 3, false },
	[XSP_RELEASE] = { do_release, true, false, 1, 1, false },
	[XSP_WRITE] = { do_write, false, false, 1, 1, true },
	[XSP_MKDIR] = { do_mkdir, false, false, 1, 1, false },
	[XSP_RM] = { do_rm, false, false, 1, 1, false },
	[XSP_SET_PERMS] = { do_set_perms, false, false, 2, 8, false },
	[XSP_IS_DOMAIN_INTRODUCED] = { do_is_introduced, true, false, 1, 1, false },
	[XSP_RESUME] = { do_resume, true, false, 1, 1, false },
	[XSP_SET_TARGET] = { do_set_target, true, false, 2, 2, false },
	[XSP_RESET_WATCHES] = { do_reset_watches, false, false, 0, 0, true },
	[XSP_DIRECTORY_PART] = { do_directory_part, false, false, 2, 2, false },
	[XSP_SET_QUOTA] = { do_set_quota, true, false, 3, 3, false },
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

static int compare_paths(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

void model_domain_gone(struct model *model, unsigned domid)
{
	struct mdomain *domain = &model->domains[domid];
	bool was_introduced = domain->is_introduced;
	char **paths = text_alloc((model->tree.n + 1) * sizeof(char *));
	size_t n = 0;

	if (domain->client) {
		model_end_txns(model, domain->client);
		model_drop_watches(model, domain->client);
	}
	for (size_t i = 0; i < model->tree.n; i++) {
		if (model->tree.nodes[i].perms.list[0].domid == domid)
			paths[n++] = strdup(model->tree.nodes[i].path);
	}
	qsort(paths, n, sizeof(char *), compare_paths);
	for (size_t i = 0; i < n; i++) {
		struct mnode *node = mtree_find(&model->tree, paths[i]);

		if (node && (paths[i][0] == '@' || !strcmp(paths[i], "/"))) {
			struct mperms old = node->perms, now = model_current(model, &old);

			now.list[0].domid = MODEL_PRIVILEGED;
			node->perms = now;
			model_log(model, paths[i], node->parent, PERMS);
			if (paths[i][0] != '@')
				model_tell(model, paths[i], &old, &now, NULL);
		} else if (node) {
			remove_node(model, paths[i]);
		}
		free(paths[i]);
	}
	free(paths);
	model->removed[domid] = ++model->epoch;
	for (size_t i = 0; i < MODEL_DOMIDS; i++) {
		if (model->domains[i].target == domid)
			model->domains[i].target = MODEL_NOBODY;
	}
	domain->is_known = domain->is_introduced = domain->is_reported_shut_down = false;
	domain->target = MODEL_NOBODY;
	if (was_introduced) {
		model_tell_special(model, "@releaseDomain", domid, TELL_PLAIN);
		model_tell_special(model, "@releaseDomain", domid, TELL_DOMAIN);
	}
	if (domain->client)
		model_disconnect(model, domain->client);
	domain->client = NULL;
}

void model_domain_shut_down(struct model *model, unsigned domid)
{
	struct mdomain *domain = &model->domains[domid];

	if (!domain->is_introduced || domain->is_reported_shut_down)
		return;
	domain->is_reported_shut_down = true;
	model_tell_special(model, "@releaseDomain", domid, TELL_DOMAIN);
	model_tell_special(model, "@releaseDomain", domid, TELL_PLAIN);
}
