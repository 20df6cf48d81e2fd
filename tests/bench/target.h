/* SPDX-License-Identifier: MIT */
/*
 * A server under measurement, and what is set up on it before: nodes, idle clients, idle watches.
 *
 * Several targets are measured side by side; they may be different servers, or the same one under
 * different burdens.
 */
#ifndef TESTS_BENCH_TARGET_H
#define TESTS_BENCH_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/bench/conn.h"

enum {
	TARGET_NAME_MAX = 32,
	TARGET_PATH_MAX = 256,
	NODE_PATH_MAX = 64,
	/* Idle watches are spread over clients, as they are on a real host. */
	WATCHES_PER_CLIENT = 5000,
};

struct target {
	char name[TARGET_NAME_MAX];
	char socket[TARGET_PATH_MAX];
	char store[TARGET_PATH_MAX]; /* directory of its database; "": not looked at */
	pid_t pid;
	uint32_t nodes;
	uint32_t connections;
	uint32_t watches;
	bool is_filled;    /* the nodes are there already, from an earlier run */
	struct conn *idle; /* owned: idle clients, then those that hold the watches */
	uint32_t n_idle;
	/* What filling it with nodes took. */
	double fill_seconds;
	double fill_cpu_us;    /* per node */
	double fill_anonymous; /* bytes per node */
	double fill_store;     /* bytes per node */
};

/*
 * NAME=SOCKET[,nodes=N][,connections=N][,watches=N][,pid=N][,store=DIR][,filled=1]
 * False: not understood.
 */
bool target_parse(struct target *target, const char *text);

/* Fills it with nodes of `value_len` bytes, connects the idle clients, registers the watches. */
int target_set_up(struct target *target, size_t value_len) __attribute__((warn_unused_result));
void target_fini(struct target *target);

/* The path of node `number`, with its NUL; returns the length with the NUL. */
size_t target_node_path(uint32_t number, char out_path[NODE_PATH_MAX]);

#endif
