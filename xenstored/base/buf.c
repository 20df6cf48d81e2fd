/* SPDX-License-Identifier: MIT */
#include "xenstored/base/buf.h"

#include <stdlib.h>
#include <string.h>

enum { SIZE_MIN = 512 };

size_t buf_len(const struct buf *buf)
{
	return buf->tail - buf->head;
}

uint8_t *buf_head(const struct buf *buf)
{
	/* Nothing may be added to a null pointer, not even nothing. */
	return buf->bytes ? buf->bytes + buf->head : NULL;
}

/* Moves the content to the front. */
static void slide(struct buf *buf)
{
	if (buf->head) {
		memmove(buf->bytes, buf->bytes + buf->head, buf_len(buf));
		buf->tail -= buf->head;
		buf->head = 0;
	}
}

uint8_t *buf_space(struct buf *buf, size_t len)
{
	size_t want = buf_len(buf) + len, size;
	uint8_t *bytes;

	if (buf->size - buf->tail >= len && buf->bytes)
		return buf->bytes + buf->tail;
	if (want < len)
		return NULL;
	/* Sliding costs the content's length: only worth it when at least as much came free. */
	if (buf->size >= want && buf->head >= buf_len(buf)) {
		slide(buf);
		return buf->bytes + buf->tail;
	}
	size = buf->size * 2 > want ? buf->size * 2 : want;
	if (size < SIZE_MIN)
		size = SIZE_MIN;
	bytes = realloc(buf->bytes, size);
	if (!bytes)
		return NULL;
	buf->bytes = bytes;
	buf->size = size;
	slide(buf);
	return buf->bytes + buf->tail;
}

void buf_added(struct buf *buf, size_t len)
{
	buf->tail += len;
}

void buf_taken(struct buf *buf, size_t len)
{
	buf->head += len;
	if (buf->head == buf->tail)
		buf->head = buf->tail = 0;
}

void buf_truncate(struct buf *buf, size_t len)
{
	buf->tail = buf->head + len;
}

void buf_fini(struct buf *buf)
{
	free(buf->bytes);
	*buf = (struct buf){ 0 };
}
