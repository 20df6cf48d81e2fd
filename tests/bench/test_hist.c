/* SPDX-License-Identifier: MIT */
#include "tests/bench/hist.h"

#include "tests/support/check.h"

/* Too large for the stack of a case. */
static struct hist hist;

TEST(knows_no_percentile_of_nothing)
{
	CHECK_UINT(hist_percentile(&hist, 50), 0);
	CHECK_UINT(hist_percentile(&hist, 100), 0);
}

TEST(keeps_small_values_exactly)
{
	for (uint64_t value = 1; value <= 10; value++)
		hist_add(&hist, value);
	CHECK_UINT(hist.n, 10);
	CHECK_UINT(hist_percentile(&hist, 10), 1);
	CHECK_UINT(hist_percentile(&hist, 50), 5);
	CHECK_UINT(hist_percentile(&hist, 90), 9);
	CHECK_UINT(hist_percentile(&hist, 100), 10);
}

TEST(is_never_below_a_value_and_never_more_than_a_64th_above)
{
	static const uint64_t values[] = { 0,    63,     64,        65,         127,  128,
					   1000, 123456, 987654321, 1ull << 40, ~0ull };

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		uint64_t value = values[i], found;

		hist = (struct hist){ 0 };
		hist_add(&hist, value);
		/* A larger one behind it, so that the maximum does not decide. */
		hist_add(&hist, ~0ull);
		found = hist_percentile(&hist, 50);
		CHECK(found >= value);
		CHECK(found - value <= value / HIST_STEPS);
	}
}

TEST(never_tells_more_than_the_largest_value)
{
	hist_add(&hist, 1000001);
	CHECK_UINT(hist_percentile(&hist, 99), 1000001);
	CHECK_UINT(hist.max, 1000001);
}

TEST(counts_what_is_rare_in_the_last_percent_only)
{
	for (int i = 0; i < 990; i++)
		hist_add(&hist, 10);
	for (int i = 0; i < 10; i++)
		hist_add(&hist, 5000);
	CHECK_UINT(hist_percentile(&hist, 99), 10);
	CHECK(hist_percentile(&hist, 99.5) >= 5000);
}
