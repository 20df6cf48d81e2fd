/* SPDX-License-Identifier: MIT */
/* Many clients, clients that vanish, and what happens when descriptors run out. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/daemon/home.h"
#include "tests/daemon/talk.h"
#include "tests/support/check.h"
#include "tests/support/sock.h"
#include "tests/support/text.h"

/* The server's descriptors. */
static size_t count_descriptors(const struct home *home)
{
	char path[64];
	size_t n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)home->pid);
	dir = opendir(path);
	CHECK(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void await_descriptors(const struct home *home, size_t n)
{
	uint64_t deadline = now_ms() + HOME_PATIENCE_MS;

	while (count_descriptors(home) != n) {
		if (now_ms() > deadline)
			CHECK_FAIL("%zu descriptors open, expected %zu", count_descriptors(home),
				   n);
		pause_ms(2);
	}
}

/* How many there are while no client is connected. */
static size_t settled_descriptors(const struct home *home)
{
	struct talk talk;
	size_t n;

	/* Who is answered knows that earlier ends of connections have been dealt with. */
	talk_open(&talk, home);
	talk_ask(&talk, XSP_GET_DOMAIN_PATH, "0|");
	n = count_descriptors(home) - 1;
	talk_close(&talk);
	await_descriptors(home, n);
	return n;
}

/* As many descriptors for this process; false if the system does not allow it. */
static bool raise_limit(rlim_t n)
{
	struct rlimit limit;

	CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_cur >= n)
		return true;
	limit.rlim_cur = n;
	return limit.rlim_max >= n && setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

/* Stops the server until resume(): what clients do meanwhile it finds all at once. */
static void suspend(const struct home *home)
{
	char state[64];

	CHECK_INT(kill(home->pid, SIGSTOP), 0);
	do
		process_status(home->pid, "State", state, sizeof(state));
	while (state[0] != 'T');
}

static void resume(const struct home *home)
{
	CHECK_INT(kill(home->pid, SIGCONT), 0);
}

static void check_serving(const struct home *home)
{
	struct talk talk;

	talk_open(&talk, home);
	CHECK_STR(talk_ask(&talk, XSP_CONTROL, "check|"), "OK|");
	talk_close(&talk);
}

/* How much of a second of CPU time, in percent, an undisturbed server uses. */
static unsigned idle_percent(const struct home *home)
{
	enum { WINDOW_MS = 1500 };
	uint64_t before = process_cpu_ticks(home->pid), ticks;

	pause_ms(WINDOW_MS);
	ticks = process_cpu_ticks(home->pid) - before;
	return (unsigned)(ticks * 100000 / (uint64_t)sysconf(_SC_CLK_TCK) / WINDOW_MS);
}

TEST(more_than_1024_clients_are_served)
{
	enum { N = 1500 };
	struct talk *talks = text_alloc(N * sizeof(*talks));
	struct home home;

	if (!raise_limit(N + 64)) {
		printf("SKIPPED more_than_1024_clients_are_served: too few descriptors allowed\n");
		free(talks);
		return;
	}
	home_make(&home);
	home_serve(&home);
	for (size_t i = 0; i < N; i++) {
		talk_open(&talks[i], &home);
		CHECK_STR(talk_ask(&talks[i], XSP_WATCH, "/a|token|"), "OK|");
	}
	for (size_t i = N; i-- > 0;)
		CHECK_STR(talk_ask(&talks[i], XSP_GET_DOMAIN_PATH, "0|"), "/local/domain/0|");
	talk_write(&talks[0], "/a", "x");
	/* The first event came with the watch, the second with the change. */
	for (size_t i = 0; i < N; i++) {
		talk_ask(&talks[i], XSP_UNWATCH, "/a|token|");
		CHECK_UINT(talks[i].n_events, 2);
	}
	for (size_t i = 0; i < N; i++)
		talk_close(&talks[i]);
	check_serving(&home);
	home_stop(&home);
	home_remove(&home);
	free(talks);
}

TEST(burst_of_connections_fits_the_backlog)
{
	enum { N = 500 };
	static struct talk talks[N];
	struct home home;
	int status;

	CHECK(raise_limit(N + 64));
	home_make(&home);
	home_serve(&home);
	suspend(&home);
	for (size_t i = 0; i < N; i++) {
		status = sock_connect(home.socket, 0, &talks[i].fd);
		if (status)
			CHECK_FAIL("connection %zu: %s", i, strerror(status));
		talk_send(&talks[i], XSP_GET_DOMAIN_PATH, "3", 2);
	}
	resume(&home);
	for (size_t i = 0; i < N; i++) {
		CHECK_STR(talk_reply(&talks[i]), "/local/domain/3|");
		talk_close(&talks[i]);
	}
	home_stop(&home);
	home_remove(&home);
}

TEST(lack_of_descriptors_costs_no_time_and_passes)
{
	enum { LIMIT = 40, N = 80, N_EARLY = 10 };
	static struct talk talks[N];
	size_t n_before;
	struct home home;

	home_make(&home);
	home_serve_as(&home, &(struct launch){ .n_files_max = LIMIT });
	n_before = settled_descriptors(&home);
	/* All connect; some of them have to wait until others go. */
	for (size_t i = 0; i < N; i++) {
		talk_open(&talks[i], &home);
		talk_send(&talks[i], XSP_GET_DOMAIN_PATH, "3", 2);
	}
	for (size_t i = 0; i < N_EARLY; i++)
		CHECK_STR(talk_reply(&talks[i]), "/local/domain/3|");
	home_await(home.err, "cannot accept connections");
	CHECK(!talk_has_message(&talks[N - 1], 0));
	CHECK(idle_percent(&home) < 10);
	/* Those who are in are served as ever. */
	CHECK_STR(talk_ask(&talks[0], XSP_GET_DOMAIN_PATH, "4|"), "/local/domain/4|");
	for (size_t i = 0; i < N; i++) {
		if (i >= N_EARLY)
			CHECK_STR(talk_reply(&talks[i]), "/local/domain/3|");
		talk_close(&talks[i]);
	}
	check_serving(&home);
	await_descriptors(&home, n_before);
	home_stop(&home);
	home_remove(&home);
}

/* Stages at which a client can vanish. */
static void vanish(const struct home *home, int stage)
{
	char request[64], payload[64];
	struct xsp_header header = { .type = XSP_GET_DOMAIN_PATH, .len = 2 };
	struct talk talk;

	xsp_header_put(request, &header);
	memcpy(request + XSP_HEADER_SIZE, "0", 2);
	talk_open(&talk, home);
	switch (stage) {
	case 0: /* at once */
		break;
	case 1: /* in a header */
		CHECK_INT(sock_send(talk.fd, request, 7), 0);
		break;
	case 2: /* behind a header */
		CHECK_INT(sock_send(talk.fd, request, XSP_HEADER_SIZE), 0);
		break;
	case 3: /* in a payload */
		CHECK_INT(sock_send(talk.fd, request, XSP_HEADER_SIZE + 1), 0);
		break;
	case 4: /* before the reply */
		for (int i = 0; i < 100; i++)
			talk_send(&talk, XSP_GET_DOMAIN_PATH, "0", 2);
		break;
	case 5: /* in transactions */
		for (int i = 0; i < 5; i++)
			talk_ask(&talk, XSP_TRANSACTION_START, "|");
		talk_ask_in(&talk, 1, XSP_WRITE, "/never|seen");
		break;
	case 6: /* with watches */
		for (int i = 0; i < 1000; i++) {
			snprintf(payload, sizeof(payload), "/w/%d|token|", i);
			CHECK_STR(talk_ask(&talk, XSP_WATCH, payload), "OK|");
		}
		break;
	default: /* with unread events */
		talk_ask(&talk, XSP_WATCH, "/|token|");
		talk_send(&talk, XSP_WRITE, "/some\0thing", 11);
		talk_send(&talk, XSP_WRITE, "/any\0thing", 10);
	}
	talk_close(&talk);
}

TEST(clients_may_vanish_at_every_stage)
{
	enum { STAGES = 8 };
	size_t n_before;
	struct home home;
	struct talk talk;

	home_make(&home);
	home_serve(&home);
	talk_open(&talk, &home);
	talk_ask(&talk, XSP_GET_DOMAIN_PATH, "0|");
	n_before = count_descriptors(&home);
	for (int i = 0; i < 10 * STAGES; i++)
		vanish(&home, i % STAGES);
	await_descriptors(&home, n_before);
	CHECK(strstr(talk_ask(&talk, XSP_CONTROL, "quota|0|"), "watches          :        0 "));
	CHECK_STR(talk_ask(&talk, XSP_CONTROL, "check|"), "OK|");
	CHECK_STR(talk_ask(&talk, XSP_READ, "/never|"), "ENOENT");
	CHECK(idle_percent(&home) < 10);
	talk_close(&talk);
	home_stop(&home);
	home_remove(&home);
}

TEST(killed_client_is_noticed)
{
	size_t n_before;
	struct home home;
	struct talk talk;
	pid_t child;

	home_make(&home);
	home_serve(&home);
	n_before = settled_descriptors(&home);
	for (int i = 0; i < 10; i++) {
		child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			talk_open(&talk, &home);
			talk_ask(&talk, XSP_WATCH, "/|token|");
			for (;;)
				talk_send(&talk, XSP_GET_DOMAIN_PATH, "0", 2);
		}
		/* It sends without reading until the server stops listening to it. */
		await_descriptors(&home, n_before + 1);
		CHECK_INT(kill(child, SIGKILL), 0);
		CHECK_INT(waitpid(child, NULL, 0), child);
		await_descriptors(&home, n_before);
	}
	check_serving(&home);
	home_stop(&home);
	home_remove(&home);
}

TEST(requests_before_a_half_close_are_all_answered)
{
	enum { N = 3000 };
	struct home home;
	struct talk talk;
	pid_t child;
	int status;

	home_make(&home);
	home_serve(&home);
	talk_open(&talk, &home);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		for (int i = 0; i < N; i++)
			talk_send(&talk, XSP_GET_DOMAIN_PATH, "5", 2);
		_exit(shutdown(talk.fd, SHUT_WR) ? 1 : 0);
	}
	for (int i = 0; i < N; i++)
		CHECK_STR(talk_reply(&talk), "/local/domain/5|");
	CHECK_INT(waitpid(child, &status, 0), child);
	CHECK_INT(status, 0);
	talk_await_close(&talk);
	talk_close(&talk);
	home_stop(&home);
	home_remove(&home);
}

/* Puts WRITEs of /q/<0 ... n - 1> behind one another. Returns their length. */
static size_t compose_writes(int n, uint8_t *out_bytes)
{
	size_t len = 0;

	for (int i = 0; i < n; i++) {
		char *path = (char *)out_bytes + len + XSP_HEADER_SIZE;
		size_t path_len = (size_t)sprintf(path, "/q/%d", i);
		struct xsp_header header = { .type = XSP_WRITE, .len = (uint32_t)path_len + 2 };

		path[path_len + 1] = 'v';
		xsp_header_put(out_bytes + len, &header);
		len += XSP_HEADER_SIZE + header.len;
	}
	return len;
}

/* Its first answers meet a closed socket: that is no reason to forget the rest of what it asked. */
TEST(requests_before_a_close_are_all_done_though_nobody_hears)
{
	enum { N = 300 }; /* more than one turn does for one client */
	uint8_t requests[N * 32];
	size_t len = compose_writes(N, requests), n_idle;
	struct home home;
	struct talk talk;
	char path[32];

	home_make(&home);
	home_serve(&home);
	n_idle = settled_descriptors(&home);
	talk_open(&talk, &home);
	talk_ask(&talk, XSP_GET_DOMAIN_PATH, "0|");
	suspend(&home);
	CHECK_INT(send(talk.fd, requests, len, MSG_NOSIGNAL), (ssize_t)len);
	talk_close(&talk);
	resume(&home);
	await_descriptors(&home, n_idle);
	talk_open(&talk, &home);
	for (int i = 0; i < N; i++) {
		snprintf(path, sizeof(path), "/q/%d|", i);
		CHECK_STR(talk_ask(&talk, XSP_READ, path), "v");
	}
	talk_close(&talk);
	check_serving(&home);
	home_stop(&home);
	home_remove(&home);
}

TEST(single_bytes_from_500_clients_are_put_together)
{
	enum { N = 500 };
	static struct talk talks[N];
	char bytes[XSP_HEADER_SIZE + 6];
	struct xsp_header header = { .type = XSP_WRITE, .len = 6 };
	struct home home;

	CHECK(raise_limit(N + 64));
	home_make(&home);
	home_serve(&home);
	for (size_t i = 0; i < N; i++)
		talk_open(&talks[i], &home);
	xsp_header_put(bytes, &header);
	memcpy(bytes + XSP_HEADER_SIZE, "/abc\0x", 6);
	for (size_t at = 0; at < sizeof(bytes); at++) {
		for (size_t i = 0; i < N; i++)
			CHECK_INT(sock_send(talks[i].fd, bytes + at, 1), 0);
	}
	for (size_t i = 0; i < N; i++) {
		CHECK_STR(talk_reply(&talks[i]), "OK|");
		talk_close(&talks[i]);
	}
	check_serving(&home);
	home_stop(&home);
	home_remove(&home);
}
