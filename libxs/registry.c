/* SPDX-License-Identifier: MIT */
#include "libxs/registry.h"

#include <sys/socket.h>
#include <unistd.h>

#ifdef XSI_HAVE_TOOLCORE

void xentoolcore__register_active_handle(struct xsi_registration *registration);
void xentoolcore__deregister_active_handle(struct xsi_registration *registration);
int xentoolcore__restrict_by_dup2_null(int fd);

/*
 * A store connection cannot be narrowed to one domain, so it is taken away. A reader that is blocked
 * holds on to what the descriptor was before, so that is shut down, but only for a reader of this
 * process: in a child the connection is its parent's, who goes on using it.
 */
static int cut_off(struct xsi_registration *registration, uint16_t domid)
{
	int fd = atomic_load(registration->fd);
	int before = fd < 0 ? -1 : dup(fd);
	int status = xentoolcore__restrict_by_dup2_null(fd);

	(void)domid;
	/* A reader that is not yet on record here starts later than this and reads /dev/null. */
	if (before >= 0 && registration->reader_pid &&
	    atomic_load(registration->reader_pid) == getpid())
		(void)shutdown(before, SHUT_RDWR);
	if (before >= 0)
		close(before);
	return status;
}

void xsi_registry_enter(struct xsi_registration *registration, _Atomic int *fd,
			_Atomic pid_t *reader_pid)
{
	*registration = (struct xsi_registration){ .restrict_callback = cut_off,
						   .fd = fd,
						   .reader_pid = reader_pid };
	xentoolcore__register_active_handle(registration);
}

void xsi_registry_leave(struct xsi_registration *registration)
{
	xentoolcore__deregister_active_handle(registration);
}

#else /* built on a machine without Xen's libraries: there is no list to be on */

void xsi_registry_enter(struct xsi_registration *registration, _Atomic int *fd,
			_Atomic pid_t *reader_pid)
{
	*registration = (struct xsi_registration){ .fd = fd, .reader_pid = reader_pid };
}

void xsi_registry_leave(struct xsi_registration *registration)
{
	registration->fd = NULL;
}

#endif
