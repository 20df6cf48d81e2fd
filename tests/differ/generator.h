/* SPDX-License-Identifier: MIT */
/*
 * Random conversations: small trees, so that clients meet; transactions that overlap; watches;
 * all message types; payloads that are wrong in every way. The same seed gives the same steps.
 */
#ifndef TESTS_DIFFER_GENERATOR_H
#define TESTS_DIFFER_GENERATOR_H

#include <stdint.h>

#include "tests/differ/compare.h"
#include "tests/differ/step.h"

struct generator {
	uint64_t state;
};

void generator_init(struct generator *generator, uint64_t seed, uint64_t conversation);

/* The next step. It looks into the book to know which transactions are open. */
void generator_step(struct generator *generator, const struct book *book, struct diff_step *step);

#endif
