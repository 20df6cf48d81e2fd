/* SPDX-License-Identifier: MIT */
#include "xenstored/store/history.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/path.h"

struct version {
	struct map_link link; /* in history.nodes while it is its node's newest */
	TAILQ_ENTRY(version) age;
	LIST_ENTRY(version) in_dir; /* while it is its node's newest */
	struct version *older;      /* of the same node */
	struct version *newer;
	struct history_dir *dir;
	struct history_reader *reader; /* the newest that sees it */
	LIST_ENTRY(version) of_reader;
	uint64_t parent;
	uint64_t number; /* of its first change: snapshots before it see `before` */
	uint64_t last;   /* of its last change */
	uint64_t writer; /* of its last change */
	unsigned aspects;
	bool existed;
	struct node before; /* borrows from `bytes` */
	size_t path_len, name_len, size;
	uint8_t bytes[]; /* path, permissions, value */
};

struct history_dir {
	struct map_link link;
	uint64_t id;
	uint64_t changed; /* number of the last creation or removal of a child */
	uint64_t writer;
	LIST_HEAD(, version) versions;
};

struct name_key {
	uint64_t parent;
	const char *name;
	size_t len;
};

static const char *version_path(const struct version *version)
{
	return (const char *)version->bytes;
}

static const char *version_name(const struct version *version)
{
	return version_path(version) + version->path_len - version->name_len;
}

static bool is_version_of(const struct map_link *link, const void *arg)
{
	const struct version *version = (const struct version *)link;
	const struct name_key *key = arg;

	return version->parent == key->parent && version->name_len == key->len &&
	       !memcmp(version_name(version), key->name, key->len);
}

static bool is_dir_of(const struct map_link *link, const void *id)
{
	return ((const struct history_dir *)link)->id == *(const uint64_t *)id;
}

static uint64_t name_hash(const struct history *history, const struct name_key *key)
{
	return map_hash(map_hash_u64(history->nodes.seed, key->parent), key->name, key->len);
}

static struct version *find(const struct history *history, const struct name_key *key)
{
	return (struct version *)map_find(&history->nodes, name_hash(history, key), is_version_of,
					  key);
}

static struct history_dir *find_dir(const struct history *history, uint64_t id)
{
	return (struct history_dir *)map_find(&history->dirs, map_hash_u64(history->dirs.seed, id),
					      is_dir_of, &id);
}

void history_init(struct history *history, uint64_t seed)
{
	*history = (struct history){ .oldest = UINT64_MAX };
	map_init(&history->nodes, seed);
	map_init(&history->dirs, seed);
	TAILQ_INIT(&history->by_age);
	TAILQ_INIT(&history->readers);
}

static void drop_dir_if_empty(struct history *history, struct history_dir *dir)
{
	if (!LIST_EMPTY(&dir->versions))
		return;
	map_remove(&history->dirs, &dir->link);
	history->bytes -= sizeof(*dir);
	free(dir);
}

static void drop(struct history *history, struct version *version)
{
	uint64_t hash = version->link.hash;

	TAILQ_REMOVE(&history->by_age, version, age);
	LIST_REMOVE(version, of_reader);
	if (version->older)
		version->older->newer = version->newer;
	if (version->newer) {
		version->newer->older = version->older;
	} else {
		map_remove(&history->nodes, &version->link);
		LIST_REMOVE(version, in_dir);
		if (version->older) {
			map_add(&history->nodes, &version->older->link, hash);
			LIST_INSERT_HEAD(&version->dir->versions, version->older, in_dir);
		}
		drop_dir_if_empty(history, version->dir);
	}
	history->bytes -= version->size;
	free(version);
}

void history_fini(struct history *history)
{
	struct version *version;

	while ((version = TAILQ_FIRST(&history->by_age)))
		drop(history, version);
	map_fini(&history->nodes);
	map_fini(&history->dirs);
}

bool history_is_needed(const struct history *history)
{
	return history->oldest != UINT64_MAX;
}

static void note_ends(struct history *history)
{
	const struct history_reader *oldest = TAILQ_FIRST(&history->readers);
	const struct history_reader *newest = TAILQ_LAST(&history->readers, history_readers);

	history->oldest = oldest ? oldest->start : UINT64_MAX;
	history->newest = newest ? newest->start : 0;
}

void history_open(struct history *history, struct history_reader *reader, uint64_t start,
		  bool is_guest)
{
	*reader = (struct history_reader){ .start = start, .is_guest = is_guest };
	LIST_INIT(&reader->versions);
	TAILQ_INSERT_TAIL(&history->readers, reader, by_start);
	note_ends(history);
}

/* True if the reader, who is older than the version, sees none before it. */
static bool sees(const struct history_reader *reader, const struct version *version)
{
	return reader && (!version->older || version->older->number <= reader->start);
}

/* Nobody began between the version and the one before it: their changes may be told as one. */
static void fold(struct version *version)
{
	struct version *older = version->older;

	if (!older)
		return;
	older->aspects |= version->aspects;
	older->last = version->last;
	older->writer = version->writer;
}

void history_close(struct history *history, struct history_reader *reader)
{
	struct history_reader *before = TAILQ_PREV(reader, history_readers, by_start);
	struct version *version;

	TAILQ_REMOVE(&history->readers, reader, by_start);
	note_ends(history);
	while ((version = LIST_FIRST(&reader->versions))) {
		if (sees(before, version)) {
			LIST_REMOVE(version, of_reader);
			LIST_INSERT_HEAD(&before->versions, version, of_reader);
			version->reader = before;
		} else {
			fold(version);
			drop(history, version);
		}
	}
}

static struct history_reader *next_who_sees(struct history_reader *reader,
					    const struct version *version)
{
	reader = TAILQ_PREV(reader, history_readers, by_start);
	return sees(reader, version) ? reader : NULL;
}

void history_weigh(struct history *history)
{
	struct history_reader *reader;
	struct version *version;

	TAILQ_FOREACH (reader, &history->readers, by_start)
		reader->is_burden = false;
	TAILQ_FOREACH (version, &history->by_age, age) {
		for (reader = version->reader; reader && reader->is_guest;)
			reader = next_who_sees(reader, version);
		if (reader)
			continue;
		for (reader = version->reader; reader; reader = next_who_sees(reader, version))
			reader->is_burden = true;
	}
}

static struct history_dir *get_dir(struct history *history, uint64_t id)
{
	struct history_dir *dir = find_dir(history, id);

	if (dir)
		return dir;
	dir = calloc(1, sizeof(*dir));
	if (!dir)
		return NULL;
	dir->id = id;
	map_add(&history->dirs, &dir->link, map_hash_u64(history->dirs.seed, id));
	history->bytes += sizeof(*dir);
	return dir;
}

static struct version *version_new(const struct history_change *change)
{
	const struct node *before = change->before;
	size_t perms_len = before ? (size_t)before->n_perms * NODE_PERM_SIZE : 0;
	size_t value_len = before ? before->value_len : 0;
	size_t size = sizeof(struct version) + change->path_len + perms_len + value_len;
	struct version *version = malloc(size);

	if (!version)
		return NULL;
	*version = (struct version){
		.parent = change->parent,
		.number = change->number,
		.existed = before != NULL,
		.path_len = change->path_len,
		.name_len = change->name_len,
		.size = size,
	};
	memcpy(version->bytes, change->path, change->path_len);
	if (before) {
		version->before = *before;
		version->before.perms = version->bytes + change->path_len;
		version->before.value = version->before.perms + perms_len;
		memcpy(version->bytes + change->path_len, before->perms, perms_len);
		if (value_len)
			memcpy(version->bytes + change->path_len + perms_len, before->value,
			       value_len);
	}
	return version;
}

static void insert(struct history *history, struct history_dir *dir, struct version *version,
		   struct version *older, uint64_t hash)
{
	version->dir = dir;
	version->reader = TAILQ_LAST(&history->readers, history_readers);
	LIST_INSERT_HEAD(&version->reader->versions, version, of_reader);
	version->older = older;
	if (older) {
		older->newer = version;
		map_remove(&history->nodes, &older->link);
		LIST_REMOVE(older, in_dir);
	}
	map_add(&history->nodes, &version->link, hash);
	LIST_INSERT_HEAD(&dir->versions, version, in_dir);
	TAILQ_INSERT_TAIL(&history->by_age, version, age);
	history->bytes += version->size;
}

int history_record(struct history *history, const struct history_change *change)
{
	struct name_key key = {
		.parent = change->parent,
		.name = change->path + change->path_len - change->name_len,
		.len = change->name_len,
	};
	struct version *newest = find(history, &key), *version = newest;
	struct history_dir *dir;

	assert(history_is_needed(history));
	if (!newest || newest->number <= history->newest) {
		dir = get_dir(history, change->parent);
		version = dir ? version_new(change) : NULL;
		if (!version) {
			if (dir)
				drop_dir_if_empty(history, dir);
			return -ENOMEM;
		}
		insert(history, dir, version, newest, name_hash(history, &key));
	}
	version->aspects |= change->aspects;
	version->last = change->number;
	version->writer = change->writer;
	if (change->aspects & ASPECT_EXISTENCE) {
		version->dir->changed = change->number;
		version->dir->writer = change->writer;
	}
	return 0;
}

void history_forget(struct history *history, uint64_t number)
{
	struct version *version, *before;

	for (version = TAILQ_LAST(&history->by_age, version_list); version; version = before) {
		before = TAILQ_PREV(version, version_list, age);
		if (version->number > number)
			drop(history, version);
	}
}

/* The version whose `before` a snapshot taken at `start` sees. */
static const struct version *seen_at(const struct version *newest, uint64_t start)
{
	const struct version *seen = NULL;

	for (; newest && newest->number > start; newest = newest->older)
		seen = newest;
	return seen;
}

bool history_get(const struct history *history, uint64_t start, uint64_t parent, const char *name,
		 size_t len, bool *out_exists, struct node *out_node)
{
	struct name_key key = { parent, name, len };
	const struct version *seen;

	if (history->nodes.n == 0)
		return false;
	seen = seen_at(find(history, &key), start);
	if (!seen)
		return false;
	*out_exists = seen->existed;
	if (seen->existed)
		*out_node = seen->before;
	return true;
}

unsigned history_aspects(const struct history *history, uint64_t start, uint64_t parent,
			 const char *name, size_t len, uint64_t *out_writer)
{
	struct name_key key = { parent, name, len };
	const struct version *version = find(history, &key);
	unsigned aspects = 0;

	if (version && version->last > start)
		*out_writer = version->writer;
	for (; version && version->last > start; version = version->older)
		aspects |= version->aspects;
	return aspects;
}

bool history_children_changed(const struct history *history, uint64_t start, uint64_t id,
			      uint64_t *out_writer)
{
	const struct history_dir *dir = find_dir(history, id);

	if (!dir || dir->changed <= start)
		return false;
	*out_writer = dir->writer;
	return true;
}

static bool is_at_or_below(const struct history_top *top, const char *path, size_t len)
{
	return xsp_path_levels_below(top->path, top->len, path, len) >= 0;
}

static int compare_tops(const void *a, const void *b)
{
	const struct history_top *top_a = a, *top_b = b;

	return xsp_path_compare(top_a->path, top_a->len, top_b->path, top_b->len);
}

size_t history_sort_tops(struct history_top *tops, size_t n)
{
	size_t n_left = 0;

	if (n > 0)
		qsort(tops, n, sizeof(*tops), compare_tops);
	/* What is below a path follows it without a gap. */
	for (size_t i = 0; i < n; i++) {
		if (n_left == 0 || !is_at_or_below(&tops[n_left - 1], tops[i].path, tops[i].len))
			tops[n_left++] = tops[i];
	}
	return n_left;
}

/* With no top below another, only the last that does not come behind a path can be above it. */
static const struct history_top *find_top(const struct history_top *tops, size_t n,
					  const char *path, size_t len)
{
	size_t low = 0, high = n, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (xsp_path_compare(tops[middle].path, tops[middle].len, path, len) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && is_at_or_below(&tops[low - 1], path, len) ? &tops[low - 1] : NULL;
}

const struct history_top *history_changed_below(const struct history *history, uint64_t start,
						const struct history_top *tops, size_t n,
						uint64_t *out_writer)
{
	const struct history_top *top;
	const struct version *version;

	if (n == 0)
		return NULL;
	TAILQ_FOREACH (version, &history->by_age, age) {
		/* The newest of a node is the last to have changed. */
		if (version->newer || version->last <= start)
			continue;
		top = find_top(tops, n, version_path(version), version->path_len);
		if (top) {
			*out_writer = version->writer;
			return top;
		}
	}
	return NULL;
}

int history_children(const struct history *history, uint64_t start, uint64_t id,
		     history_visit_fn *visit, void *arg)
{
	const struct history_dir *dir = find_dir(history, id);
	const struct version *version, *seen;
	int err = 0;

	if (!dir || dir->changed <= start)
		return 0;
	LIST_FOREACH (version, &dir->versions, in_dir) {
		seen = seen_at(version, start);
		if (seen)
			err = visit(arg, version_name(version), version->name_len,
				    seen->existed ? &seen->before : NULL);
		if (err)
			return err;
	}
	return err;
}
