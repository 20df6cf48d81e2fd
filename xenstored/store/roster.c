/* SPDX-License-Identifier: MIT */
#include "xenstored/store/roster.h"

#include <errno.h>
#include <string.h>

#include "xenstored/store/db.h"
#include "xenstored/store/tree.h"

enum { KEY = 1 + 2 };

/* The record; the domid is in the key. */
struct record {
	uint64_t unique_id;
	uint32_t since;
	uint32_t zero;
};

_Static_assert(sizeof(struct record) <= ROSTER_BYTES, "a record has the room that is reserved");

static const uint8_t epoch_key[] = { TREE_KEY_EPOCH };

static void make_key(uint8_t key[KEY], uint16_t domid)
{
	key[0] = TREE_KEY_DOMAIN;
	key[1] = (uint8_t)(domid >> 8);
	key[2] = (uint8_t)domid;
}

static int put(struct db *db, const uint8_t *key, size_t key_len, const void *record, size_t len)
{
	void *space;
	int err = db_put(db, key, key_len, len, &space);

	if (err)
		return err;
	memcpy(space, record, len);
	return db_put_done(db);
}

int roster_put(struct db *db, const struct roster_entry *entry)
{
	struct record record = { .unique_id = entry->unique_id, .since = entry->since };
	uint8_t key[KEY];

	make_key(key, entry->domid);
	return put(db, key, sizeof(key), &record, sizeof(record));
}

int roster_remove(struct db *db, uint16_t domid)
{
	uint8_t key[KEY];
	int err;

	make_key(key, domid);
	err = db_delete(db, key, sizeof(key));
	return err == ENOENT ? 0 : err;
}

int roster_visit(struct db *db, roster_visit_fn *visit, void *arg)
{
	struct db_bytes found, bytes;
	struct roster_entry entry;
	struct record record;
	uint8_t key[KEY];
	int err;

	make_key(key, 0);
	err = db_seek(db, key, sizeof(key), &found, &bytes);
	while (!err && found.bytes[0] == TREE_KEY_DOMAIN) {
		if (found.len != KEY || bytes.len != sizeof(record))
			return -EBADMSG;
		memcpy(&record, bytes.bytes, sizeof(record));
		entry = (struct roster_entry){
			.unique_id = record.unique_id,
			.since = record.since,
			.domid = (uint16_t)(found.bytes[1] << 8 | found.bytes[2]),
		};
		err = visit(arg, &entry);
		if (!err)
			err = db_next(db, &found, &bytes);
	}
	return err == ENOENT ? 0 : err;
}

int roster_epoch(struct db *db, uint32_t *out_epoch)
{
	struct db_bytes bytes;
	int err = db_get(db, epoch_key, sizeof(epoch_key), &bytes);

	if (err)
		return err;
	if (bytes.len != sizeof(*out_epoch))
		return -EBADMSG;
	memcpy(out_epoch, bytes.bytes, sizeof(*out_epoch));
	return 0;
}

int roster_put_epoch(struct db *db, uint32_t epoch)
{
	return put(db, epoch_key, sizeof(epoch_key), &epoch, sizeof(epoch));
}
