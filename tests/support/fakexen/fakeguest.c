/* SPDX-License-Identifier: MIT */
#include "tests/support/fakexen/fakeguest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int fakewaker_open(struct fakehost_access *access, struct fakewaker *waker)
{
	char path[FAKEHOST_PATH_MAX];

	waker->number = atomic_fetch_add(&access->host->last_waker, 1) + 1;
	fakehost_path(access, path, "waker", waker->number);
	if (mkfifo(path, 0600))
		return errno;
	waker->fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	return waker->fd < 0 ? errno : 0;
}

void fakewaker_close(struct fakewaker *waker)
{
	close(waker->fd);
}

size_t fakewaker_wait(struct fakewaker *waker, int patience_ms, uint32_t *out_domids, size_t size)
{
	struct pollfd ready = { .fd = waker->fd, .events = POLLIN };
	ssize_t n = read(waker->fd, out_domids, size * sizeof(*out_domids));

	if (n <= 0 && patience_ms != 0 && poll(&ready, 1, patience_ms) > 0)
		n = read(waker->fd, out_domids, size * sizeof(*out_domids));
	return n > 0 ? (size_t)n / sizeof(*out_domids) : 0;
}

int fakeguest_open(struct fakeguest *guest, struct fakehost_access *access, uint32_t domid,
		   const struct fakewaker *waker)
{
	struct fakehost_domain *domain = &access->host->domains[domid];

	*guest = (struct fakeguest){ .access = access, .domid = domid };
	guest->channel = fakehost_channel(access, domid, FAKEHOST_PORT);
	if (!guest->channel)
		return ESRCH;
	guest->page = fakehost_map(access, domain->page);
	if (!guest->page)
		return errno;
	domain->waker = waker->number;
	guest->channel->is_guest_pending = 0;
	return 0;
}

void fakeguest_close(struct fakeguest *guest)
{
	if (guest->page)
		fakehost_unmap(guest->page);
	*guest = (struct fakeguest){ 0 };
}

void fakeguest_use_port(struct fakeguest *guest, uint32_t port)
{
	guest->channel = fakehost_channel(guest->access, guest->domid, port);
}

void fakeguest_heard(struct fakeguest *guest)
{
	guest->channel->is_guest_pending = 0;
}

void fakeguest_fire(struct fakeguest *guest)
{
	fakehost_fire(guest->access, guest->channel);
}

size_t fakeguest_write(struct fakeguest *guest, const void *bytes, size_t len)
{
	struct xsp_ring_page *page = guest->page;
	uint32_t prod = page->req_prod, used = prod - page->req_cons;
	size_t at = prod % XSP_RING_SIZE, first;

	if (used > XSP_RING_SIZE)
		return 0;
	if (len > XSP_RING_SIZE - used)
		len = XSP_RING_SIZE - used;
	if (len == 0)
		return 0;
	first = len < XSP_RING_SIZE - at ? len : XSP_RING_SIZE - at;
	memcpy(page->req + at, bytes, first);
	memcpy(page->req, (const char *)bytes + first, len - first);
	page->req_prod = prod + (uint32_t)len;
	/* Sequentially consistent: the server sees the new producer, or we see its new consumer. */
	if (page->req_cons == prod)
		fakeguest_fire(guest);
	return len;
}

size_t fakeguest_read(struct fakeguest *guest, void *bytes, size_t size)
{
	struct xsp_ring_page *page = guest->page;
	uint32_t cons = page->rsp_cons, used = page->rsp_prod - cons;
	size_t at = cons % XSP_RING_SIZE, first;

	if (used > XSP_RING_SIZE || used == 0)
		return 0;
	if (size > used)
		size = used;
	first = size < XSP_RING_SIZE - at ? size : XSP_RING_SIZE - at;
	memcpy(bytes, page->rsp + at, first);
	memcpy((char *)bytes + first, page->rsp, size - first);
	page->rsp_cons = cons + (uint32_t)size;
	if (page->rsp_prod - cons >= XSP_RING_SIZE)
		fakeguest_fire(guest);
	return size;
}

uint64_t fakeguest_count(const struct fakeguest *guest)
{
	return guest->channel->n_to_guest;
}
