/* SPDX-License-Identifier: MIT */
#include "xenstored/io/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

int process_lock(const char *dir, int *out_fd)
{
	char path[4096];
	int fd;

	if (snprintf(path, sizeof(path), "%s/xenstored.lock", dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		int err = errno == EWOULDBLOCK ? -EALREADY : -errno;

		close(fd);
		return err;
	}
	*out_fd = fd;
	return 0;
}

int process_pid_file(const char *path, int *out_fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char text[32];
	ssize_t len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_SETLK, &lock))
		err = errno == EACCES || errno == EAGAIN ? EALREADY : -errno;
	if (!err && ftruncate(fd, 0))
		err = -errno;
	if (!err && write(fd, text, (size_t)len) != len)
		err = -EIO;
	if (err)
		close(fd);
	else
		*out_fd = fd;
	return err;
}

/* The parent's part: ends as the child tells, or does not tell. */
static void wait_for_child(int fd)
{
	char byte;
	ssize_t n;

	do
		n = read(fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	_exit(n == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
}

int process_detach(int *out_ready_fd)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid > 0) {
		close(fds[1]);
		wait_for_child(fds[0]);
	}
	close(fds[0]);
	/* The second fork gives up the session's leadership, and with it any terminal. */
	setsid();
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid > 0)
		_exit(EXIT_SUCCESS);
	if (chdir("/"))
		return -errno;
	umask(022);
	*out_ready_fd = fds[1];
	return 0;
}

/* It ended by its own doing, not because somebody ended it. */
static bool has_crashed(int status)
{
	if (!WIFSIGNALED(status))
		return false;
	switch (WTERMSIG(status)) {
	case SIGABRT:
	case SIGBUS:
	case SIGFPE:
	case SIGILL:
	case SIGSEGV:
		return true;
	default:
		return false;
	}
}

int process_try(int (*fn)(const char *arg), const char *arg)
{
	const struct rlimit no_core = { 0, 0 };
	pid_t pid;
	int status;

	/* Whoever started us may have chosen not to hear of children. */
	signal(SIGCHLD, SIG_DFL);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setrlimit(RLIMIT_CORE, &no_core);
		_exit(fn(arg) == -EBADMSG ? EXIT_FAILURE : EXIT_SUCCESS);
	}
	while (waitpid(pid, &status, 0) != pid) {
		if (errno != EINTR)
			return -errno;
	}
	if (has_crashed(status) || (WIFEXITED(status) && WEXITSTATUS(status) != EXIT_SUCCESS))
		return -EBADMSG;
	return WIFEXITED(status) ? 0 : -ECANCELED;
}

static void notify(const char *path)
{
	char text[64];
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	int fd;

	if (len == 0 || len >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, len);
	/* A leading '@' stands for the NUL of an abstract name. */
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	/* The manager started our grandparent: it is told who serves. */
	snprintf(text, sizeof(text), "READY=1\nMAINPID=%ld", (long)getpid());
	sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&address,
	       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	close(fd);
}

void process_ready(int ready_fd, const char *notify_socket)
{
	if (ready_fd >= 0) {
		ssize_t n = write(ready_fd, "", 1);

		/* Nobody is left to be told if this fails. */
		(void)n;
		close(ready_fd);
	}
	if (notify_socket)
		notify(notify_socket);
}

void process_mute(void)
{
	int fd = open("/dev/null", O_RDWR);

	if (fd < 0)
		return;
	for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
		dup2(fd, i);
	if (fd > STDERR_FILENO)
		close(fd);
}

void process_raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int process_boot_id(char *out_id, size_t size)
{
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
	int err = 0;

	if (!file)
		return -errno;
	if (!fgets(out_id, (int)size, file))
		err = -EIO;
	else
		out_id[strcspn(out_id, "\n")] = '\0';
	fclose(file);
	return err;
}
