/* SPDX-License-Identifier: MIT */
#include "xenstored/store/room.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int room_add(struct room *room, const size_t *numbers, size_t n, bool in_runs)
{
	size_t size = room->size ? room->size : 256;
	size_t *grown;

	room->n_pages += n;
	if (!in_runs || n == 0)
		return 0;
	while (size < room->n + n)
		size *= 2;
	if (size > room->size) {
		grown = realloc(room->numbers, size * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		room->numbers = grown;
		room->size = size;
	}
	memcpy(room->numbers + room->n, numbers, n * sizeof(*numbers));
	room->n += n;
	return 0;
}

void room_fini(struct room *room)
{
	free(room->numbers);
	*room = (struct room){ 0 };
}

static int compare(const void *left, const void *right)
{
	const size_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

/* Runs that have no page in common. */
static size_t count_runs(struct room *room)
{
	size_t n_runs = 0, len = 0;

	if (room->n)
		qsort(room->numbers, room->n, sizeof(*room->numbers), compare);
	for (size_t i = 0; i < room->n; i++) {
		len = len && room->numbers[i] == room->numbers[i - 1] + 1 ? len + 1 : 1;
		if (len == ROOM_RUN) {
			n_runs++;
			len = 0;
		}
	}
	return n_runs;
}

bool room_fits(struct room *room, size_t n_behind, size_t n_pages, size_t n_kept, size_t n_bytes)
{
	size_t n_large = n_bytes / ROOM_SMALL;

	if (room->n_pages + n_behind < n_pages + n_kept)
		return false;
	if (n_large == 0 || n_behind >= n_pages + n_large * ROOM_RUN)
		return true;
	/* Each single page may be taken out of a run. */
	return count_runs(room) >= n_pages + n_large;
}
