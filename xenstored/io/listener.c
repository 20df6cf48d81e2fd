/* SPDX-License-Identifier: MIT */
#include "xenstored/io/listener.h"

#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "xenstored/base/log.h"
#include "xenstored/io/loop.h"
#include "xenstored/io/sock.h"

enum {
	BACKLOG = 1024,
	ACCEPTS_PER_TURN = 64,
	/* Without a free descriptor accepting would fail at once, again and again. */
	PAUSE_MS = 100,
};

struct listener {
	struct loop *loop;      /* borrowed */
	struct server *server;  /* borrowed */
	struct event *readable; /* owned */
	struct event *pause;    /* owned */
	int fd;
	bool has_complained;
	struct sockaddr_un address;
};

static void take_a_break(struct listener *listener)
{
	const struct timeval wait = { .tv_usec = PAUSE_MS * 1000 };

	if (!listener->has_complained)
		log_line(LOG_LEVEL_WARNING, "cannot accept connections: %s", strerror(errno));
	listener->has_complained = true;
	if (!event_add(listener->pause, &wait))
		event_del(listener->readable);
}

static void on_pause_over(evutil_socket_t fd, short events, void *arg)
{
	struct listener *listener = arg;

	(void)fd;
	(void)events;
	event_add(listener->readable, NULL);
}

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	struct listener *listener = arg;
	int client;

	(void)events;
	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (client < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
			    errno == ENOBUFS)
				take_a_break(listener);
			return;
		}
		listener->has_complained = false;
		if (sock_open(listener->loop, listener->server, client))
			close(client);
	}
}

/* A server of another directory may have been given the same path. Whoever answers there lives. */
static bool is_served(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool is_alive;

	if (fd < 0)
		return false;
	is_alive = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
		   errno == EAGAIN;
	close(fd);
	return is_alive;
}

static int bind_and_listen(struct listener *listener)
{
	const struct sockaddr *address = (const struct sockaddr *)&listener->address;
	mode_t mask;
	int err;

	listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (listener->fd < 0)
		return -errno;
	if (is_served(&listener->address))
		return -EADDRINUSE;
	if (unlink(listener->address.sun_path) && errno != ENOENT)
		return -errno;
	/* Never, not for an instant, is the socket open to others: mode 0600 from the start. */
	mask = umask(0177);
	err = bind(listener->fd, address, sizeof(listener->address)) ? -errno : 0;
	umask(mask);
	if (!err && listen(listener->fd, BACKLOG))
		err = -errno;
	return err;
}

int listener_open(struct loop *loop, struct server *server, const char *path,
		  struct listener **out_listener)
{
	struct listener *listener = calloc(1, sizeof(*listener));
	int err = listener ? 0 : -ENOMEM;

	if (err)
		return err;
	listener->loop = loop;
	listener->server = server;
	listener->fd = -1;
	listener->address.sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(listener->address.sun_path))
		err = -ENAMETOOLONG;
	else
		memcpy(listener->address.sun_path, path, strlen(path) + 1);
	if (!err)
		err = bind_and_listen(listener);
	if (!err) {
		listener->readable = event_new(loop_base(loop), listener->fd, EV_READ | EV_PERSIST,
					       on_readable, listener);
		listener->pause = evtimer_new(loop_base(loop), on_pause_over, listener);
		if (!listener->readable || !listener->pause || event_add(listener->readable, NULL))
			err = -ENOMEM;
	}
	if (err) {
		listener->address.sun_path[0] = '\0';
		listener_close(listener);
		return err;
	}
	*out_listener = listener;
	return 0;
}

void listener_close(struct listener *listener)
{
	if (!listener)
		return;
	if (listener->readable)
		event_free(listener->readable);
	if (listener->pause)
		event_free(listener->pause);
	if (listener->fd >= 0)
		close(listener->fd);
	if (listener->address.sun_path[0])
		unlink(listener->address.sun_path);
	free(listener);
}
