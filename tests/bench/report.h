/* SPDX-License-Identifier: MIT */
/*
 * Results: one line of JSON each for machines, or a table for people.
 */
#ifndef TESTS_BENCH_REPORT_H
#define TESTS_BENCH_REPORT_H

#include <stdint.h>
#include <stdio.h>

struct target;
struct work;

/* Medians over the blocks of one run. */
struct result {
	double rate;       /* requests per second */
	double cpu_us;     /* of the server, per request */
	double rate_ratio; /* to the first server, block by block */
	double cpu_ratio;
	double p50_ratio; /* how much faster than the first server: its median time by this one's */
	double cpu_client_us; /* of the load generator, per request */
};

struct report {
	FILE *json;  /* NULL: not wanted */
	FILE *table; /* NULL: not wanted */
};

/* What it took to fill a target with nodes. */
void report_fill(const struct report *report, const struct target *target);

/* A new workload begins; `first` is its run on the first server. */
void report_heading(const struct report *report, const struct work *first);
void report_result(const struct report *report, const struct work *work,
		   const struct result *result);

#endif
