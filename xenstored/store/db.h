/* SPDX-License-Identifier: MIT */
/*
 * The database file: one ordered table of byte strings in LMDB, and one batch of changes.
 *
 * Changes collect in a batch that becomes permanent (against the death of the process, not of the
 * machine) with db_commit(): by way of the redo log, so that LMDB's own commit is shared by many.
 * Reads see the batch. Space is allocated on the file system before it is mapped and room is
 * reserved before it is written to, so neither a full disk nor a full map is ever met half-way
 * through a change.
 *
 * Results follow the house rule: 0, a positive errno that is an ordinary answer (ENOENT, ENOSPC),
 * or a negated errno for trouble of our own. After trouble in a write the batch is lost and must be
 * given up with db_abort().
 *
 * Bytes handed out are borrowed from the map: they live until the next put, delete, reserve,
 * commit, abort or rest.
 */
#ifndef XSD_STORE_DB_H
#define XSD_STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;

struct db_bytes {
	const uint8_t *bytes;
	size_t len;
};

enum { DB_KEY_MAX = 511 };

/* A part of the room is kept for what gives room back: removals. */
enum db_room { DB_ROOM_COMMON, DB_ROOM_LAST };

/* Opens or creates the file. -EBADMSG: there is a file, but it is not a database of ours. */
int db_open(const char *path, struct db **out_db) __attribute__((warn_unused_result));
void db_close(struct db *db);

/* Removes a closed database's file; a missing one is fine. */
int db_unlink(const char *path) __attribute__((warn_unused_result));

/*
 * Makes sure that `n_puts` puts or deletes with `n_bytes` bytes of content in all cannot run out
 * of room, and opens the batch. May commit the batch so far, in order to grow the map: the caller
 * must be at a point where that is right. ENOSPC: the file system has no room, nothing changed.
 */
int db_reserve(struct db *db, size_t n_puts, size_t n_bytes, enum db_room room)
	__attribute__((warn_unused_result));

/* Makes the changes of the batch permanent. Fine without any. */
int db_commit(struct db *db) __attribute__((warn_unused_result));
void db_abort(struct db *db);

/*
 * Does now what was left for later when changes were made permanent. Whoever waits for an answer
 * need not wait for this; without it the next read does it.
 */
int db_settle(struct db *db) __attribute__((warn_unused_result));

/* True if there are changes that are not permanent yet. */
bool db_has_changes(const struct db *db);

/* How often db_reserve() had to make changes permanent. */
uint64_t db_early_commits(const struct db *db);

/* Lets go of what reads hold, between turns. */
void db_rest(struct db *db);

int db_get(struct db *db, const void *key, size_t key_len, struct db_bytes *out_value)
	__attribute__((warn_unused_result));

/*
 * Puts a record of `len` bytes in two steps: the caller writes them to *out_space, and then
 * finishes. Nothing may come in between.
 */
int db_put(struct db *db, const void *key, size_t key_len, size_t len, void **out_space)
	__attribute__((warn_unused_result));
int db_put_done(struct db *db) __attribute__((warn_unused_result));

int db_delete(struct db *db, const void *key, size_t key_len) __attribute__((warn_unused_result));

/*
 * Scans upwards: db_seek() finds the first record at or behind a key, db_next() the one after the
 * last found. ENOENT at the end. There is one scan at a time; a put or delete ends it.
 */
int db_seek(struct db *db, const void *key, size_t key_len, struct db_bytes *out_key,
	    struct db_bytes *out_value) __attribute__((warn_unused_result));
int db_next(struct db *db, struct db_bytes *out_key, struct db_bytes *out_value)
	__attribute__((warn_unused_result));

/* Looks at everything in the file. LMDB ends the process if it does not like what it finds. */
int db_read_all(struct db *db) __attribute__((warn_unused_result));

/* Bytes of the file system in use, and bytes of them that hold pages in use. */
void db_size(const struct db *db, uint64_t *out_file, uint64_t *out_used);

#endif
