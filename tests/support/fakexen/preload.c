/* SPDX-License-Identifier: MIT */
/*
 * Loaded before Xen's libraries, this answers the calls that xenstored/io/xen.c makes from a host
 * that is a directory (fakehost.h), and opens the directory's files for those of /proc/xen.
 *
 * Errors are those of a real host where the daemon looks at them.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xenctrl.h>
#include <xen/evtchn.h>
#include <xenevtchn.h>
#include <xengnttab.h>

#include "tests/support/fakexen/fakehost.h"
#include "tests/support/fakexen/include/xenmanage.h"

enum { LOCAL_PORTS = 1 << 16, FIRST_LOCAL_PORT = 8 };

/* One event channel handle. Channels belong to the host; which are ours is in `ports`. */
struct xenevtchn_handle {
	int fd;
	uint32_t number; /* of its FIFO */
	uint32_t next;
	struct {
		struct fakehost_channel *channel;
		uint32_t domid;
	} ports[LOCAL_PORTS];
};

static struct fakehost_access fake;
static int evtchn_fd = -1;

static bool has_host(void)
{
	const char *dir = getenv(FAKEHOST_VARIABLE);

	if (fake.host)
		return true;
	if (!dir || fakehost_open(&fake, dir)) {
		errno = ENOENT;
		return false;
	}
	return true;
}

static bool exists(uint32_t domid)
{
	return domid < FAKEHOST_DOMAINS && fake.host->domains[domid].state;
}

xenevtchn_handle *xenevtchn_open(struct xentoollog_logger *logger, unsigned int flags)
{
	xenevtchn_handle *handle;
	char path[FAKEHOST_PATH_MAX];

	(void)logger;
	(void)flags;
	if (has_host() && fake.host->has_no_device) {
		errno = ENOENT;
		return NULL;
	}
	handle = has_host() ? calloc(1, sizeof(*handle)) : NULL;
	if (!handle)
		return NULL;
	handle->next = FIRST_LOCAL_PORT;
	handle->number = atomic_fetch_add(&fake.host->last_server, 1) + 1;
	fakehost_path(&fake, path, "server", handle->number);
	/* Open for writing too: readers never see an end of file. */
	handle->fd = mkfifo(path, 0600) ? -1 : open(path, O_RDWR | O_CLOEXEC);
	if (handle->fd < 0) {
		free(handle);
		return NULL;
	}
	evtchn_fd = handle->fd;
	return handle;
}

int xenevtchn_close(xenevtchn_handle *handle)
{
	for (uint32_t port = 0; port < LOCAL_PORTS; port++) {
		if (handle->ports[port].channel)
			xenevtchn_unbind(handle, port);
	}
	close(handle->fd);
	evtchn_fd = -1;
	free(handle);
	return 0;
}

/* The kernel's device says so when more has fired than it could keep, again and again. */
ssize_t read(int fd, void *bytes, size_t size)
{
	static ssize_t (*real)(int, void *, size_t);

	if (!real)
		real = (ssize_t(*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
	if (fd == evtchn_fd && fake.host->overflows) {
		errno = EFBIG;
		return -1;
	}
	return real(fd, bytes, size);
}

/* That is acknowledged by a call that forgets all that has fired. */
int ioctl(int fd, unsigned long request, ...)
{
	static int (*real)(int, unsigned long, ...);
	uint32_t ports[64];
	void *argument;
	va_list rest;

	va_start(rest, request);
	argument = va_arg(rest, void *);
	va_end(rest);
	if (!real)
		real = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
	if (fd != evtchn_fd || request != IOCTL_EVTCHN_RESET)
		return real(fd, request, argument);
	fake.host->overflows = 0;
	while (read(fd, ports, sizeof(ports)) > 0)
		continue;
	return 0;
}

int xenevtchn_fd(xenevtchn_handle *handle)
{
	return handle->fd;
}

static int bind_channel(xenevtchn_handle *handle, uint32_t domid, struct fakehost_channel *channel)
{
	uint32_t port = handle->next;

	/* One end only: whoever holds it keeps it, unless its process has gone. */
	if ((channel->state & FAKEHOST_BOUND) && channel->server == handle->number) {
		errno = EINVAL;
		return -1;
	}
	for (int i = 0; handle->ports[port].channel; i++) {
		if (i == LOCAL_PORTS) {
			errno = ENOSPC;
			return -1;
		}
		port = port + 1 < LOCAL_PORTS ? port + 1 : FIRST_LOCAL_PORT;
	}
	handle->next = port + 1 < LOCAL_PORTS ? port + 1 : FIRST_LOCAL_PORT;
	handle->ports[port].channel = channel;
	handle->ports[port].domid = domid;
	channel->local_port = port;
	channel->server = handle->number;
	atomic_fetch_add(&channel->n_bound, 1);
	atomic_fetch_or(&channel->state, FAKEHOST_BOUND | FAKEHOST_UNMASKED);
	fakehost_deliver(&fake, channel);
	return (int)port;
}

xenevtchn_port_or_error_t xenevtchn_bind_interdomain(xenevtchn_handle *handle, uint32_t domid,
						     evtchn_port_t remote_port)
{
	struct fakehost_channel *channel =
		exists(domid) ? fakehost_channel(&fake, domid, remote_port) : NULL;

	if (!channel) {
		errno = exists(domid) ? EINVAL : ESRCH;
		return -1;
	}
	return bind_channel(handle, domid, channel);
}

xenevtchn_port_or_error_t xenevtchn_bind_virq(xenevtchn_handle *handle, unsigned int virq)
{
	/* VIRQ_DOM_EXC is the only one there is. */
	if (virq != 3) {
		errno = EINVAL;
		return -1;
	}
	for (uint32_t domid = 0; domid < fake.host->n_domains; domid++)
		fake.host->domains[domid].is_changed = fake.host->domains[domid].state != 0;
	return bind_channel(handle, FAKEHOST_DOMAINS, &fake.host->domains_changed);
}

static struct fakehost_channel *held(xenevtchn_handle *handle, evtchn_port_t port)
{
	struct fakehost_channel *channel = port < LOCAL_PORTS ? handle->ports[port].channel : NULL;

	if (!channel || channel->server != handle->number || channel->local_port != port) {
		errno = EINVAL;
		return NULL;
	}
	return channel;
}

int xenevtchn_unbind(xenevtchn_handle *handle, evtchn_port_t port)
{
	struct fakehost_channel *channel = held(handle, port);

	if (port < LOCAL_PORTS)
		handle->ports[port].channel = NULL;
	if (!channel)
		return -1;
	channel->state = 0;
	channel->local_port = 0;
	return 0;
}

int xenevtchn_notify(xenevtchn_handle *handle, evtchn_port_t port)
{
	struct fakehost_channel *channel = held(handle, port);

	if (!channel)
		return -1;
	fakehost_notify(&fake, handle->ports[port].domid, channel);
	return 0;
}

int xenevtchn_unmask(xenevtchn_handle *handle, evtchn_port_t port)
{
	struct fakehost_channel *channel = held(handle, port);

	if (!channel)
		return -1;
	atomic_fetch_or(&channel->state, FAKEHOST_UNMASKED);
	fakehost_deliver(&fake, channel);
	return 0;
}

xengnttab_handle *xengnttab_open(struct xentoollog_logger *logger, unsigned open_flags)
{
	(void)logger;
	(void)open_flags;
	/* Nothing is to be remembered; the caller only wants something that is not NULL. */
	return has_host() ? (xengnttab_handle *)&fake : NULL;
}

int xengnttab_close(xengnttab_handle *handle)
{
	(void)handle;
	return 0;
}

int xengnttab_set_max_grants(xengnttab_handle *handle, uint32_t n)
{
	(void)handle;
	(void)n;
	return 0;
}

void *xengnttab_map_grant_ref(xengnttab_handle *handle, uint32_t domid, uint32_t ref, int prot)
{
	(void)handle;
	(void)prot;
	/* Only the store's grant is made, and domain 0 grants nothing to itself. */
	if (domid == 0 || !exists(domid) || ref != 1 || fake.host->refuses_maps) {
		errno = EINVAL;
		return NULL;
	}
	atomic_fetch_add(&fake.host->domains[domid].n_mapped, 1);
	return fakehost_map(&fake, fake.host->domains[domid].page);
}

int xengnttab_unmap(xengnttab_handle *handle, void *page, uint32_t count)
{
	(void)handle;
	(void)count;
	fakehost_unmap(page);
	return 0;
}

xc_interface *xc_interface_open(xentoollog_logger *logger, xentoollog_logger *dombuild_logger,
				unsigned open_flags)
{
	(void)logger;
	(void)dombuild_logger;
	(void)open_flags;
	return has_host() ? (xc_interface *)&fake : NULL;
}

int xc_interface_close(xc_interface *handle)
{
	(void)handle;
	return 0;
}

/*
 * The flag called "dying" is set when the domain has been taken apart, which is "dead" in the
 * other interface; what is "dying" there does not show here.
 */
static void describe(xc_domaininfo_t *info, uint32_t domid)
{
	const struct fakehost_domain *domain = &fake.host->domains[domid];
	uint32_t state = domain->state;

	memset(info, 0, sizeof(*info));
	info->domain = (domid_t)domid;
	if (state & FAKEHOST_DEAD)
		info->flags |= XEN_DOMINF_dying;
	if (state & FAKEHOST_SHUT_DOWN)
		info->flags |= XEN_DOMINF_shutdown | domain->reason << XEN_DOMINF_shutdownshift;
	if (domain->capabilities & FAKEHOST_XENSTORE && domid != 0)
		info->flags |= XEN_DOMINF_xs_domain;
}

int xc_domain_getinfolist(xc_interface *handle, uint32_t first, unsigned int n,
			  xc_domaininfo_t *infos)
{
	unsigned int found = 0;

	(void)handle;
	atomic_fetch_add(&fake.host->calls[n == 1 ? FAKEHOST_ASKED_ONE : FAKEHOST_ASKED_MANY], 1);
	for (uint32_t domid = first; domid < fake.host->n_domains && found < n; domid++) {
		if (exists(domid))
			describe(&infos[found++], domid);
	}
	return (int)found;
}

xenmanage_handle *xenmanage_open(struct xentoollog_logger *logger, unsigned int open_flags)
{
	(void)logger;
	(void)open_flags;
	return has_host() ? (xenmanage_handle *)&fake : NULL;
}

int xenmanage_close(xenmanage_handle *handle)
{
	(void)handle;
	return 0;
}

static void tell_domain(uint32_t domid, unsigned int *state, unsigned int *caps,
			uint64_t *unique_id)
{
	const struct fakehost_domain *domain = &fake.host->domains[domid];

	*state = domain->state;
	*caps = *state ? domain->capabilities : 0;
	*unique_id = *state ? domain->unique_id : 0;
}

int xenmanage_get_domain_info(xenmanage_handle *handle, unsigned int domid, unsigned int *state,
			      unsigned int *caps, uint64_t *unique_id)
{
	(void)handle;
	atomic_fetch_add(&fake.host->calls[FAKEHOST_ASKED_ONE], 1);
	if (!exists(domid)) {
		errno = ESRCH;
		return -1;
	}
	tell_domain(domid, state, caps, unique_id);
	return 0;
}

int xenmanage_poll_changed_domain(xenmanage_handle *handle, unsigned int *domid,
				  unsigned int *state, unsigned int *caps, uint64_t *unique_id)
{
	(void)handle;
	atomic_fetch_add(&fake.host->calls[FAKEHOST_ASKED_MANY], 1);
	for (uint32_t i = 0; i < fake.host->n_domains; i++) {
		if (!atomic_exchange(&fake.host->domains[i].is_changed, 0))
			continue;
		*domid = i;
		tell_domain(i, state, caps, unique_id);
		return 0;
	}
	errno = ENOENT;
	return -1;
}

/* The two files of /proc/xen are files of the host; all others are what they are. */
static const char *instead_of(const char *path, char out[FAKEHOST_PATH_MAX])
{
	if (strncmp(path, "/proc/xen/", 10) != 0 || !has_host())
		return path;
	if (!strcmp(path, "/proc/xen/xsd_kva"))
		fakehost_path(&fake, out, "pages", 0);
	else
		fakehost_path(&fake, out, path + 10, 0);
	return out;
}

typedef int open_fn(const char *path, int flags, ...);

static int open_next(const char *name, const char *path, int flags, mode_t mode)
{
	char out[FAKEHOST_PATH_MAX];
	open_fn *next;

	*(void **)&next = dlsym(RTLD_NEXT, name);
	return next(instead_of(path, out), flags, mode);
}

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list args;

	if (flags & (O_CREAT | __O_TMPFILE)) {
		va_start(args, flags);
		mode = va_arg(args, mode_t);
		va_end(args);
	}
	return open_next("open", path, flags, mode);
}

/* The spelling of open() with two arguments where the compiler checks it. */
int __open_2(const char *path, int flags);
int __open_2(const char *path, int flags)
{
	return open_next("open", path, flags, 0);
}
