/* SPDX-License-Identifier: MIT */
#include "xenstored/core/removal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xenstored/core/access.h"
#include "xenstored/core/acquaintance.h"
#include "xenstored/core/fire.h"
#include "xenstored/core/host.h"
#include "xenstored/core/state.h"
#include "xenstored/core/usage.h"
#include "xenstored/store/edit.h"
#include "xenstored/store/merge.h"
#include "xenstored/store/owners.h"
#include "xenstored/store/roster.h"
#include "xenstored/store/store.h"
#include "xenstored/store/view.h"

/* One node of the domain. */
struct owned {
	uint64_t id;
	size_t len;
	char *path; /* in the arena */
};

struct owned_list {
	struct arena *arena;
	struct owned *all; /* owned heap: the arena cannot grow an array in place */
	size_t n, size;
};

static int owned_add(void *arg, uint16_t owner, uint64_t id, const char *path, size_t len)
{
	struct owned_list *list = arg;
	size_t size = list->size ? list->size * 2 : 64;
	struct owned *all;
	char *copy;

	(void)owner;
	if (list->n == list->size) {
		all = realloc(list->all, size * sizeof(*all));
		if (!all)
			return -ENOMEM;
		list->all = all;
		list->size = size;
	}
	copy = arena_alloc(list->arena, len + 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, path, len);
	copy[len] = '\0';
	list->all[list->n++] = (struct owned){ .id = id, .len = len, .path = copy };
	return 0;
}

static int compare_owned(const void *left, const void *right)
{
	const struct owned *a = left, *b = right;

	return strcmp(a->path, b->path);
}

/* The node's list with the privileged domain as its owner. */
static int new_owner(struct server *server, const struct node *node, struct node *out_model)
{
	int err = access_current_perms(&server->domains, &server->arena, node, out_model);
	struct xsp_perm owner;
	uint8_t *perms;

	if (err)
		return err;
	perms = arena_copy(&server->arena, out_model->perms,
			   (size_t)out_model->n_perms * NODE_PERM_SIZE);
	if (!perms)
		return -ENOMEM;
	owner = node_perm(out_model, 0);
	owner.domid = server->config.privileged_domid;
	node_perm_put(perms, owner);
	out_model->perms = perms;
	return 0;
}

static int change(struct server *server, struct view *view, const struct walk *walk)
{
	struct node model;
	int err;

	/* Special nodes are never removed. */
	if (!server->config.keep_orphans && walk->spot.path[0] != '@' && walk->spot.path_len > 1)
		return view_remove(view, &walk->spot, &walk->node);
	err = new_owner(server, &walk->node, &model);
	return err ? err : edit_perms(view, walk, &model);
}

static int remove_node(struct server *server, uint16_t domid, const struct owned *owned)
{
	struct usage usage = { .arena = &server->arena };
	struct view view;
	struct walk walk;
	int err;

	view_begin(&view, server->store, NULL, &server->arena);
	err = view_walk(&view, owned->path, owned->len, 0, &walk);
	/* Detached meanwhile, with a node above it: the store reclaims it. */
	if (!err && (!walk.exists || walk.node.id != owned->id || node_owner(&walk.node) != domid))
		goto out;
	if (!err)
		err = change(server, &view, &walk);
	if (!err)
		err = merge_usage(&view, usage_add, &usage);
	if (!err)
		err = usage_prepare(&usage, &server->domains);
	if (!err)
		err = merge_apply(&view, &server->arena, 0);
	client_settle_all(server);
	if (!err) {
		usage_apply(&usage, &server->domains);
		err = fire_changes(server, &view, FIRE_DEEPEST_FIRST, NULL);
	}
out:
	view_end(&view);
	return err;
}

static int remove_nodes(struct server *server, uint16_t domid)
{
	struct owned_list list = { .arena = &server->arena };
	int err = owners_visit(server->store->db, domid, owned_add, &list);

	/* In byte order a node comes before what is below it, and takes that along. */
	if (list.n)
		qsort(list.all, list.n, sizeof(*list.all), compare_owned);
	for (size_t i = 0; i < list.n && !err; i++)
		err = remove_node(server, domid, &list.all[i]);
	free(list.all);
	return err;
}

/* Takes the domain off the roster, with the epoch in which it will be gone. */
static int strike(struct server *server, struct domain *domain, uint32_t epoch)
{
	int err = store_reserve(server->store, 2, (size_t)2 * ROSTER_BYTES, DB_ROOM_LAST);

	client_settle_all(server);
	if (!err)
		err = roster_remove(server->store->db, domain->domid);
	if (!err)
		err = roster_put_epoch(server->store->db, epoch);
	domain->is_recorded = false;
	return err;
}

/* Its record goes when its client has gone and nothing is left of it. */
static void add_to_gone(struct server *server, struct domain *domain)
{
	if (!domain->is_gone)
		TAILQ_INSERT_TAIL(&server->domains.gone, domain, in_gone);
	domain->is_gone = true;
}

int removal_run(struct server *server, struct domain *domain)
{
	uint16_t domid = domain->domid;
	bool was_introduced = domain->is_introduced;
	int err;

	if (domain->client)
		client_leave(domain->client);
	domain->client = NULL;
	/* First of all: whatever is written in the new epoch must find it in the store. */
	err = strike(server, domain, server->domains.epoch + 1);
	if (!err)
		err = remove_nodes(server, domid);
	if (err) {
		server->is_turn_lost = true;
		domain->has_leftovers = true;
		server->needs_scan = true;
	}
	domain_void_permissions(&server->domains, domid);
	for (int kind = 0; kind < QUOTA_ACCOUNTED; kind++) {
		if (domain->ledger.peak[kind] > server->peak[kind])
			server->peak[kind] = domain->ledger.peak[kind];
	}
	domain->is_introduced = domain->is_shut_down = domain->is_named = false;
	if (was_introduced) {
		fire_special(server, FIRE_RELEASE, domid, FIRE_PLAIN);
		fire_special(server, FIRE_RELEASE, domid, FIRE_OF_DOMAIN);
	}
	add_to_gone(server, domain);
	return err;
}

void removal_of_strangers(struct server *server)
{
	struct domain *domain;

	TAILQ_FOREACH (domain, &server->domains.all, entry) {
		if (domain->is_named || domain->domid == server->config.privileged_domid ||
		    domain->domid == server->config.store_domid)
			continue;
		domain->has_leftovers = true;
		add_to_gone(server, domain);
		server->needs_scan = true;
	}
}

void removal_undone(struct server *server)
{
	struct domain *domain;

	TAILQ_FOREACH (domain, &server->domains.gone, in_gone) {
		domain->has_leftovers = true;
		server->needs_scan = true;
	}
}

static int remove_leftovers(struct server *server, struct domain *domain)
{
	int err = strike(server, domain, server->domains.epoch);

	if (!err)
		err = remove_nodes(server, domain->domid);
	if (err)
		server->is_turn_lost = true;
	else
		domain->has_leftovers = false;
	return err;
}

static bool is_gone(const struct domain *domain, bool exists, const struct host_domain *state)
{
	if (!exists || state->is_dead)
		return true;
	return domain->unique_id != state->unique_id;
}

/* Compares one domain with the host's. */
static int scan_domain(struct server *server, struct domain *domain, bool *has_shutdown)
{
	struct host_domain state;
	bool exists = server->host->domain_state(server->host->self, domain->domid, &state);
	int err;

	if (is_gone(domain, exists, &state))
		return removal_run(server, domain);
	if (domain->is_introduced && state.is_shut_down && !domain->is_shut_down) {
		domain->is_shut_down = *has_shutdown = true;
		fire_special(server, FIRE_RELEASE, domain->domid, FIRE_OF_DOMAIN);
	}
	/* Only after a lost turn, or want of room, it is not on the roster; then room is scarce. */
	err = acquaintance_record(server, domain);
	return err == ENOSPC ? 0 : err;
}

int removal_scan(struct server *server)
{
	struct domain *domain;
	bool has_shutdown = false;
	int err = acquaintance_record_epoch(server);

	if (err)
		return err;
	/* No record is freed here: that happens at the end of the turn. */
	TAILQ_FOREACH (domain, &server->domains.all, entry) {
		if (domain->has_leftovers)
			err = remove_leftovers(server, domain);
		if (!err && (domain->is_introduced || domain->is_named) &&
		    domain->domid != server->config.privileged_domid &&
		    domain->domid != server->config.store_domid)
			err = scan_domain(server, domain, &has_shutdown);
		if (err)
			break;
	}
	if (has_shutdown)
		fire_special(server, FIRE_RELEASE, 0, FIRE_PLAIN);
	return err;
}
