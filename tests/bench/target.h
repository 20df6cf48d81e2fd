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
#include "tests/support/fakexen/fakehost.h"

struct machine;

enum {
	TARGET_NAME_MAX = 32,
	TARGET_PATH_MAX = 256,
	NODE_PATH_MAX = 64,
	/* Idle watches are spread over clients, as they are on a real host. */
	WATCHES_PER_CLIENT = 5000,
	FIRST_DOMID = 100,
};

struct target {
	char name[TARGET_NAME_MAX];
	char socket[TARGET_PATH_MAX];
	char store[TARGET_PATH_MAX]; /* directory of its database; "": not looked at */
	char host_dir[TARGET_PATH_MAX];
	pid_t pid;
	uint32_t nodes;
	uint32_t connections;
	uint32_t watches;
	uint32_t guests;   /* introduced, and silent */
	uint32_t machines; /* guests with devices, toolstack and all */
	bool is_filled;    /* the nodes are there already, from an earlier run */
	struct conn *idle; /* owned: idle clients, then those that hold the watches */
	uint32_t n_idle;
	struct fakehost_access host; /* .host NULL: there is no hypervisor */
	uint32_t last_domid;
	struct machine **running; /* owned, with what they point to */
	uint32_t n_running;
	/* What filling it with nodes took. */
	double fill_seconds;
	double fill_cpu_us;    /* per node */
	double fill_anonymous; /* bytes per node */
	double fill_store;     /* bytes per node */
};

/*
 * NAME=SOCKET[,nodes=N][,connections=N][,watches=N][,pid=N][,store=DIR][,filled=1]
 *	[,host=DIR[,guests=N][,machines=N]]
 * False: not understood.
 */
bool target_parse(struct target *target, const char *text);

/* Fills it with nodes of `value_len` bytes, connects the idle clients, registers the watches. */
int target_set_up(struct target *target, size_t value_len) __attribute__((warn_unused_result));
void target_fini(struct target *target);

/* A domain number never used before on this target; 0: all were. */
uint32_t target_new_domid(struct target *target);

/* Creates a domain on the target's host. */
int target_create(struct target *target, uint32_t domid) __attribute__((warn_unused_result));
/* Has a domain introduced. */
int target_introduce(struct conn *conn, uint32_t domid) __attribute__((warn_unused_result));
/* Destroys it: the hypervisor first, then the store. */
int target_release(struct target *target, struct conn *conn, uint32_t domid)
	__attribute__((warn_unused_result));

/* The path of node `number`, with its NUL; returns the length with the NUL. */
size_t target_node_path(uint32_t number, char out_path[NODE_PATH_MAX]);

#endif
