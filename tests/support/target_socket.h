/* SPDX-License-Identifier: MIT */
/*
 * Target: the UNIX socket of a real server. It knows socket clients only.
 *
 * Either a server that runs already (its tree is whatever it is; `before`, a shell command, may
 * bring a fresh one up), or our daemon, started anew for each conversation in a directory of its
 * own.
 */
#ifndef TESTS_SUPPORT_TARGET_SOCKET_H
#define TESTS_SUPPORT_TARGET_SOCKET_H

#include <sys/types.h>

#include "tests/support/target.h"

enum { TARGET_SOCKET_CLIENTS_MAX = 64, TARGET_PATH_MAX = 104 };

struct target_socket {
	struct target target;
	const char *before;              /* borrowed; NULL: nothing to run */
	const char *program;             /* borrowed; NULL: the server runs already */
	char path[TARGET_PATH_MAX];      /* of the socket */
	char directory[TARGET_PATH_MAX]; /* "" unless we made it */
	pid_t pid;                       /* of the daemon, or 0 */
	int probe;                       /* a client nobody sees */
	int fds[TARGET_SOCKET_CLIENTS_MAX];
	int n_clients;
};

/* A server that listens at `path` and is called `name` in transcripts. */
void target_socket_init(struct target_socket *socket, const char *name, const char *path,
			const char *before);

/* The daemon `program`. */
void target_daemon_init(struct target_socket *socket, const char *name, const char *program);

#endif
