/* SPDX-License-Identifier: MIT */
#include "xenstored/store/garbage.h"

#include <errno.h>
#include <string.h>

#include "xenstored/store/db.h"
#include "xenstored/store/tree.h"

enum { KEY = 1 + 8, FOUND = EEXIST };

static void make_key(uint8_t key[KEY], uint64_t id)
{
	key[0] = TREE_KEY_GARBAGE;
	tree_key_u64(key + 1, id);
}

int garbage_add(struct db *db, const struct garbage *garbage)
{
	uint8_t key[KEY];
	void *space;
	int err;

	make_key(key, garbage->id);
	err = db_put(db, key, sizeof(key), sizeof(*garbage), &space);
	if (err)
		return err;
	memcpy(space, garbage, sizeof(*garbage));
	return db_put_done(db);
}

int garbage_remove(struct db *db, uint64_t id)
{
	uint8_t key[KEY];

	make_key(key, id);
	return db_delete(db, key, sizeof(key));
}

int garbage_visit(struct db *db, garbage_visit_fn *visit, void *arg)
{
	struct db_bytes found, record;
	struct garbage garbage;
	uint8_t key[KEY];
	int err;

	make_key(key, 0);
	err = db_seek(db, key, sizeof(key), &found, &record);
	while (!err && found.bytes[0] == TREE_KEY_GARBAGE) {
		if (record.len != sizeof(garbage))
			return -EBADMSG;
		memcpy(&garbage, record.bytes, sizeof(garbage));
		err = visit(arg, &garbage);
		if (!err)
			err = db_next(db, &found, &record);
	}
	return err == ENOENT ? 0 : err;
}

struct search {
	uint64_t number;
	struct garbage *out_garbage;
};

static int take_if_old(void *arg, const struct garbage *garbage)
{
	struct search *search = arg;

	if (garbage->removed > search->number)
		return 0;
	*search->out_garbage = *garbage;
	return FOUND;
}

int garbage_next(struct db *db, uint64_t number, struct garbage *out_garbage)
{
	struct search search = { .number = number, .out_garbage = out_garbage };
	int err = garbage_visit(db, take_if_old, &search);

	if (err == FOUND)
		return 0;
	return err ? err : ENOENT;
}

static int count(void *arg, const struct garbage *garbage)
{
	(void)garbage;
	++*(size_t *)arg;
	return 0;
}

int garbage_count(struct db *db, size_t *out_n)
{
	*out_n = 0;
	return garbage_visit(db, count, out_n);
}
