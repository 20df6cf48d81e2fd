/* SPDX-License-Identifier: MIT */
#include "tests/support/fakexen/fakedaemon.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 16 };

int fakedaemon_make(struct fakedaemon *daemon)
{
	/* Shared memory and the store belong in memory, where there is a file system for it. */
	const char *where = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";
	int err;

	*daemon = (struct fakedaemon){ 0 };
	snprintf(daemon->dir, sizeof(daemon->dir), "%s/xsfake.XXXXXX", where);
	if (!mkdtemp(daemon->dir)) {
		daemon->dir[0] = '\0';
		return errno;
	}
	snprintf(daemon->socket, sizeof(daemon->socket), "%s/socket", daemon->dir);
	err = fakehost_make(daemon->dir);
	return err ? err : fakehost_open(&daemon->host, daemon->dir);
}

_Noreturn static void become(const struct fakedaemon *daemon, const char *program,
			     const char *preload, const char *const *arguments)
{
	const char *argv[ARGUMENTS_MAX + 3] = { program, "--no-fork" };

	for (int i = 0; arguments && arguments[i] && i < ARGUMENTS_MAX; i++)
		argv[2 + i] = arguments[i];
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setenv("XENSTORED_RUNDIR", daemon->dir, 1);
	setenv(FAKEHOST_VARIABLE, daemon->dir, 1);
	setenv("LD_PRELOAD", preload, 1);
	/* Sanitizers want to be loaded first, but do not depend on it. */
	setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
	unsetenv("XENSTORED_PATH");
	unsetenv("NOTIFY_SOCKET");
	execv(program, (char **)(uintptr_t)argv);
	perror(program);
	_exit(127);
}

int fakedaemon_start(struct fakedaemon *daemon, const char *program, const char *preload,
		     const char *const *arguments)
{
	/* What is buffered would be written twice. */
	fflush(NULL);
	daemon->pid = fork();
	if (daemon->pid < 0) {
		daemon->pid = 0;
		return errno;
	}
	if (daemon->pid == 0)
		become(daemon, program, preload, arguments);
	return 0;
}

int fakedaemon_stop(struct fakedaemon *daemon, int *out_status)
{
	pid_t pid = daemon->pid;

	daemon->pid = 0;
	*out_status = 0;
	if (pid == 0)
		return 0;
	if (kill(pid, SIGTERM) || waitpid(pid, out_status, 0) != pid)
		return errno;
	return 0;
}

int fakedaemon_kill(struct fakedaemon *daemon)
{
	pid_t pid = daemon->pid;

	daemon->pid = 0;
	return kill(pid, SIGKILL) || waitpid(pid, NULL, 0) != pid ? errno : 0;
}

static int remove_entry(const char *path, const struct stat *stat, int kind, struct FTW *where)
{
	(void)stat;
	(void)kind;
	(void)where;
	return remove(path);
}

void fakedaemon_remove(struct fakedaemon *daemon)
{
	if (daemon->pid)
		fakedaemon_kill(daemon);
	fakehost_close(&daemon->host);
	if (daemon->dir[0])
		nftw(daemon->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	daemon->dir[0] = '\0';
}
