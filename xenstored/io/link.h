/* SPDX-License-Identifier: MIT */
/*
 * A client's transport, as the core's host table sees it: a socket or a ring.
 */
#ifndef XSD_IO_LINK_H
#define XSD_IO_LINK_H

#include <stdint.h>

struct client;
struct link;

struct link_ops {
	/* There is output, or room for input again. */
	void (*wake)(struct link *link);
	/* The client is leaving: let go of it and free the link. */
	void (*gone)(struct link *link);
};

/* Embedded first in every transport; a client's io pointer points to it. */
struct link {
	const struct link_ops *ops;
	struct client *client; /* borrowed until gone() */
};

/* The functions of the core's host table that every transport shares. */
void link_client_wake(void *self, struct client *client);
void link_client_gone(void *self, struct client *client);

#endif
