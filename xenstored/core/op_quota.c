/* SPDX-License-Identifier: MIT */
/*
 * Operations on quotas: GET_QUOTA, SET_QUOTA.
 */
#include <errno.h>
#include <string.h>

#include "xenstored/core/client.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/op.h"
#include "xenstored/core/request.h"
#include "xenstored/core/state.h"

/* The order in which older servers list the names: the soft quota behind its hard one. */
static void list_names(struct xsp_body *body)
{
	for (int kind = 0; kind < QUOTA_KINDS; kind++) {
		xsp_body_text(body, "%s%s", kind ? " " : "", quota_name((enum quota_kind)kind));
		if (kind == QUOTA_MEMORY)
			xsp_body_text(body, " soft-memory");
	}
	xsp_body_bytes(body, "", 1);
}

/* The limits that an optional domid in front of the name selects. */
static int select_limits(struct request *rq, bool has_domid, struct quota_limits **out_limits)
{
	struct domain *domain;
	int err;

	*out_limits = &rq->server->domains.limits;
	if (!has_domid)
		return 0;
	err = request_domain(rq, 0, &domain);
	if (!err)
		*out_limits = &domain->ledger.limits;
	return err;
}

/* GET_QUOTA [[<domid>|]<name>|]  ->  <names>|  or  <value>| */
int op_get_quota(struct request *rq)
{
	struct quota_limits *limits;
	const uint32_t *value;
	int err;

	if (rq->n_strings == 0) {
		list_names(rq->body);
		return 0;
	}
	err = select_limits(rq, rq->n_strings == 2, &limits);
	if (err)
		return err;
	value = quota_find(limits, rq->args[rq->n_strings - 1]);
	if (!value)
		return EINVAL;
	xsp_body_text(rq->body, "%u", *value);
	xsp_body_bytes(rq->body, "", 1);
	return 0;
}

/* SET_QUOTA [<domid>|]<name>|<value>|  ->  OK|  Without a domid: for domains to come. */
int op_set_quota(struct request *rq)
{
	struct quota_limits *limits;
	uint32_t *limit, value;
	int err = select_limits(rq, rq->n_strings == 3, &limits);

	if (err)
		return err;
	limit = quota_find(limits, rq->args[rq->n_strings - 2]);
	if (!limit)
		return EINVAL;
	err = request_u32(rq, rq->n_strings - 1, UINT32_MAX - 1, &value);
	if (err)
		return err;
	*limit = value;
	rq->server->domains.has_room_news = true;
	xsp_body_string(rq->body, "OK");
	return 0;
}
