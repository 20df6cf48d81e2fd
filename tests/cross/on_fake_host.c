/* SPDX-License-Identifier: MIT */
/*
 * on_fake_host: runs a server on a Xen host that is a directory, and ends it in time.
 *
 *	on_fake_host DIR PRELOAD OWNER PROGRAM [ARGUMENT...]
 *
 * DIR is empty; the host is made in it. PRELOAD is what PROGRAM finds in LD_PRELOAD. The server is
 * asked to end when this program is asked to, and killed when the process OWNER ends, so that a
 * test that dies leaves no server behind (0: it has no owner). The status is that of the server.
 */
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/fakexen/fakehost.h"

_Noreturn static void become(char **argv, const char *dir, const char *preload)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setenv(FAKEHOST_VARIABLE, dir, 1);
	setenv("LD_PRELOAD", preload, 1);
	/* Sanitizers want to be loaded first, but do not depend on it. */
	setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
	execv(argv[0], argv);
	perror(argv[0]);
	_exit(127);
}

static int open_process(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* Returns the status of the server. */
static int watch_over(pid_t server, int owner_fd, int signal_fd)
{
	struct pollfd ready[] = {
		{ .fd = owner_fd, .events = POLLIN },
		{ .fd = signal_fd, .events = POLLIN },
	};
	struct signalfd_siginfo info;
	int status;

	for (;;) {
		if (waitpid(server, &status, WNOHANG) == server)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		if (poll(ready, 2, -1) < 0)
			continue;
		if (ready[0].revents) {
			kill(server, SIGKILL);
			ready[0].fd = -1;
		}
		if (ready[1].revents && read(signal_fd, &info, sizeof(info)) == sizeof(info) &&
		    info.ssi_signo != SIGCHLD)
			kill(server, SIGTERM);
	}
}

int main(int argc, char **argv)
{
	int err, owner_fd = -1, signal_fd;
	sigset_t signals;
	pid_t server;

	if (argc < 5) {
		fputs("usage: on_fake_host DIR PRELOAD OWNER PROGRAM [ARGUMENT...]\n", stderr);
		return EXIT_FAILURE;
	}
	err = fakehost_make(argv[1]);
	if (err) {
		fprintf(stderr, "on_fake_host: %s: %s\n", argv[1], strerror(err));
		return EXIT_FAILURE;
	}
	if (strcmp(argv[3], "0") != 0) {
		owner_fd = open_process((pid_t)strtol(argv[3], NULL, 10));
		if (owner_fd < 0) {
			fprintf(stderr, "on_fake_host: no process %s\n", argv[3]);
			return EXIT_FAILURE;
		}
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
	server = fork();
	if (server < 0 || signal_fd < 0) {
		perror("on_fake_host");
		return EXIT_FAILURE;
	}
	if (server == 0)
		become(argv + 4, argv[1], argv[2]);
	return watch_over(server, owner_fd, signal_fd);
}
