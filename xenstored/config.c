/* SPDX-License-Identifier: MIT */
#include "xenstored/config.h"

#include <getopt.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/path.h"
#include "protocol/payload.h"
#include "protocol/wire.h"
#include "xenstored/core/server.h"

enum { OPT_MASTER_DOMID = 256, OPT_PRIV_DOMID, OPT_EVENT, OPT_TRACE_CONTROL, OPT_VERSION };

static const struct option options[] = {
	{ "pid-file", required_argument, NULL, 'F' },
	{ "help", no_argument, NULL, 'H' },
	{ "no-fork", no_argument, NULL, 'N' },
	{ "trace-file", required_argument, NULL, 'T' },
	{ "trace-control", required_argument, NULL, OPT_TRACE_CONTROL },
	{ "entry-nb", required_argument, NULL, 'E' },
	{ "entry-size", required_argument, NULL, 'S' },
	{ "watch-nb", required_argument, NULL, 'W' },
	{ "transaction", required_argument, NULL, 't' },
	{ "perm-nb", required_argument, NULL, 'A' },
	{ "path-max", required_argument, NULL, 'M' },
	{ "quota", required_argument, NULL, 'Q' },
	{ "quota-soft", required_argument, NULL, 'q' },
	{ "timeout", required_argument, NULL, 'w' },
	{ "keep-orphans", no_argument, NULL, 'K' },
	{ "live-update", no_argument, NULL, 'U' },
	{ "master-domid", required_argument, NULL, OPT_MASTER_DOMID },
	{ "priv-domid", required_argument, NULL, OPT_PRIV_DOMID },
	{ "event", required_argument, NULL, OPT_EVENT },
	{ "version", no_argument, NULL, OPT_VERSION },
	/* Of older versions: understood, and without effect where they have lost their meaning. */
	{ "no-domain-init", no_argument, NULL, 'D' },
	{ "output-pid", no_argument, NULL, 'P' },
	{ "no-recovery", no_argument, NULL, 'R' },
	{ "internal-db", optional_argument, NULL, 'I' },
	{ "verbose", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static const char usage_text[] =
	"Usage: xenstored [options]\n"
	"\n"
	"  -F, --pid-file <file>     write the process id to a file, and lock it\n"
	"  -N, --no-fork             stay in the foreground, report to standard error\n"
	"  -T, --trace-file <file>   trace requests and replies to a file\n"
	"      --trace-control=+<class>|-<class>\n"
	"                            switch a class of trace lines: obj, io, wrl, acc, tdb\n"
	"  -K, --keep-orphans        nodes of domains that are gone go to the privileged domain\n"
	"  -w, --timeout watch-event=<s>\n"
	"                            drop a guest's unread events after that time (20; 0: never)\n"
	"      --master-domid <id>   domain that the server runs in\n"
	"      --priv-domid <id>     domain without limits and with all rights\n"
	"  -H, --help                this text\n"
	"      --version             name and version\n"
	"\n"
	"Limits for each unprivileged domain; 0 means none:\n"
	"  -E, --entry-nb <n>        nodes\n"
	"  -S, --entry-size <n>      bytes of a node\n"
	"  -W, --watch-nb <n>        watches\n"
	"  -t, --transaction <n>     open transactions\n"
	"  -A, --perm-nb <n>         permissions of a node\n"
	"  -M, --path-max <n>        bytes of a path, at most 2048\n"
	"  -Q, --quota <name>=<n>    any of: nodes watches outstanding memory transactions\n"
	"                            transaction-nodes node-permissions path-max node-size\n"
	"  -q, --quota-soft <name>=<n>\n"
	"                            memory: warn above\n"
	"\n"
	"Environment: XENSTORED_RUNDIR (directory of socket and database), XENSTORED_PATH (the\n"
	"socket), NOTIFY_SOCKET.\n";

static bool complain(const char *what, const char *text)
{
	fprintf(stderr, "FATAL: %s: %s\n", what, text);
	return false;
}

static bool read_number(const char *text, uint32_t *out_number)
{
	return xsp_parse_u32(text, INT_MAX, out_number) || complain("not a number", text);
}

static bool read_domid(const char *text, uint16_t *out_domid)
{
	return xsp_parse_domid(text, out_domid) || complain("not a domain id", text);
}

/* "<name>=<n>"; *out_number is the text behind the sign. */
static bool split_assignment(const char *text, char *out_name, size_t size, const char **out_number)
{
	const char *sign = strchr(text, '=');

	if (!sign || (size_t)(sign - text) >= size)
		return complain("not <name>=<number>", text);
	memcpy(out_name, text, (size_t)(sign - text));
	out_name[sign - text] = '\0';
	*out_number = sign + 1;
	return true;
}

static bool read_quota(struct config *config, const char *text, bool is_soft)
{
	struct quota_limits *limits = &config->server.limits;
	uint32_t *limit;
	const char *number;
	char name[32];

	if (!split_assignment(text, name, sizeof(name), &number))
		return false;
	limit = quota_find(limits, name);
	if (is_soft)
		limit = strcmp(name, "memory") ? NULL : &limits->soft_memory;
	if (!limit || (!is_soft && limit == &limits->soft_memory))
		return complain("unknown quota", text);
	return read_number(number, limit);
}

static bool read_timeout(struct config *config, const char *text)
{
	const char *number;
	uint32_t seconds;
	char name[32];

	if (!split_assignment(text, name, sizeof(name), &number))
		return false;
	if (strcmp(name, "watch-event") != 0)
		return complain("unknown timeout", text);
	if (!read_number(number, &seconds))
		return false;
	config->server.event_timeout_ms = (uint64_t)seconds * 1000;
	return true;
}

static bool read_path_max(struct config *config, const char *text)
{
	uint32_t *limit = &config->server.limits.hard[QUOTA_PATH_MAX];

	if (!read_number(text, limit))
		return false;
	if (*limit > XSP_PATH_REL_MAX)
		*limit = XSP_PATH_REL_MAX;
	return true;
}

static bool add_switch(struct config *config, const char *text)
{
	if (config->n_trace_switches == CONFIG_SWITCHES_MAX)
		return complain("too many trace switches", text);
	config->trace_switches[config->n_trace_switches++] = text;
	return true;
}

/* One option. False: it was wrong, and that was said. */
static bool read_option(struct config *config, int option, const char *text)
{
	uint32_t *hard = config->server.limits.hard;

	switch (option) {
	case 'F':
		config->pid_file = text;
		return true;
	case 'N':
		config->is_foreground = true;
		return true;
	case 'T':
		config->trace_file = text;
		return true;
	case 'K':
		config->server.keep_orphans = true;
		return true;
	case 'P':
		config->wants_pid_printed = true;
		return true;
	case 'E':
		return read_number(text, &hard[QUOTA_NODES]);
	case 'S':
		return read_number(text, &hard[QUOTA_NODE_SIZE]);
	case 'W':
		return read_number(text, &hard[QUOTA_WATCHES]);
	case 't':
		return read_number(text, &hard[QUOTA_TRANSACTIONS]);
	case 'A':
		return read_number(text, &hard[QUOTA_NODE_PERMISSIONS]);
	case 'M':
		return read_path_max(config, text);
	case 'Q':
		return read_quota(config, text, false);
	case 'q':
		return read_quota(config, text, true);
	case 'w':
		return read_timeout(config, text);
	case OPT_MASTER_DOMID:
		return read_domid(text, &config->server.store_domid);
	case OPT_PRIV_DOMID:
		return read_domid(text, &config->server.privileged_domid);
	case OPT_TRACE_CONTROL:
		return add_switch(config, text);
	default:
		/* An unknown option was complained about by getopt, and is ignored, as it always was. */
		return true;
	}
}

static void read_environment(struct config *config)
{
	config->run_dir = getenv("XENSTORED_RUNDIR");
	if (!config->run_dir || !*config->run_dir)
		config->run_dir = "/var/run/xenstored";
	config->socket_path = getenv("XENSTORED_PATH");
	if (config->socket_path && !*config->socket_path)
		config->socket_path = NULL;
	config->notify_socket = getenv("NOTIFY_SOCKET");
}

enum config_outcome config_read(struct config *config, int argc, char **argv)
{
	int option;

	*config = (struct config){ 0 };
	server_config_defaults(&config->server);
	/* Whoever is not named here is found out from the hypervisor. */
	config->server.store_domid = XSP_DOMID_INVALID;
	config->server.privileged_domid = XSP_DOMID_INVALID;
	read_environment(config);
	while ((option = getopt_long(argc, argv, "E:F:H::KNS:t:A:M:Q:q:T:W:w:UDPRI::V", options,
				     NULL)) != -1) {
		if (option == 'H') {
			fputs(usage_text, stderr);
			return CONFIG_DONE;
		}
		if (option == OPT_VERSION) {
			puts("xenstored " XS_VERSION);
			return CONFIG_DONE;
		}
		if (!read_option(config, option, optarg))
			return CONFIG_BAD;
	}
	if (optind < argc) {
		complain("No arguments desired", argv[optind]);
		return CONFIG_BAD;
	}
	return CONFIG_RUN;
}
