/* SPDX-License-Identifier: MIT */
#include "xenstored/store/roster.h"

#include <errno.h>

#include "tests/store/rig.h"
#include "tests/support/check.h"
#include "xenstored/store/db.h"

static struct scratch scratch;
static struct db *db;

struct seen {
	struct roster_entry entries[4];
	size_t n;
};

static int see(void *arg, const struct roster_entry *entry)
{
	struct seen *seen = arg;

	CHECK(seen->n < 4);
	seen->entries[seen->n++] = *entry;
	return 0;
}

static void open_roster(void)
{
	scratch_make(&scratch);
	CHECK_INT(db_open(scratch.file, &db), 0);
	CHECK_INT(db_reserve(db, 100, 1000, DB_ROOM_COMMON), 0);
}

static void close_roster(void)
{
	db_close(db);
	scratch_remove(&scratch);
}

static void put(uint16_t domid, uint64_t unique_id, uint32_t since)
{
	CHECK_INT(roster_put(db, &(struct roster_entry){ unique_id, since, domid }), 0);
}

TEST(entries_outlive_the_process_in_order_of_their_numbers)
{
	struct seen seen = { .n = 0 };

	open_roster();
	put(300, 7, 1);
	put(5, UINT64_MAX, 2);
	put(0, 0, 0);
	put(5, 9, 3);
	CHECK_INT(db_commit(db), 0);
	db_close(db);
	CHECK_INT(db_open(scratch.file, &db), 0);
	CHECK_INT(roster_visit(db, see, &seen), 0);
	CHECK_UINT(seen.n, 3);
	CHECK_UINT(seen.entries[0].domid, 0);
	CHECK_UINT(seen.entries[1].domid, 5);
	CHECK_UINT(seen.entries[1].unique_id, 9);
	CHECK_UINT(seen.entries[1].since, 3);
	CHECK_UINT(seen.entries[2].domid, 300);
	close_roster();
}

TEST(an_entry_may_be_removed_that_is_not_there)
{
	struct seen seen = { .n = 0 };

	open_roster();
	put(5, 1, 1);
	CHECK_INT(roster_remove(db, 6), 0);
	CHECK_INT(roster_remove(db, 5), 0);
	CHECK_INT(roster_remove(db, 5), 0);
	CHECK_INT(roster_visit(db, see, &seen), 0);
	CHECK_UINT(seen.n, 0);
	close_roster();
}

TEST(the_epoch_is_the_last_that_was_put)
{
	uint32_t epoch = 1;

	open_roster();
	CHECK_INT(roster_epoch(db, &epoch), ENOENT);
	CHECK_INT(roster_put_epoch(db, 6), 0);
	CHECK_INT(roster_put_epoch(db, UINT32_MAX), 0);
	CHECK_INT(roster_epoch(db, &epoch), 0);
	CHECK_UINT(epoch, UINT32_MAX);
	close_roster();
}

TEST(a_damaged_record_is_noticed)
{
	static const uint8_t epoch_key[] = { 'e' }, domain_key[] = { 'd', 0, 5 };
	struct seen seen = { .n = 0 };
	uint32_t epoch;
	void *space;

	open_roster();
	CHECK_INT(db_put(db, epoch_key, sizeof(epoch_key), 0, &space), 0);
	CHECK_INT(db_put_done(db), 0);
	CHECK_INT(db_put(db, domain_key, sizeof(domain_key), 0, &space), 0);
	CHECK_INT(db_put_done(db), 0);
	CHECK_INT(roster_epoch(db, &epoch), -EBADMSG);
	CHECK_INT(roster_visit(db, see, &seen), -EBADMSG);
	close_roster();
}
