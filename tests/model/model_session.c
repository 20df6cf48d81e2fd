/* SPDX-License-Identifier: MIT */
/*
 * Requests for what a client has: watches and transactions.
 */
#include <errno.h>
#include <string.h>

#include "tests/model/model_call.h"

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

int call_watch(struct call *call)
{
	struct model *model = call->model;
	uint32_t depth, max = model->domains[call->client->domid].max_watches;
	size_t n = 0;
	char path[XSP_PATH_BUF], base[XSP_PATH_BASE_MAX];
	struct mwatch *watch;

	if (!call_resolve(call, call->args[0], XSP_PATH_EVENT, path))
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

int call_unwatch(struct call *call)
{
	struct model *model = call->model;
	char path[XSP_PATH_BUF];
	struct mwatch *watch;

	if (!call_resolve(call, call->args[0], XSP_PATH_EVENT, path))
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

int call_reset_watches(struct call *call)
{
	model_end_txns(call->model, call->client);
	model_drop_watches(call->model, call->client);
	xsp_body_string(&call->body, "OK");
	return 0;
}

int call_start(struct call *call)
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

int call_end(struct call *call)
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
