/* SPDX-License-Identifier: MIT */
/*
 * Operations on watches: WATCH, UNWATCH, RESET_WATCHES.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "xenstored/core/client.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/op.h"
#include "xenstored/core/request.h"
#include "xenstored/core/state.h"

static int parse_depth(struct request *rq, int *out_depth)
{
	uint32_t depth;
	int err;

	*out_depth = WATCH_DEPTH_ANY;
	if (rq->n_strings == 2)
		return 0;
	if (!(request_features(rq) & XSP_FEATURE_WATCH_DEPTH))
		return EINVAL;
	err = request_u32(rq, 2, INT_MAX, &depth);
	if (!err)
		*out_depth = (int)depth;
	return err;
}

static int charge(struct request *rq, struct watch *watch)
{
	uint32_t size = (uint32_t)(watch->path_len + watch->token_len);
	int err = charge_take(&watch->count, request_ledger(rq), QUOTA_WATCHES, 1);

	if (err)
		return err;
	request_make_room(rq, QUOTA_MEMORY, size);
	return charge_take(&watch->memory, request_ledger(rq), QUOTA_MEMORY, size);
}

/* WATCH <path>|<token>|[<depth>|]  ->  OK|, then the event <path>|<token>| */
int op_watch(struct request *rq)
{
	struct watches *watches = &rq->server->watches;
	const char *token = rq->args[1];
	char base[XSP_PATH_BASE_MAX];
	struct request_path path;
	struct watch *watch;
	int depth;
	int err = request_path(rq, 0, XSP_PATH_EVENT, &path);

	if (!err)
		err = parse_depth(rq, &depth);
	if (err)
		return err;
	if (watch_find(watches, rq->client, path.text, path.len, token))
		return EEXIST;
	watch = watch_add(watches, rq->client, path.text, path.len, token, depth);
	if (!watch)
		return -ENOMEM;
	err = charge(rq, watch);
	if (err) {
		watch_remove(watches, watch);
		return err;
	}
	/* A relative watch hears of relative paths. */
	if (rq->args[0][0] != '/' && rq->args[0][0] != '@') {
		request_base(rq->client, base);
		watch->cut = strlen(base) + 1;
	}
	client_trace(rq->client, true, "watch", watch);
	TAILQ_INSERT_TAIL(&rq->client->watches, watch, of_client);
	rq->new_watch = watch;
	xsp_body_string(rq->body, "OK");
	return 0;
}

/* UNWATCH <path>|<token>|  ->  OK| */
int op_unwatch(struct request *rq)
{
	struct request_path path;
	struct watch *watch;
	int err = request_path(rq, 0, XSP_PATH_EVENT, &path);

	if (err)
		return err;
	watch = watch_find(&rq->server->watches, rq->client, path.text, path.len, rq->args[1]);
	if (!watch)
		return ENOENT;
	client_trace(rq->client, false, "watch", watch);
	TAILQ_REMOVE(&rq->client->watches, watch, of_client);
	watch_remove(&rq->server->watches, watch);
	xsp_body_string(rq->body, "OK");
	return 0;
}

/* RESET_WATCHES  ->  OK|  Ends all transactions too, the request's own included. */
int op_reset_watches(struct request *rq)
{
	rq->txn = NULL;
	rq->view.below = NULL;
	client_end_transactions(rq->client);
	client_drop_watches(rq->client);
	xsp_body_string(rq->body, "OK");
	return 0;
}
