/* SPDX-License-Identifier: MIT */
#include "xenstored/core/domain.h"

#include <errno.h>

#include "protocol/wire.h"
#include "tests/support/check.h"
#include "xenstored/core/host.h"

/* The only domain of this host is 5, while `exists`. */
static bool exists;
static struct host_domain five;
static struct domains domains;

static bool domain_state(void *self, uint16_t domid, struct host_domain *out_state)
{
	(void)self;
	*out_state = five;
	return exists && domid == 5;
}

static const struct host host = { .domain_state = domain_state };

static void begin(void)
{
	exists = true;
	five = (struct host_domain){ .unique_id = 100 };
	CHECK_INT(domains_init(&domains, &host, 0, 1), 0);
}

static struct domain *learn(uint16_t domid)
{
	struct domain *domain = NULL;

	CHECK_INT(domain_learn(&domains, domid, &domain), 0);
	CHECK(domain_find(&domains, domid) == domain);
	return domain;
}

static void remove_domain(struct domain *domain)
{
	domain->is_introduced = false;
	domain->is_named = false;
	domain->is_gone = true;
	TAILQ_INSERT_TAIL(&domains.gone, domain, in_gone);
	domain_void_permissions(&domains, domain->domid);
}

TEST(a_domain_of_the_host_is_learned_once)
{
	struct domain *domain;

	begin();
	CHECK(!domain_find(&domains, 5));
	domain = learn(5);
	CHECK_UINT(domain->unique_id, 100);
	CHECK_UINT(domain->target, XSP_DOMID_INVALID);
	CHECK(domain->is_named && domain->ledger.is_limited);
	CHECK(learn(5) == domain);
	CHECK_UINT(domains.epoch, 0);
	domains_fini(&domains);
}

TEST(domains_that_do_not_exist_are_not_learned)
{
	struct domain *domain;

	begin();
	CHECK_INT(domain_learn(&domains, 6, &domain), ENOENT);
	CHECK_INT(domain_learn(&domains, XSP_DOMID_SELF, &domain), ENOENT);
	CHECK_INT(domain_learn(&domains, XSP_DOMID_ANY, &domain), ENOENT);
	five.is_dead = true;
	CHECK_INT(domain_learn(&domains, 5, &domain), ENOENT);
	CHECK(!domain_find(&domains, 5));
	CHECK(!domain_find(&domains, 6));
	domains_fini(&domains);
}

TEST(the_privileged_domain_always_exists_and_has_no_limits)
{
	begin();
	exists = false;
	CHECK(!learn(0)->ledger.is_limited);
	domains_fini(&domains);
}

TEST(a_domain_with_another_unique_id_inherits_no_permissions)
{
	struct domain *domain, *other;

	begin();
	domain = learn(5);
	domain_set_target(&domains, domain, 7);
	domain->ledger.limits.hard[QUOTA_NODES] = 1;
	CHECK(domain_entry_counts(&domains, 5, 0));
	five.unique_id = 101;
	/* First the end of the one, then the other. */
	CHECK_INT(domain_learn(&domains, 5, &other), ESTALE);
	CHECK_UINT(domain->unique_id, 100);
	remove_domain(domain);
	CHECK(learn(5) == domain);
	CHECK_UINT(domain->unique_id, 101);
	CHECK_UINT(domains.epoch, 1);
	CHECK(!domain_entry_counts(&domains, 5, 0));
	CHECK(domain_entry_counts(&domains, 5, domains.epoch));
	CHECK(domain_entry_counts(&domains, 6, 0));
	CHECK_UINT(domain_target(&domains, domain), XSP_DOMID_INVALID);
	CHECK_UINT(domain->ledger.limits.hard[QUOTA_NODES], domains.limits.hard[QUOTA_NODES]);
	domains_fini(&domains);
}

TEST(nobody_acts_for_a_domain_that_is_gone)
{
	struct domain *stubdomain;

	begin();
	CHECK_INT(domain_record(&domains, 9, &stubdomain), 0);
	CHECK_UINT(domain_target(&domains, stubdomain), XSP_DOMID_INVALID);
	domain_set_target(&domains, stubdomain, 5);
	domain_void_permissions(&domains, 6);
	CHECK_UINT(domain_target(&domains, stubdomain), 5);
	domain_void_permissions(&domains, 5);
	CHECK_UINT(domain_target(&domains, stubdomain), XSP_DOMID_INVALID);
	domain_set_target(&domains, stubdomain, 5);
	CHECK_UINT(domain_target(&domains, stubdomain), 5);
	domains_fini(&domains);
}

TEST(a_start_leaves_only_those_who_are_gone_on_with)
{
	begin();
	domains_go_on(&domains, 7);
	domain_go_on(&domains, 5, 3);
	CHECK_UINT(domains.epoch, 8);
	CHECK_UINT(domain_since(&domains, 5), 3);
	CHECK(domain_entry_counts(&domains, 5, 3));
	CHECK(!domain_entry_counts(&domains, 5, 2));
	CHECK(!domain_entry_counts(&domains, 6, 7));
	CHECK(domain_entry_counts(&domains, 6, 8));
	/* The privileged domain never ends. */
	CHECK(domain_entry_counts(&domains, 0, 1));
	domain_void_permissions(&domains, 5);
	CHECK(!domain_entry_counts(&domains, 5, 8));
	CHECK(domain_entry_counts(&domains, 5, 9));
	CHECK(domain_entry_counts(&domains, 6, 8));
	domains_fini(&domains);
}

TEST(a_removed_domain_is_forgotten)
{
	begin();
	remove_domain(learn(5));
	domains_reap(&domains);
	CHECK(!domain_find(&domains, 5));
	CHECK(TAILQ_EMPTY(&domains.gone) && TAILQ_EMPTY(&domains.all));
	domains_fini(&domains);
}

TEST(a_removed_domain_stays_while_anything_is_charged_to_it)
{
	struct domain *domain;

	begin();
	for (int kind = 0; kind < QUOTA_ACCOUNTED; kind++) {
		domain = learn(5);
		ledger_adjust(&domain->ledger, (enum quota_kind)kind, 2);
		remove_domain(domain);
		domains_reap(&domains);
		CHECK(domain_find(&domains, 5) == domain);
		ledger_adjust(&domain->ledger, (enum quota_kind)kind, -2);
		domains_reap(&domains);
		CHECK(!domain_find(&domains, 5));
	}
	domains_fini(&domains);
}

TEST(a_removed_domain_stays_while_its_nodes_could_not_be_removed)
{
	struct domain *domain;

	begin();
	domain = learn(5);
	domain->has_leftovers = true;
	remove_domain(domain);
	domains_reap(&domains);
	CHECK(domain_find(&domains, 5) == domain);
	domains_fini(&domains);
}

TEST(a_domain_that_comes_again_is_not_forgotten)
{
	struct domain *domain;

	begin();
	domain = learn(5);
	ledger_adjust(&domain->ledger, QUOTA_NODES, 1);
	remove_domain(domain);
	domains_reap(&domains);
	five.unique_id = 101;
	CHECK(learn(5) == domain);
	ledger_adjust(&domain->ledger, QUOTA_NODES, -1);
	domains_reap(&domains);
	CHECK(domain_find(&domains, 5) == domain);
	CHECK(TAILQ_EMPTY(&domains.gone) && !domain->is_gone);
	domains_fini(&domains);
}
