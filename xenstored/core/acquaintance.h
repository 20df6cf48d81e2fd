/* SPDX-License-Identifier: MIT */
/*
 * The domains we know are on the store's roster, so that a server that goes on from this one can
 * tell those we meant from others that have their numbers by then.
 */
#ifndef XSD_CORE_ACQUAINTANCE_H
#define XSD_CORE_ACQUAINTANCE_H

#include <stdint.h>

struct domain;
struct server;

/*
 * Goes on with the domains on the store's roster. They may have ended meanwhile, and so may owners
 * of nodes who are not on it: server.needs_scan is set.
 */
int acquaintance_go_on(struct server *server) __attribute__((warn_unused_result));

/* Has everything put on the roster again: the turn in which it was put may be lost. */
void acquaintance_undone(struct server *server);

/* Puts the epoch, or a known domain, on the roster if it is not there. Trouble loses the turn. */
int acquaintance_record_epoch(struct server *server) __attribute__((warn_unused_result));
int acquaintance_record(struct server *server, struct domain *domain)
	__attribute__((warn_unused_result));

#endif
