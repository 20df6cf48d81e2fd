/* SPDX-License-Identifier: MIT */
/*
 * The bytes of an event-driven connection. On a socket messages are gathered and sent together;
 * the kernel's device takes one message per write(). Nothing here calls back but for the interest.
 */
#include "libxs/async_stream.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { OUT_FIRST = 4096 };

void xsi_stream_init(struct xsi_stream *stream)
{
	atomic_init(&stream->fd, -1);
	stream->interest = POLLIN;
}

void xsi_stream_shut(struct xsi_stream *stream)
{
	stream->out_start = stream->out_end = 0;
	(void)shutdown(stream->fd, SHUT_RDWR);
}

void xsi_stream_close(struct xsi_stream *stream)
{
	if (stream->fd >= 0)
		close(stream->fd);
	free(stream->out);
}

/* ---- what to poll for ---- */

short xsi_stream_interest(const struct xsi_stream *stream)
{
	/* What waits for the device waits for an answer. */
	if (stream->transport == XSI_DEVICE)
		return POLLIN;
	return stream->out_end > stream->out_start ? POLLIN | POLLOUT : POLLIN;
}

void xsi_stream_note_interest(struct xsi_stream *stream)
{
	short interest = xsi_stream_interest(stream);

	if (interest == stream->interest)
		return;
	stream->interest = interest;
	if (stream->interest_changed)
		stream->interest_changed(stream->interest_arg, interest);
}

/* ---- out ---- */

size_t xsi_stream_unsent(const struct xsi_stream *stream)
{
	return stream->out_end - stream->out_start;
}

static int reserve(struct xsi_stream *stream, size_t len)
{
	size_t unsent = stream->out_end - stream->out_start;
	size_t size = stream->out_size ? stream->out_size : OUT_FIRST;
	uint8_t *out;

	if (stream->out_size - stream->out_end >= len)
		return 0;
	if (unsent > 0 && stream->out_start > 0)
		memmove(stream->out, stream->out + stream->out_start, unsent);
	stream->out_start = 0;
	stream->out_end = unsent;
	while (size - unsent < len)
		size *= 2;
	if (size == stream->out_size)
		return 0;
	out = realloc(stream->out, size);
	if (!out)
		return ENOMEM;
	stream->out = out;
	stream->out_size = size;
	return 0;
}

int xsi_stream_put(struct xsi_stream *stream, const struct xsp_header *header,
		   const struct iovec *pieces, size_t n_pieces)
{
	int err = reserve(stream, XSP_HEADER_SIZE + header->len);

	if (err)
		return err;
	xsp_header_put(stream->out + stream->out_end, header);
	stream->out_end += XSP_HEADER_SIZE;
	for (size_t i = 0; i < n_pieces; i++) {
		const struct iovec *piece = &pieces[i];

		if (piece->iov_len == 0)
			continue;
		memcpy(stream->out + stream->out_end, piece->iov_base, piece->iov_len);
		stream->out_end += piece->iov_len;
	}
	return 0;
}

int xsi_stream_flush(struct xsi_stream *stream)
{
	ssize_t sent;

	while (stream->out_end > stream->out_start) {
		sent = send(stream->fd, stream->out + stream->out_start,
			    stream->out_end - stream->out_start, MSG_NOSIGNAL);
		if (sent > 0)
			stream->out_start += (size_t)sent;
		else if (sent < 0 && errno != EINTR)
			return errno == EAGAIN ? 0 : errno;
	}
	stream->out_start = stream->out_end = 0;
	return 0;
}

int xsi_stream_write(struct xsi_stream *stream, struct xsp_header *out_header)
{
	const uint8_t *message = stream->out + stream->out_start;

	xsp_header_get(out_header, message);
	stream->out_start += XSP_HEADER_SIZE + out_header->len;
	return xsi_device_write(stream->fd, message, XSP_HEADER_SIZE + out_header->len);
}

/* ---- in ---- */

int xsi_stream_read(struct xsi_stream *stream, bool *out_more)
{
	size_t room;
	ssize_t got;

	*out_more = false;
	if (stream->in_start > 0) {
		memmove(stream->in, stream->in + stream->in_start,
			stream->in_end - stream->in_start);
		stream->in_end -= stream->in_start;
		stream->in_start = 0;
	}
	room = XSI_STREAM_BUFFER - stream->in_end;
	got = read(stream->fd, stream->in + stream->in_end, room);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : errno;
	if (got == 0)
		return ECONNRESET;
	stream->in_end += (size_t)got;
	*out_more = (size_t)got == room;
	return 0;
}

enum xsp_frame xsi_stream_take(struct xsi_stream *stream, struct xsp_header *out_header,
			       char **out_payload)
{
	uint8_t *message = stream->in + stream->in_start;
	size_t len = stream->in_end - stream->in_start;
	enum xsp_frame frame = xsp_frame_next(message, len, out_header);

	if (frame == XSP_FRAME_WHOLE) {
		stream->in_start += XSP_HEADER_SIZE + out_header->len;
		*out_payload = (char *)message + XSP_HEADER_SIZE;
	}
	return frame;
}
