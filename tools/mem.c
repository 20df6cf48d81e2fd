/* SPDX-License-Identifier: MIT */
#include "tools/mem.h"

#include <err.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *mem_alloc(size_t len)
{
	void *p = malloc(len ? len : 1);

	if (!p)
		errx(1, "out of memory");
	return p;
}

void *mem_grow(void *array, size_t *room, size_t n, size_t size)
{
	size_t want = *room ? *room : 16;
	void *p;

	if (n <= *room)
		return array;
	while (want < n)
		want *= 2;
	if (want > SIZE_MAX / size)
		errx(1, "out of memory");
	p = realloc(array, want * size);
	if (!p)
		errx(1, "out of memory");
	*room = want;
	return p;
}

char *mem_string(const char *text)
{
	return mem_bytes(text, strlen(text));
}

char *mem_bytes(const void *bytes, size_t len)
{
	char *p = mem_alloc(len + 1);

	if (len)
		memcpy(p, bytes, len);
	p[len] = '\0';
	return p;
}

char *mem_path(const char *parent, const char *child)
{
	size_t head = strlen(parent), tail = strlen(child);
	char *p;

	if (tail == 0)
		return mem_string(parent);
	if (head == 1 && parent[0] == '/')
		head = 0;
	p = mem_alloc(head + tail + 2);
	memcpy(p, parent, head);
	p[head] = '/';
	memcpy(p + head + 1, child, tail);
	p[head + 1 + tail] = '\0';
	return p;
}
