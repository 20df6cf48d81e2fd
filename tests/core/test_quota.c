/* SPDX-License-Identifier: MIT */
#include "xenstored/core/quota.h"

#include <errno.h>

#include "tests/support/check.h"

static struct ledger limited(enum quota_kind kind, uint32_t limit)
{
	struct ledger ledger = { .is_limited = true };

	ledger.limits.hard[kind] = limit;
	return ledger;
}

TEST(a_limit_accepts_exactly_its_value)
{
	struct ledger ledger = limited(QUOTA_WATCHES, 3);
	struct charge all = { 0 }, more = { 0 };

	CHECK_INT(ledger_check(&ledger, QUOTA_WATCHES, 4), ENOSPC);
	CHECK_INT(charge_take(&all, &ledger, QUOTA_WATCHES, 3), 0);
	CHECK_UINT(ledger.used[QUOTA_WATCHES], 3);
	CHECK_INT(charge_take(&more, &ledger, QUOTA_WATCHES, 1), ENOSPC);
	CHECK(!more.ledger);
	CHECK_UINT(ledger.used[QUOTA_WATCHES], 3);
	CHECK_UINT(ledger.hits[QUOTA_WATCHES], 2);
	charge_drop(&all);
	CHECK_UINT(ledger.used[QUOTA_WATCHES], 0);
	CHECK_UINT(ledger.peak[QUOTA_WATCHES], 3);
}

TEST(a_size_passes_up_to_exactly_the_limit)
{
	struct ledger ledger = limited(QUOTA_NODE_SIZE, 100);

	CHECK(!ledger_exceeds(&ledger, QUOTA_NODE_SIZE, 100));
	CHECK_UINT(ledger.hits[QUOTA_NODE_SIZE], 0);
	CHECK(ledger_exceeds(&ledger, QUOTA_NODE_SIZE, 101));
	CHECK_UINT(ledger.hits[QUOTA_NODE_SIZE], 1);
}

TEST(a_charge_can_be_dropped_twice_but_counts_once)
{
	struct ledger ledger = limited(QUOTA_NODES, 5);
	struct charge first = { 0 }, second = { 0 };

	CHECK_INT(charge_take(&first, &ledger, QUOTA_NODES, 2), 0);
	CHECK_INT(charge_take(&second, &ledger, QUOTA_NODES, 2), 0);
	charge_drop(&first);
	charge_drop(&first);
	CHECK_UINT(ledger.used[QUOTA_NODES], 2);
	charge_drop(&second);
	CHECK_UINT(ledger.used[QUOTA_NODES], 0);
}

TEST(a_limit_lowered_below_what_is_used_only_stops_growth)
{
	struct ledger ledger = limited(QUOTA_NODES, 10);
	struct charge charge = { 0 };

	CHECK_INT(charge_take(&charge, &ledger, QUOTA_NODES, 8), 0);
	ledger.limits.hard[QUOTA_NODES] = 4;
	CHECK_INT(ledger_check(&ledger, QUOTA_NODES, 0), 0);
	CHECK_INT(ledger_check(&ledger, QUOTA_NODES, 1), ENOSPC);
	charge_drop(&charge);
	CHECK_INT(ledger_check(&ledger, QUOTA_NODES, 4), 0);
	CHECK_INT(ledger_check(&ledger, QUOTA_NODES, 5), ENOSPC);
}

TEST(huge_requests_do_not_wrap_around)
{
	struct ledger ledger = limited(QUOTA_MEMORY, 100);

	ledger_adjust(&ledger, QUOTA_MEMORY, 50);
	CHECK_INT(ledger_check(&ledger, QUOTA_MEMORY, UINT64_MAX), ENOSPC);
	CHECK_INT(ledger_check(&ledger, QUOTA_MEMORY, UINT64_MAX - 49), ENOSPC);
}

TEST(zero_is_no_limit)
{
	struct ledger ledger = limited(QUOTA_NODES, 0);

	CHECK_INT(ledger_check(&ledger, QUOTA_NODES, UINT32_MAX), 0);
	CHECK(!ledger_exceeds(&ledger, QUOTA_PATH_MAX, UINT32_MAX));
}

TEST(a_ledger_without_limits_counts_all_the_same)
{
	struct ledger ledger = limited(QUOTA_NODES, 1);
	struct charge charge = { 0 };

	ledger.is_limited = false;
	CHECK_INT(charge_take(&charge, &ledger, QUOTA_NODES, 7), 0);
	CHECK_UINT(ledger.used[QUOTA_NODES], 7);
	CHECK_UINT(ledger.hits[QUOTA_NODES], 0);
	CHECK(!ledger_exceeds(&ledger, QUOTA_NODES, 7));
	charge_drop(&charge);
}

TEST(giving_back_is_news_only_to_those_who_wait)
{
	bool has_news = false;
	struct ledger ledger = limited(QUOTA_OUTSTANDING, 2);
	struct charge charge = { 0 };

	ledger.news = &has_news;
	CHECK_INT(charge_take(&charge, &ledger, QUOTA_OUTSTANDING, 1), 0);
	charge_drop(&charge);
	CHECK(!has_news);
	ledger.is_awaited = true;
	CHECK_INT(charge_take(&charge, &ledger, QUOTA_OUTSTANDING, 1), 0);
	CHECK(!has_news);
	charge_drop(&charge);
	CHECK(has_news);
}

TEST(every_kind_is_found_by_its_name)
{
	struct quota_limits limits;

	quota_defaults(&limits);
	for (int kind = 0; kind < QUOTA_KINDS; kind++) {
		CHECK(quota_find(&limits, quota_name((enum quota_kind)kind)) == &limits.hard[kind]);
		CHECK(quota_description((enum quota_kind)kind)[0] != '\0');
		CHECK(limits.hard[kind] > 0);
	}
	CHECK(quota_find(&limits, "soft-memory") == &limits.soft_memory);
	CHECK(limits.soft_memory < limits.hard[QUOTA_MEMORY]);
}

TEST(older_servers_name_of_the_permissions_is_understood)
{
	struct quota_limits limits;

	CHECK(quota_find(&limits, "permissions") == &limits.hard[QUOTA_NODE_PERMISSIONS]);
}

TEST(unknown_names_are_not_found)
{
	static const char *const names[] = { "", "node", "nodes ", "Nodes", "hard-memory" };
	struct quota_limits limits;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		CHECK(!quota_find(&limits, names[i]));
}
