/* SPDX-License-Identifier: MIT */
#include "xenstored/core/watch.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/check.h"
#include "xenstored/core/client.h"

enum { MANY = 5000 };

static struct client client, other;
static struct watches watches;

static struct watch *add(const char *path, const char *token, int depth)
{
	struct watch *watch = watch_add(&watches, &client, path, strlen(path), token, depth);

	CHECK(watch != NULL);
	TAILQ_INSERT_TAIL(&client.watches, watch, of_client);
	return watch;
}

static void begin(void)
{
	watches_init(&watches, 7);
	TAILQ_INIT(&client.watches);
}

static void end(void)
{
	struct watch *watch;

	while ((watch = TAILQ_FIRST(&client.watches))) {
		TAILQ_REMOVE(&client.watches, watch, of_client);
		watch_remove(&watches, watch);
	}
	CHECK_UINT(watches.n, 0);
	CHECK_UINT(watches.places.n, 0);
	CHECK_UINT(watches.by_owner.n, 0);
	watches_fini(&watches);
}

/* The tokens that were found, in order. */
static const char *tokens(void)
{
	static char text[256];
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < watches.n_found; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i ? " " : "",
					watch_token(watches.found[i]));
	return text;
}

static const char *match(const char *path)
{
	CHECK_INT(watches_match(&watches, path, strlen(path)), 0);
	return tokens();
}

TEST(a_watch_hears_of_its_path_and_all_below)
{
	begin();
	add("/a/b", "t", WATCH_DEPTH_ANY);
	CHECK_STR(match("/a/b"), "t");
	CHECK_STR(match("/a/b/c/d/e"), "t");
	CHECK_STR(match("/a"), "");
	CHECK_STR(match("/"), "");
	CHECK_STR(match("/a/bc"), "");
	CHECK_STR(match("/b"), "");
	end();
}

TEST(a_depth_says_how_far_below_a_watch_hears)
{
	begin();
	add("/", "root1", 1);
	add("/a", "a0", 0);
	add("/a", "a1", 1);
	add("/a", "a2", 2);
	CHECK_STR(match("/"), "root1");
	CHECK_STR(match("/a"), "root1 a0 a1 a2");
	CHECK_STR(match("/a/b"), "a1 a2");
	CHECK_STR(match("/a/b/c"), "a2");
	CHECK_STR(match("/a/b/c/d"), "");
	end();
}

TEST(matches_come_in_order_of_registration)
{
	begin();
	add("/a/b", "1", WATCH_DEPTH_ANY);
	add("/", "2", WATCH_DEPTH_ANY);
	add("/a", "3", WATCH_DEPTH_ANY);
	add("/a/b", "4", WATCH_DEPTH_ANY);
	CHECK_STR(match("/a/b"), "1 2 3 4");
	CHECK_STR(match("/a"), "2 3");
	end();
}

TEST(only_the_exact_path_matches_exactly)
{
	begin();
	add("/", "r", WATCH_DEPTH_ANY);
	add("/a", "a", 0);
	add("/a/b", "b", WATCH_DEPTH_ANY);
	CHECK_INT(watches_match_exact(&watches, "/a", 2), 0);
	CHECK_STR(tokens(), "a");
	CHECK_INT(watches_match_exact(&watches, "/a/x", 4), 0);
	CHECK_STR(tokens(), "");
	end();
}

TEST(special_paths_are_apart_from_the_root)
{
	begin();
	add("/", "r", WATCH_DEPTH_ANY);
	add("@releaseDomain", "s", 1);
	add("@releaseDomain", "s0", 0);
	add("@releaseDomain/5", "five", WATCH_DEPTH_ANY);
	CHECK_STR(match("@releaseDomain"), "s s0");
	CHECK_STR(match("@releaseDomain/5"), "s five");
	CHECK_STR(match("/releaseDomain"), "r");
	end();
}

TEST(a_removed_watch_hears_nothing_and_leaves_others_alone)
{
	struct watch *gone;

	begin();
	add("/a", "above", WATCH_DEPTH_ANY);
	gone = add("/a/b", "gone", WATCH_DEPTH_ANY);
	add("/a/b/c", "below", WATCH_DEPTH_ANY);
	TAILQ_REMOVE(&client.watches, gone, of_client);
	watch_remove(&watches, gone);
	CHECK(!watch_find(&watches, &client, "/a/b", 4, "gone"));
	CHECK_STR(match("/a/b/c"), "above below");
	end();
}

/* The watched places below a path, in order, by the token of the first watch of each. */
static const char *below(const char *path)
{
	static char text[64];
	size_t len = strlen(path), used = 0;
	struct watch_place *place = watches_below(&watches, path, len);

	text[0] = '\0';
	for (; place; place = watches_next_below(place, path, len))
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", used ? " " : "",
					 watch_token(TAILQ_FIRST(&place->watches)));
	return text;
}

TEST(places_strictly_below_a_path_are_found_in_order)
{
	begin();
	add("/", "root", WATCH_DEPTH_ANY);
	add("/d", "d", WATCH_DEPTH_ANY);
	add("/a-b", "a-b", WATCH_DEPTH_ANY);
	add("/a", "a", WATCH_DEPTH_ANY);
	add("/a/x/y/b", "b", 0);
	add("/a/c", "c", 0);
	add("/a/c", "c2", 0);
	add("/a/c/e", "e", 0);
	add("/a/c-d", "c-d", 0);
	add("@releaseDomain", "special", 0);
	CHECK_STR(below("/a"), "c e c-d b");
	CHECK_STR(below("/a/c"), "e");
	CHECK_STR(below("/a/x"), "b");
	CHECK_STR(below("/a/c-d"), "");
	CHECK_STR(below("/nowhere"), "");
	CHECK_STR(below("/"), "a c e c-d b a-b d");
	CHECK_STR(below("@releaseDomain"), "");
	end();
}

/* Nobody pays for the parts of a path, so these must cost nothing. */
TEST(a_deep_path_is_one_place)
{
	char path[2048];

	for (size_t i = 0; i < sizeof(path); i += 2) {
		path[i] = '/';
		path[i + 1] = 'a';
	}
	path[sizeof(path) - 1] = '\0';
	begin();
	add(path, "deep", WATCH_DEPTH_ANY);
	add("/a", "top", WATCH_DEPTH_ANY);
	CHECK_UINT(watches.places.n, 2);
	CHECK_STR(match(path), "deep top");
	CHECK_STR(below("/a"), "deep");
	end();
}

TEST(a_watch_is_found_by_client_path_and_token)
{
	struct watch *watch;

	begin();
	watch = add("/a", "t", WATCH_DEPTH_ANY);
	CHECK(watch_find(&watches, &client, "/a", 2, "t") == watch);
	CHECK(!watch_find(&watches, &other, "/a", 2, "t"));
	CHECK(!watch_find(&watches, &client, "/a", 2, "t2"));
	CHECK(!watch_find(&watches, &client, "/a", 2, ""));
	CHECK(!watch_find(&watches, &client, "/", 1, "t"));
	CHECK(!watch_find(&watches, &client, "/a/b", 4, "t"));
	end();
}

TEST(a_watch_is_found_among_thousands_on_one_path)
{
	static struct watch *added[MANY];
	char token[16];

	begin();
	for (int i = 0; i < MANY; i++) {
		snprintf(token, sizeof(token), "t%d", i);
		added[i] = add("/a/b", token, WATCH_DEPTH_ANY);
	}
	for (int i = 0; i < MANY; i++) {
		snprintf(token, sizeof(token), "t%d", i);
		CHECK(watch_find(&watches, &client, "/a/b", 4, token) == added[i]);
	}
	CHECK_INT(watches_match(&watches, "/a/b/c", 6), 0);
	CHECK_UINT(watches.n_found, MANY);
	for (int i = 0; i < MANY; i++)
		CHECK(watches.found[i] == added[i]);
	end();
}

TEST(removing_a_watch_gives_its_charges_back)
{
	struct ledger ledger = { 0 };
	struct watch *watch;

	begin();
	watch = add("/a", "t", WATCH_DEPTH_ANY);
	CHECK_INT(charge_take(&watch->count, &ledger, QUOTA_WATCHES, 1), 0);
	CHECK_INT(charge_take(&watch->memory, &ledger, QUOTA_MEMORY, 40), 0);
	end();
	CHECK_UINT(ledger.used[QUOTA_WATCHES], 0);
	CHECK_UINT(ledger.used[QUOTA_MEMORY], 0);
}
