/* SPDX-License-Identifier: MIT */
#include "tests/support/faults.h"

#include <errno.h>
#include <lmdb.h>
#include <stddef.h>
#include <sys/types.h>

static struct {
	bool is_armed, is_inside, is_lasting, has_failed;
	enum fault_kind kind;
	unsigned n, count;
} faults;

void faults_arm(enum fault_kind kind, unsigned n, bool lasting)
{
	faults.is_armed = true;
	faults.kind = kind;
	faults.n = n;
	faults.count = 0;
	faults.is_lasting = lasting;
	faults.has_failed = false;
}

unsigned faults_disarm(bool *out_has_failed)
{
	faults.is_armed = false;
	*out_has_failed = faults.has_failed;
	return faults.count;
}

void faults_passing(bool is_inside)
{
	faults.is_inside = is_inside;
}

static bool fails(enum fault_kind kind)
{
	if (!faults.is_armed || !faults.is_inside || faults.kind != kind)
		return false;
	faults.count++;
	if (faults.n == 0 ||
	    (faults.is_lasting ? faults.count < faults.n : faults.count != faults.n))
		return false;
	faults.has_failed = true;
	return true;
}

/* What the linker leads calls to, and what they would have led to. */
void *__wrap_malloc(size_t size);
void *__real_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__real_realloc(void *memory, size_t size);
int __wrap_posix_fallocate(int fd, off_t offset, off_t len);
int __real_posix_fallocate(int fd, off_t offset, off_t len);
int __wrap_mdb_put(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data, unsigned flags);
int __real_mdb_put(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data, unsigned flags);
int __wrap_mdb_del(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data);
int __real_mdb_del(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data);
int __wrap_mdb_get(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data);
int __real_mdb_get(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data);
int __wrap_mdb_txn_begin(MDB_env *env, MDB_txn *parent, unsigned flags, MDB_txn **txn);
int __real_mdb_txn_begin(MDB_env *env, MDB_txn *parent, unsigned flags, MDB_txn **txn);
int __wrap_mdb_txn_renew(MDB_txn *txn);
int __real_mdb_txn_renew(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn);
int __real_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_cursor_open(MDB_txn *txn, MDB_dbi dbi, MDB_cursor **cursor);
int __real_mdb_cursor_open(MDB_txn *txn, MDB_dbi dbi, MDB_cursor **cursor);
int __wrap_mdb_cursor_get(MDB_cursor *cursor, MDB_val *key, MDB_val *data, MDB_cursor_op op);
int __real_mdb_cursor_get(MDB_cursor *cursor, MDB_val *key, MDB_val *data, MDB_cursor_op op);
int __wrap_mdb_env_set_mapsize(MDB_env *env, size_t size);
int __real_mdb_env_set_mapsize(MDB_env *env, size_t size);
int __wrap_mdb_env_open(MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode);
int __real_mdb_env_open(MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode);

void *__wrap_malloc(size_t size)
{
	return fails(FAULT_MEMORY) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails(FAULT_MEMORY) ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
	return fails(FAULT_MEMORY) ? NULL : __real_realloc(memory, size);
}

int __wrap_posix_fallocate(int fd, off_t offset, off_t len)
{
	return fails(FAULT_DISK) ? ENOSPC : __real_posix_fallocate(fd, offset, len);
}

int __wrap_mdb_put(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data, unsigned flags)
{
	return fails(FAULT_STORE) ? EIO : __real_mdb_put(txn, dbi, key, data, flags);
}

int __wrap_mdb_del(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data)
{
	return fails(FAULT_STORE) ? EIO : __real_mdb_del(txn, dbi, key, data);
}

int __wrap_mdb_get(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data)
{
	return fails(FAULT_STORE) ? EIO : __real_mdb_get(txn, dbi, key, data);
}

int __wrap_mdb_txn_begin(MDB_env *env, MDB_txn *parent, unsigned flags, MDB_txn **txn)
{
	return fails(FAULT_STORE) ? EIO : __real_mdb_txn_begin(env, parent, flags, txn);
}

int __wrap_mdb_txn_renew(MDB_txn *txn)
{
	return fails(FAULT_STORE) ? EIO : __real_mdb_txn_renew(txn);
}

int __wrap_mdb_txn_commit(MDB_txn *txn)
{
	if (!fails(FAULT_STORE))
		return __real_mdb_txn_commit(txn);
	/* LMDB frees a transaction that it cannot commit. */
	mdb_txn_abort(txn);
	return EIO;
}

int __wrap_mdb_cursor_open(MDB_txn *txn, MDB_dbi dbi, MDB_cursor **cursor)
{
	return fails(FAULT_STORE) ? EIO : __real_mdb_cursor_open(txn, dbi, cursor);
}

int __wrap_mdb_cursor_get(MDB_cursor *cursor, MDB_val *key, MDB_val *data, MDB_cursor_op op)
{
	return fails(FAULT_STORE) ? EIO : __real_mdb_cursor_get(cursor, key, data, op);
}

int __wrap_mdb_env_set_mapsize(MDB_env *env, size_t size)
{
	return fails(FAULT_STORE) ? EIO : __real_mdb_env_set_mapsize(env, size);
}

int __wrap_mdb_env_open(MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode)
{
	return fails(FAULT_STORE) ? EIO : __real_mdb_env_open(env, path, flags, mode);
}
