/* SPDX-License-Identifier: MIT */
#include "xenstored/store/view.h"

#include <errno.h>
#include <string.h>

#include "tests/store/rig.h"
#include "tests/support/check.h"

static struct rig rig;
static struct view txn;

TEST(a_transaction_sees_the_state_at_its_start_and_its_own_changes)
{
	rig_open(&rig);
	rig_write(&rig, NULL, "/a", "old");
	rig_begin(&rig, &txn);
	rig_write(&rig, NULL, "/a", "new");
	rig_write(&rig, NULL, "/b", "new");
	CHECK_STR(rig_read(&rig, &txn, "/a"), "old");
	CHECK(rig_read(&rig, &txn, "/b") == NULL);
	rig_write(&rig, &txn, "/a", "own");
	CHECK_STR(rig_read(&rig, &txn, "/a"), "own");
	CHECK_STR(rig_read(&rig, NULL, "/a"), "new");
	rig_end(&rig, &txn);
	rig_close(&rig);
}

TEST(a_removal_hides_what_is_below)
{
	rig_open(&rig);
	rig_write(&rig, NULL, "/a/b", "1");
	rig_begin(&rig, &txn);
	rig_rm(&rig, &txn, "/a");
	CHECK(rig_read(&rig, &txn, "/a/b") == NULL);
	rig_write(&rig, &txn, "/a", "again");
	CHECK(rig_read(&rig, &txn, "/a/b") == NULL);
	CHECK_STR(rig_read(&rig, NULL, "/a/b"), "1");
	rig_end(&rig, &txn);
	rig_close(&rig);
}

TEST(a_dropped_view_leaves_nothing)
{
	struct view view;
	struct walk at;

	rig_open(&rig);
	rig_write(&rig, NULL, "/a", "1");
	view_begin(&view, rig.store, NULL, &rig.arena);
	CHECK_INT(view_walk(&view, "/a", 2, 0, &at), 0);
	CHECK_INT(view_remove(&view, &at.spot, &at.node), 0);
	CHECK_INT(view_walk(&view, "/a", 2, 0, &at), 0);
	CHECK(!at.exists);
	view_end(&view);
	CHECK_STR(rig_read(&rig, NULL, "/a"), "1");
	rig_close(&rig);
}

TEST(a_walk_ends_at_the_first_missing_node)
{
	struct view view;
	struct walk at;

	rig_open(&rig);
	rig_write(&rig, NULL, "/a", "1");
	view_begin(&view, rig.store, NULL, &rig.arena);
	CHECK_INT(view_walk(&view, "/a/b/c", 6, 0, &at), 0);
	CHECK(!at.exists);
	CHECK_BYTES(at.spot.path, at.spot.path_len, "/a/b", 4);
	CHECK_UINT(at.spot.name_len, 1);
	CHECK_BYTES(at.owner.path, at.owner.path_len, "/a", 2);
	view_end(&view);
	rig_close(&rig);
}

TEST(a_transaction_may_not_hold_more_entries_than_allowed)
{
	struct view view;
	struct walk at;

	rig_open(&rig);
	rig_begin(&rig, &txn);
	txn.n_max = 3;
	CHECK(rig_read(&rig, &txn, "/a") == NULL);
	CHECK(rig_read(&rig, &txn, "/b") == NULL);
	view_begin(&view, rig.store, &txn, &rig.arena);
	CHECK_INT(view_walk(&view, "/c", 2, 0, &at), ENOSPC);
	CHECK_INT(view_walk(&view, "/a", 2, 0, &at), 0);
	view_end(&view);
	rig_end(&rig, &txn);
	rig_close(&rig);
}
