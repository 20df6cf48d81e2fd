/* SPDX-License-Identifier: MIT */
/*
 * One turn of the server: execute what is ready, commit once, let the outcome out.
 *
 * If the store loses the batch, the turn did not happen: answers that depended on it become
 * errors, and the counters are taken from the store again.
 */
#include <errno.h>
#include <string.h>

#include "protocol/framer.h"
#include "protocol/ring.h"
#include "xenstored/base/log.h"
#include "xenstored/core/acquaintance.h"
#include "xenstored/core/audit.h"
#include "xenstored/core/dispatch.h"
#include "xenstored/core/host.h"
#include "xenstored/core/outstanding.h"
#include "xenstored/core/removal.h"
#include "xenstored/core/server.h"
#include "xenstored/core/state.h"
#include "xenstored/core/usage.h"
#include "xenstored/store/store.h"

enum {
	/* Requests of one client in one turn: nobody waits long for anybody. */
	TURN_REQUESTS = 32,
	/* Nodes of detached subtrees reclaimed per turn, while clients wait and while none does. */
	TURN_RECLAIM_BUSY = 16,
	TURN_RECLAIM_IDLE = 256,
	/*
	 * Slices of them that are reclaimed lest somebody is refused what he has given up: enough
	 * for all that a guest can own, and far less than dom0 may just have removed.
	 */
	TURN_RECLAIM_FORCED = 8,
	/* After a recount or a removal that failed, for want of memory or room. */
	TRY_AGAIN_MS = 100,
	/* Unread events are dropped at most this much late. */
	EXPIRY_STEP_MS = 1000,
};

/* True if the next request has to wait for a transaction that was promised to win. */
static bool must_wait(struct client *client, const struct xsp_header *header)
{
	struct server *server = client->server;
	uint64_t until_ms;

	if (!dispatch_is_modification(header) ||
	    !txn_must_wait(&server->txns, client, server->now_ms, &until_ms))
		return false;
	if (client->waits_until_ms == 0)
		TAILQ_INSERT_TAIL(&server->waiting, client, in_waiting);
	client->waits_until_ms = until_ms;
	return true;
}

/* Executes requests of one client within its budget. True if whole ones may be left. */
static bool run_client(struct client *client)
{
	struct server *server = client->server;
	struct xsp_header header;
	enum xsp_frame frame;

	for (int n = 0; n < TURN_REQUESTS; n++) {
		if (server->is_turn_lost)
			return true;
		if (client->is_leaving || client->is_ignored || client->is_over ||
		    !client_await_room(client))
			return false;
		frame = xsp_frame_next(buf_head(&client->in), buf_len(&client->in), &header);
		if (frame == XSP_FRAME_TOO_LONG)
			client_broke(client, XSP_RING_ERROR_PROTOCOL);
		if (frame != XSP_FRAME_WHOLE || must_wait(client, &header))
			return false;
		dispatch_run(server, client, &header,
			     (const char *)buf_head(&client->in) + XSP_HEADER_SIZE);
		/* Being ignored has dropped the input already. */
		if (!client->is_ignored)
			buf_taken(&client->in, XSP_HEADER_SIZE + header.len);
	}
	return true;
}

static bool has_whole_message(const struct client *client)
{
	struct xsp_header header;

	return xsp_frame_next(buf_head(&client->in), buf_len(&client->in), &header) !=
	       XSP_FRAME_PARTIAL;
}

/* A client that has said its last, and whose requests are all answered, may go. */
static void leave_if_done(struct client *client)
{
	if (client->is_eof && !client->is_leaving && client->waits_until_ms == 0 &&
	    outbox_len(&client->out) == 0 && !has_whole_message(client))
		client_leave(client);
}

/* Nothing to do for a client now: its input buffer is for the next. */
static void rest(struct client *client)
{
	struct buf *spare = &client->server->spare_in;

	if (buf_len(&client->in) == 0 && client->in.bytes) {
		if (spare->bytes) {
			buf_fini(&client->in);
		} else {
			*spare = client->in;
			client->in = (struct buf){ 0 };
		}
	}
	leave_if_done(client);
}

/* Runs all that were ready when the turn began. */
static void run_ready(struct server *server)
{
	struct client *client, *last = TAILQ_LAST(&server->ready, client_list);

	while (last && !server->is_turn_lost) {
		bool is_last;

		client = TAILQ_FIRST(&server->ready);
		is_last = client == last;
		TAILQ_REMOVE(&server->ready, client, in_ready);
		client->is_ready = false;
		if (run_client(client))
			client_make_ready(client);
		else
			rest(client);
		if (is_last)
			break;
	}
}

/* It may go on, with what it has sent already or with what it has not been asked for. */
static void wake(struct client *client)
{
	const struct host *host = client->server->host;

	client_make_ready(client);
	if (!client->is_leaving)
		host->client_wake(host->self, client);
}

/* Those who waited for a transaction go on when it is over, or has had its time. */
static uint64_t wake_waiting(struct server *server)
{
	struct client *client, *next;
	uint64_t deadline = UINT64_MAX;

	for (client = TAILQ_FIRST(&server->waiting); client; client = next) {
		next = TAILQ_NEXT(client, in_waiting);
		if (client->waits_until_ms > server->now_ms && server->txns.n_favoured > 0) {
			if (client->waits_until_ms < deadline)
				deadline = client->waits_until_ms;
			continue;
		}
		TAILQ_REMOVE(&server->waiting, client, in_waiting);
		client->waits_until_ms = 0;
		wake(client);
	}
	return deadline;
}

/* What held a client back may have been taken by others: it has to be told. */
static void wake_held(struct server *server)
{
	struct client *client, *next, *last = TAILQ_LAST(&server->held, client_list);

	/* Those who flood and do not read must not cost the others a look each turn. */
	if (!server->domains.has_room_news)
		return;
	server->domains.has_room_news = false;
	/* Waking one may hold it again, for want of memory: behind the last of now. */
	for (client = TAILQ_FIRST(&server->held); client; client = next) {
		next = client == last ? NULL : TAILQ_NEXT(client, in_held);
		if (client_await_room(client))
			wake(client);
	}
}

static void reclaim(struct server *server)
{
	bool is_busy = server->n_requests != server->n_requests_before;
	size_t n_nodes = is_busy ? TURN_RECLAIM_BUSY : TURN_RECLAIM_IDLE;
	int err = store_reclaim(server->store, n_nodes, STORE_UNHURRIED, usage_refund,
				&server->domains);

	if (err < 0)
		server->is_turn_lost = true;
}

static void recall(struct server *server, int err)
{
	struct client *client;

	TAILQ_FOREACH (client, &server->touched, in_touched) {
		if (outbox_recall(&client->out, err))
			client->is_over = true;
	}
}

/* Makes the turn permanent, or makes it as if it had not been. */
static void commit(struct server *server)
{
	int err = 0;

	if (!server->is_turn_lost) {
		err = store_commit(server->store);
		if (!err)
			return;
		log_line(LOG_LEVEL_ERROR, "cannot commit: %s", strerror(-err));
	}
	txns_end_since(&server->txns, server->store->batch_start);
	store_abort(server->store);
	removal_undone(server);
	acquaintance_undone(server);
	recall(server, EIO);
	server->is_turn_lost = false;
	/* What was charged in this turn was charged for nothing. */
	err = audit_recount(server);
	if (err)
		log_line(LOG_LEVEL_CRIT, "cannot recount the store: %s", strerror(-err));
	server->needs_recount = err != 0;
}

static void release(struct server *server)
{
	const struct host *host = server->host;
	struct client *client;

	while ((client = TAILQ_FIRST(&server->touched))) {
		TAILQ_REMOVE(&server->touched, client, in_touched);
		client->is_touched = false;
		if (outbox_release(&client->out) && !client->is_leaving)
			host->client_wake(host->self, client);
		leave_if_done(client);
		if (client->is_over)
			client_broke(client, XSP_RING_ERROR_COMM);
	}
}

static void reap(struct server *server)
{
	struct client *client;

	while ((client = TAILQ_FIRST(&server->leaving)))
		client_free(client);
	if (!TAILQ_EMPTY(&server->domains.gone))
		domains_reap(&server->domains);
}

/* Drops events that guests have not read in time, and ends the wait for others who do not read. */
static void expire(struct server *server)
{
	uint64_t deadline = UINT64_MAX, next;
	struct client *client;

	if (server->now_ms < server->next_expiry_ms)
		return;
	TAILQ_FOREACH (client, &server->clients, of_server) {
		if (!client->domain->ledger.is_limited || client->out.n_messages == 0)
			continue;
		next = outbox_expire(&client->out, server->now_ms);
		if (next < deadline)
			deadline = next;
		client_make_ready(client);
	}
	next = outstanding_expire(&server->unread, server->now_ms, server->config.event_timeout_ms);
	if (next < deadline)
		deadline = next;
	if (deadline < server->now_ms + EXPIRY_STEP_MS)
		deadline = server->now_ms + EXPIRY_STEP_MS;
	server->next_expiry_ms = deadline;
}

static bool is_scan_due(const struct server *server)
{
	return server->needs_scan && server->now_ms >= server->scan_from_ms;
}

/* What fails costs the turn, so the next ones are for the clients: they may be making room. */
static void scan(struct server *server)
{
	if (!is_scan_due(server))
		return;
	server->needs_scan = removal_scan(server) != 0;
	if (server->needs_scan)
		server->scan_from_ms = server->now_ms + TRY_AGAIN_MS;
}

bool server_turn(struct server *server, uint64_t now_ms, uint64_t *out_deadline_ms)
{
	uint64_t deadline;

	server->now_ms = now_ms;
	/* With counters that may be wrong nothing can be judged: everybody waits. */
	server->needs_recount = server->needs_recount && audit_recount(server);
	if (server->needs_recount) {
		*out_deadline_ms = now_ms + TRY_AGAIN_MS;
		return false;
	}
	server->n_turns++;
	server->n_requests_before = server->n_requests;
	server->reclaim_budget = TURN_RECLAIM_FORCED;
	scan(server);
	wake_waiting(server);
	expire(server);
	wake_held(server);
	run_ready(server);
	if (!server->is_turn_lost)
		reclaim(server);
	commit(server);
	txns_bound_history(&server->txns);
	release(server);
	/* They have their answers: now there is time. */
	store_settle(server->store);
	reap(server);
	wake_held(server);
	/* Whom this turn made wait has a deadline now; for whom it ended the wait can go on. */
	deadline = wake_waiting(server);
	if (server->next_expiry_ms < deadline)
		deadline = server->next_expiry_ms;
	if (server->needs_recount && now_ms + TRY_AGAIN_MS < deadline)
		deadline = now_ms + TRY_AGAIN_MS;
	if (server->needs_scan && server->scan_from_ms < deadline)
		deadline = server->scan_from_ms;
	*out_deadline_ms = deadline;
	return !TAILQ_EMPTY(&server->ready) || is_scan_due(server) ||
	       (server->store->n_garbage > 0 && server->store->reclaim_waits_for == 0 &&
		!server->store->reclaim_lacks_room);
}
