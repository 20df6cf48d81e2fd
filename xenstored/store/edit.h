/* SPDX-License-Identifier: MIT */
/*
 * The rules of the hierarchy, on a request's view: a new node comes with its missing ancestors,
 * all with the same permissions; a removed node takes everything below it along.
 */
#ifndef XSD_STORE_EDIT_H
#define XSD_STORE_EDIT_H

#include <stddef.h>
#include <stdint.h>

struct node;
struct view;
struct walk;

/*
 * Creates the node of a path that view_walk() did not find, and its missing ancestors, which get
 * an empty value. `node` has the permissions and the value; its ids are chosen here.
 */
int edit_create(struct view *view, const char *path, size_t len, const struct walk *walk,
		const struct node *node) __attribute__((warn_unused_result));

/* How many nodes edit_create() would create. */
size_t edit_missing(const char *path, size_t len, const struct walk *walk);

/* Replaces the value of the node that view_walk() found. */
int edit_value(struct view *view, const struct walk *walk, const void *value, size_t len)
	__attribute__((warn_unused_result));

/* Replaces the permissions of the node that view_walk() found by those of `model`. */
int edit_perms(struct view *view, const struct walk *walk, const struct node *model)
	__attribute__((warn_unused_result));

#endif
