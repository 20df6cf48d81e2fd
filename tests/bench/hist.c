/* SPDX-License-Identifier: MIT */
#include "tests/bench/hist.h"

/* Below HIST_STEPS every value has a bucket; above, its leading bits have one. */
static size_t bucket_of(uint64_t value)
{
	unsigned shift;

	if (value < HIST_STEPS)
		return (size_t)value;
	shift = 63u - (unsigned)__builtin_clzll(value) - HIST_STEPS_LOG2;
	return (size_t)(shift + 1) * HIST_STEPS + (size_t)((value >> shift) - HIST_STEPS);
}

static uint64_t highest_in(size_t bucket)
{
	size_t shift, lead;

	if (bucket < HIST_STEPS)
		return bucket;
	shift = bucket / HIST_STEPS - 1;
	lead = bucket % HIST_STEPS + HIST_STEPS;
	return ((uint64_t)lead << shift) + (((uint64_t)1 << shift) - 1);
}

void hist_add(struct hist *hist, uint64_t value)
{
	hist->counts[bucket_of(value)]++;
	hist->n++;
	if (value > hist->max)
		hist->max = value;
}

uint64_t hist_percentile(const struct hist *hist, double percent)
{
	double wanted = (double)hist->n * percent / 100;
	uint64_t seen = 0, value;

	for (size_t i = 0; i < HIST_BUCKETS; i++) {
		seen += hist->counts[i];
		if (seen > 0 && (double)seen >= wanted) {
			value = highest_in(i);
			return value < hist->max ? value : hist->max;
		}
	}
	return 0;
}
