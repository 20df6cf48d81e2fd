/* SPDX-License-Identifier: MIT */
#include "xenstored/core/domain.h"

#include <errno.h>
#include <stdlib.h>

#include "protocol/wire.h"
#include "xenstored/core/host.h"

static bool is_domid(const struct map_link *link, const void *domid)
{
	return ((const struct domain *)link)->domid == *(const uint16_t *)domid;
}

int domains_init(struct domains *domains, const struct host *host, uint16_t privileged,
		 uint64_t seed)
{
	*domains = (struct domains){ .host = host, .privileged = privileged };
	map_init(&domains->by_domid, seed);
	TAILQ_INIT(&domains->all);
	TAILQ_INIT(&domains->gone);
	quota_defaults(&domains->limits);
	domains->features = XSP_FEATURES_ALL;
	/* One word for each domid there can be; pages nobody writes to cost nothing. */
	domains->removed = calloc(UINT16_MAX + 1, sizeof(*domains->removed));
	return domains->removed ? 0 : -ENOMEM;
}

void domains_go_on(struct domains *domains, uint32_t epoch)
{
	/* Not even the first server begins with 0: that stands for none in `removed`. */
	domains->epoch = domains->start_epoch = epoch + 1;
	domain_go_on(domains, domains->privileged, 1);
}

void domain_go_on(struct domains *domains, uint16_t domid, uint32_t since)
{
	domains->removed[domid] = since;
}

void domains_fini(struct domains *domains)
{
	struct domain *domain;

	while ((domain = TAILQ_FIRST(&domains->all))) {
		TAILQ_REMOVE(&domains->all, domain, entry);
		free(domain);
	}
	map_fini(&domains->by_domid);
	free(domains->removed);
}

struct domain *domain_find(const struct domains *domains, uint16_t domid)
{
	uint64_t hash = map_hash_u64(domains->by_domid.seed, domid);

	return (struct domain *)map_find(&domains->by_domid, hash, is_domid, &domid);
}

int domain_record(struct domains *domains, uint16_t domid, struct domain **out_domain)
{
	struct domain *domain = domain_find(domains, domid);

	if (!domain) {
		domain = calloc(1, sizeof(*domain));
		if (!domain)
			return -ENOMEM;
		domain->domid = domid;
		domain->target = XSP_DOMID_INVALID;
		domain->features = domains->features;
		LIST_INIT(&domain->outstanding);
		domain->ledger.limits = domains->limits;
		domain->ledger.news = &domains->has_room_news;
		domain->ledger.is_limited = domid != domains->privileged;
		map_add(&domains->by_domid, &domain->link,
			map_hash_u64(domains->by_domid.seed, domid));
		TAILQ_INSERT_TAIL(&domains->all, domain, entry);
	}
	*out_domain = domain;
	return 0;
}

int domain_learn(struct domains *domains, uint16_t domid, struct domain **out_domain)
{
	struct domain *domain = domain_find(domains, domid);
	struct host_domain state = { 0 };
	int err;

	if (domain && (domain->is_introduced || domid == domains->privileged)) {
		*out_domain = domain;
		return 0;
	}
	if (domid != domains->privileged &&
	    (domid >= XSP_DOMID_FIRST_RESERVED ||
	     !domains->host->domain_state(domains->host->self, domid, &state) || state.is_dead))
		return ENOENT;
	err = domain_record(domains, domid, &domain);
	if (err)
		return err;
	if (domid != domains->privileged && domain->unique_id != state.unique_id) {
		if (domain->is_named)
			return ESTALE;
		domain->unique_id = state.unique_id;
	}
	domain->is_named = true;
	*out_domain = domain;
	return 0;
}

static bool is_charged(const struct domain *domain)
{
	bool is_charged = false;

	for (int kind = 0; kind < QUOTA_ACCOUNTED; kind++)
		is_charged = is_charged || domain->ledger.used[kind] > 0;
	return is_charged;
}

/* A removed domain's record: as if never heard of, but for what is charged to it. */
static void make_blank(struct domains *domains, struct domain *domain)
{
	domain->is_shut_down = false;
	domain->target = XSP_DOMID_INVALID;
	domain->features = domains->features;
	domain->unique_id = 0;
	domain->ledger.limits = domains->limits;
	outstanding_forgive(&domain->outstanding);
}

void domains_reap(struct domains *domains)
{
	struct domain *domain, *next;

	for (domain = TAILQ_FIRST(&domains->gone); domain; domain = next) {
		next = TAILQ_NEXT(domain, in_gone);
		/* It may have come again meanwhile. */
		if (!domain->is_introduced && !domain->is_named &&
		    (is_charged(domain) || domain->has_leftovers))
			continue;
		TAILQ_REMOVE(&domains->gone, domain, in_gone);
		domain->is_gone = false;
		if (domain->is_introduced || domain->is_named)
			continue;
		map_remove(&domains->by_domid, &domain->link);
		TAILQ_REMOVE(&domains->all, domain, entry);
		free(domain);
	}
}

void domain_void_permissions(struct domains *domains, uint16_t domid)
{
	struct domain *domain = domain_find(domains, domid);

	domains->removed[domid] = ++domains->epoch;
	if (domain)
		make_blank(domains, domain);
}

uint32_t domain_since(const struct domains *domains, uint16_t domid)
{
	return domains->removed[domid] ? domains->removed[domid] : domains->start_epoch;
}

bool domain_entry_counts(const struct domains *domains, uint16_t domid, uint32_t epoch)
{
	return domain_since(domains, domid) <= epoch;
}

uint16_t domain_target(const struct domains *domains, const struct domain *domain)
{
	/* Whoever acted for a domain does not act for the next one of that number. */
	if (domain->target == XSP_DOMID_INVALID ||
	    !domain_entry_counts(domains, domain->target, domain->target_epoch))
		return XSP_DOMID_INVALID;
	return domain->target;
}

void domain_set_target(const struct domains *domains, struct domain *domain, uint16_t target)
{
	domain->target = target;
	domain->target_epoch = domains->epoch;
}
