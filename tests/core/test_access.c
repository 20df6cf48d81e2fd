/* SPDX-License-Identifier: MIT */
#include "xenstored/core/access.h"

#include "protocol/wire.h"
#include "tests/support/check.h"
#include "xenstored/base/arena.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/host.h"
#include "xenstored/store/node.h"

enum { R = XSP_PERM_READ, W = XSP_PERM_WRITE, ENTRIES_MAX = 8 };

static const struct host no_host = { 0 };
static struct domains domains;
static uint8_t bytes[ENTRIES_MAX * NODE_PERM_SIZE];

/* A node with these permissions, set now. */
static struct node node_with(const struct xsp_perm *perms, uint32_t n_perms)
{
	if (!domains.removed)
		CHECK_INT(domains_init(&domains, &no_host, 0, 1), 0);
	CHECK(n_perms <= ENTRIES_MAX);
	for (uint32_t i = 0; i < n_perms; i++)
		node_perm_put(bytes + (size_t)i * NODE_PERM_SIZE, perms[i]);
	return (struct node){ .n_perms = n_perms, .perms = bytes, .epoch = domains.epoch };
}

#define NODE(...)                                                                                  \
	node_with((const struct xsp_perm[]){ __VA_ARGS__ },                                        \
		  sizeof((const struct xsp_perm[]){ __VA_ARGS__ }) / sizeof(struct xsp_perm))

static struct actor guest(uint16_t domid)
{
	return (struct actor){ &domains, domid, XSP_DOMID_INVALID, false };
}

static bool allows(uint16_t domid, const struct node *node, unsigned rights)
{
	struct actor actor = guest(domid);

	return access_allows(&actor, node, rights);
}

TEST(the_owner_has_all_rights_whatever_its_letter)
{
	struct node node = NODE({ 1, 0, 0 });

	CHECK(allows(1, &node, ACCESS_READ | ACCESS_WRITE | ACCESS_OWN));
	CHECK(!allows(2, &node, ACCESS_READ));
	domains_fini(&domains);
}

TEST(the_first_letter_is_everybody_elses_default)
{
	struct node node = NODE({ 1, R, 0 });

	CHECK(allows(2, &node, ACCESS_READ));
	CHECK(!allows(2, &node, ACCESS_WRITE));
	CHECK(!allows(2, &node, ACCESS_READ | ACCESS_WRITE));
	CHECK(!allows(2, &node, ACCESS_OWN));
	domains_fini(&domains);
}

TEST(nobody_but_the_owner_owns_even_with_every_right)
{
	struct node node = NODE({ 1, R | W, 0 }, { 2, R | W, 0 });

	CHECK(allows(2, &node, ACCESS_READ | ACCESS_WRITE));
	CHECK(!allows(2, &node, ACCESS_OWN));
	domains_fini(&domains);
}

TEST(the_first_matching_entry_decides)
{
	struct node node = NODE({ 1, R | W, 0 }, { 2, 0, 0 }, { 2, R | W, 0 }, { 3, W, 0 });

	CHECK(!allows(2, &node, ACCESS_READ));
	CHECK(!allows(3, &node, ACCESS_READ));
	CHECK(allows(3, &node, ACCESS_WRITE));
	CHECK(allows(4, &node, ACCESS_READ | ACCESS_WRITE));
	domains_fini(&domains);
}

TEST(an_entry_for_every_domain_matches_like_a_named_one)
{
	struct node node = NODE({ 1, 0, 0 }, { 2, W, 0 }, { XSP_DOMID_ANY, R, 0 }, { 3, W, 0 });

	CHECK(!allows(2, &node, ACCESS_READ));
	CHECK(allows(2, &node, ACCESS_WRITE));
	CHECK(allows(3, &node, ACCESS_READ));
	CHECK(!allows(3, &node, ACCESS_WRITE));
	CHECK(allows(9, &node, ACCESS_READ));
	domains_fini(&domains);
}

TEST(ignored_entries_neither_grant_nor_decide)
{
	struct node node =
		NODE({ 1, R, 0 }, { 2, R | W, NODE_PERM_IGNORED }, { 3, 0, NODE_PERM_IGNORED });

	CHECK(!allows(2, &node, ACCESS_WRITE));
	CHECK(allows(2, &node, ACCESS_READ));
	CHECK(allows(3, &node, ACCESS_READ));
	domains_fini(&domains);
}

TEST(an_ignored_entry_leaves_the_word_to_the_next)
{
	struct node node = NODE({ 1, 0, 0 }, { 2, W, NODE_PERM_IGNORED }, { 2, R, 0 });

	CHECK(allows(2, &node, ACCESS_READ));
	CHECK(!allows(2, &node, ACCESS_WRITE));
	domains_fini(&domains);
}

TEST(entries_from_before_a_removal_are_void)
{
	struct node node = NODE({ 1, 0, 0 }, { 2, R, 0 }, { 3, R, 0 });

	domain_void_permissions(&domains, 2);
	CHECK(!allows(2, &node, ACCESS_READ));
	CHECK(allows(3, &node, ACCESS_READ));
	node.epoch = domains.epoch;
	CHECK(allows(2, &node, ACCESS_READ));
	domains_fini(&domains);
}

TEST(who_acts_for_a_target_has_its_rights_and_nodes)
{
	struct node node = NODE({ 1, 0, 0 }, { 2, R, 0 });
	struct actor actor = guest(9);

	CHECK(!access_allows(&actor, &node, ACCESS_READ));
	actor.target = 2;
	CHECK(access_allows(&actor, &node, ACCESS_READ));
	CHECK(!access_allows(&actor, &node, ACCESS_WRITE));
	actor.target = 1;
	CHECK(access_allows(&actor, &node, ACCESS_WRITE | ACCESS_OWN));
	domains_fini(&domains);
}

TEST(no_target_is_not_the_owner_of_a_node_of_no_domain)
{
	struct node node = NODE({ XSP_DOMID_INVALID, 0, 0 });

	CHECK(!allows(9, &node, ACCESS_READ));
	domains_fini(&domains);
}

TEST(the_privileged_domain_may_do_everything)
{
	struct node node = NODE({ 1, 0, 0 }, { 0, 0, 0 });
	struct actor actor = guest(0);

	actor.is_privileged = true;
	CHECK(access_allows(&actor, &node, ACCESS_READ | ACCESS_WRITE | ACCESS_OWN));
	domains_fini(&domains);
}

TEST(current_permissions_leave_the_entries_of_the_gone_out)
{
	struct node node = NODE({ 2, 0, 0 }, { 2, R, 0 }, { XSP_DOMID_ANY, W, 0 }, { 3, R, 0 }),
		    now;
	struct arena arena = { 0 };

	domain_void_permissions(&domains, 2);
	CHECK_INT(access_current_perms(&domains, &arena, &node, &now), 0);
	CHECK_UINT(now.n_perms, 3);
	CHECK_UINT(node_owner(&now), 2);
	CHECK_UINT(node_perm(&now, 1).domid, XSP_DOMID_ANY);
	CHECK_UINT(node_perm(&now, 2).domid, 3);
	CHECK_UINT(now.epoch, domains.epoch);
	CHECK(allows(3, &now, ACCESS_WRITE));
	arena_fini(&arena);
	domains_fini(&domains);
}
