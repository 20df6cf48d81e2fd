/* SPDX-License-Identifier: MIT */
#include "xenstored/core/client.h"

#include <stdlib.h>

#include "xenstored/core/domain.h"
#include "xenstored/core/host.h"
#include "xenstored/core/state.h"
#include "xenstored/store/store.h"

void client_trace(const struct client *client, bool is_created, const char *kind,
		  const void *object)
{
	const struct trace *trace = client->server->trace;

	if (trace && trace->object)
		trace->object(trace->self, is_created, kind, object);
}

struct client *client_new(struct server *server, enum client_kind kind, struct domain *domain)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	client->server = server;
	client->kind = kind;
	client->domain = domain;
	client->number = ++server->last_client;
	outbox_init(&client->out, &domain->ledger, server->config.seed);
	TAILQ_INIT(&client->watches);
	TAILQ_INIT(&client->txns);
	TAILQ_INSERT_TAIL(&server->clients, client, of_server);
	server->n_clients++;
	client_trace(client, true, "connection", client);
	return client;
}

void client_end_transactions(struct client *client)
{
	struct txn *txn;

	while ((txn = TAILQ_FIRST(&client->txns))) {
		client_trace(client, false, "transaction", txn);
		txn_end(&client->server->txns, txn);
	}
}

void client_drop_watches(struct client *client)
{
	struct watch *watch;

	while ((watch = TAILQ_FIRST(&client->watches))) {
		client_trace(client, false, "watch", watch);
		TAILQ_REMOVE(&client->watches, watch, of_client);
		watch_remove(&client->server->watches, watch);
	}
}

static void wait_no_longer(struct client *client)
{
	if (client->waits_until_ms)
		TAILQ_REMOVE(&client->server->waiting, client, in_waiting);
	client->waits_until_ms = 0;
}

void client_reset(struct client *client)
{
	wait_no_longer(client);
	client_end_transactions(client);
	client_drop_watches(client);
	buf_fini(&client->in);
	outbox_fini(&client->out);
	outbox_init(&client->out, &client->domain->ledger, client->server->config.seed);
	client->last_txn_id = 0;
	client->record = (struct txn_record){ 0 };
}

void client_leave(struct client *client)
{
	struct server *server = client->server;

	if (client->is_leaving)
		return;
	client->is_leaving = true;
	TAILQ_INSERT_TAIL(&server->leaving, client, in_leaving);
	client_end_transactions(client);
	client_drop_watches(client);
	server->host->client_gone(server->host->self, client);
}

static void release_hold(struct client *client)
{
	if (client->is_held)
		TAILQ_REMOVE(&client->server->held, client, in_held);
	client->is_held = false;
	/* Sockets share a domain, with its ring: others of it may still be held. */
	if (client->domain->domid != client->server->config.store_domid)
		client->domain->ledger.is_awaited = false;
}

void client_free(struct client *client)
{
	struct server *server = client->server;

	client_reset(client);
	outbox_fini(&client->out);
	if (client->is_ready)
		TAILQ_REMOVE(&server->ready, client, in_ready);
	if (client->is_touched)
		TAILQ_REMOVE(&server->touched, client, in_touched);
	release_hold(client);
	if (client->is_leaving)
		TAILQ_REMOVE(&server->leaving, client, in_leaving);
	TAILQ_REMOVE(&server->clients, client, of_server);
	server->n_clients--;
	client_trace(client, false, "connection", client);
	free(client->listing.name);
	free(client);
}

void client_settle_all(struct server *server)
{
	struct client *client;

	if (server->n_early_commits == server->store->n_early_commits)
		return;
	server->n_early_commits = server->store->n_early_commits;
	TAILQ_FOREACH (client, &server->touched, in_touched)
		outbox_settle(&client->out);
}

void client_touch(struct client *client)
{
	if (client->is_touched)
		return;
	client->is_touched = true;
	TAILQ_INSERT_TAIL(&client->server->touched, client, in_touched);
}

void client_make_ready(struct client *client)
{
	if (client->is_ready || client->is_leaving || client->is_ignored)
		return;
	client->is_ready = true;
	TAILQ_INSERT_TAIL(&client->server->ready, client, in_ready);
}

void client_hold(struct client *client)
{
	if (!client->is_held)
		TAILQ_INSERT_TAIL(&client->server->held, client, in_held);
	client->is_held = true;
	client->domain->ledger.is_awaited = true;
}

bool client_await_room(struct client *client)
{
	if (client_has_room(client)) {
		release_hold(client);
		return true;
	}
	client_hold(client);
	return false;
}

bool client_has_room(const struct client *client)
{
	const struct ledger *ledger = &client->domain->ledger;
	const uint32_t *hard = ledger->limits.hard;

	if (outbox_len(&client->out) >= CLIENT_OUT_PAUSE)
		return false;
	if (!ledger->is_limited)
		return true;
	if (hard[QUOTA_OUTSTANDING] && ledger->used[QUOTA_OUTSTANDING] >= hard[QUOTA_OUTSTANDING])
		return false;
	/* Requests may always be made that give memory back, as long as their replies find room. */
	return !hard[QUOTA_MEMORY] ||
	       ledger->used[QUOTA_MEMORY] < (uint64_t)hard[QUOTA_MEMORY] + XSP_MESSAGE_MAX;
}
