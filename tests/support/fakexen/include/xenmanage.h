/* SPDX-License-Identifier: MIT */
/*
 * The functions of Xen's libxenmanage (4.21 and later) that the daemon calls, declared for builds
 * of the tests on systems whose Xen is older. The fake library defines them.
 */
#ifndef TESTS_SUPPORT_FAKEXEN_XENMANAGE_H
#define TESTS_SUPPORT_FAKEXEN_XENMANAGE_H

#include <stdint.h>

struct xentoollog_logger;
typedef struct xenmanage_handle xenmanage_handle;

enum {
	XENMANAGE_GETDOMSTATE_STATE_EXIST = 1,
	XENMANAGE_GETDOMSTATE_STATE_SHUTDOWN = 2,
	XENMANAGE_GETDOMSTATE_STATE_DYING = 4,
	XENMANAGE_GETDOMSTATE_STATE_DEAD = 8,
};

enum {
	XENMANAGE_GETDOMSTATE_CAP_CONTROL = 1,
	XENMANAGE_GETDOMSTATE_CAP_HARDWARE = 2,
	XENMANAGE_GETDOMSTATE_CAP_XENSTORE = 4,
};

xenmanage_handle *xenmanage_open(struct xentoollog_logger *logger, unsigned int open_flags);
int xenmanage_close(xenmanage_handle *handle);

/* The state of one domain. ESRCH: there is none. */
int xenmanage_get_domain_info(xenmanage_handle *handle, unsigned int domid, unsigned int *state,
			      unsigned int *caps, uint64_t *unique_id);

/* A domain that changed since it was last told of. ENOENT: none has. */
int xenmanage_poll_changed_domain(xenmanage_handle *handle, unsigned int *domid,
				  unsigned int *state, unsigned int *caps, uint64_t *unique_id);

#endif
