/* SPDX-License-Identifier: MIT */
/*
 * What a change does to the domains' nodes and memory: summed up, checked, then applied.
 */
#ifndef XSD_CORE_USAGE_H
#define XSD_CORE_USAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct domains;
struct view;

struct usage_share {
	uint16_t owner;
	int64_t n_nodes;
	int64_t n_bytes;
};

/* Zero, with an arena, is an empty sum. */
struct usage {
	struct arena *arena; /* borrowed: the shares live there */
	struct usage_share *shares;
	size_t n, size;
	bool is_broken; /* memory ran out */
};

/* Adds to an owner's share; of type merge_charge_fn. */
void usage_add(void *usage, uint16_t owner, int64_t n_nodes, int64_t n_bytes);

/* True if anybody would have more than before. */
bool usage_grows(const struct usage *usage);

/* True if no domain would have too much. */
bool usage_fits(const struct usage *usage, const struct domains *domains);

/* 0, ENOSPC if a domain would have too much, and the refusal is counted; -ENOMEM. */
int usage_check(const struct usage *usage, const struct domains *domains)
	__attribute__((warn_unused_result));

/* Makes sure that every owner has a record, so that usage_apply() cannot fail. -ENOMEM. */
int usage_prepare(const struct usage *usage, struct domains *domains)
	__attribute__((warn_unused_result));
void usage_apply(const struct usage *usage, const struct domains *domains);

/* Gives one node back, of type store_refund_fn; `domains` as void. */
void usage_refund(void *domains, uint16_t owner, uint64_t cost);

#endif
