/* SPDX-License-Identifier: MIT */
#include "xenstored/store/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/store/rig.h"
#include "tests/support/check.h"

static struct rig rig;

static enum store_found reopen(const char *boot_id)
{
	enum store_found found;

	store_close(rig.store);
	rig.store = NULL;
	CHECK_INT(store_open(rig.scratch.dir, boot_id, 5, &rig.store, &found), 0);
	return found;
}

TEST(a_restart_goes_on_with_the_same_tree)
{
	uint64_t last;

	rig_open(&rig);
	rig_write(&rig, NULL, "/a/b", "value");
	last = rig.store->tree.last;
	CHECK_INT(reopen("boot"), STORE_CONTINUED);
	CHECK_STR(rig_read(&rig, NULL, "/a/b"), "value");
	/* Numbers are never given out twice. */
	CHECK(tree_number(&rig.store->tree) > last);
	rig_close(&rig);
}

/* Numbers are taken for much that comes to nothing, and the database commits when it must. */
TEST(numbers_are_promised_before_anything_that_has_them_is_permanent)
{
	struct node root, node;
	struct store_change change = { .path = "/a", .path_len = 2, .name_len = 1 };
	uint64_t before;

	rig_open(&rig);
	CHECK_INT(tree_get(&rig.store->tree, 0, "", 0, &root), 0);
	for (int i = 0; i < 1100000; i++)
		(void)tree_number(&rig.store->tree);
	node = rig_node(tree_number(&rig.store->tree), 0, "value");
	change.parent = root.id;
	change.after = &node;
	CHECK_INT(store_reserve(rig.store, store_change_puts(1, 7), 100, DB_ROOM_COMMON), 0);
	CHECK_INT(store_change(rig.store, &change), 0);
	before = rig.store->n_early_commits;
	for (int i = 0; i < 10000 && rig.store->n_early_commits == before; i++)
		CHECK_INT(store_reserve(rig.store, 7, 4000, DB_ROOM_COMMON), 0);
	CHECK(rig.store->n_early_commits > before);
	/* What was not permanent by then is lost, as if the process had been killed. */
	db_abort(rig.store->db);
	CHECK_INT(reopen("boot"), STORE_CONTINUED);
	CHECK_INT(tree_get(&rig.store->tree, root.id, "a", 1, &node), 0);
	CHECK(rig.store->tree.last >= node.id);
	rig_close(&rig);
}

TEST(another_boot_discards_the_tree)
{
	struct node node;

	rig_open(&rig);
	CHECK_INT(reopen("another"), STORE_OUTLIVED);
	CHECK_INT(tree_get(&rig.store->tree, TREE_NOWHERE, "", 0, &node), ENOENT);
	CHECK_INT(reopen("another"), STORE_CONTINUED);
	rig_close(&rig);
}

static void put_meta(const void *bytes, size_t len)
{
	const uint8_t key = TREE_KEY_META;
	char path[64];
	struct db *db;
	void *space;

	store_close(rig.store);
	rig.store = NULL;
	snprintf(path, sizeof(path), "%s/xenstored.mdb", rig.scratch.dir);
	CHECK_INT(db_open(path, &db), 0);
	CHECK_INT(db_reserve(db, 1, len, DB_ROOM_COMMON), 0);
	CHECK_INT(db_put(db, &key, 1, len, &space), 0);
	memcpy(space, bytes, len);
	CHECK_INT(db_put_done(db), 0);
	CHECK_INT(db_commit(db), 0);
	db_close(db);
}

TEST(a_newer_schema_is_refused_and_left_alone)
{
	const uint32_t schema = STORE_SCHEMA + 1;
	enum store_found found;

	rig_open(&rig);
	put_meta(&schema, sizeof(schema));
	for (int i = 0; i < 2; i++)
		CHECK_INT(store_open(rig.scratch.dir, "boot", 5, &rig.store, &found), -EPROTO);
	rig.store = NULL;
	rig_close(&rig);
}

TEST(a_damaged_record_of_the_store_itself_discards_it)
{
	enum store_found found;

	rig_open(&rig);
	put_meta("x", 1);
	CHECK_INT(store_open(rig.scratch.dir, "boot", 5, &rig.store, &found), 0);
	CHECK_INT(found, STORE_DAMAGED);
	rig_close(&rig);
}

TEST(an_abort_takes_back_the_batch_and_its_history)
{
	struct node node = rig_node(0, 0, "new"), root, back;
	struct store_change change = { .path = "/n", .path_len = 2, .name_len = 1 };
	struct view txn;

	rig_open(&rig);
	rig_begin(&rig, &txn);
	CHECK_INT(tree_get(&rig.store->tree, TREE_NOWHERE, "", 0, &root), 0);
	change.parent = root.id;
	node.id = tree_number(&rig.store->tree);
	change.after = &node;
	CHECK_INT(store_reserve(rig.store, 10, 100, DB_ROOM_COMMON), 0);
	CHECK_INT(store_change(rig.store, &change), 0);
	CHECK_INT(tree_get(&rig.store->tree, change.parent, "n", 1, &back), 0);
	CHECK_UINT(rig.store->history.nodes.n, 1);
	store_abort(rig.store);
	CHECK_INT(tree_get(&rig.store->tree, change.parent, "n", 1, &back), ENOENT);
	CHECK_UINT(rig.store->history.nodes.n, 0);
	rig_end(&rig, &txn);
	rig_close(&rig);
}

struct refunds {
	uint64_t n;
	uint64_t cost;
};

static void refund(void *arg, uint16_t owner, uint64_t cost)
{
	struct refunds *refunds = arg;

	CHECK_UINT(owner, 0);
	refunds->n++;
	refunds->cost += cost;
}

static void reclaim_all(enum store_pace pace, struct refunds *refunds)
{
	int err;

	do {
		err = store_reclaim(rig.store, 3, pace, refund, refunds);
		CHECK_INT(store_commit(rig.store), 0);
	} while (!err);
	CHECK_INT(err, ENOENT);
}

TEST(reclaiming_gives_back_the_cost_of_each_node_below)
{
	struct refunds refunds = { 0 };
	uint64_t cost = 0;
	char path[32];

	rig_open(&rig);
	rig_write(&rig, NULL, "/top", "");
	CHECK_INT(store_reclaim(rig.store, 3, STORE_UNHURRIED, refund, &refunds), ENOENT);
	for (int i = 0; i < 10; i++) {
		snprintf(path, sizeof(path), "/top/dir%d/leaf", i);
		rig_write(&rig, NULL, path, "value");
		/* The directory, and the leaf with its value. */
		cost += (16 + 8 + 9 + 5) + (16 + 8 + 5 + 14 + 5);
	}
	rig_rm(&rig, NULL, "/top");
	CHECK(rig_read(&rig, NULL, "/top/dir0/leaf") == NULL);
	reclaim_all(STORE_UNHURRIED, &refunds);
	CHECK_UINT(refunds.n, 20);
	CHECK_UINT(refunds.cost, cost);
	CHECK_UINT(rig.store->n_garbage, 0);
	rig_close(&rig);
}

TEST(reclaiming_goes_on_after_a_restart)
{
	struct refunds refunds = { 0 };

	rig_open(&rig);
	rig_write(&rig, NULL, "/top/a/b/c", "");
	rig_rm(&rig, NULL, "/top");
	CHECK_INT(store_reclaim(rig.store, 1, STORE_UNHURRIED, refund, &refunds), 0);
	CHECK_INT(store_commit(rig.store), 0);
	CHECK_INT(reopen("boot"), STORE_CONTINUED);
	reclaim_all(STORE_UNHURRIED, &refunds);
	CHECK_UINT(refunds.n, 3);
	rig_close(&rig);
}

TEST(what_a_transaction_may_look_at_waits_or_goes_to_the_history)
{
	struct refunds refunds = { 0 };
	struct view txn;

	rig_open(&rig);
	rig_write(&rig, NULL, "/top/a", "old");
	rig_begin(&rig, &txn);
	rig_rm(&rig, NULL, "/top");
	reclaim_all(STORE_UNHURRIED, &refunds);
	CHECK_UINT(refunds.n, 0);
	reclaim_all(STORE_AT_ONCE, &refunds);
	CHECK_UINT(refunds.n, 1);
	CHECK_STR(rig_read(&rig, &txn, "/top/a"), "old");
	rig_end(&rig, &txn);
	rig_close(&rig);
}
