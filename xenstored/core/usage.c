/* SPDX-License-Identifier: MIT */
#include "xenstored/core/usage.h"

#include <errno.h>
#include <string.h>

#include "xenstored/base/arena.h"
#include "xenstored/core/domain.h"

static struct usage_share *share_of(struct usage *usage, uint16_t owner)
{
	size_t size = usage->size ? usage->size * 2 : 4;
	struct usage_share *shares;

	for (size_t i = 0; i < usage->n; i++) {
		if (usage->shares[i].owner == owner)
			return &usage->shares[i];
	}
	if (usage->n == usage->size) {
		shares = arena_alloc(usage->arena, size * sizeof(*shares));
		if (!shares)
			return NULL;
		if (usage->n)
			memcpy(shares, usage->shares, usage->n * sizeof(*shares));
		usage->shares = shares;
		usage->size = size;
	}
	usage->shares[usage->n] = (struct usage_share){ .owner = owner };
	return &usage->shares[usage->n++];
}

void usage_add(void *arg, uint16_t owner, int64_t n_nodes, int64_t n_bytes)
{
	struct usage *usage = arg;
	struct usage_share *share = share_of(usage, owner);

	if (!share) {
		usage->is_broken = true;
		return;
	}
	share->n_nodes += n_nodes;
	share->n_bytes += n_bytes;
}

static uint64_t growth(int64_t difference)
{
	return difference > 0 ? (uint64_t)difference : 0;
}

bool usage_grows(const struct usage *usage)
{
	/* A broken sum is judged by whoever checks it. */
	if (usage->is_broken)
		return true;
	for (size_t i = 0; i < usage->n; i++) {
		if (usage->shares[i].n_nodes > 0 || usage->shares[i].n_bytes > 0)
			return true;
	}
	return false;
}

bool usage_fits(const struct usage *usage, const struct domains *domains)
{
	for (size_t i = 0; i < usage->n; i++) {
		const struct usage_share *share = &usage->shares[i];
		const struct domain *domain = domain_find(domains, share->owner);

		if (domain &&
		    !(ledger_has_room(&domain->ledger, QUOTA_NODES, growth(share->n_nodes)) &&
		      ledger_has_room(&domain->ledger, QUOTA_MEMORY, growth(share->n_bytes))))
			return false;
	}
	return true;
}

int usage_check(const struct usage *usage, const struct domains *domains)
{
	int err = 0;

	if (usage->is_broken)
		return -ENOMEM;
	for (size_t i = 0; i < usage->n && !err; i++) {
		const struct usage_share *share = &usage->shares[i];
		struct domain *domain = domain_find(domains, share->owner);

		if (!domain)
			continue;
		err = ledger_check(&domain->ledger, QUOTA_NODES, growth(share->n_nodes));
		if (!err)
			err = ledger_check(&domain->ledger, QUOTA_MEMORY, growth(share->n_bytes));
	}
	return err;
}

int usage_prepare(const struct usage *usage, struct domains *domains)
{
	struct domain *domain;
	int err = usage->is_broken ? -ENOMEM : 0;

	for (size_t i = 0; i < usage->n && !err; i++)
		err = domain_record(domains, usage->shares[i].owner, &domain);
	return err;
}

void usage_apply(const struct usage *usage, const struct domains *domains)
{
	for (size_t i = 0; i < usage->n; i++) {
		const struct usage_share *share = &usage->shares[i];
		struct domain *domain = domain_find(domains, share->owner);

		ledger_adjust(&domain->ledger, QUOTA_NODES, share->n_nodes);
		ledger_adjust(&domain->ledger, QUOTA_MEMORY, share->n_bytes);
	}
}

void usage_refund(void *domains, uint16_t owner, uint64_t cost)
{
	struct domain *domain = domain_find(domains, owner);

	ledger_adjust(&domain->ledger, QUOTA_NODES, -1);
	ledger_adjust(&domain->ledger, QUOTA_MEMORY, -(int64_t)cost);
}
