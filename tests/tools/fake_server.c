/* SPDX-License-Identifier: MIT */
/*
 * A server that goes wrong on purpose: it has three nodes, /open, /secret and /last, and one way
 * to misbehave, which the command line names. It serves one client after the other and ends when
 * it is killed.
 *
 *	fake_server SOCKET DEFECT
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol/wire.h"

struct header {
	uint32_t type, req_id, tx_id, len;
};

/* What the server does wrong. */
enum defect {
	DENIES_SECRET,     /* nobody may look at /secret */
	DENIES_LISTING,    /* nobody may list what is below /secret */
	DENIES_VALUE,      /* nobody may read the value of /secret */
	DENIES_PERMS,      /* nobody may look at the permissions of /secret */
	VANISHES,          /* /secret is listed, but gone whenever one looks at it */
	ENDS_AGAIN_TWICE,  /* the first two transactions meet a conflict */
	STARTS_NOTHING,    /* no transaction can be started */
	ENDS_NOTHING,      /* no transaction can be ended */
	HANGS_UP,          /* it closes instead of answering */
	HANGS_UP_ON_WATCH, /* it closes after the first event */
	IS_BUSY,           /* it answers the first two starts of a live update with BUSY */
	N_DEFECTS,
};

static const char *const names[N_DEFECTS] = {
	"denies-secret", "denies-listing",    "denies-value",   "denies-perms",
	"vanishes",      "ends-again-twice",  "starts-nothing", "ends-nothing",
	"hangs-up",      "hangs-up-on-watch", "is-busy",
};

static enum defect defect;
static unsigned n_ends, n_starts;

static bool read_all(int fd, void *to, size_t len)
{
	char *p = to;

	while (len) {
		ssize_t n = read(fd, p, len);

		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static bool send_message(int fd, const struct header *request, uint32_t type, const char *body,
			 size_t len)
{
	struct header header = { type, request->req_id, request->tx_id, (uint32_t)len };
	char message[sizeof(header) + 4096];

	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), body, len);
	return send(fd, message, sizeof(header) + len, MSG_NOSIGNAL) > 0;
}

static bool send_error(int fd, const struct header *request, const char *name)
{
	return send_message(fd, request, XSP_ERROR, name, strlen(name) + 1);
}

static bool send_text(int fd, const struct header *request, const char *text)
{
	return send_message(fd, request, request->type, text, strlen(text) + 1);
}

/* READ, DIRECTORY and GET_PERMS. */
static bool serve_look(int fd, const struct header *request, const char *path)
{
	static const char children[] = "open\0secret\0last";
	bool is_secret = strcmp(path, "/secret") == 0;

	if (is_secret && defect == DENIES_SECRET)
		return send_error(fd, request, "EACCES");
	if (is_secret && defect == DENIES_LISTING && request->type == XSP_DIRECTORY)
		return send_error(fd, request, "EACCES");
	if (is_secret && defect == DENIES_VALUE && request->type == XSP_READ)
		return send_error(fd, request, "EACCES");
	if (is_secret && defect == VANISHES)
		return send_error(fd, request, "ENOENT");
	if (is_secret && defect == DENIES_PERMS && request->type == XSP_GET_PERMS)
		return send_error(fd, request, "EACCES");
	if (!is_secret && strcmp(path, "/") != 0 && strcmp(path, "/open") != 0 &&
	    strcmp(path, "/last") != 0)
		return send_error(fd, request, "ENOENT");
	switch (request->type) {
	case XSP_READ:
		return send_message(fd, request, XSP_READ, "value", 5);
	case XSP_GET_PERMS:
		return send_message(fd, request, XSP_GET_PERMS, "n0\0r1", 6);
	default:
		return send_message(fd, request, XSP_DIRECTORY, children,
				    path[1] ? 0 : sizeof(children));
	}
}

static bool serve_end(int fd, const struct header *request, const char *body)
{
	if (body[0] == 'T' && defect == ENDS_NOTHING)
		return send_error(fd, request, "EIO");
	if (body[0] == 'T' && defect == ENDS_AGAIN_TWICE && n_ends++ < 2)
		return send_error(fd, request, "EAGAIN");
	return send_text(fd, request, "OK");
}

static bool serve_watch(int fd, const struct header *request, const char *body, size_t len)
{
	static const struct header none = { 0 };

	if (!send_text(fd, request, "OK") || !send_message(fd, &none, XSP_WATCH_EVENT, body, len))
		return false;
	return defect != HANGS_UP_ON_WATCH;
}

static bool serve_control(int fd, const struct header *request, const char *body)
{
	bool is_start = defect == IS_BUSY && strcmp(body, "live-update") == 0 &&
			strcmp(body + strlen(body) + 1, "-s") == 0;

	if (strcmp(body, "tree") == 0)
		return send_error(fd, request, "EINVAL");
	if (is_start && n_starts++ < 2)
		return send_text(fd, request, "BUSY");
	return send_text(fd, request, "OK");
}

/* False when the connection is to be closed. */
static bool serve(int fd)
{
	struct header request;
	char body[4096 + 1];

	if (!read_all(fd, &request, sizeof(request)) || request.len > 4096 ||
	    !read_all(fd, body, request.len) || defect == HANGS_UP)
		return false;
	body[request.len] = '\0';
	switch (request.type) {
	case XSP_READ:
	case XSP_DIRECTORY:
	case XSP_GET_PERMS:
		return serve_look(fd, &request, body);
	case XSP_TRANSACTION_START:
		if (defect == STARTS_NOTHING)
			return send_error(fd, &request, "ENOSPC");
		return send_text(fd, &request, "7");
	case XSP_TRANSACTION_END:
		return serve_end(fd, &request, body);
	case XSP_WATCH:
		return serve_watch(fd, &request, body, request.len);
	case XSP_CONTROL:
		return serve_control(fd, &request, body);
	case XSP_RM:
	case XSP_WRITE:
	case XSP_SET_PERMS:
		return send_text(fd, &request, "OK");
	default:
		return send_error(fd, &request, "ENOSYS");
	}
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		return -1;
	strcpy(address.sun_path, path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 8) != 0)
		return -1;
	return fd;
}

int main(int argc, char **argv)
{
	int listener, fd;

	if (argc != 3)
		return 2;
	while (defect < N_DEFECTS && strcmp(names[defect], argv[2]) != 0)
		defect++;
	listener = defect < N_DEFECTS ? listen_at(argv[1]) : -1;
	if (listener < 0) {
		fprintf(stderr, "fake_server: %s: %s\n", argv[1], strerror(errno));
		return 2;
	}
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		while (serve(fd))
			continue;
		close(fd);
	}
	return 1;
}
