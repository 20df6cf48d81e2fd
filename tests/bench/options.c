/* SPDX-License-Identifier: MIT */
#include "tests/bench/options.h"

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <string.h>

#include "protocol/payload.h"

static void usage(FILE *out)
{
	const struct workload *workload;

	fputs("Usage: xs-bench [options] WORKLOAD[,value=N][,depth=N][,watchers=N][,spread=N]"
	      "[,subtree=N][,guests=N] ...\n"
	      "       xs-bench --make-host DIR\n\n"
	      "  --vs NAME=SOCKET[,nodes=N][,connections=N][,watches=N][,pid=N][,store=DIR]"
	      "[,filled=1]\n"
	      "                   [,host=DIR[,guests=N][,machines=N]]\n"
	      "                   a server, and what is set up on it before; several are measured\n"
	      "                   in turns, and compared with the first\n"
	      "  --make-host DIR  make a fake Xen host in an empty directory, and do nothing else\n"
	      "  --value N        bytes of a value (32)\n"
	      "  --rounds N       blocks per workload and server (20)\n"
	      "  --block-ms N     length of a block (50)\n"
	      "  --requests N     a block has at most so many steps (1000000)\n"
	      "  --limit N        give up after N seconds (900)\n"
	      "  --pin A,B        all servers run on processor A, this program on B\n"
	      "  --table          print a table instead of lines of JSON\n"
	      "  --json FILE      add the lines of JSON to a file\n\n"
	      "Workloads:\n",
	      out);
	for (size_t i = 0; (workload = workload_at(i)); i++)
		fprintf(out, "  %-16s %s\n", workload->name, workload->summary);
}

static bool add_run(struct options *options, const char *text)
{
	struct params *params = &options->runs[options->n_runs].params;

	if (options->n_runs == RUNS_MAX)
		return false;
	*params = (struct params){
		.value = options->value,
		.depth = 64,
		.watchers = 100,
		.subtree = 65536,
		.guests = 1,
	};
	if (!workload_parse(text, &options->runs[options->n_runs].workload, params))
		return false;
	options->n_runs++;
	return true;
}

static bool add_target(struct options *options, const char *text)
{
	return options->n_targets < TARGETS_MAX &&
	       target_parse(&options->targets[options->n_targets++], text);
}

static bool set_json(struct options *options, const char *path)
{
	options->json = fopen(path, "ae");
	return options->json;
}

static bool set_pin(struct options *options, const char *text)
{
	const char *comma = strchr(text, ',');
	char first[16];

	if (!comma || (size_t)(comma - text) >= sizeof(first))
		return false;
	memcpy(first, text, (size_t)(comma - text));
	first[comma - text] = '\0';
	options->is_pinned = true;
	return xsp_parse_u32(first, CPU_SETSIZE - 1, &options->server_cpu) &&
	       xsp_parse_u32(comma + 1, CPU_SETSIZE - 1, &options->client_cpu);
}

static bool take(struct options *options, int option, const char *text)
{
	switch (option) {
	case 's':
		return add_target(options, text);
	case 'm':
		options->host_dir = text;
		return true;
	case 'v':
		return xsp_parse_u32(text, XSP_PAYLOAD_MAX - NODE_PATH_MAX, &options->value);
	case 'r':
		return xsp_parse_u32(text, 10000, &options->rounds) && options->rounds > 0;
	case 'b':
		return xsp_parse_u32(text, 3600000, &options->block_ms) && options->block_ms > 0;
	case 'n':
		return xsp_parse_u32(text, INT32_MAX, &options->requests) && options->requests > 0;
	case 'l':
		return xsp_parse_u32(text, 86400, &options->limit_s) && options->limit_s > 0;
	case 'p':
		return set_pin(options, text);
	case 't':
		options->wants_table = true;
		return true;
	case 'j':
		return set_json(options, text);
	default:
		return false;
	}
}

bool options_read(struct options *options, int argc, char **argv)
{
	static const struct option known[] = {
		{ "make-host", required_argument, NULL, 'm' },
		{ "vs", required_argument, NULL, 's' },
		{ "value", required_argument, NULL, 'v' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "block-ms", required_argument, NULL, 'b' },
		{ "requests", required_argument, NULL, 'n' },
		{ "limit", required_argument, NULL, 'l' },
		{ "pin", required_argument, NULL, 'p' },
		{ "table", no_argument, NULL, 't' },
		{ "json", required_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	*options = (struct options){
		.value = 32, .rounds = 20, .block_ms = 50, .requests = 1000000, .limit_s = 900
	};
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (!take(options, option, optarg)) {
			fprintf(stderr, "xs-bench: not understood: %s\n", optarg ? optarg : "");
			usage(stderr);
			return false;
		}
	}
	for (; optind < argc; optind++) {
		if (!add_run(options, argv[optind])) {
			fprintf(stderr, "xs-bench: no such workload: %s\n", argv[optind]);
			usage(stderr);
			return false;
		}
	}
	if (options->n_targets == 0 && !options->host_dir) {
		usage(stderr);
		return false;
	}
	return true;
}
