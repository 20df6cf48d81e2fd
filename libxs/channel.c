/* SPDX-License-Identifier: MIT */
/*
 * Sends with one system call and receives with as few as possible: whatever has arrived is read
 * into a buffer, and messages are taken from there.
 *
 * A socket is written with MSG_NOSIGNAL, so the program that uses the library never sees SIGPIPE.
 * The kernel's device does not know SIGPIPE, but it handles a message as soon as its last byte is
 * written and reports a failed one as the failure of that write. So there a message is written in
 * one piece, and an error means that the message is refused, not that the connection is lost.
 */
#include "libxs/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "libxs/env.h"
#include "protocol/framer.h"

static int connect_socket(const char *path, _Atomic int *out_fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, err;

	if (strlen(path) >= sizeof(address.sun_path))
		return EINVAL;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	while (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		if (errno == EINTR)
			continue;
		err = errno;
		close(fd);
		return err;
	}
	atomic_store(out_fd, fd);
	return 0;
}

/*
 * A device is written to as soon as it is open, so nothing else may be taken for one: a wrong name
 * would cost somebody a file.
 */
static bool is_device(const char *path, const struct stat *status)
{
	return S_ISCHR(status->st_mode) ||
	       (S_ISREG(status->st_mode) && xsi_env_is_kernels_file(path));
}

static int open_device(const char *path, _Atomic int *out_fd)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct stat status;

	if (fd < 0)
		return errno;
	/* What has the name may have changed since it was looked at. */
	if (fstat(fd, &status) < 0 || !is_device(path, &status)) {
		close(fd);
		return ENOTSOCK;
	}
	atomic_store(out_fd, fd);
	return 0;
}

static int open_path(const char *path, _Atomic int *out_fd, enum xsi_transport *out_transport)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return errno;
	if (S_ISSOCK(status.st_mode)) {
		*out_transport = XSI_SOCKET;
		return connect_socket(path, out_fd);
	}
	if (!is_device(path, &status))
		return ENOTSOCK;
	*out_transport = XSI_DEVICE;
	return open_device(path, out_fd);
}

int xsi_connect(_Atomic int *out_fd, enum xsi_transport *out_transport)
{
	char buffer[XSI_ENV_PATH_MAX];
	const char *socket_path = xsi_env_socket(buffer);

	if (socket_path && open_path(socket_path, out_fd, out_transport) == 0)
		return 0;
	return open_path(xsi_env_device(), out_fd, out_transport);
}

/* Drops the first `sent` bytes from the pieces. */
static void advance(struct msghdr *message, size_t sent)
{
	while (message->msg_iovlen > 0 && sent >= message->msg_iov->iov_len) {
		sent -= message->msg_iov->iov_len;
		message->msg_iov++;
		message->msg_iovlen--;
	}
	if (message->msg_iovlen > 0) {
		message->msg_iov->iov_base = (char *)message->msg_iov->iov_base + sent;
		message->msg_iov->iov_len -= sent;
	}
}

static int send_to_socket(int fd, struct iovec *pieces, size_t n_pieces)
{
	struct msghdr message = { .msg_iov = pieces, .msg_iovlen = n_pieces };
	ssize_t sent;

	while (message.msg_iovlen > 0) {
		sent = sendmsg(fd, &message, MSG_NOSIGNAL);
		if (sent < 0 && errno != EINTR)
			return -errno;
		if (sent > 0)
			advance(&message, (size_t)sent);
	}
	return 0;
}

int xsi_device_write(int fd, const void *message, size_t len)
{
	const uint8_t *cursor = message;
	size_t done = 0;
	ssize_t written;

	while (done < len) {
		written = write(fd, cursor + done, len - done);
		/* With half a message inside, the device would take the next for its other half. */
		if (written < 0 && errno != EINTR)
			return errno == EBADF || done > 0 ? -errno : errno;
		if (written > 0)
			done += (size_t)written;
	}
	return 0;
}

static int write_to_device(int fd, const struct iovec *pieces, size_t n_pieces)
{
	uint8_t message[XSP_MESSAGE_MAX];
	size_t len = 0;

	for (size_t i = 0; i < n_pieces; i++) {
		if (pieces[i].iov_len == 0)
			continue;
		memcpy(message + len, pieces[i].iov_base, pieces[i].iov_len);
		len += pieces[i].iov_len;
	}
	return xsi_device_write(fd, message, len);
}

int xsi_channel_send(struct xsi_channel *channel, const struct xsp_header *header,
		     const struct iovec *pieces, size_t n_pieces)
{
	struct iovec all[1 + XSI_PIECES_MAX];
	uint8_t head[XSP_HEADER_SIZE];
	int fd = atomic_load(&channel->fd);

	xsp_header_put(head, header);
	all[0] = (struct iovec){ .iov_base = head, .iov_len = sizeof(head) };
	memcpy(all + 1, pieces, n_pieces * sizeof(*pieces));
	if (channel->transport == XSI_SOCKET)
		return send_to_socket(fd, all, 1 + n_pieces);
	return write_to_device(fd, all, 1 + n_pieces);
}

/* A device cannot be shut down, so nobody may be blocked in it who has to be stopped. */
static int wait_for_device(struct xsi_channel *channel)
{
	struct pollfd fds[2] = { { .fd = atomic_load(&channel->fd), .events = POLLIN },
				 { .fd = channel->stop[0], .events = POLLIN } };

	while (poll(fds, 2, -1) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return fds[1].revents ? -EBADF : 0;
}

/* Reads once what there is, and makes room first for at least one whole message. */
static int fill(struct xsi_channel *channel)
{
	ssize_t got;
	int err;

	if (channel->start == channel->end) {
		channel->start = channel->end = 0;
	} else if (sizeof(channel->in) - channel->start < XSP_MESSAGE_MAX) {
		memmove(channel->in, channel->in + channel->start, channel->end - channel->start);
		channel->end -= channel->start;
		channel->start = 0;
	}
	if (channel->stop[0] >= 0) {
		err = wait_for_device(channel);
		if (err)
			return err;
	}
	do {
		got = read(atomic_load(&channel->fd), channel->in + channel->end,
			   sizeof(channel->in) - channel->end);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	if (got == 0)
		return -EBADF;
	channel->end += (size_t)got;
	return 0;
}

int xsi_channel_receive(struct xsi_channel *channel, struct xsi_frame *out_frame)
{
	struct xsp_header header;
	int err;

	for (;;) {
		const uint8_t *message = channel->in + channel->start;

		switch (xsp_frame_next(message, channel->end - channel->start, &header)) {
		case XSP_FRAME_TOO_LONG:
			return -E2BIG;
		case XSP_FRAME_WHOLE:
			out_frame->header = header;
			out_frame->payload = (const char *)message + XSP_HEADER_SIZE;
			channel->start += XSP_HEADER_SIZE + header.len;
			return 0;
		case XSP_FRAME_PARTIAL:
			break;
		}
		err = fill(channel);
		if (err)
			return err;
	}
}

void xsi_channel_shut(struct xsi_channel *channel)
{
	/* Not a socket, or cut off by now: then there is nothing to shut. */
	(void)shutdown(atomic_load(&channel->fd), SHUT_RDWR);
}

int xsi_channel_make_stoppable(struct xsi_channel *channel)
{
	if (channel->transport == XSI_SOCKET || channel->stop[0] >= 0)
		return 0;
	return pipe2(channel->stop, O_CLOEXEC | O_NONBLOCK) < 0 ? errno : 0;
}

void xsi_channel_stop(struct xsi_channel *channel)
{
	if (channel->stop[1] < 0)
		xsi_channel_shut(channel);
	while (channel->stop[1] >= 0 && write(channel->stop[1], "", 1) < 0 && errno == EINTR)
		;
}

void xsi_channel_init(struct xsi_channel *channel)
{
	atomic_init(&channel->fd, -1);
	channel->stop[0] = channel->stop[1] = -1;
	channel->start = channel->end = 0;
}

void xsi_channel_close(struct xsi_channel *channel)
{
	int fd = atomic_exchange(&channel->fd, -1);

	if (fd >= 0)
		close(fd);
	for (int i = 0; i < 2; i++) {
		if (channel->stop[i] >= 0)
			close(channel->stop[i]);
	}
}
