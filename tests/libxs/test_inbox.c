/* SPDX-License-Identifier: MIT */
#include "libxs/inbox.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check.h"

static struct xsi_inbox inbox;

enum { NUMBER = 7 };

static int put_numbered(uint32_t number, uint32_t type, const char *payload, size_t len)
{
	struct xsi_frame frame = {
		.header = { .type = type, .req_id = number, .len = (uint32_t)len },
		.payload = payload
	};

	return xsi_inbox_put(&inbox, &frame);
}

static int put(uint32_t type, const char *payload, size_t len)
{
	return put_numbered(NUMBER, type, payload, len);
}

static int put_event(const char *path)
{
	char payload[64] = { 0 };
	size_t len = strlen(path);

	memcpy(payload, path, len);
	payload[len + 1] = 't';
	return put(XSP_WATCH_EVENT, payload, len + 3);
}

TEST(a_reply_is_taken_once_and_only_when_expected)
{
	struct xsi_reply reply;

	xsi_inbox_init(&inbox);
	CHECK_INT(put(XSP_READ, "x", 1), EPROTO);
	CHECK(!xsi_inbox_take(&inbox, &reply));
	xsi_inbox_expect(&inbox, NUMBER);
	CHECK_INT(put(XSP_READ, "value", 5), 0);
	CHECK_INT(put(XSP_READ, "again", 5), EPROTO);
	CHECK(xsi_inbox_take(&inbox, &reply));
	CHECK_UINT(reply.type, XSP_READ);
	CHECK_BYTES(reply.body, reply.len + 1, "value", 6);
	free(reply.body);
	CHECK(!xsi_inbox_take(&inbox, &reply));
	xsi_inbox_expect(&inbox, NUMBER);
	xsi_inbox_expect_none(&inbox);
	CHECK_INT(put(XSP_READ, "x", 1), EPROTO);
	xsi_inbox_fini(&inbox);
}

TEST(a_reply_is_that_of_the_request_in_flight)
{
	struct xsi_reply reply;

	xsi_inbox_init(&inbox);
	xsi_inbox_expect(&inbox, NUMBER);
	CHECK_INT(put_numbered(NUMBER - 1, XSP_READ, "old", 3), EPROTO);
	CHECK_INT(put_numbered(0, XSP_ERROR, "EIO", 4), EPROTO);
	CHECK(!xsi_inbox_take(&inbox, &reply));
	CHECK_INT(put_numbered(NUMBER, XSP_READ, "new", 3), 0);
	CHECK(xsi_inbox_take(&inbox, &reply));
	CHECK_STR(reply.body, "new");
	free(reply.body);
	xsi_inbox_fini(&inbox);
}

TEST(what_nobody_took_is_released)
{
	int fd;

	xsi_inbox_init(&inbox);
	CHECK_INT(xsi_inbox_fileno(&inbox, &fd), 0);
	xsi_inbox_expect(&inbox, NUMBER);
	CHECK_INT(put(XSP_READ, "value", 5), 0);
	CHECK_INT(put_event("/a"), 0);
	CHECK_INT(put_event("/b"), 0);
	xsi_inbox_fini(&inbox);

	xsi_inbox_init(&inbox);
	CHECK_INT(put_event("/a"), 0);
	CHECK_INT(xsi_inbox_fileno(&inbox, &fd), 0);
	xsi_inbox_fini_forked(&inbox);
}

TEST(a_reply_that_arrived_before_the_end_still_counts)
{
	struct xsi_reply reply;

	xsi_inbox_init(&inbox);
	xsi_inbox_expect(&inbox, NUMBER);
	CHECK_INT(put(XSP_READ, "v", 1), 0);
	xsi_inbox_end(&inbox);
	CHECK_INT(xsi_inbox_wait(&inbox, &reply), 0);
	free(reply.body);
	xsi_inbox_expect(&inbox, NUMBER);
	CHECK_INT(xsi_inbox_wait(&inbox, &reply), EINVAL);
	xsi_inbox_fini(&inbox);
}

TEST(forgetting_keeps_the_order_of_the_rest)
{
	static const char *const kept[] = { "/ab", "/b", "a" };
	char **strings;

	xsi_inbox_init(&inbox);
	CHECK_INT(put_event("/a"), 0);
	CHECK_INT(put_event("/ab"), 0);
	CHECK_INT(put_event("/a/x"), 0);
	CHECK_INT(put_event("/b"), 0);
	CHECK_INT(put_event("a"), 0);
	xsi_inbox_forget(&inbox, "/a", "other");
	xsi_inbox_forget(&inbox, "/a", "t");
	for (size_t i = 0; i < 3; i++) {
		CHECK_INT(xsi_inbox_event(&inbox, XSI_DONT_WAIT, &strings), 0);
		CHECK_STR(strings[0], kept[i]);
		CHECK_STR(strings[1], "t");
		free(strings);
	}
	CHECK_INT(xsi_inbox_event(&inbox, XSI_DONT_WAIT, &strings), EAGAIN);
	CHECK_UINT(inbox.event_bytes, 0);
	xsi_inbox_fini(&inbox);
}

static void *wait_for_event(void *arg)
{
	char **strings;

	return (void *)(intptr_t)xsi_inbox_event(arg, XSI_WAIT, &strings);
}

static unsigned count_waiting(void)
{
	unsigned n;

	pthread_mutex_lock(&inbox.event_lock);
	n = inbox.n_waiting;
	pthread_mutex_unlock(&inbox.event_lock);
	return n;
}

TEST(its_end_waits_until_everybody_has_left)
{
	pthread_t threads[3];
	void *result;

	xsi_inbox_init(&inbox);
	for (int i = 0; i < 3; i++)
		CHECK_INT(pthread_create(&threads[i], NULL, wait_for_event, &inbox), 0);
	while (count_waiting() < 3)
		sched_yield();
	xsi_inbox_fini(&inbox);
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], &result);
		CHECK_INT((intptr_t)result, EINVAL);
	}
}
