/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "protocol/perms.h"
#include "tests/model/model.h"

bool model_is_privileged(const struct mclient *client)
{
	return client->domid == MODEL_PRIVILEGED;
}

/* Whether an entry is still for the domain it was made for. */
static bool is_alive(const struct model *model, const struct mperms *perms,
		     const struct mperm *entry)
{
	return entry->domid >= MODEL_DOMIDS || model->removed[entry->domid] <= perms->epoch;
}

bool model_allows(const struct model *model, const struct mclient *client,
		  const struct mperms *perms, unsigned rights)
{
	uint16_t own = client->domid, target = model->domains[own].target;

	if (model_is_privileged(client) || perms->list[0].domid == own ||
	    (target != MODEL_NOBODY && perms->list[0].domid == target))
		return true;
	if (rights & RIGHT_OWN)
		return false;
	for (size_t i = 1; i < perms->n; i++) {
		const struct mperm *entry = &perms->list[i];

		if (entry->is_ignored || !is_alive(model, perms, entry))
			continue;
		if (entry->domid == own || entry->domid == XSP_DOMID_ANY ||
		    (target != MODEL_NOBODY && entry->domid == target))
			return (entry->rights & rights) == rights;
	}
	return (perms->list[0].rights & rights) == rights;
}

struct mperms model_current(const struct model *model, const struct mperms *perms)
{
	struct mperms current = { .epoch = model->epoch };

	for (size_t i = 0; i < perms->n; i++) {
		if (i == 0 || perms->list[i].is_ignored || is_alive(model, perms, &perms->list[i]))
			current.list[current.n++] = perms->list[i];
	}
	return current;
}

size_t model_owned(const struct mtree *tree, uint16_t domid)
{
	size_t n = 0;

	for (size_t i = 0; i < tree->n; i++)
		n += tree->nodes[i].perms.list[0].domid == domid;
	return n;
}

bool model_same_perms(const struct mperms *a, const struct mperms *b)
{
	if (a->n != b->n || a->epoch != b->epoch)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (a->list[i].domid != b->list[i].domid ||
		    a->list[i].rights != b->list[i].rights ||
		    a->list[i].is_ignored != b->list[i].is_ignored)
			return false;
	}
	return true;
}
