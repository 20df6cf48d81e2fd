/* SPDX-License-Identifier: MIT */
#include "xenstored/store/edit.h"

#include <string.h>

#include "tests/store/rig.h"
#include "tests/support/check.h"

static struct rig rig;

TEST(a_new_node_comes_with_its_ancestors)
{
	rig_open(&rig);
	rig_write(&rig, NULL, "/a/b/c", "value");
	CHECK_STR(rig_read(&rig, NULL, "/a"), "");
	CHECK_STR(rig_read(&rig, NULL, "/a/b"), "");
	CHECK_STR(rig_read(&rig, NULL, "/a/b/c"), "value");
	rig_close(&rig);
}

TEST(missing_nodes_are_counted)
{
	struct view view;
	struct walk at;

	rig_open(&rig);
	rig_write(&rig, NULL, "/a", "");
	view_begin(&view, rig.store, NULL, &rig.arena);
	CHECK_INT(view_walk(&view, "/a/bb/c/dd", 10, 0, &at), 0);
	CHECK_UINT(edit_missing("/a/bb/c/dd", 10, &at), 3);
	CHECK_INT(view_walk(&view, "/a/x", 4, 0, &at), 0);
	CHECK_UINT(edit_missing("/a/x", 4, &at), 1);
	view_end(&view);
	rig_close(&rig);
}

TEST(value_and_permissions_are_replaced_apart)
{
	struct view view;
	struct walk at;

	rig_open(&rig);
	rig_write(&rig, NULL, "/a", "1");
	rig_own(&rig, NULL, "/a", 7);
	CHECK_STR(rig_read(&rig, NULL, "/a"), "1");
	rig_write(&rig, NULL, "/a", "2");
	view_begin(&view, rig.store, NULL, &rig.arena);
	CHECK_INT(view_walk(&view, "/a", 2, 0, &at), 0);
	CHECK_UINT(node_owner(&at.node), 7);
	CHECK_BYTES(at.node.value, at.node.value_len, "2", 1);
	view_end(&view);
	rig_close(&rig);
}
