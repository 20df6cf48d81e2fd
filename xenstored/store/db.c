/* SPDX-License-Identifier: MIT */
#include "xenstored/store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	MAP_START = 2048, /* pages */
	MAP_STEP = 2048,
	/* The most pages one LMDB transaction can touch is 2^17 - 1; stay clear of it. */
	BATCH_PAGES_MAX = 120000,
	/* A put copies a path of at most five pages and may split as it goes up. */
	PAGES_PER_PUT = 8,
};

struct db {
	MDB_env *env;
	MDB_dbi table;
	MDB_txn *batch;   /* NULL: no batch open */
	MDB_txn *reader;  /* kept for renewal */
	MDB_cursor *scan; /* on the batch if there is one, else on the reader */
	bool is_reading;  /* the reader is active */
	int fd;           /* the same file, for allocation */
	size_t map_pages; /* allocated and mapped */
	size_t reserved;  /* pages promised to the open batch */
	uint64_t n_commits;
};

static int map_error(int rc)
{
	switch (rc) {
	case MDB_SUCCESS:
		return 0;
	case MDB_NOTFOUND:
		return ENOENT;
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
		return -ENOSPC;
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
		return -EBADMSG;
	default:
		return rc > 0 ? -rc : -EIO;
	}
}

/* Allocates the file's blocks, so that a store to the map can never fail. */
static int allocate(struct db *db, size_t pages)
{
	int err;

	do
		err = posix_fallocate(db->fd, 0, (off_t)pages * PAGE);
	while (err == EINTR);
	return err;
}

static size_t pages_in_use(const struct db *db)
{
	MDB_envinfo info;

	mdb_env_info(db->env, &info);
	return info.me_last_pgno + 1;
}

static int open_env(struct db *db, const char *path)
{
	const unsigned flags = MDB_NOSUBDIR | MDB_WRITEMAP | MDB_NOSYNC | MDB_NOMETASYNC |
			       MDB_NOLOCK | MDB_NOTLS | MDB_NORDAHEAD;
	off_t size;
	int err;

	db->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (db->fd < 0)
		return -errno;
	size = lseek(db->fd, 0, SEEK_END);
	if (size < 0)
		return -errno;
	db->map_pages = ((size_t)size + PAGE - 1) / PAGE;
	if (db->map_pages < MAP_START)
		db->map_pages = MAP_START;
	/* An empty file must stay empty until LMDB has written its first pages. */
	err = map_error(mdb_env_create(&db->env));
	if (!err)
		err = map_error(mdb_env_set_mapsize(db->env, db->map_pages * PAGE));
	if (!err)
		err = map_error(mdb_env_open(db->env, path, flags, 0600));
	if (!err)
		err = -allocate(db, db->map_pages);
	return err;
}

static int open_table(struct db *db)
{
	int err = map_error(mdb_txn_begin(db->env, NULL, 0, &db->batch));

	if (err)
		return err;
	err = map_error(mdb_dbi_open(db->batch, NULL, 0, &db->table));
	if (err)
		return err;
	err = db_commit(db);
	if (err)
		return err;
	err = map_error(mdb_txn_begin(db->env, NULL, MDB_RDONLY, &db->reader));
	if (!err)
		mdb_txn_reset(db->reader);
	return err;
}

int db_open(const char *path, struct db **out_db)
{
	struct db *db = calloc(1, sizeof(*db));
	int err;

	if (!db)
		return -ENOMEM;
	db->fd = -1;
	err = open_env(db, path);
	if (!err)
		err = open_table(db);
	if (err) {
		db_close(db);
		return err;
	}
	*out_db = db;
	return 0;
}

static void end_scan(struct db *db)
{
	if (db->scan)
		mdb_cursor_close(db->scan);
	db->scan = NULL;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	db_abort(db);
	db_rest(db);
	if (db->reader)
		mdb_txn_abort(db->reader);
	if (db->env)
		mdb_env_close(db->env);
	if (db->fd >= 0)
		close(db->fd);
	free(db);
}

int db_unlink(const char *path)
{
	return unlink(path) && errno != ENOENT ? -errno : 0;
}

/* How many pages a batch of that size can touch at the worst. */
static size_t pages_needed(size_t in_use, size_t n_puts, size_t n_bytes)
{
	size_t each = n_puts * PAGES_PER_PUT + 2 * (n_bytes / PAGE) + 16;
	size_t whole = in_use + 2 * ((n_puts * 64 + n_bytes) / PAGE) + n_puts / 16 + 64;

	return each < whole ? each : whole;
}

static int grow(struct db *db, size_t need)
{
	size_t pages = db->map_pages + db->map_pages / 4;
	int err;

	if (pages < db->map_pages + MAP_STEP)
		pages = db->map_pages + MAP_STEP;
	if (pages < need)
		pages = need;
	err = allocate(db, pages);
	if (err && need < pages) {
		/* The generous step does not fit; what is needed may. */
		pages = need;
		err = allocate(db, pages);
	}
	if (err)
		return err == ENOSPC || err == EFBIG || err == EDQUOT ? ENOSPC : -err;
	err = map_error(mdb_env_set_mapsize(db->env, pages * PAGE));
	if (!err)
		db->map_pages = pages;
	return err;
}

int db_reserve(struct db *db, size_t n_puts, size_t n_bytes)
{
	size_t in_use = pages_in_use(db);
	size_t need = pages_needed(in_use, n_puts, n_bytes);
	int err = 0;

	if (in_use + db->reserved + need > db->map_pages || db->reserved + need > BATCH_PAGES_MAX) {
		if (need > BATCH_PAGES_MAX)
			return ENOSPC;
		err = db_commit(db);
		if (err)
			return err;
		db_rest(db);
		in_use = pages_in_use(db);
		need = pages_needed(in_use, n_puts, n_bytes);
		if (in_use + need > db->map_pages)
			err = grow(db, in_use + need);
		if (err)
			return err;
	}
	if (!db->batch) {
		db_rest(db);
		err = map_error(mdb_txn_begin(db->env, NULL, 0, &db->batch));
		if (err)
			return err;
	}
	db->reserved += need;
	return 0;
}

int db_commit(struct db *db)
{
	MDB_txn *batch = db->batch;
	int err;

	if (!batch)
		return 0;
	end_scan(db);
	db->batch = NULL;
	db->reserved = 0;
	err = map_error(mdb_txn_commit(batch));
	if (!err)
		db->n_commits++;
	return err;
}

uint64_t db_commits(const struct db *db)
{
	return db->n_commits;
}

void db_abort(struct db *db)
{
	if (!db->batch)
		return;
	end_scan(db);
	mdb_txn_abort(db->batch);
	db->batch = NULL;
	db->reserved = 0;
}

bool db_has_batch(const struct db *db)
{
	return db->batch != NULL;
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

	if (db->batch) {
		*out_txn = db->batch;
		return 0;
	}
	if (!db->is_reading) {
		err = map_error(mdb_txn_renew(db->reader));
		if (err)
			return err;
		db->is_reading = true;
	}
	*out_txn = db->reader;
	return 0;
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
		err = map_error(mdb_get(txn, db->table, &k, &v));
	if (!err)
		*out_value = bytes_of(v);
	return err;
}

int db_put(struct db *db, const void *key, size_t key_len, size_t len, void **out_space)
{
	MDB_val k = val_of(key, key_len), v = { .mv_size = len };
	int err;

	end_scan(db);
	err = map_error(mdb_put(db->batch, db->table, &k, &v, MDB_RESERVE));
	if (!err)
		*out_space = v.mv_data;
	return err;
}

int db_delete(struct db *db, const void *key, size_t key_len)
{
	MDB_val k = val_of(key, key_len);

	end_scan(db);
	return map_error(mdb_del(db->batch, db->table, &k, NULL));
}

static int scan_step(struct db *db, MDB_val *key, MDB_cursor_op step, struct db_bytes *out_key,
		     struct db_bytes *out_value)
{
	MDB_val value;
	int err = map_error(mdb_cursor_get(db->scan, key, &value, step));

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
			err = map_error(mdb_cursor_open(txn, db->table, &db->scan));
	}
	return err ? err : scan_step(db, &k, MDB_SET_RANGE, out_key, out_value);
}

int db_next(struct db *db, struct db_bytes *out_key, struct db_bytes *out_value)
{
	MDB_val k;

	return scan_step(db, &k, MDB_NEXT, out_key, out_value);
}

void db_size(const struct db *db, uint64_t *out_file, uint64_t *out_used)
{
	*out_file = (uint64_t)db->map_pages * PAGE;
	*out_used = (uint64_t)pages_in_use(db) * PAGE;
}
