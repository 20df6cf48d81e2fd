/* SPDX-License-Identifier: MIT */
/*
 * The whole server in this process: a store in a directory of its own, the core, and around it a
 * host that is made up: domains with unique ids and states, rings, sockets, and a clock.
 *
 * The transports behave as those of the daemon do: they read only while they are told to, are
 * told so only by client_wake(), and run a turn only when there is a reason for one. So a
 * wake-up that the core forgets is a client that hangs here too.
 *
 * What is out of place ends the test with a message: there is nothing to return.
 */
#ifndef TESTS_SUPPORT_FAKE_HOST_H
#define TESTS_SUPPORT_FAKE_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "protocol/ring.h"
#include "protocol/wire.h"
#include "tests/support/inbox.h"
#include "xenstored/core/host.h"
#include "xenstored/core/server.h"
#include "xenstored/store/store.h"

enum {
	FAKE_SOCKET = -1, /* in place of a domid */
	/* What the kernel holds for a socket that is not read from. */
	FAKE_WINDOW = 200 * 1024,
	FAKE_DOMIDS = 64, /* domains are numbered below this */
};

struct fake;

/* One connection: the test's end of it. */
struct fake_conn {
	TAILQ_ENTRY(fake_conn) entry;
	struct fake *fake;
	struct client *client; /* NULL: closed by the server, or not introduced */
	int domid;             /* FAKE_SOCKET, or the domain whose ring it is */
	struct inbox to;       /* sent by the test, not yet with the server */
	struct inbox from;     /* what the test can receive */
	size_t window;         /* of a socket: how much of `from` there may be */
	bool is_read;          /* a guest takes what is in its ring at once */
	bool is_reading;       /* the transport looks for input */
	bool is_ended;         /* the test sends no more */
	bool is_end_told;      /* and the server knows */
	bool is_deaf;          /* the test has closed: what is sent is lost */
	bool is_failed;        /* the ring was given up */
	struct xsp_ring_page page;
	struct xsp_ring ring; /* the server's side of it */
};

TAILQ_HEAD(fake_conns, fake_conn);

struct fake_domain {
	bool exists;
	struct host_domain state;
	struct fake_conn *conn; /* owned; made with the domain */
	uint32_t port;
};

/* A trace that keeps nothing but its switches, and counts. */
struct fake_trace {
	struct trace trace;
	unsigned switches; /* bits, by fake_switch_names */
	size_t n_requests, n_replies;
};

struct fake {
	struct host host;
	struct fake_trace trace;
	struct server_config config;
	struct store *store;
	struct server *server;
	char dir[64];
	uint64_t now_ms;
	uint64_t deadline_ms;
	uint64_t last_unique_id;
	bool needs_turn;
	bool is_inside; /* control is in the server */
	struct fake_conns conns;
	struct fake_domain domains[FAKE_DOMIDS];
	/* Told when control passes into the server and out of it; may be NULL. */
	void (*passing)(bool is_inside);
};

/* Starts with defaults, which `config` (may be NULL) replaces. */
void fake_start(struct fake *fake, const struct server_config *config);

/* The same, but trouble is returned and nothing is left: for starts that may fail. */
int fake_try_start(struct fake *fake, const struct server_config *config,
		   void (*passing)(bool is_inside));

/* Ends the server and starts another on what the first has left. All connections are gone. */
void fake_restart(struct fake *fake);

/* The same, but the files are as they would be if the server had been killed just now. */
void fake_crash(struct fake *fake);

/* The server ends, and its directory goes. */
void fake_stop(struct fake *fake);

/* NULL: the server had no memory. */
struct fake_conn *fake_connect(struct fake *fake);

/* The ring of a domain. */
struct fake_conn *fake_guest(struct fake *fake, unsigned domid);

/* Hands bytes over; nothing happens before fake_settle() or fake_pump(). */
void fake_send(struct fake_conn *conn, const void *bytes, size_t len);

/* Takes what has come; returns how much. */
size_t fake_receive(struct fake_conn *conn, void *bytes, size_t size);

/* The test sends no more; with `is_deaf` it does not listen any more either. */
void fake_end(struct fake_conn *conn, bool is_deaf);

/* Gathers and runs one turn, if there is a reason for one. False: there was none. */
bool fake_pump(struct fake *fake);

/* Until there is nothing more to do at this time. */
void fake_settle(struct fake *fake);

/* Lets time pass, with turns when they are due. */
void fake_advance(struct fake *fake, uint64_t ms);

/* Domains; fake_changed() lets the server know. */
void fake_domain_create(struct fake *fake, unsigned domid);
void fake_domain_destroy(struct fake *fake, unsigned domid);
void fake_changed(struct fake *fake);

/* The guest's page was written to by the test. */
void fake_notify(struct fake_conn *conn);

/* The audit; what it finds ends the test. */
void fake_audit(struct fake *fake);

/* The directory, or file, of the store. */
const char *fake_store_path(const struct fake *fake, char *out_path, size_t size);

#endif
