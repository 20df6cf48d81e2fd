/* SPDX-License-Identifier: MIT */
/*
 * Quotas: their names and limits, what each domain uses, and the charge.
 *
 * A limit of 0 is no limit; a limit accepts exactly its value. Whatever occupies a domain's quota
 * holds a charge and gives it back by dropping it. Nodes and their memory are the exception: a
 * view knows by how much it changes them, and its merge applies the difference.
 */
#ifndef XSD_CORE_QUOTA_H
#define XSD_CORE_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum quota_kind {
	QUOTA_NODES,
	QUOTA_WATCHES,
	QUOTA_OUTSTANDING,
	QUOTA_MEMORY,
	QUOTA_TRANSACTIONS,
	QUOTA_ACCOUNTED, /* the kinds above are counted per domain */
	QUOTA_TRANSACTION_NODES = QUOTA_ACCOUNTED,
	QUOTA_NODE_PERMISSIONS,
	QUOTA_PATH_MAX,
	QUOTA_NODE_SIZE,
	QUOTA_KINDS,
};

/* One set of limits. */
struct quota_limits {
	uint32_t hard[QUOTA_KINDS];
	uint32_t soft_memory;
};

void quota_defaults(struct quota_limits *limits);

/* The wire's name, and what the listing says of it. */
const char *quota_name(enum quota_kind kind);
const char *quota_description(enum quota_kind kind);

/*
 * The limit of that name ("soft-memory" included, "permissions" understood as in older servers),
 * or NULL.
 */
uint32_t *quota_find(struct quota_limits *limits, const char *name);

/* What one domain uses. Zero is a valid ledger, without limits. */
struct ledger {
	struct quota_limits limits;
	bool is_limited;
	bool is_over_soft;     /* as was told last */
	uint64_t soft_told_ms; /* when that was; 0: never */
	uint64_t used[QUOTA_ACCOUNTED];
	uint64_t peak[QUOTA_ACCOUNTED];
	uint64_t hits[QUOTA_KINDS]; /* refusals */
	uint32_t announced;         /* kinds whose first refusal was logged, as bits */
	bool is_awaited;            /* somebody waits for something to be given back */
	bool *news;                 /* borrowed; set when that happens; NULL: nobody asks */
};

/* True if `more` on top of what is used does not pass the limit. */
bool ledger_has_room(const struct ledger *ledger, enum quota_kind kind, uint64_t more);

/* 0, or ENOSPC if `more` on top of what is used passes the limit; the refusal is counted. */
int ledger_check(struct ledger *ledger, enum quota_kind kind, uint64_t more);

/* True if a single thing of that size, not counted per domain, passes the limit; counted too. */
bool ledger_exceeds(struct ledger *ledger, enum quota_kind kind, uint64_t size);

/* Changes what is used, without a check. */
void ledger_adjust(struct ledger *ledger, enum quota_kind kind, int64_t difference);

/* What one object costs its domain. Zero is a valid, empty charge. */
struct charge {
	struct ledger *ledger; /* borrowed; NULL while nothing is held */
	enum quota_kind kind;
	uint32_t amount;
};

/* Returns 0, or ENOSPC and leaves the charge empty. */
int charge_take(struct charge *charge, struct ledger *ledger, enum quota_kind kind, uint32_t amount)
	__attribute__((warn_unused_result));
void charge_drop(struct charge *charge);

#endif
