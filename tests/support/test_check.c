/* SPDX-License-Identifier: MIT */
/*
 * The net itself: cases that must be reported as failures, each run alone by its name and
 * expected to fail, and one that must pass.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/check.h"

TEST(passes_when_every_check_holds)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_INT(-1, -1);
	CHECK_UINT(7, 7);
	CHECK_STR("a", "a");
	CHECK_BYTES("a\0b", 3, "a\0b", 3);
	close(fd);
}

TEST(must_fail_on_a_leaked_descriptor)
{
	CHECK(open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0);
}

TEST(must_fail_on_different_numbers)
{
	CHECK_INT(-1, 1);
}

TEST(must_fail_on_different_strings)
{
	CHECK_STR("a", NULL);
}

TEST(must_fail_on_different_bytes)
{
	CHECK_BYTES("a\0b", 3, "a\0c", 3);
}

TEST(must_fail_on_a_crash)
{
	abort();
}

TEST(must_fail_on_an_early_exit)
{
	_exit(3);
}
