/* SPDX-License-Identifier: MIT */
/*
 * LMDB's result codes in the store's terms.
 */
#ifndef XSD_STORE_LMDB_ERR_H
#define XSD_STORE_LMDB_ERR_H

/* 0; ENOENT for a record that is not there; else negated. */
int lmdb_err(int rc);

#endif
