/* SPDX-License-Identifier: MIT */
#include "xenstored/core/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/path.h"

struct place_key {
	const char *path;
	size_t len;
};

/* One part of a path after the other; the first is the root, "" or a special name's first part. */
struct parts {
	const char *path;
	size_t len;
	size_t at; /* end of the last part */
};

static bool next_part(struct parts *parts, const char **out_name, size_t *out_len)
{
	size_t start = parts->at;

	if (start == 0 && parts->path[0] == '/') {
		*out_name = parts->path;
		*out_len = 0;
		parts->at = 1;
		return true;
	}
	if (start >= parts->len)
		return false;
	if (start > 1 || parts->path[start] == '/')
		start++;
	parts->at = start;
	while (parts->at < parts->len && parts->path[parts->at] != '/')
		parts->at++;
	*out_name = parts->path + start;
	*out_len = parts->at - start;
	return true;
}

static int compare_places(const struct watch_place *a, const struct watch_place *b)
{
	return xsp_path_compare(a->path, a->path_len, b->path, b->path_len);
}

/* Spelled out: the name that the library has for "unused" is not defined everywhere. */
RB_GENERATE_INTERNAL(watch_order, watch_place, in_order, compare_places,
		     static __attribute__((unused)))

static bool is_place_of(const struct map_link *link, const void *arg)
{
	const struct watch_place *place = (const struct watch_place *)link;
	const struct place_key *key = arg;

	return place->path_len == key->len && !memcmp(place->path, key->path, key->len);
}

/* The hash of a path is that of the path above it and its last part. */
static uint64_t path_hash(const struct watches *watches, const char *path, size_t len)
{
	struct parts parts = { .path = path, .len = len };
	uint64_t hash = watches->places.seed;
	const char *name;
	size_t name_len;

	while (next_part(&parts, &name, &name_len))
		hash = map_hash(hash, name, name_len);
	return hash;
}

static struct watch_place *place_at(const struct watches *watches, uint64_t hash, const char *path,
				    size_t len)
{
	struct place_key key = { path, len };

	return (struct watch_place *)map_find(&watches->places, hash, is_place_of, &key);
}

static struct watch_place *find_place(const struct watches *watches, const char *path, size_t len)
{
	return place_at(watches, path_hash(watches, path, len), path, len);
}

void watches_init(struct watches *watches, uint64_t seed)
{
	*watches = (struct watches){ 0 };
	map_init(&watches->places, seed);
	map_init(&watches->by_owner, seed);
	RB_INIT(&watches->order);
}

void watches_fini(struct watches *watches)
{
	map_fini(&watches->places);
	map_fini(&watches->by_owner);
	free(watches->found);
}

const char *watch_token(const struct watch *watch)
{
	return watch->path + watch->path_len + 1;
}

static struct watch_place *make_place(struct watches *watches, const char *path, size_t len)
{
	uint64_t hash = path_hash(watches, path, len);
	struct watch_place *place = place_at(watches, hash, path, len);
	char *text;

	if (place)
		return place;
	place = calloc(1, sizeof(*place) + len);
	if (!place)
		return NULL;
	text = (char *)(place + 1);
	memcpy(text, path, len);
	place->path = text;
	place->path_len = len;
	TAILQ_INIT(&place->watches);
	map_add(&watches->places, &place->link, hash);
	RB_INSERT(watch_order, &watches->order, place);
	return place;
}

static void place_tidy(struct watches *watches, struct watch_place *place)
{
	if (!TAILQ_EMPTY(&place->watches))
		return;
	map_remove(&watches->places, &place->link);
	RB_REMOVE(watch_order, &watches->order, place);
	free(place);
}

/* What tells a watch from all others. */
struct watch_key {
	const struct watch_place *place;
	const struct client *client;
	const char *token;
	size_t token_len;
};

static bool is_watch_of(const struct map_link *link, const void *arg)
{
	const struct watch *watch = (const struct watch *)link;
	const struct watch_key *key = arg;

	return watch->place == key->place && watch->client == key->client &&
	       watch->token_len == key->token_len &&
	       !memcmp(watch_token(watch), key->token, key->token_len);
}

static uint64_t watch_hash(const struct watches *watches, const struct watch_key *key)
{
	uint64_t seed = map_hash_u64(watches->by_owner.seed, key->place->link.hash);

	seed = map_hash_u64(seed, (uint64_t)(uintptr_t)key->client);
	return map_hash(seed, key->token, key->token_len);
}

struct watch *watch_add(struct watches *watches, struct client *client, const char *path,
			size_t path_len, const char *token, int depth)
{
	size_t token_len = strlen(token);
	struct watch *watch = calloc(1, sizeof(*watch) + path_len + token_len + 2);

	if (!watch)
		return NULL;
	watch->place = make_place(watches, path, path_len);
	if (!watch->place) {
		free(watch);
		return NULL;
	}
	watch->client = client;
	watch->depth = depth;
	watch->number = ++watches->last_number;
	watch->path_len = path_len;
	watch->token_len = token_len;
	memcpy(watch->path, path, path_len);
	memcpy(watch->path + path_len + 1, token, token_len);
	map_add(&watches->by_owner, &watch->link,
		watch_hash(watches, &(struct watch_key){ watch->place, client, token, token_len }));
	TAILQ_INSERT_TAIL(&watch->place->watches, watch, at_place);
	watches->n++;
	return watch;
}

void watch_remove(struct watches *watches, struct watch *watch)
{
	map_remove(&watches->by_owner, &watch->link);
	TAILQ_REMOVE(&watch->place->watches, watch, at_place);
	place_tidy(watches, watch->place);
	charge_drop(&watch->count);
	charge_drop(&watch->memory);
	watches->n--;
	free(watch);
}

struct watch *watch_find(const struct watches *watches, const struct client *client,
			 const char *path, size_t path_len, const char *token)
{
	struct watch_key key = {
		.place = find_place(watches, path, path_len),
		.client = client,
		.token = token,
		.token_len = strlen(token),
	};

	if (!key.place)
		return NULL;
	return (struct watch *)map_find(&watches->by_owner, watch_hash(watches, &key), is_watch_of,
					&key);
}

static int found_add(struct watches *watches, struct watch *watch)
{
	size_t size = watches->found_size ? watches->found_size * 2 : 64;
	struct watch **found;

	if (watches->n_found == watches->found_size) {
		found = realloc(watches->found, size * sizeof(*found));
		if (!found)
			return -ENOMEM;
		watches->found = found;
		watches->found_size = size;
	}
	watches->found[watches->n_found++] = watch;
	return 0;
}

static int compare_numbers(const void *left, const void *right)
{
	const struct watch *const *a = left, *const *b = right;

	return (*a)->number < (*b)->number ? -1 : (*a)->number > (*b)->number;
}

/* Collects a place's watches whose depth reaches `levels` below them. */
static int found_at(struct watches *watches, const struct watch_place *place, int levels)
{
	struct watch *watch;
	int err = 0;

	TAILQ_FOREACH (watch, &place->watches, at_place) {
		if (watch->depth == WATCH_DEPTH_ANY || watch->depth >= levels)
			err = found_add(watches, watch);
		if (err)
			return err;
	}
	return 0;
}

int watches_match(struct watches *watches, const char *path, size_t len)
{
	struct parts parts = { .path = path, .len = len };
	uint64_t hash = watches->places.seed;
	const struct watch_place *place;
	const char *name;
	size_t name_len;
	int err = 0;

	watches->n_found = 0;
	while (!err && next_part(&parts, &name, &name_len)) {
		hash = map_hash(hash, name, name_len);
		place = place_at(watches, hash, path, parts.at);
		if (place)
			err = found_at(watches, place,
				       xsp_path_levels_below(path, parts.at, path, len));
	}
	if (watches->n_found > 1)
		qsort(watches->found, watches->n_found, sizeof(struct watch *), compare_numbers);
	return err;
}

int watches_match_exact(struct watches *watches, const char *path, size_t len)
{
	const struct watch_place *place = find_place(watches, path, len);
	int err;

	watches->n_found = 0;
	if (!place)
		return 0;
	err = found_at(watches, place, 0);
	if (watches->n_found > 1)
		qsort(watches->found, watches->n_found, sizeof(struct watch *), compare_numbers);
	return err;
}

static struct watch_place *if_below(struct watch_place *place, const char *path, size_t len)
{
	return place && xsp_path_is_below(path, len, place->path, place->path_len) ? place : NULL;
}

struct watch_place *watches_below(struct watches *watches, const char *path, size_t len)
{
	struct watch_place top = { .path = path, .path_len = len };
	struct watch_place *place = RB_NFIND(watch_order, &watches->order, &top);

	if (place && compare_places(place, &top) == 0)
		return watches_next_below(place, path, len);
	return if_below(place, path, len);
}

struct watch_place *watches_next_below(struct watch_place *place, const char *path, size_t len)
{
	return if_below(RB_NEXT(watch_order, unused, place), path, len);
}
