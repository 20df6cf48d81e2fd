/* SPDX-License-Identifier: MIT */
#include "xenstored/core/fire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/path.h"
#include "protocol/wire.h"
#include "xenstored/core/access.h"
#include "xenstored/core/below.h"
#include "xenstored/core/outstanding.h"
#include "xenstored/core/state.h"
#include "xenstored/store/store.h"
#include "xenstored/store/view.h"

/* One thing to tell, with the permission lists that decide who is told. */
struct news {
	const char *path;
	size_t len;
	const struct node *old;    /* NULL: was not there */
	const struct node *now;    /* NULL: is not there */
	const struct node *parent; /* NULL: not looked up, see parent_of() */
	bool is_parent_known;
	struct node parent_node;
	struct outstanding *cause;
	enum outbox_kind kind;
};

static struct actor actor_of(const struct client *client)
{
	const struct server *server = client->server;
	const struct domain *domain = client->domain;

	return (struct actor){
		.domains = &server->domains,
		.domid = domain->domid,
		.target = domain_target(&server->domains, domain),
		.is_privileged = domain->domid == server->config.privileged_domid,
	};
}

/* The parent's list, looked up when the first watcher without privilege asks for it. */
static const struct node *parent_of(struct server *server, struct news *news)
{
	struct view view;
	struct walk walk;
	size_t len = xsp_path_parent_len(news->path, news->len);

	if (news->is_parent_known)
		return news->parent;
	news->is_parent_known = true;
	if (news->len == 1)
		return NULL;
	view_begin(&view, server->store, NULL, &server->arena);
	if (!view_walk(&view, news->path, len, 0, &walk) && walk.exists) {
		news->parent_node = walk.node;
		news->parent = &news->parent_node;
	}
	view_end(&view);
	return news->parent;
}

static bool may_know(struct server *server, const struct client *client, struct news *news)
{
	struct actor actor = actor_of(client);
	const struct node *parent;

	if (actor.is_privileged)
		return true;
	if (news->old && access_allows(&actor, news->old, ACCESS_READ))
		return true;
	if (news->now && access_allows(&actor, news->now, ACCESS_READ))
		return true;
	parent = parent_of(server, news);
	return parent && access_allows(&actor, parent, ACCESS_READ);
}

static void trace_event(const struct server *server, const struct client *client,
			const struct outbox_post *event)
{
	const struct trace *trace = server->trace;
	char payload[XSP_PAYLOAD_MAX];

	if (!trace || !trace->reply)
		return;
	memcpy(payload, event->first, event->first_len);
	memcpy(payload + event->first_len, event->second, event->second_len);
	trace->reply(trace->self, client, client->domain->domid, event->header.type, payload,
		     event->header.len);
}

/* Queues one event. One that cannot be queued is dropped: its receiver's quota says so. */
static void post(struct server *server, struct watch *watch, const char *path, size_t len,
		 enum outbox_kind kind, struct outstanding *cause)
{
	struct client *client = watch->client;
	bool is_guest = client->domain->ledger.is_limited;
	uint64_t timeout = server->config.event_timeout_ms;
	char text[XSP_PATH_BUF];
	size_t shown = len - watch->cut, n_messages;
	struct outbox_post event = {
		.header = { .type = XSP_WATCH_EVENT },
		.kind = kind,
		.first = text,
		.first_len = shown + 1,
		.second = watch_token(watch),
		.second_len = watch->token_len + 1,
		.expires_ms = is_guest && timeout ? server->now_ms + timeout : 0,
		.cause = cause,
	};

	if (client->is_ignored || client->is_leaving || client->is_over ||
	    event.first_len + event.second_len > XSP_PAYLOAD_MAX)
		return;
	/* The ring of dom0's kernel has no quota, and cannot be dropped as a socket is. */
	if (client->kind == CLIENT_RING && outbox_len(&client->out) > CLIENT_OUT_MAX)
		return;
	memcpy(text, path + watch->cut, shown);
	text[shown] = '\0';
	event.header.len = (uint32_t)(event.first_len + event.second_len);
	n_messages = client->out.n_messages;
	if (outbox_post(&client->out, &event))
		return;
	/* One that is like another still waiting was not queued. */
	if (client->out.n_messages > n_messages)
		trace_event(server, client, &event);
	client_touch(client);
	if (cause && !is_guest && timeout)
		outstanding_await(cause, &server->unread, server->now_ms + timeout);
	if (timeout && (is_guest || cause) && server->now_ms + timeout < server->next_expiry_ms)
		server->next_expiry_ms = server->now_ms + timeout;
	/* Not here: the watches of all clients are being walked. The end of the turn sees to it. */
	if (client->kind == CLIENT_SOCKET && outbox_len(&client->out) > CLIENT_OUT_MAX)
		client->is_over = true;
}

static void tell_found(struct server *server, struct news *news)
{
	for (size_t i = 0; i < server->watches.n_found; i++) {
		struct watch *watch = server->watches.found[i];

		if (may_know(server, watch->client, news))
			post(server, watch, news->path, news->len, news->kind, news->cause);
	}
}

/* Tells watchers below a removed node of the nodes they watched, if those existed. */
static int tell_below(struct server *server, const struct view_entry *entry, enum fire_order order,
		      struct outstanding *cause)
{
	struct tree *tree = &server->store->tree;
	struct below below;
	struct node node, parent;
	int err = below_find(&server->watches, tree, entry, order == FIRE_DEEPEST_FIRST,
			     &server->arena, &below);

	for (size_t i = 0; i < below.n && !err; i++) {
		const struct watch_place *place = below.all[i].place;
		struct news news = {
			.path = place->path,
			.len = place->path_len,
			.old = &node,
			.parent = &parent,
			.is_parent_known = true,
			.cause = cause,
			.kind = OUTBOX_STORE_EVENT,
		};

		err = below_look(tree, entry, &below.all[i], &node, &parent);
		if (!err)
			err = watches_match_exact(&server->watches, place->path, place->path_len);
		if (!err)
			tell_found(server, &news);
	}
	return err;
}

/*
 * A transaction knows the permissions of its start where it did not set them; those of now decide.
 * The node borrows from the database.
 */
static int current_node(struct server *server, const struct view_entry *entry,
			enum fire_order order, struct node *out_node)
{
	const struct spot *spot = &entry->spot;

	*out_node = entry->now;
	if (order == FIRE_DEEPEST_FIRST || (entry->changed & (ASPECT_EXISTENCE | ASPECT_PERMS)))
		return 0;
	return tree_get(&server->store->tree, spot->parent,
			spot->path + spot->path_len - spot->name_len, spot->name_len, out_node);
}

static int tell_entry(struct server *server, const struct view_entry *entry, enum fire_order order,
		      struct outstanding *cause)
{
	bool is_there = entry->exists && !entry->is_detached;
	bool is_replaced = entry->existed && entry->exists && entry->now.id != entry->old.id;
	bool had_below = server->watches.n && entry->existed && (!is_there || is_replaced) &&
			 !entry->is_detached;
	struct node now;
	struct news news = {
		.path = entry->spot.path,
		.len = entry->spot.path_len,
		.old = entry->existed ? &entry->old : NULL,
		.now = is_there ? &now : NULL,
		.cause = cause,
		.kind = OUTBOX_STORE_EVENT,
	};
	int err = is_there ? current_node(server, entry, order, &now) : 0;

	if (!err && had_below && order == FIRE_DEEPEST_FIRST)
		err = tell_below(server, entry, order, cause);
	if (!err)
		err = watches_match(&server->watches, news.path, news.len);
	if (!err)
		tell_found(server, &news);
	if (!err && had_below && order == FIRE_TOP_FIRST)
		err = tell_below(server, entry, order, cause);
	return err;
}

/* What came and went within a transaction, and bare ancestors, are no news. */
static bool is_news(const struct view_entry *entry)
{
	if (!entry->changed || entry->is_implicit || entry->spot.path[0] == '@')
		return false;
	return entry->existed || (entry->exists && !entry->is_detached);
}

static int compare_touches(const void *left, const void *right)
{
	const struct view_entry *const *a = left, *const *b = right;

	return (*a)->touch < (*b)->touch ? -1 : (*a)->touch > (*b)->touch;
}

/* A transaction's news go out in the order in which its requests first named the nodes. */
static int tell_in_order(struct server *server, struct view *view, struct outstanding *cause)
{
	const struct view_entry **news, *entry;
	size_t n = 0;
	int err = 0;

	if (view->n_entries == 0)
		return 0;
	news = arena_alloc(&server->arena, view->n_entries * sizeof(struct view_entry *));
	if (!news)
		return -ENOMEM;
	TAILQ_FOREACH (entry, &view->order, order) {
		if (is_news(entry))
			news[n++] = entry;
	}
	qsort(news, n, sizeof(struct view_entry *), compare_touches);
	for (size_t i = 0; i < n && !err; i++)
		err = tell_entry(server, news[i], FIRE_TOP_FIRST, cause);
	return err;
}

int fire_changes(struct server *server, struct view *view, enum fire_order order,
		 struct outstanding *cause)
{
	const struct view_entry *entry;
	int err = 0;

	if (server->watches.n == 0)
		return 0;
	if (order == FIRE_TOP_FIRST)
		return tell_in_order(server, view, cause);
	TAILQ_FOREACH (entry, &view->order, order) {
		if (is_news(entry))
			err = tell_entry(server, entry, order, cause);
		if (err)
			break;
	}
	return err;
}

void fire_first(struct server *server, struct watch *watch)
{
	post(server, watch, watch->path, watch->path_len, OUTBOX_EVENT, NULL);
}

/* Special events go to whoever may read the special node or the root. */
static bool may_know_special(struct server *server, const struct client *client, const char *name)
{
	struct actor actor = actor_of(client);
	struct view view;
	struct walk walk;
	bool may = actor.is_privileged;

	if (may)
		return true;
	view_begin(&view, server->store, NULL, &server->arena);
	if (!view_walk(&view, name, strlen(name), 0, &walk))
		may = walk.exists && access_allows(&actor, &walk.node, ACCESS_READ);
	if (!may && !view_walk(&view, "/", 1, 0, &walk))
		may = walk.exists && access_allows(&actor, &walk.node, ACCESS_READ);
	view_end(&view);
	return may;
}

static void tell_special(struct server *server, const char *name, const char *watched,
			 const char *reported, bool with_depth)
{
	if (watches_match_exact(&server->watches, watched, strlen(watched)))
		return;
	for (size_t i = 0; i < server->watches.n_found; i++) {
		struct watch *watch = server->watches.found[i];

		/* On the plain name, a watch with a depth hears of domains, one without does not. */
		if (watched == name && (watch->depth != WATCH_DEPTH_ANY) != with_depth)
			continue;
		if (watch->depth == 0 || !may_know_special(server, watch->client, name))
			continue;
		post(server, watch, reported, strlen(reported), OUTBOX_SPECIAL, NULL);
	}
}

void fire_special(struct server *server, enum fire_special special, uint16_t domid, unsigned forms)
{
	const char *name = special == FIRE_INTRODUCE ? "@introduceDomain" : "@releaseDomain";
	char of_domain[32];

	snprintf(of_domain, sizeof(of_domain), "%s/%u", name, (unsigned)domid);
	if (forms & FIRE_OF_DOMAIN) {
		tell_special(server, name, name, of_domain, true);
		tell_special(server, name, of_domain, of_domain, false);
	}
	if (forms & FIRE_PLAIN)
		tell_special(server, name, name, name, false);
}
