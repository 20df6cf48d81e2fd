/* SPDX-License-Identifier: MIT */
/*
 * A small server in a thread: nodes, directories, permissions, watches and transactions without
 * isolation, enough to see the library do useful work. Its abilities can be taken away one by one,
 * to stand for older servers.
 */
#ifndef TESTS_LIBXS_MINI_H
#define TESTS_LIBXS_MINI_H

#include <stdbool.h>
#include <stddef.h>

struct mini_options {
	bool has_tree;      /* CONTROL tree */
	bool has_depth;     /* the third string of WATCH, and the feature bit */
	bool has_parts;     /* DIRECTORY_PART; else ENOSYS */
	bool accepts_depth; /* the third string is accepted and ignored, as the kernel's device does */
	size_t inline_max;    /* longest value that "tree" sends itself; 0: any */
	unsigned n_conflicts; /* so many commits end with EAGAIN */
	size_t chunk;         /* replies are sent in pieces of so many bytes; 0: whole */
};

struct mini;

/* Starts a server that holds "/" and leads the library to it. */
struct mini *mini_start(const struct mini_options *options);
void mini_stop(struct mini *mini);

/* Closes every connection. */
void mini_disconnect(struct mini *mini);

/* Requests of this type that came in so far. */
unsigned mini_count(struct mini *mini, unsigned type);

#endif
