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

/* What one watch was told. */
struct heard {
	unsigned n_done;
	int error;
	unsigned n;
	char paths[16][64];
};

static void note_event(void *arg, const char *path)
{
	struct heard *heard = arg;

	CHECK(heard->n < 16);
	snprintf(heard->paths[heard->n++], 64, "%s", path);
}

static void note_done(void *arg, const struct xsa_result *result)
{
	struct heard *heard = arg;

	heard->n_done++;
	heard->error = result->error;
}

static void write_node(const char *path)
{
	CHECK_INT(xsa_write(xsa, XBT_NULL, path, "x", 1, NULL, NULL), 0);
}

/* Events stand before the answer to a later request. */
static void settle(void)
{
	CHECK_INT(xsa_mkdir(xsa, XBT_NULL, "/settled", NULL, NULL), 0);
	CHECK_INT(xsa_drain(xsa), 0);
}

TEST(a_watch_hears_its_start_and_changes_until_it_ends)
{
	const struct mini_options options = { .has_depth = true };
	struct heard heard = { 0 };
	struct xsa_watch *watch;

	begin(&options);
	CHECK_INT(xsa_watch(xsa, "/a", XSA_DEPTH_ALL, note_event, note_done, &heard, &watch), 0);
	write_node("/a/b");
	write_node("/elsewhere");
	settle();
	CHECK_UINT(heard.n_done, 1);
	CHECK_INT(heard.error, 0);
	CHECK_UINT(heard.n, 2);
	CHECK_STR(heard.paths[0], "/a");
	CHECK_STR(heard.paths[1], "/a/b");
	xsa_unwatch(watch);
	write_node("/a/b");
	settle();
	CHECK_UINT(heard.n, 2);
	CHECK_UINT(mini_count(mini, XSP_UNWATCH), 1);
	end();
}

static void depth_with(const struct mini_options *options, unsigned n_requests)
{
	struct heard heard[3] = { { 0 } };
	char path[] = "/a/b/c/d";

	begin(options);
	for (int depth = 0; depth < 3; depth++)
		CHECK_INT(xsa_watch(xsa, "/a", depth, note_event, note_done, &heard[depth], NULL),
			  0);
	settle();
	write_node("/a");
	write_node("/a/b");
	write_node("/a/b/c");
	write_node(path);
	settle();
	for (unsigned depth = 0; depth < 3; depth++) {
		CHECK_UINT(heard[depth].n_done, 1);
		CHECK_INT(heard[depth].error, 0);
		CHECK_UINT(heard[depth].n, 2 + depth);
		CHECK_STR(heard[depth].paths[1], "/a");
	}
	CHECK_STR(heard[2].paths[3], "/a/b/c");
	CHECK_UINT(mini_count(mini, XSP_WATCH), n_requests);
	end();
}

TEST(depth_works_with_a_server_that_knows_it)
{
	const struct mini_options options = { .has_depth = true };

	depth_with(&options, 3);
}

TEST(depth_works_with_a_server_that_refuses_it)
{
	const struct mini_options options = { .has_depth = false };

	depth_with(&options, 6);
}

TEST(depth_works_with_a_server_that_ignores_it)
{
	const struct mini_options options = { .accepts_depth = true };

	depth_with(&options, 3);
}

TEST(many_watches_come_and_go_in_the_same_slots)
{
	const struct mini_options options = { .has_depth = true };
	struct heard heard[40] = { { 0 } };
	struct xsa_watch *watches[40];

	begin(&options);
	for (int round = 0; round < 3; round++) {
		memset(heard, 0, sizeof(heard));
		for (int i = 0; i < 40; i++)
			CHECK_INT(xsa_watch(xsa, "/a", XSA_DEPTH_ALL, note_event, note_done,
					    &heard[i], &watches[i]),
				  0);
		settle();
		for (int i = 0; i < 40; i += 2)
			xsa_unwatch(watches[i]);
		write_node("/a/b");
		settle();
		for (unsigned i = 0; i < 40; i++)
			CHECK_UINT(heard[i].n, 1 + i % 2);
		for (int i = 1; i < 40; i += 2)
			xsa_unwatch(watches[i]);
	}
	end();
}

static struct xsa_watch *own;

static void end_own_watch(void *arg, const char *path)
{
	(void)path;
	++*(unsigned *)arg;
	xsa_unwatch(own);
}

TEST(a_watch_may_end_inside_its_own_callback)
{
	const struct mini_options options = { .has_depth = true };
	unsigned n = 0;

	begin(&options);
	CHECK_INT(xsa_watch(xsa, "/a", XSA_DEPTH_ALL, end_own_watch, NULL, &n, &own), 0);
	write_node("/a/b");
	settle();
	CHECK_UINT(n, 1);
	end();
}

static void close_inside(void *arg, const char *path)
{
	(void)path;
	++*(unsigned *)arg;
	xsa_close(xsa);
}

TEST(a_connection_may_end_inside_a_watch)
{
	const struct mini_options options = { .has_depth = true };
	unsigned n = 0;
	int err = 0;

	begin(&options);
	CHECK_INT(xsa_watch(xsa, "/a", XSA_DEPTH_ALL, close_inside, NULL, &n, NULL), 0);
	CHECK_INT(xsa_watch(xsa, "/a", XSA_DEPTH_ALL, close_inside, NULL, &n, NULL), 0);
	while (!err)
		err = xsa_wait(xsa, -1);
	CHECK_INT(err, ECANCELED);
	CHECK_UINT(n, 1);
	mini_stop(mini);
}

TEST(a_watch_that_ends_before_it_stands_says_nothing)
{
	const struct mini_options options = { .has_depth = false };
	struct heard heard = { 0 };
	struct xsa_watch *watch;

	begin(&options);
	CHECK_INT(xsa_watch(xsa, "/a", XSA_DEPTH_ALL, note_event, note_done, &heard, &watch), 0);
	xsa_unwatch(watch);
	/* And one that would have been tried again without its depth. */
	CHECK_INT(xsa_watch(xsa, "/a", 1, note_event, note_done, &heard, &watch), 0);
	xsa_unwatch(watch);
	settle();
	CHECK_UINT(heard.n, 0);
	CHECK_UINT(heard.n_done, 0);
	CHECK_UINT(mini_count(mini, XSP_WATCH), 2);
	end();
}

static void refuse(int fd, void *arg)
{
	char payload[XSP_PAYLOAD_MAX + 1];
	struct xsp_header request;

	while (peer_receive(fd, &request, payload))
		peer_reply(fd, &request, XSP_ERROR, arg, strlen(arg) + 1);
}

TEST(a_refused_watch_says_why)
{
	char error[] = "ENOSPC";
	struct peer *peer = peer_start(refuse, error);
	struct heard heard = { 0 };
	struct xsa_watch *watch;

	xsa = xsa_open(0);
	CHECK_INT(xsa_watch(xsa, "/a", -2, note_event, note_done, &heard, &watch), EINVAL);
	CHECK_INT(xsa_watch(xsa, "/a", 1, note_event, note_done, &heard, &watch), 0);
	CHECK_INT(xsa_drain(xsa), 0);
	CHECK_UINT(heard.n_done, 1);
	CHECK_INT(heard.error, ENOSPC);
	/* There is nothing to take back. */
	xsa_unwatch(watch);
	CHECK_UINT(xsa_pending(xsa), 0);
	xsa_close(xsa);
	peer_stop(peer);
}

static void strange_events(int fd, void *arg)
{
	static const char *const tokens[] = { "",   "0",    "0.",           "0.1",  "1.0",
					      "zz", "-1.0", "0.0x",         " 0.0", "ffffffff.0",
					      ".0", "0 .0", "00000000000.0" };
	char payload[XSP_PAYLOAD_MAX + 1];
	struct xsp_header request, event = { .type = XSP_WATCH_EVENT };

	(void)arg;
	if (!peer_receive(fd, &request, payload))
		return;
	for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++)
		peer_event(fd, "/a", tokens[i]);
	peer_reply(fd, &event, XSP_WATCH_EVENT, "", 0);
	peer_reply(fd, &event, XSP_WATCH_EVENT, "/a", 3);
	peer_reply(fd, &event, XSP_WATCH_EVENT,
		   "/a\0"
		   "0.0",
		   6);
	peer_event(fd, "/a", "0.0");
	peer_reply(fd, &request, request.type, "OK", 3);
	peer_receive(fd, &request, payload);
}

TEST(only_the_very_token_is_heard)
{
	struct peer *peer = peer_start(strange_events, NULL);
	struct heard heard = { 0 };

	xsa = xsa_open(0);
	CHECK_INT(xsa_watch(xsa, "/a", XSA_DEPTH_ALL, note_event, note_done, &heard, NULL), 0);
	CHECK_INT(xsa_drain(xsa), 0);
	CHECK_UINT(heard.n, 1);
	CHECK_UINT(heard.n_done, 1);
	xsa_close(xsa);
	peer_stop(peer);
}
