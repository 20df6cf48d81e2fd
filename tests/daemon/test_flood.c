/* SPDX-License-Identifier: MIT */
/* Clients that take more than their share: of time, by asking; of memory, by not reading. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/daemon/home.h"
#include "tests/daemon/talk.h"
#include "tests/support/check.h"
#include "tests/support/sock.h"

enum { NAME_LEN = 2000, ROOM_KB = 64 * 1024 };

/* A node with a long name, so that its event is long, is made and removed. */
static size_t make_long_change(void *arg, size_t i, uint32_t *out_type, char *payload)
{
	const size_t *n_before = arg;
	int len;

	*out_type = i % 2 ? XSP_RM : XSP_WRITE;
	memset(payload, 'n', NAME_LEN);
	payload[0] = '/';
	len = snprintf(payload + NAME_LEN, 32, "%zu", *n_before + i / 2);
	return NAME_LEN + (size_t)len + 1;
}

TEST(client_that_never_reads_is_dropped_when_its_events_pile_up)
{
	enum { MANY = 100000, AT_ONCE = 500 };
	uint64_t before_kb, most_kb = 0, now_kb;
	struct talk watcher, writer, other;
	struct home home;
	size_t n = 0;

	home_make(&home);
	/* A sanitizer would keep what was freed. */
	home_serve_as(&home,
		      &(struct launch){ .environment = { "ASAN_OPTIONS=quarantine_size_mb=1" } });
	talk_open(&watcher, &home);
	talk_open(&writer, &home);
	talk_open(&other, &home);
	CHECK_STR(talk_ask(&watcher, XSP_WATCH, "/|token|"), "OK|");
	CHECK_STR(talk_ask(&other, XSP_WATCH, "/other|token|"), "OK|");
	before_kb = process_resident_kb(home.pid);
	while (strstr(talk_ask(&writer, XSP_CONTROL, "quota|0|"), "watches          :        2 ")) {
		CHECK(n < MANY);
		talk_many(&writer, AT_ONCE, make_long_change, NULL, &n);
		n += AT_ONCE;
		now_kb = process_resident_kb(home.pid);
		most_kb = now_kb > most_kb ? now_kb : most_kb;
	}
	CHECK(n > AT_ONCE);
	CHECK(most_kb - before_kb < ROOM_KB);
	/* Nobody else has lost anything. */
	talk_write(&writer, "/other", "x");
	CHECK_STR(talk_ask(&other, XSP_UNWATCH, "/other|token|"), "OK|");
	CHECK_UINT(other.n_events, 2);
	CHECK_STR(talk_ask(&writer, XSP_CONTROL, "check|"), "OK|");
	talk_await_close(&watcher);
	talk_close(&other);
	talk_close(&watcher);
	talk_close(&writer);
	home_stop(&home);
	home_remove(&home);
}

/* Sends as much as the server takes. Returns the number of whole requests. */
static size_t send_until_stuck(struct talk *talk, const char *request, size_t len)
{
	enum { STUCK_MS = 300 };
	struct pollfd ready = { .fd = talk->fd, .events = POLLOUT };
	size_t sent = 0;
	ssize_t n;

	for (;;) {
		n = send(talk->fd, request + sent % len, len - sent % len, MSG_NOSIGNAL);
		if (n >= 0) {
			sent += (size_t)n;
			continue;
		}
		CHECK_INT(errno, EAGAIN);
		if (poll(&ready, 1, STUCK_MS) == 0)
			break;
	}
	return sent / len;
}

TEST(client_that_does_not_read_replies_is_not_read_from)
{
	enum { VALUE_LEN = 4000 };
	char value[VALUE_LEN + 1], request[64];
	struct xsp_header header = { .type = XSP_READ, .len = 3 };
	uint64_t before_kb, after_kb;
	struct talk talk, other;
	struct home home;
	size_t n;

	home_make(&home);
	home_serve(&home);
	memset(value, 'v', VALUE_LEN);
	value[VALUE_LEN] = '\0';
	talk_open(&talk, &home);
	talk_open(&other, &home);
	talk_write(&talk, "/a", value);
	before_kb = process_resident_kb(home.pid);
	xsp_header_put(request, &header);
	memcpy(request + XSP_HEADER_SIZE, "/a", 3);
	n = send_until_stuck(&talk, request, XSP_HEADER_SIZE + 3);
	CHECK(n > 100);
	after_kb = process_resident_kb(home.pid);
	CHECK(after_kb - before_kb < 4096);
	CHECK_STR(talk_ask(&other, XSP_GET_DOMAIN_PATH, "0|"), "/local/domain/0|");
	/* Once it reads, it gets every single one. */
	for (size_t i = 0; i < n; i++)
		CHECK_STR(talk_reply(&talk), value);
	CHECK_STR(talk_ask(&other, XSP_CONTROL, "check|"), "OK|");
	talk_close(&other);
	talk_close(&talk);
	home_stop(&home);
	home_remove(&home);
}

TEST(flood_of_requests_does_not_starve_others)
{
	enum { FLOODERS = 4, N = 2000, FAIR = 500, LEN = XSP_HEADER_SIZE + 6 };
	struct xsp_header header = { .type = XSP_READ, .len = 6 };
	static char flood[N * LEN];
	struct talk flooders[FLOODERS], modest;
	size_t n_before;
	struct home home;

	home_make(&home);
	home_serve(&home);
	for (size_t i = 0; i < N; i++) {
		xsp_header_put(flood + i * LEN, &header);
		memcpy(flood + i * LEN + XSP_HEADER_SIZE, "/mark", 6);
	}
	for (size_t i = 0; i < FLOODERS; i++) {
		talk_open(&flooders[i], &home);
		talk_ask(&flooders[i], XSP_GET_DOMAIN_PATH, "0|");
	}
	talk_open(&modest, &home);
	talk_ask(&modest, XSP_GET_DOMAIN_PATH, "0|");
	/* All requests are there before the server sees the first, that of the modest one last. */
	CHECK_INT(kill(home.pid, SIGSTOP), 0);
	for (size_t i = 0; i < FLOODERS; i++)
		CHECK_INT(sock_send(flooders[i].fd, flood, sizeof(flood)), 0);
	talk_send(&modest, XSP_WRITE, "/mark\0x", 7);
	CHECK_INT(kill(home.pid, SIGCONT), 0);
	CHECK_STR(talk_reply(&modest), "OK|");
	/* What the others read shows how many of theirs were served before. */
	for (size_t i = 0; i < FLOODERS; i++) {
		n_before = 0;
		for (size_t j = 0; j < N; j++)
			n_before += !strcmp(talk_reply(&flooders[i]), "ENOENT");
		if (n_before > FAIR)
			CHECK_FAIL("%zu requests of flooder %zu came first", n_before, i);
		talk_close(&flooders[i]);
	}
	talk_close(&modest);
	home_stop(&home);
	home_remove(&home);
}
