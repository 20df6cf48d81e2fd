/* SPDX-License-Identifier: MIT */
/*
 * Room within a database file that cannot grow: its free pages, and runs of them.
 *
 * LMDB puts a record that does not share a page with others into a run of pages. How many such
 * runs there are decides how many large records can be written for certain.
 */
#ifndef XSD_STORE_ROOM_H
#define XSD_STORE_ROOM_H

#include <stdbool.h>
#include <stddef.h>

enum {
	/* Pages of the largest record: a value and a list of permissions of full length. */
	ROOM_RUN = 3,
	/* A record of fewer bytes shares a page with others. */
	ROOM_SMALL = 1800,
};

/* Zero is a valid empty one. */
struct room {
	size_t n_pages;
	size_t *numbers; /* owned: of those pages that may be parts of runs */
	size_t n, size;
};

/* Adds free pages; they count as parts of runs only if `in_runs`. -ENOMEM. */
int room_add(struct room *room, const size_t *numbers, size_t n, bool in_runs)
	__attribute__((warn_unused_result));
void room_fini(struct room *room);

/*
 * True if `n_pages` pages and records of `n_bytes` bytes in all fit, into the free pages and the
 * `n_behind` pages behind the last one in use, and leave `n_kept` pages.
 */
bool room_fits(struct room *room, size_t n_behind, size_t n_pages, size_t n_kept, size_t n_bytes);

#endif
