/* SPDX-License-Identifier: MIT */
/*
 * An event-driven connection: opening, when to send and to receive, whom a message is for, and its
 * end.
 *
 * Callbacks run only while `is_busy`. A connection that is closed inside a callback is released
 * when the call that made the callback has unwound.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "libxs/async.h"

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
	xsi_stream_init(&xsa->stream);
	TAILQ_INIT(&xsa->calls);
	TAILQ_INIT(&xsa->spare);
	xsa->max_pending = PENDING_DEFAULT;
	xsa->max_unsent = UNSENT_DEFAULT;
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
	xsi_registry_enter(&xsa->registration, &xsa->stream.fd, NULL);
	err = xsi_connect(&xsa->stream.fd, &xsa->stream.transport);
	if (!err)
		err = set_nonblocking(xsa->stream.fd);
	if (err) {
		xsi_registry_leave(&xsa->registration);
		xsi_stream_close(&xsa->stream);
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
	xsa->stream.transport = XSI_SOCKET;
	atomic_store(&xsa->stream.fd, fd);
	xsi_registry_enter(&xsa->registration, &xsa->stream.fd, NULL);
	return xsa;
}

static void release(struct xsa *xsa)
{
	xsi_registry_leave(&xsa->registration);
	xsi_stream_close(&xsa->stream);
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
	return xsa->stream.fd;
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
	return xsi_stream_interest(&xsa->stream);
}

void xsa_on_interest(struct xsa *xsa, xsa_interest_fn changed, void *arg)
{
	xsa->stream.interest_changed = changed;
	xsa->stream.interest_arg = arg;
	xsa->stream.interest = xsi_stream_interest(&xsa->stream);
}

/* ---- sending and receiving ---- */

static int send_waiting(struct xsa *xsa)
{
	if (xsa->stream.transport == XSI_DEVICE)
		return xsi_call_feed_device(xsa);
	return xsi_stream_flush(&xsa->stream);
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
	char *payload;
	int err = 0;

	while (!err && !xsa->is_closing) {
		switch (xsi_stream_take(&xsa->stream, &header, &payload)) {
		case XSP_FRAME_PARTIAL:
			return 0;
		case XSP_FRAME_TOO_LONG:
			return E2BIG;
		case XSP_FRAME_WHOLE:
			err = take_message(xsa, &header, payload);
			break;
		}
	}
	return err;
}

static int turn(struct xsa *xsa)
{
	bool more = true;
	int err = send_waiting(xsa);

	/* What the server had to say before it went away is still worth hearing. */
	for (int i = 0; i < READS_PER_TURN && more && !xsa->is_closing; i++) {
		int read_err = xsi_stream_read(&xsa->stream, &more);

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
	xsi_stream_shut(&xsa->stream);
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
	xsi_stream_note_interest(&xsa->stream);
	return err;
}

int xsa_wait(struct xsa *xsa, int timeout_ms)
{
	struct pollfd fd = { .fd = xsa->stream.fd };
	int err = 0, n;

	if (xsa->is_busy)
		return EDEADLK;
	if (xsa->broken)
		return xsa->broken;
	if (xsa->stream.transport == XSI_SOCKET)
		err = xsi_stream_flush(&xsa->stream);
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
