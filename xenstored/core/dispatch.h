/* SPDX-License-Identifier: MIT */
/*
 * The op table, and the one road that every request takes: checks, handler, commit, events, reply.
 */
#ifndef XSD_CORE_DISPATCH_H
#define XSD_CORE_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

struct client;
struct server;
struct xsp_header;

/* Executes one whole message. Exactly one reply is queued, unless the client has to leave. */
void dispatch_run(struct server *server, struct client *client, const struct xsp_header *header,
		  const char *payload);

/* True for a message that may change nodes: it may have to wait for a favoured transaction. */
bool dispatch_is_modification(const struct xsp_header *header);

#endif
