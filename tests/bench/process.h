/* SPDX-License-Identifier: MIT */
/*
 * What the system knows of a server's process: processor time and memory.
 */
#ifndef TESTS_BENCH_PROCESS_H
#define TESTS_BENCH_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

/* In KiB. A mapped database on tmpfs counts as shared, and its file holds the same pages. */
struct process_memory {
	uint64_t resident;
	uint64_t anonymous;
	uint64_t shared;
};

/* Processor time of all its threads, in nanoseconds. 0 if it cannot be had. */
uint64_t process_cpu_ns(pid_t pid);

/* All zero if it cannot be had. */
struct process_memory process_memory(pid_t pid);

/* Lets it run on one processor only. pid 0: the caller. Returns 0 or an errno. */
int process_pin(pid_t pid, uint32_t cpu) __attribute__((warn_unused_result));

/* Bytes that the files directly in a directory occupy. */
uint64_t directory_bytes(const char *path);

#endif
