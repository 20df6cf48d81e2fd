/* SPDX-License-Identifier: MIT */
#include "xenstored/core/access.h"

#include <errno.h>

#include "protocol/wire.h"
#include "xenstored/base/arena.h"
#include "xenstored/core/domain.h"
#include "xenstored/store/node.h"

static bool is_own(const struct actor *actor, uint16_t domid)
{
	return domid == actor->domid ||
	       (actor->target != XSP_DOMID_INVALID && domid == actor->target);
}

static bool counts(const struct domains *domains, const struct node *node, struct xsp_perm perm)
{
	if (perm.flags & NODE_PERM_IGNORED)
		return false;
	return perm.domid == XSP_DOMID_ANY || domain_entry_counts(domains, perm.domid, node->epoch);
}

bool access_allows(const struct actor *actor, const struct node *node, unsigned rights)
{
	struct xsp_perm perm;

	if (actor->is_privileged || is_own(actor, node_owner(node)))
		return true;
	if (rights & ACCESS_OWN)
		return false;
	for (uint32_t i = 1; i < node->n_perms; i++) {
		perm = node_perm(node, i);
		if ((is_own(actor, perm.domid) || perm.domid == XSP_DOMID_ANY) &&
		    counts(actor->domains, node, perm))
			return (perm.rights & rights) == rights;
	}
	return (node_perm(node, 0).rights & rights) == rights;
}

int access_current_perms(const struct domains *domains, struct arena *arena,
			 const struct node *node, struct node *out_perms)
{
	uint32_t n_perms = 0;
	uint8_t *perms;

	*out_perms = *node;
	out_perms->epoch = domains->epoch;
	perms = arena_alloc(arena, (size_t)node->n_perms * NODE_PERM_SIZE);
	if (!perms)
		return -ENOMEM;
	for (uint32_t i = 0; i < node->n_perms; i++) {
		struct xsp_perm perm = node_perm(node, i);

		/* One that never meant anybody is not of the dead: it stays as it was set. */
		if (i > 0 && perm.domid != XSP_DOMID_ANY && !(perm.flags & NODE_PERM_IGNORED) &&
		    !domain_entry_counts(domains, perm.domid, node->epoch))
			continue;
		node_perm_put(perms + (size_t)n_perms++ * NODE_PERM_SIZE, perm);
	}
	out_perms->perms = perms;
	out_perms->n_perms = n_perms;
	return 0;
}
