/* SPDX-License-Identifier: MIT */
#include "protocol/errname.h"

#include <errno.h>
#include <string.h>

#include "tests/support/check.h"

static const struct {
	int err;
	const char *name;
} all[] = {
	{ EINVAL, "EINVAL" }, { EACCES, "EACCES" },   { EEXIST, "EEXIST" },
	{ EISDIR, "EISDIR" }, { ENOENT, "ENOENT" },   { ENOMEM, "ENOMEM" },
	{ ENOSPC, "ENOSPC" }, { EIO, "EIO" },         { ENOTEMPTY, "ENOTEMPTY" },
	{ ENOSYS, "ENOSYS" }, { EROFS, "EROFS" },     { EBUSY, "EBUSY" },
	{ EAGAIN, "EAGAIN" }, { EISCONN, "EISCONN" }, { E2BIG, "E2BIG" },
	{ EPERM, "EPERM" },
};
enum { N_ALL = sizeof(all) / sizeof(all[0]) };

TEST(sixteen_errors_have_names)
{
	CHECK_UINT(N_ALL, 16);
	for (size_t i = 0; i < N_ALL; i++)
		CHECK_STR(xsp_errname(all[i].err), all[i].name);
}

TEST(other_errors_are_called_einval)
{
	CHECK_STR(xsp_errname(ENOTCONN), "EINVAL");
	CHECK_STR(xsp_errname(0), "EINVAL");
	CHECK_STR(xsp_errname(-ENOENT), "EINVAL");
	CHECK_STR(xsp_errname(99999), "EINVAL");
}

TEST(names_are_read_with_and_without_their_nul)
{
	for (size_t i = 0; i < N_ALL; i++) {
		size_t len = strlen(all[i].name);

		CHECK_INT(xsp_errname_parse(all[i].name, len), all[i].err);
		CHECK_INT(xsp_errname_parse(all[i].name, len + 1), all[i].err);
	}
}

TEST(unknown_names_are_read_as_einval)
{
	CHECK_INT(xsp_errname_parse("EQUOTA", 7), EINVAL);
	CHECK_INT(xsp_errname_parse("ENOEN", 5), EINVAL);
	CHECK_INT(xsp_errname_parse("ENOENTX", 7), EINVAL);
	CHECK_INT(xsp_errname_parse("enoent", 6), EINVAL);
	CHECK_INT(xsp_errname_parse("ENOENT\0", 8), EINVAL);
	CHECK_INT(xsp_errname_parse("\0", 1), EINVAL);
	CHECK_INT(xsp_errname_parse("", 0), EINVAL);
}

TEST(reading_stays_within_the_length)
{
	/* Not NUL-ended: a reader that looks behind the length is found by the sanitizer. */
	char name[6];

	memcpy(name, "ENOENT", sizeof(name));
	CHECK_INT(xsp_errname_parse(name, sizeof(name)), ENOENT);
	CHECK_INT(xsp_errname_parse(name, 3), EINVAL);
}
