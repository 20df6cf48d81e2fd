/* SPDX-License-Identifier: MIT */
/*
 * Scratch memory of one request, freed in one go.
 *
 * The first block stays with the arena between requests, so an ordinary request allocates
 * nothing. Memory is aligned for any object and is not zeroed.
 */
#ifndef XSD_BASE_ARENA_H
#define XSD_BASE_ARENA_H

#include <stddef.h>

struct arena_block;

/* Zero is a valid, empty arena. */
struct arena {
	struct arena_block *blocks; /* owned, newest first */
	size_t used;                /* bytes taken from the newest block */
};

/* Returns NULL when memory is exhausted. */
void *arena_alloc(struct arena *arena, size_t size);

/* Copies `len` bytes; NULL when memory is exhausted. */
void *arena_copy(struct arena *arena, const void *bytes, size_t len);

/* Frees everything handed out; keeps the oldest block for the next request. */
void arena_reset(struct arena *arena);

/* Frees the arena's own memory too. */
void arena_fini(struct arena *arena);

#endif
