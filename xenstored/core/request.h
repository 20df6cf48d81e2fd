/* SPDX-License-Identifier: MIT */
/*
 * One request being executed: everything a handler may touch.
 *
 * A handler looks at its arguments, works on the view, writes the reply's payload, and returns 0
 * or an errno. It neither replies nor commits nor tells watchers: the dispatcher does, for all.
 */
#ifndef XSD_CORE_REQUEST_H
#define XSD_CORE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/path.h"
#include "protocol/payload.h"
#include "protocol/wire.h"
#include "xenstored/core/access.h"
#include "xenstored/core/quota.h"
#include "xenstored/store/view.h"

struct arena;
struct client;
struct domain;
struct outstanding;
struct server;
struct txn;
struct watch;

enum { REQUEST_ARGS_MAX = 8 };

struct request {
	struct server *server; /* borrowed, as are all pointers here */
	struct client *client;
	struct actor actor;
	struct xsp_header header;
	const char *payload;
	const char *args[REQUEST_ARGS_MAX]; /* the first NUL-ended strings of the payload */
	size_t n_strings;                   /* all of them */
	const char *tail;                   /* behind the strings the operation asked for */
	size_t tail_len;
	struct txn *txn;  /* the transaction the request is in, or NULL */
	struct view view; /* the request's own */
	struct arena *arena;
	struct xsp_body *body;
	struct watch *new_watch; /* registered: is told of its path after the reply */
	struct outstanding *outstanding;
};

/* A handler: 0, an errno for the client, or a negated errno for trouble of ours. */
typedef int op_fn(struct request *rq);

/* Makes the path in argument `i` absolute, within the caller's limits. EINVAL. */
struct request_path {
	size_t len;
	char text[XSP_PATH_BUF];
};
int request_path(struct request *rq, size_t i, enum xsp_path_kind kind,
		 struct request_path *out_path) __attribute__((warn_unused_result));

/* The same of any string. */
int request_resolve(struct request *rq, const char *path, enum xsp_path_kind kind,
		    struct request_path *out_path) __attribute__((warn_unused_result));

/*
 * Walks to a path and checks the caller's rights on the node, or on its nearest ancestor if it is
 * missing. 0 even if it is missing, as long as the caller may know.
 */
int request_walk(struct request *rq, const struct request_path *path, unsigned rights,
		 unsigned seen, struct walk *out_walk) __attribute__((warn_unused_result));

/* The same for what must exist: ENOENT if it does not. */
int request_node(struct request *rq, const struct request_path *path, unsigned rights,
		 unsigned seen, struct walk *out_walk) __attribute__((warn_unused_result));

/* Numbers in arguments: EINVAL unless strict decimal and in range. */
int request_domid(const struct request *rq, size_t i, uint16_t *out_domid)
	__attribute__((warn_unused_result));
int request_u32(const struct request *rq, size_t i, uint32_t max, uint32_t *out_value)
	__attribute__((warn_unused_result));

/* The record of an existing domain named in argument `i`. EINVAL, ENOENT. */
int request_domain(struct request *rq, size_t i, struct domain **out_domain)
	__attribute__((warn_unused_result));

/*
 * Makes room for `more` in the caller's quota as far as there is something that it has given up
 * but is still charged for. Whether that was enough is for the caller to check. The database's
 * bytes do not outlive this.
 */
void request_make_room(struct request *rq, enum quota_kind kind, uint64_t more);

/* The caller's ledger, and its feature bits. */
struct ledger *request_ledger(const struct request *rq);
uint32_t request_features(const struct request *rq);

/*
 * Commits a view to the store: the request's own, or its transaction's at the end. Checks quotas,
 * applies, charges, and tells watchers. ENOSPC: nothing happened.
 */
int request_commit_view(struct request *rq, struct view *view) __attribute__((warn_unused_result));

/* Brings the request's own view down to where it belongs. */
int request_commit(struct request *rq) __attribute__((warn_unused_result));

/*
 * A transaction's memory is paid for by its client while it lasts: what the request may add to it,
 * and what it has added, whether it succeeded or not.
 */
void request_limit_transaction(struct request *rq);
void request_charge_transaction(struct request *rq);

/*
 * Asked when the request was refused: true if the transaction's memory was the reason, and there is
 * more of it now.
 */
bool request_relieve_transaction(struct request *rq);

/* The path that relative ones of this client start from. */
void request_base(const struct client *client, char out_base[XSP_PATH_BASE_MAX]);

#endif
