/* SPDX-License-Identifier: MIT */
/*
 * A channel: one connection to the server that carries whole messages both ways, blocking.
 *
 * One thread may send while another receives; it is the caller's business that there is only one
 * of each. Functions return 0, an errno (> 0) that leaves the channel usable, or a negated errno
 * after which it is not.
 */
#ifndef XSI_CHANNEL_H
#define XSI_CHANNEL_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "protocol/wire.h"

enum xsi_transport {
	XSI_SOCKET,
	XSI_DEVICE, /* takes one message per write(), and the next when that has been answered */
};

enum {
	XSI_CHANNEL_BUFFER = 4 * 4096, /* several messages per read() */
	XSI_PIECES_MAX = 8,            /* of one payload */
};

struct xsi_channel {
	_Atomic int fd; /* -1: none */
	int stop[2];    /* a pipe that ends waiting for a device; -1 where not needed */
	enum xsi_transport transport;
	size_t start; /* received bytes not yet taken: in[start..end) */
	size_t end;
	uint8_t in[XSI_CHANNEL_BUFFER];
};

/* A received message; the payload is borrowed until the next receive. */
struct xsi_frame {
	struct xsp_header header;
	const char *payload;
};

/*
 * Connects: to the socket, else to the device. Writes the descriptor to *out_fd as soon as there
 * is one. Returns an errno if neither works.
 */
int xsi_connect(_Atomic int *out_fd, enum xsi_transport *out_transport);

/*
 * Writes one whole message to a device. An errno (> 0) means that the device has refused it, a
 * negated one that nothing more can be written.
 */
int xsi_device_write(int fd, const void *message, size_t len);

/* Sends header and payload; header->len must be the sum of the pieces. */
int xsi_channel_send(struct xsi_channel *channel, const struct xsp_header *header,
		     const struct iovec *pieces, size_t n_pieces);

/* Waits for a whole message. -EBADF at the end of the stream, -E2BIG for an over-long message. */
int xsi_channel_receive(struct xsi_channel *channel, struct xsi_frame *out_frame);

/* Ends the conversation: who is blocked in a receive on a socket gets the end of the stream. */
void xsi_channel_shut(struct xsi_channel *channel);

/* From now on xsi_channel_stop() ends any receive, at the price of a poll() per read of a device. */
int xsi_channel_make_stoppable(struct xsi_channel *channel);
void xsi_channel_stop(struct xsi_channel *channel);

/* Closes the descriptors. */
void xsi_channel_close(struct xsi_channel *channel);

/* No connection yet. */
void xsi_channel_init(struct xsi_channel *channel);

#endif
