/* SPDX-License-Identifier: MIT */
#include "tests/support/check.h"

#include <check.h>
#include <dirent.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/text.h"

enum { N_CASES_MAX = 1024, EXIT_SKIPPED = 77 };

/* Check hands a case only its number, so the cases are found again by number. */
static const struct check_case *cases[N_CASES_MAX];
static TTest descriptions[N_CASES_MAX];
static struct check_case *first;
static const char *skip_reason;

/* Constructors run in the order of the file, and the list keeps that order. */
void check_add(struct check_case *test)
{
	struct check_case **at = &first;

	while (*at)
		at = &(*at)->next;
	*at = test;
}

void check_skip_all(const char *reason)
{
	skip_reason = reason;
}

unsigned check_count_descriptors(void)
{
	unsigned n = 0;
	DIR *dir = opendir("/proc/self/fd");

	if (!dir)
		return 0;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void run_case(int number)
{
	const struct check_case *test = cases[number];
	unsigned before = check_count_descriptors(), after;

	test->run();
	after = check_count_descriptors();
	if (after != before)
		check_fail(test->file, test->line, "%s: %u descriptors open before, %u after",
			   test->name, before, after);
}

_Noreturn void check_fail(const char *file, int line, const char *format, ...)
{
	char text[8192];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	_ck_assert_failed(file, line, "Failed", "%s", text);
	abort();
}

void check_true(const char *file, int line, const char *what, bool holds)
{
	_mark_point(file, line);
	if (!holds)
		check_fail(file, line, "not true: %s", what);
}

void check_int(const char *file, int line, const char *what, intmax_t actual, intmax_t expected)
{
	_mark_point(file, line);
	if (actual != expected)
		check_fail(file, line, "%s is %jd, expected %jd", what, actual, expected);
}

void check_uint(const char *file, int line, const char *what, uintmax_t actual, uintmax_t expected)
{
	_mark_point(file, line);
	if (actual != expected)
		check_fail(file, line, "%s is %ju (0x%jx), expected %ju (0x%jx)", what, actual,
			   actual, expected, expected);
}

void check_str(const char *file, int line, const char *what, const char *actual,
	       const char *expected)
{
	_mark_point(file, line);
	if (!actual && !expected)
		return;
	if (!actual || !expected || strcmp(actual, expected) != 0)
		check_fail(file, line, "%s is \"%s\", expected \"%s\"", what,
			   actual ? actual : "(null)", expected ? expected : "(null)");
}

void check_bytes(const char *file, int line, const char *what, const void *actual, size_t len,
		 const void *expected, size_t expected_len)
{
	char is[1024], want[1024];

	_mark_point(file, line);
	if (len == expected_len && (len == 0 || memcmp(actual, expected, len) == 0))
		return;
	text_show(is, sizeof(is), actual, len);
	text_show(want, sizeof(want), expected, expected_len);
	check_fail(file, line, "%s is %s (%zu bytes), expected %s (%zu bytes)", what, is, len, want,
		   expected_len);
}

int main(int argc, char **argv)
{
	const struct check_case *test;
	Suite *suite;
	SRunner *runner;
	TCase *group;
	int n = 0, n_failed;

	if (skip_reason) {
		printf("SKIPPED: %s\n", skip_reason);
		return EXIT_SKIPPED;
	}
	suite = suite_create(basename(argv[0]));
	group = tcase_create("cases");
	tcase_set_timeout(group, CHECK_SECONDS);
	for (test = first; test; test = test->next) {
		if (argc > 1 && strcmp(argv[1], test->name) != 0)
			continue;
		if (n == N_CASES_MAX) {
			fprintf(stderr, "more than %d cases\n", N_CASES_MAX);
			return EXIT_FAILURE;
		}
		cases[n] = test;
		descriptions[n] = (TTest){ test->name, run_case, test->file, test->line };
		_tcase_add_test(group, &descriptions[n], 0, 0, n, n + 1);
		n++;
	}
	if (n == 0) {
		fprintf(stderr, "no such case\n");
		return EXIT_FAILURE;
	}
	suite_add_tcase(suite, group);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
