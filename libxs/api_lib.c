/* SPDX-License-Identifier: MIT */
/* The API that needs no connection: permission texts, paths as text, plain writing. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "libxs/include/xenstore.h"
#include "libxs/text.h"

bool xs_write_all(int fd, const void *data, unsigned int len)
{
	const char *cursor = data;
	ssize_t written;

	while (len > 0) {
		written = write(fd, cursor, len);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		cursor += written;
		len -= (unsigned)written;
	}
	return true;
}

bool xs_strings_to_perms(struct xs_permissions *perms, unsigned int num, const char *strings)
{
	for (unsigned i = 0; i < num; i++) {
		if (!xsi_parse_permission(strings, &perms[i])) {
			errno = EINVAL;
			return false;
		}
		strings += strlen(strings) + 1;
	}
	return true;
}

bool xs_path_is_subpath(const char *parent, const char *child)
{
	size_t len = strlen(parent);

	return !strncmp(parent, child, len) && (child[len] == '\0' || child[len] == '/');
}
