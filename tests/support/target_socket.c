/* SPDX-License-Identifier: MIT */
#include "tests/support/target_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/wire.h"
#include "tests/support/inbox.h"
#include "tests/support/sock.h"

/*
 * A single-threaded server reads every ready client in each round, so that after a few round
 * trips on one connection whatever was sent earlier on another has been dealt with, and what
 * came of it has been written. One round is enough for our server; others take one request of a
 * client in a round and write in the next.
 */
enum { PROBE_ROUNDS = 4 };

static struct target_socket *of(struct target *target)
{
	return (struct target_socket *)target;
}

static int explain(struct target *target, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int explain(struct target *target, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(target->why, sizeof(target->why), format, args);
	va_end(args);
	return err;
}

static int remove_entry(const char *path, const struct stat *stat, int kind, struct FTW *where)
{
	(void)stat;
	(void)kind;
	(void)where;
	return remove(path);
}

/* What the daemon says goes to a file; it is shown if the daemon ends badly. */
static void redirect(const char *directory)
{
	char path[TARGET_PATH_MAX + 8];
	int fd;

	snprintf(path, sizeof(path), "%s/log", directory);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd >= 0) {
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		close(fd);
	}
}

/* Adds the end of that file to the explanation. */
static void quote_log(struct target_socket *self)
{
	char path[TARGET_PATH_MAX + 8], text[201];
	size_t len = strlen(self->target.why), n;
	FILE *file;

	snprintf(path, sizeof(path), "%s/log", self->directory);
	file = fopen(path, "re");
	if (!file)
		return;
	if (fseek(file, -(long)(sizeof(text) - 1), SEEK_END) != 0)
		rewind(file);
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	fclose(file);
	snprintf(self->target.why + len, sizeof(self->target.why) - len, "; it said: %s", text);
}

static int launch(struct target_socket *self)
{
	snprintf(self->directory, sizeof(self->directory), "/tmp/xst.XXXXXX");
	if (!mkdtemp(self->directory)) {
		self->directory[0] = '\0';
		return explain(&self->target, errno, "mkdtemp: %s", strerror(errno));
	}
	snprintf(self->path, sizeof(self->path), "%.90s/socket", self->directory);
	self->pid = fork();
	if (self->pid < 0) {
		self->pid = 0;
		return explain(&self->target, errno, "fork: %s", strerror(errno));
	}
	if (self->pid == 0) {
		setenv("XENSTORED_RUNDIR", self->directory, 1);
		unsetenv("XENSTORED_PATH");
		unsetenv("NOTIFY_SOCKET");
		redirect(self->directory);
		execl(self->program, self->program, "--no-fork", (char *)NULL);
		perror(self->program);
		_exit(127);
	}
	return 0;
}

static int socket_start(struct target *target)
{
	struct target_socket *self = of(target);
	int err;

	self->n_clients = 0;
	self->probe = -1;
	if (self->before && system(self->before) != 0)
		return explain(target, EIO, "failed: %s", self->before);
	if (self->program) {
		err = launch(self);
		if (err)
			return err;
	}
	err = sock_connect(self->path, SOCK_PATIENCE_MS, &self->probe);
	if (err)
		return explain(target, err, "%s: %s", self->path, strerror(err));
	return 0;
}

static int reap(struct target_socket *self)
{
	int status, err = 0;

	if (!self->pid)
		return 0;
	kill(self->pid, SIGTERM);
	if (waitpid(self->pid, &status, 0) != self->pid)
		err = explain(&self->target, EIO, "waitpid: %s", strerror(errno));
	else if (WIFSIGNALED(status) && WTERMSIG(status) != SIGTERM)
		err = explain(&self->target, EIO, "the server died of signal %d", WTERMSIG(status));
	else if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		err = explain(&self->target, EIO, "the server ended with status %d",
			      WEXITSTATUS(status));
	self->pid = 0;
	if (err)
		quote_log(self);
	return err;
}

static int socket_stop(struct target *target)
{
	struct target_socket *self = of(target);
	int err;

	for (int i = 0; i < self->n_clients; i++) {
		if (self->fds[i] >= 0)
			close(self->fds[i]);
	}
	if (self->probe >= 0)
		close(self->probe);
	self->n_clients = 0;
	self->probe = -1;
	err = reap(self);
	if (self->directory[0])
		nftw(self->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	self->directory[0] = '\0';
	return err;
}

static int socket_open(struct target *target, int domid, int *out_client)
{
	struct target_socket *self = of(target);
	int err;

	if (domid != TARGET_SOCKET)
		return explain(target, ENOTSUP, "a socket has no guests");
	if (self->n_clients == TARGET_SOCKET_CLIENTS_MAX)
		return explain(target, EMFILE, "too many clients");
	err = sock_connect(self->path, SOCK_PATIENCE_MS, &self->fds[self->n_clients]);
	if (err)
		return explain(target, err, "%s: %s", self->path, strerror(err));
	*out_client = self->n_clients++;
	return 0;
}

static int socket_end(struct target *target, int client, enum target_end how)
{
	struct target_socket *self = of(target);

	if (how == TARGET_WRITING)
		return shutdown(self->fds[client], SHUT_WR) ? errno : 0;
	close(self->fds[client]);
	self->fds[client] = -1;
	return 0;
}

static int socket_send(struct target *target, int client, const void *bytes, size_t len)
{
	int err = sock_send(of(target)->fds[client], bytes, len);

	return err ? explain(target, err, "sending: %s", strerror(err)) : 0;
}

static int socket_receive(struct target *target, int client, enum target_wait wait, void *bytes,
			  size_t size, size_t *out_len)
{
	return sock_receive(of(target)->fds[client], wait == TARGET_WAIT ? SOCK_PATIENCE_MS : 0,
			    bytes, size, out_len);
}

static int probe_once(struct target_socket *self)
{
	struct xsp_header header = { .type = XSP_GET_DOMAIN_PATH, .len = 2 };
	char bytes[XSP_HEADER_SIZE + 2];
	struct inbox inbox = { 0 };
	struct message message;
	size_t len;
	int err;

	xsp_header_put(bytes, &header);
	memcpy(bytes + XSP_HEADER_SIZE, "0", 2);
	err = sock_send(self->probe, bytes, sizeof(bytes));
	while (!err && !inbox_next(&inbox, &message)) {
		char got[64];

		err = sock_receive(self->probe, SOCK_PATIENCE_MS, got, sizeof(got), &len);
		if (!err && len == 0)
			err = ETIMEDOUT;
		if (!err)
			inbox_add(&inbox, got, len);
	}
	inbox_fini(&inbox);
	return err;
}

static int socket_settle(struct target *target)
{
	int err = 0;

	for (int i = 0; i < PROBE_ROUNDS && !err; i++)
		err = probe_once(of(target));
	return err ? explain(target, err, "the server answers nobody: %s", strerror(err)) : 0;
}

/* A socket is read only when the script says so anyway. */
static int socket_stall(struct target *target, int client, enum target_stall how)
{
	(void)target;
	(void)client;
	(void)how;
	return 0;
}

static const struct target_ops ops = {
	.start = socket_start,
	.stop = socket_stop,
	.open = socket_open,
	.end = socket_end,
	.send = socket_send,
	.receive = socket_receive,
	.settle = socket_settle,
	.stall = socket_stall,
};

void target_socket_init(struct target_socket *socket, const char *name, const char *path,
			const char *before)
{
	*socket = (struct target_socket){
		.target = { .ops = &ops, .name = name, .can = TARGET_CAN_STALL },
		.before = before,
		.probe = -1,
	};
	snprintf(socket->path, sizeof(socket->path), "%s", path);
}

void target_daemon_init(struct target_socket *socket, const char *name, const char *program)
{
	target_socket_init(socket, name, "", NULL);
	socket->program = program;
}
