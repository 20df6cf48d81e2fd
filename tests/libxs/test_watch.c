/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libxs/include/xenstore.h"
#include "tests/libxs/mini.h"
#include "tests/libxs/peer.h"
#include "tests/support/check.h"

static const struct mini_options everything = { .has_depth = true, .has_parts = true };

static struct mini *mini;
static struct xs_handle *h;

static void begin(unsigned long flags)
{
	mini = mini_start(&everything);
	h = xs_open(flags);
	CHECK(h != NULL);
}

static void end(void)
{
	xs_close(h);
	mini_stop(mini);
}

static void expect_event(const char *path, const char *token)
{
	unsigned num = 0;
	char **event = xs_read_watch(h, &num);

	CHECK(event != NULL);
	CHECK_UINT(num, 2);
	CHECK_STR(event[XS_WATCH_PATH], path);
	CHECK_STR(event[XS_WATCH_TOKEN], token);
	free(event);
}

static void expect_none(int err)
{
	errno = 0;
	CHECK(!xs_check_watch(h));
	CHECK_INT(errno, err);
}

/* All events that requests so far have caused are in the queue once this is answered. */
static void barrier(void)
{
	CHECK(xs_mkdir(h, XBT_NULL, "/"));
}

static int is_readable(void)
{
	struct pollfd fd = { .fd = xs_fileno(h), .events = POLLIN };

	CHECK(fd.fd >= 0);
	return poll(&fd, 1, 0);
}

TEST(a_watch_tells_of_its_start_and_of_changes)
{
	begin(0);
	expect_none(EAGAIN);
	CHECK(xs_watch(h, "/a", "one"));
	expect_event("/a", "one");
	CHECK(xs_write(h, XBT_NULL, "/a/b", "x", 1));
	expect_event("/a/b", "one");
	CHECK(xs_unwatch(h, "/a", "one"));
	CHECK(xs_write(h, XBT_NULL, "/a/b", "y", 1));
	barrier();
	expect_none(EAGAIN);
	errno = 0;
	CHECK(!xs_unwatch(h, "/a", "one"));
	CHECK_INT(errno, ENOENT);
	end();
}

TEST(the_descriptor_is_readable_exactly_while_events_wait)
{
	begin(0);
	CHECK_INT(is_readable(), 0);
	CHECK(xs_watch(h, "/a", "t"));
	CHECK(xs_write(h, XBT_NULL, "/a", "x", 1));
	CHECK(xs_write(h, XBT_NULL, "/a", "x", 1));
	barrier();
	for (int left = 3; left > 0; left--) {
		CHECK_INT(is_readable(), 1);
		expect_event("/a", "t");
	}
	CHECK_INT(is_readable(), 0);
	CHECK(xs_write(h, XBT_NULL, "/a", "x", 1));
	barrier();
	CHECK_INT(is_readable(), 1);
	free(xs_check_watch(h));
	CHECK_INT(is_readable(), 0);
	end();
}

TEST(a_descriptor_asked_for_late_is_readable_at_once)
{
	char bytes[8];

	begin(0);
	CHECK(xs_watch(h, "/a", "t"));
	CHECK(xs_write(h, XBT_NULL, "/a", "x", 1));
	barrier();
	CHECK_INT(is_readable(), 1);
	/* One byte, however many events. */
	CHECK_INT(read(xs_fileno(h), bytes, sizeof(bytes)), 1);
	end();
}

TEST(the_filter_drops_what_waits_below_the_ended_watch)
{
	begin(XS_UNWATCH_FILTER);
	CHECK(xs_watch(h, "/a", "t"));
	CHECK(xs_watch(h, "/a", "other"));
	CHECK(xs_watch(h, "/ab", "t"));
	CHECK(xs_write(h, XBT_NULL, "/a/b", "x", 1));
	CHECK(xs_unwatch(h, "/a", "t"));
	expect_event("/a", "other");
	expect_event("/ab", "t");
	expect_event("/a/b", "other");
	expect_none(EAGAIN);
	end();
}

TEST(the_filter_covers_a_watch_on_the_root)
{
	begin(XS_UNWATCH_FILTER);
	CHECK(xs_watch(h, "/", "t"));
	CHECK(xs_write(h, XBT_NULL, "/a/b", "x", 1));
	barrier();
	CHECK_INT(is_readable(), 1);
	CHECK(xs_unwatch(h, "/", "t"));
	expect_none(EAGAIN);
	/* The byte goes with the last event. */
	CHECK_INT(is_readable(), 0);
	end();
}

TEST(without_the_filter_stale_events_stay)
{
	begin(0);
	CHECK(xs_watch(h, "/a", "t"));
	CHECK(xs_write(h, XBT_NULL, "/a/b", "x", 1));
	CHECK(xs_unwatch(h, "/a", "t"));
	expect_event("/a", "t");
	expect_event("/a/b", "t");
	expect_none(EAGAIN);
	end();
}

TEST(depth_is_sent_where_the_server_knows_it)
{
	begin(0);
	CHECK(xs_watch_depth(h, "/a", "t", 1));
	expect_event("/a", "t");
	CHECK(xs_write(h, XBT_NULL, "/a/b/c", "x", 1));
	CHECK(xs_write(h, XBT_NULL, "/a/b", "x", 1));
	expect_event("/a/b", "t");
	CHECK(xs_watch_try_depth(h, "/d", "t", 0));
	expect_event("/d", "t");
	end();
}

TEST(without_depth_on_the_server_only_try_depth_works)
{
	struct mini_options options = { .has_parts = true };

	mini = mini_start(&options);
	h = xs_open(0);
	CHECK(!xs_watch_depth(h, "/a", "t", 1));
	CHECK_UINT(mini_count(mini, XSP_WATCH), 0);
	CHECK(xs_watch_try_depth(h, "/a", "t", 0));
	expect_event("/a", "t");
	CHECK(xs_write(h, XBT_NULL, "/a/b/c", "x", 1));
	expect_event("/a/b/c", "t");
	end();
}

TEST(events_outlive_the_server_and_then_comes_einval)
{
	unsigned num;

	begin(0);
	CHECK(xs_watch(h, "/a", "t"));
	CHECK(xs_write(h, XBT_NULL, "/a", "x", 1));
	barrier();
	mini_disconnect(mini);
	expect_event("/a", "t");
	expect_event("/a", "t");
	/* Waits until the end is known, however late that is. */
	errno = 0;
	CHECK(!xs_read_watch(h, &num));
	CHECK_INT(errno, EINVAL);
	expect_none(EINVAL);
	errno = 0;
	CHECK(!xs_read(h, XBT_NULL, "/a", NULL));
	CHECK_INT(errno, EBADF);
	errno = 0;
	CHECK(!xs_watch(h, "/b", "t"));
	CHECK_INT(errno, EBADF);
	end();
}

static void *wait_for_event(void *arg)
{
	unsigned num;
	char **event = xs_read_watch(arg, &num);
	int err = event ? 0 : errno;

	free(event);
	return (void *)(intptr_t)err;
}

TEST(a_close_lets_go_of_a_thread_that_waits_for_events)
{
	pthread_t threads[4];
	void *result;

	begin(0);
	CHECK(xs_watch(h, "/a", "t"));
	expect_event("/a", "t");
	for (int i = 0; i < 4; i++)
		CHECK_INT(pthread_create(&threads[i], NULL, wait_for_event, h), 0);
	/* They wait already, or will find the end when they come: neither may hang. */
	mini_disconnect(mini);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &result);
		CHECK_INT((intptr_t)result, EINVAL);
	}
	end();
}

TEST(a_thread_that_waits_for_events_can_be_cancelled)
{
	pthread_t thread;
	void *result;

	if (CANNOT_CANCEL)
		return;
	begin(0);
	CHECK_INT(pthread_create(&thread, NULL, wait_for_event, h), 0);
	CHECK_INT(pthread_cancel(thread), 0);
	pthread_join(thread, &result);
	CHECK(result == PTHREAD_CANCELED);
	/* The lock is free, and events go their way. */
	CHECK(xs_watch(h, "/a", "t"));
	expect_event("/a", "t");
	end();
}

/* ---- events among replies, before and after the reader exists ---- */

static void events_around_replies(int fd, void *arg)
{
	char payload[XSP_PAYLOAD_MAX + 1];
	struct xsp_header request;

	(void)arg;
	while (peer_receive(fd, &request, payload)) {
		peer_event(fd, "/before", "t");
		peer_reply(fd, &request, request.type, "v", 1);
		peer_event(fd, "/after", "t");
	}
}

TEST(events_may_stand_before_and_behind_any_reply)
{
	struct peer *peer = peer_start(events_around_replies, NULL);
	char *value;

	h = xs_open(0);
	for (int i = 0; i < 3; i++) {
		value = xs_read(h, XBT_NULL, "/a", NULL);
		CHECK_STR(value, "v");
		free(value);
	}
	/* The event behind the last reply is met by the next who reads: the new thread. */
	CHECK(xs_watch(h, "/w", "t"));
	for (int i = 0; i < 4; i++) {
		expect_event("/before", "t");
		expect_event("/after", "t");
	}
	xs_close(h);
	peer_stop(peer);
}

static void odd_events(int fd, void *arg)
{
	char payload[XSP_PAYLOAD_MAX + 1];
	struct xsp_header request, event = { .type = XSP_WATCH_EVENT };

	(void)arg;
	if (!peer_receive(fd, &request, payload))
		return;
	peer_reply(fd, &event, XSP_WATCH_EVENT, "", 0);
	peer_reply(fd, &event, XSP_WATCH_EVENT, "/path-only", 11);
	peer_reply(fd, &event, XSP_WATCH_EVENT, "/no-end\0token", 13);
	peer_reply(fd, &event, XSP_WATCH_EVENT, "/three\0strings\0here", 20);
	peer_reply(fd, &request, request.type, "OK", 3);
	peer_receive(fd, &request, payload);
}

TEST(events_without_path_and_token_are_passed_over)
{
	struct peer *peer = peer_start(odd_events, NULL);

	h = xs_open(0);
	CHECK(xs_watch(h, "/w", "t"));
	expect_event("/three", "strings");
	expect_none(EAGAIN);
	xs_close(h);
	peer_stop(peer);
}
