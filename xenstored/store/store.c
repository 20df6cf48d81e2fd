/* SPDX-License-Identifier: MIT */
#include "xenstored/store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/wire.h"
#include "xenstored/store/db.h"

enum {
	OWNER_KEY = 1 + 2 + 8,
	GARBAGE_KEY = 1 + 8,
	/* Numbers are promised to the database in blocks, so that they cost no put of their own. */
	PROMISE = 1 << 20,
	BOOT_ID_MAX = 64,
};

struct meta {
	uint32_t schema;
	uint32_t zero;
	uint64_t promised;
	char boot_id[BOOT_ID_MAX];
};

/* A detached subtree: key is the id of its top, which is gone already. */
struct garbage {
	uint64_t removed;  /* number of the removal */
	uint64_t path_len; /* of the top's path: costs include it */
};

static const uint8_t meta_key[] = { TREE_KEY_META };

static int put_meta(struct store *store, const char *boot_id)
{
	struct meta meta = { .schema = STORE_SCHEMA };
	struct db_bytes old;
	void *space;
	int err;

	if (!boot_id) {
		err = db_get(store->db, meta_key, sizeof(meta_key), &old);
		if (err)
			return err;
		if (old.len != sizeof(meta))
			return -EBADMSG;
		memcpy(&meta, old.bytes, sizeof(meta));
	} else {
		snprintf(meta.boot_id, sizeof(meta.boot_id), "%s", boot_id);
	}
	meta.promised = store->tree.last + PROMISE;
	err = db_put(store->db, meta_key, sizeof(meta_key), sizeof(meta), &space);
	if (!err) {
		memcpy(space, &meta, sizeof(meta));
		store->tree.promised = meta.promised;
	}
	return err;
}

/* Reads the meta record. ENOENT: the database is not of this boot. */
static int get_meta(struct store *store, const char *boot_id)
{
	struct db_bytes record;
	struct meta meta;
	int err = db_get(store->db, meta_key, sizeof(meta_key), &record);

	if (err)
		return err;
	if (record.len < sizeof(uint32_t))
		return -EBADMSG;
	memcpy(&meta.schema, record.bytes, sizeof(meta.schema));
	if (record.len == sizeof(meta))
		memcpy(&meta, record.bytes, sizeof(meta));
	if (meta.schema > STORE_SCHEMA)
		return -EPROTO;
	if (record.len != sizeof(meta))
		return -EBADMSG;
	meta.boot_id[BOOT_ID_MAX - 1] = '\0';
	if (strncmp(meta.boot_id, boot_id, BOOT_ID_MAX - 1) != 0)
		return ENOENT;
	store->tree.last = meta.promised;
	store->tree.promised = meta.promised;
	return 0;
}

static int count_garbage(struct store *store)
{
	uint8_t key = TREE_KEY_GARBAGE;
	struct db_bytes found, record;
	int err = db_seek(store->db, &key, sizeof(key), &found, &record);

	while (!err && found.bytes[0] == TREE_KEY_GARBAGE) {
		store->n_garbage++;
		err = db_next(store->db, &found, &record);
	}
	return err == ENOENT ? 0 : err;
}

static int open_database(struct store *store, const char *path, const char *boot_id,
			 enum store_found *out_found)
{
	int err = db_open(path, &store->db);

	*out_found = STORE_CONTINUED;
	if (!err)
		err = get_meta(store, boot_id);
	if (!err)
		return count_garbage(store);
	if (err != ENOENT && err != -EBADMSG)
		return err;
	/* Of an earlier boot, damaged, or just made: start anew. */
	db_close(store->db);
	store->db = NULL;
	*out_found = STORE_NEW;
	err = db_unlink(path);
	if (!err)
		err = db_open(path, &store->db);
	if (!err)
		err = db_reserve(store->db, 1, sizeof(struct meta));
	if (!err) {
		store->tree.db = store->db;
		err = put_meta(store, boot_id);
	}
	return err ? err : db_commit(store->db);
}

int store_open(const char *dir, const char *boot_id, uint64_t seed, struct store **out_store,
	       enum store_found *out_found)
{
	struct store *store = calloc(1, sizeof(*store));
	char path[4096];
	int err;

	if (!store)
		return -ENOMEM;
	history_init(&store->history, seed);
	snprintf(path, sizeof(path), "%s/xenstored.mdb", dir);
	err = open_database(store, path, boot_id, out_found);
	if (!err) {
		store->tree.db = store->db;
		store->listings_floor = store->tree.last;
		store->batch_start = store->tree.last;
		err = dircache_init(&store->dirs, seed);
	}
	if (!err) {
		store->listings = calloc(STORE_LISTINGS, sizeof(*store->listings));
		err = store->listings ? 0 : -ENOMEM;
	}
	if (err) {
		store_close(store);
		return err > 0 ? -err : err;
	}
	*out_store = store;
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	history_fini(&store->history);
	dircache_fini(&store->dirs);
	free(store->listings);
	db_close(store->db);
	free(store);
}

int store_commit(struct store *store)
{
	int err = 0;

	/* Renewed with half a block to spare: no batch uses that many numbers. */
	if (db_has_batch(store->db) && store->tree.last + PROMISE / 2 >= store->tree.promised)
		err = put_meta(store, NULL);
	if (!err)
		err = db_commit(store->db);
	if (err) {
		store_abort(store);
		return err;
	}
	db_rest(store->db);
	store->batch_start = store->tree.last;
	return 0;
}

void store_abort(struct store *store)
{
	db_abort(store->db);
	db_rest(store->db);
	history_forget(&store->history, store->batch_start);
	dircache_flush(&store->dirs);
	store->n_garbage = 0;
	store->reclaim_waits_for = 0;
	/* Trouble twice in a row leaves the list for the next start to count. */
	if (count_garbage(store))
		store->n_garbage = 0;
}

size_t store_change_puts(const struct store_change *change)
{
	/* The record, two entries of the index of owners, the list of subtrees, the meta record. */
	return tree_puts(change->name_len) + 4;
}

int store_reserve(struct store *store, size_t n_puts, size_t n_bytes)
{
	uint64_t n_commits = db_commits(store->db);
	/* The meta record is put with the commit. */
	int err = db_reserve(store->db, n_puts + 1, n_bytes + sizeof(struct meta));

	if (db_commits(store->db) != n_commits) {
		/* What was in the batch is permanent now: an abort will not touch it. */
		store->batch_start = store->tree.last;
		store->n_early_commits++;
	}
	return err;
}

static void note_listing(struct store *store, uint64_t id)
{
	struct store_listing *slot = &store->listings[map_hash_u64(0, id) % STORE_LISTINGS];

	if (slot->id != id && slot->changed > store->listings_floor)
		store->listings_floor = slot->changed;
	slot->id = id;
	slot->changed = store->tree.last;
}

uint64_t store_listing_generation(const struct store *store, uint64_t id)
{
	const struct store_listing *slot = &store->listings[map_hash_u64(0, id) % STORE_LISTINGS];

	return slot->id == id ? slot->changed : store->listings_floor;
}

static void owner_key(uint8_t key[OWNER_KEY], uint16_t owner, uint64_t id)
{
	key[0] = TREE_KEY_OWNER;
	key[1] = (uint8_t)(owner >> 8);
	key[2] = (uint8_t)owner;
	tree_key_u64(key + 3, id);
}

static int index_remove(struct store *store, uint16_t owner, uint64_t id)
{
	uint8_t key[OWNER_KEY];
	int err;

	if (owner == 0)
		return 0;
	owner_key(key, owner, id);
	err = db_delete(store->db, key, sizeof(key));
	return err == ENOENT ? -EBADMSG : err;
}

static int index_add(struct store *store, uint16_t owner, uint64_t id, const char *path, size_t len)
{
	uint8_t key[OWNER_KEY];
	void *space;
	int err;

	if (owner == 0)
		return 0;
	owner_key(key, owner, id);
	err = db_put(store->db, key, sizeof(key), len, &space);
	if (!err)
		memcpy(space, path, len);
	return err;
}

static int garbage_add(struct store *store, uint64_t id, const struct garbage *garbage)
{
	uint8_t key[GARBAGE_KEY] = { TREE_KEY_GARBAGE };
	void *space;
	int err;

	tree_key_u64(key + 1, id);
	err = db_put(store->db, key, sizeof(key), sizeof(*garbage), &space);
	if (err)
		return err;
	memcpy(space, garbage, sizeof(*garbage));
	store->n_garbage++;
	return 0;
}

static unsigned aspects_of(const struct store_change *change)
{
	unsigned aspects = 0;

	if (!change->before || !change->after || change->before->id != change->after->id)
		return ASPECT_EXISTENCE | ASPECT_VALUE | ASPECT_PERMS;
	if (!node_same_value(change->before, change->after))
		aspects |= ASPECT_VALUE;
	if (!node_same_perms(change->before, change->after))
		aspects |= ASPECT_PERMS;
	return aspects;
}

static int record_history(struct store *store, const struct store_change *change)
{
	struct history_change entry;

	if (!history_is_needed(&store->history))
		return 0;
	entry = (struct history_change){
		.number = store->tree.last,
		.parent = change->parent,
		.path = change->path,
		.path_len = change->path_len,
		.name_len = change->name_len,
		.aspects = aspects_of(change),
		.writer = change->writer,
		.before = change->before,
	};
	return entry.aspects ? history_record(&store->history, &entry) : 0;
}

/* The old node goes, and what hangs below it becomes garbage. */
static int detach(struct store *store, const struct store_change *change, uint64_t id,
		  uint16_t owner)
{
	struct garbage garbage = { .removed = store->tree.last, .path_len = change->path_len };
	int err = index_remove(store, owner, id);

	if (err)
		return err;
	err = tree_has_children(&store->tree, id);
	if (err == ENOENT) {
		dircache_drop(&store->dirs, change->path, change->path_len);
		return 0;
	}
	if (err)
		return err;
	dircache_flush(&store->dirs);
	return garbage_add(store, id, &garbage);
}

int store_change(struct store *store, const struct store_change *change)
{
	const char *name = change->path + change->path_len - change->name_len;
	const struct node *after = change->after;
	uint64_t old_id = change->before ? change->before->id : 0;
	uint16_t old_owner = change->before ? node_owner(change->before) : 0;
	int err;

	tree_number(&store->tree);
	err = record_history(store, change);
	if (err)
		return err;
	/* From the first put on, `before` may be gone. */
	if (after)
		err = tree_put(&store->tree, change->parent, name, change->name_len, after);
	else
		err = tree_delete(&store->tree, change->parent, name, change->name_len);
	if (err)
		return err;
	if (!old_id || !after || after->id != old_id)
		note_listing(store, change->parent);
	if (old_id && (!after || after->id != old_id)) {
		err = detach(store, change, old_id, old_owner);
		old_id = 0;
	} else if (old_id && node_owner(after) != old_owner) {
		err = index_remove(store, old_owner, old_id);
		old_id = 0;
	}
	if (!err && after && !old_id)
		err = index_add(store, node_owner(after), after->id, change->path,
				change->path_len);
	return err;
}

/* The next detached subtree that may be taken now. */
static int next_garbage(struct store *store, enum store_pace pace, uint64_t *out_id,
			struct garbage *out_garbage)
{
	uint8_t key = TREE_KEY_GARBAGE;
	struct db_bytes found, record;
	int err = db_seek(store->db, &key, sizeof(key), &found, &record);

	for (; !err && found.bytes[0] == TREE_KEY_GARBAGE;
	     err = db_next(store->db, &found, &record)) {
		if (found.len != GARBAGE_KEY || record.len != sizeof(*out_garbage))
			return -EBADMSG;
		memcpy(out_garbage, record.bytes, sizeof(*out_garbage));
		*out_id = tree_key_get_u64(found.bytes + 1);
		if (pace == STORE_AT_ONCE || out_garbage->removed <= store->history.oldest)
			return 0;
	}
	return err ? err : ENOENT;
}

struct first_child {
	char name[XSP_PATH_ABS_MAX];
	size_t len;
};

static int take_first(void *arg, const char *name, size_t len, const struct node *node)
{
	struct first_child *child = arg;

	(void)node;
	memcpy(child->name, name, len);
	child->len = len;
	return EEXIST;
}

/* Removes one child of a detached directory; ENOENT when it has none left. */
static int reclaim_child(struct store *store, uint64_t id, const struct garbage *garbage,
			 store_refund_fn *refund, void *arg)
{
	struct garbage below = *garbage;
	struct first_child child;
	struct store_change change;
	struct node node;
	uint64_t child_id;
	uint16_t owner;
	int err = tree_scan(&store->tree, id, NULL, 0, take_first, &child);

	if (err != EEXIST)
		return err ? err : ENOENT;
	err = tree_get(&store->tree, id, child.name, child.len, &node);
	if (err)
		return err > 0 ? -EBADMSG : err;
	below.path_len += 1 + child.len;
	child_id = node.id;
	owner = node_owner(&node);
	refund(arg, owner, node_cost(&node, below.path_len, child.len));
	if (history_is_needed(&store->history) && garbage->removed > store->history.oldest) {
		/* Filed under its name alone: nobody will look for it by path. */
		change = (struct store_change){
			.parent = id,
			.path = child.name,
			.path_len = child.len,
			.name_len = child.len,
			.before = &node,
		};
		tree_number(&store->tree);
		err = record_history(store, &change);
		if (err)
			return err;
	}
	err = tree_delete(&store->tree, id, child.name, child.len);
	if (!err)
		err = index_remove(store, owner, child_id);
	if (err)
		return err;
	err = tree_has_children(&store->tree, child_id);
	if (err == ENOENT)
		return 0;
	return err ? err : garbage_add(store, child_id, &below);
}

static int garbage_remove(struct store *store, uint64_t id)
{
	uint8_t key[GARBAGE_KEY] = { TREE_KEY_GARBAGE };

	tree_key_u64(key + 1, id);
	store->n_garbage--;
	return db_delete(store->db, key, sizeof(key));
}

int store_reclaim(struct store *store, size_t n_nodes, enum store_pace pace,
		  store_refund_fn *refund, void *arg)
{
	struct garbage garbage;
	uint64_t id;
	int err;

	if (store->n_garbage == 0)
		return ENOENT;
	if (pace == STORE_UNHURRIED && store->reclaim_waits_for == store->history.oldest)
		return ENOENT;
	err = store_reserve(store, n_nodes * (TREE_LEVELS_MAX + 3) + 1, n_nodes * XSP_PATH_ABS_MAX);
	for (size_t i = 0; !err && i < n_nodes; i++) {
		err = next_garbage(store, pace, &id, &garbage);
		if (err == ENOENT) {
			store->reclaim_waits_for = store->n_garbage ? store->history.oldest : 0;
			return ENOENT;
		}
		if (err)
			return err;
		err = reclaim_child(store, id, &garbage, refund, arg);
		if (err == ENOENT)
			err = garbage_remove(store, id);
	}
	return err;
}

int store_owned(struct store *store, uint16_t owner, uint64_t after, store_owned_fn *visit,
		void *arg)
{
	struct db_bytes found, path;
	uint8_t key[OWNER_KEY];
	int err;

	owner_key(key, owner, after + 1);
	err = db_seek(store->db, key, sizeof(key), &found, &path);
	while (!err && found.len == OWNER_KEY && !memcmp(found.bytes, key, 3)) {
		err = visit(arg, tree_key_get_u64(found.bytes + 3), (const char *)path.bytes,
			    path.len);
		if (!err)
			err = db_next(store->db, &found, &path);
	}
	return err == ENOENT ? 0 : err;
}
