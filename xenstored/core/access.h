/* SPDX-License-Identifier: MIT */
/*
 * Who may see, read, write and own a node, and what a stranger may learn from an error.
 *
 * Source: the protocol's permission rules. The first entry of a list names the owner and its
 * rights are everybody's default; of the others, the first that names the caller, the caller's
 * target or every domain decides.
 */
#ifndef XSD_CORE_ACCESS_H
#define XSD_CORE_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct domain;
struct domains;
struct node;

enum {
	ACCESS_READ = 1,  /* XSP_PERM_READ */
	ACCESS_WRITE = 2, /* XSP_PERM_WRITE */
	ACCESS_OWN = 4,
};

/* On whose behalf something is done. */
struct actor {
	const struct domains *domains; /* borrowed */
	uint16_t domid;
	uint16_t target; /* XSP_DOMID_INVALID: none */
	bool is_privileged;
};

/* True if the actor has all of `rights` on the node. */
bool access_allows(const struct actor *actor, const struct node *node, unsigned rights);

/*
 * The permissions of a node as they are now: entries for domains that are gone are left out. The
 * list is the node's own, or a copy in the arena, of the current epoch. -ENOMEM.
 */
int access_current_perms(const struct domains *domains, struct arena *arena,
			 const struct node *node, struct node *out_perms)
	__attribute__((warn_unused_result));

#endif
