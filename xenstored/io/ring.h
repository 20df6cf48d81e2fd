/* SPDX-License-Identifier: MIT */
/*
 * One guest's ring: bytes between its page and the core.
 *
 * The guest may write anything into the page at any time. It need not be told of every change, and
 * does not tell us of every change either: it signals new requests only if we had taken all
 * before, and free room only if there was none. So each direction is looked at again after the
 * last byte was moved, until nothing is left or the other side is sure to signal.
 */
#ifndef XSD_IO_RING_H
#define XSD_IO_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/ring.h"

struct client;

struct ring {
	struct client *client; /* borrowed */
	struct xsp_ring ends;
	uint32_t features;
	bool is_failed; /* not looked at any more */
};

/* What serving a ring has led to. */
struct ring_work {
	bool has_moved;     /* bytes went over: the guest is to be told */
	bool is_unfinished; /* there is more, but others come first */
};

/*
 * Starts a connection: indices zeroed, features published, the error of an earlier one cleared. A
 * guest that waits for this, or is thought to (`is_expected`), is released: true, it is to be told.
 */
bool ring_start(struct ring *ring, struct xsp_ring_page *page, uint32_t features, bool is_expected);

/* True if the guest asks to start its connection anew, and has been offered to. */
bool ring_wants_restart(const struct ring *ring);

/* Moves bytes both ways. A guest that breaks the rules is reported to the core. */
struct ring_work ring_serve(struct ring *ring);

/* Ends service, and says why (XSP_RING_ERROR_*) if the guest understands. */
void ring_fail(struct ring *ring, uint32_t error);

#endif
