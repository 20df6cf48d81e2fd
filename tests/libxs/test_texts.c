/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "libxs/include/xenstore.h"
#include "libxs/include/xenstore_async.h"
#include "tests/support/check.h"

TEST(a_path_is_below_what_it_begins_with_up_to_a_slash)
{
	CHECK(xs_path_is_subpath("/a", "/a"));
	CHECK(xs_path_is_subpath("/a", "/a/b"));
	CHECK(!xs_path_is_subpath("/a", "/ab"));
	CHECK(!xs_path_is_subpath("/a/b", "/a"));
	CHECK(xs_path_is_subpath("", "/a"));
	CHECK(xs_path_is_subpath("/", "/"));
	/* Not what one would wish, but what programs were built with. */
	CHECK(!xs_path_is_subpath("/", "/a"));
	CHECK(!xs_path_is_subpath("/a/", "/a/b"));
}

TEST(permission_texts_are_read_strictly)
{
	struct xs_permissions perms[3];
	static const char *const bad[] = {
		"",     "r",   "x0", "r1x", "r 1", "rr1",         "0",
		"r--1", "r+1", "r-", "r0x", "r08", "r4294967296", "r-2147483649",
	};

	CHECK(xs_strings_to_perms(perms, 3, "n0\0b0x10\0w010"));
	CHECK_UINT(perms[0].id, 0);
	CHECK_UINT(perms[0].perms, XS_PERM_NONE);
	CHECK_UINT(perms[1].id, 16);
	CHECK_UINT(perms[1].perms, XS_PERM_READ | XS_PERM_WRITE);
	CHECK_UINT(perms[2].id, 8);
	CHECK_UINT(perms[2].perms, XS_PERM_WRITE);
	CHECK(xs_strings_to_perms(perms, 0, ""));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		errno = 0;
		CHECK(!xs_strings_to_perms(perms, 1, bad[i]));
		CHECK_INT(errno, EINVAL);
	}
}

/* Servers keep the number of any domain as 32 bits and print them with a sign. */
static const struct {
	const char *text;
	struct xs_permissions perm;
} odd_perms[] = {
	{ "n-1", { UINT32_MAX, XS_PERM_NONE } },
	{ "r65536", { 65536, XS_PERM_READ } },
	{ "w-2147483648", { 1u << 31, XS_PERM_WRITE } },
	{ "b4294967295", { UINT32_MAX, XS_PERM_READ | XS_PERM_WRITE } },
	{ "n-0x10", { UINT32_MAX - 15, XS_PERM_NONE } },
};

TEST(permissions_of_domains_that_cannot_be_are_read)
{
	for (size_t i = 0; i < sizeof(odd_perms) / sizeof(odd_perms[0]); i++) {
		const char *text = odd_perms[i].text;
		struct xsa_result result = { .data = text, .len = strlen(text) + 1 };
		struct xs_permissions perms[2] = { 0 };
		size_t n = 0;

		CHECK(xs_strings_to_perms(&perms[0], 1, text));
		CHECK_INT(xsa_result_permissions(&result, &perms[1], 1, &n), 0);
		CHECK_UINT(n, 1);
		for (size_t j = 0; j < 2; j++) {
			CHECK_UINT(perms[j].id, odd_perms[i].perm.id);
			CHECK_UINT(perms[j].perms, odd_perms[i].perm.perms);
		}
	}
}

TEST(nonsense_in_a_list_of_permissions_is_an_error)
{
	static const char text[] = "n0\0r1x\0r2";
	struct xsa_result result = { .data = text, .len = sizeof(text) };
	struct xs_permissions perms[3];
	size_t n = 7;

	CHECK_INT(xsa_result_permissions(&result, perms, 3, &n), EINVAL);
	CHECK_UINT(n, 0);
}

TEST(permissions_of_a_failure_are_that_failure)
{
	struct xsa_result result = { .error = ENOENT, .data = "", .len = 0 };
	struct xs_permissions perms[1];
	size_t n = 7;

	CHECK_INT(xsa_result_permissions(&result, perms, 1, &n), ENOENT);
	CHECK_UINT(n, 0);
}

TEST(numbers_fit_where_max_strlen_says)
{
	CHECK_UINT(MAX_STRLEN(unsigned int), 11);
	CHECK_UINT(MAX_STRLEN(uint64_t), 23);
}

TEST(write_all_writes_all)
{
	static char sent[300000], got[300000];
	size_t n = 0;
	ssize_t step;
	pid_t child;
	int ends[2];

	memset(sent, 'x', sizeof(sent));
	CHECK_INT(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		close(ends[0]);
		_exit(xs_write_all(ends[1], sent, sizeof(sent)) ? 0 : 1);
	}
	close(ends[1]);
	while ((step = read(ends[0], got + n, sizeof(got) - n)) > 0)
		n += (size_t)step;
	CHECK_BYTES(got, n, sent, sizeof(sent));
	close(ends[0]);
	errno = 0;
	CHECK(!xs_write_all(-1, "x", 1));
	CHECK_INT(errno, EBADF);
}
