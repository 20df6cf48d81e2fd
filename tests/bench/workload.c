/* SPDX-License-Identifier: MIT */
#include "tests/bench/workload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/payload.h"
#include "tests/bench/clock.h"
#include "tests/bench/target.h"

static const struct workload *const workloads[] = {
	&work_read,
	&work_write,
	&work_directory,
	&work_txn,
	&work_txns,
	&work_pipelined_read,
	&work_pipelined_write,
	&work_connect,
	&work_fanout,
	&work_write_and_watch,
	&work_rm,
	&work_ring_read,
	&work_ring_write,
	&work_introduce,
	&work_machine,
};

const struct workload *workload_at(size_t index)
{
	return index < sizeof(workloads) / sizeof(workloads[0]) ? workloads[index] : NULL;
}

const struct workload *workload_find(const char *name)
{
	const struct workload *workload;

	for (size_t i = 0; (workload = workload_at(i)); i++) {
		if (!strcmp(workload->name, name))
			return workload;
	}
	return NULL;
}

static uint32_t *param_named(struct params *params, const char *name)
{
	if (!strcmp(name, "value"))
		return &params->value;
	if (!strcmp(name, "depth"))
		return &params->depth;
	if (!strcmp(name, "watchers"))
		return &params->watchers;
	if (!strcmp(name, "spread"))
		return &params->spread;
	if (!strcmp(name, "subtree"))
		return &params->subtree;
	if (!strcmp(name, "guests"))
		return &params->guests;
	return NULL;
}

bool workload_parse(const char *text, const struct workload **out_workload,
		    struct params *out_params)
{
	char copy[256], *rest = copy, *part, *number;
	uint32_t *param, value;

	if (strlen(text) >= sizeof(copy))
		return false;
	memcpy(copy, text, strlen(text) + 1);
	*out_workload = workload_find(strsep(&rest, ","));
	while (*out_workload && (part = strsep(&rest, ","))) {
		number = strchr(part, '=');
		if (!number)
			return false;
		*number++ = '\0';
		param = param_named(out_params, part);
		if (!param || !xsp_parse_u32(number, INT32_MAX, &value))
			return false;
		*param = value;
	}
	return *out_workload && out_params->guests > 0 &&
	       out_params->value + NODE_PATH_MAX <= XSP_PAYLOAD_MAX && out_params->depth > 0 &&
	       out_params->depth <= BATCH_MAX;
}

int work_init(struct work *work, const struct workload *workload, const struct params *params,
	      struct target *target)
{
	int err;

	*work = (struct work){
		.workload = workload,
		.params = *params,
		.target = target,
		.conn = CONN_NONE,
		.random = 0x9e3779b97f4a7c15u,
	};
	memset(work->value, 'v', sizeof(work->value));
	err = conn_open(&work->conn, target->socket);
	if (!err && workload->prepare)
		err = workload->prepare(work);
	return err;
}

void work_fini(struct work *work)
{
	if (work->workload && work->workload->finish)
		work->workload->finish(work);
	for (uint32_t i = 0; i < work->n_others; i++)
		conn_close(&work->others[i]);
	free(work->others);
	batch_fini(&work->batch);
	conn_close(&work->conn);
}

int work_open_others(struct work *work, uint32_t n)
{
	int err = 0;

	work->others = calloc(n + 1, sizeof(*work->others));
	if (!work->others)
		return ENOMEM;
	while (work->n_others < n && !err) {
		err = conn_open(&work->others[work->n_others], work->target->socket);
		if (!err)
			work->n_others++;
	}
	return err;
}

size_t work_choose_node(struct work *work, char *out_path)
{
	uint32_t nodes = work->target->nodes, spread = work->params.spread;

	work->random ^= work->random << 13;
	work->random ^= work->random >> 7;
	work->random ^= work->random << 17;
	if (spread == 0 || spread > nodes)
		spread = nodes;
	return target_node_path((uint32_t)(work->random % spread), out_path);
}

size_t work_compose_write(struct work *work, uint8_t out_payload[XSP_PAYLOAD_MAX])
{
	size_t len = work_choose_node(work, (char *)out_payload);
	uint32_t mark = ++work->last_write;

	memcpy(work->value, &mark,
	       work->params.value < sizeof(mark) ? work->params.value : sizeof(mark));
	memcpy(out_payload + len, work->value, work->params.value);
	return len + work->params.value;
}

void work_done(struct work *work, uint64_t since_ns, uint32_t n_requests)
{
	hist_add(&work->latency, clock_ns() - since_ns);
	work->n_requests += n_requests;
}
