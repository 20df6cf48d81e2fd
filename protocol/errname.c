/* SPDX-License-Identifier: MIT */
#include "protocol/errname.h"

#include <errno.h>
#include <string.h>

static const struct {
	int err;
	const char *name;
} table[] = {
	{ EINVAL, "EINVAL" }, { EACCES, "EACCES" },   { EEXIST, "EEXIST" },
	{ EISDIR, "EISDIR" }, { ENOENT, "ENOENT" },   { ENOMEM, "ENOMEM" },
	{ ENOSPC, "ENOSPC" }, { EIO, "EIO" },         { ENOTEMPTY, "ENOTEMPTY" },
	{ ENOSYS, "ENOSYS" }, { EROFS, "EROFS" },     { EBUSY, "EBUSY" },
	{ EAGAIN, "EAGAIN" }, { EISCONN, "EISCONN" }, { E2BIG, "E2BIG" },
	{ EPERM, "EPERM" },
};

enum { N_NAMES = sizeof(table) / sizeof(table[0]) };

const char *xsp_errname(int err)
{
	for (size_t i = 0; i < N_NAMES; i++) {
		if (table[i].err == err)
			return table[i].name;
	}
	return "EINVAL";
}

int xsp_errname_parse(const char *name, size_t len)
{
	if (len > 0 && name[len - 1] == '\0')
		len--;
	for (size_t i = 0; i < N_NAMES; i++) {
		if (strlen(table[i].name) == len && !memcmp(table[i].name, name, len))
			return table[i].err;
	}
	return EINVAL;
}
