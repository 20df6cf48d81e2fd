/* SPDX-License-Identifier: MIT */
#include "xenstored/store/dircache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xenstored/base/map.h"

int dircache_init(struct dircache *cache, uint64_t seed)
{
	cache->seed = seed;
	cache->epoch = 1;
	cache->slots = calloc(DIRCACHE_SLOTS, sizeof(*cache->slots));
	return cache->slots ? 0 : -ENOMEM;
}

void dircache_fini(struct dircache *cache)
{
	free(cache->slots);
	*cache = (struct dircache){ 0 };
}

static struct dircache_slot *slot_of(const struct dircache *cache, uint64_t hash)
{
	return &cache->slots[hash % DIRCACHE_SLOTS];
}

static bool holds(const struct dircache *cache, const struct dircache_slot *slot, uint64_t hash,
		  const char *path, size_t len)
{
	return slot->epoch == cache->epoch && slot->hash == hash && slot->len == len &&
	       !memcmp(slot->path, path, len);
}

const struct dircache_slot *dircache_get(const struct dircache *cache, const char *path, size_t len)
{
	uint64_t hash;
	struct dircache_slot *slot;

	if (len > DIRCACHE_PATH_MAX)
		return NULL;
	hash = map_hash(cache->seed, path, len);
	slot = slot_of(cache, hash);
	return holds(cache, slot, hash, path, len) ? slot : NULL;
}

void dircache_put(struct dircache *cache, const char *path, size_t len, uint64_t id,
		  uint64_t parent)
{
	uint64_t hash;
	struct dircache_slot *slot;

	if (len > DIRCACHE_PATH_MAX)
		return;
	hash = map_hash(cache->seed, path, len);
	slot = slot_of(cache, hash);
	*slot = (struct dircache_slot){
		.hash = hash,
		.id = id,
		.parent = parent,
		.epoch = cache->epoch,
		.len = (uint32_t)len,
	};
	memcpy(slot->path, path, len);
}

void dircache_drop(struct dircache *cache, const char *path, size_t len)
{
	uint64_t hash;
	struct dircache_slot *slot;

	if (len > DIRCACHE_PATH_MAX)
		return;
	hash = map_hash(cache->seed, path, len);
	slot = slot_of(cache, hash);
	if (holds(cache, slot, hash, path, len))
		slot->epoch = 0;
}

void dircache_flush(struct dircache *cache)
{
	cache->epoch++;
	if (cache->epoch == 0) {
		memset(cache->slots, 0, DIRCACHE_SLOTS * sizeof(*cache->slots));
		cache->epoch = 1;
	}
}
