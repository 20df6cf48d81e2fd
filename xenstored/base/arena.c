/* SPDX-License-Identifier: MIT */
#include "xenstored/base/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 32 * 1024, ALIGNMENT = alignof(max_align_t) };

struct arena_block {
	struct arena_block *next;
	size_t size;
	alignas(max_align_t) unsigned char bytes[];
};

void *arena_alloc(struct arena *arena, size_t size)
{
	struct arena_block *block = arena->blocks;
	size_t rounded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	size_t capacity;

	if (rounded < size)
		return NULL;
	if (!block || block->size - arena->used < rounded) {
		capacity = rounded > BLOCK_SIZE ? rounded : BLOCK_SIZE;
		block = malloc(sizeof(*block) + capacity);
		if (!block)
			return NULL;
		block->next = arena->blocks;
		block->size = capacity;
		arena->blocks = block;
		arena->used = 0;
	}
	arena->used += rounded;
	return block->bytes + arena->used - rounded;
}

void *arena_copy(struct arena *arena, const void *bytes, size_t len)
{
	void *copy = arena_alloc(arena, len);

	if (copy && len)
		memcpy(copy, bytes, len);
	return copy;
}

static void free_until(struct arena *arena, struct arena_block *kept)
{
	while (arena->blocks != kept) {
		struct arena_block *next = arena->blocks->next;

		free(arena->blocks);
		arena->blocks = next;
	}
	arena->used = 0;
}

void arena_reset(struct arena *arena)
{
	struct arena_block *oldest = arena->blocks;

	while (oldest && oldest->next)
		oldest = oldest->next;
	/* One huge request must not leave its memory with the server for ever. */
	if (oldest && oldest->size > BLOCK_SIZE)
		oldest = NULL;
	free_until(arena, oldest);
}

void arena_fini(struct arena *arena)
{
	free_until(arena, NULL);
}
