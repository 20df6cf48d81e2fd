/* SPDX-License-Identifier: MIT */
#include "protocol/path.h"

#include <stdio.h>
#include <string.h>

static const char home[] = "/local/domain/";
enum { HOME_LEN = sizeof(home) - 1 };

static bool is_legal_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '/' || c == '_' || c == '@';
}

/* The shape of an absolute or special path: characters, empty parts, slash at the end. */
static bool is_well_formed(const char *path, size_t len)
{
	if (len == 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_legal_char(path[i]))
			return false;
		if (path[i] == '/' && i + 1 < len && path[i + 1] == '/')
			return false;
	}
	return len == 1 || path[len - 1] != '/';
}

size_t xsp_path_base(char out_base[XSP_PATH_BASE_MAX], unsigned domid)
{
	return (size_t)snprintf(out_base, XSP_PATH_BASE_MAX, "%s%u", home, domid & 0xffffU);
}

size_t xsp_path_resolve(const char *path, const char *base, enum xsp_path_kind kind,
			char out_path[XSP_PATH_BUF])
{
	size_t len = strnlen(path, XSP_PATH_BUF);
	size_t prefix = 0;

	if (path[0] == '@' && kind != XSP_PATH_EVENT)
		return 0;
	if (path[0] != '/' && path[0] != '@')
		prefix = strlen(base) + 1;
	if (prefix + len > XSP_PATH_ABS_MAX)
		return 0;
	if (prefix) {
		memcpy(out_path, base, prefix - 1);
		out_path[prefix - 1] = '/';
	}
	memcpy(out_path + prefix, path, len);
	out_path[prefix + len] = '\0';
	return is_well_formed(out_path, prefix + len) ? prefix + len : 0;
}

size_t xsp_path_quota_len(const char *path, size_t len)
{
	size_t digits = 0, at = HOME_LEN;

	if (len <= HOME_LEN || memcmp(path, home, HOME_LEN) != 0)
		return len;
	while (at < len && digits < 6 && path[at] >= '0' && path[at] <= '9') {
		at++;
		digits++;
	}
	if (digits == 0 || digits > 5 || at >= len || path[at] != '/')
		return len;
	return len - at - 1;
}

bool xsp_path_is_special(const char *path)
{
	return path[0] == '@';
}

size_t xsp_path_parent_len(const char *path, size_t len)
{
	while (len > 1 && path[len - 1] != '/')
		len--;
	return len > 1 ? len - 1 : 1;
}

const char *xsp_path_leaf(const char *path, size_t len)
{
	size_t at = len;

	while (at > 0 && path[at - 1] != '/')
		at--;
	return path + at;
}

int xsp_path_levels_below(const char *top, size_t top_len, const char *path, size_t len)
{
	int levels = 0;
	size_t at = top_len;

	if (len < top_len || memcmp(top, path, top_len) != 0)
		return -1;
	if (len == top_len)
		return 0;
	if (top_len == 1 && top[0] == '/')
		at = 0;
	else if (path[at] != '/')
		return -1;
	for (; at < len; at++) {
		if (path[at] == '/')
			levels++;
	}
	return levels;
}
