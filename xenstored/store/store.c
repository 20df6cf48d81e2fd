/* SPDX-License-Identifier: MIT */
#include "xenstored/store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/wire.h"
#include "xenstored/store/garbage.h"
#include "xenstored/store/owners.h"

enum {
	PATH_SIZE = 4096,
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

static const uint8_t meta_key[] = { TREE_KEY_META };

/* Promises that all numbers up to a block beyond the next `more` are used. */
static int put_meta(struct store *store, const char *boot_id, uint64_t more)
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
	meta.promised = store->tree.last + more + PROMISE;
	err = db_put(store->db, meta_key, sizeof(meta_key), sizeof(meta), &space);
	if (err)
		return err;
	memcpy(space, &meta, sizeof(meta));
	store->tree.promised = meta.promised;
	return db_put_done(store->db);
}

/* Reads the meta record. ENOENT: the database is new. ESTALE: it is not of this boot. */
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
		return ESTALE;
	store->tree.last = meta.promised;
	store->tree.promised = meta.promised;
	return 0;
}

static int open_database(struct store *store, const char *path, const char *boot_id,
			 enum store_found *out_found)
{
	int err = db_open(path, &store->db);

	*out_found = STORE_CONTINUED;
	if (!err)
		err = get_meta(store, boot_id);
	if (!err)
		err = garbage_count(store->db, &store->n_garbage);
	if (!err || (err != ENOENT && err != ESTALE && err != -EBADMSG))
		return err;
	db_close(store->db);
	store->db = NULL;
	*out_found = STORE_NEW;
	if (err != ENOENT)
		*out_found = err == ESTALE ? STORE_OUTLIVED : STORE_DAMAGED;
	err = db_unlink(path);
	if (!err)
		err = db_open(path, &store->db);
	if (!err)
		err = db_reserve(store->db, 1, sizeof(struct meta), DB_ROOM_COMMON);
	if (!err) {
		store->tree.db = store->db;
		err = put_meta(store, boot_id, 0);
	}
	return err ? err : db_commit(store->db);
}

static void path_of(const char *dir, char out_path[PATH_SIZE])
{
	snprintf(out_path, PATH_SIZE, "%s/xenstored.mdb", dir);
}

int store_open(const char *dir, const char *boot_id, uint64_t seed, struct store **out_store,
	       enum store_found *out_found)
{
	struct store *store = calloc(1, sizeof(*store));
	char path[PATH_SIZE];
	int err;

	if (!store)
		return -ENOMEM;
	history_init(&store->history, seed);
	path_of(dir, path);
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

int store_try(const char *dir)
{
	char path[PATH_SIZE];
	struct db *db;
	int err;

	path_of(dir, path);
	if (access(path, F_OK))
		return 0;
	err = db_open(path, &db);
	if (err)
		return err;
	err = db_read_all(db);
	db_close(db);
	return err;
}

int store_discard(const char *dir)
{
	char path[PATH_SIZE];

	path_of(dir, path);
	return db_unlink(path);
}

int store_commit(struct store *store)
{
	int err = db_commit(store->db);

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
	store->reclaim_waits_for = 0;
	/* The record of what is promised may have gone, too. */
	store->tree.promised = 0;
	/* Trouble twice in a row leaves the list for the next start to count. */
	if (garbage_count(store->db, &store->n_garbage))
		store->n_garbage = 0;
}

void store_settle(struct store *store)
{
	if (db_settle(store->db))
		dircache_flush(&store->dirs);
}

size_t store_change_puts(size_t name_len, unsigned aspects)
{
	size_t n_puts = tree_puts(name_len);

	/* The index of owners, away from one and to another; the list of detached subtrees. */
	if (aspects & (ASPECT_PERMS | ASPECT_EXISTENCE))
		n_puts += 2;
	if (aspects & ASPECT_EXISTENCE)
		n_puts++;
	return n_puts;
}

int store_reserve(struct store *store, size_t n_puts, size_t n_bytes, enum db_room room)
{
	uint64_t n_early = db_early_commits(store->db);
	/* One for the meta record. */
	int err = db_reserve(store->db, n_puts + 1, n_bytes + sizeof(struct meta), room);

	if (db_early_commits(store->db) != n_early) {
		/* What was in the batch is permanent now: an abort will not touch it. */
		store->batch_start = store->tree.last;
		store->n_early_commits++;
	}
	/*
	 * Before the first change that uses them, whoever commits it and when: numbers are also
	 * taken for what comes to nothing. A put takes one at most.
	 */
	if (!err && store->tree.last + n_puts + PROMISE / 2 >= store->tree.promised)
		err = put_meta(store, NULL, n_puts);
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
	struct garbage garbage = {
		.id = id,
		.removed = store->tree.last,
		.path_len = change->path_len,
	};
	int err = owners_remove(store->db, owner, id);

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
	store->n_garbage++;
	return garbage_add(store->db, &garbage);
}

int store_change(struct store *store, const struct store_change *change)
{
	const char *name = change->path + change->path_len - change->name_len;
	const struct node *after = change->after;
	uint64_t old_id = change->before ? change->before->id : 0;
	uint16_t old_owner = change->before ? node_owner(change->before) : 0;
	int err;

	store->reclaim_lacks_room = false;
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
		err = owners_remove(store->db, old_owner, old_id);
		old_id = 0;
	}
	if (!err && after && !old_id)
		err = owners_add(store->db, node_owner(after), after->id, change->path,
				 change->path_len);
	return err;
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
static int reclaim_child(struct store *store, const struct garbage *garbage,
			 store_refund_fn *refund, void *arg)
{
	struct garbage below = *garbage;
	struct first_child child;
	struct store_change change;
	struct node node;
	uint64_t id = garbage->id;
	uint16_t owner;
	int err = tree_scan(&store->tree, id, NULL, 0, take_first, &child);

	if (err != EEXIST)
		return err ? err : ENOENT;
	err = tree_get(&store->tree, id, child.name, child.len, &node);
	if (err)
		return err > 0 ? -EBADMSG : err;
	below.path_len += 1 + child.len;
	below.id = node.id;
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
		err = owners_remove(store->db, owner, below.id);
	if (err)
		return err;
	err = tree_has_children(&store->tree, below.id);
	if (err == ENOENT)
		return 0;
	if (err)
		return err;
	store->n_garbage++;
	return garbage_add(store->db, &below);
}

/* Where room is scarce, fewer nodes at a time have to do. */
static int reserve_reclaim(struct store *store, size_t *n_nodes)
{
	enum { RECORD_MAX = 64 };
	int err;

	for (;; *n_nodes /= 2) {
		err = store_reserve(store, *n_nodes * (TREE_LEVELS_MAX + 3) + 1,
				    *n_nodes * RECORD_MAX, DB_ROOM_LAST);
		if (err != ENOSPC || *n_nodes <= 1)
			break;
	}
	store->reclaim_lacks_room = err == ENOSPC;
	return err;
}

int store_reclaim(struct store *store, size_t n_nodes, enum store_pace pace,
		  store_refund_fn *refund, void *arg)
{
	/* What an older transaction may still look at is left alone for now. */
	uint64_t limit = pace == STORE_AT_ONCE ? UINT64_MAX : store->history.oldest;
	struct garbage garbage;
	int err;

	if (store->n_garbage == 0)
		return ENOENT;
	if (pace == STORE_UNHURRIED &&
	    (store->reclaim_lacks_room || store->reclaim_waits_for == store->history.oldest))
		return ENOENT;
	err = reserve_reclaim(store, &n_nodes);
	for (size_t i = 0; !err && i < n_nodes; i++) {
		err = garbage_next(store->db, limit, &garbage);
		if (err == ENOENT) {
			store->reclaim_waits_for = store->n_garbage ? store->history.oldest : 0;
			return ENOENT;
		}
		if (err)
			return err;
		store->reclaim_waits_for = 0;
		err = reclaim_child(store, &garbage, refund, arg);
		if (err == ENOENT) {
			store->n_garbage--;
			err = garbage_remove(store->db, garbage.id);
		}
	}
	return err;
}
