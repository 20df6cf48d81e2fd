/* SPDX-License-Identifier: MIT */
#include "tests/rings/target_rings.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/wire.h"
#include "tests/support/sock.h"

/* The reply to the request that shifts: an ERROR of "EINVAL". */
enum { UNHEARD = XSP_HEADER_SIZE + 7 };

static struct target_rings *of(struct target *target)
{
	return (struct target_rings *)target;
}

static int explain(struct target *target, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int explain(struct target *target, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(target->why, sizeof(target->why), format, args);
	va_end(args);
	return err;
}

static int rings_start(struct target *target)
{
	struct target_rings *self = of(target);
	int err = fakedaemon_make(&self->daemon);

	self->n_clients = 0;
	self->probe = -1;
	memset(self->guests, 0, sizeof(self->guests));
	if (!err)
		err = fakewaker_open(&self->daemon.host, &self->waker);
	if (!err)
		err = fakedaemon_start(&self->daemon, self->program, self->preload, NULL);
	if (!err)
		err = sock_connect(self->daemon.socket, SOCK_PATIENCE_MS, &self->probe);
	return err ? explain(target, err, "cannot start: %s", strerror(err)) : 0;
}

static void forget_guest(struct target_guest *guest)
{
	if (guest->is_open)
		fakeguest_close(&guest->guest);
	inbox_fini(&guest->to);
	inbox_fini(&guest->from);
	*guest = (struct target_guest){ 0 };
}

static int rings_stop(struct target *target)
{
	struct target_rings *self = of(target);
	int status, err;

	for (int i = 0; i < self->n_clients; i++) {
		if (self->fds[i] >= 0)
			close(self->fds[i]);
	}
	for (int i = 0; i < TARGET_RINGS_DOMAINS; i++)
		forget_guest(&self->guests[i]);
	if (self->probe >= 0)
		close(self->probe);
	fakewaker_close(&self->waker);
	err = fakedaemon_stop(&self->daemon, &status);
	if (!err && status)
		err = explain(target, EIO, "the server ended with wait status %#x",
			      (unsigned)status);
	fakedaemon_remove(&self->daemon);
	return err;
}

static int open_guest(struct target_rings *self, int domid)
{
	struct target_guest *guest;
	int err;

	if (domid >= TARGET_RINGS_DOMAINS)
		return explain(&self->target, EINVAL, "domain %d is beyond the tables", domid);
	guest = &self->guests[domid];
	if (guest->is_open)
		return 0;
	err = fakeguest_open(&guest->guest, &self->daemon.host, (uint32_t)domid, &self->waker);
	if (err)
		return explain(&self->target, err, "domain %d: %s", domid, strerror(err));
	guest->is_open = true;
	return 0;
}

static int rings_open(struct target *target, int domid, int *out_client)
{
	struct target_rings *self = of(target);
	int i = self->n_clients, err;

	if (i == TARGET_RINGS_CLIENTS_MAX)
		return explain(target, EMFILE, "too many clients");
	self->fds[i] = -1;
	self->domids[i] = domid;
	if (domid == TARGET_SOCKET) {
		err = sock_connect(self->daemon.socket, SOCK_PATIENCE_MS, &self->fds[i]);
		if (err)
			return explain(target, err, "cannot connect: %s", strerror(err));
	} else {
		err = open_guest(self, domid);
		if (err)
			return err;
	}
	*out_client = self->n_clients++;
	return 0;
}

static struct target_guest *guest_of(struct target_rings *self, int client)
{
	int domid = self->domids[client];

	return domid == TARGET_SOCKET ? NULL : &self->guests[domid];
}

static int rings_end(struct target *target, int client, enum target_end how)
{
	struct target_rings *self = of(target);
	struct target_guest *guest = guest_of(self, client);

	if (guest) {
		/* Its ring is to be introduced anew: what it had in hand is of no use. */
		inbox_fini(&guest->to);
		inbox_fini(&guest->from);
		guest->n_unheard = 0;
		return 0;
	}
	if (how == TARGET_WRITING)
		return shutdown(self->fds[client], SHUT_WR) ? errno : 0;
	close(self->fds[client]);
	self->fds[client] = -1;
	return 0;
}

/* Moves what can be moved. False: nothing. */
static bool pump(struct target_guest *guest)
{
	struct inbox *to = &guest->to;
	char bytes[XSP_RING_SIZE];
	size_t n_out = 0, n_in, skipped;

	if (!guest->is_open)
		return false;
	fakeguest_heard(&guest->guest);
	if (to->len)
		n_out = fakeguest_write(&guest->guest, to->bytes + to->start, to->len);
	to->start += n_out;
	to->len -= n_out;
	n_in = fakeguest_read(&guest->guest, bytes, sizeof(bytes));
	skipped = n_in < guest->n_unheard ? n_in : guest->n_unheard;
	guest->n_unheard -= skipped;
	inbox_add(&guest->from, bytes + skipped, n_in - skipped);
	return n_out || n_in;
}

/* A request of `shift` bytes, about which nothing is remarkable. */
static void turn(struct target_rings *self, struct target_guest *guest)
{
	struct xsp_header header = {
		.type = XSP_GET_DOMAIN_PATH,
		.len = self->shift - XSP_HEADER_SIZE,
	};
	char bytes[XSP_RING_SIZE];

	guest->is_turned = true;
	if (self->shift == 0)
		return;
	memset(bytes, 'x', sizeof(bytes));
	xsp_header_put(bytes, &header);
	bytes[self->shift - 1] = '\0';
	inbox_add(&guest->to, bytes, self->shift);
	guest->n_unheard = UNHEARD;
}

static int rings_send(struct target *target, int client, const void *bytes, size_t len)
{
	struct target_rings *self = of(target);
	struct target_guest *guest = guest_of(self, client);
	int err;

	if (!guest) {
		err = sock_send(self->fds[client], bytes, len);
		return err ? explain(target, err, "sending: %s", strerror(err)) : 0;
	}
	if (!guest->is_turned)
		turn(self, guest);
	inbox_add(&guest->to, bytes, len);
	pump(guest);
	return 0;
}

static int probe(struct target_rings *self)
{
	struct xsp_header header = { .type = XSP_GET_DOMAIN_PATH, .len = 2 };
	char bytes[XSP_HEADER_SIZE + 2], got[64];
	struct inbox inbox = { 0 };
	struct message message;
	size_t len;
	int err;

	xsp_header_put(bytes, &header);
	memcpy(bytes + XSP_HEADER_SIZE, "0", 2);
	err = sock_send(self->probe, bytes, sizeof(bytes));
	while (!err && !inbox_next(&inbox, &message)) {
		err = sock_receive(self->probe, SOCK_PATIENCE_MS, got, sizeof(got), &len);
		if (!err && len == 0)
			err = ETIMEDOUT;
		if (!err)
			inbox_add(&inbox, got, len);
	}
	inbox_fini(&inbox);
	return err;
}

/*
 * Until a round of questions and answers has moved nothing in any ring. The first rounds are for
 * what is decided in one turn and sent in the next.
 */
static int rings_settle(struct target *target)
{
	struct target_rings *self = of(target);
	int n_still = 0, err = 0;

	while (n_still < 3 && !err) {
		bool has_moved = false;

		err = probe(self);
		for (int i = 0; i < TARGET_RINGS_DOMAINS; i++)
			has_moved = pump(&self->guests[i]) || has_moved;
		n_still = has_moved ? 0 : n_still + 1;
	}
	return err ? explain(target, err, "the server answers nobody: %s", strerror(err)) : 0;
}

static int rings_receive(struct target *target, int client, enum target_wait wait, void *bytes,
			 size_t size, size_t *out_len)
{
	struct target_rings *self = of(target);
	struct target_guest *guest = guest_of(self, client);
	int err = 0;

	if (!guest)
		return sock_receive(self->fds[client], wait == TARGET_WAIT ? SOCK_PATIENCE_MS : 0,
				    bytes, size, out_len);
	if (guest->from.len == 0 && wait == TARGET_WAIT)
		err = rings_settle(target);
	*out_len = guest->from.len < size ? guest->from.len : size;
	if (*out_len)
		memcpy(bytes, guest->from.bytes + guest->from.start, *out_len);
	guest->from.start += *out_len;
	guest->from.len -= *out_len;
	return err;
}

static int create(struct target_rings *self, unsigned domid)
{
	int err;

	if (domid < TARGET_RINGS_DOMAINS)
		forget_guest(&self->guests[domid]);
	err = fakehost_create(&self->daemon.host, domid);
	/* Whoever talks for it already talks for the new one. */
	for (int i = 0; i < self->n_clients && !err; i++) {
		if (self->domids[i] == (int)domid)
			err = open_guest(self, (int)domid);
	}
	return err;
}

static int rings_host(struct target *target, enum target_host what, unsigned domid)
{
	static const uint32_t states[] = {
		[TARGET_SHUTDOWN] = FAKEHOST_EXISTS | FAKEHOST_SHUT_DOWN,
		[TARGET_RESUME] = FAKEHOST_EXISTS,
		[TARGET_DYING] = FAKEHOST_EXISTS | FAKEHOST_DYING,
		[TARGET_DEAD] = 0,
	};
	struct target_rings *self = of(target);
	int err = rings_settle(target);

	if (!err && (what == TARGET_CREATE || what == TARGET_REPLACE))
		err = create(self, domid);
	else if (!err)
		fakehost_set(&self->daemon.host, domid, states[what], 0);
	if (err)
		return explain(target, err, "domain %u: %s", domid, strerror(err));
	fakehost_tell(&self->daemon.host);
	return rings_settle(target);
}

static _Atomic uint32_t *word_at(struct target_guest *guest, unsigned offset)
{
	return (_Atomic uint32_t *)(void *)((uint8_t *)guest->guest.page + offset);
}

static int rings_poke(struct target *target, int client, unsigned offset, uint32_t word)
{
	struct target_guest *guest = guest_of(of(target), client);

	atomic_store(word_at(guest, offset), word);
	fakeguest_fire(&guest->guest);
	return 0;
}

static int rings_peek(struct target *target, int client, unsigned offset, uint32_t *out_word)
{
	*out_word = atomic_load(word_at(guest_of(of(target), client), offset));
	return 0;
}

static const struct target_ops ops = {
	.start = rings_start,
	.stop = rings_stop,
	.open = rings_open,
	.end = rings_end,
	.send = rings_send,
	.receive = rings_receive,
	.settle = rings_settle,
	.host = rings_host,
	.poke = rings_poke,
	.peek = rings_peek,
};

void target_rings_init(struct target_rings *rings, const char *program, const char *preload)
{
	*rings = (struct target_rings){
		.target = {
			.ops = &ops,
			.name = "xenstored",
			.gfn = "1",
			.port = "1",
			.can = TARGET_CAN_GUESTS | TARGET_CAN_HOST | TARGET_CAN_RING,
		},
		.program = program,
		.preload = preload,
	};
}
