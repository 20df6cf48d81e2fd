/* SPDX-License-Identifier: MIT */
#include "xenstored/base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "tests/support/check.h"

TEST(memory_is_aligned_for_any_object)
{
	struct arena arena = { 0 };

	for (size_t size = 1; size < 100; size++)
		CHECK_UINT((uintptr_t)arena_alloc(&arena, size) % alignof(max_align_t), 0);
	arena_fini(&arena);
}

TEST(pieces_do_not_overlap)
{
	enum { PIECES = 2000, SIZE = 50 };
	struct arena arena = { 0 };
	unsigned char *pieces[PIECES], expected[SIZE];

	for (int i = 0; i < PIECES; i++) {
		pieces[i] = arena_alloc(&arena, SIZE);
		CHECK(pieces[i] != NULL);
		memset(pieces[i], i & 0xff, SIZE);
	}
	for (int i = 0; i < PIECES; i++) {
		memset(expected, i & 0xff, SIZE);
		CHECK_BYTES(pieces[i], SIZE, expected, SIZE);
	}
	arena_fini(&arena);
}

TEST(a_copy_is_another_memory_with_the_same_bytes)
{
	struct arena arena = { 0 };
	char text[] = "bytes";
	char *copy = arena_copy(&arena, text, sizeof(text));

	text[0] = 'B';
	CHECK_STR(copy, "bytes");
	CHECK(arena_copy(&arena, NULL, 0) != NULL);
	arena_fini(&arena);
}

TEST(an_impossible_size_is_refused)
{
	struct arena arena = { 0 };

	CHECK(arena_alloc(&arena, SIZE_MAX) == NULL);
	CHECK(arena_alloc(&arena, 10) != NULL);
	CHECK(arena_alloc(&arena, SIZE_MAX - 3) == NULL);
	arena_fini(&arena);
}

TEST(a_reset_keeps_the_first_block)
{
	struct arena arena = { 0 };
	void *first = arena_alloc(&arena, 100);

	for (int i = 0; i < 100; i++)
		CHECK(arena_alloc(&arena, 4000) != NULL);
	arena_reset(&arena);
	CHECK(arena_alloc(&arena, 100) == first);
	arena_fini(&arena);
}

TEST(a_reset_frees_a_huge_block_even_if_it_is_the_first)
{
	struct arena arena = { 0 };

	CHECK(arena_alloc(&arena, 1 << 20) != NULL);
	arena_reset(&arena);
	CHECK(arena.blocks == NULL);
	arena_reset(&arena);
	arena_fini(&arena);
	arena_fini(&arena);
}
