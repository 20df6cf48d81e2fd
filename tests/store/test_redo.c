/* SPDX-License-Identifier: MIT */
#include "xenstored/store/redo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/store/rig.h"
#include "tests/support/check.h"

static struct scratch scratch;
static char told[4096];

static struct redo *open_log(void)
{
	struct redo *redo;

	CHECK_INT(redo_open(scratch.file, &redo), 0);
	return redo;
}

static void put(struct redo *redo, const char *key, const char *value)
{
	void *space = redo_put(redo, key, strlen(key), strlen(value));

	CHECK(space != NULL);
	memcpy(space, value, strlen(value));
}

static int tell(void *arg, const uint8_t *key, size_t key_len, const uint8_t *value, size_t len)
{
	size_t at = strlen(told);

	(void)arg;
	snprintf(told + at, sizeof(told) - at, "%.*s=%.*s ", (int)key_len, (const char *)key,
		 (int)len, value ? (const char *)value : "");
	return 0;
}

static void check_replay(struct redo *redo, const char *expected)
{
	told[0] = '\0';
	CHECK_INT(redo_replay(redo, tell, NULL), 0);
	CHECK_STR(told, expected);
	CHECK(redo_is_replayed(redo));
}

TEST(what_was_published_is_there_when_the_log_is_opened_again)
{
	struct redo *redo;

	scratch_make(&scratch);
	redo = open_log();
	CHECK(redo_is_empty(redo));
	redo_start(redo, 42);
	put(redo, "a", "1");
	CHECK(redo_delete(redo, "b", 1));
	CHECK(redo_has_more(redo));
	redo_commit(redo);
	CHECK(!redo_has_more(redo));
	put(redo, "c", "not published");
	redo_close(redo);
	redo = open_log();
	CHECK_UINT(redo_base(redo), 42);
	check_replay(redo, "a=1 b= ");
	redo_close(redo);
	CHECK_INT(unlink(scratch.file), 0);
	scratch_remove(&scratch);
}

TEST(what_is_taken_back_is_not_told_of)
{
	struct redo *redo;

	scratch_make(&scratch);
	redo = open_log();
	put(redo, "a", "1");
	redo_commit(redo);
	put(redo, "b", "2");
	check_replay(redo, "a=1 b=2 ");
	redo_abort(redo);
	put(redo, "c", "3");
	check_replay(redo, "c=3 ");
	redo_rewind(redo);
	check_replay(redo, "a=1 c=3 ");
	redo_close(redo);
	CHECK_INT(unlink(scratch.file), 0);
	scratch_remove(&scratch);
}

TEST(a_change_done_at_once_is_skipped)
{
	struct redo *redo;

	scratch_make(&scratch);
	redo = open_log();
	CHECK(redo_delete(redo, "a", 1));
	redo_skip(redo);
	put(redo, "b", "2");
	check_replay(redo, "b=2 ");
	redo_start(redo, 1);
	CHECK(redo_is_empty(redo));
	check_replay(redo, "");
	redo_close(redo);
	CHECK_INT(unlink(scratch.file), 0);
	scratch_remove(&scratch);
}

TEST(a_full_log_refuses_and_stays_as_it_was)
{
	struct redo *redo;
	size_t n = 0;
	char key[16];

	scratch_make(&scratch);
	redo = open_log();
	CHECK(redo_put(redo, "k", 1, 1 << 20) == NULL);
	CHECK(redo_put(redo, "k", 1, SIZE_MAX) == NULL);
	CHECK(!redo_has_more(redo));
	for (;; n++) {
		void *space;

		snprintf(key, sizeof(key), "%zu", n);
		space = redo_put(redo, key, 8, 4096);
		if (!space)
			break;
		memset(space, 'x', 4096);
	}
	CHECK(n > 200);
	redo_commit(redo);
	CHECK(redo_put(redo, "k", 1, 4096) == NULL);
	CHECK(!redo_has_more(redo));
	redo_close(redo);
	CHECK_INT(unlink(scratch.file), 0);
	scratch_remove(&scratch);
}

TEST(a_damaged_length_is_noticed)
{
	const uint32_t huge = 1 << 30;
	struct redo *redo;
	int fd;

	scratch_make(&scratch);
	redo = open_log();
	put(redo, "a", "1");
	redo_commit(redo);
	redo_close(redo);
	fd = open(scratch.file, O_WRONLY | O_CLOEXEC);
	CHECK_INT(pwrite(fd, &huge, sizeof(huge), 24), sizeof(huge));
	close(fd);
	redo = open_log();
	CHECK_INT(redo_replay(redo, tell, NULL), -EBADMSG);
	redo_close(redo);
	CHECK_INT(unlink(scratch.file), 0);
	scratch_remove(&scratch);
}
