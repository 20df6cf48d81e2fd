/* SPDX-License-Identifier: MIT */
/*
 * All registries of a running server in one place. No functions.
 *
 * Only server.c, turn.c, client.c, dispatch.c, request.c, fire.c, acquaintance.c, introduction.c,
 * removal.c and audit.c look in here; handlers ask their request.
 */
#ifndef XSD_CORE_STATE_H
#define XSD_CORE_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/payload.h"
#include "xenstored/base/arena.h"
#include "xenstored/core/client.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/setup.h"
#include "xenstored/core/txn.h"
#include "xenstored/core/watch.h"

struct store;

struct server {
	struct server_config config;
	const struct host *host;   /* borrowed */
	const struct trace *trace; /* borrowed; NULL: none */
	struct store *store;       /* borrowed */
	struct domains domains;
	struct watches watches;
	struct txns txns;
	struct client_list clients; /* in order of arrival */
	struct client_list ready;   /* have input that may be executed */
	struct client_list touched; /* have output of this turn */
	struct client_list waiting; /* held back for somebody's transaction */
	struct client_list leaving; /* are freed at the end of it */
	struct client_list held;    /* may go on as soon as there is room */
	size_t n_clients;
	size_t n_waiting; /* held back for a transaction */
	uint64_t last_client;
	uint64_t now_ms;
	bool needs_scan;                 /* domains may have changed */
	uint64_t scan_from_ms;           /* not before: the last one failed */
	bool needs_recount;              /* the counters are those of a lost turn */
	bool is_turn_lost;               /* the store lost the batch: this turn did not happen */
	uint64_t next_expiry_ms;         /* of events or of requests in `unread` */
	struct outstanding_queue unread; /* requests whose events may lie with clients of dom0 */
	struct buf spare_in;             /* an input buffer for whoever speaks next */
	struct arena arena;              /* of the request being executed */
	struct xsp_body body;            /* of its reply */
	uint64_t peak[QUOTA_ACCOUNTED];  /* of domains forgotten since */
	uint64_t n_turns;
	uint64_t n_requests;
	uint64_t n_requests_before; /* this turn */
	unsigned reclaim_budget;    /* of this turn: how often a refusal may reclaim first */
	uint64_t n_faults;          /* requests that failed by our own trouble */
	uint64_t fault_told_ms;     /* when the log was told of one last */
	uint64_t n_early_commits;   /* the store's, as of the last client_settle_all() */
};

#endif
