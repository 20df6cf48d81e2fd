/* SPDX-License-Identifier: MIT */
/*
 * LMDB's result codes in the store's terms.
 */
#ifndef XSD_STORE_LMDB_ERR_H
#define XSD_STORE_LMDB_ERR_H

#include <errno.h>
#include <lmdb.h>

/* 0; ENOENT for a record that is not there; else negated. */
static inline int lmdb_err(int rc)
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

#endif
