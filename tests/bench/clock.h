/* SPDX-License-Identifier: MIT */
/*
 * The clock of the measurements.
 */
#ifndef TESTS_BENCH_CLOCK_H
#define TESTS_BENCH_CLOCK_H

#include <stdint.h>

/* Nanoseconds of a clock that is never set. */
uint64_t clock_ns(void);

#endif
