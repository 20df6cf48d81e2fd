/* SPDX-License-Identifier: MIT */
/*
 * Where directories are: from a path to the ids of the directory and its parent.
 *
 * A directory's path never leads to another id while it exists, so an entry is right until its
 * directory, or one above it, is removed. Then the entry, or the whole cache, is dropped: a stale
 * id would still lead to detached nodes. Fixed size; a miss costs a walk.
 */
#ifndef XSD_STORE_DIRCACHE_H
#define XSD_STORE_DIRCACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DIRCACHE_SLOTS = 2048, DIRCACHE_PATH_MAX = 96 };

struct dircache_slot {
	uint64_t hash;
	uint64_t id;
	uint64_t parent;
	uint32_t epoch; /* the cache's when it was filled */
	uint32_t len;
	char path[DIRCACHE_PATH_MAX];
};

struct dircache {
	uint64_t seed;
	uint32_t epoch;              /* 0 is never current */
	struct dircache_slot *slots; /* owned */
};

/* -ENOMEM. */
int dircache_init(struct dircache *cache, uint64_t seed) __attribute__((warn_unused_result));
void dircache_fini(struct dircache *cache);

/* The slot of a path, or NULL. */
const struct dircache_slot *dircache_get(const struct dircache *cache, const char *path,
					 size_t len);

/* Notes a directory; long paths are not kept. */
void dircache_put(struct dircache *cache, const char *path, size_t len, uint64_t id,
		  uint64_t parent);

/* Forgets one path, or all. */
void dircache_drop(struct dircache *cache, const char *path, size_t len);
void dircache_flush(struct dircache *cache);

#endif
