/* SPDX-License-Identifier: MIT */
/*
 * What a server is set up with: its configuration, and where it tells of what it does.
 */
#ifndef XSD_CORE_SETUP_H
#define XSD_CORE_SETUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xenstored/core/quota.h"

struct client;

/* Where the core tells of what it does, for the trace file. Any function may be NULL. */
struct trace {
	void *self;
	void (*object)(void *self, bool is_created, const char *kind, const void *object);
	void (*request)(void *self, const struct client *client, uint16_t domid, uint32_t type,
			const void *payload, size_t len);
	/* Events are told of as replies are. */
	void (*reply)(void *self, const struct client *client, uint16_t domid, uint32_t type,
		      const void *payload, size_t len);
	/* CONTROL log, logfile and print. Return an errno for the reply. */
	int (*log)(void *self, const char *argument);
	int (*logfile)(void *self, const char *path);
	int (*memreport)(void *self, const char *path);
	void (*print)(void *self, const char *text);
	/* State of switch i: its name, or NULL behind the last. */
	const char *(*get_switch)(void *self, size_t i, bool *out_is_on);
};

struct server_config {
	uint16_t store_domid; /* the domain the server runs in */
	uint16_t privileged_domid;
	struct quota_limits limits; /* for domains to come */
	uint64_t event_timeout_ms;  /* for guests that do not read; 0: never */
	bool keep_orphans;          /* nodes of dead domains go to the privileged one */
	uint64_t seed;              /* for hashes; unknown to clients */
};

#endif
