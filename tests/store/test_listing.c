/* SPDX-License-Identifier: MIT */
#include "xenstored/store/listing.h"

#include "tests/store/rig.h"
#include "tests/support/check.h"

static struct rig rig;
static struct view txn;

static void open_with_children(void)
{
	rig_open(&rig);
	rig_write(&rig, NULL, "/d/b", "");
	rig_write(&rig, NULL, "/d/a", "");
	rig_write(&rig, NULL, "/d/aa", "");
	rig_write(&rig, NULL, "/d/Z", "");
}

TEST(children_are_listed_in_byte_order)
{
	open_with_children();
	CHECK_STR(rig_list(&rig, NULL, "/d"), "Z a aa b ");
	CHECK_STR(rig_list(&rig, NULL, "/d/a"), "");
	CHECK_STR(rig_list(&rig, NULL, "/"), "d ");
	rig_close(&rig);
}

TEST(a_transaction_lists_the_children_of_its_start)
{
	open_with_children();
	rig_begin(&rig, &txn);
	rig_write(&rig, NULL, "/d/c", "");
	rig_rm(&rig, NULL, "/d/a");
	CHECK_STR(rig_list(&rig, NULL, "/d"), "Z aa b c ");
	CHECK_STR(rig_list(&rig, &txn, "/d"), "Z a aa b ");
	rig_end(&rig, &txn);
	rig_close(&rig);
}

TEST(own_changes_lie_over_those_of_others)
{
	open_with_children();
	rig_begin(&rig, &txn);
	rig_rm(&rig, NULL, "/d/a");
	rig_write(&rig, &txn, "/d/ab", "");
	rig_rm(&rig, &txn, "/d/b");
	CHECK_STR(rig_list(&rig, &txn, "/d"), "Z a aa ab ");
	rig_write(&rig, &txn, "/d/b", "");
	CHECK_STR(rig_list(&rig, &txn, "/d"), "Z a aa ab b ");
	rig_end(&rig, &txn);
	rig_close(&rig);
}

TEST(the_generation_follows_the_list)
{
	uint64_t before, after;
	struct view view;
	struct walk at;

	open_with_children();
	view_begin(&view, rig.store, NULL, &rig.arena);
	CHECK_INT(view_walk(&view, "/d", 2, 0, &at), 0);
	before = listing_generation(&view, &at.node);
	view_end(&view);
	rig_write(&rig, NULL, "/d/new", "");
	view_begin(&view, rig.store, NULL, &rig.arena);
	CHECK_INT(view_walk(&view, "/d", 2, 0, &at), 0);
	after = listing_generation(&view, &at.node);
	view_end(&view);
	CHECK(after > before);
	rig_close(&rig);
}
