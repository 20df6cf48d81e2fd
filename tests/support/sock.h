/* SPDX-License-Identifier: MIT */
/*
 * A client's end of a UNIX socket, with a time limit on everything: a server that does not answer
 * must fail a test, not hang it.
 */
#ifndef TESTS_SUPPORT_SOCK_H
#define TESTS_SUPPORT_SOCK_H

#include <stddef.h>

/* How long a server may take for one step before the test gives up on it. */
enum { SOCK_PATIENCE_MS = 20000 };

/* Connects; tries again for `patience_ms` while nobody listens. Returns 0 or an errno. */
int sock_connect(const char *path, int patience_ms, int *out_fd);

/* Sends all of it. EPIPE: the other side is gone. ETIMEDOUT: it does not read. */
int sock_send(int fd, const void *bytes, size_t len);

/* Waits `patience_ms` for bytes. 0 and a length of 0: none came. EPIPE: the end of the stream. */
int sock_receive(int fd, int patience_ms, void *bytes, size_t size, size_t *out_len);

#endif
