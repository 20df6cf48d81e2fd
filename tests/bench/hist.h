/* SPDX-License-Identifier: MIT */
/*
 * A histogram of times, exact to 1.6 % over the whole range of 64 bits, in fixed memory.
 */
#ifndef TESTS_BENCH_HIST_H
#define TESTS_BENCH_HIST_H

#include <stddef.h>
#include <stdint.h>

enum {
	HIST_STEPS_LOG2 = 6, /* steps per power of two */
	HIST_STEPS = 1 << HIST_STEPS_LOG2,
	HIST_BUCKETS = (64 - HIST_STEPS_LOG2 + 1) * HIST_STEPS,
};

/* Zero is a valid empty one. */
struct hist {
	uint64_t n;
	uint64_t max;
	uint32_t counts[HIST_BUCKETS];
};

void hist_add(struct hist *hist, uint64_t value);

/* The value that `percent` of all do not exceed; 0 for an empty histogram. */
uint64_t hist_percentile(const struct hist *hist, double percent);

#endif
