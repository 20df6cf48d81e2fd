/* SPDX-License-Identifier: MIT */
#include "tests/support/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { RETRY_MS = 5 };

int sock_connect(const char *path, int patience_ms, int *out_fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, err;

	if (strlen(path) >= sizeof(address.sun_path))
		return ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	for (;;) {
		if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
			break;
		err = errno;
		if ((err != ENOENT && err != ECONNREFUSED && err != EAGAIN && err != EINTR) ||
		    patience_ms <= 0) {
			close(fd);
			return err;
		}
		poll(NULL, 0, RETRY_MS);
		patience_ms -= RETRY_MS;
	}
	if (fcntl(fd, F_SETFL, O_NONBLOCK)) {
		err = errno;
		close(fd);
		return err;
	}
	*out_fd = fd;
	return 0;
}

int sock_send(int fd, const void *bytes, size_t len)
{
	struct pollfd ready = { .fd = fd, .events = POLLOUT };
	const char *at = bytes;

	while (len) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

		if (n >= 0) {
			at += n;
			len -= (size_t)n;
			continue;
		}
		if (errno == EPIPE || errno == ECONNRESET)
			return EPIPE;
		if (errno != EAGAIN && errno != EINTR)
			return errno;
		if (poll(&ready, 1, SOCK_PATIENCE_MS) == 0)
			return ETIMEDOUT;
	}
	return 0;
}

int sock_receive(int fd, int patience_ms, void *bytes, size_t size, size_t *out_len)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	ssize_t n;

	*out_len = 0;
	for (;;) {
		n = recv(fd, bytes, size, 0);
		if (n > 0) {
			*out_len = (size_t)n;
			return 0;
		}
		if (n == 0 || errno == ECONNRESET || errno == EPIPE)
			return EPIPE;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return errno;
		if (patience_ms == 0 || poll(&ready, 1, patience_ms) == 0)
			return 0;
	}
}
