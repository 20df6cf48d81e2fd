/* SPDX-License-Identifier: MIT */
#include "tests/support/fakexen/fakehost.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

void fakehost_path(const struct fakehost_access *access, char out[FAKEHOST_PATH_MAX],
		   const char *name, uint32_t number)
{
	if (number)
		snprintf(out, FAKEHOST_PATH_MAX, "%.100s/%.16s.%u", access->dir, name, number);
	else
		snprintf(out, FAKEHOST_PATH_MAX, "%.100s/%.16s", access->dir, name);
}

static int make_file(const struct fakehost_access *access, const char *name, off_t size,
		     const char *text)
{
	char path[FAKEHOST_PATH_MAX];
	int fd, err = 0;

	fakehost_path(access, path, name, 0);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno;
	if (text ? write(fd, text, strlen(text)) != (ssize_t)strlen(text) : ftruncate(fd, size))
		err = errno;
	close(fd);
	return err;
}

int fakehost_make(const char *dir)
{
	struct fakehost_access access = { .server_fd = -1 };
	struct fakehost_domain *control;
	char port[16];
	int err;

	snprintf(access.dir, sizeof(access.dir), "%s", dir);
	/* Without a newline, as in Linux: there are servers that take nothing but digits. */
	snprintf(port, sizeof(port), "%d", FAKEHOST_PORT);
	err = make_file(&access, "xsd_port", 0, port);
	/* As the control domain's kernel has it. */
	if (!err)
		err = make_file(&access, "capabilities", 0, "control_d\n");
	/* Sparse: only pages that are used take room. */
	if (!err)
		err = make_file(&access, "pages", (off_t)FAKEHOST_PAGE_SIZE << 16, NULL);
	if (!err)
		err = make_file(&access, "host", sizeof(struct fakehost), NULL);
	if (!err)
		err = fakehost_open(&access, dir);
	if (err)
		return err;
	control = &access.host->domains[0];
	control->unique_id = ++access.host->last_unique_id;
	control->capabilities = FAKEHOST_CONTROL | FAKEHOST_HARDWARE | FAKEHOST_XENSTORE;
	control->is_changed = 1;
	control->channels[0].port = FAKEHOST_PORT;
	control->state = FAKEHOST_EXISTS;
	access.host->n_domains = 1;
	access.host->domains_changed.port = 1;
	access.host->is_ready = 1;
	fakehost_close(&access);
	return 0;
}

int fakehost_open(struct fakehost_access *access, const char *dir)
{
	char path[FAKEHOST_PATH_MAX];
	int fd, err = 0;

	*access = (struct fakehost_access){ .server_fd = -1, .waker_fd = -1 };
	snprintf(access->dir, sizeof(access->dir), "%s", dir);
	fakehost_path(access, path, "host", 0);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return errno;
	access->host =
		mmap(NULL, sizeof(struct fakehost), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (access->host == MAP_FAILED) {
		err = errno;
		access->host = NULL;
	}
	close(fd);
	return err;
}

void fakehost_close(struct fakehost_access *access)
{
	if (access->host)
		munmap(access->host, sizeof(struct fakehost));
	if (access->server_fd >= 0)
		close(access->server_fd);
	if (access->waker_fd >= 0)
		close(access->waker_fd);
	*access = (struct fakehost_access){ .server_fd = -1, .waker_fd = -1 };
}

void *fakehost_map(const struct fakehost_access *access, uint32_t page)
{
	char path[FAKEHOST_PATH_MAX];
	void *memory;
	int fd;

	fakehost_path(access, path, "pages", 0);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	memory = mmap(NULL, FAKEHOST_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		      (off_t)page * FAKEHOST_PAGE_SIZE);
	close(fd);
	return memory == MAP_FAILED ? NULL : memory;
}

void fakehost_unmap(void *page)
{
	munmap(page, FAKEHOST_PAGE_SIZE);
}

struct fakehost_channel *fakehost_channel(const struct fakehost_access *access, uint32_t domid,
					  uint32_t port)
{
	struct fakehost_channel *channels;

	if (domid >= FAKEHOST_DOMAINS || port == 0)
		return NULL;
	channels = access->host->domains[domid].channels;
	for (int i = 0; i < FAKEHOST_CHANNELS; i++) {
		if (channels[i].port == port)
			return &channels[i];
	}
	return NULL;
}

static void forget_channels(struct fakehost_domain *domain)
{
	/* The server's ends are closed with the domain; what it counted is gone with it. */
	for (int i = 0; i < FAKEHOST_CHANNELS; i++)
		memset(&domain->channels[i], 0, sizeof(domain->channels[i]));
}

int fakehost_create(struct fakehost_access *access, uint32_t domid)
{
	struct fakehost *host = access->host;
	struct fakehost_domain *domain;
	uint32_t n = host->n_domains;

	if (domid == 0 || domid >= FAKEHOST_DOMAINS)
		return EINVAL;
	domain = &host->domains[domid];
	forget_channels(domain);
	domain->unique_id = atomic_fetch_add(&host->last_unique_id, 1) + 1;
	domain->page = atomic_fetch_add(&host->last_page, 1) + 1;
	if (domain->page >> 16)
		return ENOSPC;
	domain->capabilities = 0;
	domain->reason = 0;
	domain->waker = 0;
	domain->n_mapped = 0;
	domain->channels[0].port = FAKEHOST_PORT;
	domain->state = FAKEHOST_EXISTS;
	domain->is_changed = 1;
	while (n <= domid && !atomic_compare_exchange_weak(&host->n_domains, &n, domid + 1))
		;
	return 0;
}

void fakehost_set(struct fakehost_access *access, uint32_t domid, uint32_t state, uint32_t reason)
{
	struct fakehost_domain *domain = &access->host->domains[domid];

	domain->reason = reason;
	domain->state = state;
	domain->is_changed = 1;
	if (!state)
		forget_channels(domain);
}

void fakehost_tell(struct fakehost_access *access)
{
	fakehost_fire(access, &access->host->domains_changed);
}

int fakehost_offer(struct fakehost_access *access, uint32_t domid, uint32_t port)
{
	struct fakehost_channel *channels = access->host->domains[domid].channels;

	for (int i = 0; i < FAKEHOST_CHANNELS; i++) {
		if (channels[i].port == 0) {
			channels[i].port = port;
			return 0;
		}
	}
	return ENOSPC;
}

/* Writes a number to a FIFO. Its descriptor is kept: nearly always it is the same one again. */
static void post(struct fakehost_access *access, _Atomic int *fd, _Atomic uint32_t *number,
		 const char *name, uint32_t wanted, uint32_t word)
{
	char path[FAKEHOST_PATH_MAX];
	int old;

	if (*fd < 0 || *number != wanted) {
		fakehost_path(access, path, name, wanted);
		old = atomic_exchange(fd, open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC));
		if (old >= 0)
			close(old);
		*number = wanted;
	}
	/* Nobody reads any more: then nobody is to be told. */
	if (*fd >= 0 && write(*fd, &word, sizeof(word)) != sizeof(word))
		return;
}

void fakehost_deliver(struct fakehost_access *access, struct fakehost_channel *channel)
{
	const uint32_t all = FAKEHOST_BOUND | FAKEHOST_UNMASKED | FAKEHOST_PENDING;
	uint32_t state = channel->state;

	while ((state & all) == all) {
		if (!atomic_compare_exchange_weak(&channel->state, &state, FAKEHOST_BOUND))
			continue;
		post(access, &access->server_fd, &access->server, "server", channel->server,
		     channel->local_port);
		return;
	}
}

void fakehost_fire(struct fakehost_access *access, struct fakehost_channel *channel)
{
	atomic_fetch_add(&channel->n_to_server, 1);
	atomic_fetch_or(&channel->state, FAKEHOST_PENDING);
	fakehost_deliver(access, channel);
}

void fakehost_notify(struct fakehost_access *access, uint32_t domid,
		     struct fakehost_channel *channel)
{
	struct fakehost_domain *domain = &access->host->domains[domid];

	atomic_fetch_add(&channel->n_to_guest, 1);
	if (atomic_exchange(&channel->is_guest_pending, 1) == 0 && domain->waker)
		post(access, &access->waker_fd, &access->waker, "waker", domain->waker, domid);
}
