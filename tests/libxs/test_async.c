/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libxs/include/xenstore_async.h"
#include "tests/libxs/mini.h"
#include "tests/libxs/peer.h"
#include "tests/support/check.h"

static const struct mini_options everything = { .has_tree = true,
						.has_depth = true,
						.has_parts = true };

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

/* A result, kept. */
struct kept {
	unsigned n;
	int error;
	size_t len;
	char data[256];
};

static void keep(void *arg, const struct xsa_result *result)
{
	struct kept *kept = arg;

	kept->n++;
	kept->error = result->error;
	kept->len = result->len;
	CHECK(result->data != NULL);
	CHECK_INT(result->data[result->len], 0);
	memcpy(kept->data, result->data, result->len < 256 ? result->len : 255);
}

static void count(void *arg, const struct xsa_result *result)
{
	if (!result->error)
		++*(unsigned *)arg;
}

TEST(requests_are_answered_in_callbacks_only)
{
	struct kept value = { 0 }, none = { 0 };

	begin(&everything);
	CHECK_INT(xsa_write(xsa, XBT_NULL, "/a/b", "x\0y", 3, NULL, NULL), 0);
	CHECK_INT(xsa_read(xsa, XBT_NULL, "/a/b", keep, &value), 0);
	CHECK_INT(xsa_read(xsa, XBT_NULL, "/none", keep, &none), 0);
	CHECK_UINT(xsa_pending(xsa), 3);
	CHECK_UINT(value.n, 0);
	CHECK_INT(xsa_interest(xsa), POLLIN | POLLOUT);
	CHECK_INT(xsa_drain(xsa), 0);
	CHECK_UINT(xsa_pending(xsa), 0);
	CHECK_INT(xsa_interest(xsa), POLLIN);
	CHECK_UINT(value.n, 1);
	CHECK_INT(value.error, 0);
	CHECK_BYTES(value.data, value.len, "x\0y", 3);
	CHECK_UINT(none.n, 1);
	CHECK_INT(none.error, ENOENT);
	CHECK_UINT(none.len, 0);
	end();
}

TEST(thousands_of_requests_may_be_in_flight)
{
	unsigned n = 0;

	begin(&everything);
	for (unsigned i = 0; i < 16384; i++)
		CHECK_INT(xsa_mkdir(xsa, XBT_NULL, "/a", count, &n), 0);
	CHECK_INT(xsa_mkdir(xsa, XBT_NULL, "/a", count, &n), EAGAIN);
	CHECK_INT(xsa_drain(xsa), 0);
	CHECK_UINT(n, 16384);
	CHECK_INT(xsa_mkdir(xsa, XBT_NULL, "/a", count, &n), 0);
	CHECK_INT(xsa_drain(xsa), 0);
	CHECK_UINT(n, 16385);
	end();
}

TEST(what_is_unsent_is_bounded)
{
	static char value[4000];
	unsigned n = 0, n_queued = 0;
	int ends[2];

	/* Nobody reads at the other end. */
	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	xsa = xsa_open_fd(ends[0]);
	CHECK(xsa != NULL);
	CHECK_INT(xsa_set_limits(xsa, 65535, 100000), 0);
	while (xsa_write(xsa, XBT_NULL, "/a", value, sizeof(value), count, &n) == 0)
		CHECK(++n_queued < 1000);
	CHECK_INT(xsa_write(xsa, XBT_NULL, "/a", "", 0, count, &n), EAGAIN);
	CHECK_INT(xsa_wait(xsa, 0), ETIMEDOUT);
	xsa_close(xsa);
	CHECK_UINT(n, 0);
	close(ends[1]);
}

TEST(limits_out_of_range_are_refused)
{
	begin(&everything);
	CHECK_INT(xsa_set_limits(xsa, 0, 1), EINVAL);
	CHECK_INT(xsa_set_limits(xsa, 65536, 1), EINVAL);
	CHECK_INT(xsa_set_limits(xsa, 1, 0), EINVAL);
	CHECK_INT(xsa_set_limits(xsa, 1, 1), 0);
	CHECK_INT(xsa_mkdir(xsa, XBT_NULL, "/a", NULL, NULL), 0);
	CHECK_INT(xsa_mkdir(xsa, XBT_NULL, "/a", NULL, NULL), EAGAIN);
	CHECK_INT(xsa_drain(xsa), 0);
	end();
	errno = 0;
	CHECK(!xsa_open(1));
	CHECK_INT(errno, EINVAL);
	CHECK(!xsa_open_fd(-1));
	CHECK_INT(errno, EBADF);
}

TEST(large_directories_come_as_one_answer)
{
	struct mini_options options = everything;
	char path[64];
	struct kept names = { 0 };

	begin(&options);
	for (unsigned i = 0; i < 1200; i++) {
		snprintf(path, sizeof(path), "/big/child-%05u", i);
		CHECK_INT(xsa_mkdir(xsa, XBT_NULL, path, NULL, NULL), 0);
	}
	CHECK_INT(xsa_directory(xsa, XBT_NULL, "/big", keep, &names), 0);
	CHECK_INT(xsa_drain(xsa), 0);
	CHECK_UINT(names.n, 1);
	CHECK_INT(names.error, 0);
	CHECK_UINT(names.len, 1200 * sizeof("child-00000"));
	end();

	options.has_parts = false;
	begin(&options);
	for (unsigned i = 0; i < 700; i++) {
		snprintf(path, sizeof(path), "/big/child-%05u", i);
		CHECK_INT(xsa_mkdir(xsa, XBT_NULL, path, NULL, NULL), 0);
	}
	CHECK_INT(xsa_directory(xsa, XBT_NULL, "/big", keep, &names), 0);
	CHECK_INT(xsa_drain(xsa), 0);
	CHECK_INT(names.error, E2BIG);
	end();
}

/* Directories that have no end; *arg counts the bytes sent of them. */
static void send_without_end(int fd, void *arg)
{
	static char part[XSP_PAYLOAD_MAX] = "7";
	char payload[XSP_PAYLOAD_MAX + 1];
	struct xsp_header request;
	size_t *n_sent = arg;

	memset(part + 2, 'x', sizeof(part) - 2);
	while (peer_receive(fd, &request, payload)) {
		if (request.type == XSP_DIRECTORY) {
			peer_reply(fd, &request, XSP_ERROR, "E2BIG", 6);
			continue;
		}
		peer_reply(fd, &request, request.type, part, sizeof(part));
		*n_sent += sizeof(part) - 2;
	}
}

TEST(large_directories_share_a_limit)
{
	enum { LIMIT = 64 * 1024 * 1024, N = 8 };
	struct kept first = { 0 };
	size_t n_sent = 0;
	struct peer *peer = peer_start(send_without_end, &n_sent);

	xsa = xsa_open(0);
	CHECK(xsa != NULL);
	for (int i = 0; i < N; i++)
		CHECK_INT(xsa_directory(xsa, XBT_NULL, "/", keep, &first), 0);
	while (first.n == 0)
		CHECK_INT(xsa_wait(xsa, -1), 0);
	/* By then all are about equally long, and together they are as long as one may be. */
	CHECK_INT(first.error, E2BIG);
	xsa_close(xsa);
	peer_stop(peer);
	CHECK(n_sent > LIMIT / 2 && n_sent < 2 * LIMIT);
}

static void check_names(void *arg, const struct xsa_result *result)
{
	const char *name = xsa_result_next(result, NULL);

	CHECK_STR(name, "one");
	name = xsa_result_next(result, name);
	CHECK_STR(name, "two");
	CHECK(!xsa_result_next(result, name));
	CHECK_UINT(xsa_result_count(result), 2);
	++*(unsigned *)arg;
}

static void check_perms(void *arg, const struct xsa_result *result)
{
	struct xs_permissions perms[2];
	size_t n;

	CHECK_INT(xsa_result_permissions(result, perms, 2, &n), 0);
	CHECK_UINT(n, 3);
	CHECK_UINT(perms[0].id, 5);
	CHECK_UINT(perms[1].id, 6);
	CHECK_UINT(perms[1].perms, XS_PERM_READ | XS_PERM_WRITE);
	CHECK_INT(xsa_result_permissions(result, NULL, 0, &n), 0);
	++*(unsigned *)arg;
}

static void end_it(void *arg, const struct xsa_result *result)
{
	xs_transaction_t t = xsa_result_transaction(result);

	CHECK(t != XBT_NULL);
	CHECK_INT(xsa_transaction_end(xsa, t, false, count, arg), 0);
}

TEST(results_are_read_with_the_helpers)
{
	struct xs_permissions perms[] = { { 5, 0 }, { 6, 3 }, { 7, 1 } };
	unsigned n = 0;

	begin(&everything);
	CHECK_INT(xsa_mkdir(xsa, XBT_NULL, "/d/one", NULL, NULL), 0);
	CHECK_INT(xsa_mkdir(xsa, XBT_NULL, "/d/two", NULL, NULL), 0);
	CHECK_INT(xsa_directory(xsa, XBT_NULL, "/d", check_names, &n), 0);
	CHECK_INT(xsa_set_permissions(xsa, XBT_NULL, "/d", perms, 3, NULL, NULL), 0);
	CHECK_INT(xsa_get_permissions(xsa, XBT_NULL, "/d", check_perms, &n), 0);
	CHECK_INT(xsa_transaction_start(xsa, end_it, &n), 0);
	CHECK_INT(xsa_rm(xsa, XBT_NULL, "/d", count, &n), 0);
	CHECK_INT(xsa_drain(xsa), 0);
	CHECK_UINT(n, 4);
	perms[0].perms = 4;
	CHECK_INT(xsa_set_permissions(xsa, XBT_NULL, "/", perms, 1, NULL, NULL), EINVAL);
	end();
}

TEST(any_message_but_a_watch_can_be_sent)
{
	struct kept reply = { 0 };
	static char large[XSP_PAYLOAD_MAX + 1];

	begin(&everything);
	CHECK_INT(xsa_request(xsa, XSP_GET_DOMAIN_PATH, 0, "5", 2, keep, &reply), 0);
	CHECK_INT(xsa_drain(xsa), 0);
	CHECK_STR(reply.data, "/local/domain/5");
	CHECK_INT(xsa_request(xsa, XSP_WATCH, 0, "/\0t", 4, NULL, NULL), EINVAL);
	CHECK_INT(xsa_request(xsa, XSP_UNWATCH, 0, "/\0t", 4, NULL, NULL), EINVAL);
	CHECK_INT(xsa_request(xsa, XSP_RESET_WATCHES, 0, "", 1, NULL, NULL), EINVAL);
	CHECK_INT(xsa_request(xsa, 999, 0, "", 0, NULL, NULL), EINVAL);
	CHECK_INT(xsa_request(xsa, XSP_WRITE, 0, large, sizeof(large), NULL, NULL), E2BIG);
	CHECK_UINT(xsa_pending(xsa), 0);
	end();
}

/* ---- ends ---- */

TEST(closing_calls_back_everything_in_flight)
{
	struct kept kept[10] = { { 0 } };

	begin(&everything);
	for (int i = 0; i < 10; i++)
		CHECK_INT(xsa_read(xsa, XBT_NULL, "/", keep, &kept[i]), 0);
	end();
	for (int i = 0; i < 10; i++) {
		CHECK_UINT(kept[i].n, 1);
		CHECK_INT(kept[i].error, ECANCELED);
	}
}

static void close_inside(void *arg, const struct xsa_result *result)
{
	(void)result;
	++*(unsigned *)arg;
	xsa_close(xsa);
}

static void ask_again(void *arg, const struct xsa_result *result)
{
	CHECK_INT(result->error, ECANCELED);
	CHECK_INT(xsa_read(xsa, XBT_NULL, "/", keep, NULL), ECANCELED);
	CHECK_INT(xsa_process(xsa), EDEADLK);
	++*(unsigned *)arg;
}

TEST(a_callback_may_close)
{
	unsigned n = 0;
	int err = 0;

	begin(&everything);
	CHECK_INT(xsa_read(xsa, XBT_NULL, "/", close_inside, &n), 0);
	CHECK_INT(xsa_read(xsa, XBT_NULL, "/", ask_again, &n), 0);
	CHECK_INT(xsa_read(xsa, XBT_NULL, "/", ask_again, &n), 0);
	while (!err)
		err = xsa_wait(xsa, -1);
	CHECK_INT(err, ECANCELED);
	CHECK_UINT(n, 3);
	mini_stop(mini);
}

TEST(a_lost_server_ends_every_request_once)
{
	struct kept kept[3] = { { 0 } };
	int err = 0;

	begin(&everything);
	CHECK_INT(xsa_read(xsa, XBT_NULL, "/", keep, &kept[0]), 0);
	CHECK_INT(xsa_drain(xsa), 0);
	mini_disconnect(mini);
	while (!err)
		err = xsa_wait(xsa, -1);
	CHECK_INT(err, ECONNRESET);
	CHECK_INT(xsa_read(xsa, XBT_NULL, "/", keep, &kept[1]), ECONNRESET);
	CHECK_INT(xsa_process(xsa), ECONNRESET);
	CHECK_INT(xsa_drain(xsa), 0);
	CHECK_UINT(kept[1].n, 0);
	end();
}

/* What a peer sends instead of an answer. */
struct odd {
	struct xsp_header header;
	size_t len; /* of the payload really sent */
	int expected;
};

static void send_odd(int fd, void *arg)
{
	char payload[XSP_PAYLOAD_MAX + 1] = { 0 };
	const struct odd *odd = arg;
	struct xsp_header request;
	uint8_t head[XSP_HEADER_SIZE];

	if (!peer_receive(fd, &request, payload))
		return;
	xsp_header_put(head, &odd->header);
	peer_send_bytes(fd, head, sizeof(head));
	peer_send_bytes(fd, payload, odd->len);
	peer_receive(fd, &request, payload);
}

TEST(answers_that_fit_no_request_end_the_connection)
{
	static const struct odd odds[] = {
		{ { .type = XSP_READ, .req_id = 1 }, 0, EPROTO },
		{ { .type = XSP_READ, .req_id = 0xffffffff }, 0, EPROTO },
		{ { .type = XSP_WRITE }, 0, EPROTO },
		{ { .type = 77 }, 0, EPROTO },
		{ { .type = XSP_READ, .len = 4097 }, 0, E2BIG },
		{ { .type = XSP_READ, .len = UINT32_MAX }, 100, E2BIG },
	};

	for (size_t i = 0; i < sizeof(odds) / sizeof(odds[0]); i++) {
		struct odd odd = odds[i];
		struct peer *peer = peer_start(send_odd, &odd);
		struct kept kept = { 0 };

		xsa = xsa_open(0);
		CHECK_INT(xsa_read(xsa, XBT_NULL, "/", keep, &kept), 0);
		CHECK_INT(xsa_drain(xsa), odds[i].expected);
		CHECK_UINT(kept.n, 1);
		CHECK_INT(kept.error, odds[i].expected);
		xsa_close(xsa);
		peer_stop(peer);
	}
}

static void answer_backwards(int fd, void *arg)
{
	char payloads[8][XSP_PAYLOAD_MAX + 1];
	struct xsp_header requests[8];

	(void)arg;
	for (int i = 0; i < 8; i++) {
		if (!peer_receive(fd, &requests[i], payloads[i]))
			return;
	}
	for (int i = 7; i >= 0; i--)
		peer_reply(fd, &requests[i], requests[i].type, payloads[i], requests[i].len - 1);
	peer_receive(fd, &requests[0], payloads[0]);
}

TEST(answers_may_come_in_any_order)
{
	struct peer *peer = peer_start(answer_backwards, NULL);
	struct kept kept[8] = { { 0 } };
	char path[8];

	xsa = xsa_open(0);
	for (int i = 0; i < 8; i++) {
		snprintf(path, sizeof(path), "/%d", i);
		CHECK_INT(xsa_read(xsa, XBT_NULL, path, keep, &kept[i]), 0);
	}
	CHECK_INT(xsa_drain(xsa), 0);
	for (int i = 0; i < 8; i++) {
		snprintf(path, sizeof(path), "/%d", i);
		CHECK_BYTES(kept[i].data, kept[i].len, path, 2);
	}
	xsa_close(xsa);
	peer_stop(peer);
}

static void cut_short(int fd, void *arg)
{
	char payload[XSP_PAYLOAD_MAX + 1];
	struct xsp_header request;
	uint8_t reply[XSP_HEADER_SIZE + 5];

	if (!peer_receive(fd, &request, payload))
		return;
	request.len = 5;
	xsp_header_put(reply, &request);
	memcpy(reply + XSP_HEADER_SIZE, "hello", 5);
	peer_send_bytes(fd, reply, *(_Atomic size_t *)arg);
}

TEST(the_server_may_die_at_any_byte)
{
	_Atomic size_t sent = 0;
	struct peer *peer = peer_start(cut_short, &sent);

	for (size_t n_bytes = 0; n_bytes <= XSP_HEADER_SIZE + 5; n_bytes++) {
		struct kept kept = { 0 };

		sent = n_bytes;
		xsa = xsa_open(0);
		CHECK_INT(xsa_read(xsa, XBT_NULL, "/", keep, &kept), 0);
		while (kept.n == 0)
			xsa_wait(xsa, -1);
		CHECK_INT(kept.error, n_bytes < XSP_HEADER_SIZE + 5 ? ECONNRESET : 0);
		xsa_close(xsa);
	}
	peer_stop(peer);
}

/* ---- event loops ---- */

static unsigned n_changes;
static short last_interest;

static void on_interest(void *arg, short interest)
{
	(void)arg;
	n_changes++;
	last_interest = interest;
}

TEST(a_loop_is_told_when_the_interest_changes)
{
	unsigned n = 0;

	begin(&everything);
	xsa_on_interest(xsa, on_interest, NULL);
	CHECK_INT(xsa_mkdir(xsa, XBT_NULL, "/a", count, &n), 0);
	CHECK_UINT(n_changes, 1);
	CHECK_INT(last_interest, POLLIN | POLLOUT);
	CHECK_INT(xsa_mkdir(xsa, XBT_NULL, "/a", count, &n), 0);
	CHECK_UINT(n_changes, 1);
	CHECK_INT(xsa_process(xsa), 0);
	CHECK_UINT(n_changes, 2);
	CHECK_INT(last_interest, POLLIN);
	CHECK_INT(xsa_drain(xsa), 0);
	CHECK_UINT(n, 2);
	end();
}

TEST(processing_never_blocks)
{
	begin(&everything);
	CHECK(fcntl(xsa_fd(xsa), F_GETFL) & O_NONBLOCK);
	CHECK_INT(xsa_process(xsa), 0);
	CHECK_INT(xsa_wait(xsa, 0), ETIMEDOUT);
	end();
}

TEST(no_signal_comes_from_writing_to_a_dead_server)
{
	struct kept kept = { 0 };
	int ends[2];

	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	xsa = xsa_open_fd(ends[0]);
	close(ends[1]);
	signal(SIGPIPE, SIG_DFL);
	CHECK_INT(xsa_read(xsa, XBT_NULL, "/", keep, &kept), 0);
	CHECK_INT(xsa_drain(xsa), EPIPE);
	CHECK_INT(kept.error, EPIPE);
	xsa_close(xsa);
}
