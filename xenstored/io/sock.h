/* SPDX-License-Identifier: MIT */
/*
 * Bytes between a connected socket and the core, with back-pressure.
 *
 * One read per wake-up, straight into the client's input; one write per turn. A socket is not
 * watched for input while its client has enough unanswered.
 */
#ifndef XSD_IO_SOCK_H
#define XSD_IO_SOCK_H

struct loop;
struct server;

/* Takes over a connected, non-blocking descriptor. -ENOMEM: it is still the caller's. */
int sock_open(struct loop *loop, struct server *server, int fd) __attribute__((warn_unused_result));

#endif
