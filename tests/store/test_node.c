/* SPDX-License-Identifier: MIT */
#include "xenstored/store/node.h"

#include <string.h>

#include "tests/store/rig.h"
#include "tests/support/check.h"

TEST(a_record_gives_back_the_node)
{
	struct node node = rig_node(7, 65535, "value"), back;
	uint8_t record[100];

	node.generation = UINT64_MAX;
	node.epoch = 3;
	CHECK_UINT(node_record_len(&node), NODE_RECORD_HEAD + NODE_PERM_SIZE + 5);
	node_encode(&node, record);
	CHECK(node_decode(record, node_record_len(&node), &back));
	CHECK_UINT(back.id, 7);
	CHECK_UINT(back.generation, UINT64_MAX);
	CHECK_UINT(back.epoch, 3);
	CHECK_UINT(node_owner(&back), 65535);
	CHECK(node_same_value(&node, &back));
	CHECK(node_same_perms(&node, &back));
}

TEST(a_damaged_record_is_refused)
{
	struct node node = rig_node(7, 1, ""), back;
	uint8_t record[100];

	node_encode(&node, record);
	for (size_t len = 0; len < node_record_len(&node); len++)
		CHECK(!node_decode(record, len, &back));
	CHECK(node_decode(record, node_record_len(&node), &back));
	/* No permission at all: there would be no owner. */
	memset(record + 20, 0, 2);
	CHECK(!node_decode(record, sizeof(record), &back));
}

TEST(values_and_permissions_are_compared_apart)
{
	struct node a = rig_node(1, 1, "x"), b = rig_node(2, 1, "xy"), c = rig_node(1, 2, "x");

	CHECK(!node_same_value(&a, &b));
	CHECK(node_same_perms(&a, &b));
	CHECK(node_same_value(&a, &c));
	CHECK(!node_same_perms(&a, &c));
	b.epoch = 1;
	CHECK(!node_same_perms(&a, &b));
}

TEST(cost_counts_head_permissions_value_path_and_name)
{
	struct node node = rig_node(1, 1, "value");

	CHECK_UINT(node_cost(&node, 10, 4), 16 + 8 + 5 + 10 + 4 + 1);
	CHECK_UINT(node_size(2, 5, 9), 16 + 16 + 5 + 9);
}
