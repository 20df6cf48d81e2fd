/* SPDX-License-Identifier: MIT */
/*
 * Operations on transactions: TRANSACTION_START, TRANSACTION_END.
 */
#include <errno.h>
#include <string.h>

#include "xenstored/core/client.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/op.h"
#include "xenstored/core/request.h"
#include "xenstored/core/state.h"
#include "xenstored/store/merge.h"
#include "xenstored/store/node.h"

/* TRANSACTION_START  ->  <id>|  The snapshot is of what is committed with this turn so far. */
int op_transaction_start(struct request *rq)
{
	struct txn *txn;
	int err;

	if (rq->txn)
		return EBUSY;
	err = txn_begin(&rq->server->txns, rq->client, rq->server->now_ms, &txn);
	if (err)
		return err;
	client_trace(rq->client, true, "transaction", txn);
	xsp_body_text(rq->body, "%u", txn->id);
	xsp_body_bytes(rq->body, "", 1);
	return 0;
}

static bool may_still(void *actor, const struct node *node, unsigned rights)
{
	return access_allows(actor, node, rights);
}

/* True if the transaction changed anything: only then can it conflict. */
static bool has_changes(const struct view *view)
{
	const struct view_entry *entry;

	TAILQ_FOREACH (entry, &view->order, order) {
		if (entry->changed)
			return true;
	}
	return false;
}

/*
 * True if it would leave a node to a domain that has been removed since: the next domain of that
 * number would own it.
 */
static bool has_dead_owner(const struct domains *domains, const struct view *view)
{
	const struct view_entry *entry;

	TAILQ_FOREACH (entry, &view->order, order) {
		if ((entry->changed & (ASPECT_EXISTENCE | ASPECT_PERMS)) && entry->exists &&
		    !entry->is_detached &&
		    !domain_entry_counts(domains, node_owner(&entry->now), entry->now.epoch))
			return true;
	}
	return false;
}

static int commit(struct request *rq, struct txn *txn)
{
	struct conflict conflict;
	int err;

	/* It read one consistent state and leaves nothing behind: nothing can be wrong with it. */
	if (!txn->view.is_doomed && !has_changes(&txn->view))
		return 0;
	err = merge_validate(&txn->view, may_still, &rq->actor, &conflict);
	if (!err && has_dead_owner(rq->actor.domains, &txn->view))
		err = EAGAIN;
	if (err == EAGAIN)
		txn_lost(&rq->server->txns, txn, conflict.writer);
	if (!err)
		err = request_commit_view(rq, &txn->view);
	if (!err)
		txn_won(txn);
	return err;
}

/* TRANSACTION_END T|  or  F|  ->  OK| */
int op_transaction_end(struct request *rq)
{
	struct txn *txn = rq->txn;
	bool is_commit = !strcmp(rq->args[0], "T");
	int err = 0;

	if (!is_commit && strcmp(rq->args[0], "F") != 0)
		return EINVAL;
	if (!txn)
		return ENOENT;
	rq->txn = NULL;
	rq->view.below = NULL;
	if (is_commit)
		err = commit(rq, txn);
	/* Whatever the answer, the transaction is over. */
	client_trace(rq->client, false, "transaction", txn);
	txn_end(&rq->server->txns, txn);
	if (!err)
		xsp_body_string(rq->body, "OK");
	return err;
}
