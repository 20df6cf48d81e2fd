/* SPDX-License-Identifier: MIT */
/*
 * What a fuzzer is sure of: it ends with a message where it is wrong.
 */
#ifndef FUZZ_INSIST_H
#define FUZZ_INSIST_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INSIST(condition)                                                                          \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#endif
