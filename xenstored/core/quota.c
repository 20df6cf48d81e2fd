/* SPDX-License-Identifier: MIT */
#include "xenstored/core/quota.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static const struct {
	const char *name;
	const char *description;
	uint32_t start;
} kinds[QUOTA_KINDS] = {
	[QUOTA_NODES] = { "nodes", "Nodes per domain", 1000 },
	[QUOTA_WATCHES] = { "watches", "Watches per domain", 128 },
	[QUOTA_OUTSTANDING] = { "outstanding", "Outstanding requests per domain", 20 },
	[QUOTA_MEMORY] = { "memory", "Total Xenstore memory per domain", 2560 * 1024 },
	[QUOTA_TRANSACTIONS] = { "transactions", "Active transactions per domain", 10 },
	[QUOTA_TRANSACTION_NODES] = { "transaction-nodes",
				      "Max. number of accessed nodes per transaction", 1024 },
	[QUOTA_NODE_PERMISSIONS] = { "node-permissions", "Max. number of permissions per node", 5 },
	[QUOTA_PATH_MAX] = { "path-max", "Max. length of a node path", 2048 },
	[QUOTA_NODE_SIZE] = { "node-size", "Max. size of a node", 2048 },
};

enum { SOFT_MEMORY_START = 2048 * 1024 };

void quota_defaults(struct quota_limits *limits)
{
	for (int kind = 0; kind < QUOTA_KINDS; kind++)
		limits->hard[kind] = kinds[kind].start;
	limits->soft_memory = SOFT_MEMORY_START;
}

const char *quota_name(enum quota_kind kind)
{
	return kinds[kind].name;
}

const char *quota_description(enum quota_kind kind)
{
	return kinds[kind].description;
}

uint32_t *quota_find(struct quota_limits *limits, const char *name)
{
	if (!strcmp(name, "soft-memory"))
		return &limits->soft_memory;
	if (!strcmp(name, "permissions"))
		return &limits->hard[QUOTA_NODE_PERMISSIONS];
	for (int kind = 0; kind < QUOTA_KINDS; kind++) {
		if (!strcmp(name, kinds[kind].name))
			return &limits->hard[kind];
	}
	return NULL;
}

bool ledger_has_room(const struct ledger *ledger, enum quota_kind kind, uint64_t more)
{
	uint64_t limit = ledger->limits.hard[kind];

	if (!ledger->is_limited || limit == 0 || more == 0)
		return true;
	/* A limit lowered below what is in use only stops growth. */
	return ledger->used[kind] <= limit && more <= limit - ledger->used[kind];
}

int ledger_check(struct ledger *ledger, enum quota_kind kind, uint64_t more)
{
	if (ledger_has_room(ledger, kind, more))
		return 0;
	ledger->hits[kind]++;
	return ENOSPC;
}

bool ledger_exceeds(struct ledger *ledger, enum quota_kind kind, uint64_t size)
{
	uint64_t limit = ledger->limits.hard[kind];

	if (!ledger->is_limited || limit == 0 || size <= limit)
		return false;
	ledger->hits[kind]++;
	return true;
}

void ledger_adjust(struct ledger *ledger, enum quota_kind kind, int64_t difference)
{
	assert(difference >= 0 || ledger->used[kind] >= (uint64_t)-difference);
	ledger->used[kind] += (uint64_t)difference;
	if (difference < 0 && ledger->is_awaited && ledger->news)
		*ledger->news = true;
	if (ledger->used[kind] > ledger->peak[kind])
		ledger->peak[kind] = ledger->used[kind];
}

int charge_take(struct charge *charge, struct ledger *ledger, enum quota_kind kind, uint32_t amount)
{
	int err = ledger_check(ledger, kind, amount);

	if (err)
		return err;
	ledger_adjust(ledger, kind, amount);
	*charge = (struct charge){ .ledger = ledger, .kind = kind, .amount = amount };
	return 0;
}

void charge_drop(struct charge *charge)
{
	if (charge->ledger)
		ledger_adjust(charge->ledger, charge->kind, -(int64_t)charge->amount);
	*charge = (struct charge){ 0 };
}
