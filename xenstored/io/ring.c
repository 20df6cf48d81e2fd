/* SPDX-License-Identifier: MIT */
#include "xenstored/io/ring.h"

#include <stdatomic.h>
#include <stddef.h>

#include "protocol/wire.h"
#include "xenstored/core/server.h"

/*
 * Looks at one direction of one ring in one turn. A ring holds 1024 bytes, so more than a few are
 * only needed for a guest that goes on while it is being served.
 */
enum { LOOKS = 16 };

bool ring_start(struct ring *ring, struct xsp_ring_page *page, uint32_t features, bool is_expected)
{
	ring->is_failed = false;
	ring->features = features;
	xsp_ring_reset(&ring->ends, page);
	atomic_store(&page->features, features);
	if (features & XSP_FEATURE_ERROR)
		atomic_store(&page->error, XSP_RING_ERROR_NONE);
	if (!is_expected && atomic_load(&page->connection) == XSP_RING_CONNECTED)
		return false;
	/* Last: a guest that sees this goes ahead. */
	atomic_store(&page->connection, XSP_RING_CONNECTED);
	return true;
}

bool ring_wants_restart(const struct ring *ring)
{
	return !ring->is_failed && (ring->features & XSP_FEATURE_RECONNECT) &&
	       atomic_load(&ring->ends.page->connection) != XSP_RING_CONNECTED;
}

/* Bytes to the guest, until there are none or the ring is full to the last byte. */
static int push(struct ring *ring, struct ring_work *work)
{
	const uint8_t *bytes;
	size_t len, n;
	int err;

	for (int i = 0; i < LOOKS; i++) {
		len = client_output(ring->client, &bytes);
		if (len == 0)
			return 0;
		err = xsp_ring_write(&ring->ends, bytes, len, &n);
		if (err || n == 0)
			return err;
		work->has_moved = true;
		client_output_taken(ring->client, n);
	}
	work->is_unfinished = true;
	return 0;
}

/* Bytes from the guest, until there are none or the core wants no more of them. */
static int pull(struct ring *ring, struct ring_work *work)
{
	uint8_t *space;
	size_t len, n;
	int err;

	for (int i = 0; i < LOOKS; i++) {
		err = xsp_ring_pending(&ring->ends, &n);
		if (err || n == 0 || !client_wants_input(ring->client))
			return err;
		space = client_input_space(ring->client, &len);
		if (!space)
			return 0;
		err = xsp_ring_read(&ring->ends, space, len, &n);
		if (err)
			return err;
		work->has_moved = true;
		client_input_added(ring->client, n);
	}
	work->is_unfinished = true;
	return 0;
}

struct ring_work ring_serve(struct ring *ring)
{
	struct ring_work work = { 0 };
	int err;

	if (ring->is_failed)
		return work;
	err = push(ring, &work);
	if (!err)
		err = pull(ring, &work);
	if (err) {
		client_broke(ring->client, XSP_RING_ERROR_INDEX);
		work.is_unfinished = false;
	}
	return work;
}

void ring_fail(struct ring *ring, uint32_t error)
{
	ring->is_failed = true;
	if (ring->features & XSP_FEATURE_ERROR)
		atomic_store(&ring->ends.page->error, error);
}
