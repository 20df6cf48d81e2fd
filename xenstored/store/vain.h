/* SPDX-License-Identifier: MIT */
/*
 * Paths that were asked for in vain: what their place in the order of a transaction's accesses was.
 *
 * Where even the parent of a node is missing there is no spot that an entry of a view could be for.
 * Only the hashes of the paths are kept: two paths of one hash share a place, and nothing but the
 * order of events depends on it.
 */
#ifndef XSD_STORE_VAIN_H
#define XSD_STORE_VAIN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "xenstored/base/map.h"

struct vain {
	struct map_link link;
	SLIST_ENTRY(vain) next;
	uint64_t place;
};

struct vains {
	struct map by_path;
	SLIST_HEAD(, vain) all; /* owned */
};

void vains_init(struct vains *vains, uint64_t seed);
void vains_fini(struct vains *vains);

/* The place of a path; 0: it was never asked for. */
uint64_t vain_place(const struct vains *vains, const char *path, size_t len);

/* Notes the place of a path that has none yet. -ENOMEM. */
int vain_add(struct vains *vains, const char *path, size_t len, uint64_t place)
	__attribute__((warn_unused_result));

#endif
