/* SPDX-License-Identifier: MIT */
#include "protocol/path.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/check.h"

static const char base[] = "/local/domain/5";

/* What `path` becomes as the name of a node for domain 5, or NULL. */
static const char *node(const char *path)
{
	static char out[XSP_PATH_BUF];
	size_t len = xsp_path_resolve(path, base, XSP_PATH_NODE, out);

	if (len == 0)
		return NULL;
	CHECK_UINT(len, strlen(out));
	return out;
}

static const char *event(const char *path)
{
	static char out[XSP_PATH_BUF];
	size_t len = xsp_path_resolve(path, base, XSP_PATH_EVENT, out);

	if (len == 0)
		return NULL;
	CHECK_UINT(len, strlen(out));
	return out;
}

TEST(base_is_the_home_of_the_domain)
{
	char out[XSP_PATH_BASE_MAX];

	CHECK_UINT(xsp_path_base(out, 0), 15);
	CHECK_STR(out, "/local/domain/0");
	CHECK_UINT(xsp_path_base(out, 65535), 19);
	CHECK_STR(out, "/local/domain/65535");
}

TEST(absolute_paths_stay_as_they_are)
{
	CHECK_STR(node("/"), "/");
	CHECK_STR(node("/a"), "/a");
	CHECK_STR(node("/a/b-c/D_9/@x"), "/a/b-c/D_9/@x");
}

TEST(relative_paths_get_the_base)
{
	CHECK_STR(node("data"), "/local/domain/5/data");
	CHECK_STR(node("data/x@y"), "/local/domain/5/data/x@y");
	CHECK_STR(event("data"), "/local/domain/5/data");
}

TEST(every_legal_character_passes_and_no_other)
{
	char path[] = "/x";

	for (int c = 1; c < 256; c++) {
		bool is_legal = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
				(c >= '0' && c <= '9') || c == '-' || c == '_' || c == '@';

		path[1] = (char)c;
		if ((node(path) != NULL) != is_legal)
			CHECK_FAIL("character 0x%02x", (unsigned)c);
	}
}

TEST(malformed_paths_are_refused)
{
	static const char *const bad[] = {
		"",
		"/a/",
		"//a",
		"/a//b",
		"/a.b",
		"/a b",
		"a/",
		".",
		"/~a",
		"/a:b",
		"/a+b",
		"//",
		"a//b",
		"/local/domain/",
		"/local/domain//",
		"/local/domain/0/",
		"/a/b/",
		"\xc3\xa4",
		"/a\n",
		"///",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (node(bad[i]))
			CHECK_FAIL("\"%s\" passed as a node", bad[i]);
		if (event(bad[i]))
			CHECK_FAIL("\"%s\" passed as an event", bad[i]);
	}
}

TEST(special_paths_are_no_nodes)
{
	CHECK(!node("@releaseDomain"));
	CHECK(!node("@"));
	CHECK_STR(event("@releaseDomain"), "@releaseDomain");
	CHECK_STR(event("@releaseDomain/5"), "@releaseDomain/5");
	CHECK_STR(event("@foo"), "@foo");
	CHECK(!event("@foo/"));
	CHECK(!event("@foo//5"));
	CHECK(!event("@foo bar"));
}

TEST(paths_end_at_the_absolute_limit)
{
	char path[XSP_PATH_BUF + 16];

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[XSP_PATH_ABS_MAX] = '\0';
	CHECK(node(path) != NULL);
	path[XSP_PATH_ABS_MAX] = 'x';
	path[XSP_PATH_ABS_MAX + 1] = '\0';
	CHECK(!node(path));
}

TEST(the_limit_counts_the_base)
{
	char path[XSP_PATH_BUF + 16];
	size_t room = XSP_PATH_ABS_MAX - strlen(base) - 1;

	memset(path, 'x', sizeof(path));
	path[room] = '\0';
	CHECK(node(path) != NULL);
	path[room] = 'x';
	path[room + 1] = '\0';
	CHECK(!node(path));
}

TEST(much_longer_paths_are_refused_without_being_copied)
{
	static char path[XSP_PAYLOAD_MAX + 1];
	struct {
		char out[XSP_PATH_BUF];
		char guard[8];
	} place;

	memset(path, '/', sizeof(path) - 1);
	memset(place.guard, 0x55, sizeof(place.guard));
	CHECK_UINT(xsp_path_resolve(path, base, XSP_PATH_NODE, place.out), 0);
	memset(path, 'a', sizeof(path) - 1);
	CHECK_UINT(xsp_path_resolve(path, base, XSP_PATH_NODE, place.out), 0);
	for (size_t i = 0; i < sizeof(place.guard); i++)
		CHECK_UINT(place.guard[i], 0x55);
}

TEST(quota_length_leaves_a_home_out)
{
	static const struct {
		const char *path;
		size_t len;
	} cases[] = {
		{ "/a", 2 },
		{ "/local/domain/5/data", 4 },
		{ "/local/domain/65535/x", 1 },
		{ "/local/domain/00001/x", 1 },
		{ "/local/domain/5", 15 },
		{ "/local/domain", 13 },
		{ "/local/domain/123456/x", 22 },
		{ "/local/domain/x/y", 17 },
		{ "/local/domain/5x/y", 18 },
		{ "/local/domains/5/y", 18 },
		{ "/", 1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = xsp_path_quota_len(cases[i].path, strlen(cases[i].path));

		if (len != cases[i].len)
			CHECK_FAIL("%s counts %zu, expected %zu", cases[i].path, len, cases[i].len);
	}
}

TEST(only_an_at_sign_in_front_makes_a_path_special)
{
	CHECK(xsp_path_is_special("@releaseDomain"));
	CHECK(!xsp_path_is_special("/@releaseDomain"));
	CHECK(!xsp_path_is_special("a@b"));
	CHECK(!xsp_path_is_special(""));
}

static void check_parent(const char *path, const char *parent, const char *leaf)
{
	size_t len = strlen(path), parent_len = xsp_path_parent_len(path, len);

	CHECK_BYTES(path, parent_len, parent, strlen(parent));
	CHECK_STR(xsp_path_leaf(path, len), leaf);
}

TEST(parent_and_leaf_take_a_path_apart)
{
	check_parent("/", "/", "");
	check_parent("/a", "/", "a");
	check_parent("/a/b", "/a", "b");
	check_parent("/local/domain/5", "/local/domain", "5");
	check_parent("/a/@b", "/a", "@b");
	check_parent("@releaseDomain/5", "@releaseDomain", "5");
}

static int levels(const char *top, const char *path)
{
	return xsp_path_levels_below(top, strlen(top), path, strlen(path));
}

TEST(levels_count_from_the_top)
{
	CHECK_INT(levels("/", "/"), 0);
	CHECK_INT(levels("/", "/x"), 1);
	CHECK_INT(levels("/", "/x/y"), 2);
	CHECK_INT(levels("/a", "/a"), 0);
	CHECK_INT(levels("/a", "/a/b"), 1);
	CHECK_INT(levels("/a", "/a/b/c/d"), 3);
	CHECK_INT(levels("@releaseDomain", "@releaseDomain"), 0);
	CHECK_INT(levels("@releaseDomain", "@releaseDomain/5"), 1);
}

TEST(neighbours_and_ancestors_are_not_below)
{
	CHECK_INT(levels("/a", "/ab"), -1);
	CHECK_INT(levels("/a", "/ab/c"), -1);
	CHECK_INT(levels("/a/b", "/a"), -1);
	CHECK_INT(levels("/a/b", "/a/c"), -1);
	CHECK_INT(levels("/ab", "/a"), -1);
	CHECK_INT(levels("/a", "/"), -1);
	CHECK_INT(levels("/releaseDomain", "@releaseDomain"), -1);
}

TEST(special_paths_are_not_below_the_root)
{
	CHECK_INT(levels("/", "@releaseDomain"), -1);
	CHECK_INT(levels("/", "@introduceDomain/5"), -1);
}

static bool is_below(const char *top, const char *path)
{
	return xsp_path_is_below(top, strlen(top), path, strlen(path));
}

TEST(below_is_strict_and_by_whole_parts)
{
	CHECK(is_below("/", "/a"));
	CHECK(is_below("/a", "/a/b/c"));
	CHECK(!is_below("/", "/"));
	CHECK(!is_below("/a", "/a"));
	CHECK(!is_below("/a", "/ab"));
	CHECK(!is_below("/a/b", "/a"));
	CHECK(!is_below("/", "@releaseDomain"));
}

TEST(paths_are_in_the_order_of_a_walk)
{
	static const char *const walk[] = { "/",   "/a",    "/a/b", "/a/b/c", "/a/b-", "/a/c",
					    "/a-", "/a-/x", "/a0",  "/b",     "@a",    "@b" };
	const size_t n = sizeof(walk) / sizeof(walk[0]);

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < n; k++) {
			int order = xsp_path_compare(walk[i], strlen(walk[i]), walk[k],
						     strlen(walk[k]));

			CHECK_INT((order > 0) - (order < 0), (i > k) - (i < k));
		}
	}
}
