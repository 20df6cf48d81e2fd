/* SPDX-License-Identifier: MIT */
/*
 * What two servers made of the same step: the differences, with all that is known about each.
 */
#ifndef TESTS_DIFFER_COMPARE_H
#define TESTS_DIFFER_COMPARE_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/differ/deviations.h"
#include "tests/differ/side.h"
#include "tests/differ/step.h"

struct book_slot {
	bool is_live, has_written;
	unsigned began; /* at how many changes of the store */
};

/* What has happened in the conversation so far. */
struct book {
	unsigned n_changes;
	unsigned
		n_merges; /* transactions that have written, and committed after changes by others */
	struct book_slot slots[N_CLIENTS][N_SLOTS];
};

/* Called for each difference; `text` shows both sides. False: no more of this step. */
typedef bool (*compare_fn)(void *arg, const struct difference *difference, const char *text);

/* Compares the streams that side_step() left, then takes note of what the step changed. */
void compare_step(struct book *book, struct side sides[2], const struct diff_step *step,
		  compare_fn report, void *arg);

#endif
