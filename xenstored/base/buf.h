/* SPDX-License-Identifier: MIT */
/*
 * A byte queue: bytes are appended at the tail and taken from the head.
 *
 * The content is contiguous, so a message in it can be looked at where it lies. Pointers into
 * the content are valid until the next append.
 */
#ifndef XSD_BASE_BUF_H
#define XSD_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

/* Zero is a valid, empty queue. */
struct buf {
	uint8_t *bytes; /* owned */
	size_t head;    /* first byte not yet taken */
	size_t tail;    /* behind the last byte */
	size_t size;    /* bytes allocated */
};

size_t buf_len(const struct buf *buf);
uint8_t *buf_head(const struct buf *buf);

/*
 * Makes room for `len` more bytes and returns where they go, or NULL when memory is exhausted
 * (the content stays). buf_added() then says how many were put there.
 */
uint8_t *buf_space(struct buf *buf, size_t len);
void buf_added(struct buf *buf, size_t len);

/* Removes `len` bytes from the head; `len` is at most buf_len(). */
void buf_taken(struct buf *buf, size_t len);

/* Cuts the content to its first `len` bytes. */
void buf_truncate(struct buf *buf, size_t len);

void buf_fini(struct buf *buf);

#endif
