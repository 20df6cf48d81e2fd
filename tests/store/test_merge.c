/* SPDX-License-Identifier: MIT */
#include "xenstored/store/merge.h"

#include <errno.h>
#include <string.h>

#include "tests/store/rig.h"
#include "tests/support/check.h"

static struct rig rig;
static struct view txn;

static void begin(void)
{
	rig_open(&rig);
	rig_write(&rig, NULL, "/a", "old");
	rig_write(&rig, NULL, "/b", "old");
	rig_write(&rig, NULL, "/c/child", "old");
	rig_begin(&rig, &txn);
}

/* Nodes of domain 9 are closed. */
static bool may(void *arg, const struct node *node, unsigned rights)
{
	(void)arg;
	CHECK_UINT(rights, XSP_PERM_WRITE);
	return node_owner(node) != 9;
}

static void check_commits(void)
{
	struct conflict conflict;

	CHECK_INT(merge_validate(&txn, may, NULL, &conflict), 0);
	CHECK_INT(merge_apply(&txn, &rig.arena, 2), 0);
	CHECK_INT(store_commit(rig.store), 0);
	arena_reset(&rig.arena);
}

static void check_conflicts(const char *path)
{
	struct conflict conflict;

	CHECK_INT(merge_validate(&txn, may, NULL, &conflict), EAGAIN);
	CHECK_BYTES(conflict.path, conflict.path_len, path, strlen(path));
	CHECK_UINT(conflict.writer, 1);
}

static void end(void)
{
	rig_end(&rig, &txn);
	rig_close(&rig);
}

TEST(a_value_that_was_read_must_not_change)
{
	begin();
	CHECK_STR(rig_read(&rig, &txn, "/a"), "old");
	rig_write(&rig, &txn, "/b", "ours");
	rig_write(&rig, NULL, "/a", "new");
	check_conflicts("/a");
	end();
}

TEST(the_same_value_again_is_no_change)
{
	begin();
	CHECK_STR(rig_read(&rig, &txn, "/a"), "old");
	rig_write(&rig, &txn, "/b", "ours");
	rig_write(&rig, NULL, "/a", "old");
	check_commits();
	CHECK_STR(rig_read(&rig, NULL, "/b"), "ours");
	end();
}

TEST(of_two_who_write_unread_the_last_wins)
{
	begin();
	rig_write(&rig, &txn, "/b", "ours");
	rig_write(&rig, NULL, "/b", "theirs");
	check_commits();
	CHECK_STR(rig_read(&rig, NULL, "/b"), "ours");
	end();
}

TEST(creations_side_by_side_and_the_parents_value_do_not_matter)
{
	begin();
	rig_write(&rig, &txn, "/c/n1", "ours");
	rig_write(&rig, NULL, "/c/n2", "theirs");
	rig_write(&rig, NULL, "/c", "new");
	check_commits();
	CHECK_STR(rig_list(&rig, NULL, "/c"), "child n1 n2 ");
	CHECK_STR(rig_read(&rig, NULL, "/c"), "new");
	end();
}

TEST(permissions_matter_only_if_they_forbid_what_was_done)
{
	begin();
	rig_write(&rig, &txn, "/c/n", "ours");
	rig_own(&rig, NULL, "/c", 9);
	check_conflicts("/c");
	rig_own(&rig, NULL, "/c", 8);
	check_commits();
	CHECK_STR(rig_read(&rig, NULL, "/c/n"), "ours");
	end();
}

TEST(the_parent_of_a_creation_must_stay)
{
	begin();
	rig_write(&rig, &txn, "/c/n", "ours");
	rig_rm(&rig, NULL, "/c");
	check_conflicts("/c");
	end();
}

TEST(a_list_that_was_read_must_stay_but_not_the_childrens_values)
{
	begin();
	CHECK_STR(rig_list(&rig, &txn, "/c"), "child ");
	rig_write(&rig, &txn, "/b", "ours");
	rig_write(&rig, NULL, "/c/child", "new");
	CHECK_INT(merge_validate(&txn, may, NULL, &(struct conflict){ 0 }), 0);
	rig_write(&rig, NULL, "/c/n", "theirs");
	check_conflicts("/c");
	end();
}

TEST(what_was_missing_must_stay_missing)
{
	begin();
	CHECK(rig_read(&rig, &txn, "/n") == NULL);
	rig_write(&rig, &txn, "/b", "ours");
	rig_write(&rig, NULL, "/n", "theirs");
	check_conflicts("/n");
	end();
}

TEST(a_removed_subtree_must_not_change)
{
	begin();
	rig_rm(&rig, &txn, "/c");
	CHECK_INT(merge_validate(&txn, may, NULL, &(struct conflict){ 0 }), 0);
	rig_write(&rig, NULL, "/c/child", "new");
	check_conflicts("/c");
	end();
}

TEST(a_removal_within_a_removal_is_told_by_the_outer_one)
{
	begin();
	rig_rm(&rig, &txn, "/c/child");
	rig_rm(&rig, &txn, "/c");
	rig_rm(&rig, &txn, "/a");
	CHECK_INT(merge_validate(&txn, may, NULL, &(struct conflict){ 0 }), 0);
	rig_write(&rig, NULL, "/b/x", "new");
	CHECK_INT(merge_validate(&txn, may, NULL, &(struct conflict){ 0 }), 0);
	rig_write(&rig, NULL, "/c/child/x/y", "new");
	check_conflicts("/c");
	end();
}

TEST(a_subtree_removed_and_made_anew_is_still_seen)
{
	begin();
	rig_rm(&rig, &txn, "/c");
	rig_write(&rig, &txn, "/c/child/own", "ours");
	rig_rm(&rig, &txn, "/c/child");
	rig_write(&rig, &txn, "/c/child", "ours");
	CHECK_INT(merge_validate(&txn, may, NULL, &(struct conflict){ 0 }), 0);
	rig_write(&rig, NULL, "/c/child/theirs", "new");
	check_conflicts("/c");
	end();
}

TEST(what_was_missing_and_is_removed_again_must_not_be_created)
{
	begin();
	rig_write(&rig, &txn, "/n/own", "ours");
	rig_rm(&rig, &txn, "/n/own");
	rig_rm(&rig, &txn, "/n");
	rig_write(&rig, &txn, "/b", "ours");
	CHECK_INT(merge_validate(&txn, may, NULL, &(struct conflict){ 0 }), 0);
	rig_write(&rig, NULL, "/n/own/theirs", "new");
	check_conflicts("/n");
	end();
}

TEST(a_doomed_transaction_conflicts_without_a_reason)
{
	struct conflict conflict;

	begin();
	rig_write(&rig, &txn, "/b", "ours");
	txn.is_doomed = true;
	CHECK_INT(merge_validate(&txn, may, NULL, &conflict), EAGAIN);
	CHECK(conflict.path == NULL);
	end();
}

struct usage {
	int64_t n_nodes, n_bytes;
};

static void charge(void *arg, uint16_t owner, int64_t n_nodes, int64_t n_bytes)
{
	struct usage *usage = arg;

	CHECK_UINT(owner, 0);
	usage->n_nodes += n_nodes;
	usage->n_bytes += n_bytes;
}

TEST(usage_is_the_difference_the_changes_make)
{
	struct usage usage = { 0 }, below = { 0 };

	begin();
	rig_write(&rig, &txn, "/n", "12");
	rig_write(&rig, &txn, "/a", "longer");
	rig_rm(&rig, &txn, "/c");
	CHECK_INT(merge_usage(&txn, charge, &usage), 0);
	/* One comes and one goes, alike but for the value; another value grows by three. */
	CHECK_INT(usage.n_nodes, 0);
	CHECK_INT(usage.n_bytes, 2 + 3);
	CHECK_INT(merge_usage_below(&txn, charge, &below), 0);
	CHECK_INT(below.n_nodes, -1);
	CHECK_INT(below.n_bytes, -(16 + 8 + 3 + 8 + 6));
	end();
}
