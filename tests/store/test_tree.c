/* SPDX-License-Identifier: MIT */
#include "xenstored/store/tree.h"

#include <errno.h>
#include <string.h>

#include "tests/store/rig.h"
#include "tests/support/check.h"

enum { NAME_MAX_LEN = 3071, PARENT = 1000 };

static struct scratch scratch;
static struct tree tree;

static void open_tree(void)
{
	scratch_make(&scratch);
	tree = (struct tree){ .last = 1 << 20 };
	CHECK_INT(db_open(scratch.file, &tree.db), 0);
}

static void close_tree(void)
{
	db_close(tree.db);
	scratch_remove(&scratch);
}

static void put(const char *name, size_t len, uint64_t id)
{
	struct node node = rig_node(id, 0, "");

	CHECK_INT(db_reserve(tree.db, tree_puts(len), len + 100, DB_ROOM_COMMON), 0);
	CHECK_INT(tree_put(&tree, PARENT, name, len, &node), 0);
	CHECK_INT(db_commit(tree.db), 0);
}

static void delete (const char *name, size_t len)
{
	CHECK_INT(db_reserve(tree.db, tree_puts(len), 0, DB_ROOM_COMMON), 0);
	CHECK_INT(tree_delete(&tree, PARENT, name, len), 0);
}

/* A name of `len` letters; the longer one is behind the shorter. */
static const char *letters(void)
{
	static char name[NAME_MAX_LEN];

	memset(name, 'm', sizeof(name));
	return name;
}

struct order {
	uint64_t n;
	size_t len; /* of the last one visited */
};

static int check_longer(void *arg, const char *name, size_t len, const struct node *node)
{
	struct order *order = arg;

	CHECK(len > order->len);
	CHECK_UINT(node->id, len);
	CHECK_BYTES(name, len, letters(), len);
	order->len = len;
	order->n++;
	return 0;
}

TEST(names_of_every_length_are_kept_in_byte_order)
{
	struct order order = { 0 };
	struct node node;

	open_tree();
	for (size_t len = NAME_MAX_LEN; len > 0; len--)
		put(letters(), len, len);
	for (size_t len = 1; len <= NAME_MAX_LEN; len++) {
		CHECK_INT(tree_get(&tree, PARENT, letters(), len, &node), 0);
		CHECK_UINT(node.id, len);
	}
	CHECK_INT(tree_scan(&tree, PARENT, NULL, 0, check_longer, &order), 0);
	CHECK_UINT(order.n, NAME_MAX_LEN);
	close_tree();
}

TEST(a_scan_goes_on_behind_any_name)
{
	static const size_t lens[] = { 1, 495, 496, 497, 498, 991, 992, 993, 1488, 1489, 3071 };
	enum { LENS = sizeof(lens) / sizeof(*lens) };

	open_tree();
	for (size_t i = 0; i < LENS; i++)
		put(letters(), lens[i], lens[i]);
	for (size_t i = 0; i < LENS; i++) {
		struct order order = { .len = lens[i] };

		CHECK_INT(tree_scan(&tree, PARENT, letters(), lens[i], check_longer, &order), 0);
		CHECK_UINT(order.n, LENS - 1 - i);
	}
	/* Behind a name that is not there. */
	for (size_t len = 1; len < NAME_MAX_LEN; len += 13) {
		struct order order = { .len = len };
		uint64_t n = 0;

		for (size_t i = 0; i < LENS; i++)
			n += lens[i] > len;
		CHECK_INT(tree_scan(&tree, PARENT, letters(), len, check_longer, &order), 0);
		CHECK_UINT(order.n, n);
	}
	close_tree();
}

TEST(long_names_that_differ_only_at_their_end_are_apart)
{
	static const size_t lens[] = { 496, 497, 992, 993, 3071 };
	char name[NAME_MAX_LEN];
	struct node node;

	open_tree();
	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		memset(name, 'x', sizeof(name));
		put(name, lens[i], 1);
		name[lens[i] - 1] = 'y';
		CHECK_INT(tree_get(&tree, PARENT, name, lens[i], &node), ENOENT);
		put(name, lens[i], 2);
		delete (name, lens[i]);
		CHECK_INT(tree_get(&tree, PARENT, name, lens[i], &node), ENOENT);
		name[lens[i] - 1] = 'x';
		CHECK_INT(tree_get(&tree, PARENT, name, lens[i], &node), 0);
		CHECK_UINT(node.id, 1);
	}
	close_tree();
}

TEST(nothing_is_left_of_deleted_names)
{
	struct db_bytes key, value;

	open_tree();
	for (size_t len = 1; len <= NAME_MAX_LEN; len += 31)
		put(letters(), len, len);
	CHECK_INT(tree_has_children(&tree, PARENT), 0);
	for (size_t len = 1; len <= NAME_MAX_LEN; len += 31)
		delete (letters(), len);
	CHECK_INT(tree_has_children(&tree, PARENT), ENOENT);
	CHECK_INT(tree_delete(&tree, PARENT, "a", 1), ENOENT);
	/* No chunk either. */
	CHECK_INT(db_seek(tree.db, "", 1, &key, &value), ENOENT);
	close_tree();
}

TEST(keys_of_numbers_sort_as_the_numbers)
{
	static const uint64_t numbers[] = { 0, 1, 255, 256, 1 << 20, UINT64_MAX - 1, UINT64_MAX };
	uint8_t before[8], key[8];

	tree_key_u64(before, 0);
	for (size_t i = 1; i < sizeof(numbers) / sizeof(*numbers); i++) {
		tree_key_u64(key, numbers[i]);
		CHECK(memcmp(before, key, sizeof(key)) < 0);
		CHECK_UINT(tree_key_get_u64(key), numbers[i]);
		memcpy(before, key, sizeof(key));
	}
}
