/* SPDX-License-Identifier: MIT */
/*
 * An event-driven connection: opening, sending and receiving without blocking, and its end.
 *
 * Callbacks run only while `is_busy`. A connection that is closed inside a callback is released
 * when the call that made the callback has unwound.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libxs/async.h"
#include "protocol/framer.h"

enum {
	PENDING_DEFAULT = 16384,
	PENDING_MAX = 65535,
	UNSENT_DEFAULT = 4 * 1024 * 1024,
	READS_PER_TURN = 16, /* then the loop may look after its other descriptors */
};

static struct xsa *new_connection(void)
{
	struct xsa *xsa = calloc(1, sizeof(*xsa));

	if (!xsa)
		return NULL;
	atomic_init(&xsa->fd, -1);
	TAILQ_INIT(&xsa->calls);
	TAILQ_INIT(&xsa->spare);
	xsa->max_pending = PENDING_DEFAULT;
	xsa->max_unsent = UNSENT_DEFAULT;
	xsa->interest = POLLIN;
	return xsa;
}

static int set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? errno : 0;
}

struct xsa *xsa_open(unsigned int flags)
{
	struct xsa *xsa;
	int err;

	if (flags != 0) {
		errno = EINVAL;
		return NULL;
	}
	xsa = new_connection();
	if (!xsa)
		return NULL;
	xsi_registry_enter(&xsa->registration, &xsa->fd, NULL);
	err = xsi_connect(&xsa->fd, &xsa->transport);
	if (!err)
		err = set_nonblocking(xsa->fd);
	if (err) {
		xsi_registry_leave(&xsa->registration);
		if (xsa->fd >= 0)
			close(xsa->fd);
		free(xsa);
		errno = err;
		return NULL;
	}
	return xsa;
}

struct xsa *xsa_open_fd(int fd)
{
	struct stat status;
	struct xsa *xsa;
	int err;

	if (fstat(fd, &status) < 0)
		return NULL;
	err = S_ISSOCK(status.st_mode) ? set_nonblocking(fd) : ENOTSOCK;
	if (!xsi_succeeded(err))
		return NULL;
	xsa = new_connection();
	if (!xsa)
		return NULL;
	xsa->transport = XSI_SOCKET;
	atomic_store(&xsa->fd, fd);
	xsi_registry_enter(&xsa->registration, &xsa->fd, NULL);
	return xsa;
}

static void release(struct xsa *xsa)
{
	xsi_registry_leave(&xsa->registration);
	close(xsa->fd);
	xsi_async_watch_fini(xsa);
	xsi_call_fini(xsa);
	free(xsa);
}

void xsa_close(struct xsa *xsa)
{
	bool was_busy;

	if (!xsa || xsa->is_closing)
		return;
	was_busy = xsa->is_busy;
	xsa->is_busy = true;
	xsa->is_closing = true;
	if (!xsa->broken)
		xsa->broken = ECANCELED;
	xsi_call_end_all(xsa, ECANCELED);
	if (!was_busy)
		release(xsa);
}

int xsa_fd(const struct xsa *xsa)
{
	return xsa->fd;
}

size_t xsa_pending(const struct xsa *xsa)
{
	return xsa->n_pending;
}

int xsa_set_limits(struct xsa *xsa, size_t max_pending, size_t max_unsent)
{
	if (max_pending == 0 || max_pending > PENDING_MAX || max_unsent == 0)
		return EINVAL;
	xsa->max_pending = max_pending;
	xsa->max_unsent = max_unsent;
	return 0;
}

/* ---- what to poll for ---- */

short xsa_interest(const struct xsa *xsa)
{
	/* What waits for the device waits for an answer. */
	if (xsa->transport == XSI_DEVICE)
		return POLLIN;
	return xsa->out_end > xsa->out_start ? POLLIN | POLLOUT : POLLIN;
}

void xsa_on_interest(struct xsa *xsa, xsa_interest_fn changed, void *arg)
{
	xsa->interest_changed = changed;
	xsa->interest_arg = arg;
	xsa->interest = xsa_interest(xsa);
}

void xsi_async_note_interest(struct xsa *xsa)
{
	short interest = xsa_interest(xsa);

	/* While processing, bytes come and go; what counts is what is left in the end. */
	if (xsa->is_busy || interest == xsa->interest)
		return;
	xsa->interest = interest;
	if (xsa->interest_changed)
		xsa->interest_changed(xsa->interest_arg, interest);
}

/* ---- sending and receiving ---- */

int xsi_async_flush(struct xsa *xsa)
{
	ssize_t sent;

	while (xsa->out_end > xsa->out_start) {
		sent = send(xsa->fd, xsa->out + xsa->out_start, xsa->out_end - xsa->out_start,
			    MSG_NOSIGNAL);
		if (sent > 0)
			xsa->out_start += (size_t)sent;
		else if (sent < 0 && errno != EINTR)
			return errno == EAGAIN ? 0 : errno;
	}
	xsa->out_start = xsa->out_end = 0;
	return 0;
}

static int send_waiting(struct xsa *xsa)
{
	return xsa->transport == XSI_DEVICE ? xsi_call_feed_device(xsa) : xsi_async_flush(xsa);
}

static int take_message(struct xsa *xsa, const struct xsp_header *header, char *payload)
{
	char *end = payload + header->len;
	char behind = *end;
	int err = 0;

	/* For the NUL behind an answer the next message lends its first byte. */
	*end = '\0';
	if (header->type == XSP_WATCH_EVENT)
		xsi_async_event(xsa, payload, header->len);
	else
		err = xsi_call_answer(xsa, header, payload);
	*end = behind;
	return err;
}

/* Handles every whole message that is there. */
static int take_messages(struct xsa *xsa)
{
	struct xsp_header header;
	uint8_t *message;
	int err = 0;

	while (!err && !xsa->is_closing) {
		message = xsa->in + xsa->in_start;
		switch (xsp_frame_next(message, xsa->in_end - xsa->in_start, &header)) {
		case XSP_FRAME_PARTIAL:
			return 0;
		case XSP_FRAME_TOO_LONG:
			return E2BIG;
		case XSP_FRAME_WHOLE:
			xsa->in_start += XSP_HEADER_SIZE + header.len;
			err = take_message(xsa, &header, (char *)message + XSP_HEADER_SIZE);
			break;
		}
	}
	return err;
}

/* Reads once; *out_more tells whether there may be more to read. */
static int read_some(struct xsa *xsa, bool *out_more)
{
	size_t room;
	ssize_t got;

	*out_more = false;
	if (xsa->in_start > 0) {
		memmove(xsa->in, xsa->in + xsa->in_start, xsa->in_end - xsa->in_start);
		xsa->in_end -= xsa->in_start;
		xsa->in_start = 0;
	}
	room = XSI_ASYNC_BUFFER - xsa->in_end;
	got = read(xsa->fd, xsa->in + xsa->in_end, room);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : errno;
	if (got == 0)
		return ECONNRESET;
	xsa->in_end += (size_t)got;
	*out_more = (size_t)got == room;
	return 0;
}

static int turn(struct xsa *xsa)
{
	bool more = true;
	int err = send_waiting(xsa);

	/* What the server had to say before it went away is still worth hearing. */
	for (int i = 0; i < READS_PER_TURN && more && !xsa->is_closing; i++) {
		int read_err = read_some(xsa, &more);

		if (!read_err)
			read_err = take_messages(xsa);
		if (read_err && !err)
			err = read_err;
		more = more && !read_err;
	}
	if (!err && !xsa->is_closing)
		err = send_waiting(xsa);
	return err;
}

static void break_off(struct xsa *xsa, int err)
{
	xsa->broken = err;
	xsa->out_start = xsa->out_end = 0;
	(void)shutdown(xsa->fd, SHUT_RDWR);
	xsi_call_end_all(xsa, err);
}

int xsa_process(struct xsa *xsa)
{
	int err;

	if (xsa->is_busy)
		return EDEADLK;
	if (xsa->broken)
		return xsa->broken;
	xsa->is_busy = true;
	err = turn(xsa);
	if (err && !xsa->is_closing)
		break_off(xsa, err);
	if (xsa->is_closing) {
		release(xsa);
		return ECANCELED;
	}
	xsa->is_busy = false;
	xsi_async_note_interest(xsa);
	return err;
}

int xsa_wait(struct xsa *xsa, int timeout_ms)
{
	struct pollfd fd = { .fd = xsa->fd };
	int err = 0, n;

	if (xsa->is_busy)
		return EDEADLK;
	if (xsa->broken)
		return xsa->broken;
	if (xsa->transport == XSI_SOCKET)
		err = xsi_async_flush(xsa);
	if (!err) {
		fd.events = xsa_interest(xsa);
		n = poll(&fd, 1, timeout_ms);
		if (n <= 0)
			return n < 0 ? errno : ETIMEDOUT;
	}
	return xsa_process(xsa);
}

int xsa_drain(struct xsa *xsa)
{
	int err = 0;

	while (!err && xsa->n_pending > 0)
		err = xsa_wait(xsa, -1);
	return err;
}
