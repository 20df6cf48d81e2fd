/* SPDX-License-Identifier: MIT */
#include "xenstored/core/acquaintance.h"

#include <errno.h>

#include "xenstored/core/state.h"
#include "xenstored/store/roster.h"
#include "xenstored/store/store.h"

/* These two exist as long as we do: nobody else will ever have their numbers. */
static bool is_permanent(const struct server *server, uint16_t domid)
{
	return domid == server->config.privileged_domid || domid == server->config.store_domid;
}

static int add(void *arg, const struct roster_entry *entry)
{
	struct server *server = arg;
	struct domain *domain;
	int err;

	if (is_permanent(server, entry->domid))
		return 0;
	err = domain_record(&server->domains, entry->domid, &domain);
	if (err)
		return err;
	domain->unique_id = entry->unique_id;
	domain->is_named = domain->is_recorded = true;
	domain_go_on(&server->domains, entry->domid, entry->since);
	return 0;
}

int acquaintance_go_on(struct server *server)
{
	struct domains *domains = &server->domains;
	uint32_t epoch = 0;
	int err = roster_epoch(server->store->db, &epoch);

	if (err && err != ENOENT)
		return err;
	domains_go_on(domains, epoch);
	domain_go_on(domains, server->config.store_domid, 1);
	server->needs_scan = true;
	return roster_visit(server->store->db, add, server);
}

void acquaintance_undone(struct server *server)
{
	struct domain *domain;

	server->domains.is_epoch_recorded = false;
	TAILQ_FOREACH (domain, &server->domains.all, entry)
		domain->is_recorded = false;
	server->needs_scan = true;
}

int acquaintance_record_epoch(struct server *server)
{
	struct domains *domains = &server->domains;
	int err = 0;

	if (domains->is_epoch_recorded)
		return 0;
	err = store_reserve(server->store, 1, ROSTER_BYTES, DB_ROOM_LAST);
	if (!err)
		err = roster_put_epoch(server->store->db, domains->epoch);
	if (err)
		server->is_turn_lost = true;
	domains->is_epoch_recorded = !err;
	return err;
}

int acquaintance_record(struct server *server, struct domain *domain)
{
	struct roster_entry entry = {
		.unique_id = domain->unique_id,
		.since = domain_since(&server->domains, domain->domid),
		.domid = domain->domid,
	};
	int err;

	if (domain->is_recorded || is_permanent(server, domain->domid))
		return 0;
	err = store_reserve(server->store, 1, ROSTER_BYTES, DB_ROOM_LAST);
	client_settle_all(server);
	if (!err)
		err = roster_put(server->store->db, &entry);
	if (err < 0)
		server->is_turn_lost = true;
	domain->is_recorded = !err;
	return err;
}
