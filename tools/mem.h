/* SPDX-License-Identifier: MIT */
/*
 * Memory for the tools: running out of it ends the program with a message, so no caller looks
 * for NULL. Not for the daemon or the library.
 */
#ifndef XS_TOOLS_MEM_H
#define XS_TOOLS_MEM_H

#include <stddef.h>

void *mem_alloc(size_t len);

/* Room for `n` elements of `size` bytes in `*array`, whose present room is `*room` elements. */
void *mem_grow(void *array, size_t *room, size_t n, size_t size);

char *mem_string(const char *text);
char *mem_bytes(const void *bytes, size_t len);

/* "parent/child", with one slash where `parent` is "/" or empty. */
char *mem_path(const char *parent, const char *child);

#endif
