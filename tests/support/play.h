/* SPDX-License-Identifier: MIT */
/*
 * Plays a script against a target and compares, for every client, each byte that it receives.
 */
#ifndef TESTS_SUPPORT_PLAY_H
#define TESTS_SUPPORT_PLAY_H

#include "tests/support/script.h"
#include "tests/support/target.h"

enum play_result {
	PLAY_HELD,    /* everything was as the script says */
	PLAY_BROKEN,  /* `why` says what was not, with file and line */
	PLAY_SKIPPED, /* the target cannot do what the script needs; `why` says what */
};

enum { PLAY_WHY_MAX = 4096 };

enum play_result play(const struct script *script, struct target *target, char why[PLAY_WHY_MAX]);

#endif
