/* SPDX-License-Identifier: MIT */
#include "tools/json.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/check.h"
#include "tools/dump.h"
#include "tools/json_in.h"
#include "tools/mem.h"

/* ---- writing ---- */

static void check_value(const char *value, size_t len, const char *expected)
{
	char *text = NULL;
	size_t text_len;
	FILE *out = open_memstream(&text, &text_len);

	CHECK(out != NULL);
	json_put_value(out, value, len);
	CHECK_INT(fclose(out), 0);
	CHECK_STR(text, expected);
	free(text);
}

TEST(text_becomes_a_string)
{
	check_value("", 0, "\"value\":\"\"");
	check_value("a\"b\\c/d", 7, "\"value\":\"a\\\"b\\\\c/d\"");
	check_value("\0\t\n\r\x1b\x7f", 6, "\"value\":\"\\u0000\\t\\n\\u000d\\u001b\\u007f\"");
	check_value("\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0", 8,
		    "\"value\":\"\\u0080\\u009b\\u009f\xc2\xa0\"");
	check_value("gr\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", 11,
		    "\"value\":\"gr\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\"");
}

TEST(bytes_that_are_no_text_become_base64)
{
	check_value("\xff", 1, "\"base64\":\"/w==\"");
	check_value("\xff\xfe", 2, "\"base64\":\"//4=\"");
	check_value("\xff\xfe\x00", 3, "\"base64\":\"//4A\"");
	check_value("\xff\xfe\x00g", 4, "\"base64\":\"//4AZw==\"");
}

TEST(utf8_is_checked_strictly)
{
	static const struct {
		const char *bytes;
		bool is_utf8;
	} rows[] = {
		{ "", true },
		{ "\x7f", true },
		{ "\xc2\x80", true },
		{ "\xed\x9f\xbf", true },
		{ "\xee\x80\x80", true },
		{ "\xf4\x8f\xbf\xbf", true },
		{ "\x80", false },
		{ "\xc0\x80", false },         /* longer than need be */
		{ "\xc1\xbf", false },         /* longer than need be */
		{ "\xe0\x9f\xbf", false },     /* longer than need be */
		{ "\xf0\x8f\xbf\xbf", false }, /* longer than need be */
		{ "\xed\xa0\x80", false },     /* half a surrogate pair */
		{ "\xf4\x90\x80\x80", false }, /* beyond Unicode */
		{ "\xf5\x80\x80\x80", false }, /* beyond Unicode */
		{ "\xc3", false },             /* cut */
		{ "\xe2\x82", false },         /* cut */
		{ "\xe2\x82x", false },        /* cut */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK_INT(json_is_utf8(rows[i].bytes, strlen(rows[i].bytes)), rows[i].is_utf8);
}

TEST(permissions_are_a_letter_and_a_number)
{
	static const struct xs_permissions perms[] = {
		{ 0, XS_PERM_NONE },
		{ 5, XS_PERM_READ },
		{ 65535, XS_PERM_WRITE },
		{ (unsigned)-1, XS_PERM_READ | XS_PERM_WRITE | XS_PERM_IGNORE },
	};
	static const char *const texts[] = { "n0", "r5", "w65535", "b-1" };
	char text[PERM_TEXT_MAX];

	for (size_t i = 0; i < 4; i++) {
		perm_format(&perms[i], text);
		CHECK_STR(text, texts[i]);
	}
}

/* ---- reading ---- */

static char *parse_string(const char *text, size_t *out_len, const char **out_defect)
{
	struct json_in in;
	char *bytes;

	json_in_init(&in, text, strlen(text));
	bytes = json_in_string(&in, out_len);
	json_in_end(&in);
	*out_defect = in.defect;
	return bytes;
}

TEST(strings_are_read)
{
	static const struct {
		const char *text, *bytes;
		size_t len;
	} rows[] = {
		{ "\"\"", "", 0 },
		{ " \"a b\" ", "a b", 3 },
		{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8 },
		{ "\"\\u0000\\u0041\\u00fc\\u20AC\"", "\0A\xc3\xbc\xe2\x82\xac", 7 },
		{ "\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80", 4 },
		{ "\"gr\xc3\xbc\"", "gr\xc3\xbc", 4 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *defect;
		size_t len;
		char *bytes = parse_string(rows[i].text, &len, &defect);

		CHECK(defect == NULL);
		CHECK_BYTES(bytes, len, rows[i].bytes, rows[i].len);
		free(bytes);
	}
}

TEST(broken_strings_are_refused)
{
	static const char *const rows[] = {
		"",
		"x",
		"\"",
		"\"abc",
		"\"abc\\",
		"\"abc\\\"",
		"\"\\x41\"",
		"\"\\u12\"",
		"\"\\u12g4\"",
		"\"\\ud800\"",
		"\"\\ud800x\"",
		"\"\\ud800\\u0041\"",
		"\"\\udc00\"",
		"\"\n\"",
		"\"\xff\"",
		"\"a\" b",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *defect;
		size_t len;

		free(parse_string(rows[i], &len, &defect));
		CHECK(defect != NULL);
	}
}

/* ---- trees ---- */

static const char *parse(const char *text, struct tree *tree, size_t *out_line)
{
	tree_init(tree, "/top");
	return dump_parse(text, strlen(text), true, tree, out_line);
}

TEST(a_tree_is_read_whatever_the_order_of_members)
{
	struct tree tree;
	size_t line;

	CHECK(parse("{\"nodes\":[{\"perms\":[\"n0\",\"b5\"],\"value\":\"v\",\"path\":\"\"},"
		    "{\"later\":[{\"x\":[1,-2.5e3,true,null]}],\"path\":\"a/b\",\"base64\":\"/"
		    "w==\","
		    "\"perms\":[\"r65535\"]}],\"more\":{},\"xenstore-export\":1}\n",
		    &tree, &line) == NULL);
	CHECK_UINT(tree.n, 2);
	CHECK_STR(tree.nodes[0].path, "");
	CHECK_UINT(tree.nodes[0].depth, 0);
	CHECK_STR(tree.nodes[0].value, "v");
	CHECK_UINT(tree.nodes[0].n_perms, 2);
	CHECK_UINT(tree.nodes[0].perms[1].id, 5);
	CHECK_UINT(tree.nodes[0].perms[1].perms, XS_PERM_READ | XS_PERM_WRITE);
	CHECK_STR(tree.nodes[1].path, "a/b");
	CHECK_UINT(tree.nodes[1].depth, 2);
	CHECK_BYTES(tree.nodes[1].value, tree.nodes[1].len, "\xff", 1);
	tree_fini(&tree);
}

#define NODE(members) "{\"xenstore-export\":1,\n\"nodes\":[\n{" members "}]}"

TEST(anything_else_is_refused_and_its_line_told)
{
	static const struct {
		const char *text;
		size_t line;
	} rows[] = {
		{ "", 1 },
		{ "[]", 1 },
		{ "{}", 1 },
		{ "{\"xenstore-export\":1}", 1 },
		{ "{\"nodes\":[]}", 1 },
		{ "{\"xenstore-export\":2,\"nodes\":[]}", 1 },
		{ "{\"xenstore-export\":1,\"nodes\":[]} x", 1 },
		{ "{\"xenstore-export\":1,\"nodes\":[", 1 },
		{ "{\"xenstore-export\":1 \"nodes\":[]}", 1 },
		{ NODE(""), 3 },
		{ NODE("\"path\":\"a\",\"value\":\"\""), 3 },
		{ NODE("\"path\":\"a\",\"perms\":[\"n0\"]"), 3 },
		{ NODE("\"value\":\"a\",\"perms\":[\"n0\"]"), 3 },
		{ NODE("\"path\":\"a\",\"value\":\"\",\"perms\":[]"), 3 },
		{ NODE("\"path\":\"a\",\"value\":\"\",\"perms\":[\"x0\"]"), 3 },
		{ NODE("\"path\":\"a\",\"value\":\"\",\"perms\":[\"\"]"), 3 },
		{ NODE("\"path\":\"a\",\"value\":\"\",\"perms\":[\"n\"]"), 3 },
		{ NODE("\"path\":\"a\",\"value\":\"\",\"perms\":[\"n-1\"]"), 3 },
		{ NODE("\"path\":\"a\",\"value\":\"\",\"perms\":[\"n65536\"]"), 3 },
		{ NODE("\"path\":\"a\",\"value\":\"\",\"perms\":[\"n000000000000000000001\"]"), 3 },
		{ NODE("\"path\":\"/a\",\"value\":\"\",\"perms\":[\"n0\"]"), 3 },
		{ NODE("\"path\":\"@a\",\"value\":\"\",\"perms\":[\"n0\"]"), 3 },
		{ NODE("\"path\":\"a\\u0000b\",\"value\":\"\",\"perms\":[\"n0\"]"), 3 },
		{ NODE("\"path\":\"a\",\"base64\":\"/w=\",\"perms\":[\"n0\"]"), 3 },
		{ NODE("\"path\":\"a\",\"base64\":\"/w=w\",\"perms\":[\"n0\"]"), 3 },
		{ NODE("\"path\":\"a\",\"base64\":\"====\",\"perms\":[\"n0\"]"), 3 },
		{ NODE("\"path\":\"a\",\"base64\":\"a_-b\",\"perms\":[\"n0\"]"), 3 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tree tree;
		size_t line;

		CHECK(parse(rows[i].text, &tree, &line) != NULL);
		CHECK_UINT(line, rows[i].line);
		tree_fini(&tree);
	}
}

TEST(nesting_without_end_is_refused)
{
	struct tree tree;
	size_t line;
	char text[4096] = "{\"x\":";

	memset(text + 5, '[', sizeof(text) - 6);
	CHECK(parse(text, &tree, &line) != NULL);
	tree_fini(&tree);
}

/* A node whose value is all bytes from `first` on, `len` of them. */
static void add_node(struct tree *tree, unsigned first, size_t len)
{
	struct tree_node *node;
	char path[32];

	snprintf(path, sizeof(path), "n%u-%zu", first, len);
	node = tree_add(tree, mem_string(path));
	node->depth = 1;
	node->value = mem_alloc(len);
	for (size_t i = 0; i < len; i++)
		node->value[i] = (char)(first + i);
	node->len = len;
	node->perms = mem_alloc(2 * sizeof(*node->perms));
	node->perms[0] = (struct xs_permissions){ .id = first, .perms = first & 3U };
	node->perms[1] = (struct xs_permissions){ .id = 65535 - first, .perms = XS_PERM_WRITE };
	node->n_perms = 2;
}

TEST(what_is_written_can_be_read_to_the_byte)
{
	struct tree tree, copy;
	char *text = NULL;
	size_t len, line;
	FILE *out = open_memstream(&text, &len);

	CHECK(out != NULL);
	tree_init(&tree, "/top");
	for (unsigned first = 0; first < 256; first++) {
		for (size_t n = 0; n < 6; n++)
			add_node(&tree, first, n);
	}
	add_node(&tree, 0, 4000);
	dump_put(out, &tree);
	CHECK_INT(fclose(out), 0);

	CHECK(parse(text, &copy, &line) == NULL);
	CHECK_UINT(copy.n, tree.n);
	for (size_t i = 0; i < tree.n; i++) {
		CHECK_STR(copy.nodes[i].path, tree.nodes[i].path);
		CHECK_BYTES(copy.nodes[i].value, copy.nodes[i].len, tree.nodes[i].value,
			    tree.nodes[i].len);
		CHECK_BYTES(copy.nodes[i].perms, copy.nodes[i].n_perms * sizeof(*copy.nodes->perms),
			    tree.nodes[i].perms,
			    tree.nodes[i].n_perms * sizeof(*tree.nodes->perms));
	}
	tree_fini(&tree);
	tree_fini(&copy);
	free(text);
}

/* Cut anywhere, no text is a tree, and nothing is read beyond its end. */
TEST(a_cut_tree_is_refused)
{
	static const char whole[] =
		NODE("\"path\":\"a\\u0041\",\"base64\":\"/w==\",\"perms\":[\"n0\"]");

	for (size_t len = 0; len + 1 < sizeof(whole); len++) {
		char *text = malloc(len + 1);
		struct tree tree;
		size_t line;

		CHECK(text != NULL);
		memcpy(text, whole, len);
		tree_init(&tree, "/top");
		CHECK(dump_parse(text, len, true, &tree, &line) != NULL);
		tree_fini(&tree);
		free(text);
	}
}
