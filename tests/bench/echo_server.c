/* SPDX-License-Identifier: MIT */
/*
 * echo-server: answers every request at once and keeps nothing. The physical limit for a server
 * that waits with the same library and moves the same bytes in the same system calls: one read and
 * one send for whatever has come together.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol/framer.h"
#include "protocol/payload.h"
#include "protocol/wire.h"

enum { IN_SIZE = 16 * 1024, OUT_SIZE = 1024 * 1024, BACKLOG = 1024 };

struct echo {
	struct event_base *base;
	uint32_t value_len; /* of the answer to READ */
	uint8_t out[OUT_SIZE];
};

struct client {
	struct echo *echo;
	struct event *readable;
	int fd;
	size_t len;
	uint8_t in[IN_SIZE];
};

static void close_client(struct client *client)
{
	event_free(client->readable);
	close(client->fd);
	free(client);
}

static size_t answer(struct echo *echo, const struct xsp_header *request, uint8_t *out)
{
	struct xsp_header header = *request;

	if (request->type == XSP_READ) {
		header.len = echo->value_len;
		memset(out + XSP_HEADER_SIZE, 'v', echo->value_len);
	} else if (request->type == XSP_TRANSACTION_START) {
		header.len = sizeof("1");
		memcpy(out + XSP_HEADER_SIZE, "1", sizeof("1"));
	} else {
		header.len = sizeof("OK");
		memcpy(out + XSP_HEADER_SIZE, "OK", sizeof("OK"));
	}
	xsp_header_put(out, &header);
	return XSP_HEADER_SIZE + header.len;
}

/* Answers what is whole. Returns the length of the answers. */
static size_t answer_all(struct client *client)
{
	struct echo *echo = client->echo;
	size_t done = 0, len = 0;
	struct xsp_header header;

	while (xsp_frame_next(client->in + done, client->len - done, &header) == XSP_FRAME_WHOLE &&
	       OUT_SIZE - len >= XSP_MESSAGE_MAX) {
		len += answer(echo, &header, echo->out + len);
		done += XSP_HEADER_SIZE + header.len;
	}
	client->len -= done;
	memmove(client->in, client->in + done, client->len);
	return len;
}

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	struct client *client = arg;
	ssize_t n = read(fd, client->in + client->len, IN_SIZE - client->len);
	size_t len;

	(void)events;
	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			close_client(client);
		return;
	}
	client->len += (size_t)n;
	len = answer_all(client);
	if (len > 0 && send(fd, client->echo->out, len, MSG_NOSIGNAL) != (ssize_t)len)
		close_client(client);
}

static void on_connection(evutil_socket_t fd, short events, void *arg)
{
	struct client *client;
	int client_fd = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)events;
	if (client_fd < 0)
		return;
	client = calloc(1, sizeof(*client));
	if (client) {
		client->echo = arg;
		client->fd = client_fd;
		client->readable = event_new(client->echo->base, client_fd, EV_READ | EV_PERSIST,
					     on_readable, client);
	}
	if (!client || !client->readable || event_add(client->readable, NULL)) {
		close(client_fd);
		free(client);
	}
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		return -1;
	memcpy(address.sun_path, path, strlen(path));
	unlink(path);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) || listen(fd, BACKLOG))
		return -1;
	return fd;
}

int main(int argc, char **argv)
{
	static struct echo echo;
	struct event_config *config = event_config_new();
	struct event *readable;
	int fd;

	if (argc != 3 || !xsp_parse_u32(argv[2], XSP_PAYLOAD_MAX, &echo.value_len)) {
		fprintf(stderr, "Usage: echo-server SOCKET BYTES\n");
		return 2;
	}
	fd = listen_at(argv[1]);
	if (fd < 0) {
		perror(argv[1]);
		return EXIT_FAILURE;
	}
	event_config_set_flag(config,
			      EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST | EVENT_BASE_FLAG_NOLOCK);
	echo.base = event_base_new_with_config(config);
	event_config_free(config);
	readable = event_new(echo.base, fd, EV_READ | EV_PERSIST, on_connection, &echo);
	if (!readable || event_add(readable, NULL) || event_base_dispatch(echo.base) < 0)
		return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
