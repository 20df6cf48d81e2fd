/* SPDX-License-Identifier: MIT */
#include "xenstored/core/introduction.h"
#include "xenstored/core/request.h"

#include <errno.h>

#include "xenstored/core/fire.h"
#include "xenstored/core/state.h"
#include "xenstored/core/usage.h"
#include "xenstored/store/merge.h"
#include "xenstored/store/store.h"

enum {
	/* Nodes reclaimed between two looks at whether a quota is met now. */
	RECLAIM_SLICE = 512,
};

void request_base(const struct client *client, char out_base[XSP_PATH_BASE_MAX])
{
	xsp_path_base(out_base, client->domain->domid);
}

struct ledger *request_ledger(const struct request *rq)
{
	return &rq->client->domain->ledger;
}

uint32_t request_features(const struct request *rq)
{
	if (rq->client->kind == CLIENT_SOCKET)
		return XSP_FEATURES_ALL;
	return rq->client->domain->features;
}

int request_resolve(struct request *rq, const char *path, enum xsp_path_kind kind,
		    struct request_path *out_path)
{
	char base[XSP_PATH_BASE_MAX];

	if (path[0] != '/' && path[0] != '@')
		request_base(rq->client, base);
	else
		base[0] = '\0';
	out_path->len = xsp_path_resolve(path, base, kind, out_path->text);
	if (out_path->len == 0)
		return EINVAL;
	if (ledger_exceeds(request_ledger(rq), QUOTA_PATH_MAX,
			   xsp_path_quota_len(out_path->text, out_path->len)))
		return EINVAL;
	return 0;
}

int request_path(struct request *rq, size_t i, enum xsp_path_kind kind,
		 struct request_path *out_path)
{
	return request_resolve(rq, rq->args[i], kind, out_path);
}

/* Inside a transaction a refusal is an answer like any other: it tells of the permissions. */
static void note_refusal(struct request *rq, const struct walk *walk)
{
	struct view *snapshot = view_snapshot(&rq->view);
	struct view_entry *entry = snapshot ? view_entry_find(snapshot, &walk->owner) : NULL;

	/* The walk has noted the node, unless the transaction has made it. */
	if (entry)
		view_entry_note(entry, SEEN_PERMS);
	view_touch_parent(&rq->view, walk);
}

int request_walk(struct request *rq, const struct request_path *path, unsigned rights,
		 unsigned seen, struct walk *out_walk)
{
	int err = view_walk(&rq->view, path->text, path->len, seen, out_walk);

	if (err || rq->actor.is_privileged)
		return err;
	if (!access_allows(&rq->actor, &out_walk->node, rights)) {
		note_refusal(rq, out_walk);
		return EACCES;
	}
	return view_note_rights(&rq->view, &out_walk->owner, rights);
}

int request_node(struct request *rq, const struct request_path *path, unsigned rights,
		 unsigned seen, struct walk *out_walk)
{
	int err = request_walk(rq, path, rights, seen, out_walk);

	return err || out_walk->exists ? err : ENOENT;
}

int request_domid(const struct request *rq, size_t i, uint16_t *out_domid)
{
	return xsp_parse_domid(rq->args[i], out_domid) ? 0 : EINVAL;
}

int request_u32(const struct request *rq, size_t i, uint32_t max, uint32_t *out_value)
{
	return xsp_parse_u32(rq->args[i], max, out_value) ? 0 : EINVAL;
}

int request_domain(struct request *rq, size_t i, struct domain **out_domain)
{
	uint16_t domid;
	int err = request_domid(rq, i, &domid);

	return err ? err : introduction_name(rq->server, domid, out_domain);
}

/*
 * Reclaims some of the nodes that were given up and are still charged for. ENOENT: there was
 * nothing left, or as much as others can be made to wait for, or as open transactions can be given
 * to look at; ENOSPC: there is no room to do it.
 */
static int reclaim(struct server *server)
{
	int err;

	if (server->reclaim_budget == 0 || server->store->history.bytes > TXN_HISTORY_MAX / 2)
		return ENOENT;
	server->reclaim_budget--;
	err = store_reclaim(server->store, RECLAIM_SLICE, STORE_AT_ONCE, usage_refund,
			    &server->domains);
	client_settle_all(server);
	if (err < 0)
		server->is_turn_lost = true;
	return err;
}

void request_make_room(struct request *rq, enum quota_kind kind, uint64_t more)
{
	int err = 0;

	while (!err && !ledger_has_room(request_ledger(rq), kind, more))
		err = reclaim(rq->server);
}

/* Whether a change fits its quotas. Before a refusal, what is owed to the domains is given back. */
static int check_usage(struct request *rq, const struct usage *usage)
{
	const struct domains *domains = &rq->server->domains;
	int err = 0;

	while (!err && !usage_fits(usage, domains))
		err = reclaim(rq->server);
	return err < 0 ? err : usage_check(usage, domains);
}

/* Quotas bind those who are not privileged. What this very change removes is given back too. */
static int check_quotas(struct request *rq, struct view *view, struct usage *usage)
{
	int err;

	if (rq->actor.is_privileged)
		return 0;
	err = check_usage(rq, usage);
	if (err != ENOSPC)
		return err;
	/* What is counted here is given back later: it must not be applied now. */
	struct usage later = { .arena = rq->arena };

	for (size_t i = 0; i < usage->n; i++)
		usage_add(&later, usage->shares[i].owner, usage->shares[i].n_nodes,
			  usage->shares[i].n_bytes);
	err = merge_usage_below(view, usage_add, &later);
	return err ? err : usage_check(&later, &rq->server->domains);
}

int request_commit_view(struct request *rq, struct view *view)
{
	struct server *server = rq->server;
	struct usage usage = { .arena = rq->arena };
	enum fire_order order = view == &rq->view ? FIRE_DEEPEST_FIRST : FIRE_TOP_FIRST;
	int err = merge_usage(view, usage_add, &usage);

	if (!err)
		err = check_quotas(rq, view, &usage);
	if (!err)
		err = usage_prepare(&usage, &server->domains);
	if (err)
		return err;
	err = merge_apply(view, rq->arena, rq->client->number);
	client_settle_all(server);
	if (err > 0)
		return err;
	if (!err) {
		usage_apply(&usage, &server->domains);
		err = fire_changes(server, view, order, rq->outstanding);
	}
	if (err)
		server->is_turn_lost = true;
	return err;
}

void request_limit_transaction(struct request *rq)
{
	const struct ledger *ledger = request_ledger(rq);
	uint64_t limit = ledger->limits.hard[QUOTA_MEMORY], used = ledger->used[QUOTA_MEMORY];
	struct view *view = &rq->txn->view;

	view->bytes_max = SIZE_MAX;
	if (ledger->is_limited && limit)
		view->bytes_max =
			rq->txn->charged_bytes + (used < limit ? (size_t)(limit - used) : 0);
}

bool request_relieve_transaction(struct request *rq)
{
	const struct view *view = &rq->txn->view;
	size_t before = view->bytes_max;
	int err = 0;

	if (view->bytes < before)
		return false;
	while (!err && view->bytes_max == before) {
		err = reclaim(rq->server);
		request_limit_transaction(rq);
	}
	return err >= 0 && view->bytes_max > before;
}

void request_charge_transaction(struct request *rq)
{
	struct txn *txn = rq->txn;
	int64_t more = (int64_t)txn->view.bytes - (int64_t)txn->charged_bytes;

	ledger_adjust(request_ledger(rq), QUOTA_MEMORY, more);
	txn->charged_bytes = txn->view.bytes;
}

/* What a request's view would add to its transaction's. */
static uint64_t size_of(const struct view *view)
{
	const struct view_entry *entry;
	uint64_t size = 0;

	TAILQ_FOREACH (entry, &view->order, order)
		size += sizeof(*entry) + entry->spot.path_len + entry->now.value_len;
	return size;
}

/*
 * Inside a transaction quotas are checked too, against what it has used up itself so far. What
 * makes nothing larger is always allowed.
 */
static int check_transaction(struct request *rq)
{
	struct usage usage = { .arena = rq->arena };
	int err;

	if (rq->actor.is_privileged)
		return 0;
	err = merge_usage(&rq->view, usage_add, &usage);
	if (err || !usage_grows(&usage))
		return err;
	request_make_room(rq, QUOTA_MEMORY, size_of(&rq->view));
	if (ledger_check(request_ledger(rq), QUOTA_MEMORY, size_of(&rq->view)))
		return ENOSPC;
	err = merge_usage(&rq->txn->view, usage_add, &usage);
	if (!err)
		err = merge_usage_below(&rq->txn->view, usage_add, &usage);
	return err ? err : check_usage(rq, &usage);
}

int request_commit(struct request *rq)
{
	int err;

	if (rq->view.n_entries == 0)
		return 0;
	if (!rq->txn)
		return request_commit_view(rq, &rq->view);
	err = check_transaction(rq);
	return err ? err : merge_down(&rq->view);
}
