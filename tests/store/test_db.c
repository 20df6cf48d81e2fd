/* SPDX-License-Identifier: MIT */
#include "xenstored/store/db.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/store/rig.h"
#include "tests/support/check.h"

static struct scratch scratch;

static struct db *open_db(void)
{
	struct db *db;

	CHECK_INT(db_open(scratch.file, &db), 0);
	return db;
}

static void put_reserved(struct db *db, const char *key, const char *value)
{
	void *space;

	CHECK_INT(db_put(db, key, strlen(key), strlen(value), &space), 0);
	memcpy(space, value, strlen(value));
	CHECK_INT(db_put_done(db), 0);
}

static void put(struct db *db, const char *key, const char *value)
{
	CHECK_INT(db_reserve(db, 1, strlen(key) + strlen(value), DB_ROOM_COMMON), 0);
	put_reserved(db, key, value);
}

enum { NUMBER_LEN = 200 };

/* Room is reserved for all at once: reserving may make permanent what is in the batch. */
static void put_numbers(struct db *db, unsigned first, unsigned n)
{
	char key[16], value[NUMBER_LEN + 1];

	CHECK_INT(db_reserve(db, n, n * (8 + NUMBER_LEN), DB_ROOM_COMMON), 0);
	for (unsigned i = first; i < first + n; i++) {
		snprintf(key, sizeof(key), "%08u", i);
		snprintf(value, sizeof(value), "%0*u", NUMBER_LEN, i);
		put_reserved(db, key, value);
	}
}

static void check_value(struct db *db, const char *key, const char *value)
{
	struct db_bytes found;

	CHECK_INT(db_get(db, key, strlen(key), &found), value ? 0 : ENOENT);
	if (value)
		CHECK_BYTES(found.bytes, found.len, value, strlen(value));
}

/* Counts records, which must be the numbers from 0 on. */
static unsigned count_numbers(struct db *db)
{
	struct db_bytes key, value;
	char text[NUMBER_LEN + 1];
	unsigned n = 0;
	int err = db_seek(db, "0", 1, &key, &value);

	for (; !err; err = db_next(db, &key, &value)) {
		snprintf(text, sizeof(text), "%0*u", NUMBER_LEN, n++);
		CHECK_BYTES(key.bytes, key.len, text + NUMBER_LEN - 8, 8);
		CHECK_BYTES(value.bytes, value.len, text, NUMBER_LEN);
	}
	CHECK_INT(err, ENOENT);
	return n;
}

/* Lets a process of its own use the database and end without a word. */
static void crash(void (*use)(struct db *db))
{
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (pid == 0) {
		struct db *db;

		if (db_open(scratch.file, &db))
			_exit(1);
		use(db);
		_exit(23);
	}
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	CHECK_INT(WEXITSTATUS(status), 23);
}

static void commit_some(struct db *db)
{
	put(db, "kept", "1");
	put(db, "deleted", "1");
	if (db_commit(db))
		_exit(2);
	if (db_reserve(db, 1, 10, DB_ROOM_COMMON) || db_delete(db, "deleted", 7))
		_exit(3);
	put(db, "kept", "2");
	if (db_commit(db))
		_exit(4);
	put(db, "lost", "1");
	put(db, "kept", "3");
}

TEST(a_crash_loses_nothing_committed_and_keeps_nothing_else)
{
	struct db *db;

	scratch_make(&scratch);
	crash(commit_some);
	db = open_db();
	check_value(db, "kept", "2");
	check_value(db, "deleted", NULL);
	check_value(db, "lost", NULL);
	db_close(db);
	db = open_db();
	check_value(db, "kept", "2");
	db_close(db);
	scratch_remove(&scratch);
}

static void commit_many(struct db *db)
{
	/* More than the log holds, in batches, so that some are in the table already. */
	for (unsigned i = 0; i < 20000; i += 50) {
		put_numbers(db, i, 50);
		if (db_commit(db))
			_exit(2);
	}
	put_numbers(db, 20000, 50);
}

TEST(a_crash_after_many_commits_keeps_each_of_them)
{
	struct db *db;

	scratch_make(&scratch);
	crash(commit_many);
	db = open_db();
	CHECK_UINT(count_numbers(db), 20000);
	db_close(db);
	scratch_remove(&scratch);
}

static void settle_uncommitted(struct db *db)
{
	put(db, "kept", "1");
	if (db_commit(db) || db_settle(db))
		_exit(2);
	put(db, "lost", "1");
	if (db_settle(db))
		_exit(3);
}

TEST(settled_but_uncommitted_changes_do_not_survive_a_crash)
{
	struct db *db;

	scratch_make(&scratch);
	crash(settle_uncommitted);
	db = open_db();
	check_value(db, "kept", "1");
	check_value(db, "lost", NULL);
	db_close(db);
	scratch_remove(&scratch);
}

TEST(the_file_grows_with_its_records)
{
	uint64_t size_before, size_after, used;
	struct db *db;

	scratch_make(&scratch);
	db = open_db();
	db_size(db, &size_before, &used);
	for (unsigned i = 0; i < 100000; i += 100) {
		put_numbers(db, i, 100);
		CHECK_INT(db_commit(db), 0);
	}
	CHECK_UINT(count_numbers(db), 100000);
	db_size(db, &size_after, &used);
	CHECK(size_after > size_before);
	CHECK(used <= size_after);
	db_close(db);
	db = open_db();
	CHECK_UINT(count_numbers(db), 100000);
	db_close(db);
	scratch_remove(&scratch);
}

TEST(an_abort_keeps_earlier_commits)
{
	struct db *db;

	scratch_make(&scratch);
	db = open_db();
	put(db, "a", "1");
	CHECK(db_has_changes(db));
	CHECK_INT(db_commit(db), 0);
	CHECK(!db_has_changes(db));
	put(db, "a", "2");
	put(db, "b", "2");
	check_value(db, "a", "2");
	db_abort(db);
	CHECK(!db_has_changes(db));
	check_value(db, "a", "1");
	check_value(db, "b", NULL);
	put(db, "c", "3");
	CHECK_INT(db_commit(db), 0);
	db_close(db);
	db = open_db();
	check_value(db, "a", "1");
	check_value(db, "b", NULL);
	check_value(db, "c", "3");
	db_close(db);
	scratch_remove(&scratch);
}

TEST(reads_see_the_batch)
{
	struct db_bytes key, value;
	struct db *db;

	scratch_make(&scratch);
	db = open_db();
	put(db, "b", "1");
	put(db, "d", "1");
	CHECK_INT(db_seek(db, "a", 1, &key, &value), 0);
	CHECK_BYTES(key.bytes, key.len, "b", 1);
	CHECK_INT(db_next(db, &key, &value), 0);
	CHECK_BYTES(key.bytes, key.len, "d", 1);
	CHECK_INT(db_next(db, &key, &value), ENOENT);
	CHECK_INT(db_reserve(db, 1, 10, DB_ROOM_COMMON), 0);
	CHECK_INT(db_delete(db, "b", 1), 0);
	CHECK_INT(db_delete(db, "b", 1), ENOENT);
	CHECK_INT(db_seek(db, "a", 1, &key, &value), 0);
	CHECK_BYTES(key.bytes, key.len, "d", 1);
	db_close(db);
	scratch_remove(&scratch);
}

TEST(a_foreign_file_is_not_taken_for_a_database)
{
	FILE *file;
	struct db *db;

	scratch_make(&scratch);
	file = fopen(scratch.file, "we");
	CHECK(file != NULL);
	for (int i = 0; i < 10000; i++)
		fputs("this is no database ", file);
	fclose(file);
	CHECK_INT(db_open(scratch.file, &db), -EBADMSG);
	scratch_remove(&scratch);
}
