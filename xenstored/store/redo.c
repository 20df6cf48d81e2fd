/* SPDX-License-Identifier: MIT */
#include "xenstored/store/redo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LOG_SIZE = 1 << 20, DELETED = -1 };

static const uint64_t magic = 0x31306f6465727378; /* "xsredo01" */

/* The file. */
struct log {
	uint64_t magic;
	uint64_t base;
	_Atomic uint64_t published; /* bytes */
	uint8_t bytes[LOG_SIZE - 24];
};

/* In front of each change: its key and its value follow. */
struct head {
	uint32_t key_len;
	int32_t len; /* DELETED: no value */
};

struct redo {
	struct log *log; /* mapped */
	size_t tail;     /* behind what was appended */
	size_t replayed; /* behind what was told of */
};

_Static_assert(sizeof(struct log) == LOG_SIZE, "the file has no padding");

int redo_open(const char *path, struct redo **out_redo)
{
	struct redo *redo = calloc(1, sizeof(*redo));
	int fd = redo ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
	int err = redo ? 0 : -ENOMEM;
	void *map;

	if (!err && fd < 0)
		err = -errno;
	if (!err)
		err = -posix_fallocate(fd, 0, LOG_SIZE);
	if (!err) {
		map = mmap(NULL, LOG_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (map == MAP_FAILED)
			err = -errno;
		else
			redo->log = map;
	}
	if (fd >= 0)
		close(fd);
	if (err) {
		redo_close(redo);
		return err;
	}
	/* A new file is all zeroes; a foreign one is of no use. */
	if (redo->log->magic != magic || redo->log->published > sizeof(redo->log->bytes)) {
		redo_start(redo, 0);
		redo->log->magic = magic;
	}
	redo->tail = redo->log->published;
	*out_redo = redo;
	return 0;
}

void redo_close(struct redo *redo)
{
	if (redo && redo->log)
		munmap(redo->log, LOG_SIZE);
	free(redo);
}

uint64_t redo_base(const struct redo *redo)
{
	return redo->log->base;
}

void redo_start(struct redo *redo, uint64_t base)
{
	/* In this order: at no instant does the log claim changes on top of another commit. */
	atomic_store(&redo->log->published, 0);
	redo->log->base = base;
	redo->tail = redo->replayed = 0;
}

static uint8_t *append(struct redo *redo, const void *key, size_t key_len, int32_t len)
{
	struct head head = { .key_len = (uint32_t)key_len, .len = len };
	size_t size = sizeof(head) + key_len + (len == DELETED ? 0 : (size_t)len);
	uint8_t *at = redo->log->bytes + redo->tail;

	if (size > sizeof(redo->log->bytes) - redo->tail)
		return NULL;
	memcpy(at, &head, sizeof(head));
	memcpy(at + sizeof(head), key, key_len);
	redo->tail += size;
	return at + sizeof(head) + key_len;
}

void *redo_put(struct redo *redo, const void *key, size_t key_len, size_t len)
{
	return len < LOG_SIZE ? append(redo, key, key_len, (int32_t)len) : NULL;
}

bool redo_delete(struct redo *redo, const void *key, size_t key_len)
{
	return append(redo, key, key_len, DELETED) != NULL;
}

void redo_commit(struct redo *redo)
{
	/* Orders the changes before their end: whoever maps the file later sees both or neither. */
	atomic_store_explicit(&redo->log->published, redo->tail, memory_order_release);
}

void redo_abort(struct redo *redo)
{
	redo->tail = redo->log->published;
	if (redo->replayed > redo->tail)
		redo->replayed = redo->tail;
}

bool redo_has_more(const struct redo *redo)
{
	return redo->tail != redo->log->published;
}

bool redo_is_empty(const struct redo *redo)
{
	return redo->log->published == 0;
}

bool redo_is_replayed(const struct redo *redo)
{
	return redo->replayed == redo->tail;
}

void redo_skip(struct redo *redo)
{
	redo->replayed = redo->tail;
}

void redo_rewind(struct redo *redo)
{
	redo->replayed = 0;
}

int redo_replay(struct redo *redo, redo_visit_fn *visit, void *arg)
{
	const uint8_t *at = redo->log->bytes + redo->replayed, *end = redo->log->bytes + redo->tail;
	struct head head;
	int err = 0;

	while (at < end && !err) {
		size_t left = (size_t)(end - at), len;

		if (left < sizeof(head))
			return -EBADMSG;
		memcpy(&head, at, sizeof(head));
		left -= sizeof(head);
		len = head.len == DELETED ? 0 : (size_t)head.len;
		if (head.len < DELETED || head.key_len > left || len > left - head.key_len)
			return -EBADMSG;
		at += sizeof(head);
		err = visit(arg, at, head.key_len, head.len == DELETED ? NULL : at + head.key_len,
			    len);
		at += head.key_len + len;
		if (!err)
			redo->replayed = (size_t)(at - redo->log->bytes);
	}
	return err;
}
