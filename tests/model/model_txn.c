/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model/model.h"
#include "tests/support/text.h"

static char *copy_string(const char *string)
{
	size_t size = strlen(string) + 1;
	char *copy = text_alloc(size);

	memcpy(copy, string, size);
	return copy;
}

struct mtxn *mtxn_find(struct mclient *client, uint32_t id)
{
	for (size_t i = 0; i < client->n_txns; i++) {
		if (client->txns[i].id == id)
			return &client->txns[i];
	}
	return NULL;
}

struct mtxn *mtxn_start(struct model *model, struct mclient *client)
{
	struct mtxn *txn = &client->txns[client->n_txns++];

	*txn = (struct mtxn){ .id = ++client->last_txn, .start = ++model->last_number };
	mtree_copy(&txn->view, &model->tree);
	return txn;
}

static void fini(struct mtxn *txn)
{
	mtree_fini(&txn->view);
	for (size_t i = 0; i < txn->n_touched; i++)
		free(txn->touched[i].path);
	free(txn->touched);
	for (size_t i = 0; i < txn->n_vain; i++)
		free(txn->vain[i].path);
	free(txn->vain);
}

static bool is_any_open(const struct model *model)
{
	for (size_t i = 0; i < MODEL_CLIENTS_MAX; i++) {
		if (model->clients[i].n_txns)
			return true;
	}
	return false;
}

void mtxn_end(struct model *model, struct mclient *client, struct mtxn *txn)
{
	fini(txn);
	client->n_txns--;
	memmove(txn, txn + 1, (size_t)(&client->txns[client->n_txns] - txn) * sizeof(struct mtxn));
	if (is_any_open(model))
		return;
	while (model->n_log)
		free(model->log[--model->n_log].path);
}

void model_end_txns(struct model *model, struct mclient *client)
{
	while (client->n_txns)
		mtxn_end(model, client, &client->txns[0]);
}

void model_log(struct model *model, const char *path, uint64_t parent, unsigned aspects)
{
	if (!aspects || !is_any_open(model))
		return;
	if (model->n_log == model->log_size) {
		model->log_size = model->log_size ? model->log_size * 2 : 64;
		model->log = text_grow(model->log, model->log_size * sizeof(*model->log));
	}
	model->log[model->n_log++] = (struct mchange){
		.number = ++model->last_number,
		.parent = parent,
		.path = copy_string(path),
		.aspects = aspects,
	};
}

/* What of it somebody else may have changed: not what the transaction has replaced itself. */
static unsigned of_others(const struct mtouched *touched, unsigned seen)
{
	if (touched->changed & EXISTENCE)
		return seen & ~(unsigned)(EXISTENCE | VALUE | PERMS | CHILDREN);
	return seen & ~touched->changed;
}

struct mtouched *mtxn_note(struct mtxn *txn, const char *path, uint64_t parent,
			   const struct mnode *node, unsigned seen)
{
	struct mtouched *touched = NULL;

	for (size_t i = 0; i < txn->n_touched && !touched; i++) {
		if (txn->touched[i].parent == parent && !strcmp(txn->touched[i].path, path))
			touched = &txn->touched[i];
	}
	if (!touched) {
		txn->touched =
			text_grow(txn->touched, (txn->n_touched + 1) * sizeof(*txn->touched));
		touched = &txn->touched[txn->n_touched++];
		*touched = (struct mtouched){
			.parent = parent,
			.path = copy_string(path),
			.existed = node != NULL,
		};
		if (node) {
			touched->old_id = node->id;
			touched->old_perms = node->perms;
		}
		for (size_t i = 0; i < txn->n_vain; i++) {
			if (!strcmp(txn->vain[i].path, path))
				touched->named = txn->vain[i].named;
		}
	}
	touched->seen |= of_others(touched, seen);
	return touched;
}

void mtxn_name(struct mtxn *txn, struct mtouched *touched)
{
	if (!touched->named)
		touched->named = ++txn->n_named;
}

void mtxn_name_vain(struct mtxn *txn, const char *path)
{
	for (size_t i = 0; i < txn->n_vain; i++) {
		if (!strcmp(txn->vain[i].path, path))
			return;
	}
	txn->vain = text_grow(txn->vain, (txn->n_vain + 1) * sizeof(*txn->vain));
	txn->vain[txn->n_vain++] = (struct mvain){ ++txn->n_named, copy_string(path) };
}

void mtxn_mark_removed(struct mtxn *txn, const char *path, const struct mtouched *removed)
{
	for (size_t i = 0; i < txn->n_touched; i++) {
		if (&txn->touched[i] != removed && mpath_is_below(path, txn->touched[i].path))
			txn->touched[i].is_detached = true;
	}
}

static bool is_effective(const struct mtouched *touched)
{
	return touched->changed && !touched->is_detached && (touched->existed || touched->exists);
}

static bool is_beaten(const struct model *model, const struct mclient *client,
		      const struct mtxn *txn, const struct mtouched *touched)
{
	unsigned seen = touched->seen | (touched->changed ? EXISTENCE : 0);
	const struct mnode *now = mtree_find(&model->tree, touched->path);

	for (size_t i = 0; i < model->n_log; i++) {
		const struct mchange *change = &model->log[i];
		bool is_same =
			change->parent == touched->parent && !strcmp(change->path, touched->path);

		if (change->number <= txn->start)
			continue;
		if (is_same && (change->aspects & seen))
			return true;
		if (is_same && (change->aspects & PERMS) && touched->rights &&
		    !(now && model_allows(model, client, &now->perms, touched->rights)))
			return true;
		if ((seen & CHILDREN) && touched->existed && change->parent == touched->old_id &&
		    (change->aspects & EXISTENCE))
			return true;
		if ((seen & SUBTREE) && (!strcmp(change->path, touched->path) ||
					 mpath_is_below(touched->path, change->path)))
			return true;
	}
	return false;
}

/* What it leaves behind must belong to somebody who is still there. */
static bool is_orphaned(const struct model *model, const struct mtxn *txn,
			const struct mtouched *touched)
{
	const struct mnode *node = mtree_find(&txn->view, touched->path);
	uint16_t owner;

	if (!is_effective(touched) || !touched->exists || !node ||
	    !(touched->changed & (EXISTENCE | PERMS)))
		return false;
	owner = node->perms.list[0].domid;
	return owner < MODEL_DOMIDS && model->removed[owner] > node->perms.epoch;
}

bool mtxn_conflicts(const struct model *model, const struct mclient *client, const struct mtxn *txn)
{
	for (size_t i = 0; i < txn->n_touched; i++) {
		if (is_beaten(model, client, txn, &txn->touched[i]) ||
		    is_orphaned(model, txn, &txn->touched[i]))
			return true;
	}
	return false;
}

static bool has_changes(const struct mtxn *txn)
{
	for (size_t i = 0; i < txn->n_touched; i++) {
		if (txn->touched[i].changed)
			return true;
	}
	return false;
}

/* Makes one node's changes in a tree; says which aspects really changed, and what was there. */
static unsigned apply(struct mtree *tree, const struct mtxn *txn, const struct mtouched *touched)
{
	const struct mnode *mine = mtree_find(&txn->view, touched->path);
	struct mnode *node = mtree_find(tree, touched->path);
	unsigned aspects = 0;

	if (touched->changed & EXISTENCE) {
		if (node)
			mtree_remove(tree, touched->path);
		if (touched->exists)
			mtree_add(tree, mine->id, mine->parent, mine->path, &mine->perms,
				  mine->value, mine->len);
		return EXISTENCE | VALUE | PERMS;
	}
	if (!node)
		return 0;
	if (touched->changed & VALUE) {
		if (node->len != mine->len || memcmp(node->value, mine->value, mine->len) != 0)
			aspects |= VALUE;
		mnode_set_value(node, mine->value, mine->len);
	}
	if (touched->changed & PERMS) {
		if (!model_same_perms(&node->perms, &mine->perms))
			aspects |= PERMS;
		node->perms = mine->perms;
	}
	return aspects;
}

size_t mtxn_owned(const struct model *model, const struct mtxn *txn, uint16_t domid)
{
	struct mtree tree;
	size_t n;

	mtree_copy(&tree, &model->tree);
	for (size_t i = 0; i < txn->n_touched; i++) {
		if (is_effective(&txn->touched[i]))
			apply(&tree, txn, &txn->touched[i]);
	}
	n = model_owned(&tree, domid);
	mtree_fini(&tree);
	return n;
}

static void tell(struct model *model, const struct mtree *before, const struct mtouched *touched)
{
	bool is_there = touched->exists && !touched->is_detached;
	const struct mnode *now = mtree_find(&model->tree, touched->path), *parent;
	char parent_path[XSP_PATH_BUF];

	if (!touched->changed || touched->is_implicit || touched->path[0] == '@' ||
	    (!touched->existed && !is_there))
		return;
	mpath_parent(touched->path, parent_path);
	parent = strcmp(touched->path, "/") ? mtree_find(&model->tree, parent_path) : NULL;
	model_tell(model, touched->path, touched->existed ? &touched->old_perms : NULL,
		   is_there && now ? &now->perms : NULL, parent ? &parent->perms : NULL);
	if (touched->existed && (touched->changed & EXISTENCE) && !touched->is_detached)
		model_tell_below(model, before, touched->path, false);
}

int mtxn_commit(struct model *model, struct mrequest *rq, struct mtxn *txn)
{
	struct mclient *client = rq->client;
	uint16_t domid = client->domid;
	struct mtree before;

	if (!has_changes(txn))
		return 0;
	if (mtxn_conflicts(model, client, txn))
		return EAGAIN;
	if (!model_is_privileged(client)) {
		size_t owned = mtxn_owned(model, txn, domid);
		uint32_t max = model->domains[domid].max_nodes;

		if (max && owned > max && owned > model_owned(&model->tree, domid))
			return ENOSPC;
	}
	mtree_copy(&before, &model->tree);
	for (size_t i = 0; i < txn->n_touched; i++) {
		const struct mtouched *touched = &txn->touched[i];

		if (is_effective(touched))
			model_log(model, touched->path, touched->parent,
				  apply(&model->tree, txn, touched));
	}
	for (unsigned named = 0; named <= txn->n_named; named++) {
		for (size_t i = 0; i < txn->n_touched; i++) {
			if (txn->touched[i].named == named)
				tell(model, &before, &txn->touched[i]);
		}
	}
	mtree_fini(&before);
	return 0;
}
