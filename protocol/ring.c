/* SPDX-License-Identifier: MIT */
#include "protocol/ring.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

_Static_assert(offsetof(struct xsp_ring_page, req_cons) == 2048, "layout of the protocol");
_Static_assert(offsetof(struct xsp_ring_page, features) == 2064, "layout of the protocol");
_Static_assert(offsetof(struct xsp_ring_page, evtchn_port) == 2076, "layout of the protocol");

void xsp_ring_adopt(struct xsp_ring *ring, struct xsp_ring_page *page)
{
	*ring = (struct xsp_ring){
		.page = page,
		.req_cons = atomic_load(&page->req_cons),
		.rsp_prod = atomic_load(&page->rsp_prod),
	};
}

void xsp_ring_reset(struct xsp_ring *ring, struct xsp_ring_page *page)
{
	*ring = (struct xsp_ring){ .page = page };
	atomic_store(&page->req_cons, 0);
	atomic_store(&page->req_prod, 0);
	atomic_store(&page->rsp_cons, 0);
	atomic_store(&page->rsp_prod, 0);
}

int xsp_ring_pending(const struct xsp_ring *ring, size_t *out_count)
{
	uint32_t used = atomic_load(&ring->page->req_prod) - ring->req_cons;

	if (used > XSP_RING_SIZE)
		return EBADMSG;
	*out_count = used;
	return 0;
}

int xsp_ring_read(struct xsp_ring *ring, void *out_bytes, size_t len, size_t *out_count)
{
	size_t used, at, first;
	int err;

	/* The producer is read once; the sequentially consistent load orders the copy behind it. */
	err = xsp_ring_pending(ring, &used);
	if (err)
		return err;
	if (len > used)
		len = used;
	*out_count = len;
	if (len == 0)
		return 0;
	at = ring->req_cons % XSP_RING_SIZE;
	first = len < XSP_RING_SIZE - at ? len : XSP_RING_SIZE - at;
	memcpy(out_bytes, ring->page->req + at, first);
	memcpy((uint8_t *)out_bytes + first, ring->page->req, len - first);
	ring->req_cons += (uint32_t)len;
	atomic_store(&ring->page->req_cons, ring->req_cons);
	return 0;
}

int xsp_ring_write(struct xsp_ring *ring, const void *bytes, size_t len, size_t *out_count)
{
	uint32_t used = ring->rsp_prod - atomic_load(&ring->page->rsp_cons);
	size_t at, first;

	if (used > XSP_RING_SIZE)
		return EBADMSG;
	if (len > XSP_RING_SIZE - used)
		len = XSP_RING_SIZE - used;
	*out_count = len;
	if (len == 0)
		return 0;
	at = ring->rsp_prod % XSP_RING_SIZE;
	first = len < XSP_RING_SIZE - at ? len : XSP_RING_SIZE - at;
	memcpy(ring->page->rsp + at, bytes, first);
	memcpy(ring->page->rsp, (const uint8_t *)bytes + first, len - first);
	ring->rsp_prod += (uint32_t)len;
	atomic_store(&ring->page->rsp_prod, ring->rsp_prod);
	return 0;
}
