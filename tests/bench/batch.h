/* SPDX-License-Identifier: MIT */
/*
 * Many requests in one piece: composed, sent at once, all answers awaited.
 */
#ifndef TESTS_BENCH_BATCH_H
#define TESTS_BENCH_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/wire.h"

struct conn;

/* More would wait in vain if neither side read while it sends. */
enum { BATCH_MAX = 128 };

/* Zero is a valid empty one. */
struct batch {
	uint8_t *bytes; /* owned */
	size_t len, size;
	unsigned n;
};

void batch_fini(struct batch *batch);

/* Adds a request of up to two pieces of payload. Returns 0 or an errno. */
int batch_add(struct batch *batch, enum xsp_type type, uint32_t tx_id, const void *first,
	      size_t first_len, const void *second, size_t second_len)
	__attribute__((warn_unused_result));

/*
 * Sends what was added, empties the batch and waits for the answers. EPROTO if one has not
 * `reply_len` bytes of payload; the first error among the answers.
 */
int batch_call(struct batch *batch, struct conn *conn, size_t reply_len)
	__attribute__((warn_unused_result));

#endif
