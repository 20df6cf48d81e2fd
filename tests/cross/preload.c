/* SPDX-License-Identifier: MIT */
/*
 * Loaded after fakexen.so into xenstore servers that are not ours: the calls of Xen 4.17 that they
 * make and our daemon does not, and a place for the files that one of them keeps in fixed places.
 *
 * What is below /run/xen and /run/xenstored is below $CROSS_RUNDIR instead.
 */
#define XC_WANT_COMPAT_MAP_FOREIGN_API
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <xenctrl.h>

#include "tests/support/fakexen/fakehost.h"

enum { PATH_SIZE = 256 };

static struct fakehost_access fake;

static bool exists(uint32_t domid)
{
	const char *dir = getenv(FAKEHOST_VARIABLE);

	if (!fake.host && (!dir || fakehost_open(&fake, dir)))
		return false;
	return domid < FAKEHOST_DOMAINS && fake.host->domains[domid].state;
}

int xc_domain_getinfo(xc_interface *handle, uint32_t first, unsigned int n, xc_dominfo_t *infos)
{
	unsigned int found = 0;

	(void)handle;
	/* Domain 0 always is, so the tables are there when it is asked for. */
	if (!exists(0))
		return -1;
	for (uint32_t domid = first; domid < fake.host->n_domains && found < n; domid++) {
		uint32_t state = fake.host->domains[domid].state;

		if (!state)
			continue;
		memset(&infos[found], 0, sizeof(infos[found]));
		infos[found].domid = domid;
		infos[found].dying = (state & FAKEHOST_DEAD) != 0;
		infos[found].shutdown = (state & FAKEHOST_SHUT_DOWN) != 0;
		infos[found].shutdown_reason = fake.host->domains[domid].reason;
		found++;
	}
	return (int)found;
}

void *xc_map_foreign_range(xc_interface *handle, uint32_t domid, int size, int prot,
			   unsigned long frame)
{
	(void)handle;
	(void)prot;
	(void)frame;
	/* Each domain has one page that matters, whatever its number is said to be. */
	if (!exists(domid) || size != FAKEHOST_PAGE_SIZE) {
		errno = ESRCH;
		return NULL;
	}
	return fakehost_map(&fake, fake.host->domains[domid].page);
}

/* Asked for after a failure; the handle is not one that Xen's library could look into. */
const xc_error *xc_get_last_error(xc_interface *handle)
{
	static const xc_error none = { .code = XC_ERROR_NONE };

	(void)handle;
	return &none;
}

static const char *instead_of(const char *path, char out[PATH_SIZE])
{
	static const char *const places[] = { "/var/run/xenstored", "/var/run/xen",
					      "/run/xenstored", "/run/xen" };
	const char *dir = getenv("CROSS_RUNDIR");

	for (size_t i = 0; dir && path && i < sizeof(places) / sizeof(places[0]); i++) {
		size_t len = strlen(places[i]);

		if (strncmp(path, places[i], len) != 0 || (path[len] && path[len] != '/'))
			continue;
		snprintf(out, PATH_SIZE, "%s%s", dir, path + len);
		return out;
	}
	return path;
}

/* The function behind ours, as a pointer of the type of `fn`. */
#define FIND_NEXT(fn) (*(void **)&(fn) = dlsym(RTLD_NEXT, __func__))

int bind(int fd, const struct sockaddr *address, socklen_t len)
{
	struct sockaddr_un other = { .sun_family = AF_UNIX };
	int (*next)(int, const struct sockaddr *, socklen_t);
	char path[sizeof(other.sun_path) + 1] = "", out[PATH_SIZE];

	FIND_NEXT(next);
	if (address->sa_family != AF_UNIX || len > sizeof(other) ||
	    len <= offsetof(struct sockaddr_un, sun_path))
		return next(fd, address, len);
	memcpy(path, (const char *)address + offsetof(struct sockaddr_un, sun_path),
	       len - offsetof(struct sockaddr_un, sun_path));
	if (instead_of(path, out) == path)
		return next(fd, address, len);
	if (strlen(out) >= sizeof(other.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(other.sun_path, out, strlen(out));
	return next(fd, (const struct sockaddr *)&other, sizeof(other));
}

int mkdir(const char *path, mode_t mode)
{
	int (*next)(const char *, mode_t);
	char out[PATH_SIZE];

	FIND_NEXT(next);
	return next(instead_of(path, out), mode);
}

int chmod(const char *path, mode_t mode)
{
	int (*next)(const char *, mode_t);
	char out[PATH_SIZE];

	FIND_NEXT(next);
	return next(instead_of(path, out), mode);
}

int unlink(const char *path)
{
	int (*next)(const char *);
	char out[PATH_SIZE];

	FIND_NEXT(next);
	return next(instead_of(path, out));
}

int access(const char *path, int mode)
{
	int (*next)(const char *, int);
	char out[PATH_SIZE];

	FIND_NEXT(next);
	return next(instead_of(path, out), mode);
}

int stat64(const char *path, struct stat64 *stat)
{
	int (*next)(const char *, struct stat64 *);
	char out[PATH_SIZE];

	FIND_NEXT(next);
	return next(instead_of(path, out), stat);
}

/* One server raises its limits and ends where it may not; what it has is enough here. */
int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
	int (*next)(__rlimit_resource_t, const struct rlimit *);
	int result;

	FIND_NEXT(next);
	result = next(resource, limit);
	return result < 0 && errno == EPERM ? 0 : result;
}
