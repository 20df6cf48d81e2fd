/* SPDX-License-Identifier: MIT */
#include "tests/core/target_core.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct target_core *of(struct target *target)
{
	return (struct target_core *)target;
}

static int core_start(struct target *target)
{
	struct target_core *self = of(target);

	self->n_clients = 0;
	fake_start(&self->fake, NULL);
	fake_settle(&self->fake);
	return 0;
}

static int core_stop(struct target *target)
{
	struct target_core *self = of(target);
	char text[256];
	int err = 0;

	fake_settle(&self->fake);
	if (!server_audit(self->fake.server, text, sizeof(text))) {
		snprintf(target->why, sizeof(target->why), "audit: %s", text);
		err = EIO;
	}
	fake_stop(&self->fake);
	return err;
}

static int core_open(struct target *target, int domid, int *out_client)
{
	struct target_core *self = of(target);
	struct fake_conn *conn;

	if (self->n_clients == TARGET_CORE_CLIENTS_MAX)
		return EMFILE;
	conn = domid == TARGET_SOCKET ? fake_connect(&self->fake)
				      : fake_guest(&self->fake, (unsigned)domid);
	if (!conn) {
		snprintf(target->why, sizeof(target->why), "domain %d does not exist", domid);
		return ENOENT;
	}
	*out_client = self->n_clients;
	self->clients[self->n_clients++] = conn;
	return 0;
}

static int core_end(struct target *target, int client, enum target_end how)
{
	fake_end(of(target)->clients[client], how == TARGET_BOTH);
	return 0;
}

static int core_send(struct target *target, int client, const void *bytes, size_t len)
{
	fake_send(of(target)->clients[client], bytes, len);
	return 0;
}

static int core_settle(struct target *target)
{
	fake_settle(&of(target)->fake);
	return 0;
}

static int core_receive(struct target *target, int client, enum target_wait wait, void *bytes,
			size_t size, size_t *out_len)
{
	struct target_core *self = of(target);
	struct fake_conn *conn = self->clients[client];

	if (wait == TARGET_WAIT)
		fake_settle(&self->fake);
	*out_len = fake_receive(conn, bytes, size);
	if (*out_len == 0 && conn->domid == FAKE_SOCKET && !conn->client)
		return EPIPE;
	return 0;
}

static int core_host(struct target *target, enum target_host what, unsigned domid)
{
	struct fake *fake = &of(target)->fake;
	struct fake_domain *domain = &fake->domains[domid];

	/* What was sent before has been dealt with before. */
	fake_settle(fake);
	switch (what) {
	case TARGET_CREATE:
	case TARGET_REPLACE:
		fake_domain_create(fake, domid);
		break;
	case TARGET_SHUTDOWN:
		domain->state.is_shut_down = true;
		break;
	case TARGET_RESUME:
		domain->state.is_shut_down = false;
		break;
	case TARGET_DYING:
		domain->state.is_dying = true;
		break;
	case TARGET_DEAD:
		fake_domain_destroy(fake, domid);
		break;
	}
	fake_changed(fake);
	fake_settle(fake);
	return 0;
}

static int core_advance(struct target *target, uint64_t ms)
{
	fake_advance(&of(target)->fake, ms);
	return 0;
}

/* A word of a guest's page. */
static _Atomic uint32_t *word_at(struct fake_conn *conn, unsigned offset)
{
	return (_Atomic uint32_t *)(void *)((uint8_t *)&conn->page + offset);
}

static int core_poke(struct target *target, int client, unsigned offset, uint32_t word)
{
	struct fake_conn *conn = of(target)->clients[client];

	atomic_store(word_at(conn, offset), word);
	fake_notify(conn);
	return 0;
}

static int core_peek(struct target *target, int client, unsigned offset, uint32_t *out_word)
{
	*out_word = atomic_load(word_at(of(target)->clients[client], offset));
	return 0;
}

static int core_stall(struct target *target, int client, enum target_stall how)
{
	struct target_core *self = of(target);

	self->clients[client]->is_read = how == TARGET_READS;
	fake_settle(&self->fake);
	return 0;
}

static const struct target_ops ops = {
	.start = core_start,
	.stop = core_stop,
	.open = core_open,
	.end = core_end,
	.send = core_send,
	.receive = core_receive,
	.settle = core_settle,
	.stall = core_stall,
	.host = core_host,
	.advance = core_advance,
	.poke = core_poke,
	.peek = core_peek,
};

void target_core_init(struct target_core *core)
{
	core->target = (struct target){
		.ops = &ops,
		.name = "xenstored",
		.gfn = "0",
		.port = "5",
		.can = TARGET_CAN_GUESTS | TARGET_CAN_HOST | TARGET_CAN_TIME | TARGET_CAN_RING |
		       TARGET_CAN_STALL,
	};
}
