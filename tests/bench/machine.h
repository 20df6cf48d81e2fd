/* SPDX-License-Identifier: MIT */
/*
 * A guest as a toolstack starts it: about 150 nodes with permissions in a few transactions, a
 * connection of its own that watches, a ring, and devices whose two ends read each other.
 *
 * The order of things is that of a real toolstack and real drivers, one request after the other.
 * What a toolstack does once more, looking through the names of all guests, is left out: it is
 * linear in their number for every server.
 */
#ifndef TESTS_BENCH_MACHINE_H
#define TESTS_BENCH_MACHINE_H

#include <stdint.h>

struct machine;
struct target;

/* Returns when all devices are connected. ENODEV: the target has no host. */
int machine_start(struct target *target, struct machine **out_machine)
	__attribute__((warn_unused_result));

/*
 * Destroys the domain and removes its nodes; waits until all other running machines of the target
 * have heard of it. Frees it.
 */
int machine_destroy(struct machine *machine) __attribute__((warn_unused_result));

/* Requests it took to start. */
uint32_t machine_requests(const struct machine *machine);

/* Lets go of it and leaves the domain as it is. NULL is legal. */
void machine_free(struct machine *machine);

#endif
