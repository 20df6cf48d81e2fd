/* SPDX-License-Identifier: MIT */
/*
 * Hand-written conversations: transcripts, read for what their socket clients send. What they
 * expect is of no interest here: the other server tells what to expect.
 */
#ifndef TESTS_DIFFER_SCRIPTED_H
#define TESTS_DIFFER_SCRIPTED_H

#include <stdbool.h>

#include "tests/differ/step.h"

struct conversation {
	struct diff_step *steps; /* owned */
	size_t n_steps;
	char why[256];
};

/* False: it needs what two sockets cannot give (guests, raw bytes, half-closed clients). */
bool scripted_read(struct conversation *conversation, const char *path);
void scripted_fini(struct conversation *conversation);

#endif
