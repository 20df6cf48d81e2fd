/* SPDX-License-Identifier: MIT */
/*
 * One client of the load generator: a blocking socket, or a guest's ring on a fake host; whole
 * messages in and out.
 *
 * As thin as can be: one send() for a request, one recv() for an answer that is there.
 */
#ifndef TESTS_BENCH_CONN_H
#define TESTS_BENCH_CONN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "protocol/wire.h"

struct fakeguest;
struct fakewaker;

/* A server that does not answer within this time ends the measurement. */
enum { CONN_PATIENCE_S = 120 };

/* Zero is not a valid one: fd 0 is somebody's. CONN_NONE is. */
struct conn {
	int fd;
	struct fakeguest *guest; /* borrowed; NULL: a socket */
	struct fakewaker *waker; /* borrowed: the guest's own */
	uint32_t last_id;
	uint8_t *in; /* owned; received and not yet handed out: in[start..end) */
	size_t start, end;
};

#define CONN_NONE ((struct conn){ .fd = -1 })

struct conn_message {
	struct xsp_header header;
	const uint8_t *payload; /* borrowed until the next is received */
};

/* Returns 0 or an errno. */
int conn_open(struct conn *conn, const char *path) __attribute__((warn_unused_result));
/* Talks over a guest's ring from now on, which somebody introduces. */
void conn_be_guest(struct conn *conn, struct fakeguest *guest, struct fakewaker *waker);
/* Leaves the guest open. */
void conn_close(struct conn *conn);

/* The process that listens at the other end; 0 if unknown. */
pid_t conn_peer(const struct conn *conn);

/* Sends all of it. */
int conn_send(struct conn *conn, const void *bytes, size_t len) __attribute__((warn_unused_result));

/* Waits for the next message. */
int conn_receive(struct conn *conn, struct conn_message *out_message)
	__attribute__((warn_unused_result));

/* Waits for the next reply, dropping watch events. The errno of an ERROR reply. */
int conn_reply(struct conn *conn, struct conn_message *out_reply)
	__attribute__((warn_unused_result));

/* One request and its reply. `out_reply` may be NULL. */
int conn_call(struct conn *conn, enum xsp_type type, uint32_t tx_id, const void *payload,
	      size_t len, struct conn_message *out_reply) __attribute__((warn_unused_result));

/* Nothing sent to this client before is on its way any more; events are dropped. */
int conn_quiet(struct conn *conn) __attribute__((warn_unused_result));

/* Registers a watch, and waits for the event that every watch starts with as well. */
int conn_watch(struct conn *conn, const void *payload, size_t len)
	__attribute__((warn_unused_result));

#endif
