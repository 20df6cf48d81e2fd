/* SPDX-License-Identifier: MIT */
#include "xenstored/store/space.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <string.h>
#include <unistd.h>

#include "xenstored/store/lmdb_err.h"
#include "xenstored/store/room.h"

enum {
	START = 2048, /* pages */
	STEP = 2048,
	/* A put copies a path of at most five pages and may split as it goes up. */
	PAGES_PER_PUT = 8,
	/* Records of free pages that LMDB looks through for a run, at the least. */
	RUN_RECORDS = 60,
	FREE_TABLE = 0, /* where LMDB keeps them */
};

/* Allocates the file's blocks, so that a store to the map can never fail. */
static int allocate(struct space *space, size_t from, size_t pages)
{
	int err;

	do
		err = posix_fallocate(space->fd, (off_t)from * SPACE_PAGE,
				      (off_t)(pages - from) * SPACE_PAGE);
	while (err == EINTR);
	return err;
}

int space_open(struct space *space, const char *path)
{
	const unsigned flags = MDB_NOSUBDIR | MDB_WRITEMAP | MDB_NOSYNC | MDB_NOMETASYNC |
			       MDB_NOLOCK | MDB_NOTLS | MDB_NORDAHEAD;
	off_t size;
	int err;

	*space = (struct space){ .fd = -1 };
	space->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (space->fd < 0)
		return -errno;
	size = lseek(space->fd, 0, SEEK_END);
	if (size < 0)
		return -errno;
	space->n_pages = ((size_t)size + SPACE_PAGE - 1) / SPACE_PAGE;
	if (space->n_pages < START)
		space->n_pages = START;
	/* An empty file must stay empty until LMDB has written its first pages. */
	err = lmdb_err(mdb_env_create(&space->env));
	if (!err)
		err = lmdb_err(mdb_env_set_mapsize(space->env, space->n_pages * SPACE_PAGE));
	if (!err)
		err = lmdb_err(mdb_env_open(space->env, path, flags, 0600));
	/* The file has lost its end: what LMDB would read there are zeros. */
	if (!err && size > 0 && space_in_use(space) > (size_t)size / SPACE_PAGE)
		err = -EBADMSG;
	if (!err)
		err = -allocate(space, 0, space->n_pages);
	return err;
}

void space_close(struct space *space)
{
	if (space->env)
		mdb_env_close(space->env);
	if (space->fd >= 0)
		close(space->fd);
	space->env = NULL;
	space->fd = -1;
}

size_t space_in_use(const struct space *space)
{
	MDB_envinfo info;

	mdb_env_info(space->env, &info);
	return info.me_last_pgno + 1;
}

size_t space_needed(size_t in_use, size_t n_puts, size_t n_bytes)
{
	size_t each = n_puts * PAGES_PER_PUT + 2 * (n_bytes / SPACE_PAGE) + 16;
	size_t whole = in_use + 2 * ((n_puts * 64 + n_bytes) / SPACE_PAGE) + n_puts / 16 + 64;

	return each < whole ? each : whole;
}

int space_grow(struct space *space, size_t n_pages)
{
	size_t pages = space->n_pages + space->n_pages / 4;
	int err;

	if (pages < space->n_pages + STEP)
		pages = space->n_pages + STEP;
	if (pages < n_pages)
		pages = n_pages;
	err = allocate(space, space->n_pages, pages);
	if (err && n_pages < pages) {
		/* The generous step does not fit; what is needed may. */
		pages = n_pages;
		err = allocate(space, space->n_pages, pages);
	}
	if (err)
		return err == ENOSPC || err == EFBIG || err == EDQUOT ? ENOSPC : -err;
	err = lmdb_err(mdb_env_set_mapsize(space->env, pages * SPACE_PAGE));
	if (!err)
		space->n_pages = pages;
	return err;
}

/* Counts the free pages that the next batch may use: those of the last one are not among them. */
static int survey(MDB_txn *reader, struct room *room)
{
	MDB_cursor *cursor = NULL;
	MDB_val key, record;
	size_t last = mdb_txn_id(reader), number, n_pages;
	int err = lmdb_err(mdb_cursor_open(reader, FREE_TABLE, &cursor));

	for (size_t n = 0; !err; n++) {
		err = lmdb_err(mdb_cursor_get(cursor, &key, &record, MDB_NEXT));
		if (err)
			break;
		memcpy(&number, key.mv_data, sizeof(number));
		if (number >= last)
			break;
		/* The count comes first. */
		memcpy(&n_pages, record.mv_data, sizeof(n_pages));
		err = room_add(room, (const size_t *)record.mv_data + 1, n_pages, n < RUN_RECORDS);
	}
	if (cursor)
		mdb_cursor_close(cursor);
	return err == ENOENT ? 0 : err;
}

int space_fit(const struct space *space, MDB_txn *reader, size_t n_pages, size_t n_kept,
	      size_t n_bytes)
{
	struct room room = { 0 };
	int err = lmdb_err(mdb_txn_renew(reader));

	if (err)
		return err;
	err = survey(reader, &room);
	mdb_txn_reset(reader);
	if (!err &&
	    !room_fits(&room, space->n_pages - space_in_use(space), n_pages, n_kept, n_bytes))
		err = ENOSPC;
	room_fini(&room);
	return err;
}
