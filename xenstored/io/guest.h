/* SPDX-License-Identifier: MIT */
/*
 * The guests: bytes between their rings and the core, wake-ups by event channels, and the state of
 * domains. Fills the core's host table.
 *
 * Without a hypervisor there are no guests, and the table says so to whoever asks.
 */
#ifndef XSD_IO_GUEST_H
#define XSD_IO_GUEST_H

#include <stdint.h>

struct guests;
struct host;
struct loop;
struct server;
struct server_config;

/*
 * Opens the hypervisor's interfaces if there are any, and learns from them which domain is which
 * (into `config`, where the command line did not say). A negated errno.
 */
int guests_open(struct loop *loop, struct server_config *config, struct guests **out_guests)
	__attribute__((warn_unused_result));

/* The table for the core; valid until guests_close(). */
const struct host *guests_host(const struct guests *guests);

/* Introduces the domains that are there already, the privileged one first. */
int guests_start(struct guests *guests, struct server *server, uint16_t privileged)
	__attribute__((warn_unused_result));

/* After the server is gone. */
void guests_close(struct guests *guests);

#endif
