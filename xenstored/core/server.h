/* SPDX-License-Identifier: MIT */
/*
 * The core's whole face: bytes in, bytes out, time as an argument.
 *
 * A turn: the transport gathers bytes into clients (client_input_*), then server_turn() executes
 * complete requests, commits once, and lets replies and events out. No reply is visible before what
 * it acknowledges is committed.
 */
#ifndef XSD_CORE_SERVER_H
#define XSD_CORE_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xenstored/core/setup.h"

struct client;
struct host;
struct server;
struct store;

/* Sensible values for everything. */
void server_config_defaults(struct server_config *config);

/* The store, host and trace are borrowed. Makes the first nodes of a new store. */
int server_new(const struct server_config *config, struct store *store, const struct host *host,
	       const struct trace *trace, struct server **out_server)
	__attribute__((warn_unused_result));
void server_free(struct server *server);

/* A client has come over a socket. NULL: no memory. */
struct client *server_connect(struct server *server);

/* The transport's own pointer. */
void client_set_io(struct client *client, void *io);
void *client_io(const struct client *client);

/*
 * Gather: where received bytes go (NULL: no memory, or the client has enough for now), how many
 * came, and that no more will come.
 */
uint8_t *client_input_space(struct client *client, size_t *out_len);
void client_input_added(struct client *client, size_t len);
void client_input_ended(struct client *client);

/*
 * False while there is too much unanswered or undelivered: do not read. host.client_wake() says
 * when to ask again.
 */
bool client_wants_input(struct client *client);

/* The peer broke the transport's rules: XSP_RING_ERROR_*. A ring is ignored from now on. */
void client_broke(struct client *client, uint32_t error);

/* The peer starts anew: what it held, sent and was sent is dropped. */
void client_restarted(struct client *client);

/* What may be sent, and how much was. */
size_t client_output(const struct client *client, const uint8_t **out_bytes);
void client_output_taken(struct client *client, size_t len);

/*
 * Execute, commit, release. Returns true if there is more to do at once; *out_deadline_ms is when
 * to call again at the latest (UINT64_MAX: no need).
 */
bool server_turn(struct server *server, uint64_t now_ms, uint64_t *out_deadline_ms);

/* The state of domains may have changed: compares those we know with the host's. */
void server_domains_changed(struct server *server);

/* True until that has been done: not while it fails. */
bool server_is_scan_due(const struct server *server);

/* Introduces a domain the way INTRODUCE does. Returns the errno a client would get. */
int server_introduce(struct server *server, uint16_t domid, uint32_t port)
	__attribute__((warn_unused_result));

/* Recounts everything; false, with a line of text, if a counter is wrong. */
bool server_audit(struct server *server, char *out_text, size_t size);

#endif
