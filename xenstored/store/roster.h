/* SPDX-License-Identifier: MIT */
/*
 * The roster: the domains a server knows, in the database for the next server to go on with.
 *
 * Whoever is not on it when a server starts is nobody the last one knew: permissions that name the
 * number were meant for somebody else. With it goes the epoch, the number of removals so far, that
 * permissions are compared with: it is never lower than one that a node was written with.
 */
#ifndef XSD_STORE_ROSTER_H
#define XSD_STORE_ROSTER_H

#include <stdint.h>

struct db;

/* One domain. */
struct roster_entry {
	uint64_t unique_id; /* 0: the host has none */
	uint32_t since;     /* epoch from which on permissions for the number mean this domain */
	uint16_t domid;
};

/* Room for either of the two puts below. */
enum { ROSTER_BYTES = 16 };

/* Adds or replaces an entry, or removes one that may be missing; room must have been reserved. */
int roster_put(struct db *db, const struct roster_entry *entry) __attribute__((warn_unused_result));
int roster_remove(struct db *db, uint16_t domid) __attribute__((warn_unused_result));

/* Told of one entry; must not touch the database. Anything but 0 stops. */
typedef int roster_visit_fn(void *arg, const struct roster_entry *entry);

int roster_visit(struct db *db, roster_visit_fn *visit, void *arg)
	__attribute__((warn_unused_result));

/* The epoch. ENOENT: none was put yet. */
int roster_epoch(struct db *db, uint32_t *out_epoch) __attribute__((warn_unused_result));
int roster_put_epoch(struct db *db, uint32_t epoch) __attribute__((warn_unused_result));

#endif
