/* SPDX-License-Identifier: MIT */
/*
 * A Xen host that is a directory: what domains there are, their ring pages, their event channels.
 *
 * The daemon sees it through a library that is loaded before Xen's own (preload.c); toolstack and
 * guests, in other processes or in the test itself, through the functions below. Everything is in
 * shared memory, and a signal is a byte string written to a FIFO:
 *
 *	host      struct fakehost: the tables
 *	pages     ring pages; a domain gets a fresh one when it is created, so nobody sees its
 *	          predecessor's. Page 0 is domain 0's: what /proc/xen/xsd_kva maps
 *	capabilities  likewise
 *	xsd_port  what /proc/xen/xsd_port reads as
 *	server.N  FIFO: local ports (32 bits each) that fired for event channel handle N
 *	waker.N   FIFO: domids (32 bits each) that were notified, for whoever plays those guests
 *
 * As in the Linux driver, a port that fired is masked until it is unmasked; a notification to a
 * masked port is remembered, once.
 */
#ifndef TESTS_SUPPORT_FAKEXEN_FAKEHOST_H
#define TESTS_SUPPORT_FAKEXEN_FAKEHOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FAKEHOST_DOMAINS = 0x7ff0,
	FAKEHOST_CHANNELS = 4, /* that a domain can offer */
	FAKEHOST_PAGE_SIZE = 4096,
	FAKEHOST_PATH_MAX = 136,
	/* The port that every domain offers from the start, and that of dom0's kernel. */
	FAKEHOST_PORT = 1,
};

/* What a domain is, in the bits of libxenmanage; 0: there is none. */
enum {
	FAKEHOST_EXISTS = 1,
	FAKEHOST_SHUT_DOWN = 2,
	FAKEHOST_DYING = 4,
	FAKEHOST_DEAD = 8,
};

/* Why a domain has shut down. */
enum { FAKEHOST_POWEROFF = 0, FAKEHOST_SUSPEND = 2 };

enum { FAKEHOST_CONTROL = 1, FAKEHOST_HARDWARE = 2, FAKEHOST_XENSTORE = 4 };

/* Of a channel's end in the server. */
enum { FAKEHOST_BOUND = 1, FAKEHOST_UNMASKED = 2, FAKEHOST_PENDING = 4 };

struct fakehost_channel {
	_Atomic uint32_t port; /* the guest's number for it; 0: not offered */
	_Atomic uint32_t state;
	_Atomic uint32_t local_port; /* the server's number */
	_Atomic uint32_t server;     /* N of the FIFO that is told */
	_Atomic uint32_t is_guest_pending;
	_Atomic uint32_t n_bound; /* how often it was bound */
	_Atomic uint64_t n_to_guest;
	_Atomic uint64_t n_to_server;
};

struct fakehost_domain {
	_Atomic uint32_t state;
	_Atomic uint32_t is_changed; /* and not yet reported */
	_Atomic uint64_t unique_id;
	_Atomic uint32_t capabilities;
	_Atomic uint32_t reason; /* of the shutdown */
	_Atomic uint32_t page;
	_Atomic uint32_t waker; /* N of the FIFO that is told; 0: none */
	_Atomic uint32_t n_mapped;
	struct fakehost_channel channels[FAKEHOST_CHANNELS];
};

/* How often the daemon asked for the state of domains. */
enum fakehost_call { FAKEHOST_ASKED_ONE, FAKEHOST_ASKED_MANY, FAKEHOST_CALLS };

struct fakehost {
	_Atomic uint32_t is_ready;
	_Atomic uint32_t n_domains; /* no domid from here on was ever used */
	_Atomic uint64_t last_unique_id;
	_Atomic uint32_t last_page;
	_Atomic uint32_t last_server;
	_Atomic uint32_t last_waker;
	_Atomic uint32_t refuses_maps;  /* mapping pages fails */
	_Atomic uint32_t has_no_device; /* for event channels: its module is not loaded */
	_Atomic uint32_t overflows;     /* what fires is forgotten, until that is acknowledged */
	_Atomic uint64_t calls[FAKEHOST_CALLS];
	struct fakehost_channel domains_changed; /* VIRQ_DOM_EXC */
	struct fakehost_domain domains[FAKEHOST_DOMAINS];
};

/* The environment variable that names the directory to the preloaded library. */
#define FAKEHOST_VARIABLE "FAKEXEN_DIR"

/* A process's access to a host. */
struct fakehost_access {
	char dir[FAKEHOST_PATH_MAX];
	struct fakehost *host;
	_Atomic int server_fd; /* write end of the FIFO below; -1 */
	_Atomic uint32_t server;
	_Atomic int waker_fd;
	_Atomic uint32_t waker;
};

/* Makes the files in an empty directory: a host with domain 0. Returns 0 or an errno. */
int fakehost_make(const char *dir);

int fakehost_open(struct fakehost_access *access, const char *dir);
void fakehost_close(struct fakehost_access *access);

/* The path of a file of the host. */
void fakehost_path(const struct fakehost_access *access, char out[FAKEHOST_PATH_MAX],
		   const char *name, uint32_t number);

/* A page of a domain, mapped; NULL and errno: not possible. */
void *fakehost_map(const struct fakehost_access *access, uint32_t page);
void fakehost_unmap(void *page);

/* The channel behind that port of a domain, or NULL. */
struct fakehost_channel *fakehost_channel(const struct fakehost_access *access, uint32_t domid,
					  uint32_t port);

/* The toolstack: a new domain, which replaces one of the same number. */
int fakehost_create(struct fakehost_access *access, uint32_t domid);

/* Changes what a domain is, 0: gone. Does not tell; the next does. */
void fakehost_set(struct fakehost_access *access, uint32_t domid, uint32_t state, uint32_t reason);
void fakehost_tell(struct fakehost_access *access);

/* One more port that the domain offers. ENOSPC. */
int fakehost_offer(struct fakehost_access *access, uint32_t domid, uint32_t port);

/* Signals, towards the server and towards the guest. */
void fakehost_fire(struct fakehost_access *access, struct fakehost_channel *channel);
void fakehost_deliver(struct fakehost_access *access, struct fakehost_channel *channel);
void fakehost_notify(struct fakehost_access *access, uint32_t domid,
		     struct fakehost_channel *channel);

#endif
