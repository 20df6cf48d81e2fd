/* SPDX-License-Identifier: MIT */
/*
 * One node: its record in the database, both ways. Pure.
 *
 * A record is: id, generation (8 bytes each), permission epoch (4), number of permissions (2),
 * two zero bytes, the permissions (4 bytes each), the value; numbers in host order, since a
 * database never leaves its machine.
 */
#ifndef XSD_STORE_NODE_H
#define XSD_STORE_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/perms.h"

enum { NODE_RECORD_HEAD = 24, NODE_PERM_SIZE = 4 };

/* In xsp_perm.flags: the entry was given to a domain that did not exist; it grants nothing. */
enum { NODE_PERM_IGNORED = 1 };

struct node {
	uint64_t id;          /* what its children are filed under; never used twice */
	uint64_t generation;  /* of the last change of value or permissions */
	uint32_t epoch;       /* domain removals seen when the permissions were set */
	uint32_t n_perms;     /* at least 1 */
	const uint8_t *perms; /* borrowed; NODE_PERM_SIZE bytes an entry, see node_perm() */
	const uint8_t *value; /* borrowed */
	size_t value_len;
};

/* Reads a record; false if it is damaged. The node borrows from the record. */
bool node_decode(const uint8_t *record, size_t len, struct node *out_node);

size_t node_record_len(const struct node *node);

/* Writes node_record_len() bytes. */
void node_encode(const struct node *node, uint8_t *out_record);

/* Entry i; 0 names the owner. */
struct xsp_perm node_perm(const struct node *node, size_t i);
uint16_t node_owner(const struct node *node);

/* Writes an entry's stored form, NODE_PERM_SIZE bytes. */
void node_perm_put(uint8_t *out_bytes, struct xsp_perm perm);

bool node_same_value(const struct node *a, const struct node *b);
bool node_same_perms(const struct node *a, const struct node *b);

/*
 * What a node costs its owner's memory quota, in bytes: 16, 8 per permission, the value, the path,
 * and the name's place in the parent's listing.
 */
uint64_t node_cost(const struct node *node, size_t path_len, size_t name_len);

/* What the node-size quota looks at; `child_bytes` is the sum of its children's names and NULs. */
uint64_t node_size(size_t n_perms, size_t value_len, size_t child_bytes);

#endif
