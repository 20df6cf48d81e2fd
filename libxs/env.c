/* SPDX-License-Identifier: MIT */
/*
 * The only file of the library that reads the environment.
 *
 * xs_daemon_socket() has to return memory of the library. It is written under a lock, and only
 * when the text changes, so threads may call it side by side.
 */
#include "libxs/env.h"

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libxs/include/xenstore_lib.h"

#define DEFAULT_RUNDIR "/var/run/xenstored"
#define LINUX_FILE     "/proc/xen/xenbus"
#define NETBSD_FILE    "/kern/xen/xenbus"

static const char *path_override(void)
{
	return getenv("XENSTORED_PATH");
}

const char *xs_daemon_rundir(void)
{
	const char *dir = getenv("XENSTORED_RUNDIR");

	return dir ? dir : DEFAULT_RUNDIR;
}

const char *xsi_env_socket(char buffer[XSI_ENV_PATH_MAX])
{
	const char *path = path_override();
	int len;

	if (path)
		return path;
	len = snprintf(buffer, XSI_ENV_PATH_MAX, "%s/socket", xs_daemon_rundir());
	if (len < 0 || len >= XSI_ENV_PATH_MAX)
		return NULL;
	return buffer;
}

const char *xsi_env_device(void)
{
	const char *path = path_override();

	if (path)
		return path;
#if defined(__linux__)
	return access("/dev/xen/xenbus", F_OK) == 0 ? "/dev/xen/xenbus" : LINUX_FILE;
#elif defined(__NetBSD__)
	return NETBSD_FILE;
#elif defined(__FreeBSD__)
	return "/dev/xen/xenstore";
#else
	return "/dev/xen/xenbus";
#endif
}

bool xsi_env_is_kernels_file(const char *path)
{
	return strcmp(path, LINUX_FILE) == 0 || strcmp(path, NETBSD_FILE) == 0;
}

const char *xs_daemon_socket(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static char kept[XSI_ENV_PATH_MAX];
	char buffer[XSI_ENV_PATH_MAX];
	const char *path = xsi_env_socket(buffer);

	if (path != buffer)
		return path;
	pthread_mutex_lock(&lock);
	if (strcmp(kept, buffer) != 0)
		memcpy(kept, buffer, strlen(buffer) + 1);
	pthread_mutex_unlock(&lock);
	return kept;
}

const char *xs_daemon_socket_ro(void)
{
	return xs_daemon_socket();
}
