/* SPDX-License-Identifier: MIT */
#include "xenstored/core/dispatch.h"

#include <errno.h>
#include <string.h>

#include "protocol/errname.h"
#include "xenstored/base/log.h"
#include "xenstored/core/fire.h"
#include "xenstored/core/op.h"
#include "xenstored/core/outstanding.h"
#include "xenstored/core/request.h"
#include "xenstored/core/state.h"
#include "xenstored/store/store.h"

enum {
	/* The log hears of a domain's soft limit, and of trouble of our own, at most that often. */
	SOFT_MEMORY_MS = 10000,
	FAULT_MS = 10000,
};

enum caller { ANY_CALLER, PRIVILEGED_ONLY };

enum txn_use {
	TXN_USED,    /* looked up; the operation is in it */
	TXN_CHECKED, /* looked up; no effect otherwise */
	TXN_IGNORED,
};

/* How the payload is cut into strings. */
enum form {
	FORM_ANY,    /* not looked at */
	FORM_EXACT,  /* the strings and nothing else, a NUL at the end */
	FORM_SPLIT,  /* the strings; a tail without NUL is ignored */
	FORM_BINARY, /* the strings, then bytes of any kind */
};

struct op {
	op_fn *run;
	enum caller caller;
	enum txn_use txn;
	enum form form;
	unsigned min, max; /* strings */
	bool is_modification;
};

enum { MANY = XSP_PAYLOAD_MAX };

/* The only list of operations the server knows. */
static const struct op ops[XSP_TYPE_COUNT] = {
	[XSP_CONTROL] = { op_control, PRIVILEGED_ONLY, TXN_USED, FORM_SPLIT, 1, MANY, false },
	[XSP_DIRECTORY] = { op_directory, ANY_CALLER, TXN_USED, FORM_EXACT, 1, 1, false },
	[XSP_READ] = { op_read, ANY_CALLER, TXN_USED, FORM_EXACT, 1, 1, false },
	[XSP_GET_PERMS] = { op_get_perms, ANY_CALLER, TXN_USED, FORM_EXACT, 1, 1, false },
	[XSP_WATCH] = { op_watch, ANY_CALLER, TXN_IGNORED, FORM_SPLIT, 2, 3, false },
	[XSP_UNWATCH] = { op_unwatch, ANY_CALLER, TXN_IGNORED, FORM_SPLIT, 2, 2, false },
	[XSP_TRANSACTION_START] = { op_transaction_start, ANY_CALLER, TXN_USED, FORM_ANY, 0, 0,
				    false },
	[XSP_TRANSACTION_END] = { op_transaction_end, ANY_CALLER, TXN_USED, FORM_EXACT, 1, 1,
				  true },
	[XSP_INTRODUCE] = { op_introduce, PRIVILEGED_ONLY, TXN_CHECKED, FORM_SPLIT, 3, MANY,
			    false },
	[XSP_RELEASE] = { op_release, PRIVILEGED_ONLY, TXN_CHECKED, FORM_EXACT, 1, 1, false },
	[XSP_GET_DOMAIN_PATH] = { op_get_domain_path, ANY_CALLER, TXN_CHECKED, FORM_EXACT, 1, 1,
				  false },
	[XSP_WRITE] = { op_write, ANY_CALLER, TXN_USED, FORM_BINARY, 1, 1, true },
	[XSP_MKDIR] = { op_mkdir, ANY_CALLER, TXN_USED, FORM_EXACT, 1, 1, true },
	[XSP_RM] = { op_rm, ANY_CALLER, TXN_USED, FORM_EXACT, 1, 1, true },
	[XSP_SET_PERMS] = { op_set_perms, ANY_CALLER, TXN_USED, FORM_SPLIT, 2, MANY, true },
	[XSP_IS_DOMAIN_INTRODUCED] = { op_is_domain_introduced, PRIVILEGED_ONLY, TXN_CHECKED,
				       FORM_EXACT, 1, 1, false },
	[XSP_RESUME] = { op_resume, PRIVILEGED_ONLY, TXN_CHECKED, FORM_EXACT, 1, 1, false },
	[XSP_SET_TARGET] = { op_set_target, PRIVILEGED_ONLY, TXN_CHECKED, FORM_SPLIT, 2, MANY,
			     false },
	[XSP_RESET_WATCHES] = { op_reset_watches, ANY_CALLER, TXN_CHECKED, FORM_ANY, 0, 0, false },
	[XSP_DIRECTORY_PART] = { op_directory_part, ANY_CALLER, TXN_USED, FORM_SPLIT, 2, 2, false },
	[XSP_GET_FEATURE] = { op_get_feature, ANY_CALLER, TXN_CHECKED, FORM_SPLIT, 0, 1, false },
	[XSP_SET_FEATURE] = { op_set_feature, PRIVILEGED_ONLY, TXN_CHECKED, FORM_SPLIT, 2, 2,
			      false },
	[XSP_GET_QUOTA] = { op_get_quota, PRIVILEGED_ONLY, TXN_CHECKED, FORM_SPLIT, 0, 2, false },
	[XSP_SET_QUOTA] = { op_set_quota, PRIVILEGED_ONLY, TXN_CHECKED, FORM_SPLIT, 2, 3, false },
};

static const struct op *find_op(uint32_t type)
{
	if (type >= XSP_TYPE_COUNT || !ops[type].run)
		return NULL;
	return &ops[type];
}

bool dispatch_is_modification(const struct xsp_header *header)
{
	const struct op *op = find_op(header->type);

	if (!op || !op->is_modification)
		return false;
	/* Inside a transaction nothing is modified before its end. */
	return header->tx_id == 0 || header->type == XSP_TRANSACTION_END;
}

static int cut_strings(struct request *rq, const struct op *op)
{
	const char *cursor = rq->payload, *end = rq->payload + rq->header.len;
	size_t n = 0;

	while (n < REQUEST_ARGS_MAX && n < op->max) {
		rq->args[n] = xsp_next_string(&cursor, end);
		if (!rq->args[n])
			break;
		n++;
	}
	rq->tail = cursor;
	rq->tail_len = (size_t)(end - cursor);
	rq->n_strings = n;
	if (op->form == FORM_BINARY)
		return n < op->min ? EINVAL : 0;
	rq->n_strings += xsp_count_strings(cursor, rq->tail_len);
	if (rq->n_strings < op->min || rq->n_strings > op->max)
		return EINVAL;
	/* Where nothing is a request of its own, half a string is not the same as nothing. */
	if (op->min == 0 && rq->n_strings == 0 && rq->tail_len)
		return EINVAL;
	return op->form == FORM_EXACT && rq->tail_len ? EINVAL : 0;
}

static int check(struct request *rq, const struct op *op)
{
	if (op->caller == PRIVILEGED_ONLY && !rq->actor.is_privileged)
		return EACCES;
	if (op->txn != TXN_IGNORED && rq->header.tx_id != 0) {
		rq->txn = txn_find(rq->client, rq->header.tx_id);
		if (!rq->txn)
			return ENOENT;
	}
	return op->form == FORM_ANY ? 0 : cut_strings(rq, op);
}

/* Our own trouble: told to the administrator now and then, and to the client as well as can be. */
static int fault(const struct request *rq, int err)
{
	const char *name = xsp_type_name(rq->header.type);
	struct server *server = rq->server;

	if (server->n_faults++ == 0 || server->now_ms - server->fault_told_ms >= FAULT_MS) {
		log_line(LOG_LEVEL_ERROR, "%s of domain %u: %s (%llu so far)",
			 name ? name : "request", (unsigned)rq->actor.domid, strerror(-err),
			 (unsigned long long)server->n_faults);
		server->fault_told_ms = server->now_ms;
	}
	if (err == -ENOMEM)
		return ENOMEM;
	return err == -ENOSPC ? ENOSPC : EIO;
}

static int run(struct request *rq, const struct op *op)
{
	int err;

	view_begin(&rq->view, rq->server->store,
		   op->txn == TXN_USED && rq->txn ? &rq->txn->view : NULL, rq->arena);
	err = op->run(rq);
	if (!err)
		err = request_commit(rq);
	view_end(&rq->view);
	return err;
}

static int execute(struct request *rq, const struct op *op)
{
	int err = check(rq, op);

	if (err)
		return err;
	if (rq->txn)
		request_limit_transaction(rq);
	err = run(rq, op);
	/* One that was cut short by what memory there was has changed nothing: it may begin again. */
	while (err == ENOSPC && rq->txn && request_relieve_transaction(rq)) {
		xsp_body_reset(rq->body);
		err = run(rq, op);
	}
	/* A handler that ended the transaction has taken it from the request. */
	if (rq->txn)
		request_charge_transaction(rq);
	return err;
}

static void trace_request(const struct request *rq)
{
	const struct trace *trace = rq->server->trace;

	if (trace && trace->request)
		trace->request(trace->self, rq->client, rq->actor.domid, rq->header.type,
			       rq->payload, rq->header.len);
}

/* A reply that depends on what this turn has changed stands and falls with it. */
static enum outbox_kind kind_of_reply(const struct request *rq, const struct op *op)
{
	if (!op || op->txn != TXN_USED)
		return OUTBOX_REPLY;
	/* An open transaction is touched by its own requests only. */
	if (rq->txn && rq->txn->view.start <= rq->server->store->batch_start)
		return OUTBOX_REPLY;
	return OUTBOX_STORE_REPLY;
}

static void reply(struct request *rq, const struct op *op, int err)
{
	const struct trace *trace = rq->server->trace;
	struct outbox_post post = {
		.header = rq->header,
		.kind = kind_of_reply(rq, op),
		.first = rq->body->bytes,
		.first_len = rq->body->len,
		.cause = rq->outstanding,
	};

	if (!err && rq->body->is_over)
		err = E2BIG;
	if (err) {
		post.header.type = XSP_ERROR;
		post.first = xsp_errname(err);
		post.first_len = strlen(post.first) + 1;
	}
	post.header.len = (uint32_t)post.first_len;
	if (trace && trace->reply)
		trace->reply(trace->self, rq->client, rq->actor.domid, post.header.type, post.first,
			     post.first_len);
	if (XSP_HEADER_SIZE + post.first_len > OUTBOX_SMALL_REPLY)
		request_make_room(rq, QUOTA_MEMORY, XSP_HEADER_SIZE + post.first_len);
	err = outbox_post(&rq->client->out, &post);
	if (err == ENOSPC) {
		/* A large reply that its quota has no room for becomes a small one. */
		post.header.type = XSP_ERROR;
		post.first = "ENOMEM";
		post.first_len = post.header.len = sizeof("ENOMEM");
		err = outbox_post(&rq->client->out, &post);
	}
	client_touch(rq->client);
	/* Without a reply the client would be out of step for ever. */
	if (err)
		rq->client->is_over = true;
}

/* The first time a domain hits a quota is worth a line; what follows is in its counters. */
static void announce_refusal(const struct request *rq, int err)
{
	struct ledger *ledger = &rq->client->domain->ledger;

	if (err != ENOSPC || !ledger->is_limited)
		return;
	for (int kind = 0; kind < QUOTA_KINDS; kind++) {
		if (ledger->hits[kind] == 0 || (ledger->announced & 1U << kind))
			continue;
		ledger->announced |= 1U << kind;
		log_line(LOG_LEVEL_WARNING, "domain %u has hit its quota '%s' of %u (%s refused)",
			 (unsigned)rq->actor.domid, quota_name((enum quota_kind)kind),
			 ledger->limits.hard[kind], xsp_type_name(rq->header.type));
	}
}

/* The soft limit only speaks: when it is passed, and when that is over. */
static void announce_memory(const struct server *server, struct domain *domain)
{
	struct ledger *ledger = &domain->ledger;
	uint64_t soft = ledger->limits.soft_memory, used = ledger->used[QUOTA_MEMORY];
	bool is_over = ledger->is_limited && soft && used > soft;

	if (is_over == ledger->is_over_soft)
		return;
	/* A domain that hovers about the limit, or jumps over it and back, is not to fill the log. */
	if ((!is_over && used > soft - soft / 8) ||
	    (ledger->soft_told_ms && server->now_ms - ledger->soft_told_ms < SOFT_MEMORY_MS))
		return;
	ledger->is_over_soft = is_over;
	ledger->soft_told_ms = server->now_ms;
	log_line(LOG_LEVEL_WARNING, "domain %u is %s its soft memory limit of %llu bytes",
		 (unsigned)domain->domid, is_over ? "above" : "below again",
		 (unsigned long long)soft);
}

void dispatch_run(struct server *server, struct client *client, const struct xsp_header *header,
		  const char *payload)
{
	const struct op *op = find_op(header->type);
	struct request rq = {
		.server = server,
		.client = client,
		.actor = {
			.domains = &server->domains,
			.domid = client->domain->domid,
			.target = domain_target(&server->domains, client->domain),
			.is_privileged = client->domain->domid == server->config.privileged_domid,
		},
		.header = *header,
		.payload = payload,
		.arena = &server->arena,
		.body = &server->body,
	};
	int err = 0;

	server->n_requests++;
	client->n_requests++;
	xsp_body_reset(rq.body);
	trace_request(&rq);
	if (client->domain->ledger.is_limited) {
		rq.outstanding =
			outstanding_new(&client->domain->outstanding, &client->domain->ledger);
		err = rq.outstanding ? 0 : -ENOMEM;
	}
	if (!err)
		err = op ? execute(&rq, op) : ENOSYS;
	if (err < 0)
		err = fault(&rq, err);
	announce_refusal(&rq, err);
	announce_memory(server, client->domain);
	reply(&rq, op, err);
	if (rq.new_watch && !err)
		fire_first(server, rq.new_watch);
	outstanding_release(rq.outstanding, 0);
	arena_reset(&server->arena);
}
