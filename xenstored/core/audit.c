/* SPDX-License-Identifier: MIT */
#include "xenstored/core/audit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xenstored/core/state.h"
#include "xenstored/store/garbage.h"
#include "xenstored/store/owners.h"
#include "xenstored/store/store.h"

/* What was counted for one domain. */
struct count {
	uint64_t used[QUOTA_ACCOUNTED];
	uint64_t n_indexed; /* entries in the index of owners */
};

/* A directory whose children are to be counted. */
struct pending {
	uint64_t id;
	uint64_t path_len;
};

struct recount {
	struct count *counts;    /* owned: by domid */
	struct pending *pending; /* owned */
	size_t n, size;
	uint64_t path_len; /* of the directory being counted */
};

enum { N_DOMIDS = UINT16_MAX + 1 };

static int pend(struct recount *recount, uint64_t id, uint64_t path_len)
{
	size_t size = recount->size ? recount->size * 2 : 256;
	struct pending *pending;

	if (recount->n == recount->size) {
		pending = realloc(recount->pending, size * sizeof(*pending));
		if (!pending)
			return -ENOMEM;
		recount->pending = pending;
		recount->size = size;
	}
	recount->pending[recount->n++] = (struct pending){ id, path_len };
	return 0;
}

static int count_node(void *arg, const char *name, size_t len, const struct node *node)
{
	struct recount *recount = arg;
	struct count *count = &recount->counts[node_owner(node)];
	uint64_t path_len = recount->path_len + len;

	(void)name;
	/* "/x" is two bytes long: the root's own slash is the one before the name. */
	if (recount->path_len > 1)
		path_len++;
	/* The root's name has no bytes to look at. */
	if (recount->path_len == 0 && len == 0)
		path_len = 1;
	count->used[QUOTA_NODES]++;
	count->used[QUOTA_MEMORY] += node_cost(node, path_len, len);
	return pend(recount, node->id, path_len);
}

/* Detached subtrees are still charged. */
static int pend_garbage(void *arg, const struct garbage *garbage)
{
	return pend(arg, garbage->id, garbage->path_len);
}

static int count_indexed(void *arg, uint16_t owner, uint64_t id, const char *path, size_t len)
{
	struct recount *recount = arg;

	(void)id;
	(void)path;
	(void)len;
	recount->counts[owner].n_indexed++;
	return 0;
}

static int count_nodes(struct recount *recount, struct store *store)
{
	struct pending next;
	int err;

	recount->counts = calloc(N_DOMIDS, sizeof(*recount->counts));
	if (!recount->counts)
		return -ENOMEM;
	err = pend(recount, TREE_NOWHERE, 0);
	if (!err)
		err = garbage_visit(store->db, pend_garbage, recount);
	while (!err && recount->n > 0) {
		next = recount->pending[--recount->n];
		recount->path_len = next.path_len;
		err = tree_scan(&store->tree, next.id, NULL, 0, count_node, recount);
	}
	return err ? err : owners_visit_all(store->db, count_indexed, recount);
}

static void count_clients(struct recount *recount, const struct server *server)
{
	const struct client *client;
	const struct watch *watch;
	const struct txn *txn;

	TAILQ_FOREACH (client, &server->clients, of_server) {
		struct count *count = &recount->counts[client->domain->domid];

		TAILQ_FOREACH (watch, &client->watches, of_client) {
			count->used[QUOTA_WATCHES]++;
			count->used[QUOTA_MEMORY] += watch->path_len + watch->token_len;
		}
		TAILQ_FOREACH (txn, &client->txns, of_client) {
			count->used[QUOTA_TRANSACTIONS]++;
			count->used[QUOTA_MEMORY] += txn->charged_bytes;
		}
		count->used[QUOTA_MEMORY] += buf_len(&client->out.bytes);
	}
}

static void count_outstanding(struct recount *recount, const struct server *server)
{
	const struct outstanding *outstanding;
	const struct domain *domain;

	TAILQ_FOREACH (domain, &server->domains.all, entry) {
		LIST_FOREACH (outstanding, &domain->outstanding, of_domain)
			recount->counts[domain->domid].used[QUOTA_OUTSTANDING] +=
				outstanding->charge.amount;
	}
}

static void free_recount(struct recount *recount)
{
	free(recount->counts);
	free(recount->pending);
}

/* Compares one domain's counters; true if they agree. */
static bool agrees(const struct count *count, const struct ledger *ledger, uint16_t domid,
		   char *out_text, size_t size)
{
	for (int kind = 0; kind < QUOTA_ACCOUNTED; kind++) {
		if (ledger->used[kind] == count->used[kind])
			continue;
		snprintf(out_text, size, "domain %u: %s is %llu, recounted %llu", (unsigned)domid,
			 quota_name((enum quota_kind)kind), (unsigned long long)ledger->used[kind],
			 (unsigned long long)count->used[kind]);
		return false;
	}
	if (domid != 0 && count->n_indexed != count->used[QUOTA_NODES]) {
		snprintf(out_text, size, "domain %u: owns %llu nodes, the index has %llu",
			 (unsigned)domid, (unsigned long long)count->used[QUOTA_NODES],
			 (unsigned long long)count->n_indexed);
		return false;
	}
	return true;
}

static bool compare(const struct recount *recount, const struct server *server, char *out_text,
		    size_t size)
{
	static const struct ledger nothing;
	static const struct count none;
	const struct domain *domain;

	TAILQ_FOREACH (domain, &server->domains.all, entry) {
		if (!agrees(&recount->counts[domain->domid], &domain->ledger, domain->domid,
			    out_text, size))
			return false;
	}
	/* Whoever has something must be known. */
	for (unsigned domid = 0; domid < N_DOMIDS; domid++) {
		const struct count *count = &recount->counts[domid];

		if (memcmp(count, &none, sizeof(none)) != 0 &&
		    !domain_find(&server->domains, (uint16_t)domid) &&
		    !agrees(count, &nothing, (uint16_t)domid, out_text, size))
			return false;
	}
	return true;
}

/* The registries count themselves in more than one way. */
static bool check_registries(const struct server *server, char *out_text, size_t size)
{
	const struct client *client;
	const struct watch *watch;
	const struct txn *txn;
	size_t n_clients = 0, n_watches = 0, n_txns = 0;

	TAILQ_FOREACH (client, &server->clients, of_server) {
		n_clients++;
		TAILQ_FOREACH (watch, &client->watches, of_client)
			n_watches++;
		TAILQ_FOREACH (txn, &client->txns, of_client)
			n_txns++;
	}
	if (n_clients == server->n_clients && n_watches == server->watches.n &&
	    n_txns == server->txns.n)
		return true;
	snprintf(out_text, size, "registries: %zu/%zu clients, %zu/%zu watches, %zu/%zu txns",
		 n_clients, server->n_clients, n_watches, server->watches.n, n_txns,
		 server->txns.n);
	return false;
}

bool audit_run(struct server *server, char *out_text, size_t size)
{
	struct recount recount = { 0 };
	bool is_right;
	int err = count_nodes(&recount, server->store);

	if (err) {
		snprintf(out_text, size, "cannot read the store: %s",
			 strerror(err < 0 ? -err : err));
		free_recount(&recount);
		return false;
	}
	count_clients(&recount, server);
	count_outstanding(&recount, server);
	is_right = compare(&recount, server, out_text, size) &&
		   check_registries(server, out_text, size);
	if (is_right && server->txns.n == 0 && server->store->history.bytes != 0) {
		snprintf(out_text, size, "history holds %zu bytes for nobody",
			 server->store->history.bytes);
		is_right = false;
	}
	free_recount(&recount);
	return is_right;
}

/* Whoever owns nodes is known. */
static int record_owners(struct server *server, const struct recount *recount)
{
	struct domain *domain;
	int err = 0;

	for (unsigned domid = 0; domid < N_DOMIDS && !err; domid++) {
		if (recount->counts[domid].used[QUOTA_NODES] > 0)
			err = domain_record(&server->domains, (uint16_t)domid, &domain);
	}
	return err;
}

int audit_recount(struct server *server)
{
	static const enum quota_kind kinds[] = { QUOTA_NODES, QUOTA_MEMORY };
	struct recount recount = { 0 };
	struct domain *domain;
	int err = count_nodes(&recount, server->store);

	if (!err)
		err = record_owners(server, &recount);
	if (!err)
		count_clients(&recount, server);
	for (domain = TAILQ_FIRST(&server->domains.all); domain && !err;
	     domain = TAILQ_NEXT(domain, entry)) {
		const struct count *count = &recount.counts[domain->domid];

		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
			ledger_adjust(&domain->ledger, kinds[i],
				      (int64_t)count->used[kinds[i]] -
					      (int64_t)domain->ledger.used[kinds[i]]);
	}
	free_recount(&recount);
	return err > 0 ? -EBADMSG : err;
}
