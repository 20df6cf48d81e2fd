/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libxs/include/xenstore_async.h"
#include "protocol/wire.h"
#include "tests/libxs/mini.h"
#include "tests/libxs/peer.h"
#include "tests/support/check.h"

enum { WITH_ALL = XSA_TREE_VALUES | XSA_TREE_PERMISSIONS };

static struct mini *mini;
static struct xsa *xsa;

static void begin(const struct mini_options *options)
{
	mini = mini_start(options);
	xsa = xsa_open(0);
	CHECK(xsa != NULL);
}

static void end(void)
{
	xsa_close(xsa);
	mini_stop(mini);
}

/* A tree as text: "path=value(permissions);" per node. */
struct picture {
	char text[64 * 1024];
	size_t len;
	unsigned n_nodes, n_done;
	int error;
	const char *prune, *stop, *close;
};

static void draw_perms(struct picture *picture, const struct xsa_node *node)
{
	static const char letters[] = "nrwb";

	for (size_t i = 0; i < node->n_perms; i++)
		picture->len +=
			(size_t)snprintf(picture->text + picture->len, 32, "%c%u",
					 letters[node->perms[i].perms & 3], node->perms[i].id);
}

static enum xsa_tree_next draw(void *arg, const struct xsa_node *node)
{
	struct picture *picture = arg;
	unsigned depth = *node->path ? 1 : 0;

	for (const char *at = node->path; *at; at++)
		depth += *at == '/';
	CHECK_UINT(node->depth, depth);
	CHECK_INT(node->value[node->len], 0);
	CHECK(!strcmp(node->path + strlen(node->path) - strlen(node->name), node->name));
	picture->n_nodes++;
	if (picture->len < sizeof(picture->text) - 5000) {
		picture->len += (size_t)snprintf(picture->text + picture->len, 5000, "%s=%.*s(",
						 node->path, (int)node->len, node->value);
		draw_perms(picture, node);
		picture->len += (size_t)snprintf(picture->text + picture->len, 3, ");");
	}
	if (picture->close && !strcmp(node->path, picture->close))
		xsa_close(xsa);
	if (picture->stop && !strcmp(node->path, picture->stop))
		return XSA_TREE_STOP;
	if (picture->prune && !strcmp(node->path, picture->prune))
		return XSA_TREE_PRUNE;
	return XSA_TREE_CONTINUE;
}

static void note_done(void *arg, const struct xsa_result *result)
{
	struct picture *picture = arg;

	picture->n_done++;
	picture->error = result->error;
}

static void put(const char *path, const char *value)
{
	CHECK_INT(xsa_write(xsa, XBT_NULL, path, value, strlen(value), NULL, NULL), 0);
}

static void plant(void)
{
	struct xs_permissions perms[] = { { 5, 0 }, { 6, 1 } };

	put("/t/a", "1");
	put("/t/a/x", "2");
	put("/t/a/x/deep", "3");
	put("/t/a/y", "");
	put("/t/a-b", "4");
	put("/t/b/c", "5");
	CHECK_INT(xsa_set_permissions(xsa, XBT_NULL, "/t/a/y", perms, 2, NULL, NULL), 0);
	CHECK_INT(xsa_drain(xsa), 0);
}

static struct picture picture;

static void look(const char *path, int depth, unsigned what)
{
	picture.len = picture.n_nodes = picture.n_done = 0;
	picture.text[0] = '\0';
	picture.error = -1;
	CHECK_INT(xsa_tree(xsa, XBT_NULL, path, depth, what, draw, note_done, &picture), 0);
	CHECK_INT(xsa_drain(xsa), 0);
	CHECK_UINT(picture.n_done, 1);
}

/* The same results are asked of every kind of server. */
static const struct mini_options servers[] = {
	{ .has_tree = true, .has_parts = true },
	{ .has_tree = true, .has_parts = true, .inline_max = 1 },
	{ .has_tree = false, .has_parts = true },
	{ .has_tree = false, .has_parts = true, .chunk = 3 },
};

enum { N_SERVERS = sizeof(servers) / sizeof(servers[0]) };

TEST(a_tree_comes_parents_first_with_all_asked_for)
{
	for (int i = 0; i < N_SERVERS; i++) {
		begin(&servers[i]);
		plant();
		look("/t", XSA_DEPTH_ALL, WITH_ALL);
		CHECK_INT(picture.error, 0);
		CHECK_STR(picture.text, "=(n0);a=1(n0);a/x=2(n0);a/x/deep=3(n0);a/y=(n5r6);"
					"a-b=4(n0);b=(n0);b/c=5(n0);");
		look("/t", XSA_DEPTH_ALL, 0);
		CHECK_STR(picture.text, "=();a=();a/x=();a/x/deep=();a/y=();a-b=();b=();b/c=();");
		look("/t/a", XSA_DEPTH_ALL, XSA_TREE_VALUES);
		CHECK_STR(picture.text, "=1();x=2();x/deep=3();y=();");
		look("/", XSA_DEPTH_ALL, 0);
		CHECK_STR(picture.text, "=();t=();t/a=();t/a/x=();t/a/x/deep=();t/a/y=();t/a-b=();"
					"t/b=();t/b/c=();");
		end();
	}
}

TEST(a_tree_may_be_cut_at_a_depth)
{
	for (int i = 0; i < N_SERVERS; i++) {
		begin(&servers[i]);
		plant();
		look("/t", 0, XSA_TREE_VALUES);
		CHECK_STR(picture.text, "=();");
		look("/t", 1, XSA_TREE_VALUES);
		CHECK_STR(picture.text, "=();a=1();a-b=4();b=();");
		look("/t", 2, XSA_TREE_VALUES);
		CHECK_STR(picture.text, "=();a=1();a/x=2();a/y=();a-b=4();b=();b/c=5();");
		look("/t", 3, 0);
		CHECK_UINT(picture.n_nodes, 8);
		end();
	}
}

TEST(branches_may_be_pruned_and_walks_stopped)
{
	for (int i = 0; i < N_SERVERS; i++) {
		begin(&servers[i]);
		plant();
		picture.prune = "a";
		look("/t", XSA_DEPTH_ALL, WITH_ALL);
		CHECK_STR(picture.text, "=(n0);a=1(n0);a-b=4(n0);b=(n0);b/c=5(n0);");
		CHECK_INT(picture.error, 0);
		picture.prune = "";
		look("/t", XSA_DEPTH_ALL, 0);
		CHECK_STR(picture.text, "=();");
		picture.prune = NULL;
		picture.stop = "a/x";
		look("/t", XSA_DEPTH_ALL, WITH_ALL);
		CHECK_STR(picture.text, "=(n0);a=1(n0);a/x=2(n0);");
		CHECK_INT(picture.error, ECANCELED);
		picture.stop = NULL;
		end();
	}
}

TEST(a_connection_may_be_closed_amid_a_tree)
{
	for (int i = 0; i < N_SERVERS; i++) {
		int err = 0;

		begin(&servers[i]);
		plant();
		picture = (struct picture){ .close = "a/x", .error = -1 };
		CHECK_INT(xsa_tree(xsa, XBT_NULL, "/t", XSA_DEPTH_ALL, WITH_ALL, draw, note_done,
				   &picture),
			  0);
		while (!err)
			err = xsa_wait(xsa, -1);
		CHECK_INT(err, ECANCELED);
		CHECK_UINT(picture.n_done, 1);
		CHECK_INT(picture.error, ECANCELED);
		CHECK_UINT(picture.n_nodes, 3);
		mini_stop(mini);
	}
}

TEST(a_tree_that_is_not_there_is_an_error)
{
	for (int i = 0; i < N_SERVERS; i++) {
		begin(&servers[i]);
		picture.close = NULL;
		look("/none", XSA_DEPTH_ALL, WITH_ALL);
		CHECK_INT(picture.error, ENOENT);
		CHECK_UINT(picture.n_nodes, 0);
		look("/none", 1, WITH_ALL);
		CHECK_INT(picture.error, ENOENT);
		CHECK_INT(xsa_tree(xsa, 0, "", -1, 0, draw, note_done, &picture), EINVAL);
		CHECK_INT(xsa_tree(xsa, 0, "/", -2, 0, draw, note_done, &picture), EINVAL);
		CHECK_INT(xsa_tree(xsa, 0, "/", -1, 99, draw, note_done, &picture), EINVAL);
		end();
	}
}

/* More nodes than messages may be in flight, directories longer than a message, many pages. */
TEST(large_trees_are_whole)
{
	static const unsigned breadth[] = { 700, 3 };
	char path[64];

	for (int i = 0; i < 3; i++) {
		begin(&servers[i]);
		for (unsigned a = 0; a < breadth[0]; a++) {
			for (unsigned b = 0; b < breadth[1]; b++) {
				snprintf(path, sizeof(path), "/t/dir-%04u/n%u", a, b);
				put(path, path);
			}
		}
		look("/t", XSA_DEPTH_ALL, WITH_ALL);
		CHECK_INT(picture.error, 0);
		CHECK_UINT(picture.n_nodes, 1 + breadth[0] * (1 + breadth[1]));
		CHECK(!strncmp(picture.text, "=(n0);dir-0000=(n0);dir-0000/n0=/t/dir-0000/n0(n0);",
			       51));
		look("/t", 1, 0);
		CHECK_UINT(picture.n_nodes, 1 + breadth[0]);
		/* One message brings many nodes, where the server has them. */
		if (servers[i].has_tree && !servers[i].inline_max)
			CHECK(mini_count(mini, XSP_CONTROL) < 100);
		if (servers[i].has_tree && !servers[i].inline_max)
			CHECK_UINT(mini_count(mini, XSP_READ), 0);
		end();
	}
}

TEST(several_trees_share_a_connection)
{
	static struct picture pictures[5];

	begin(&servers[2]);
	plant();
	for (int i = 0; i < 5; i++)
		CHECK_INT(xsa_tree(xsa, XBT_NULL, "/t", XSA_DEPTH_ALL, WITH_ALL, draw, note_done,
				   &pictures[i]),
			  0);
	CHECK_INT(xsa_drain(xsa), 0);
	for (int i = 0; i < 5; i++) {
		CHECK_UINT(pictures[i].n_done, 1);
		CHECK_UINT(pictures[i].n_nodes, 8);
	}
	end();
}

TEST(a_lost_server_ends_a_tree_once)
{
	for (int i = 0; i < N_SERVERS; i++) {
		begin(&servers[i]);
		plant();
		picture = (struct picture){ .error = -1 };
		CHECK_INT(xsa_tree(xsa, XBT_NULL, "/t", XSA_DEPTH_ALL, WITH_ALL, draw, note_done,
				   &picture),
			  0);
		mini_disconnect(mini);
		while (picture.n_done == 0 && xsa_wait(xsa, -1) == 0)
			;
		CHECK_UINT(picture.n_done, 1);
		end();
	}
}

/* ---- pages that no good server sends ---- */

struct page {
	const char *bytes;
	size_t len;
};

#define PAGE(text)                                                                                 \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}
#define TOP                                                                                        \
	"\0n0\0"                                                                                   \
	"0\0"

struct pages {
	struct page pages[3];
	int expected;
	unsigned n_nodes;
};

/* Sends the pages in turn, the last again and again; refuses everything else. */
static void send_pages(int fd, void *arg)
{
	char payload[XSP_PAYLOAD_MAX + 1];
	const struct pages *pages = arg;
	struct xsp_header request;
	size_t n = 0;

	while (peer_receive(fd, &request, payload)) {
		const struct page *page = &pages->pages[n];

		if (request.type != XSP_CONTROL) {
			peer_reply(fd, &request, XSP_ERROR, "EACCES", 7);
			continue;
		}
		if (!peer_reply(fd, &request, request.type, page->bytes, page->len))
			return;
		n += n < 2 && pages->pages[n + 1].bytes;
	}
}

TEST(pages_are_believed_only_as_far_as_they_make_sense)
{
	static const struct pages cases[] = {
		{ { PAGE(TOP), PAGE("") }, 0, 1 },
		{ { PAGE(TOP "a\0n0\0"
			     "1\0v"),
		    PAGE("a/b\0n0 r1\0"
			 "0\0"),
		    PAGE("") },
		  0,
		  3 },
		/* The same again, or something before it. */
		{ { PAGE(TOP) }, EPROTO, 1 },
		{ { PAGE(TOP "b\0n0\0"
			     "0\0"
			     "a\0n0\0"
			     "0\0") },
		  EPROTO,
		  0 },
		{ { PAGE(TOP "a-b\0n0\0"
			     "0\0"
			     "a/b\0n0\0"
			     "0\0") },
		  EPROTO,
		  0 },
		/* Lengths that lie, texts without an end, permissions that are none. */
		{ { PAGE(TOP "a\0n0\0"
			     "2\0v") },
		  EPROTO,
		  0 },
		{ { PAGE(TOP "a\0n0\0"
			     "-1\0v") },
		  EPROTO,
		  0 },
		{ { PAGE(TOP "a\0n0\0"
			     "4294967296\0v") },
		  EPROTO,
		  0 },
		{ { PAGE(TOP "a\0n0\0"
			     "1") },
		  EPROTO,
		  0 },
		{ { PAGE(TOP "a") }, EPROTO, 0 },
		{ { PAGE(TOP "a\0x0\0"
			     "0\0") },
		  EPROTO,
		  0 },
		{ { PAGE(TOP "a\0n0  r1\0"
			     "0\0") },
		  EPROTO,
		  0 },
		{ { PAGE(TOP "a\0n00000000000000\0"
			     "0\0") },
		  EPROTO,
		  0 },
		/* Not a tree at all: an old server. Then directories are asked for, and refused. */
		{ { PAGE("OK\0") }, EACCES, 0 },
		{ { PAGE("") }, EACCES, 0 },
		/* What does not fit is asked for; here that is refused, which is the node's trouble. */
		{ { PAGE("\0?\0?\0"), PAGE("") }, 0, 1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pages pages = cases[i];
		struct peer *peer = peer_start(send_pages, &pages);

		xsa = xsa_open(0);
		picture = (struct picture){ .error = -1 };
		look("/t", XSA_DEPTH_ALL, WITH_ALL);
		if (picture.error != cases[i].expected)
			CHECK_FAIL("case %zu: %s, expected %s", i, strerror(picture.error),
				   strerror(cases[i].expected));
		CHECK_UINT(picture.n_nodes, cases[i].n_nodes);
		xsa_close(xsa);
		peer_stop(peer);
	}
}

/* ---- directories that no good server has ---- */

static void send_names(int fd, void *arg)
{
	char payload[XSP_PAYLOAD_MAX + 1];
	struct xsp_header request;
	static const char names[] = "ok\0\0a/b\0/\0gone\0hidden";

	(void)arg;
	while (peer_receive(fd, &request, payload)) {
		if (request.type == XSP_CONTROL)
			peer_reply(fd, &request, XSP_ERROR, "EINVAL", 7);
		else if (request.type == XSP_DIRECTORY && !strcmp(payload, "/t"))
			peer_reply(fd, &request, request.type, names, sizeof(names));
		else if (strstr(payload, "gone"))
			peer_reply(fd, &request, XSP_ERROR, "ENOENT", 7);
		else if (strstr(payload, "hidden"))
			peer_reply(fd, &request, XSP_ERROR, "EACCES", 7);
		else
			peer_reply(fd, &request, request.type, "", 0);
	}
}

static unsigned n_hidden;

static enum xsa_tree_next note_hidden(void *arg, const struct xsa_node *node)
{
	if (!strcmp(node->path, "hidden")) {
		n_hidden++;
		CHECK_INT(node->value_error, EACCES);
		CHECK_INT(node->perms_error, EACCES);
		CHECK_INT(node->children_error, EACCES);
	}
	return draw(arg, node);
}

TEST(vanished_nodes_are_passed_over_and_hidden_ones_reported)
{
	struct peer *peer = peer_start(send_names, NULL);

	xsa = xsa_open(0);
	picture = (struct picture){ .error = -1 };
	CHECK_INT(xsa_tree(xsa, 0, "/t", XSA_DEPTH_ALL, WITH_ALL, note_hidden, note_done, &picture),
		  0);
	CHECK_INT(xsa_drain(xsa), 0);
	CHECK_INT(picture.error, 0);
	CHECK_STR(picture.text, "=();ok=();hidden=();");
	CHECK_UINT(n_hidden, 1);
	look("/t", 1, XSA_TREE_VALUES);
	CHECK_STR(picture.text, "=();ok=();hidden=();");
	xsa_close(xsa);
	peer_stop(peer);
}

static void endless(int fd, void *arg)
{
	char payload[XSP_PAYLOAD_MAX + 1];
	struct xsp_header request;

	(void)arg;
	while (peer_receive(fd, &request, payload)) {
		if (request.type == XSP_DIRECTORY)
			peer_reply(fd, &request, request.type, "a", 2);
		else
			peer_reply(fd, &request, XSP_ERROR, "EINVAL", 7);
	}
}

TEST(a_tree_without_a_ground_ends_where_paths_do)
{
	struct peer *peer = peer_start(endless, NULL);

	xsa = xsa_open(0);
	picture = (struct picture){ .error = -1 };
	look("/t", XSA_DEPTH_ALL, 0);
	CHECK_INT(picture.error, 0);
	CHECK(picture.n_nodes > 1000 && picture.n_nodes < 5000);
	xsa_close(xsa);
	peer_stop(peer);
}

/* A directory of two million names, which are short enough to be sent soon. */
static void crowd(int fd, void *arg)
{
	enum { NAMES_PER_PART = 2000, N_PARTS = 1000 };
	static char part[2 + 2 * NAMES_PER_PART + 1] = "7";
	char payload[XSP_PAYLOAD_MAX + 1];
	struct xsp_header request;
	unsigned n = 0;

	(void)arg;
	for (unsigned i = 0; i < NAMES_PER_PART; i++)
		part[2 + 2 * i] = 'a';
	while (peer_receive(fd, &request, payload)) {
		if (request.type == XSP_DIRECTORY_PART)
			peer_reply(fd, &request, request.type, part,
				   sizeof(part) - (++n < N_PARTS));
		else if (request.type == XSP_DIRECTORY && !strcmp(payload, "/t"))
			peer_reply(fd, &request, XSP_ERROR, "E2BIG", 6);
		else if (request.type == XSP_CONTROL)
			peer_reply(fd, &request, XSP_ERROR, "EINVAL", 7);
		else
			peer_reply(fd, &request, request.type, "", 0);
	}
}

TEST(a_tree_too_wide_to_be_kept_is_given_up)
{
	struct peer *peer = peer_start(crowd, NULL);

	xsa = xsa_open(0);
	picture = (struct picture){ .error = -1 };
	look("/t", 1, XSA_TREE_VALUES);
	CHECK_INT(picture.error, ENOBUFS);
	xsa_close(xsa);
	peer_stop(peer);
}
