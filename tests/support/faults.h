/* SPDX-License-Identifier: MIT */
/*
 * Calls that fail on demand: allocations, LMDB, the allocation of disk space.
 *
 * A program links these with ld's --wrap (see xs_with_faults() in tests/core/CMakeLists.txt).
 * Only calls made while control is in the server are counted, and may fail.
 */
#ifndef TESTS_SUPPORT_FAULTS_H
#define TESTS_SUPPORT_FAULTS_H

#include <stdbool.h>

enum fault_kind {
	FAULT_MEMORY, /* malloc() and its like give NULL */
	FAULT_STORE,  /* a call of LMDB's gives EIO */
	FAULT_DISK,   /* posix_fallocate() gives ENOSPC */
};

/* The n-th call of that kind from now on fails; with `lasting`, all after it too. 0: none does. */
void faults_arm(enum fault_kind kind, unsigned n, bool lasting);

/* No call fails any more. Returns how many calls were counted, and tells if one failed. */
unsigned faults_disarm(bool *out_has_failed);

/* For struct fake. */
void faults_passing(bool is_inside);

#endif
