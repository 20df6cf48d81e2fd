/* SPDX-License-Identifier: MIT */
/*
 * Guests over their rings, and their introduction.
 *
 * The active guests of a step each send one request, and then all are waited for: that many are
 * in flight at the same time. Every guest's own request is timed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/clock.h"
#include "tests/bench/target.h"
#include "tests/bench/workload.h"
#include "tests/support/fakexen/fakeguest.h"

enum { REPLY_MAX = XSP_RING_SIZE, WAKE_UPS_AT_ONCE = 256, PATIENCE_MS = CONN_PATIENCE_S * 1000 };

static const char data_path[] = "data";

struct ring_guest {
	struct fakeguest guest;
	uint64_t since_ns;
	size_t have; /* bytes of the reply */
	uint8_t reply[REPLY_MAX];
};

struct rings {
	struct fakewaker waker;
	bool has_waker;
	uint32_t first_domid;
	uint32_t n_introduced;
	uint32_t n_guests;
	struct ring_guest guests[];
};

/* Gives a guest a home that is its own, with one node. */
static int make_home(struct work *work, uint32_t domid)
{
	char payload[XSP_PAYLOAD_MAX];
	int len = snprintf(payload, sizeof(payload), "/local/domain/%u", domid), more;
	int err = conn_call(&work->conn, XSP_MKDIR, 0, payload, (size_t)len + 1, NULL);

	more = snprintf(payload + len + 1, 32, "n%u", domid);
	if (!err)
		err = conn_call(&work->conn, XSP_SET_PERMS, 0, payload, (size_t)(len + more) + 2,
				NULL);
	len += snprintf(payload + len, 32, "/%s", data_path) + 1;
	memcpy(payload + len, work->value, work->params.value);
	if (!err)
		err = conn_call(&work->conn, XSP_WRITE, 0, payload,
				(size_t)len + work->params.value, NULL);
	return err;
}

static int open_guests(struct work *work)
{
	struct rings *rings = work->rings;
	struct target *target = work->target;
	int err = fakewaker_open(&target->host, &rings->waker);

	rings->has_waker = !err;
	for (uint32_t i = 0; i < work->params.guests && !err; i++) {
		uint32_t domid = target_new_domid(target);

		if (i == 0)
			rings->first_domid = domid;
		err = target_create(target, domid);
		if (!err)
			err = target_introduce(&work->conn, domid);
		if (err)
			break;
		rings->n_introduced++;
		err = make_home(work, domid);
		if (!err)
			err = fakeguest_open(&rings->guests[i].guest, &target->host, domid,
					     &rings->waker);
		if (!err)
			rings->n_guests++;
	}
	return err;
}

static int prepare_guests(struct work *work)
{
	if (!work->target->host.host)
		return ENODEV;
	if (work->params.value + XSP_HEADER_SIZE > REPLY_MAX)
		return E2BIG;
	work->rings =
		calloc(1, sizeof(struct rings) + work->params.guests * sizeof(struct ring_guest));
	return work->rings ? open_guests(work) : ENOMEM;
}

static void finish_guests(struct work *work)
{
	struct rings *rings = work->rings;
	char path[64];
	int len, err = 0;

	if (!rings)
		return;
	for (uint32_t i = 0; i < rings->n_guests; i++)
		fakeguest_close(&rings->guests[i].guest);
	for (uint32_t i = 0; i < rings->n_introduced && !err; i++) {
		err = target_release(work->target, &work->conn, rings->first_domid + i);
		len = snprintf(path, sizeof(path), "/local/domain/%u", rings->first_domid + i);
		if (!err)
			err = conn_call(&work->conn, XSP_RM, 0, path, (size_t)len + 1, NULL);
	}
	if (rings->has_waker)
		fakewaker_close(&rings->waker);
	free(rings);
	work->rings = NULL;
}

static size_t compose(struct work *work, enum xsp_type type, uint8_t *out_message)
{
	struct xsp_header header = { .type = type, .len = sizeof(data_path) };
	uint32_t mark = ++work->last_write;

	memcpy(out_message + XSP_HEADER_SIZE, data_path, sizeof(data_path));
	if (type == XSP_WRITE) {
		memcpy(work->value, &mark,
		       work->params.value < sizeof(mark) ? work->params.value : sizeof(mark));
		memcpy(out_message + XSP_HEADER_SIZE + header.len, work->value, work->params.value);
		header.len += work->params.value;
	}
	header.req_id = mark;
	xsp_header_put(out_message, &header);
	return XSP_HEADER_SIZE + header.len;
}

/* Takes what has come. 0: the reply is whole. EAGAIN: not yet. */
static int take_reply(struct ring_guest *guest, enum xsp_type type)
{
	struct xsp_header header;

	fakeguest_heard(&guest->guest);
	guest->have +=
		fakeguest_read(&guest->guest, guest->reply + guest->have, REPLY_MAX - guest->have);
	if (guest->have < XSP_HEADER_SIZE)
		return EAGAIN;
	xsp_header_get(&header, guest->reply);
	if (header.type != (uint32_t)type || header.len > REPLY_MAX - XSP_HEADER_SIZE)
		return EPROTO;
	return guest->have < XSP_HEADER_SIZE + header.len ? EAGAIN : 0;
}

static int await_all(struct work *work, enum xsp_type type)
{
	struct rings *rings = work->rings;
	uint32_t domids[WAKE_UPS_AT_ONCE], n_left = rings->n_guests;
	int err = 0;

	while (n_left > 0) {
		size_t n = fakewaker_wait(&rings->waker, PATIENCE_MS, domids, WAKE_UPS_AT_ONCE);

		if (n == 0)
			return ETIMEDOUT;
		for (size_t i = 0; i < n; i++) {
			struct ring_guest *guest = &rings->guests[domids[i] - rings->first_domid];

			if (guest->since_ns == 0)
				continue;
			err = take_reply(guest, type);
			if (err == EAGAIN)
				continue;
			if (err)
				return err;
			work_done(work, guest->since_ns, 1);
			guest->since_ns = 0;
			n_left--;
		}
	}
	return 0;
}

static int step_guests(struct work *work, enum xsp_type type)
{
	struct rings *rings = work->rings;
	uint8_t message[XSP_MESSAGE_MAX];

	for (uint32_t i = 0; i < rings->n_guests; i++) {
		struct ring_guest *guest = &rings->guests[i];
		size_t len = compose(work, type, message);

		guest->have = 0;
		guest->since_ns = clock_ns();
		/* Nothing else is in the ring. */
		if (fakeguest_write(&guest->guest, message, len) != len)
			return EPROTO;
	}
	return await_all(work, type);
}

static int step_ring_read(struct work *work)
{
	return step_guests(work, XSP_READ);
}

static int step_ring_write(struct work *work)
{
	return step_guests(work, XSP_WRITE);
}

static int prepare_introduce(struct work *work)
{
	return work->target->host.host ? 0 : ENODEV;
}

static int step_introduce(struct work *work)
{
	struct target *target = work->target;
	uint32_t domid = target_new_domid(target);
	uint64_t since_ns;
	int err;

	if (domid == 0) {
		/* Numbers may be used again, as on a real host. */
		target->last_domid = FIRST_DOMID + target->guests + target->machines;
		domid = target_new_domid(target);
	}
	err = target_create(target, domid);
	since_ns = clock_ns();
	if (!err)
		err = target_introduce(&work->conn, domid);
	work_done(work, since_ns, 1);
	return err ? err : target_release(target, &work->conn, domid);
}

const struct workload work_ring_read = {
	.name = "ring-read",
	.summary = "READ of a node of its own by each of `guests` guests over their rings",
	.prepare = prepare_guests,
	.step = step_ring_read,
	.finish = finish_guests,
};

const struct workload work_ring_write = {
	.name = "ring-write",
	.summary = "WRITE of a node of its own by each of `guests` guests over their rings",
	.prepare = prepare_guests,
	.step = step_ring_write,
	.finish = finish_guests,
};

const struct workload work_introduce = {
	.name = "introduce",
	.summary = "INTRODUCE of a new domain; its removal is not timed, but in the processor time",
	.prepare = prepare_introduce,
	.step = step_introduce,
};
