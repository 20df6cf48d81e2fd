/* SPDX-License-Identifier: MIT */
#include "xenstored/store/owners.h"

#include <errno.h>
#include <string.h>

#include "xenstored/store/db.h"
#include "xenstored/store/tree.h"

enum { KEY = 1 + 2 + 8, PREFIX = 1 + 2 };

static void make_key(uint8_t key[KEY], uint16_t owner, uint64_t id)
{
	key[0] = TREE_KEY_OWNER;
	key[1] = (uint8_t)(owner >> 8);
	key[2] = (uint8_t)owner;
	tree_key_u64(key + PREFIX, id);
}

int owners_add(struct db *db, uint16_t owner, uint64_t id, const char *path, size_t len)
{
	uint8_t key[KEY];
	void *space;
	int err;

	if (owner == 0)
		return 0;
	make_key(key, owner, id);
	err = db_put(db, key, sizeof(key), len, &space);
	if (err)
		return err;
	memcpy(space, path, len);
	return db_put_done(db);
}

int owners_remove(struct db *db, uint16_t owner, uint64_t id)
{
	uint8_t key[KEY];
	int err;

	if (owner == 0)
		return 0;
	make_key(key, owner, id);
	err = db_delete(db, key, sizeof(key));
	return err == ENOENT ? -EBADMSG : err;
}

/* Visits from a key on as long as the first bytes of the keys stay the same. */
static int visit_from(struct db *db, const uint8_t key[KEY], size_t same, owners_visit_fn *visit,
		      void *arg)
{
	struct db_bytes found, path;
	int err = db_seek(db, key, KEY, &found, &path);

	while (!err && found.len == KEY && !memcmp(found.bytes, key, same)) {
		err = visit(arg, (uint16_t)(found.bytes[1] << 8 | found.bytes[2]),
			    tree_key_get_u64(found.bytes + PREFIX), (const char *)path.bytes,
			    path.len);
		if (!err)
			err = db_next(db, &found, &path);
	}
	return err == ENOENT ? 0 : err;
}

int owners_visit(struct db *db, uint16_t owner, owners_visit_fn *visit, void *arg)
{
	uint8_t key[KEY];

	make_key(key, owner, 0);
	return visit_from(db, key, PREFIX, visit, arg);
}

int owners_visit_all(struct db *db, owners_visit_fn *visit, void *arg)
{
	uint8_t key[KEY];

	make_key(key, 0, 0);
	return visit_from(db, key, 1, visit, arg);
}
