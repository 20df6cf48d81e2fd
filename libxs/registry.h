/* SPDX-License-Identifier: MIT */
/*
 * The process-wide list of open Xen handles that libxentoolcore keeps: a program that gives up its
 * privileges (xentoolcore_restrict_all()) thereby cuts off every connection on the list.
 */
#ifndef XSI_REGISTRY_H
#define XSI_REGISTRY_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * An entry of the list. The members up to `prev` are libxentoolcore's layout: its own header is
 * for Xen's build only, its functions and this layout are part of its ABI.
 */
struct xsi_registration {
	int (*restrict_callback)(struct xsi_registration *registration, uint16_t domid);
	void *next;
	void *prev;
	_Atomic int *fd;           /* borrowed: the descriptor to cut off; -1 while there is none */
	_Atomic pid_t *reader_pid; /* borrowed: process of the thread that reads it, or 0 */
};

/*
 * From here until xsi_registry_leave() the descriptor at `fd` may be replaced by /dev/null, and a
 * thread that is blocked reading it in the process at `reader_pid` (NULL: never any) is let go.
 */
void xsi_registry_enter(struct xsi_registration *registration, _Atomic int *fd,
			_Atomic pid_t *reader_pid);
void xsi_registry_leave(struct xsi_registration *registration);

#endif
