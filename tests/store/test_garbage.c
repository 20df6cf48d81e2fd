/* SPDX-License-Identifier: MIT */
#include "xenstored/store/garbage.h"

#include <errno.h>

#include "tests/store/rig.h"
#include "tests/support/check.h"

static struct scratch scratch;
static struct db *db;

static void open_list(void)
{
	struct garbage late = { .id = 1, .removed = 20, .path_len = 5 };
	struct garbage early = { .id = 2, .removed = 10, .path_len = 6 };

	scratch_make(&scratch);
	CHECK_INT(db_open(scratch.file, &db), 0);
	CHECK_INT(db_reserve(db, 100, 1000, DB_ROOM_COMMON), 0);
	CHECK_INT(garbage_add(db, &late), 0);
	CHECK_INT(garbage_add(db, &early), 0);
}

static void close_list(void)
{
	db_close(db);
	scratch_remove(&scratch);
}

TEST(only_what_was_removed_early_enough_is_next)
{
	struct garbage garbage;

	open_list();
	CHECK_INT(garbage_next(db, 9, &garbage), ENOENT);
	CHECK_INT(garbage_next(db, 10, &garbage), 0);
	CHECK_UINT(garbage.id, 2);
	CHECK_UINT(garbage.path_len, 6);
	CHECK_INT(garbage_next(db, 20, &garbage), 0);
	CHECK_UINT(garbage.id, 1);
	close_list();
}

TEST(entries_are_counted_until_they_are_removed)
{
	size_t n;

	open_list();
	CHECK_INT(garbage_count(db, &n), 0);
	CHECK_UINT(n, 2);
	CHECK_INT(garbage_remove(db, 1), 0);
	CHECK_INT(garbage_remove(db, 1), ENOENT);
	CHECK_INT(garbage_count(db, &n), 0);
	CHECK_UINT(n, 1);
	close_list();
}

TEST(the_list_outlives_the_process)
{
	size_t n;

	open_list();
	CHECK_INT(db_commit(db), 0);
	db_close(db);
	CHECK_INT(db_open(scratch.file, &db), 0);
	CHECK_INT(garbage_count(db, &n), 0);
	CHECK_UINT(n, 2);
	close_list();
}
