/* SPDX-License-Identifier: MIT */
/*
 * The ring page: two 1024-byte rings between one guest and the server, and the words beside them.
 *
 * The guest can write every byte of the page at any time. So this side keeps private copies of
 * the indices it owns (struct xsp_ring), reads each of the guest's once per step, checks it, and
 * never reads back what it stored. Indices are free-running 32-bit counters.
 */
#ifndef XSP_RING_H
#define XSP_RING_H

#include <stddef.h>
#include <stdint.h>

enum { XSP_RING_SIZE = 1024, XSP_RING_PAGE_SIZE = 4096 };

enum {
	XSP_RING_ERROR_NONE = 0,
	XSP_RING_ERROR_COMM = 1,
	XSP_RING_ERROR_INDEX = 2,
	XSP_RING_ERROR_PROTOCOL = 3,
};

enum { XSP_RING_CONNECTED = 0, XSP_RING_RECONNECT = 1 };

/* The shared page, in the order the protocol gives. */
struct xsp_ring_page {
	uint8_t req[XSP_RING_SIZE];
	uint8_t rsp[XSP_RING_SIZE];
	_Atomic uint32_t req_cons; /* server */
	_Atomic uint32_t req_prod; /* guest */
	_Atomic uint32_t rsp_cons; /* guest */
	_Atomic uint32_t rsp_prod; /* server */
	_Atomic uint32_t features; /* server */
	_Atomic uint32_t connection;
	_Atomic uint32_t error; /* server */
	_Atomic uint32_t evtchn_port;
};

/* One end's private knowledge of a page. */
struct xsp_ring {
	struct xsp_ring_page *page; /* borrowed */
	uint32_t req_cons;
	uint32_t rsp_prod;
};

/* Takes over the page's indices as they are (a guest that was connected already). */
void xsp_ring_adopt(struct xsp_ring *ring, struct xsp_ring_page *page);

/* Zeroes all four indices: a new connection. The guest must not be using the page. */
void xsp_ring_reset(struct xsp_ring *ring, struct xsp_ring_page *page);

/*
 * Copies at most `len` request bytes out of the ring and publishes the new consumer.
 * Returns 0 and the count (0: empty), or EBADMSG with nothing consumed.
 */
int xsp_ring_read(struct xsp_ring *ring, void *out_bytes, size_t len, size_t *out_count);

/* Copies response bytes into the ring as far as they fit. Returns as xsp_ring_read(). */
int xsp_ring_write(struct xsp_ring *ring, const void *bytes, size_t len, size_t *out_count);

/* Bytes the guest has produced and we have not consumed; EBADMSG as above. */
int xsp_ring_pending(const struct xsp_ring *ring, size_t *out_count);

#endif
