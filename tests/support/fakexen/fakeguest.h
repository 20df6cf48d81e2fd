/* SPDX-License-Identifier: MIT */
/*
 * A guest's end of its ring, on a fake host, with the manners of Linux: it signals new requests
 * only if the server had taken all before, and free room only if there was none. A server that
 * counts on more signals than these hangs.
 */
#ifndef TESTS_SUPPORT_FAKEXEN_FAKEGUEST_H
#define TESTS_SUPPORT_FAKEXEN_FAKEGUEST_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/ring.h"
#include "tests/support/fakexen/fakehost.h"

/* Where notifications for guests arrive; several guests may share one. */
struct fakewaker {
	int fd;
	uint32_t number;
};

int fakewaker_open(struct fakehost_access *access, struct fakewaker *waker);
void fakewaker_close(struct fakewaker *waker);

/* Waits for notifications. Returns how many domids were written out; 0: none in that time. */
size_t fakewaker_wait(struct fakewaker *waker, int patience_ms, uint32_t *out_domids, size_t size);

struct fakeguest {
	struct fakehost_access *access; /* borrowed */
	struct fakehost_channel *channel;
	struct xsp_ring_page *page; /* mapped */
	uint32_t domid;
};

/* Plays domain `domid`, which exists and is told through the waker from now on. */
int fakeguest_open(struct fakeguest *guest, struct fakehost_access *access, uint32_t domid,
		   const struct fakewaker *waker);
void fakeguest_close(struct fakeguest *guest);

/* Talks over another of its ports. */
void fakeguest_use_port(struct fakeguest *guest, uint32_t port);

/* The guest has seen that it was notified; done before it looks at the ring. */
void fakeguest_heard(struct fakeguest *guest);

/* Signals the server, wanted or not. */
void fakeguest_fire(struct fakeguest *guest);

/* What fits into the request ring, and what is in the response ring. Never wait. */
size_t fakeguest_write(struct fakeguest *guest, const void *bytes, size_t len);
size_t fakeguest_read(struct fakeguest *guest, void *bytes, size_t size);

/* How often the server notified it. */
uint64_t fakeguest_count(const struct fakeguest *guest);

#endif
