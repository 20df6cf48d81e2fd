/* SPDX-License-Identifier: MIT */
/*
 * Servers that break the rules. What is asked of the library: an error, never a crash, a hang or a
 * leak; and that a connection which cannot be trusted any more is not used any more.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libxs/include/xenstore.h"
#include "tests/libxs/peer.h"
#include "tests/support/check.h"

enum reader { WITHOUT_READER, WITH_READER };

/* What the peer does with the request after those that it answers as it should. */
struct script {
	enum reader reader;
	void (*misbehave)(int fd, const struct xsp_header *request, size_t step);
	_Atomic size_t step; /* the peer's thread reads it */
};

static void serve(int fd, void *arg)
{
	char payload[XSP_PAYLOAD_MAX + 1];
	const struct script *script = arg;
	struct xsp_header request;

	if (script->reader == WITH_READER) {
		if (!peer_receive(fd, &request, payload))
			return;
		peer_reply(fd, &request, request.type, "OK", 3);
	}
	if (peer_receive(fd, &request, payload))
		script->misbehave(fd, &request, script->step);
}

/* Connects and reads "/": returns errno, 0 if that worked. All further requests must then fail. */
static int meet(struct script *script)
{
	struct xs_handle *h = xs_open(0);
	char *value;
	int err;

	CHECK(h != NULL);
	if (script->reader == WITH_READER)
		CHECK(xs_watch(h, "/w", "t"));
	errno = 0;
	value = xs_read(h, XBT_NULL, "/", NULL);
	err = value ? 0 : errno;
	if (!value)
		CHECK(err != 0);
	free(value);
	errno = 0;
	value = xs_read(h, XBT_NULL, "/", NULL);
	CHECK(!value);
	CHECK(err == 0 || errno == EBADF);
	errno = 0;
	value = xs_read(h, XBT_NULL, "/", NULL);
	CHECK(!value);
	CHECK_INT(errno, EBADF);
	xs_close(h);
	return err;
}

static int meet_once(enum reader reader,
		     void (*misbehave)(int fd, const struct xsp_header *request, size_t step))
{
	struct script script = { .reader = reader, .misbehave = misbehave };
	struct peer *peer = peer_start(serve, &script);
	int err = meet(&script);

	peer_stop(peer);
	return err;
}

static void wrong_type(int fd, const struct xsp_header *request, size_t step)
{
	(void)step;
	peer_reply(fd, request, XSP_WRITE, "OK", 3);
}

TEST(a_reply_of_another_type_ends_the_connection)
{
	CHECK_INT(meet_once(WITHOUT_READER, wrong_type), EBADF);
	CHECK_INT(meet_once(WITH_READER, wrong_type), EBADF);
}

static void too_long(int fd, const struct xsp_header *request, size_t step)
{
	char payload[XSP_PAYLOAD_MAX + 1] = { 0 };

	(void)step;
	peer_reply(fd, request, request->type, payload, sizeof(payload));
}

TEST(a_reply_longer_than_a_message_ends_the_connection)
{
	CHECK_INT(meet_once(WITHOUT_READER, too_long), E2BIG);
	CHECK_INT(meet_once(WITH_READER, too_long), EINVAL);
}

static void enormous(int fd, const struct xsp_header *request, size_t step)
{
	struct xsp_header header = *request;
	uint8_t head[XSP_HEADER_SIZE];

	(void)step;
	header.len = UINT32_MAX;
	xsp_header_put(head, &header);
	peer_send_bytes(fd, head, sizeof(head));
}

TEST(an_enormous_length_is_refused_before_its_bytes)
{
	CHECK_INT(meet_once(WITHOUT_READER, enormous), E2BIG);
	CHECK_INT(meet_once(WITH_READER, enormous), EINVAL);
}

static void hang_up(int fd, const struct xsp_header *request, size_t step)
{
	(void)fd;
	(void)request;
	(void)step;
}

TEST(a_server_that_goes_away_is_an_error)
{
	CHECK_INT(meet_once(WITHOUT_READER, hang_up), EBADF);
	CHECK_INT(meet_once(WITH_READER, hang_up), EINVAL);
}

/* From here on as it should be, so that nothing but the second reply is wrong. */
static void serve_well(int fd)
{
	char payload[XSP_PAYLOAD_MAX + 1];
	struct xsp_header request;

	while (peer_receive(fd, &request, payload))
		peer_reply(fd, &request, request.type, "c", 1);
}

static void reply_twice(int fd, const struct xsp_header *request, size_t step)
{
	(void)step;
	peer_reply(fd, request, request->type, "a", 1);
	peer_reply(fd, request, request->type, "b", 1);
	serve_well(fd);
}

/* The second reply comes when another one is awaited, and right before that one. */
static void reply_again_later(int fd, const struct xsp_header *request, size_t step)
{
	char payload[XSP_PAYLOAD_MAX + 1];
	struct xsp_header next;

	(void)step;
	peer_reply(fd, request, request->type, "a", 1);
	if (!peer_receive(fd, &next, payload))
		return;
	peer_reply(fd, request, request->type, "b", 1);
	peer_reply(fd, &next, next.type, "c", 1);
	serve_well(fd);
}

TEST(a_second_reply_is_never_taken_for_the_next)
{
	/* The first request has its reply; the next one then fails, as each that follows. */
	CHECK_INT(meet_once(WITHOUT_READER, reply_twice), 0);
	CHECK_INT(meet_once(WITH_READER, reply_twice), 0);
	CHECK_INT(meet_once(WITHOUT_READER, reply_again_later), 0);
	CHECK_INT(meet_once(WITH_READER, reply_again_later), 0);
}

static void reply_to_nobody(int fd, const struct xsp_header *request, size_t step)
{
	struct xsp_header other = *request;

	other.req_id += (uint32_t)step;
	peer_reply(fd, &other, request->type, "b", 1);
	peer_reply(fd, request, request->type, "a", 1);
	serve_well(fd);
}

TEST(a_reply_to_a_request_that_was_not_made_ends_the_connection)
{
	static const size_t steps[] = { 1, UINT32_MAX, 1u << 31 };

	for (size_t i = 0; i < 3; i++) {
		for (int reader = WITHOUT_READER; reader <= WITH_READER; reader++) {
			struct script script = { .reader = (enum reader)reader,
						 .misbehave = reply_to_nobody,
						 .step = steps[i] };
			struct peer *peer = peer_start(serve, &script);

			CHECK_INT(meet(&script), reader == WITH_READER ? EINVAL : EPROTO);
			peer_stop(peer);
		}
	}
}

/* A good reply between two events, of which only `step` bytes are sent. */
static void cut_short(int fd, const struct xsp_header *request, size_t step)
{
	struct xsp_header event = { .type = XSP_WATCH_EVENT, .len = 5 };
	struct xsp_header reply = *request;
	uint8_t bytes[3 * XSP_HEADER_SIZE + 5 + 5 + 5];

	reply.len = 5;
	xsp_header_put(bytes, &event);
	memcpy(bytes + 16, "/a\0t", 5);
	xsp_header_put(bytes + 21, &reply);
	memcpy(bytes + 37, "hello", 5);
	xsp_header_put(bytes + 42, &event);
	memcpy(bytes + 58, "/b\0t", 5);
	peer_send_bytes(fd, bytes, step);
}

static void cut_everywhere(enum reader reader)
{
	struct script script = { .reader = reader, .misbehave = cut_short };
	struct peer *peer = peer_start(serve, &script);

	for (size_t step = 0; step <= 63; step++) {
		int err;

		script.step = step;
		err = meet(&script);
		if (step >= 42)
			CHECK_INT(err, 0);
		else
			CHECK(err == EBADF || err == EINVAL);
	}
	peer_stop(peer);
}

TEST(a_server_may_die_at_any_byte)
{
	cut_everywhere(WITHOUT_READER);
}

TEST(a_server_may_die_at_any_byte_of_a_thread)
{
	cut_everywhere(WITH_READER);
}

static void flood(int fd, const struct xsp_header *request, size_t step)
{
	char token[4000];

	(void)step;
	memset(token, 't', sizeof(token));
	token[sizeof(token) - 1] = '\0';
	while (peer_event(fd, "/flood", token))
		;
	(void)request;
}

TEST(a_flood_of_events_ends_before_the_memory_does)
{
	CHECK_INT(meet_once(WITHOUT_READER, flood), ENOBUFS);
	CHECK_INT(meet_once(WITH_READER, flood), EINVAL);
}

static volatile sig_atomic_t n_signals;

static void on_sigpipe(int number)
{
	(void)number;
	n_signals++;
}

TEST(no_signal_comes_from_writing_to_a_dead_server)
{
	struct script script = { .misbehave = hang_up };
	struct peer *peer = peer_start(serve, &script);
	struct xs_handle *h = xs_open(0);

	signal(SIGPIPE, on_sigpipe);
	for (int i = 0; i < 5; i++) {
		errno = 0;
		CHECK(!xs_read(h, XBT_NULL, "/", NULL));
		CHECK_INT(errno, EBADF);
	}
	CHECK_INT(n_signals, 0);
	xs_close(h);
	peer_stop(peer);
}

static void never_answer(int fd, void *arg)
{
	char payload[XSP_PAYLOAD_MAX + 1];
	struct xsp_header request;

	(void)arg;
	while (peer_receive(fd, &request, payload))
		;
}

static void *ask_in_vain(void *h)
{
	free(xs_read(h, XBT_NULL, "/", NULL));
	return NULL;
}

TEST(a_thread_that_waits_for_a_reply_can_be_cancelled)
{
	struct xs_handle *h;
	struct peer *peer;
	pthread_t thread;
	void *result;

	if (CANNOT_CANCEL)
		return;
	peer = peer_start(never_answer, NULL);
	h = xs_open(0);
	CHECK_INT(pthread_create(&thread, NULL, ask_in_vain, h), 0);
	CHECK_INT(pthread_cancel(thread), 0);
	pthread_join(thread, &result);
	CHECK(result == PTHREAD_CANCELED);
	/* Whose the next reply would be nobody could tell, so there is none. */
	errno = 0;
	if (xs_read(h, XBT_NULL, "/", NULL))
		CHECK_FAIL("a reply from a server that never replies");
	CHECK_INT(errno, EBADF);
	xs_close(h);
	peer_stop(peer);
}

/* ---- directories in parts ---- */

static const char *const *parts;

static void send_parts(int fd, void *arg)
{
	char payload[XSP_PAYLOAD_MAX + 1];
	struct xsp_header request;
	size_t n = 0;

	(void)arg;
	while (peer_receive(fd, &request, payload)) {
		/* "\1" in a part stands for a NUL; the last part is sent again and again. */
		char part[64];
		size_t len = strlen(parts[n]);

		if (request.type == XSP_DIRECTORY) {
			peer_reply(fd, &request, XSP_ERROR, "E2BIG", 6);
			continue;
		}
		memcpy(part, parts[n], len);
		for (size_t i = 0; i < len; i++)
			part[i] = part[i] == 1 ? '\0' : part[i];
		if (!peer_reply(fd, &request, request.type, part, len))
			return;
		n += parts[n + 1] != NULL;
	}
}

static char **list(const char *const *script, unsigned *num)
{
	struct peer *peer;
	struct xs_handle *h;
	char **names;

	parts = script;
	peer = peer_start(send_parts, NULL);
	h = xs_open(0);
	errno = 0;
	names = xs_directory(h, XBT_NULL, "/", num);
	int err = errno;
	xs_close(h);
	peer_stop(peer);
	errno = err;
	return names;
}

TEST(a_directory_that_changes_while_it_is_read_is_read_again)
{
	static const char *const script[] = { "7\1a\1", "8\1b\1\1", "8\1c\1", "8\1d\1\1", NULL };
	unsigned num;
	char **names = list(script, &num);

	CHECK_UINT(num, 2);
	CHECK_STR(names[0], "c");
	CHECK_STR(names[1], "d");
	free(names);
}

TEST(an_empty_directory_in_parts_is_a_single_nul)
{
	static const char *const script[] = { "7\1\1", NULL };
	unsigned num = 9;
	char **names = list(script, &num);

	CHECK(names != NULL);
	CHECK_UINT(num, 0);
	free(names);
}

TEST(parts_that_bring_nothing_are_an_error)
{
	static const char *const nothing[] = { "7\1a\1", "7\1", NULL };
	static const char *const no_generation[] = { "7", NULL };
	static const char *const empty[] = { "", NULL };
	static const char *const long_one[] = { "1234567890123456789012345\1a\1\1", NULL };
	const char *const *const scripts[] = { nothing, no_generation, empty, long_one };
	unsigned num;

	for (size_t i = 0; i < 4; i++) {
		CHECK(!list(scripts[i], &num));
		CHECK_INT(errno, EINVAL);
	}
}

static void change_for_ever(int fd, void *arg)
{
	char payload[XSP_PAYLOAD_MAX + 1], part[64];
	struct xsp_header request;
	unsigned generation = 0;

	(void)arg;
	while (peer_receive(fd, &request, payload)) {
		if (request.type == XSP_DIRECTORY) {
			peer_reply(fd, &request, XSP_ERROR, "E2BIG", 6);
			continue;
		}
		snprintf(part, sizeof(part), "%u%c%s", generation++, '\0', "name");
		if (!peer_reply(fd, &request, request.type, part, strlen(part) + 6))
			return;
	}
}

TEST(a_directory_that_changes_for_ever_is_given_up)
{
	struct peer *peer = peer_start(change_for_ever, NULL);
	struct xs_handle *h = xs_open(0);
	unsigned num;

	errno = 0;
	CHECK(!xs_directory(h, XBT_NULL, "/", &num));
	CHECK_INT(errno, EAGAIN);
	xs_close(h);
	peer_stop(peer);
}
