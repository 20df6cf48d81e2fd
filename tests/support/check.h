/* SPDX-License-Identifier: MIT */
/*
 * Check, made shorter: a case is one TEST(name), a program is a file of cases and nothing else.
 *
 * Every case runs in a process of its own, may run for CHECK_SECONDS at most, and fails if it
 * leaves a descriptor behind. The checks print both values. main() is in check.c.
 */
#ifndef TESTS_SUPPORT_CHECK_H
#define TESTS_SUPPORT_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CHECK_SECONDS = 60 };

struct check_case {
	const char *name;
	void (*run)(void);
	const char *file;
	int line;
	struct check_case *next; /* borrowed: cases are static */
};

/* Defines one case. Its name is the rule it protects, as a sentence without its subject. */
#define TEST(title)                                                                                \
	static void title(void);                                                                   \
	static struct check_case title##_case = { #title, title, __FILE__, __LINE__, NULL };       \
	__attribute__((constructor)) static void title##_add(void)                                 \
	{                                                                                          \
		check_add(&title##_case);                                                          \
	}                                                                                          \
	static void title(void)

/* Instead of cases: the program says why it has none and ends with the status for "skipped". */
#define SKIP_ALL(reason)                                                                           \
	__attribute__((constructor)) static void skip_all(void)                                    \
	{                                                                                          \
		check_skip_all(reason);                                                            \
	}                                                                                          \
	_Static_assert(sizeof(reason) > 1, "a skipped test says why")

#define CHECK(condition) check_true(__FILE__, __LINE__, #condition, (condition))
#define CHECK_INT(actual, expected)                                                                \
	check_int(__FILE__, __LINE__, #actual, (intmax_t)(actual), (intmax_t)(expected))
#define CHECK_UINT(actual, expected)                                                               \
	check_uint(__FILE__, __LINE__, #actual, (uintmax_t)(actual), (uintmax_t)(expected))
#define CHECK_STR(actual, expected) check_str(__FILE__, __LINE__, #actual, (actual), (expected))
#define CHECK_BYTES(actual, len, expected, expected_len)                                           \
	check_bytes(__FILE__, __LINE__, #actual, (actual), (len), (expected), (expected_len))
#define CHECK_FAIL(...) check_fail(__FILE__, __LINE__, __VA_ARGS__)

void check_add(struct check_case *test);
void check_skip_all(const char *reason);

/* What the macros call. Each ends the case when it does not hold. */
void check_true(const char *file, int line, const char *what, bool holds);
void check_int(const char *file, int line, const char *what, intmax_t actual, intmax_t expected);
void check_uint(const char *file, int line, const char *what, uintmax_t actual, uintmax_t expected);
void check_str(const char *file, int line, const char *what, const char *actual,
	       const char *expected);
void check_bytes(const char *file, int line, const char *what, const void *actual, size_t len,
		 const void *expected, size_t expected_len);
_Noreturn void check_fail(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* How many descriptors this process has open. */
unsigned check_count_descriptors(void);

#endif
