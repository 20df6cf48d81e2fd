/* SPDX-License-Identifier: MIT */
#include "xenstored/store/history.h"

#include <string.h>

#include "tests/store/rig.h"
#include "tests/support/check.h"

enum { PARENT = 3 };

static struct history history;
static struct history_reader readers[100]; /* by their start */

static void open_reader(uint64_t start)
{
	history_open(&history, &readers[start], start, false);
}

static void open_guest(uint64_t start)
{
	history_open(&history, &readers[start], start, true);
}

static void close_reader(uint64_t start)
{
	history_close(&history, &readers[start]);
}

/* Node /d/n had this value before the change with that number; NULL: it did not exist. */
static void change(uint64_t number, const char *before, unsigned aspects)
{
	struct node node = rig_node(50, 1, before ? before : "");
	struct history_change entry = {
		.number = number,
		.parent = PARENT,
		.path = "/d/n",
		.path_len = 4,
		.name_len = 1,
		.aspects = aspects,
		.writer = number,
		.before = before ? &node : NULL,
	};

	CHECK_INT(history_record(&history, &entry), 0);
}

/* What a transaction sees: "tree", "none" or the value. */
static const char *seen(uint64_t start)
{
	static char value[100];
	struct node node;
	bool exists;

	if (!history_get(&history, start, PARENT, "n", 1, &exists, &node))
		return "tree";
	if (!exists)
		return "none";
	CHECK(node.value_len < sizeof(value));
	memcpy(value, node.value, node.value_len);
	value[node.value_len] = '\0';
	return value;
}

TEST(each_start_sees_its_own_version)
{
	history_init(&history, 5);
	CHECK(!history_is_needed(&history));
	open_reader(10);
	CHECK(history_is_needed(&history));
	change(11, NULL, ASPECT_EXISTENCE);
	open_reader(12);
	change(13, "one", ASPECT_VALUE);
	open_reader(14);
	change(15, "two", ASPECT_VALUE);
	open_reader(16);
	CHECK_STR(seen(10), "none");
	CHECK_STR(seen(12), "one");
	CHECK_STR(seen(14), "two");
	CHECK_STR(seen(16), "tree");
	history_fini(&history);
}

TEST(versions_go_with_the_transactions_that_need_them)
{
	history_init(&history, 5);
	open_reader(10);
	change(11, "one", ASPECT_VALUE);
	open_reader(12);
	change(13, "two", ASPECT_VALUE);
	close_reader(10);
	CHECK_STR(seen(12), "two");
	close_reader(12);
	CHECK_UINT(history.bytes, 0);
	CHECK_UINT(history.nodes.n, 0);
	CHECK_UINT(history.dirs.n, 0);
	history_fini(&history);
}

TEST(a_version_goes_with_the_last_transaction_that_sees_it)
{
	size_t bytes;
	uint64_t writer = 0;

	history_init(&history, 5);
	open_reader(10);
	change(11, "one", ASPECT_VALUE);
	bytes = history.bytes;
	open_reader(12);
	change(13, "two", ASPECT_PERMS);
	open_reader(14);
	change(15, "three", ASPECT_VALUE);
	close_reader(12);
	CHECK_STR(seen(10), "one");
	CHECK_STR(seen(14), "three");
	/* What happened in between is not forgotten, and concerns only those that are older. */
	CHECK_UINT(history_aspects(&history, 10, PARENT, "n", 1, &writer),
		   ASPECT_VALUE | ASPECT_PERMS);
	CHECK_UINT(history_aspects(&history, 14, PARENT, "n", 1, &writer), ASPECT_VALUE);
	close_reader(14);
	CHECK_UINT(history.bytes, bytes);
	CHECK_UINT(history_aspects(&history, 10, PARENT, "n", 1, &writer),
		   ASPECT_VALUE | ASPECT_PERMS);
	CHECK_UINT(writer, 15);
	CHECK_STR(seen(10), "one");
	/* What one lets go of another still sees. */
	open_reader(20);
	open_reader(22);
	change(23, "four", ASPECT_VALUE);
	close_reader(22);
	CHECK_STR(seen(20), "four");
	close_reader(10);
	CHECK_STR(seen(20), "four");
	CHECK_UINT(history.bytes, bytes + 1);
	close_reader(20);
	CHECK_UINT(history.bytes, 0);
	history_fini(&history);
}

TEST(transactions_that_overlap_leave_nothing_behind)
{
	size_t bytes = 0;

	history_init(&history, 5);
	open_reader(10);
	for (uint64_t at = 12; at < 90; at += 2) {
		open_reader(at);
		if (at > 12)
			close_reader(at - 2);
		change(at + 1, "one", ASPECT_VALUE);
		if (at == 14)
			bytes = history.bytes;
		if (at > 14)
			CHECK_UINT(history.bytes, bytes);
	}
	CHECK_STR(seen(10), "one");
	history_fini(&history);
}

TEST(a_burden_is_what_only_guests_see)
{
	history_init(&history, 5);
	open_guest(10);
	open_reader(12);
	change(13, "one", ASPECT_VALUE);
	history_weigh(&history);
	CHECK(!readers[10].is_burden);
	CHECK(!readers[12].is_burden);
	open_guest(14);
	open_guest(16);
	change(17, "two", ASPECT_VALUE);
	history_weigh(&history);
	CHECK(!readers[10].is_burden);
	CHECK(!readers[12].is_burden);
	CHECK(readers[14].is_burden);
	CHECK(readers[16].is_burden);
	history_fini(&history);
}

TEST(a_node_written_in_a_loop_costs_one_version)
{
	size_t bytes;

	history_init(&history, 5);
	open_reader(10);
	change(11, "one", ASPECT_VALUE);
	bytes = history.bytes;
	for (uint64_t number = 12; number < 10000; number++)
		change(number, "another", ASPECT_VALUE);
	CHECK_UINT(history.bytes, bytes);
	CHECK_STR(seen(10), "one");
	history_fini(&history);
}

TEST(forgotten_changes_did_not_happen)
{
	history_init(&history, 5);
	open_reader(10);
	change(11, "one", ASPECT_VALUE);
	open_reader(12);
	change(13, "two", ASPECT_VALUE);
	history_forget(&history, 12);
	CHECK_STR(seen(12), "tree");
	CHECK_STR(seen(10), "one");
	history_forget(&history, 10);
	CHECK_STR(seen(10), "tree");
	CHECK_UINT(history.bytes, 0);
	history_fini(&history);
}

TEST(aspects_and_the_last_writer_are_those_after_the_start)
{
	uint64_t writer = 0;

	history_init(&history, 5);
	open_reader(10);
	change(11, "one", ASPECT_PERMS);
	open_reader(12);
	change(13, "one", ASPECT_VALUE);
	CHECK_UINT(history_aspects(&history, 10, PARENT, "n", 1, &writer),
		   ASPECT_PERMS | ASPECT_VALUE);
	CHECK_UINT(writer, 13);
	CHECK_UINT(history_aspects(&history, 12, PARENT, "n", 1, &writer), ASPECT_VALUE);
	CHECK_UINT(history_aspects(&history, 13, PARENT, "n", 1, &writer), 0);
	CHECK_UINT(history_aspects(&history, 10, PARENT, "m", 1, &writer), 0);
	history_fini(&history);
}

TEST(only_creation_and_removal_change_the_list_of_children)
{
	uint64_t writer = 0;

	history_init(&history, 5);
	open_reader(10);
	change(11, "one", ASPECT_VALUE | ASPECT_PERMS);
	CHECK(!history_children_changed(&history, 10, PARENT, &writer));
	change(12, "one", ASPECT_EXISTENCE);
	CHECK(history_children_changed(&history, 10, PARENT, &writer));
	CHECK_UINT(writer, 12);
	CHECK(!history_children_changed(&history, 12, PARENT, &writer));
	CHECK(!history_children_changed(&history, 10, PARENT + 1, &writer));
	history_fini(&history);
}

/* The path at or below which something changed since `start`, of those given; "": none. */
static const char *changed_below(uint64_t start, const char *const *paths, size_t n)
{
	struct history_top tops[8];
	const struct history_top *top;
	uint64_t writer = 0;

	for (size_t i = 0; i < n; i++)
		tops[i] = (struct history_top){ paths[i], strlen(paths[i]) };
	top = history_changed_below(&history, start, tops, history_sort_tops(tops, n), &writer);
	if (top)
		CHECK_UINT(writer, 11);
	return top ? top->path : "";
}

TEST(changes_below_a_path_are_found_by_whole_names)
{
	static const char *const paths[] = { "/", "/d", "/d/n", "/d/n/x", "/dd", "/d-" };

	history_init(&history, 5);
	open_reader(10);
	change(11, "one", ASPECT_VALUE);
	for (size_t i = 0; i < 6; i++)
		CHECK_STR(changed_below(10, &paths[i], 1), i < 3 ? paths[i] : "");
	CHECK_STR(changed_below(11, &paths[1], 1), "");
	CHECK_STR(changed_below(10, paths, 0), "");
	history_fini(&history);
}

TEST(of_many_paths_the_topmost_above_a_change_is_found)
{
	static const char *const nested[] = { "/d/n", "/c", "/d/a", "/d/m", "/d", "/d/z/y", "/e" };
	static const char *const around[] = { "/c", "/d/a", "/d/m/n", "/d/n-", "/d/n/x", "/d/o" };
	static const char *const exact[] = { "/d/n/x/y", "/d/n-", "/d/n", "/d/a/b", "/d/n" };

	history_init(&history, 5);
	open_reader(10);
	change(11, "one", ASPECT_VALUE);
	CHECK_STR(changed_below(10, nested, 7), "/d");
	CHECK_STR(changed_below(10, around, 6), "");
	CHECK_STR(changed_below(10, exact, 5), "/d/n");
	history_fini(&history);
}

TEST(tops_below_others_are_left_out)
{
	struct history_top tops[] = {
		{ "/b/c/d", 6 }, { "/a-", 3 },  { "/b/c", 4 }, { "/a/x", 4 },
		{ "/a", 2 },     { "/b/c", 4 }, { "/bc", 3 },
	};
	static const char *const left[] = { "/a", "/a-", "/b/c", "/bc" };

	CHECK_UINT(history_sort_tops(tops, 7), 4);
	for (size_t i = 0; i < 4; i++)
		CHECK_STR(tops[i].path, left[i]);
}
