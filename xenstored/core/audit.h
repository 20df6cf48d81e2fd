/* SPDX-License-Identifier: MIT */
/*
 * The audit: recounts everything from the store and the registries and compares the counters.
 */
#ifndef XSD_CORE_AUDIT_H
#define XSD_CORE_AUDIT_H

#include <stdbool.h>
#include <stddef.h>

struct server;

/* True if all is as it should be; else a line in out_text says what is not. Costs a full walk. */
bool audit_run(struct server *server, char *out_text, size_t size);

/*
 * Sets every domain's node and memory counters to what a recount gives: at the start with an
 * existing store, and after a turn was lost. -ENOMEM, or the store's trouble.
 */
int audit_recount(struct server *server) __attribute__((warn_unused_result));

#endif
