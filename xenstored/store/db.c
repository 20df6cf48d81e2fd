/* SPDX-License-Identifier: MIT */
#include "xenstored/store/db.h"

#include <errno.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xenstored/store/lmdb_err.h"
#include "xenstored/store/redo.h"
#include "xenstored/store/space.h"

enum {
	/* The most pages one LMDB transaction can touch is 2^17 - 1; stay clear of it. */
	BATCH_PAGES_MAX = 120000,
	/* Kept for removals: more than two of them need, one after the other, at the worst. */
	CUSHION = 512,
};

struct db {
	struct space space; /* the file's */
	MDB_dbi table;
	MDB_txn *batch;    /* NULL: no batch open */
	MDB_txn *reader;   /* kept for renewal */
	MDB_cursor *scan;  /* on the batch if there is one, else on the reader */
	bool is_reading;   /* the reader is active */
	size_t reserved;   /* pages promised to the open batch */
	struct redo *redo; /* owned */
	bool is_unlogged;  /* the batch has changes that the log had no room for */
	bool is_stale;     /* the batch was lost: the log must be replayed before anything else */
	uint64_t n_early;
	struct {
		uint8_t key[DB_KEY_MAX];
		size_t key_len;
		void *space;
		size_t len;
		uint8_t *scratch; /* owned: for values that the log has no room for */
		size_t scratch_size;
	} put; /* being made */
};

static void end_scan(struct db *db)
{
	if (db->scan)
		mdb_cursor_close(db->scan);
	db->scan = NULL;
}

/* LMDB's type for what is only read is not const. */
static MDB_val val_of(const void *bytes, size_t len)
{
	union {
		const void *in;
		void *out;
	} pointer = { .in = bytes };

	return (MDB_val){ .mv_size = len, .mv_data = pointer.out };
}

static int apply_change(void *arg, const uint8_t *key, size_t key_len, const uint8_t *value,
			size_t len)
{
	struct db *db = arg;
	MDB_val k = val_of(key, key_len), v = val_of(value, len);
	int err;

	if (value)
		err = lmdb_err(mdb_put(db->batch, db->table, &k, &v, 0));
	else
		err = lmdb_err(mdb_del(db->batch, db->table, &k, NULL));
	return err == ENOENT ? -EBADMSG : err;
}

/* Brings the batch to where the log ends. */
static int settle(struct db *db)
{
	return redo_is_replayed(db->redo) ? 0 : redo_replay(db->redo, apply_change, db);
}

/* LMDB's own commit. The log starts anew on top of it. */
static int flush(struct db *db)
{
	MDB_txn *batch = db->batch;
	size_t reserved = db->reserved;
	MDB_envinfo info;
	int err;

	if (!batch)
		return 0;
	err = settle(db);
	if (err)
		return err;
	end_scan(db);
	db->batch = NULL;
	db->reserved = 0;
	err = lmdb_err(mdb_txn_commit(batch));
	if (err) {
		/* What the log has will be done again, and needs its room again. */
		db->is_stale = true;
		db->reserved = reserved;
		return err;
	}
	mdb_env_info(db->space.env, &info);
	redo_start(db->redo, info.me_last_txnid);
	db->is_unlogged = false;
	return 0;
}

int db_commit(struct db *db)
{
	if (db->is_unlogged)
		return flush(db);
	redo_commit(db->redo);
	return 0;
}

static int begin(struct db *db)
{
	int err;

	db_rest(db);
	err = lmdb_err(mdb_txn_begin(db->space.env, NULL, 0, &db->batch));
	if (err || !db->is_stale)
		return err;
	redo_rewind(db->redo);
	err = settle(db);
	if (err) {
		mdb_txn_abort(db->batch);
		db->batch = NULL;
		return err;
	}
	db->is_stale = false;
	return 0;
}

int db_reserve(struct db *db, size_t n_puts, size_t n_bytes, enum db_room room)
{
	size_t cushion = room == DB_ROOM_LAST ? 0 : CUSHION;
	size_t in_use = space_in_use(&db->space);
	size_t need = space_needed(in_use, n_puts, n_bytes);
	int err = 0;

	if (in_use + db->reserved + need + cushion > db->space.n_pages ||
	    db->reserved + need > BATCH_PAGES_MAX) {
		if (need > BATCH_PAGES_MAX)
			return ENOSPC;
		if (db_has_changes(db))
			db->n_early++;
		err = flush(db);
		if (err)
			return err;
		db_rest(db);
		in_use = space_in_use(&db->space);
		need = space_needed(in_use, n_puts, n_bytes);
		if (in_use + need + cushion > db->space.n_pages)
			err = space_grow(&db->space, in_use + need + cushion);
		if (err == ENOSPC)
			err = space_fit(&db->space, db->reader, need, cushion, n_bytes);
		if (err)
			return err;
	}
	if (!db->batch)
		err = begin(db);
	if (!err)
		db->reserved += need;
	return err;
}

void db_abort(struct db *db)
{
	end_scan(db);
	if (db->batch)
		mdb_txn_abort(db->batch);
	db->batch = NULL;
	db->is_unlogged = false;
	redo_abort(db->redo);
	/* What earlier turns made permanent was in the same LMDB transaction; so was their room. */
	db->is_stale = !redo_is_empty(db->redo);
	if (!db->is_stale)
		db->reserved = 0;
}

int db_settle(struct db *db)
{
	int err;

	if (!db->batch)
		return 0;
	end_scan(db);
	err = settle(db);
	/* The log has it all: it is replayed on what LMDB committed last. */
	if (err)
		db_abort(db);
	return err;
}

bool db_has_changes(const struct db *db)
{
	return db->is_unlogged || redo_has_more(db->redo);
}

uint64_t db_early_commits(const struct db *db)
{
	return db->n_early;
}

void db_rest(struct db *db)
{
	if (!db->is_reading)
		return;
	end_scan(db);
	mdb_txn_reset(db->reader);
	db->is_reading = false;
}

/* The transaction that reads go through now. */
static int reading(struct db *db, MDB_txn **out_txn)
{
	int err;

	if (!db->batch && db->is_stale) {
		err = begin(db);
		if (err)
			return err;
	}
	if (db->batch) {
		*out_txn = db->batch;
		return settle(db);
	}
	if (!db->is_reading) {
		err = lmdb_err(mdb_txn_renew(db->reader));
		if (err)
			return err;
		db->is_reading = true;
	}
	*out_txn = db->reader;
	return 0;
}

static struct db_bytes bytes_of(MDB_val val)
{
	return (struct db_bytes){ .bytes = val.mv_data, .len = val.mv_size };
}

int db_get(struct db *db, const void *key, size_t key_len, struct db_bytes *out_value)
{
	MDB_val k = val_of(key, key_len), v;
	MDB_txn *txn;
	int err = reading(db, &txn);

	if (!err)
		err = lmdb_err(mdb_get(txn, db->table, &k, &v));
	if (!err)
		*out_value = bytes_of(v);
	return err;
}

/* Room for a value that the log has none for: the batch will be committed by LMDB itself. */
static void *unlogged_space(struct db *db, size_t len)
{
	uint8_t *scratch;

	/* In order: what the log has comes before what it has not. */
	if (settle(db))
		return NULL;
	db->is_unlogged = true;
	if (db->put.scratch_size < len) {
		scratch = realloc(db->put.scratch, len);
		if (!scratch)
			return NULL;
		db->put.scratch = scratch;
		db->put.scratch_size = len;
	}
	return db->put.scratch;
}

int db_put(struct db *db, const void *key, size_t key_len, size_t len, void **out_space)
{
	end_scan(db);
	memcpy(db->put.key, key, key_len);
	db->put.key_len = key_len;
	db->put.len = len;
	db->put.space = db->is_unlogged ? NULL : redo_put(db->redo, key, key_len, len);
	if (!db->put.space)
		db->put.space = unlogged_space(db, len);
	*out_space = db->put.space;
	return db->put.space ? 0 : -ENOMEM;
}

int db_put_done(struct db *db)
{
	MDB_val k = val_of(db->put.key, db->put.key_len), v = val_of(db->put.space, db->put.len);

	/* What is in the log is done when somebody looks, or when there is time. */
	return db->is_unlogged ? lmdb_err(mdb_put(db->batch, db->table, &k, &v, 0)) : 0;
}

int db_delete(struct db *db, const void *key, size_t key_len)
{
	MDB_val k = val_of(key, key_len);
	int err;

	end_scan(db);
	err = settle(db);
	if (!err)
		err = lmdb_err(mdb_del(db->batch, db->table, &k, NULL));
	if (!err && (db->is_unlogged || !redo_delete(db->redo, key, key_len)))
		db->is_unlogged = true;
	redo_skip(db->redo);
	return err;
}

static int scan_step(struct db *db, MDB_val *key, MDB_cursor_op step, struct db_bytes *out_key,
		     struct db_bytes *out_value)
{
	MDB_val value;
	int err = lmdb_err(mdb_cursor_get(db->scan, key, &value, step));

	if (!err) {
		*out_key = bytes_of(*key);
		*out_value = bytes_of(value);
	}
	return err;
}

int db_seek(struct db *db, const void *key, size_t key_len, struct db_bytes *out_key,
	    struct db_bytes *out_value)
{
	MDB_val k = val_of(key, key_len);
	MDB_txn *txn;
	int err = 0;

	if (!db->scan) {
		err = reading(db, &txn);
		if (!err)
			err = lmdb_err(mdb_cursor_open(txn, db->table, &db->scan));
	}
	return err ? err : scan_step(db, &k, MDB_SET_RANGE, out_key, out_value);
}

int db_next(struct db *db, struct db_bytes *out_key, struct db_bytes *out_value)
{
	MDB_val k;

	return scan_step(db, &k, MDB_NEXT, out_key, out_value);
}

/* A large value has pages of its own: looks at both ends. */
static void touch(struct db_bytes value)
{
	volatile uint8_t byte;

	if (value.len > 0) {
		byte = value.bytes[0];
		byte = value.bytes[value.len - 1];
		(void)byte;
	}
}

int db_read_all(struct db *db)
{
	struct db_bytes key, value;
	int err = db_seek(db, "", 1, &key, &value);

	for (; !err; err = db_next(db, &key, &value))
		touch(value);
	if (err != ENOENT)
		return err;
	/* And the lists of free pages, which the question whether nothing fits goes through. */
	db_rest(db);
	return space_fit(&db->space, db->reader, 0, 0, 0);
}

void db_size(const struct db *db, uint64_t *out_file, uint64_t *out_used)
{
	*out_file = (uint64_t)db->space.n_pages * SPACE_PAGE;
	*out_used = (uint64_t)space_in_use(&db->space) * SPACE_PAGE;
}

static int open_table(struct db *db)
{
	int err = lmdb_err(mdb_txn_begin(db->space.env, NULL, 0, &db->batch));

	if (!err)
		err = lmdb_err(mdb_dbi_open(db->batch, NULL, 0, &db->table));
	if (err)
		return err;
	err = lmdb_err(mdb_txn_commit(db->batch));
	db->batch = NULL;
	if (!err)
		err = lmdb_err(mdb_txn_begin(db->space.env, NULL, MDB_RDONLY, &db->reader));
	if (!err)
		mdb_txn_reset(db->reader);
	return err;
}

/* Whatever the last process had made permanent without a commit of LMDB's is done again. */
static int open_redo(struct db *db, const char *path)
{
	char redo_path[4096];
	MDB_envinfo info;
	int err;

	snprintf(redo_path, sizeof(redo_path), "%s-redo", path);
	err = redo_open(redo_path, &db->redo);
	if (err)
		return err;
	mdb_env_info(db->space.env, &info);
	if (redo_base(db->redo) != info.me_last_txnid || redo_is_empty(db->redo)) {
		redo_start(db->redo, info.me_last_txnid);
		return 0;
	}
	db->is_stale = true;
	err = begin(db);
	return err ? err : flush(db);
}

int db_open(const char *path, struct db **out_db)
{
	struct db *db = calloc(1, sizeof(*db));
	int err;

	if (!db)
		return -ENOMEM;
	err = space_open(&db->space, path);
	if (!err)
		err = open_table(db);
	if (!err)
		err = open_redo(db, path);
	if (err) {
		db_close(db);
		return err;
	}
	*out_db = db;
	return 0;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	if (db->redo && db_has_changes(db))
		db_abort(db);
	/* What cannot be committed now is in the log, for the next to replay. */
	if (db->redo && flush(db))
		db->is_stale = true;
	end_scan(db);
	if (db->batch)
		mdb_txn_abort(db->batch);
	db->batch = NULL;
	db_rest(db);
	if (db->reader)
		mdb_txn_abort(db->reader);
	space_close(&db->space);
	redo_close(db->redo);
	free(db->put.scratch);
	free(db);
}

int db_unlink(const char *path)
{
	char redo_path[4096];

	snprintf(redo_path, sizeof(redo_path), "%s-redo", path);
	if (unlink(redo_path) && errno != ENOENT)
		return -errno;
	return unlink(path) && errno != ENOENT ? -errno : 0;
}
