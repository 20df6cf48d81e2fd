/* SPDX-License-Identifier: MIT */
#include "tests/bench/target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/payload.h"
#include "tests/bench/batch.h"
#include "tests/bench/clock.h"
#include "tests/bench/machine.h"
#include "tests/bench/process.h"

enum {
	NODES_PER_DIRECTORY = 1000,
	FILL_BATCH = 64,
	DEFAULT_NODES = 1000,
};

size_t target_node_path(uint32_t number, char out_path[NODE_PATH_MAX])
{
	return (size_t)snprintf(out_path, NODE_PATH_MAX, "/bench/d%u/n%u",
				number / NODES_PER_DIRECTORY, number % NODES_PER_DIRECTORY) +
	       1;
}

static bool set_number(struct target *target, const char *key, uint32_t value)
{
	if (!strcmp(key, "nodes"))
		target->nodes = value;
	else if (!strcmp(key, "connections"))
		target->connections = value;
	else if (!strcmp(key, "watches"))
		target->watches = value;
	else if (!strcmp(key, "guests"))
		target->guests = value;
	else if (!strcmp(key, "machines"))
		target->machines = value;
	else if (!strcmp(key, "pid"))
		target->pid = (pid_t)value;
	else if (!strcmp(key, "filled"))
		target->is_filled = value != 0;
	else
		return false;
	return true;
}

static bool set_option(struct target *target, char *option)
{
	char *value = strchr(option, '=');
	uint32_t number;

	if (!value)
		return false;
	*value++ = '\0';
	if (!strcmp(option, "store")) {
		snprintf(target->store, sizeof(target->store), "%s", value);
		return true;
	}
	if (!strcmp(option, "host")) {
		snprintf(target->host_dir, sizeof(target->host_dir), "%s", value);
		return true;
	}
	return xsp_parse_u32(value, INT32_MAX, &number) && set_number(target, option, number);
}

bool target_parse(struct target *target, const char *text)
{
	char copy[4 * TARGET_PATH_MAX], *rest = copy, *part, *socket;

	*target = (struct target){ .nodes = DEFAULT_NODES };
	if (strlen(text) >= sizeof(copy))
		return false;
	memcpy(copy, text, strlen(text) + 1);
	part = strsep(&rest, ",");
	socket = strchr(part, '=');
	if (!socket)
		return false;
	*socket++ = '\0';
	snprintf(target->name, sizeof(target->name), "%s", part);
	snprintf(target->socket, sizeof(target->socket), "%s", socket);
	while ((part = strsep(&rest, ","))) {
		if (!set_option(target, part))
			return false;
	}
	return target->nodes > 0 &&
	       (target->host_dir[0] || (target->guests == 0 && target->machines == 0));
}

static int write_nodes(struct target *target, struct conn *conn, size_t value_len)
{
	uint8_t value[XSP_PAYLOAD_MAX];
	struct batch batch = { 0 };
	char path[NODE_PATH_MAX];
	int err = 0;

	memset(value, 'v', sizeof(value));
	for (uint32_t i = 0; i < target->nodes && !err; i++) {
		err = batch_add(&batch, XSP_WRITE, 0, path, target_node_path(i, path), value,
				value_len);
		if (!err && (batch.n == FILL_BATCH || i == target->nodes - 1))
			err = batch_call(&batch, conn, sizeof("OK"));
	}
	batch_fini(&batch);
	return err;
}

static int fill(struct target *target, struct conn *conn, size_t value_len)
{
	struct process_memory before = process_memory(target->pid), after;
	uint64_t cpu_ns = process_cpu_ns(target->pid), since_ns = clock_ns();
	uint64_t bytes = target->store[0] ? directory_bytes(target->store) : 0;
	int err = write_nodes(target, conn, value_len);

	after = process_memory(target->pid);
	target->fill_seconds = (double)(clock_ns() - since_ns) / 1e9;
	target->fill_cpu_us = (double)(process_cpu_ns(target->pid) - cpu_ns) / 1e3 / target->nodes;
	target->fill_anonymous =
		((double)after.anonymous - (double)before.anonymous) * 1024 / target->nodes;
	if (target->store[0])
		target->fill_store =
			((double)directory_bytes(target->store) - (double)bytes) / target->nodes;
	return err;
}

static int open_idle(struct target *target)
{
	uint32_t holders = (target->watches + WATCHES_PER_CLIENT - 1) / WATCHES_PER_CLIENT;
	int err = 0;

	target->idle = calloc(target->connections + holders + 1, sizeof(*target->idle));
	if (!target->idle)
		return ENOMEM;
	while (target->n_idle < target->connections + holders && !err) {
		err = conn_open(&target->idle[target->n_idle], target->socket);
		if (!err)
			target->n_idle++;
	}
	return err;
}

static int register_watches(struct target *target)
{
	char payload[NODE_PATH_MAX];
	uint32_t done = 0;
	int err = 0, len;

	for (uint32_t i = target->connections; i < target->n_idle && !err; i++) {
		for (uint32_t n = 0; n < WATCHES_PER_CLIENT && done < target->watches && !err;
		     n++) {
			len = snprintf(payload, sizeof(payload), "/idle/w%u%ctoken%u", done, '\0',
				       done);
			err = conn_watch(&target->idle[i], payload, (size_t)len + 1);
			done++;
		}
	}
	return err;
}

uint32_t target_new_domid(struct target *target)
{
	if (target->last_domid + 1 >= FAKEHOST_DOMAINS)
		return 0;
	return ++target->last_domid;
}

int target_create(struct target *target, uint32_t domid)
{
	return domid ? fakehost_create(&target->host, domid) : ENOSPC;
}

int target_introduce(struct conn *conn, uint32_t domid)
{
	char payload[64];
	int len = snprintf(payload, sizeof(payload), "%u%c1%c%d", domid, '\0', '\0', FAKEHOST_PORT);

	return conn_call(conn, XSP_INTRODUCE, 0, payload, (size_t)len + 1, NULL);
}

int target_release(struct target *target, struct conn *conn, uint32_t domid)
{
	char payload[16];
	int len = snprintf(payload, sizeof(payload), "%u", domid), err;

	fakehost_set(&target->host, domid, 0, 0);
	fakehost_tell(&target->host);
	err = conn_call(conn, XSP_RELEASE, 0, payload, (size_t)len + 1, NULL);
	/* It may have seen for itself that the domain is gone. */
	return err == ENOENT || err == EINVAL ? 0 : err;
}

static int add_guests(struct target *target, struct conn *conn)
{
	int err = 0;

	for (uint32_t i = 0; i < target->guests && !err; i++) {
		uint32_t domid = target_new_domid(target);

		err = target_create(target, domid);
		if (!err)
			err = target_introduce(conn, domid);
	}
	return err;
}

static int add_machines(struct target *target)
{
	int err = 0;

	target->running = calloc(target->machines + 1, sizeof(struct machine *));
	if (!target->running)
		return ENOMEM;
	while (target->n_running < target->machines && !err) {
		err = machine_start(target, &target->running[target->n_running]);
		if (!err)
			target->n_running++;
	}
	return err;
}

int target_set_up(struct target *target, size_t value_len)
{
	struct conn conn;
	int err = conn_open(&conn, target->socket);

	if (err)
		return err;
	if (target->pid == 0)
		target->pid = conn_peer(&conn);
	target->last_domid = FIRST_DOMID;
	if (target->host_dir[0])
		err = fakehost_open(&target->host, target->host_dir);
	if (!err && !target->is_filled)
		err = fill(target, &conn, value_len);
	if (!err)
		err = add_guests(target, &conn);
	conn_close(&conn);
	if (!err)
		err = open_idle(target);
	if (!err)
		err = register_watches(target);
	if (!err)
		err = add_machines(target);
	return err;
}

void target_fini(struct target *target)
{
	for (uint32_t i = 0; i < target->n_running; i++)
		machine_free(target->running[i]);
	free(target->running);
	for (uint32_t i = 0; i < target->n_idle; i++)
		conn_close(&target->idle[i]);
	free(target->idle);
	if (target->host.host)
		fakehost_close(&target->host);
	*target = (struct target){ 0 };
}
