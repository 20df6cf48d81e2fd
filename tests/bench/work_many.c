/* SPDX-License-Identifier: MIT */
/*
 * Workloads in which clients meet: watches that fire, transactions side by side, and the removal
 * of a large subtree while somebody else works.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>

#include "tests/bench/clock.h"
#include "tests/bench/target.h"
#include "tests/bench/workload.h"

static const char fan_path[] = "/bench/fan";

enum {
	SUBTREE_BATCH = 64,
	SUBTREE_DIRECTORY = 256,
	/* How long the other client goes on after RM was answered. */
	TAIL_MS = 100,
	TXN_ACCESSES = 3,
};

static int next_event(struct conn *conn)
{
	struct conn_message event;
	int err;

	do {
		err = conn_receive(conn, &event);
	} while (!err && event.header.type != XSP_WATCH_EVENT);
	return err;
}

static int prepare_watchers(struct work *work)
{
	static const char payload[] = "/bench/fan\0token";
	int err = conn_call(&work->conn, XSP_WRITE, 0, fan_path, sizeof(fan_path), NULL);

	if (!err)
		err = work_open_others(work, work->params.watchers);
	for (uint32_t i = 0; i < work->n_others && !err; i++)
		err = conn_watch(&work->others[i], payload, sizeof(payload));
	return err;
}

static int step_fanout(struct work *work)
{
	uint64_t since_ns = clock_ns();
	int err = conn_call(&work->conn, XSP_WRITE, 0, fan_path, sizeof(fan_path), NULL);

	for (uint32_t i = 0; i < work->n_others && !err; i++)
		err = next_event(&work->others[i]);
	work_done(work, since_ns, 1);
	return err;
}

static int step_write_and_watch(struct work *work)
{
	uint64_t since_ns = clock_ns();
	int err = conn_call(&work->conn, XSP_WRITE, 0, fan_path, sizeof(fan_path), NULL);

	if (!err)
		err = next_event(&work->others[0]);
	work_done(work, since_ns, 1);
	return err;
}

static int prepare_one_watcher(struct work *work)
{
	work->params.watchers = 1;
	return prepare_watchers(work);
}

/* `depth` transactions at once, each on nodes of its own, in three rounds of requests. */
static int step_txns(struct work *work)
{
	uint64_t since_ns = clock_ns();
	uint8_t payload[XSP_PAYLOAD_MAX];
	uint32_t tx_ids[BATCH_MAX];
	struct conn_message reply;
	char path[NODE_PATH_MAX];
	uint32_t depth = work->params.depth;
	int err = 0;

	for (uint32_t i = 0; i < depth && !err; i++) {
		err = conn_call(&work->conn, XSP_TRANSACTION_START, 0, "", 1, &reply);
		if (!err && sscanf((const char *)reply.payload, "%u", &tx_ids[i]) != 1)
			err = EPROTO;
	}
	for (uint32_t i = 0; i < depth * TXN_ACCESSES && !err; i++) {
		uint32_t node = i % work->target->nodes;
		size_t len = target_node_path(node, path);

		err = conn_call(&work->conn, XSP_READ, tx_ids[i / TXN_ACCESSES], path, len, NULL);
		if (err)
			break;
		len = target_node_path(node, (char *)payload);
		for (uint32_t k = 0; k < work->params.value; k++)
			payload[len++] = work->value[k];
		err = conn_call(&work->conn, XSP_WRITE, tx_ids[i / TXN_ACCESSES], payload, len,
				NULL);
	}
	for (uint32_t i = 0; i < depth && !err; i++) {
		err = conn_call(&work->conn, XSP_TRANSACTION_END, tx_ids[i], "T", 2, NULL);
		if (err == EAGAIN) {
			work->n_refused++;
			err = 0;
		}
	}
	work_done(work, since_ns, depth * (2 + 2 * TXN_ACCESSES));
	return err;
}

static int prepare_rm(struct work *work)
{
	return work_open_others(work, 1);
}

static int ready_rm(struct work *work)
{
	char path[NODE_PATH_MAX];
	int err = 0;

	for (uint32_t i = 0; i < work->params.subtree && !err; i++) {
		size_t len = (size_t)snprintf(path, sizeof(path), "/bench/rm/d%u/n%u",
					      i / SUBTREE_DIRECTORY, i % SUBTREE_DIRECTORY) +
			     1;

		err = batch_add(&work->batch, XSP_WRITE, 0, path, len, "v", 1);
		if (!err && (work->batch.n == SUBTREE_BATCH || i == work->params.subtree - 1))
			err = batch_call(&work->batch, &work->conn, sizeof("OK"));
	}
	return err;
}

static bool is_answered(const struct conn *conn)
{
	struct pollfd ready = { .fd = conn->fd, .events = POLLIN };

	return poll(&ready, 1, 0) == 1;
}

/* Another client reads without a pause from before the RM until some time after its reply. */
static int step_rm(struct work *work)
{
	static const uint8_t payload[] = "/bench/rm";
	uint8_t request[XSP_HEADER_SIZE + sizeof(payload)];
	const struct xsp_header header = { .type = XSP_RM, .len = sizeof(payload) };
	struct conn *remover = &work->others[0];
	uint64_t end_ns = UINT64_MAX, now_ns = clock_ns();
	struct conn_message reply;
	char path[NODE_PATH_MAX];
	int err;

	xsp_header_put(request, &header);
	for (size_t i = 0; i < sizeof(payload); i++)
		request[XSP_HEADER_SIZE + i] = payload[i];
	err = conn_send(remover, request, sizeof(request));
	while (!err && now_ns < end_ns) {
		err = conn_call(&work->conn, XSP_READ, 0, path, work_choose_node(work, path), NULL);
		work_done(work, now_ns, 1);
		now_ns = clock_ns();
		if (end_ns == UINT64_MAX && is_answered(remover))
			end_ns = now_ns + (uint64_t)TAIL_MS * 1000000;
	}
	return err ? err : conn_reply(remover, &reply);
}

const struct workload work_fanout = {
	.name = "fanout",
	.summary = "WRITE of a node that `watchers` clients watch, until the last has its event",
	.prepare = prepare_watchers,
	.step = step_fanout,
};

const struct workload work_write_and_watch = {
	.name = "watch",
	.summary = "WRITE of a node that one other client watches, until it has its event",
	.prepare = prepare_one_watcher,
	.step = step_write_and_watch,
};

const struct workload work_txns = {
	.name = "txns",
	.summary = "`depth` disjoint transactions of one client at once; timed as a whole",
	.step = step_txns,
};

const struct workload work_rm = {
	.name = "rm",
	.summary = "READs of one client while another removes `subtree` nodes",
	.prepare = prepare_rm,
	.ready = ready_rm,
	.step = step_rm,
	.is_long = true,
};
