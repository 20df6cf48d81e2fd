/* SPDX-License-Identifier: MIT */
/*
 * A stream: the bytes of an event-driven connection, in both directions, without blocking. It
 * carries whole messages and knows nothing of what they mean.
 *
 * Functions that return int return 0 or an errno, after which nothing more can be sent or received
 * unless something else is said.
 */
#ifndef XSI_ASYNC_STREAM_H
#define XSI_ASYNC_STREAM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "libxs/channel.h"
#include "libxs/include/xenstore_async.h"
#include "protocol/framer.h"

enum { XSI_STREAM_BUFFER = 64 * 1024 };

struct xsi_stream {
	_Atomic int fd; /* -1: none */
	enum xsi_transport transport;

	xsa_interest_fn interest_changed; /* NULL: nobody wants to know */
	void *interest_arg;
	short interest; /* as it was told, or asked for, last */

	uint8_t *out; /* owned; unsent bytes are out[out_start..out_end) */
	size_t out_size, out_start, out_end;

	size_t in_start, in_end;           /* received and not yet taken */
	uint8_t in[XSI_STREAM_BUFFER + 1]; /* one more for a NUL behind the last message */
};

/* No connection yet. The memory must be zeroed. */
void xsi_stream_init(struct xsi_stream *stream);

/* Forgets what is unsent and ends the conversation; the descriptor remains. */
void xsi_stream_shut(struct xsi_stream *stream);

/* Closes the descriptor, if there is one, and releases the bytes. */
void xsi_stream_close(struct xsi_stream *stream);

/* ---- what to poll for ---- */

short xsi_stream_interest(const struct xsi_stream *stream);

/* Tells the program if the interest is another one than before. */
void xsi_stream_note_interest(struct xsi_stream *stream);

/* ---- out ---- */

/* How many bytes wait to be sent. */
size_t xsi_stream_unsent(const struct xsi_stream *stream);

/* Keeps a message until it is sent; header->len is the sum of the pieces. ENOMEM is not the end. */
int xsi_stream_put(struct xsi_stream *stream, const struct xsp_header *header,
		   const struct iovec *pieces, size_t n_pieces);

/* Sends to the socket what can be sent now. */
int xsi_stream_flush(struct xsi_stream *stream);

/*
 * Writes the oldest unsent message to the device and forgets it, also if that fails. Its header is
 * written to *out_header in any case. Returns what xsi_device_write() does: an errno (> 0) is the
 * device's refusal of this message, a negated one the end.
 */
int xsi_stream_write(struct xsi_stream *stream, struct xsp_header *out_header);

/* ---- in ---- */

/* Reads once; *out_more tells whether there may be more to read. */
int xsi_stream_read(struct xsi_stream *stream, bool *out_more);

/*
 * Takes the next received message. If it is whole the payload is borrowed until the next read, and
 * payload[len], where the message behind it may begin, may be overwritten meanwhile.
 */
enum xsp_frame xsi_stream_take(struct xsi_stream *stream, struct xsp_header *out_header,
			       char **out_payload);

#endif
