/* SPDX-License-Identifier: MIT */
#include "xenstored/base/map.h"

#include <stdlib.h>
#include <string.h>

/* Multiplies to 128 bits and folds: every bit of both factors reaches every bit of the result. */
static uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Odd constants without structure: fractional parts of square roots of primes. */
static const uint64_t k0 = 0x6a09e667f3bcc909U, k1 = 0xbb67ae8584caa73bU, k2 = 0x3c6ef372fe94f82bU;

uint64_t map_hash_u64(uint64_t seed, uint64_t number)
{
	return fold(number ^ k0, seed ^ k1);
}

uint64_t map_hash(uint64_t seed, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	uint64_t hash = seed ^ fold(len ^ k2, k1), pair[2];

	while (len > 0) {
		size_t n = len < sizeof(pair) ? len : sizeof(pair);

		if (n < sizeof(pair))
			memset(pair, 0, sizeof(pair));
		memcpy(pair, at, n);
		hash = fold(pair[0] ^ k0 ^ hash, pair[1] ^ k1 ^ seed);
		at += n;
		len -= n;
	}
	return fold(hash ^ k2, k0);
}

void map_init(struct map *map, uint64_t seed)
{
	*map = (struct map){ .n_buckets = MAP_INLINE, .seed = seed };
	map->buckets = map->few;
}

void map_fini(struct map *map)
{
	if (map->buckets != map->few)
		free(map->buckets);
	map_init(map, map->seed);
}

struct map_link *map_find(const struct map *map, uint64_t hash, map_match_fn *match,
			  const void *key)
{
	struct map_link *link = map->buckets[hash & (map->n_buckets - 1)];

	while (link && (link->hash != hash || !match(link, key)))
		link = link->next;
	return link;
}

struct map_link *map_find_next(const struct map_link *link, map_match_fn *match, const void *key)
{
	struct map_link *next = link->next;

	while (next && (next->hash != link->hash || !match(next, key)))
		next = next->next;
	return next;
}

static void grow(struct map *map)
{
	size_t n_buckets = map->n_buckets * 4;
	struct map_link **buckets = calloc(n_buckets, sizeof(*buckets));

	if (!buckets)
		return;
	for (size_t i = 0; i < map->n_buckets; i++) {
		while (map->buckets[i]) {
			struct map_link *link = map->buckets[i];
			struct map_link **home = &buckets[link->hash & (n_buckets - 1)];

			map->buckets[i] = link->next;
			link->next = *home;
			*home = link;
		}
	}
	if (map->buckets != map->few)
		free(map->buckets);
	map->buckets = buckets;
	map->n_buckets = n_buckets;
}

void map_add(struct map *map, struct map_link *link, uint64_t hash)
{
	struct map_link **home;

	if (map->n >= map->n_buckets * 2)
		grow(map);
	home = &map->buckets[hash & (map->n_buckets - 1)];
	link->hash = hash;
	link->next = *home;
	*home = link;
	map->n++;
}

void map_remove(struct map *map, struct map_link *link)
{
	struct map_link **at = &map->buckets[link->hash & (map->n_buckets - 1)];

	while (*at != link)
		at = &(*at)->next;
	*at = link->next;
	map->n--;
}
