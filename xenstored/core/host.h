/* SPDX-License-Identifier: MIT */
/*
 * What the core asks of the outside: the state of domains, their rings, and to be called back.
 *
 * A table of functions, filled by io/ in the daemon and by a fake in tests. None of them may call
 * back into the core before it returns.
 */
#ifndef XSD_CORE_HOST_H
#define XSD_CORE_HOST_H

#include <stdbool.h>
#include <stdint.h>

struct client;

/* A domain as the hypervisor sees it. */
struct host_domain {
	uint64_t unique_id; /* tells two domains with one domid apart; 0: the host cannot tell */
	bool is_shut_down;
	bool is_dying;
	bool is_dead;
};

struct host {
	void *self; /* handed to every function */

	/* False: there is no such domain. */
	bool (*domain_state)(void *self, uint16_t domid, struct host_domain *out_state);

	/*
	 * Maps a domain's ring page, binds its event channel (a port in the page replaces `port`),
	 * zeroes the indices and publishes `features`. The client is the ring's from now on.
	 * Returns 0 or the errno for the reply.
	 */
	int (*ring_open)(void *self, uint16_t domid, uint32_t port, uint32_t features,
			 struct client *client);

	/* Binds another port and starts the connection anew. Always leaves the ring open. */
	void (*ring_reopen)(void *self, struct client *client, uint32_t port, uint32_t features);

	/* Stops serving the ring and tells the guest why in the error field (XSP_RING_ERROR_*). */
	void (*ring_fail)(void *self, struct client *client, uint32_t error);

	/* Unmaps and unbinds, or closes the socket: the client is about to be freed. */
	void (*client_gone)(void *self, struct client *client);

	/* The client has bytes to be taken, or has become ready to be read from again. */
	void (*client_wake)(void *self, struct client *client);
};

#endif
