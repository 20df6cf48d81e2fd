/* SPDX-License-Identifier: MIT */
/*
 * A guest is served when its port fires, when the core has something for it, and now and then in
 * any case. It is told of what was moved once, at the end of the turn. Ports that fired stay
 * masked until their guest was looked at, so that a guest cannot fire faster than it is served.
 */
#include "xenstored/io/guest.h"

#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "xenstored/base/log.h"
#include "xenstored/core/host.h"
#include "xenstored/core/server.h"
#include "xenstored/core/setup.h"
#include "xenstored/io/census.h"
#include "xenstored/io/link.h"
#include "xenstored/io/loop.h"
#include "xenstored/io/ports.h"
#include "xenstored/io/ring.h"
#include "xenstored/io/xen.h"

enum {
	PORTS_AT_ONCE = 128,
	/* Every domain and every ring is looked at this often, whoever signals what. */
	RECONCILE_S = 10,
	/* A guest that fired so often for nothing is listened to every so often only. */
	FALSE_ALARMS = 64,
	DEAF_MS = 20,
};

struct guest {
	struct link link;      /* first: a client's io pointer points here */
	struct guests *guests; /* borrowed */
	TAILQ_ENTRY(guest) entry;
	TAILQ_ENTRY(guest) in_moved;
	TAILQ_ENTRY(guest) in_unfinished;
	TAILQ_ENTRY(guest) in_deaf;
	struct ring ring;
	uint16_t domid;
	uint32_t port;      /* local; 0: could not be bound */
	unsigned n_alarms;  /* false ones in a row */
	bool is_moved;      /* in guests.moved */
	bool is_unfinished; /* in guests.unfinished */
	bool is_deaf;       /* in guests.deaf: the port stays masked */
};

TAILQ_HEAD(guest_list, guest);

struct guests {
	struct host host;
	struct xen *xen;       /* owned; NULL: no hypervisor */
	struct census *census; /* owned */
	struct server *server; /* borrowed */
	struct event *fired;   /* owned, as are the next */
	struct event *reconcile;
	struct event *undeafen;
	struct guest_list all;
	struct guest_list moved;      /* to be told at the end of the turn */
	struct guest_list unfinished; /* to be served again before anybody sleeps */
	struct guest_list deaf;
	struct ports ports;
	uint16_t own_domid;
	bool is_scan_due;  /* the next question for a domain begins a scan */
	bool is_signalled; /* by the hypervisor, since domains were looked at last */
	bool is_starting;  /* introducing those who were there before us */
};

static int bind_port(struct guest *guest, uint32_t remote_port)
{
	struct guests *guests = guest->guests;
	uint32_t port;
	int err = xen_bind(guests->xen, guest->domid, remote_port, &port);

	if (err)
		return err;
	err = ports_set(&guests->ports, port, guest);
	if (err)
		xen_unbind(guests->xen, port);
	else
		guest->port = port;
	return err;
}

static void unbind_port(struct guest *guest)
{
	struct guests *guests = guest->guests;

	if (guest->port) {
		ports_forget(&guests->ports, guest->port);
		xen_unbind(guests->xen, guest->port);
	}
	guest->port = 0;
}

static void tell(struct guest *guest)
{
	if (!guest->is_moved)
		TAILQ_INSERT_TAIL(&guest->guests->moved, guest, in_moved);
	guest->is_moved = true;
}

/* Moves what can be moved. False: there was nothing to do. */
static bool serve(struct guest *guest)
{
	struct ring_work work = ring_serve(&guest->ring);

	if (work.has_moved)
		tell(guest);
	if (work.is_unfinished && !guest->is_unfinished) {
		TAILQ_INSERT_TAIL(&guest->guests->unfinished, guest, in_unfinished);
		guest->is_unfinished = true;
	}
	return work.has_moved;
}

/* Looks for anything that the guest may want. False: nothing. */
static bool attend(struct guest *guest)
{
	struct ring *ring = &guest->ring;

	if (!ring_wants_restart(ring))
		return serve(guest);
	client_restarted(ring->client);
	ring_start(ring, ring->ends.page, ring->features, true);
	tell(guest);
	return true;
}

static void make_deaf(struct guest *guest)
{
	const struct timeval wait = { .tv_usec = DEAF_MS * 1000 };
	struct guests *guests = guest->guests;

	if (TAILQ_EMPTY(&guests->deaf) && event_add(guests->undeafen, &wait))
		return;
	TAILQ_INSERT_TAIL(&guests->deaf, guest, in_deaf);
	guest->is_deaf = true;
}

static void make_hear(struct guest *guest)
{
	if (guest->is_deaf)
		TAILQ_REMOVE(&guest->guests->deaf, guest, in_deaf);
	guest->is_deaf = false;
}

static void look_for_domains(struct guests *guests)
{
	guests->is_scan_due = true;
	server_domains_changed(guests->server);
}

/* True if the port may fire again. */
static bool on_port(struct guests *guests, uint32_t port)
{
	struct guest *guest;

	if (port == xen_domains_port(guests->xen)) {
		guests->is_signalled = true;
		look_for_domains(guests);
		return true;
	}
	guest = ports_find(&guests->ports, port);
	if (!guest)
		return false;
	if (attend(guest))
		guest->n_alarms = 0;
	else if (++guest->n_alarms >= FALSE_ALARMS)
		make_deaf(guest);
	return !guest->is_deaf && !guest->ring.is_failed;
}

/* Nobody knows any more who has fired: all may have, and may be masked. */
static void attend_all(struct guests *guests)
{
	uint32_t port = xen_domains_port(guests->xen);
	struct guest *guest;

	guests->is_signalled = true;
	look_for_domains(guests);
	xen_unmask(guests->xen, &port, 1);
	TAILQ_FOREACH (guest, &guests->all, entry) {
		attend(guest);
		if (guest->port && !guest->is_deaf && !guest->ring.is_failed)
			xen_unmask(guests->xen, &guest->port, 1);
	}
}

static void on_fired(evutil_socket_t fd, short events, void *arg)
{
	struct guests *guests = arg;
	uint32_t ports[PORTS_AT_ONCE];
	bool is_lost;
	size_t n = xen_fired(guests->xen, ports, PORTS_AT_ONCE, &is_lost), n_again = 0;

	(void)fd;
	(void)events;
	if (is_lost)
		attend_all(guests);
	for (size_t i = 0; i < n; i++) {
		if (on_port(guests, ports[i]))
			ports[n_again++] = ports[i];
	}
	/* Behind the look: what was written since then fires again. */
	xen_unmask(guests->xen, ports, n_again);
}

static void on_undeafen(evutil_socket_t fd, short events, void *arg)
{
	struct guests *guests = arg;
	struct guest *guest;

	(void)fd;
	(void)events;
	while ((guest = TAILQ_FIRST(&guests->deaf))) {
		make_hear(guest);
		if (attend(guest))
			guest->n_alarms = 0;
		if (!guest->ring.is_failed)
			xen_unmask(guests->xen, &guest->port, 1);
	}
}

/* Whatever signal was lost, here or there, makes a delay and not a difference. */
static void on_reconcile(evutil_socket_t fd, short events, void *arg)
{
	struct guests *guests = arg;
	struct guest *guest;

	(void)fd;
	(void)events;
	census_doubt(guests->census);
	look_for_domains(guests);
	TAILQ_FOREACH (guest, &guests->all, entry)
		attend(guest);
}

static bool end_turn(void *arg)
{
	struct guests *guests = arg;
	struct guest_list unfinished = TAILQ_HEAD_INITIALIZER(unfinished);
	struct guest *guest;
	bool is_more = !TAILQ_EMPTY(&guests->unfinished);

	census_end(guests->census);
	guests->is_signalled = guests->is_signalled && server_is_scan_due(guests->server);
	while ((guest = TAILQ_FIRST(&guests->moved))) {
		TAILQ_REMOVE(&guests->moved, guest, in_moved);
		guest->is_moved = false;
		if (guest->port)
			xen_notify(guests->xen, guest->port);
	}
	/* Serving may find them unfinished again: that is for the next time. */
	TAILQ_CONCAT(&unfinished, &guests->unfinished, in_unfinished);
	while ((guest = TAILQ_FIRST(&unfinished))) {
		TAILQ_REMOVE(&unfinished, guest, in_unfinished);
		guest->is_unfinished = false;
		serve(guest);
	}
	return is_more;
}

static void wake(struct link *link)
{
	serve((struct guest *)link);
}

static void gone(struct link *link)
{
	struct guest *guest = (struct guest *)link;
	struct guests *guests = guest->guests;

	make_hear(guest);
	if (guest->is_moved)
		TAILQ_REMOVE(&guests->moved, guest, in_moved);
	if (guest->is_unfinished)
		TAILQ_REMOVE(&guests->unfinished, guest, in_unfinished);
	TAILQ_REMOVE(&guests->all, guest, entry);
	unbind_port(guest);
	if (guest->ring.ends.page && guest->domid == guests->own_domid)
		xen_unmap_own(guests->xen, guest->ring.ends.page);
	else if (guest->ring.ends.page)
		xen_unmap(guests->xen, guest->ring.ends.page);
	free(guest);
}

static const struct link_ops guest_ops = { .wake = wake, .gone = gone };

/*
 * A domain that is suspended to be moved signals its toolstack alone, and nobody else shall take
 * it for one that has ended. So what is only found by looking does not count then.
 */
static bool counts_as_shut_down(const struct guests *guests, const struct xen_domain *domain)
{
	return domain->is_shut_down && (guests->is_signalled || !domain->may_be_suspended);
}

static bool domain_state(void *self, uint16_t domid, struct host_domain *out_state)
{
	struct guests *guests = self;
	struct xen_domain domain;

	if (!guests->xen)
		return false;
	/* Not before: whoever was introduced in this turn existed when the turn began. */
	if (guests->is_scan_due)
		census_begin(guests->census);
	guests->is_scan_due = false;
	if (!census_domain(guests->census, domid, &domain))
		return false;
	*out_state = (struct host_domain){
		.unique_id = domain.unique_id,
		.is_shut_down = counts_as_shut_down(guests, &domain),
		.is_dying = domain.is_dying,
		.is_dead = domain.is_dead,
	};
	return true;
}

/* Maps the page and binds the port of a guest that has neither. */
static int attach(struct guest *guest, uint32_t port)
{
	struct guests *guests = guest->guests;
	bool is_own = guest->domid == guests->own_domid;
	uint32_t offered = 0;
	void *page;
	int err;

	err = is_own ? xen_map_own(guests->xen, &page, &offered)
		     : xen_map(guests->xen, guest->domid, &page);
	if (err)
		return err < 0 ? -err : err;
	guest->ring.ends.page = page;
	if (!is_own)
		offered = guest->ring.ends.page->evtchn_port;
	if (offered)
		port = offered;
	return port ? bind_port(guest, port) : EINVAL;
}

static int open_ring(void *self, uint16_t domid, uint32_t port, uint32_t features,
		     struct client *client)
{
	struct guests *guests = self;
	struct guest *guest;
	int err;

	if (!guests->xen)
		return EINVAL;
	guest = calloc(1, sizeof(*guest));
	if (!guest)
		return ENOMEM;
	guest->link = (struct link){ .ops = &guest_ops, .client = client };
	guest->ring.client = client;
	guest->guests = guests;
	guest->domid = domid;
	TAILQ_INSERT_TAIL(&guests->all, guest, entry);
	err = attach(guest, port);
	if (err) {
		gone(&guest->link);
		return err;
	}
	client_set_io(client, &guest->link);
	if (ring_start(&guest->ring, guest->ring.ends.page, features, guests->is_starting))
		tell(guest);
	return 0;
}

static void reopen_ring(void *self, struct client *client, uint32_t port, uint32_t features)
{
	struct guest *guest = client_io(client);
	int err;

	(void)self;
	unbind_port(guest);
	make_hear(guest);
	guest->n_alarms = 0;
	/* Without a port it is still served, if slowly: it is looked at now and then. */
	err = bind_port(guest, port);
	if (err)
		log_line(LOG_LEVEL_WARNING, "domain %u: cannot bind port %u: %s", guest->domid,
			 port, strerror(err));
	if (ring_start(&guest->ring, guest->ring.ends.page, features, false))
		tell(guest);
}

static void fail_ring(void *self, struct client *client, uint32_t error)
{
	struct guest *guest = client_io(client);

	(void)self;
	log_line(LOG_LEVEL_WARNING, "domain %u breaks the rules of its ring (%u): it is ignored",
		 guest->domid, error);
	ring_fail(&guest->ring, error);
	tell(guest);
}

static int add_events(struct guests *guests, struct loop *loop)
{
	const struct timeval period = { .tv_sec = RECONCILE_S };
	struct event_base *base = loop_base(loop);

	guests->fired =
		event_new(base, xen_fd(guests->xen), EV_READ | EV_PERSIST, on_fired, guests);
	guests->reconcile = event_new(base, -1, EV_PERSIST, on_reconcile, guests);
	guests->undeafen = evtimer_new(base, on_undeafen, guests);
	if (!guests->fired || !guests->reconcile || !guests->undeafen ||
	    event_add(guests->fired, NULL) || event_add(guests->reconcile, &period))
		return -ENOMEM;
	loop_after_turn(loop, end_turn, guests);
	return 0;
}

static int open_host(struct guests *guests, struct loop *loop)
{
	int err = xen_open(&guests->xen);

	if (err == ENODEV) {
		log_line(LOG_LEVEL_INFO, "no hypervisor here: serving the socket only");
		return 0;
	}
	if (!err)
		err = census_open(guests->xen, &guests->census);
	return err ? err : add_events(guests, loop);
}

int guests_open(struct loop *loop, struct server_config *config, struct guests **out_guests)
{
	struct guests *guests = calloc(1, sizeof(*guests));
	int err;

	if (!guests)
		return -ENOMEM;
	TAILQ_INIT(&guests->all);
	TAILQ_INIT(&guests->moved);
	TAILQ_INIT(&guests->unfinished);
	TAILQ_INIT(&guests->deaf);
	guests->host = (struct host){
		.self = guests,
		.domain_state = domain_state,
		.ring_open = open_ring,
		.ring_reopen = reopen_ring,
		.ring_fail = fail_ring,
		.client_gone = link_client_gone,
		.client_wake = link_client_wake,
	};
	err = open_host(guests, loop);
	if (err) {
		log_line(LOG_LEVEL_CRIT, "hypervisor: %s", strerror(-err));
		guests_close(guests);
		return err;
	}
	census_choose(guests->census, &config->privileged_domid, &config->store_domid);
	guests->own_domid = config->store_domid;
	*out_guests = guests;
	return 0;
}

const struct host *guests_host(const struct guests *guests)
{
	return &guests->host;
}

static int introduce_all(struct guests *guests, struct server *server, uint16_t first)
{
	struct xen_domain domain = { 0 };
	int err = server_introduce(server, first, 0);

	if (err) {
		log_line(LOG_LEVEL_CRIT, "domain %u: no ring: %s", first,
			 strerror(err < 0 ? -err : err));
		return err < 0 ? err : -err;
	}
	/* Who has no port in its page will be introduced by the toolstack. */
	for (int domid = -1; census_next(guests->census, domid, &domain); domid = domain.domid) {
		if (domain.domid == first || domain.is_dead)
			continue;
		err = server_introduce(server, domain.domid, 0);
		if (err < 0)
			return err;
	}
	return 0;
}

int guests_start(struct guests *guests, struct server *server, uint16_t privileged)
{
	int err;

	guests->server = server;
	if (!guests->xen)
		return 0;
	/* Whoever shut down before there was anybody to tell counts all the same. */
	guests->is_signalled = true;
	look_for_domains(guests);
	census_begin(guests->census);
	guests->is_starting = true;
	err = introduce_all(guests, server, privileged);
	guests->is_starting = false;
	census_end(guests->census);
	return err;
}

void guests_close(struct guests *guests)
{
	if (!guests)
		return;
	if (guests->fired)
		event_free(guests->fired);
	if (guests->reconcile)
		event_free(guests->reconcile);
	if (guests->undeafen)
		event_free(guests->undeafen);
	census_close(guests->census);
	xen_close(guests->xen);
	ports_fini(&guests->ports);
	free(guests);
}
