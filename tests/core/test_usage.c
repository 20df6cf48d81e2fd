/* SPDX-License-Identifier: MIT */
#include "xenstored/core/usage.h"

#include <errno.h>

#include "tests/support/check.h"
#include "xenstored/base/arena.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/host.h"

enum { OWNERS = 100 };

static const struct host no_host = { 0 };
static struct domains domains;
static struct arena arena;

static struct usage begin(void)
{
	CHECK_INT(domains_init(&domains, &no_host, 0, 1), 0);
	domains.limits.hard[QUOTA_NODES] = 10;
	domains.limits.hard[QUOTA_MEMORY] = 1000;
	return (struct usage){ .arena = &arena };
}

static void end(void)
{
	arena_fini(&arena);
	domains_fini(&domains);
}

static uint64_t used(uint16_t domid, enum quota_kind kind)
{
	return domain_find(&domains, domid)->ledger.used[kind];
}

static void apply(const struct usage *usage)
{
	CHECK_INT(usage_prepare(usage, &domains), 0);
	usage_apply(usage, &domains);
}

TEST(shares_are_summed_up_by_owner)
{
	struct usage usage = begin();

	for (int round = 0; round < 2; round++) {
		for (uint16_t owner = 0; owner < OWNERS; owner++)
			usage_add(&usage, owner, 1, owner);
	}
	CHECK_UINT(usage.n, OWNERS);
	apply(&usage);
	for (uint16_t owner = 0; owner < OWNERS; owner++) {
		CHECK_UINT(used(owner, QUOTA_NODES), 2);
		CHECK_UINT(used(owner, QUOTA_MEMORY), 2U * owner);
	}
	end();
}

TEST(a_sum_grows_if_anybody_gets_more)
{
	struct usage usage = begin();

	CHECK(!usage_grows(&usage));
	usage_add(&usage, 1, -1, -50);
	CHECK(!usage_grows(&usage));
	usage_add(&usage, 2, 0, 1);
	CHECK(usage_grows(&usage));
	usage_add(&usage, 2, 0, -1);
	CHECK(!usage_grows(&usage));
	usage_add(&usage, 3, 1, -10);
	CHECK(usage_grows(&usage));
	end();
}

TEST(exactly_the_limit_passes_and_one_more_does_not)
{
	struct usage usage = begin();

	CHECK_INT(usage_prepare(&usage, &domains), 0);
	usage_add(&usage, 1, 10, 1000);
	CHECK_INT(usage_prepare(&usage, &domains), 0);
	CHECK_INT(usage_check(&usage, &domains), 0);
	usage_add(&usage, 1, 1, 0);
	CHECK_INT(usage_check(&usage, &domains), ENOSPC);
	usage_add(&usage, 1, -1, 1);
	CHECK_INT(usage_check(&usage, &domains), ENOSPC);
	end();
}

TEST(the_privileged_domain_may_pass_any_limit)
{
	struct usage usage = begin();

	usage_add(&usage, 0, 5000, 1 << 20);
	CHECK_INT(usage_prepare(&usage, &domains), 0);
	CHECK_INT(usage_check(&usage, &domains), 0);
	end();
}

TEST(who_has_too_much_may_still_shrink)
{
	struct usage usage = begin(), less = { .arena = &arena };

	usage_add(&usage, 1, 8, 800);
	apply(&usage);
	domain_find(&domains, 1)->ledger.limits.hard[QUOTA_NODES] = 2;
	usage_add(&less, 1, -1, 100);
	CHECK_INT(usage_check(&less, &domains), 0);
	apply(&less);
	CHECK_UINT(used(1, QUOTA_NODES), 7);
	CHECK_UINT(used(1, QUOTA_MEMORY), 900);
	end();
}

TEST(a_refund_gives_one_node_and_its_memory_back)
{
	struct usage usage = begin();

	usage_add(&usage, 1, 3, 90);
	apply(&usage);
	usage_refund(&domains, 1, 30);
	CHECK_UINT(used(1, QUOTA_NODES), 2);
	CHECK_UINT(used(1, QUOTA_MEMORY), 60);
	end();
}

TEST(a_broken_sum_is_never_taken_for_a_good_one)
{
	struct usage usage = begin();

	usage.is_broken = true;
	CHECK(usage_grows(&usage));
	CHECK_INT(usage_check(&usage, &domains), -ENOMEM);
	CHECK_INT(usage_prepare(&usage, &domains), -ENOMEM);
	end();
}
