/* SPDX-License-Identifier: MIT */
/*
 * play_rings [--shift N] PROGRAM PRELOAD FILE...: plays transcripts against the daemon on a fake
 * host, a fresh one for each. The rings of each file's guests begin elsewhere, or at N.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/wire.h"
#include "tests/rings/target_rings.h"
#include "tests/support/play.h"

enum { FIRST_SHIFT = XSP_HEADER_SIZE + 1, EXIT_SKIPPED = 77 };

struct tally {
	int n_held, n_broken, n_skipped;
};

static void play_file(const char *path, struct target_rings *rings, struct tally *tally)
{
	char why[PLAY_WHY_MAX] = "";
	const char *slash = strrchr(path, '/');
	enum play_result result = PLAY_BROKEN;
	struct script script;

	/* Where the page itself is looked at, its indices are as they are told to be. */
	if (!script_read(&script, path))
		snprintf(why, sizeof(why), "%s", script.why);
	else if (script.needs & TARGET_CAN_RING)
		rings->shift = 0;
	if (!*why)
		result = play(&script, &rings->target, why);
	script_fini(&script);
	if (result == PLAY_HELD) {
		tally->n_held++;
		return;
	}
	printf("%s %s, rings at %u\n         %s\n",
	       result == PLAY_SKIPPED ? "skipped " : "BROKEN  ", slash ? slash + 1 : path,
	       rings->shift, why);
	if (result == PLAY_SKIPPED)
		tally->n_skipped++;
	else
		tally->n_broken++;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "shift", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	static struct target_rings rings;
	struct tally tally = { 0 };
	unsigned shift = 0;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 's')
			shift = (unsigned)strtoul(optarg, NULL, 10);
		else
			return EXIT_FAILURE;
	}
	if (argc - optind < 3 || shift > XSP_RING_SIZE || (shift && shift < FIRST_SHIFT))
		return EXIT_FAILURE;
	setvbuf(stdout, NULL, _IOLBF, 0);
	target_rings_init(&rings, argv[optind], argv[optind + 1]);
	for (int i = optind + 2; i < argc; i++) {
		/* 37 has no divisor in common with 1008, the number of positions. */
		rings.shift = shift ? shift : FIRST_SHIFT + (unsigned)i * 37 % 1008;
		play_file(argv[i], &rings, &tally);
	}
	printf("%d held, %d broken, %d left out\n", tally.n_held, tally.n_broken, tally.n_skipped);
	if (tally.n_broken)
		return EXIT_FAILURE;
	return tally.n_held ? EXIT_SUCCESS : EXIT_SKIPPED;
}
