/* SPDX-License-Identifier: MIT */
/*
 * A daemon on a fake host of its own: directory, process, end.
 *
 * Functions return 0 or an errno.
 */
#ifndef TESTS_SUPPORT_FAKEXEN_FAKEDAEMON_H
#define TESTS_SUPPORT_FAKEXEN_FAKEDAEMON_H

#include <sys/types.h>

#include "tests/support/fakexen/fakehost.h"

struct fakedaemon {
	char dir[64]; /* "": not made */
	char socket[96];
	struct fakehost_access host;
	pid_t pid; /* 0: not started */
};

/* Makes directory and host; domains may be created before the daemon is started. */
int fakedaemon_make(struct fakedaemon *daemon);

/*
 * Starts `program` in the foreground with the library `preload` and more arguments (ended by
 * NULL; may be NULL itself). It is ended with the process that starts it. Does not wait.
 */
int fakedaemon_start(struct fakedaemon *daemon, const char *program, const char *preload,
		     const char *const *arguments);

/* Asks it to end, and waits. The wait status is what it ended with. */
int fakedaemon_stop(struct fakedaemon *daemon, int *out_status);

/* Kills it. Everything else stays as it is: another one may be started on what it has left. */
int fakedaemon_kill(struct fakedaemon *daemon);

/* Removes everything; a daemon that still runs is killed. */
void fakedaemon_remove(struct fakedaemon *daemon);

#endif
