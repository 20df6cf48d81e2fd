/* SPDX-License-Identifier: MIT */
/*
 * The command line of the load generator.
 */
#ifndef TESTS_BENCH_OPTIONS_H
#define TESTS_BENCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tests/bench/target.h"
#include "tests/bench/workload.h"

enum { TARGETS_MAX = 16, RUNS_MAX = 32 };

struct options {
	struct target targets[TARGETS_MAX];
	uint32_t n_targets;
	struct {
		const struct workload *workload;
		struct params params;
	} runs[RUNS_MAX];
	uint32_t n_runs;
	uint32_t value;
	uint32_t rounds;      /* blocks per server */
	uint32_t block_ms;    /* length of one */
	uint32_t requests;    /* a block has at most this many */
	uint32_t limit_s;     /* everything is over after this time */
	FILE *json;           /* NULL: not wanted */
	const char *host_dir; /* NULL: not to be made */
	bool wants_table;
	bool is_pinned; /* every server to one processor, this program to another */
	uint32_t server_cpu, client_cpu;
};

/* False: it was told what is wrong. */
bool options_read(struct options *options, int argc, char **argv);

#endif
