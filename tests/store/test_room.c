/* SPDX-License-Identifier: MIT */
#include "xenstored/store/room.h"

#include "tests/support/check.h"

static void add(struct room *room, size_t first, size_t n, bool in_runs)
{
	for (size_t i = first; i < first + n; i++)
		CHECK_INT(room_add(room, &i, 1, in_runs), 0);
}

TEST(pages_count_wherever_they_are)
{
	struct room room = { 0 };

	add(&room, 10, 5, false);
	CHECK(room_fits(&room, 5, 10, 0, 0));
	CHECK(!room_fits(&room, 5, 11, 0, 0));
	CHECK(!room_fits(&room, 5, 10, 1, 0));
	room_fini(&room);
}

TEST(large_records_need_runs)
{
	struct room room = { 0 };

	for (size_t i = 0; i < 100; i++)
		add(&room, 10 + 2 * i, 1, true);
	CHECK(room_fits(&room, 0, 1, 0, ROOM_SMALL - 1));
	CHECK(!room_fits(&room, 0, 1, 0, ROOM_SMALL));
	add(&room, 1000, 2 * ROOM_RUN, true);
	CHECK(room_fits(&room, 0, 1, 0, ROOM_SMALL));
	CHECK(!room_fits(&room, 0, 1, 0, 2 * ROOM_SMALL));
	room_fini(&room);
}

TEST(pages_not_for_runs_make_none)
{
	struct room room = { 0 };

	add(&room, 10, 100, false);
	CHECK(!room_fits(&room, 0, 1, 0, ROOM_SMALL));
	room_fini(&room);
}

TEST(runs_are_found_in_any_order)
{
	const size_t numbers[] = { 7, 3, 5, 4, 2, 6 };
	struct room room = { 0 };

	CHECK_INT(room_add(&room, numbers, 6, true), 0);
	CHECK(room_fits(&room, 0, 1, 0, ROOM_SMALL));
	room_fini(&room);
}

TEST(the_end_of_the_file_is_one_long_run)
{
	struct room room = { 0 };

	CHECK(room_fits(&room, 1 + 2 * ROOM_RUN, 1, 0, 2 * ROOM_SMALL));
	CHECK(!room_fits(&room, 2 * ROOM_RUN, 1, 0, 2 * ROOM_SMALL));
	room_fini(&room);
}
