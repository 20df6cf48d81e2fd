/* SPDX-License-Identifier: MIT */
#include "tools/cmd.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/*
 * The letter that stands for an option in struct command. Options without a short form have
 * capitals, which the short options do not accept.
 */
enum {
	OPT_HELP = 'H',
	OPT_VERSION = 'E',
	OPT_JSON = 'J',
	OPT_FULL = 'F',
	OPT_WIDTH = 'W',
	OPT_OWNER = 'O',
	OPT_VALUE = 'V',
	OPT_TIME = 'T',
	OPT_REPLACE = 'X',
	OPT_NO_PERMS = 'N',
};

static const char short_options[] = "hfspturn:Rd:";
static const char new_long_options[] = { OPT_JSON, OPT_FULL,    OPT_WIDTH,    OPT_OWNER, OPT_VALUE,
					 OPT_TIME, OPT_REPLACE, OPT_NO_PERMS, '\0' };

/*
 * The last three keep abbreviations working that had one meaning only before there was --full
 * and --time.
 */
static const struct option long_options[] = {
	{ "help", no_argument, NULL, OPT_HELP },
	{ "flat", no_argument, NULL, 'f' },
	{ "prefix", no_argument, NULL, 'p' },
	{ "tidy", no_argument, NULL, 't' },
	{ "upto", no_argument, NULL, 'u' },
	{ "recurse", no_argument, NULL, 'r' },
	{ "number", required_argument, NULL, 'n' },
	{ "raw", no_argument, NULL, 'R' },
	{ "depth", required_argument, NULL, 'd' },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "full", no_argument, NULL, OPT_FULL },
	{ "width", required_argument, NULL, OPT_WIDTH },
	{ "owner", required_argument, NULL, OPT_OWNER },
	{ "value", no_argument, NULL, OPT_VALUE },
	{ "time", no_argument, NULL, OPT_TIME },
	{ "drop-others", no_argument, NULL, OPT_REPLACE },
	{ "values-only", no_argument, NULL, OPT_NO_PERMS },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "f", no_argument, NULL, 'f' },
	{ "t", no_argument, NULL, 't' },
	{ "ti", no_argument, NULL, 't' },
	{ NULL, 0, NULL, 0 },
};

/* In bytes; a relative path counts with the home in front of it, of which this is the shortest. */
enum { PATH_LEN_MAX = 3072, HOME_LEN_MIN = sizeof("/local/domain/0/") - 1 };

static const char *path_defect(const char *path)
{
	size_t len = strlen(path);

	if (len == 0)
		return "the path is empty";
	if (strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-/_@") <
	    len)
		return "a path has letters, digits and -/_@ only";
	if (strstr(path, "//"))
		return "the path has an empty part";
	if (len > 1 && path[len - 1] == '/')
		return "the path ends in a slash";
	if (path[0] == '@')
		return "special names can be watched only";
	if (len + (path[0] == '/' ? 0 : HOME_LEN_MIN) > PATH_LEN_MAX)
		return "the path is longer than 3072 bytes";
	return NULL;
}

const char *cmd_reason(int err, const char *path)
{
	const char *defect;

	switch (err) {
	case E2BIG:
		return "longer than a message to the server can be";
	case ENOSPC:
		return "no space left, or a quota of the server is used up";
	case EINVAL:
		defect = path ? path_defect(path) : NULL;
		return defect ? defect : strerror(err);
	case EBADF:
	case EPIPE:
	case ECONNRESET:
		return "the connection to the server is lost";
	default:
		return strerror(err);
	}
}

void cmd_warn_torn(int torn)
{
	if (torn == E2BIG)
		warnx("not a picture of one moment: too large for this server's transactions");
	else if (torn == EAGAIN)
		warnx("not a picture of one moment: the store kept changing");
	else if (torn)
		warnx("not a picture of one moment: %s", cmd_reason(torn, NULL));
}

const char *cmd_open_reason(int err)
{
	return err == ENOTSOCK ? "neither a socket nor a device" : strerror(err);
}

void cmd_no_server(const struct job *job, int err)
{
	const char *path = xs_daemon_socket();

	errx(job->command->trouble, "xs_open: %s (socket %s)", cmd_open_reason(err),
	     path ? path : "?");
}

static int usage(const struct command *command, const char *typed)
{
	warnx("Usage: %s %s", typed, command->usage);
	return command->trouble;
}

/* A number in full; the program ends if `text` is anything else. */
static int parse_number(const struct command *command, const char *option, const char *text)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (end == text || *end || errno || n < 0 || n > INT_MAX)
		errx(command->trouble, "--%s needs a number, not '%s'", option, text);
	return (int)n;
}

/*
 * As ever: garbage counts as nothing, -1 as no limit, other negative numbers as none at all. That
 * something is garbage is at least told.
 */
static int parse_n_events(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (end == text || *end)
		warnx("'%s' is not a number: -n counts it as %ld", text, n);
	if (n == -1)
		return NO_LIMIT;
	if (n > INT_MAX)
		return INT_MAX;
	return n < 0 ? 0 : (int)n;
}

static bool *find_switch(struct options *opt, int letter)
{
	switch (letter) {
	case 'f':
		return &opt->is_flat;
	case 'p':
		return &opt->with_prefix;
	case 't':
		return &opt->is_tidy;
	case 'u':
		return &opt->is_upto;
	case 'r':
		return &opt->is_recursive;
	case 'R':
		return &opt->is_raw;
	case OPT_JSON:
		return &opt->is_json;
	case OPT_FULL:
		return &opt->is_full;
	case OPT_VALUE:
		return &opt->with_value;
	case OPT_TIME:
		return &opt->with_time;
	case OPT_REPLACE:
		return &opt->is_replacing;
	default:
		return &opt->without_perms;
	}
}

static void set_option(struct job *job, int letter)
{
	struct options *opt = &job->opt;

	switch (letter) {
	case 'n':
		opt->n_events = parse_n_events(optarg);
		break;
	case 'd':
		opt->depth = parse_number(job->command, "depth", optarg);
		break;
	case OPT_OWNER:
		opt->owner = parse_number(job->command, "owner", optarg);
		break;
	case OPT_WIDTH:
		opt->width = parse_number(job->command, "width", optarg);
		break;
	default:
		*find_switch(opt, letter) = true;
	}
}

/*
 * An option that nobody knows is passed over, as ever. But one that is ours, and is left without its
 * argument or given one that it does not take, is not known from older programs.
 */
static bool is_misused_option(const struct command *command, char **argv)
{
	bool is_long = strncmp(argv[optind - 1], "--", 2) == 0;

	if (!optopt || !strchr(command->options, optopt))
		return false;
	return optopt == 'd' || (is_long && strchr(new_long_options, optopt));
}

/* Exit status if the command line alone decides it, -1 if the command is to run. */
static int parse_options(struct job *job, int argc, char **argv, const char *typed)
{
	const struct command *command = job->command;
	int c;

	while ((c = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
		switch (c) {
		case 'h':
			usage(command, typed);
			return 0;
		case OPT_HELP:
			printf("Usage: %s %s\n%s", typed, command->usage, command->help);
			return fflush(stdout) == 0 ? 0 : command->trouble;
		case OPT_VERSION:
			printf("xenstore-%s %s\n", command->name, XS_VERSION);
			return fflush(stdout) == 0 ? 0 : command->trouble;
		case 's':
			break;
		case '?':
			if (is_misused_option(command, argv))
				return usage(command, typed);
			break;
		default:
			if (!strchr(command->options, c))
				return usage(command, typed);
			set_option(job, c);
		}
	}
	job->operands = argv + optind;
	job->n_operands = argc - optind;
	if (job->n_operands < command->min_operands)
		return usage(command, typed);
	if (command->max_operands && job->n_operands > command->max_operands)
		return usage(command, typed);
	if (command->txn == TXN_OVER_TWO && job->n_operands % 2 != 0)
		return usage(command, typed);
	return -1;
}

static bool needs_transaction(const struct job *job)
{
	switch (job->command->txn) {
	case TXN_OVER_ONE:
		return job->n_operands > 1;
	case TXN_OVER_TWO:
		return job->n_operands > 2;
	case TXN_ALWAYS:
		return true;
	default:
		return false;
	}
}

static int run_once(struct job *job, char **out_text, size_t *out_len)
{
	int status;

	job->txn = xs_transaction_start(job->xsh);
	if (!job->txn)
		errx(1, "couldn't start transaction: %s", cmd_reason(errno, NULL));
	job->out = open_memstream(out_text, out_len);
	if (!job->out)
		err(1, "open_memstream");
	status = job->command->run(job);
	if (fclose(job->out) != 0)
		err(1, "open_memstream");
	return status;
}

/* Repeats the whole command until its transaction meets no conflict. */
static int run_in_transaction(struct job *job)
{
	bool is_done = false;
	int status = 0;

	while (!is_done) {
		char *text = NULL;
		size_t len = 0;

		status = run_once(job, &text, &len);
		if (status) {
			xs_transaction_end(job->xsh, job->txn, true);
			is_done = true;
		} else if (xs_transaction_end(job->xsh, job->txn, false)) {
			is_done = true;
		} else if (errno != EAGAIN) {
			errx(1, "couldn't end transaction: %s", cmd_reason(errno, NULL));
		}
		if (is_done)
			fwrite(text, 1, len, stdout);
		free(text);
	}
	return status;
}

int cmd_main(const struct command *command, int argc, char **argv, const char *typed)
{
	struct job job = {
		.command = command,
		.opt = { .n_events = NO_LIMIT,
			 .depth = NOT_GIVEN,
			 .owner = NOT_GIVEN,
			 .width = NOT_GIVEN },
		.out = stdout,
	};
	int status = parse_options(&job, argc, argv, typed);

	if (status >= 0)
		return status;
	if (command->txn != TXN_OWN_LINK) {
		job.xsh = xs_open(0);
		if (!job.xsh)
			cmd_no_server(&job, errno);
	}
	status = needs_transaction(&job) ? run_in_transaction(&job) : command->run(&job);
	xs_close(job.xsh);
	if (ferror(stdout) || fflush(stdout) != 0) {
		warn("cannot write the output");
		return command->trouble;
	}
	return status;
}
