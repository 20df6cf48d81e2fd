/* SPDX-License-Identifier: MIT */
/*
 * The redo log: puts and deletes that are permanent, but not yet in a committed database.
 *
 * A database commit costs more than everything else a small request does. So a turn is made
 * permanent by appending its changes here, in a mapped file that outlives the process, and
 * publishing their end with one store; many turns then share one database commit. After a crash
 * the log is replayed on the database it belongs to.
 */
#ifndef XSD_STORE_REDO_H
#define XSD_STORE_REDO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct redo;

/* Opens or creates the file, fully allocated. A negated errno. */
int redo_open(const char *path, struct redo **out_redo) __attribute__((warn_unused_result));
void redo_close(struct redo *redo);

/* Number of the database commit that the log goes on from. */
uint64_t redo_base(const struct redo *redo);

/* Empties the log: the database has everything up to commit `base`. */
void redo_start(struct redo *redo, uint64_t base);

/*
 * Appends a put: returns where its `len` bytes of value go, to be written before anything else is
 * appended; or a delete. NULL, false: no room, the log is as before.
 */
void *redo_put(struct redo *redo, const void *key, size_t key_len, size_t len);
bool redo_delete(struct redo *redo, const void *key, size_t key_len);

/* Publishes what was appended, or takes it back. */
void redo_commit(struct redo *redo);
void redo_abort(struct redo *redo);

/* True if something was appended and neither published nor taken back. */
bool redo_has_more(const struct redo *redo);
bool redo_is_empty(const struct redo *redo);

/* Told of each change in order; `value` NULL: a delete. Anything but 0 stops. */
typedef int redo_visit_fn(void *arg, const uint8_t *key, size_t key_len, const uint8_t *value,
			  size_t len);

/*
 * Tells of the changes that no call has told of since redo_start() or redo_rewind(), published or
 * not. -EBADMSG: the log is damaged.
 */
int redo_replay(struct redo *redo, redo_visit_fn *visit, void *arg)
	__attribute__((warn_unused_result));
bool redo_is_replayed(const struct redo *redo);

/* What was appended so far needs not be told of: it was done at once. */
void redo_skip(struct redo *redo);

/* The next redo_replay() begins with the first change again. */
void redo_rewind(struct redo *redo);

#endif
