/* SPDX-License-Identifier: MIT */
/*
 * play_core FILE...: plays transcripts against the core inside this process. The audit runs after
 * each. Nothing is left out: this target can do all that a transcript can ask for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/core/target_core.h"
#include "tests/support/play.h"

/* Plays one file; false if it did not hold, or could not be played. */
static bool play_file(const char *path)
{
	static struct target_core core;
	char why[PLAY_WHY_MAX] = "";
	const char *slash = strrchr(path, '/');
	enum play_result result = PLAY_BROKEN;
	struct script script;

	target_core_init(&core);
	if (script_read(&script, path))
		result = play(&script, &core.target, why);
	else
		snprintf(why, sizeof(why), "%s", script.why);
	script_fini(&script);
	if (result != PLAY_HELD)
		printf("BROKEN   %s\n         %s\n", slash ? slash + 1 : path, why);
	return result == PLAY_HELD;
}

int main(int argc, char **argv)
{
	int n_broken = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 1; i < argc; i++)
		n_broken += !play_file(argv[i]);
	printf("%d played, %d broken\n", argc - 1, n_broken);
	return n_broken || argc == 1 ? EXIT_FAILURE : EXIT_SUCCESS;
}
