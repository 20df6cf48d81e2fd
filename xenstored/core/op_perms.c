/* SPDX-License-Identifier: MIT */
/*
 * Operations on permission lists: GET_PERMS, SET_PERMS.
 */
#include <errno.h>

#include "protocol/perms.h"
#include "xenstored/base/arena.h"
#include "xenstored/core/introduction.h"
#include "xenstored/core/client.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/op.h"
#include "xenstored/core/request.h"
#include "xenstored/core/state.h"
#include "xenstored/store/edit.h"
#include "xenstored/store/listing.h"
#include "xenstored/store/node.h"

/* GET_PERMS <path>|  ->  <perm>|+ */
int op_get_perms(struct request *rq)
{
	char text[XSP_PERM_TEXT_MAX];
	struct request_path path;
	struct node perms;
	struct walk walk;
	int err = request_path(rq, 0, XSP_PATH_EVENT, &path);

	if (!err)
		err = request_node(rq, &path, ACCESS_READ, SEEN_PERMS, &walk);
	if (!err)
		err = access_current_perms(rq->actor.domains, rq->arena, &walk.node, &perms);
	if (err)
		return err;
	for (uint32_t i = 0; i < perms.n_perms; i++) {
		struct xsp_perm perm = node_perm(&perms, i);

		xsp_body_bytes(rq->body, text, xsp_perm_format(&perm, text));
		xsp_body_bytes(rq->body, "", 1);
	}
	return 0;
}

/* An entry for a domain that does not exist now is kept, but will never grant anything. */
static int judge(struct request *rq, struct xsp_perm *perm)
{
	struct domain *domain;
	int err;

	if (perm->domid == XSP_DOMID_ANY) {
		if (!(request_features(rq) & XSP_FEATURE_DOMID_ANY))
			perm->flags |= NODE_PERM_IGNORED;
		return 0;
	}
	err = introduction_name(rq->server, perm->domid, &domain);
	if (err == ENOENT) {
		perm->flags |= NODE_PERM_IGNORED;
		err = 0;
	}
	return err;
}

/* Reads the entries of the request to a list in the arena. */
static int parse_perms(struct request *rq, struct node *out_model)
{
	size_t n_perms = rq->n_strings - 1;
	const char *cursor = rq->payload, *end = rq->payload + rq->header.len;
	struct domain *owner;
	struct xsp_perm perm;
	uint8_t *perms;
	int err = 0;

	if (ledger_exceeds(request_ledger(rq), QUOTA_NODE_PERMISSIONS, n_perms))
		return ENOSPC;
	perms = arena_alloc(rq->arena, n_perms * NODE_PERM_SIZE);
	if (!perms)
		return -ENOMEM;
	xsp_next_string(&cursor, end);
	for (size_t i = 0; i < n_perms; i++) {
		if (!xsp_perm_parse(xsp_next_string(&cursor, end), &perm))
			return EINVAL;
		node_perm_put(perms + i * NODE_PERM_SIZE, perm);
	}
	*out_model = (struct node){ .perms = perms, .n_perms = (uint32_t)n_perms };
	err = introduction_name(rq->server, node_owner(out_model), &owner);
	for (size_t i = 1; i < n_perms && !err; i++) {
		perm = node_perm(out_model, i);
		err = judge(rq, &perm);
		node_perm_put(perms + i * NODE_PERM_SIZE, perm);
	}
	/* Making a domain's acquaintance may have ended the one before it. */
	out_model->epoch = rq->actor.domains->epoch;
	return err;
}

static int add_name_len(void *arg, const char *name, size_t len)
{
	uint64_t *sum = arg;

	(void)name;
	*sum += len + 1;
	return 0;
}

static int check_size(struct request *rq, const struct walk *walk, size_t n_perms)
{
	uint64_t sum = 0;
	int err;

	if (!request_ledger(rq)->is_limited || n_perms <= walk->node.n_perms)
		return 0;
	err = listing_scan(&rq->view, rq->arena, &walk->spot, walk->node.id, 0, NULL, 0,
			   add_name_len, &sum);
	if (!err && ledger_exceeds(request_ledger(rq), QUOTA_NODE_SIZE,
				   node_size(n_perms, walk->node.value_len, sum)))
		err = ENOSPC;
	return err;
}

/* SET_PERMS <path>|<perm>|+  ->  OK| */
int op_set_perms(struct request *rq)
{
	struct request_path *path = arena_alloc(rq->arena, sizeof(*path));
	struct node model;
	struct walk walk;
	int err = path ? parse_perms(rq, &model) : -ENOMEM;

	if (!err)
		err = request_path(rq, 0, XSP_PATH_EVENT, path);
	if (!err)
		err = request_walk(rq, path, ACCESS_WRITE | ACCESS_OWN, 0, &walk);
	/* Whether a missing node is owned cannot be asked: what its ancestor lets know decides. */
	if (err == EACCES && !walk.exists && access_allows(&rq->actor, &walk.node, ACCESS_WRITE))
		err = ENOENT;
	if (!err && !walk.exists)
		err = ENOENT;
	if (!err && !rq->actor.is_privileged && node_owner(&model) != node_owner(&walk.node))
		err = EPERM;
	if (!err)
		err = check_size(rq, &walk, model.n_perms);
	if (!err)
		err = edit_perms(&rq->view, &walk, &model);
	if (!err)
		xsp_body_string(rq->body, "OK");
	return err;
}
