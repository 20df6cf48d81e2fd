/* SPDX-License-Identifier: MIT */
/*
 * The end of a domain: its client, its nodes, its name in other nodes' permissions.
 */
#ifndef XSD_CORE_REMOVAL_H
#define XSD_CORE_REMOVAL_H

#include <stdint.h>

struct domain;
struct server;

/*
 * Removes what a domain leaves behind, and forgets it: connection, then its nodes with all below
 * them (or hands them to the privileged domain), then its permissions. Tells watchers of the
 * nodes, and in the end of the release. Trouble loses the turn; the nodes are removed with the
 * next, before any request.
 */
int removal_run(struct server *server, struct domain *domain) __attribute__((warn_unused_result));

/*
 * At the start: nodes whose owners nobody knows are removed in the first turn. Their removal was
 * begun and not completed.
 */
void removal_of_strangers(struct server *server);

/* The turn is lost: nodes that were removed in it are there again, and have to go. */
void removal_undone(struct server *server);

/* Compares the domains we know with the host's and acts on what has changed. */
int removal_scan(struct server *server) __attribute__((warn_unused_result));

#endif
