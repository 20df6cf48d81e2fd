/* SPDX-License-Identifier: MIT */
/*
 * The listening socket: its file, its mode, and accepting.
 */
#ifndef XSD_IO_LISTENER_H
#define XSD_IO_LISTENER_H

struct listener;
struct loop;
struct server;

/*
 * Listens at `path`, whose old file is removed. -EADDRINUSE: a server that lives listens there.
 * The file's mode is 0600. A negated errno on failure.
 */
int listener_open(struct loop *loop, struct server *server, const char *path,
		  struct listener **out_listener) __attribute__((warn_unused_result));

/* Stops listening and removes the file. */
void listener_close(struct listener *listener);

#endif
