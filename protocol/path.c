/* SPDX-License-Identifier: MIT */
#include "protocol/path.h"

#include <stdio.h>
#include <string.h>

static const char home[] = "/local/domain/";
enum { HOME_LEN = sizeof(home) - 1 };

/* What each character is to a path. Every request's path passes here: a table, not a chain. */
enum { BAD = 0, PLAIN = 1, SLASH = 2 };

static const unsigned char kinds[256] = {
	['-'] = PLAIN, ['/'] = SLASH, ['@'] = PLAIN, ['_'] = PLAIN, ['0'] = PLAIN, ['1'] = PLAIN,
	['2'] = PLAIN, ['3'] = PLAIN, ['4'] = PLAIN, ['5'] = PLAIN, ['6'] = PLAIN, ['7'] = PLAIN,
	['8'] = PLAIN, ['9'] = PLAIN, ['A'] = PLAIN, ['B'] = PLAIN, ['C'] = PLAIN, ['D'] = PLAIN,
	['E'] = PLAIN, ['F'] = PLAIN, ['G'] = PLAIN, ['H'] = PLAIN, ['I'] = PLAIN, ['J'] = PLAIN,
	['K'] = PLAIN, ['L'] = PLAIN, ['M'] = PLAIN, ['N'] = PLAIN, ['O'] = PLAIN, ['P'] = PLAIN,
	['Q'] = PLAIN, ['R'] = PLAIN, ['S'] = PLAIN, ['T'] = PLAIN, ['U'] = PLAIN, ['V'] = PLAIN,
	['W'] = PLAIN, ['X'] = PLAIN, ['Y'] = PLAIN, ['Z'] = PLAIN, ['a'] = PLAIN, ['b'] = PLAIN,
	['c'] = PLAIN, ['d'] = PLAIN, ['e'] = PLAIN, ['f'] = PLAIN, ['g'] = PLAIN, ['h'] = PLAIN,
	['i'] = PLAIN, ['j'] = PLAIN, ['k'] = PLAIN, ['l'] = PLAIN, ['m'] = PLAIN, ['n'] = PLAIN,
	['o'] = PLAIN, ['p'] = PLAIN, ['q'] = PLAIN, ['r'] = PLAIN, ['s'] = PLAIN, ['t'] = PLAIN,
	['u'] = PLAIN, ['v'] = PLAIN, ['w'] = PLAIN, ['x'] = PLAIN, ['y'] = PLAIN, ['z'] = PLAIN,
};

/* The shape of an absolute or special path: characters, empty parts, slash at the end. */
static bool is_well_formed(const char *path, size_t len)
{
	unsigned last = PLAIN, kind;

	if (len == 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		kind = kinds[(unsigned char)path[i]];
		if (kind == BAD || (kind & last) == SLASH)
			return false;
		last = kind;
	}
	return len == 1 || last != SLASH;
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

bool xsp_path_is_below(const char *top, size_t top_len, const char *path, size_t len)
{
	if (len <= top_len || memcmp(top, path, top_len) != 0)
		return false;
	return (top_len == 1 && top[0] == '/') || path[top_len] == '/';
}

int xsp_path_compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t len = a_len < b_len ? a_len : b_len, i = 0;

	while (i < len && a[i] == b[i])
		i++;
	if (i == len)
		return (a_len > b_len) - (a_len < b_len);
	/* What is below a node comes before its siblings, whatever these are called. */
	if (a[i] == '/' || b[i] == '/')
		return a[i] == '/' ? -1 : 1;
	return (unsigned char)a[i] < (unsigned char)b[i] ? -1 : 1;
}
