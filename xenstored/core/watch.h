/* SPDX-License-Identifier: MIT */
/*
 * Watches: who asked to hear about which path.
 *
 * Watched paths are places, found by their hash: whoever looks for the watches that match a change
 * asks for the path and for each of those above it, so that it costs the depth and the matches,
 * whatever else is registered. The places are in order, too, so that those below a path lie side by
 * side. A watch belongs to its client and dies with it. Who is told of what is fire.c's business.
 */
#ifndef XSD_CORE_WATCH_H
#define XSD_CORE_WATCH_H

#include <bsd/sys/tree.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "xenstored/base/map.h"
#include "xenstored/core/quota.h"

struct client;
struct watch_place;

enum { WATCH_DEPTH_ANY = -1 };

struct watch {
	struct map_link link; /* watches.by_owner: by place, client and token */
	TAILQ_ENTRY(watch) at_place;
	TAILQ_ENTRY(watch) of_client; /* client.watches, in order of registration */
	struct client *client;        /* borrowed: its owner */
	struct watch_place *place;    /* borrowed */
	uint64_t number;              /* order of registration, over all clients */
	int depth;                    /* levels below the path that are of interest */
	size_t cut;                   /* bytes of the absolute path that events leave out */
	struct charge count;
	struct charge memory;
	size_t path_len;
	size_t token_len;
	char path[]; /* absolute or special, NUL, token, NUL */
};

TAILQ_HEAD(watch_list, watch);

/* A watched path. */
struct watch_place {
	struct map_link link; /* watches.places: by path */
	RB_ENTRY(watch_place) in_order;
	struct watch_list watches; /* not empty */
	const char *path;          /* owned: behind the struct */
	size_t path_len;
};

RB_HEAD(watch_order, watch_place);

struct watches {
	struct map places;
	struct watch_order order; /* the same, as xsp_path_compare() has it */
	struct map by_owner;      /* all watches, to find the one that a client means */
	uint64_t last_number;
	size_t n;
	struct watch **found; /* owned: matches of the last search */
	size_t n_found, found_size;
};

void watches_init(struct watches *watches, uint64_t seed);
void watches_fini(struct watches *watches);

const char *watch_token(const struct watch *watch);

/* Registers; the caller has checked that there is no such watch. NULL: no memory. */
struct watch *watch_add(struct watches *watches, struct client *client, const char *path,
			size_t path_len, const char *token, int depth);
void watch_remove(struct watches *watches, struct watch *watch);

/* The client's watch with that path and token, or NULL. */
struct watch *watch_find(const struct watches *watches, const struct client *client,
			 const char *path, size_t path_len, const char *token);

/*
 * Collects in watches->found, in order of registration, the watches at the path or above it whose
 * depth reaches it. -ENOMEM.
 */
int watches_match(struct watches *watches, const char *path, size_t len)
	__attribute__((warn_unused_result));

/* Collects the watches at exactly that path. */
int watches_match_exact(struct watches *watches, const char *path, size_t len)
	__attribute__((warn_unused_result));

/*
 * The first place below a path, or the next one after `place` below it; NULL: there is none. In
 * order; what lies below a place follows it at once.
 */
struct watch_place *watches_below(struct watches *watches, const char *path, size_t len);
struct watch_place *watches_next_below(struct watch_place *place, const char *path, size_t len);

#endif
