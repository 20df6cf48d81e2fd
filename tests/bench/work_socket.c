/* SPDX-License-Identifier: MIT */
/*
 * Workloads of one client.
 */
#include <errno.h>
#include <stdio.h>

#include "tests/bench/clock.h"
#include "tests/bench/target.h"
#include "tests/bench/workload.h"

enum { TXN_READS = 3, TXN_WRITES = 3 };

static int read_node(struct work *work, struct conn *conn, uint32_t tx_id)
{
	struct conn_message reply;
	char path[NODE_PATH_MAX];
	size_t len = work_choose_node(work, path);
	int err = conn_call(conn, XSP_READ, tx_id, path, len, &reply);

	return !err && reply.header.len != work->params.value ? EPROTO : err;
}

static int write_node(struct work *work, uint32_t tx_id)
{
	uint8_t payload[XSP_PAYLOAD_MAX];
	size_t len = work_compose_write(work, payload);

	return conn_call(&work->conn, XSP_WRITE, tx_id, payload, len, NULL);
}

static int step_read(struct work *work)
{
	uint64_t since_ns = clock_ns();
	int err = read_node(work, &work->conn, 0);

	work_done(work, since_ns, 1);
	return err;
}

static int step_write(struct work *work)
{
	uint64_t since_ns = clock_ns();
	int err = write_node(work, 0);

	work_done(work, since_ns, 1);
	return err;
}

static int step_directory(struct work *work)
{
	static const char path[] = "/";
	uint64_t since_ns = clock_ns();
	int err = conn_call(&work->conn, XSP_DIRECTORY, 0, path, sizeof(path), NULL);

	work_done(work, since_ns, 1);
	return err;
}

static int step_txn(struct work *work)
{
	uint64_t since_ns = clock_ns();
	struct conn_message reply;
	unsigned tx_id;
	int err = conn_call(&work->conn, XSP_TRANSACTION_START, 0, "", 1, &reply);

	if (!err && (reply.header.len == 0 ||
		     sscanf((const char *)reply.payload, "%u", &tx_id) != 1 || tx_id == 0))
		err = EPROTO;
	for (int i = 0; i < TXN_READS && !err; i++)
		err = read_node(work, &work->conn, tx_id);
	for (int i = 0; i < TXN_WRITES && !err; i++)
		err = write_node(work, tx_id);
	if (!err)
		err = conn_call(&work->conn, XSP_TRANSACTION_END, tx_id, "T", 2, NULL);
	if (err == EAGAIN) {
		work->n_refused++;
		err = 0;
	}
	work_done(work, since_ns, TXN_READS + TXN_WRITES + 2);
	return err;
}

static int step_pipelined_read(struct work *work)
{
	uint64_t since_ns = clock_ns();
	char path[NODE_PATH_MAX];
	int err = 0;

	for (uint32_t i = 0; i < work->params.depth && !err; i++)
		err = batch_add(&work->batch, XSP_READ, 0, path, work_choose_node(work, path), NULL,
				0);
	if (!err)
		err = batch_call(&work->batch, &work->conn, work->params.value);
	work_done(work, since_ns, work->params.depth);
	return err;
}

static int step_pipelined_write(struct work *work)
{
	uint64_t since_ns = clock_ns();
	uint8_t payload[XSP_PAYLOAD_MAX];
	int err = 0;

	for (uint32_t i = 0; i < work->params.depth && !err; i++)
		err = batch_add(&work->batch, XSP_WRITE, 0, payload,
				work_compose_write(work, payload), NULL, 0);
	if (!err)
		err = batch_call(&work->batch, &work->conn, sizeof("OK"));
	work_done(work, since_ns, work->params.depth);
	return err;
}

static int step_connect(struct work *work)
{
	uint64_t since_ns = clock_ns();
	struct conn conn;
	int err = conn_open(&conn, work->target->socket);

	if (err)
		return err;
	err = read_node(work, &conn, 0);
	conn_close(&conn);
	work_done(work, since_ns, 1);
	return err;
}

const struct workload work_read = {
	.name = "read",
	.summary = "READ of a random node, one after the other",
	.step = step_read,
};

const struct workload work_write = {
	.name = "write",
	.summary = "WRITE of a random node that exists, one after the other",
	.step = step_write,
};

const struct workload work_directory = {
	.name = "directory",
	.summary = "DIRECTORY of the root",
	.step = step_directory,
};

const struct workload work_txn = {
	.name = "txn",
	.summary = "a transaction: start, 3 READs, 3 WRITEs, end; timed as a whole",
	.step = step_txn,
};

const struct workload work_pipelined_read = {
	.name = "pipelined-read",
	.summary = "`depth` READs sent in one piece; timed as a whole",
	.step = step_pipelined_read,
};

const struct workload work_pipelined_write = {
	.name = "pipelined-write",
	.summary = "`depth` WRITEs sent in one piece; timed as a whole",
	.step = step_pipelined_write,
};

const struct workload work_connect = {
	.name = "connect",
	.summary = "connect, READ, close",
	.step = step_connect,
};
