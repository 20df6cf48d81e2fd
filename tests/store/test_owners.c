/* SPDX-License-Identifier: MIT */
#include "xenstored/store/owners.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/store/rig.h"
#include "tests/support/check.h"

static struct scratch scratch;
static struct db *db;
static char told[1000];

static int tell(void *arg, uint16_t owner, uint64_t id, const char *path, size_t len)
{
	size_t at = strlen(told);

	(void)arg;
	snprintf(told + at, sizeof(told) - at, "%u:%u:%.*s ", owner, (unsigned)id, (int)len, path);
	return 0;
}

static void open_index(void)
{
	scratch_make(&scratch);
	CHECK_INT(db_open(scratch.file, &db), 0);
	CHECK_INT(db_reserve(db, 100, 1000, DB_ROOM_COMMON), 0);
	CHECK_INT(owners_add(db, 300, 2, "/b", 2), 0);
	CHECK_INT(owners_add(db, 5, 300, "/c", 2), 0);
	CHECK_INT(owners_add(db, 5, 1, "/a", 2), 0);
}

static void close_index(void)
{
	db_close(db);
	scratch_remove(&scratch);
}

TEST(a_domain_has_its_nodes_in_order_of_their_ids)
{
	open_index();
	CHECK_INT(owners_visit(db, 5, tell, NULL), 0);
	CHECK_STR(told, "5:1:/a 5:300:/c ");
	told[0] = '\0';
	CHECK_INT(owners_visit(db, 6, tell, NULL), 0);
	CHECK_STR(told, "");
	CHECK_INT(owners_visit_all(db, tell, NULL), 0);
	CHECK_STR(told, "5:1:/a 5:300:/c 300:2:/b ");
	close_index();
}

TEST(removed_nodes_are_gone_and_a_missing_one_is_damage)
{
	open_index();
	CHECK_INT(owners_remove(db, 5, 1), 0);
	CHECK_INT(owners_remove(db, 5, 1), -EBADMSG);
	CHECK_INT(owners_visit_all(db, tell, NULL), 0);
	CHECK_STR(told, "5:300:/c 300:2:/b ");
	close_index();
}

TEST(domain_0_is_not_indexed)
{
	open_index();
	CHECK_INT(owners_add(db, 0, 9, "/z", 2), 0);
	CHECK_INT(owners_remove(db, 0, 10), 0);
	CHECK_INT(owners_visit(db, 0, tell, NULL), 0);
	CHECK_STR(told, "");
	close_index();
}
