/* SPDX-License-Identifier: MIT */
/*
 * The space of the database file: its pages, how many are in use, how many a batch may need.
 *
 * Pages are allocated on the file system before they are mapped, so that a store to the map cannot
 * fail. Where the file system has no more, free pages within the file must do.
 */
#ifndef XSD_STORE_SPACE_H
#define XSD_STORE_SPACE_H

#include <stddef.h>

struct MDB_env;
struct MDB_txn;

enum { SPACE_PAGE = 4096 };

struct space {
	struct MDB_env *env; /* owned; NULL: not open */
	int fd;              /* owned: the same file, for allocation */
	size_t n_pages;      /* allocated and mapped */
};

/*
 * Opens or creates the file. -EBADMSG: not one of LMDB's, or cut off. To be closed in any case.
 */
int space_open(struct space *space, const char *path) __attribute__((warn_unused_result));
void space_close(struct space *space);

/* Pages up to the last one in use. */
size_t space_in_use(const struct space *space);

/*
 * Pages that a batch of `n_puts` puts or deletes with `n_bytes` bytes in all can touch at the
 * worst, in a file with `in_use` pages.
 */
size_t space_needed(size_t in_use, size_t n_puts, size_t n_bytes);

/*
 * Makes the file `n_pages` pages long or, where that is to be had, somewhat longer. No transaction
 * may be open. ENOSPC: the file system has no room, nothing changed.
 */
int space_grow(struct space *space, size_t n_pages) __attribute__((warn_unused_result));

/*
 * 0 if `n_pages` pages, for records of `n_bytes` bytes in all, can be had without growing and
 * leave `n_kept` pages; else ENOSPC. `reader` is a transaction to read with, at rest.
 */
int space_fit(const struct space *space, struct MDB_txn *reader, size_t n_pages, size_t n_kept,
	      size_t n_bytes) __attribute__((warn_unused_result));

#endif
