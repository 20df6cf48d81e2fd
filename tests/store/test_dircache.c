/* SPDX-License-Identifier: MIT */
#include "xenstored/store/dircache.h"

#include <string.h>

#include "tests/support/check.h"

static struct dircache cache;

static void put(const char *path, uint64_t id)
{
	dircache_put(&cache, path, strlen(path), id, id - 1);
}

static uint64_t get(const char *path)
{
	const struct dircache_slot *slot = dircache_get(&cache, path, strlen(path));

	if (slot)
		CHECK_UINT(slot->parent, slot->id - 1);
	return slot ? slot->id : 0;
}

TEST(a_noted_directory_is_found_and_no_other)
{
	CHECK_INT(dircache_init(&cache, 5), 0);
	CHECK_UINT(get("/a"), 0);
	put("/a", 7);
	CHECK_UINT(get("/a"), 7);
	CHECK_UINT(get("/b"), 0);
	CHECK_UINT(get("/a/a"), 0);
	put("/a", 9);
	CHECK_UINT(get("/a"), 9);
	dircache_fini(&cache);
}

TEST(dropping_forgets_one_path)
{
	CHECK_INT(dircache_init(&cache, 5), 0);
	put("/a", 7);
	put("/b", 8);
	dircache_drop(&cache, "/a", 2);
	dircache_drop(&cache, "/c", 2);
	CHECK_UINT(get("/a"), 0);
	CHECK_UINT(get("/b"), 8);
	dircache_fini(&cache);
}

TEST(flushing_forgets_all_even_when_its_count_wraps)
{
	CHECK_INT(dircache_init(&cache, 5), 0);
	put("/a", 7);
	cache.epoch = UINT32_MAX;
	put("/b", 8);
	dircache_flush(&cache);
	CHECK(cache.epoch != 0);
	CHECK_UINT(get("/a"), 0);
	CHECK_UINT(get("/b"), 0);
	dircache_fini(&cache);
}

TEST(long_paths_are_not_kept)
{
	char path[DIRCACHE_PATH_MAX + 2] = { 0 };

	CHECK_INT(dircache_init(&cache, 5), 0);
	memset(path, 'x', DIRCACHE_PATH_MAX);
	put(path, 7);
	CHECK_UINT(get(path), 7);
	path[DIRCACHE_PATH_MAX] = 'x';
	put(path, 8);
	CHECK_UINT(get(path), 0);
	dircache_drop(&cache, path, strlen(path));
	dircache_fini(&cache);
}
