/* SPDX-License-Identifier: MIT */
#include "xenstored/io/sock.h"

#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "xenstored/core/server.h"
#include "xenstored/io/link.h"
#include "xenstored/io/loop.h"

struct sock {
	struct link link;       /* first: a client's io pointer points here */
	struct event *readable; /* owned, as is the next */
	struct event *writable; /* waited for while output is stuck */
	int fd;
	bool is_reading; /* `readable` is active */
	bool is_writing;
	bool is_deaf; /* the peer takes nothing any more; what it sent before is still done */
};

static void watch_input(struct sock *sock, bool is_wanted)
{
	if (sock->is_reading == is_wanted)
		return;
	if (is_wanted ? event_add(sock->readable, NULL) : event_del(sock->readable))
		return;
	sock->is_reading = is_wanted;
}

/* Sends what there is, as far as the kernel takes it. */
static void flush(struct sock *sock)
{
	struct client *client = sock->link.client;
	const uint8_t *bytes;
	size_t len = client_output(client, &bytes);
	ssize_t n;

	while (len > 0) {
		n = sock->is_deaf ? (ssize_t)len : send(sock->fd, bytes, len, MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n < 0) {
			sock->is_deaf = errno != EINTR;
			continue;
		}
		client_output_taken(client, (size_t)n);
		/* A short count means that the socket is full: asking again would only say so. */
		if ((size_t)n < len)
			return;
		len = client_output(client, &bytes);
	}
}

static void write_out(struct sock *sock)
{
	const uint8_t *bytes;
	bool is_stuck;

	flush(sock);
	is_stuck = client_output(sock->link.client, &bytes) > 0;
	if (is_stuck != sock->is_writing &&
	    !(is_stuck ? event_add(sock->writable, NULL) : event_del(sock->writable)))
		sock->is_writing = is_stuck;
	watch_input(sock, client_wants_input(sock->link.client));
}

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	struct sock *sock = arg;
	struct client *client = sock->link.client;
	size_t len;
	uint8_t *space = client_wants_input(client) ? client_input_space(client, &len) : NULL;
	ssize_t n;

	(void)events;
	if (!space) {
		watch_input(sock, false);
		return;
	}
	n = read(fd, space, len);
	if (n > 0) {
		client_input_added(client, (size_t)n);
	} else if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
		watch_input(sock, false);
		client_input_ended(client);
	}
}

static void on_writable(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	write_out(arg);
}

static void wake(struct link *link)
{
	write_out((struct sock *)link);
}

static void gone(struct link *link)
{
	struct sock *sock = (struct sock *)link;

	/* What was answered may still reach a peer that only closed its own side. */
	flush(sock);
	event_free(sock->readable);
	event_free(sock->writable);
	close(sock->fd);
	free(sock);
}

static const struct link_ops sock_ops = { .wake = wake, .gone = gone };

static void free_sock(struct sock *sock)
{
	if (sock->readable)
		event_free(sock->readable);
	if (sock->writable)
		event_free(sock->writable);
	free(sock);
}

int sock_open(struct loop *loop, struct server *server, int fd)
{
	struct sock *sock = calloc(1, sizeof(*sock));

	if (!sock)
		return -ENOMEM;
	*sock = (struct sock){ .link.ops = &sock_ops, .fd = fd };
	sock->readable = event_new(loop_base(loop), fd, EV_READ | EV_PERSIST, on_readable, sock);
	sock->writable = event_new(loop_base(loop), fd, EV_WRITE | EV_PERSIST, on_writable, sock);
	if (sock->readable && sock->writable)
		sock->link.client = server_connect(server);
	if (!sock->link.client) {
		free_sock(sock);
		return -ENOMEM;
	}
	watch_input(sock, true);
	client_set_io(sock->link.client, &sock->link);
	return 0;
}
