/* SPDX-License-Identifier: MIT */
/*
 * Telling watchers: which client hears of which change, and in what order.
 *
 * A client is told of a change if it may read the node as it was, as it is, or its parent. The
 * order for one client is the order of the changes, and for one change that of registration.
 */
#ifndef XSD_CORE_FIRE_H
#define XSD_CORE_FIRE_H

#include <stdint.h>

struct outstanding;
struct server;
struct view;
struct watch;

/* In what order nodes below a removed one are reported. */
enum fire_order {
	FIRE_DEEPEST_FIRST, /* a removal on its own: the removed node comes last */
	FIRE_TOP_FIRST,     /* at the end of a transaction */
};

/* Tells of all that an applied view changed. `cause` may be NULL. -ENOMEM: somebody was not told. */
int fire_changes(struct server *server, struct view *view, enum fire_order order,
		 struct outstanding *cause) __attribute__((warn_unused_result));

/* Tells a new watch of its own path, without asking for rights. */
void fire_first(struct server *server, struct watch *watch);

enum fire_special { FIRE_INTRODUCE, FIRE_RELEASE };

/*
 * Which of the forms of a special event to tell: the plain one, without saying of whom, and the
 * one with the domid, for watches with a depth or on "@.../<domid>".
 */
enum { FIRE_PLAIN = 1, FIRE_OF_DOMAIN = 2 };

void fire_special(struct server *server, enum fire_special special, uint16_t domid, unsigned forms);

#endif
