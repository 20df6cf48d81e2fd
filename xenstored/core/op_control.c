/* SPDX-License-Identifier: MIT */
/*
 * CONTROL <command>|[<argument>|]*  ->  text|  Its commands have a table of their own.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "xenstored/core/audit.h"
#include "xenstored/core/client.h"
#include "xenstored/core/control_tree.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/op.h"
#include "xenstored/core/request.h"
#include "xenstored/core/state.h"

struct command {
	const char *name;
	const char *synopsis;
	op_fn *run;
	size_t min, max; /* arguments behind the name */
};

static int answer_ok(struct request *rq, int err)
{
	if (!err)
		xsp_body_string(rq->body, "OK");
	return err;
}

static size_t n_arguments(const struct request *rq)
{
	return rq->n_strings - 1;
}

static int control_check(struct request *rq)
{
	char text[256];

	if (!audit_run(rq->server, text, sizeof(text))) {
		xsp_body_string(rq->body, text);
		return 0;
	}
	return answer_ok(rq, 0);
}

static int control_log(struct request *rq)
{
	const struct trace *trace = rq->server->trace;
	const char *name;
	bool is_on;

	if (n_arguments(rq) == 1)
		return answer_ok(rq, trace && trace->log ? trace->log(trace->self, rq->args[1])
							 : EINVAL);
	xsp_body_text(rq->body, "Log switch settings:\n");
	for (size_t i = 0; trace && trace->get_switch; i++) {
		name = trace->get_switch(trace->self, i, &is_on);
		if (!name)
			break;
		xsp_body_text(rq->body, "%-8s: %s\n", name, is_on ? "on" : "off");
	}
	xsp_body_bytes(rq->body, "", 1);
	return 0;
}

static int control_logfile(struct request *rq)
{
	const struct trace *trace = rq->server->trace;

	return answer_ok(rq, trace && trace->logfile ? trace->logfile(trace->self, rq->args[1])
						     : EINVAL);
}

static int control_memreport(struct request *rq)
{
	const struct trace *trace = rq->server->trace;
	const char *path = n_arguments(rq) ? rq->args[1] : NULL;

	return answer_ok(rq,
			 trace && trace->memreport ? trace->memreport(trace->self, path) : EINVAL);
}

static int control_print(struct request *rq)
{
	const struct trace *trace = rq->server->trace;

	if (trace && trace->print)
		trace->print(trace->self, rq->args[1]);
	return answer_ok(rq, 0);
}

static void list_limits(struct request *rq)
{
	const struct quota_limits *limits = &rq->server->domains.limits;

	xsp_body_text(rq->body, "Quota settings:\n");
	for (int i = 0; i < QUOTA_KINDS; i++) {
		enum quota_kind kind = (enum quota_kind)i;

		xsp_body_text(rq->body, "%-17s: %8u %s\n", quota_name(kind), limits->hard[kind],
			      quota_description(kind));
	}
	xsp_body_bytes(rq->body, "", 1);
}

static int list_domain(struct request *rq)
{
	const struct domain *domain;
	uint16_t domid;
	int err = request_domid(rq, 1, &domid);

	if (err)
		return err;
	domain = domain_find(&rq->server->domains, domid);
	if (!domain)
		return ENOENT;
	xsp_body_text(rq->body, "Domain %u:\n", (unsigned)domid);
	for (int kind = 0; kind < QUOTA_ACCOUNTED; kind++)
		xsp_body_text(rq->body, "%-17s: %8llu (max %8llu)\n",
			      quota_name((enum quota_kind)kind),
			      (unsigned long long)domain->ledger.used[kind],
			      (unsigned long long)domain->ledger.peak[kind]);
	xsp_body_bytes(rq->body, "", 1);
	return 0;
}

static int list_peaks(struct request *rq)
{
	struct server *server = rq->server;
	struct domain *domain;
	bool is_reset = n_arguments(rq) == 2;

	if (is_reset && strcmp(rq->args[2], "-r") != 0)
		return EINVAL;
	xsp_body_text(rq->body, "Max. seen accounting values:\n");
	for (int kind = 0; kind < QUOTA_ACCOUNTED; kind++) {
		if (is_reset)
			server->peak[kind] = 0;
		TAILQ_FOREACH (domain, &server->domains.all, entry) {
			if (is_reset)
				domain->ledger.peak[kind] = domain->ledger.used[kind];
			if (domain->ledger.peak[kind] > server->peak[kind])
				server->peak[kind] = domain->ledger.peak[kind];
		}
		xsp_body_text(rq->body, "%-17s: %8llu\n", quota_name((enum quota_kind)kind),
			      (unsigned long long)server->peak[kind]);
	}
	xsp_body_bytes(rq->body, "", 1);
	return 0;
}

/* "set <name> <n>"; n is at least 1. */
static int set_limit(struct request *rq, uint32_t *limit)
{
	uint32_t value;

	if (!limit || !xsp_parse_u32(rq->args[3], INT32_MAX, &value) || value < 1)
		return EINVAL;
	*limit = value;
	return answer_ok(rq, 0);
}

static int control_quota(struct request *rq)
{
	struct quota_limits *limits = &rq->server->domains.limits;
	uint32_t *limit;

	if (n_arguments(rq) == 0) {
		list_limits(rq);
		return 0;
	}
	if (!strcmp(rq->args[1], "max"))
		return n_arguments(rq) <= 2 ? list_peaks(rq) : EINVAL;
	if (strcmp(rq->args[1], "set") != 0)
		return n_arguments(rq) == 1 ? list_domain(rq) : EINVAL;
	if (n_arguments(rq) != 3)
		return EINVAL;
	limit = quota_find(limits, rq->args[2]);
	return set_limit(rq, limit == &limits->soft_memory ? NULL : limit);
}

static int control_quota_soft(struct request *rq)
{
	struct quota_limits *limits = &rq->server->domains.limits;

	if (n_arguments(rq) == 0) {
		xsp_body_text(rq->body, "Quota settings:\n%-17s: %8u %s\n", "memory",
			      limits->soft_memory, quota_description(QUOTA_MEMORY));
		xsp_body_bytes(rq->body, "", 1);
		return 0;
	}
	if (n_arguments(rq) != 3 || strcmp(rq->args[1], "set") != 0 ||
	    strcmp(rq->args[2], "memory") != 0)
		return EINVAL;
	return set_limit(rq, &limits->soft_memory);
}

static int control_help(struct request *rq);

static const struct command commands[] = {
	{ "check", "", control_check, 0, 0 },
	{ "log", "[on|off|+<switch>|-<switch>]", control_log, 0, 1 },
	{ "logfile", "<file>", control_logfile, 1, 1 },
	{ "memreport", "[<file>]", control_memreport, 0, 1 },
	{ "print", "<string>", control_print, 1, 1 },
	{ "quota", "[set <name> <val>|<domid>|max [-r]]", control_quota, 0, 3 },
	{ "quota-soft", "[set <name> <val>]", control_quota_soft, 0, 3 },
	{ "tree", "<path> <after>", control_tree, 2, 2 },
	{ "help", "", control_help, 0, 0 },
	{ NULL, NULL, NULL, 0, 0 },
};

static int control_help(struct request *rq)
{
	for (const struct command *command = commands; command->name; command++)
		xsp_body_text(rq->body, "%-15s %s\n", command->name, command->synopsis);
	xsp_body_bytes(rq->body, "", 1);
	return 0;
}

int op_control(struct request *rq)
{
	for (const struct command *command = commands; command->name; command++) {
		if (strcmp(command->name, rq->args[0]) != 0)
			continue;
		if (n_arguments(rq) < command->min || n_arguments(rq) > command->max)
			return EINVAL;
		return command->run(rq);
	}
	return EINVAL;
}
