/* SPDX-License-Identifier: MIT */
#include "xenstored/core/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/ring.h"
#include "xenstored/core/acquaintance.h"
#include "xenstored/core/audit.h"
#include "xenstored/core/host.h"
#include "xenstored/core/introduction.h"
#include "xenstored/core/removal.h"
#include "xenstored/core/state.h"
#include "xenstored/core/usage.h"
#include "xenstored/store/edit.h"
#include "xenstored/store/merge.h"
#include "xenstored/store/store.h"
#include "xenstored/store/view.h"

enum { EVENT_TIMEOUT_MS = 20000 };

void server_config_defaults(struct server_config *config)
{
	*config = (struct server_config){ .event_timeout_ms = EVENT_TIMEOUT_MS };
	quota_defaults(&config->limits);
}

/* Makes one of the first nodes. */
static int make_node(struct server *server, const char *path, const struct xsp_perm *perms,
		     uint32_t n_perms)
{
	struct node model = { .n_perms = n_perms };
	struct usage usage = { .arena = &server->arena };
	size_t len = strlen(path);
	uint8_t *copy = arena_alloc(&server->arena, (size_t)n_perms * NODE_PERM_SIZE);
	struct spot spot = {
		.parent = TREE_NOWHERE,
		.path = path,
		.path_len = len,
		.name_len = path[0] == '@' ? len : 0,
	};
	struct view_entry *entry;
	struct view view;
	struct walk walk;
	struct node node;
	int err;

	if (!copy)
		return -ENOMEM;
	for (uint32_t i = 0; i < n_perms; i++)
		node_perm_put(copy + i * NODE_PERM_SIZE, perms[i]);
	model.perms = copy;
	view_begin(&view, server->store, NULL, &server->arena);
	if (path[0] == '@' || len == 1) {
		/* Filed nowhere: there is no parent to walk from. */
		err = view_get(&view, &spot, 0, &node);
		if (err == ENOENT) {
			model.id = tree_number(&server->store->tree);
			err = view_put(&view, &spot, &model,
				       ASPECT_EXISTENCE | ASPECT_VALUE | ASPECT_PERMS, NULL,
				       &entry);
		}
	} else {
		err = view_walk(&view, path, len, 0, &walk);
		if (!err && !walk.exists)
			err = edit_create(&view, path, len, &walk, &model);
	}
	if (!err)
		err = merge_usage(&view, usage_add, &usage);
	if (!err)
		err = usage_prepare(&usage, &server->domains);
	if (!err)
		err = merge_apply(&view, &server->arena, 0);
	if (!err)
		usage_apply(&usage, &server->domains);
	view_end(&view);
	return err;
}

static bool has_root(struct server *server)
{
	struct view view;
	struct walk walk;
	bool is_there;

	view_begin(&view, server->store, NULL, &server->arena);
	is_there = !view_walk(&view, "/", 1, 0, &walk) && walk.exists;
	view_end(&view);
	return is_there;
}

/* What a new store holds. One that is gone on with is left as it is: who removed these meant it. */
static int make_first_nodes(struct server *server)
{
	const struct xsp_perm perms[] = {
		{ .domid = server->config.privileged_domid },
		{ .domid = XSP_DOMID_ANY, .rights = XSP_PERM_READ },
	};
	int err;

	if (has_root(server))
		return 0;
	err = make_node(server, "/", perms, 1);

	if (!err)
		err = make_node(server, "/tool", perms, 1);
	if (!err)
		err = make_node(server, "/tool/xenstored", perms, 1);
	if (!err)
		err = make_node(server, "@introduceDomain", perms, 1);
	if (!err)
		err = make_node(server, "@releaseDomain", perms, 2);
	arena_reset(&server->arena);
	if (!err)
		err = store_commit(server->store);
	return err > 0 ? -err : err;
}

static int start(struct server *server)
{
	struct domain *domain;
	int err = domains_init(&server->domains, server->host, server->config.privileged_domid,
			       server->config.seed);

	if (err)
		return err;
	server->domains.limits = server->config.limits;
	err = acquaintance_go_on(server);
	if (!err)
		err = domain_record(&server->domains, server->config.privileged_domid, &domain);
	if (!err)
		err = domain_record(&server->domains, server->config.store_domid, &domain);
	if (!err)
		err = audit_recount(server);
	if (!err)
		removal_of_strangers(server);
	if (!err)
		err = make_first_nodes(server);
	return err > 0 ? -EBADMSG : err;
}

int server_new(const struct server_config *config, struct store *store, const struct host *host,
	       const struct trace *trace, struct server **out_server)
{
	struct server *server = calloc(1, sizeof(*server));
	int err;

	if (!server)
		return -ENOMEM;
	server->config = *config;
	server->host = host;
	server->trace = trace;
	server->store = store;
	TAILQ_INIT(&server->clients);
	TAILQ_INIT(&server->ready);
	TAILQ_INIT(&server->touched);
	TAILQ_INIT(&server->waiting);
	TAILQ_INIT(&server->leaving);
	TAILQ_INIT(&server->held);
	TAILQ_INIT(&server->unread);
	watches_init(&server->watches, config->seed);
	txns_init(&server->txns, store);
	err = start(server);
	if (err) {
		server_free(server);
		return err;
	}
	*out_server = server;
	return 0;
}

void server_free(struct server *server)
{
	struct client *client;

	if (!server)
		return;
	while ((client = TAILQ_FIRST(&server->clients))) {
		client_leave(client);
		client_free(client);
	}
	buf_fini(&server->spare_in);
	watches_fini(&server->watches);
	if (server->domains.removed)
		domains_fini(&server->domains);
	arena_fini(&server->arena);
	free(server);
}

struct client *server_connect(struct server *server)
{
	struct domain *domain = domain_find(&server->domains, server->config.store_domid);

	return client_new(server, CLIENT_SOCKET, domain);
}

void client_set_io(struct client *client, void *io)
{
	client->io = io;
}

void *client_io(const struct client *client)
{
	return client->io;
}

uint8_t *client_input_space(struct client *client, size_t *out_len)
{
	size_t held = buf_len(&client->in);
	struct buf *spare = &client->server->spare_in;
	uint8_t *space;

	/* Idle clients hold no buffer; one waits for whoever speaks next. */
	if (!client->in.bytes) {
		client->in = *spare;
		*spare = (struct buf){ 0 };
	}
	if (client->is_leaving || client->is_ignored || held >= CLIENT_IN_SIZE)
		return NULL;
	*out_len = CLIENT_IN_SIZE - held;
	space = buf_space(&client->in, *out_len);
	/* The transport stops reading; somebody has to tell it to go on. */
	if (!space) {
		client_hold(client);
		client->server->domains.has_room_news = true;
	}
	return space;
}

void client_input_added(struct client *client, size_t len)
{
	buf_added(&client->in, len);
	client_make_ready(client);
}

void client_input_ended(struct client *client)
{
	client->is_eof = true;
	client_make_ready(client);
}

bool client_wants_input(struct client *client)
{
	return !client->is_eof && !client->is_leaving && !client->is_ignored &&
	       client->waits_until_ms == 0 && buf_len(&client->in) < CLIENT_IN_SIZE / 2 &&
	       client_await_room(client);
}

void client_broke(struct client *client, uint32_t error)
{
	struct server *server = client->server;

	if (client->is_leaving || client->is_ignored)
		return;
	if (client->kind == CLIENT_SOCKET && client->is_over) {
		client_leave(client);
		return;
	}
	if (client->kind == CLIENT_SOCKET) {
		/* What it asked for before is still answered; what it sends now is not looked at. */
		buf_fini(&client->in);
		client->is_eof = true;
		return;
	}
	/* A guest that breaks its ring is not served any more, but its domain lives on. */
	client_reset(client);
	client->is_ignored = true;
	server->host->ring_fail(server->host->self, client, error);
}

void client_restarted(struct client *client)
{
	if (!client->is_ignored)
		client_reset(client);
}

size_t client_output(const struct client *client, const uint8_t **out_bytes)
{
	return outbox_peek(&client->out, out_bytes);
}

void client_output_taken(struct client *client, size_t len)
{
	outbox_sent(&client->out, len);
	if ((buf_len(&client->in) && client_has_room(client)) || client->is_eof)
		client_make_ready(client);
}

void server_domains_changed(struct server *server)
{
	server->needs_scan = true;
}

bool server_is_scan_due(const struct server *server)
{
	return server->needs_scan;
}

int server_introduce(struct server *server, uint16_t domid, uint32_t port)
{
	return introduction_run(server, domid, port);
}

bool server_audit(struct server *server, char *out_text, size_t size)
{
	return audit_run(server, out_text, size);
}
