/* SPDX-License-Identifier: MIT */
/*
 * The index of owners: which nodes a domain has, detached ones included.
 *
 * Domain 0's nodes are not indexed: it never goes away.
 */
#ifndef XSD_STORE_OWNERS_H
#define XSD_STORE_OWNERS_H

#include <stddef.h>
#include <stdint.h>

struct db;

/* Adds or removes a node; room must have been reserved. */
int owners_add(struct db *db, uint16_t owner, uint64_t id, const char *path, size_t len)
	__attribute__((warn_unused_result));
int owners_remove(struct db *db, uint16_t owner, uint64_t id) __attribute__((warn_unused_result));

/* Told of one node; must not touch the database. Anything but 0 stops. */
typedef int owners_visit_fn(void *arg, uint16_t owner, uint64_t id, const char *path, size_t len);

/* Visits the nodes of one domain, or of all, in order of their ids. */
int owners_visit(struct db *db, uint16_t owner, owners_visit_fn *visit, void *arg)
	__attribute__((warn_unused_result));
int owners_visit_all(struct db *db, owners_visit_fn *visit, void *arg)
	__attribute__((warn_unused_result));

#endif
