/* SPDX-License-Identifier: MIT */
/*
 * Domains: requests for them, and their end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model/model_call.h"
#include "tests/support/text.h"

/* A domain that exists becomes known when it is named. */
bool model_learn(struct model *model, unsigned domid)
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

static struct mdomain *guest_of(struct call *call, size_t arg, uint16_t *out_domid)
{
	if (!xsp_parse_domid(call->args[arg], out_domid) || *out_domid == 0 ||
	    *out_domid >= MODEL_DOMIDS)
		return NULL;
	return &call->model->domains[*out_domid];
}

int call_introduce(struct call *call)
{
	struct model *model = call->model;
	struct mdomain *domain;
	uint32_t port;
	uint16_t domid;

	domain = guest_of(call, 0, &domid);
	if (!domain || !xsp_parse_u32(call->args[2], UINT32_MAX, &port) || port == 0)
		return EINVAL;
	if (domain->is_introduced) {
		model_reset(model, domain->client);
		domain->client->unread = 0;
	} else {
		if (!model_learn(model, domid))
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

int call_release(struct call *call)
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

int call_resume(struct call *call)
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

int call_set_target(struct call *call)
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

int call_is_introduced(struct call *call)
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
int call_set_quota(struct call *call)
{
	uint16_t domid;
	uint32_t value;
	struct mdomain *domain;

	if (!xsp_parse_domid(call->args[0], &domid))
		return EINVAL;
	if (!model_learn(call->model, domid))
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
			model_remove_node(model, paths[i]);
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
