/* SPDX-License-Identifier: MIT */
/*
 * A peer: the other end of a connection, played by a function of the test in a thread of its own.
 * The library is led to it by XENSTORED_PATH.
 */
#ifndef TESTS_LIBXS_PEER_H
#define TESTS_LIBXS_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "protocol/wire.h"

struct peer;

/* Called with each connection, one after the other; the descriptor is closed on return. */
typedef void (*peer_fn)(int fd, void *arg);

struct peer *peer_start(peer_fn serve, void *arg);

/* Ends the thread (its current connection must be coming to an end) and removes the socket. */
void peer_stop(struct peer *peer);

/* Waits for one request; false at the end of the stream. */
bool peer_receive(int fd, struct xsp_header *out_header, char out_payload[XSP_PAYLOAD_MAX + 1]);

/* Sends all of it. False if the other end is gone. */
bool peer_send_bytes(int fd, const void *bytes, size_t len);

/* Sends a message of this type in answer to `request`. */
bool peer_reply(int fd, const struct xsp_header *request, uint32_t type, const void *payload,
		size_t len);

/* Sends an event. */
bool peer_event(int fd, const char *path, const char *token);

/*
 * The address sanitizer forgets to clean up the stack of a cancelled thread and then stumbles over
 * it, so cases that cancel a thread are left out there, and say so.
 */
#ifdef __SANITIZE_ADDRESS__
#define CANNOT_CANCEL (printf("SKIPPED: no cancelling of threads under this sanitizer\n") > 0)
#else
#define CANNOT_CANCEL false
#endif

/* A directory of its own below the temporary one; removed by peer_remove_directory(). */
char *peer_make_directory(void);
void peer_remove_directory(char *directory, const char *socket_path);

/* Listens at <directory>/socket and leads the library there. */
int peer_listen(const char *directory, char *out_path, size_t size);

#endif
