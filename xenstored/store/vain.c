/* SPDX-License-Identifier: MIT */
#include "xenstored/store/vain.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

void vains_init(struct vains *vains, uint64_t seed)
{
	map_init(&vains->by_path, seed);
	SLIST_INIT(&vains->all);
}

void vains_fini(struct vains *vains)
{
	struct vain *vain;

	while ((vain = SLIST_FIRST(&vains->all))) {
		SLIST_REMOVE_HEAD(&vains->all, next);
		free(vain);
	}
	map_fini(&vains->by_path);
}

static bool is_any(const struct map_link *link, const void *key)
{
	(void)link;
	(void)key;
	return true;
}

uint64_t vain_place(const struct vains *vains, const char *path, size_t len)
{
	const struct vain *vain;
	uint64_t hash;

	if (vains->by_path.n == 0)
		return 0;
	hash = map_hash(vains->by_path.seed, path, len);
	vain = (const struct vain *)map_find(&vains->by_path, hash, is_any, NULL);
	return vain ? vain->place : 0;
}

int vain_add(struct vains *vains, const char *path, size_t len, uint64_t place)
{
	struct vain *vain = malloc(sizeof(*vain));

	if (!vain)
		return -ENOMEM;
	vain->place = place;
	map_add(&vains->by_path, &vain->link, map_hash(vains->by_path.seed, path, len));
	SLIST_INSERT_HEAD(&vains->all, vain, next);
	return 0;
}
