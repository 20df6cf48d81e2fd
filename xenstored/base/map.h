/* SPDX-License-Identifier: MIT */
/*
 * An intrusive hash map: the things in it embed a map_link and stay where they are.
 *
 * Hashes are keyed with the map's seed, which clients cannot know, so they cannot choose keys
 * that collide. There is no iteration: whoever needs an order keeps its own list, so that
 * nothing that a client can see depends on addresses or hashes.
 */
#ifndef XSD_BASE_MAP_H
#define XSD_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_link {
	struct map_link *next;
	uint64_t hash;
};

enum { MAP_INLINE = 8 };

struct map {
	struct map_link **buckets; /* owned unless it is `few` */
	size_t n_buckets;          /* a power of two */
	size_t n;
	uint64_t seed;
	struct map_link *few[MAP_INLINE]; /* a small map allocates nothing */
};

/* True if the thing around `link` has the key that is looked for. */
typedef bool map_match_fn(const struct map_link *link, const void *key);

/* A hash of `len` bytes, keyed by `seed`; chains by using a hash as the next seed. */
uint64_t map_hash(uint64_t seed, const void *bytes, size_t len);

/* A hash of one number, keyed by `seed`. */
uint64_t map_hash_u64(uint64_t seed, uint64_t number);

/* The map must not move while it is in use. */
void map_init(struct map *map, uint64_t seed);

/* Forgets everything; the things themselves are the caller's. */
void map_fini(struct map *map);

/* The link with that hash that matches, or NULL. */
struct map_link *map_find(const struct map *map, uint64_t hash, map_match_fn *match,
			  const void *key);

/* The next link behind `link` with the same hash that matches, for maps with several of a key. */
struct map_link *map_find_next(const struct map_link *link, map_match_fn *match, const void *key);

/* Adds a link. Cannot fail: when memory for more buckets is missing the chains grow longer. */
void map_add(struct map *map, struct map_link *link, uint64_t hash);

/* Removes a link that is in the map. */
void map_remove(struct map *map, struct map_link *link);

#endif
