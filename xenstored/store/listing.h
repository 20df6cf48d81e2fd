/* SPDX-License-Identifier: MIT */
/*
 * Listings: the children of a directory as a view sees them.
 *
 * The database has them in order; over them lie what the history hides or brings back, and what
 * the views in between create and remove.
 */
#ifndef XSD_STORE_LISTING_H
#define XSD_STORE_LISTING_H

#include <stddef.h>
#include <stdint.h>

struct arena;
struct node;
struct spot;
struct view;

/* Told of one child; must not use the view or the store. Anything but 0 stops. */
typedef int listing_visit_fn(void *arg, const char *name, size_t len);

/*
 * Visits the children of a directory in byte order, those behind `after` (NULL: all). Scratch
 * memory comes from `arena`. Returns the last visit's answer, or trouble.
 */
int listing_scan(struct view *view, struct arena *arena, const struct spot *dir_spot,
		 uint64_t dir_id, unsigned seen, const char *after, size_t after_len,
		 listing_visit_fn *visit, void *arg) __attribute__((warn_unused_result));

/* The generation that DIRECTORY_PART reports for a directory. */
uint64_t listing_generation(const struct view *view, const struct node *dir);

#endif
