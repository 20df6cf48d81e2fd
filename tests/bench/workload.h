/* SPDX-License-Identifier: MIT */
/*
 * What is measured: a table of workloads, each a step that is repeated.
 *
 * A step does one operation, times it and counts the requests it took. Whatever has to be made
 * before (a subtree to be removed) is made outside the measured time.
 */
#ifndef TESTS_BENCH_WORKLOAD_H
#define TESTS_BENCH_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/bench/batch.h"
#include "tests/bench/conn.h"
#include "tests/bench/hist.h"

struct machine;
struct rings;
struct target;
struct work;

struct workload {
	const char *name;
	const char *summary;
	/* Opens what the steps need; may be NULL. Returns 0 or an errno, as all do. */
	int (*prepare)(struct work *work);
	/* Before each block, not measured; may be NULL. */
	int (*ready)(struct work *work);
	int (*step)(struct work *work);
	/* Lets go of what prepare() made; may be NULL. Called also if that failed. */
	void (*finish)(struct work *work);
	bool is_long; /* one step is a block */
};

struct params {
	uint32_t value;    /* bytes of a value */
	uint32_t depth;    /* requests in one batch */
	uint32_t watchers; /* clients that watch */
	uint32_t spread;   /* only the first so many nodes are used; 0: all */
	uint32_t subtree;  /* nodes that one RM removes */
	uint32_t guests;   /* that are active at the same time */
};

/* A workload running on a target. */
struct work {
	const struct workload *workload;
	struct params params;
	struct target *target; /* borrowed */
	struct conn conn;
	struct conn *others; /* owned */
	uint32_t n_others;
	struct batch batch;
	struct rings *rings;     /* owned */
	struct machine *machine; /* owned: the one being started */
	uint64_t random;
	uint32_t last_write; /* makes every value differ from the one before */
	uint64_t n_requests;
	uint64_t n_refused; /* transactions that had to be given up */
	uint8_t value[XSP_PAYLOAD_MAX];
	struct hist latency;
};

/* NULL: there is none of that name. */
const struct workload *workload_find(const char *name);
/* The workload at `index`, for listing; NULL behind the last. */
const struct workload *workload_at(size_t index);

/*
 * NAME[,value=N][,depth=N][,watchers=N][,spread=N][,subtree=N][,guests=N]. False: not understood.
 */
bool workload_parse(const char *text, const struct workload **out_workload,
		    struct params *out_params);

int work_init(struct work *work, const struct workload *workload, const struct params *params,
	      struct target *target) __attribute__((warn_unused_result));
void work_fini(struct work *work);

/* For the workloads. */

/* Opens `n` further clients. */
int work_open_others(struct work *work, uint32_t n) __attribute__((warn_unused_result));
/* A node's path with its NUL, chosen evenly; returns the length with the NUL. */
size_t work_choose_node(struct work *work, char *out_path);
/* Puts path and a new value behind each other; returns the length. */
size_t work_compose_write(struct work *work, uint8_t out_payload[XSP_PAYLOAD_MAX]);
/* Notes that what began at `since_ns` is done, and took so many requests. */
void work_done(struct work *work, uint64_t since_ns, uint32_t n_requests);

/* One client, request after request. */
extern const struct workload work_read, work_write, work_directory, work_txn, work_pipelined_read,
	work_pipelined_write, work_connect;
/* Several clients. */
extern const struct workload work_fanout, work_rm, work_write_and_watch, work_txns;
/* Guests over their rings. */
extern const struct workload work_ring_read, work_ring_write, work_introduce;
extern const struct workload work_machine;

#endif
