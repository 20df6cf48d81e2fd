/* SPDX-License-Identifier: MIT */
/*
 * What clients say: requests made up at random, of what there is and of what there is not.
 */
#ifndef TESTS_MODEL_SPEECH_H
#define TESTS_MODEL_SPEECH_H

#include "tests/model/world.h"

/* A payload being put together. */
struct words {
	char *bytes;
	size_t len;
};

void words_add(struct words *words, const char *word);

/* Whether a request may be part of a step with several, or of a client that does not read. */
bool speech_is_simple(uint32_t type);

void speech_send(struct world *world, struct pair *pair, uint32_t type, uint32_t tx,
		 const struct words *words);

/* A random request of a client; `is_one` if it is the only one of the step. */
void speech_send_random(struct world *world, struct pair *pair, bool is_one);

#endif
