/* SPDX-License-Identifier: MIT */
#include "tests/bench/conn.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol/errname.h"
#include "protocol/framer.h"
#include "tests/support/fakexen/fakeguest.h"

enum {
	IN_SIZE = 256 * 1024,
	CONNECT_PATIENCE_MS = 10000,
	RETRY_MS = 2,
};

/* While the server is starting nobody listens, or too many connect at once. */
static int connect_patiently(int fd, const struct sockaddr_un *address)
{
	for (int waited_ms = 0;; waited_ms += RETRY_MS) {
		if (!connect(fd, (const struct sockaddr *)address, sizeof(*address)))
			return 0;
		if ((errno != ENOENT && errno != ECONNREFUSED && errno != EAGAIN &&
		     errno != EINTR) ||
		    waited_ms >= CONNECT_PATIENCE_MS)
			return errno;
		poll(NULL, 0, RETRY_MS);
	}
}

int conn_open(struct conn *conn, const char *path)
{
	const struct timeval patience = { .tv_sec = CONN_PATIENCE_S };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int err;

	*conn = CONN_NONE;
	if (strlen(path) >= sizeof(address.sun_path))
		return ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	conn->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (conn->fd < 0)
		return errno;
	err = connect_patiently(conn->fd, &address);
	if (!err && (setsockopt(conn->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
		     setsockopt(conn->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience))))
		err = errno;
	if (err)
		conn_close(conn);
	return err;
}

void conn_be_guest(struct conn *conn, struct fakeguest *guest, struct fakewaker *waker)
{
	*conn = CONN_NONE;
	conn->guest = guest;
	conn->waker = waker;
}

void conn_close(struct conn *conn)
{
	if (conn->fd >= 0)
		close(conn->fd);
	free(conn->in);
	*conn = CONN_NONE;
}

pid_t conn_peer(const struct conn *conn)
{
	struct ucred peer = { 0 };
	socklen_t len = sizeof(peer);

	return getsockopt(conn->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) ? 0 : peer.pid;
}

/* Until the server has signalled. */
static int wait_for_signal(struct conn *conn)
{
	uint32_t domid;
	size_t n = fakewaker_wait(conn->waker, CONN_PATIENCE_S * 1000, &domid, 1);

	fakeguest_heard(conn->guest);
	return n ? 0 : ETIMEDOUT;
}

static int send_to_ring(struct conn *conn, const uint8_t *bytes, size_t len)
{
	size_t n;
	int err = 0;

	while (len > 0 && !err) {
		n = fakeguest_write(conn->guest, bytes, len);
		bytes += n;
		len -= n;
		if (n == 0)
			err = wait_for_signal(conn);
	}
	return err;
}

int conn_send(struct conn *conn, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	ssize_t n;

	if (conn->guest)
		return send_to_ring(conn, bytes, len);

	while (len > 0) {
		n = send(conn->fd, at, len, MSG_NOSIGNAL);
		if (n < 0 && errno != EINTR)
			return errno == EAGAIN ? ETIMEDOUT : errno;
		if (n > 0) {
			at += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static int receive_from_ring(struct conn *conn)
{
	size_t n;
	int err = 0;

	while (!err) {
		n = fakeguest_read(conn->guest, conn->in + conn->end, IN_SIZE - conn->end);
		conn->end += n;
		if (n > 0)
			break;
		err = wait_for_signal(conn);
	}
	return err;
}

/* Makes room behind what is kept, and receives once. */
static int receive_more(struct conn *conn)
{
	ssize_t n;

	if (!conn->in)
		conn->in = malloc(IN_SIZE);
	if (!conn->in)
		return ENOMEM;
	if (conn->start == conn->end) {
		conn->start = conn->end = 0;
	} else if (IN_SIZE - conn->start < XSP_MESSAGE_MAX) {
		memmove(conn->in, conn->in + conn->start, conn->end - conn->start);
		conn->end -= conn->start;
		conn->start = 0;
	}
	if (conn->guest)
		return receive_from_ring(conn);
	do {
		n = recv(conn->fd, conn->in + conn->end, IN_SIZE - conn->end, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? ETIMEDOUT : errno;
	if (n == 0)
		return EPIPE;
	conn->end += (size_t)n;
	return 0;
}

int conn_receive(struct conn *conn, struct conn_message *out_message)
{
	enum xsp_frame frame = XSP_FRAME_PARTIAL;
	int err;

	for (;;) {
		if (conn->end > conn->start)
			frame = xsp_frame_next(conn->in + conn->start, conn->end - conn->start,
					       &out_message->header);
		if (frame == XSP_FRAME_TOO_LONG)
			return EPROTO;
		if (frame == XSP_FRAME_WHOLE)
			break;
		err = receive_more(conn);
		if (err)
			return err;
	}
	out_message->payload = conn->in + conn->start + XSP_HEADER_SIZE;
	conn->start += XSP_HEADER_SIZE + out_message->header.len;
	return 0;
}

int conn_reply(struct conn *conn, struct conn_message *out_reply)
{
	int err;

	do {
		err = conn_receive(conn, out_reply);
	} while (!err && out_reply->header.type == XSP_WATCH_EVENT);
	if (!err && out_reply->header.type == XSP_ERROR)
		err = xsp_errname_parse((const char *)out_reply->payload, out_reply->header.len);
	return err;
}

static int send_request(struct conn *conn, enum xsp_type type, uint32_t tx_id, const void *payload,
			size_t len)
{
	const struct xsp_header header = {
		.type = type,
		.req_id = ++conn->last_id,
		.tx_id = tx_id,
		.len = (uint32_t)len,
	};
	uint8_t message[XSP_MESSAGE_MAX];

	if (len > XSP_PAYLOAD_MAX)
		return E2BIG;
	xsp_header_put(message, &header);
	memcpy(message + XSP_HEADER_SIZE, payload, len);
	return conn_send(conn, message, XSP_HEADER_SIZE + len);
}

int conn_call(struct conn *conn, enum xsp_type type, uint32_t tx_id, const void *payload,
	      size_t len, struct conn_message *out_reply)
{
	int err = send_request(conn, type, tx_id, payload, len);
	struct conn_message reply;

	if (!err)
		err = conn_reply(conn, &reply);
	if (!err && (reply.header.type != (uint32_t)type || reply.header.req_id != conn->last_id))
		err = EPROTO;
	if (!err && out_reply)
		*out_reply = reply;
	return err;
}

int conn_quiet(struct conn *conn)
{
	static const char domid[] = "0";

	return conn_call(conn, XSP_GET_DOMAIN_PATH, 0, domid, sizeof(domid), NULL);
}

int conn_watch(struct conn *conn, const void *payload, size_t len)
{
	int err = send_request(conn, XSP_WATCH, 0, payload, len);
	bool has_reply = false, has_event = false;
	struct conn_message message;

	while (!err && !(has_reply && has_event)) {
		err = conn_receive(conn, &message);
		if (err)
			break;
		if (message.header.type == XSP_WATCH_EVENT)
			has_event = true;
		else if (message.header.type == XSP_WATCH)
			has_reply = true;
		else
			err = EPROTO;
	}
	return err;
}
