/* SPDX-License-Identifier: MIT */
/* A server with nothing to do does nothing. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/daemon/home.h"
#include "tests/daemon/talk.h"
#include "tests/support/check.h"

enum { N_CLIENTS = 20, WINDOW_MS = 3000, SETTLE_MS = 500 };

/* A server that has worked and has clients, watches and transactions, none of which is in motion. */
static void begin(struct home *home, struct talk talks[N_CLIENTS])
{
	char path[64];

	home_make(home);
	home_serve(home);
	for (int i = 0; i < N_CLIENTS; i++) {
		talk_open(&talks[i], home);
		snprintf(path, sizeof(path), "/idle/%d", i);
		talk_write(&talks[i], path, "x");
		snprintf(path, sizeof(path), "/idle/%d|token|", i);
		CHECK_STR(talk_ask(&talks[i], XSP_WATCH, path), "OK|");
	}
	CHECK_STR(talk_ask(&talks[0], XSP_RM, "/idle|"), "OK|");
	for (int i = 0; i < N_CLIENTS; i++)
		CHECK_STR(talk_ask(&talks[i], XSP_TRANSACTION_START, "|"), "1|");
	/* Half a request of each. */
	for (int i = 0; i < N_CLIENTS; i++)
		CHECK_INT(write(talks[i].fd, "\2\0\0", 3), 3);
	pause_ms(SETTLE_MS);
}

static void end(struct home *home, struct talk talks[N_CLIENTS])
{
	for (int i = 0; i < N_CLIENTS; i++)
		talk_close(&talks[i]);
	home_stop(home);
	home_remove(home);
}

/* How often the process has been given the processor and left it. */
static unsigned long count_switches(pid_t pid)
{
	char own[32], forced[32];

	process_status(pid, "voluntary_ctxt_switches", own, sizeof(own));
	process_status(pid, "nonvoluntary_ctxt_switches", forced, sizeof(forced));
	return strtoul(own, NULL, 10) + strtoul(forced, NULL, 10);
}

TEST(idle_server_is_never_woken)
{
	struct talk talks[N_CLIENTS];
	struct home home;
	unsigned long before;

	begin(&home, talks);
	before = count_switches(home.pid);
	pause_ms(WINDOW_MS);
	CHECK_UINT(count_switches(home.pid), before);
	end(&home, talks);
}

static off_t size_of(const char *path)
{
	struct stat stat_buf;

	CHECK_INT(stat(path, &stat_buf), 0);
	return stat_buf.st_size;
}

/* True when somebody traces the process. */
static bool is_traced(pid_t pid)
{
	char text[32];

	process_status(pid, "TracerPid", text, sizeof(text));
	return strcmp(text, "0") != 0;
}

TEST(idle_server_makes_no_system_calls)
{
	struct talk talks[N_CLIENTS], late;
	char log[HOME_PATH_MAX], pid[16], *text;
	struct home home;
	pid_t strace;
	off_t before;
	int status;

	begin(&home, talks);
	snprintf(log, sizeof(log), "%s/strace", home.top);
	snprintf(pid, sizeof(pid), "%d", (int)home.pid);
	strace = fork();
	CHECK(strace >= 0);
	if (strace == 0) {
		execlp("strace", "strace", "-q", "-o", log, "-p", pid, (char *)NULL);
		_exit(127);
	}
	while (!is_traced(home.pid)) {
		if (waitpid(strace, &status, WNOHANG) == 0) {
			pause_ms(2);
			continue;
		}
		printf("SKIPPED idle_server_makes_no_system_calls: %s\n",
		       WIFEXITED(status) && WEXITSTATUS(status) == 127
			       ? "there is no strace"
			       : "tracing is not permitted here");
		end(&home, talks);
		return;
	}
	/* Being taken hold of interrupts the one call that waits. */
	pause_ms(SETTLE_MS);
	before = size_of(log);
	pause_ms(WINDOW_MS);
	if (size_of(log) != before) {
		text = home_read(log);
		CHECK_FAIL("the server does something: %s", text);
	}
	/* The log works: what the server does do is there. */
	talk_open(&late, &home);
	CHECK_STR(talk_ask(&late, XSP_GET_DOMAIN_PATH, "0|"), "/local/domain/0|");
	talk_close(&late);
	home_await(log, "accept4(");
	CHECK_INT(kill(strace, SIGTERM), 0);
	CHECK_INT(waitpid(strace, &status, 0), strace);
	end(&home, talks);
}
