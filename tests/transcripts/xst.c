/* SPDX-License-Identifier: MIT */
/*
 * xst: plays transcripts against a server and reports each.
 *
 *	xst --daemon PROGRAM FILE...          a fresh daemon for each transcript
 *	xst --socket PATH [--before COMMAND] [--name NAME] [--unlike] FILE...
 *	                                      a server that runs already; COMMAND makes it fresh
 *	xst --check FILE...                   reads only; every message type must occur
 *
 * A transcript says `unlike NAME` where that server is known to answer otherwise: it is left out
 * there. With --unlike only those are played, and each must break: a line that is no longer true
 * is a failure.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/wire.h"
#include "tests/support/play.h"
#include "tests/support/target_socket.h"

enum { EXIT_SKIPPED = 77 };

struct tally {
	unsigned n_held, n_broken, n_skipped;
};

enum mode { MODE_PLAY, MODE_UNLIKE, MODE_CHECK };

static void report(const char *verdict, const char *path, const char *why)
{
	const char *slash = strrchr(path, '/');

	printf("%-8s %s%s%s\n", verdict, slash ? slash + 1 : path, *why ? "\n         " : "", why);
	fflush(stdout);
}

static void play_file(const char *path, struct target *target, enum mode mode, struct tally *tally)
{
	struct script script;
	char why[PLAY_WHY_MAX] = "";
	bool is_unlike;

	if (!script_read(&script, path)) {
		report("BROKEN", path, script.why);
		tally->n_broken++;
		script_fini(&script);
		return;
	}
	is_unlike = script_is_unlike(&script, target->name);
	if (mode == MODE_PLAY && is_unlike) {
		report("unlike", path, "");
		tally->n_skipped++;
	} else if (mode == MODE_UNLIKE && !is_unlike) {
		tally->n_skipped++;
	} else {
		enum play_result result = play(&script, target, why);

		if (result == PLAY_SKIPPED) {
			report("skipped", path, why);
			tally->n_skipped++;
		} else if ((result == PLAY_HELD) == (mode == MODE_PLAY)) {
			report(mode == MODE_PLAY ? "held" : "differs", path, why);
			tally->n_held++;
		} else {
			report("BROKEN", path, *why ? why : "differs no longer");
			tally->n_broken++;
		}
	}
	script_fini(&script);
}

static void check_file(const char *path, bool seen[XSP_TYPE_COUNT], struct tally *tally)
{
	struct script script;

	if (script_read(&script, path)) {
		for (size_t i = 0; i < script.n_steps; i++) {
			const struct step *step = &script.steps[i];

			if (step->kind == STEP_REQUEST && step->type < XSP_TYPE_COUNT)
				seen[step->type] = true;
		}
		tally->n_held++;
	} else {
		report("BROKEN", path, script.why);
		tally->n_broken++;
	}
	script_fini(&script);
}

static void check_types(const bool seen[XSP_TYPE_COUNT], struct tally *tally)
{
	for (uint32_t type = 0; type < XSP_TYPE_COUNT; type++) {
		const char *name = xsp_type_name(type);

		if (seen[type] || !name)
			continue;
		report("BROKEN", name, "no transcript sends this type");
		tally->n_broken++;
	}
}

static int usage(void)
{
	fputs("usage: xst --daemon PROGRAM FILE...\n"
	      "       xst --socket PATH [--before COMMAND] [--name NAME] [--unlike] FILE...\n"
	      "       xst --check FILE...\n",
	      stderr);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "daemon", required_argument, NULL, 'd' },
		{ "socket", required_argument, NULL, 's' },
		{ "before", required_argument, NULL, 'b' },
		{ "name", required_argument, NULL, 'n' },
		{ "unlike", no_argument, NULL, 'u' },
		{ "check", no_argument, NULL, 'c' },
		{ NULL, 0, NULL, 0 },
	};
	const char *program = NULL, *path = NULL, *before = NULL, *name = "xenstored";
	bool seen[XSP_TYPE_COUNT] = { false };
	enum mode mode = MODE_PLAY;
	struct target_socket socket;
	struct tally tally = { 0 };
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'd':
			program = optarg;
			break;
		case 's':
			path = optarg;
			break;
		case 'b':
			before = optarg;
			break;
		case 'n':
			name = optarg;
			break;
		case 'u':
			mode = MODE_UNLIKE;
			break;
		case 'c':
			mode = MODE_CHECK;
			break;
		default:
			return usage();
		}
	}
	if (optind == argc || (mode == MODE_CHECK) == (program || path))
		return usage();
	if (program)
		target_daemon_init(&socket, name, program);
	else
		target_socket_init(&socket, name, path ? path : "", before);
	for (int i = optind; i < argc; i++) {
		if (mode == MODE_CHECK)
			check_file(argv[i], seen, &tally);
		else
			play_file(argv[i], &socket.target, mode, &tally);
	}
	if (mode == MODE_CHECK)
		check_types(seen, &tally);
	printf("%u %s, %u broken, %u left out\n", tally.n_held,
	       mode == MODE_CHECK ? "read" : "as expected", tally.n_broken, tally.n_skipped);
	if (tally.n_broken)
		return EXIT_FAILURE;
	return tally.n_held ? EXIT_SUCCESS : EXIT_SKIPPED;
}
