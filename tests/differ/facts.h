/* SPDX-License-Identifier: MIT */
/* What can be said of a request, and of two replies to it, by looking at their bytes. */
#ifndef TESTS_DIFFER_FACTS_H
#define TESTS_DIFFER_FACTS_H

#include <stdint.h>

#include "tests/differ/side.h"
#include "tests/differ/step.h"

uint32_t facts_of_request(const struct request *request);
uint32_t facts_of_replies(const struct kept *a, const struct kept *b);

#endif
