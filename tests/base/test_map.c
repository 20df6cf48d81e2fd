/* SPDX-License-Identifier: MIT */
#include "xenstored/base/map.h"

#include "tests/support/check.h"

enum { THINGS = 5000 };

struct thing {
	struct map_link link; /* first, so that a link is its thing */
	uint64_t key;
};

static struct thing things[THINGS];

static bool has_key(const struct map_link *link, const void *key)
{
	return ((const struct thing *)link)->key == *(const uint64_t *)key;
}

static bool is_any(const struct map_link *link, const void *key)
{
	(void)link;
	(void)key;
	return true;
}

static void fill(struct map *map, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		things[i].key = i;
		map_add(map, &things[i].link, map_hash_u64(map->seed, i));
	}
}

static struct map_link *find(const struct map *map, uint64_t key)
{
	return map_find(map, map_hash_u64(map->seed, key), has_key, &key);
}

TEST(what_was_added_is_found_and_nothing_else)
{
	struct map map;

	map_init(&map, 7);
	CHECK(find(&map, 1) == NULL);
	fill(&map, THINGS);
	CHECK_UINT(map.n, THINGS);
	for (uint64_t i = 0; i < THINGS; i++)
		CHECK(find(&map, i) == &things[i].link);
	CHECK(find(&map, THINGS) == NULL);
	map_fini(&map);
}

TEST(what_was_removed_is_gone_and_the_rest_stays)
{
	struct map map;

	map_init(&map, 7);
	fill(&map, THINGS);
	for (uint64_t i = 0; i < THINGS; i += 2)
		map_remove(&map, &things[i].link);
	CHECK_UINT(map.n, THINGS / 2);
	for (uint64_t i = 0; i < THINGS; i++)
		CHECK(find(&map, i) == (i % 2 ? &things[i].link : NULL));
	map_fini(&map);
}

TEST(a_small_map_allocates_nothing)
{
	struct map map;

	map_init(&map, 7);
	fill(&map, MAP_INLINE / 2);
	CHECK(map.buckets == map.few);
	map_fini(&map);
}

TEST(chains_stay_short_as_the_map_grows)
{
	struct map map;

	map_init(&map, 7);
	fill(&map, THINGS);
	CHECK(map.n_buckets >= THINGS / 2);
	map_fini(&map);
}

TEST(things_with_the_same_hash_are_all_found)
{
	struct map map;
	uint64_t key = 5;
	unsigned n = 0;

	map_init(&map, 7);
	fill(&map, 100);
	for (int i = 200; i < 203; i++)
		map_add(&map, &things[i].link, 99);
	for (struct map_link *link = map_find(&map, 99, is_any, NULL); link;
	     link = map_find_next(link, is_any, NULL)) {
		CHECK(link >= &things[200].link && link <= &things[202].link);
		n++;
	}
	CHECK_UINT(n, 3);
	things[200].key = things[202].key = 1;
	things[201].key = key;
	CHECK(map_find(&map, 99, has_key, &key) == &things[201].link);
	map_fini(&map);
}

TEST(hashes_depend_on_the_seed_and_on_every_byte)
{
	char text[] = "/local/domain/5/device/vif/0";
	uint64_t hash = map_hash(1, text, sizeof(text));

	CHECK(map_hash(1, text, sizeof(text)) == hash);
	CHECK(map_hash(2, text, sizeof(text)) != hash);
	CHECK(map_hash(1, text, sizeof(text) - 1) != hash);
	CHECK(map_hash_u64(1, 5) != map_hash_u64(2, 5));
	for (size_t i = 0; i < sizeof(text); i++) {
		text[i] ^= 1;
		CHECK(map_hash(1, text, sizeof(text)) != hash);
		text[i] ^= 1;
	}
}
