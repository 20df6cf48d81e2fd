/* SPDX-License-Identifier: MIT */
/*
 * Paths: what is accepted is legal by the plainest reading of the rules, and stays what it is.
 */
#include <string.h>

#include "fuzz/insist.h"
#include "protocol/path.h"

/* The rules, letter by letter. */
static bool is_legal(const char *path, enum xsp_path_kind kind)
{
	static const char legal[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-/_@";
	size_t len = strlen(path);

	return len > 0 && len <= XSP_PATH_ABS_MAX && strspn(path, legal) == len &&
	       !strstr(path, "//") && (len == 1 || path[len - 1] != '/') &&
	       (path[0] == '/' || (path[0] == '@' && kind == XSP_PATH_EVENT));
}

static int count_slashes(const char *path)
{
	int n = 0;

	for (; *path; path++)
		n += *path == '/';
	return n;
}

static void check_parts(const char *path, size_t len)
{
	size_t parent_len = xsp_path_parent_len(path, len);
	const char *leaf = xsp_path_leaf(path, len);

	INSIST(parent_len >= 1 && parent_len <= len);
	INSIST(!strchr(leaf, '/') && strlen(leaf) <= len);
	INSIST(xsp_path_quota_len(path, len) <= len);
	if (path[0] != '/')
		return;
	INSIST(xsp_path_levels_below("/", 1, path, len) == (len == 1 ? 0 : count_slashes(path)));
	if (len > 1)
		INSIST(xsp_path_levels_below(path, parent_len, path, len) == 1);
	INSIST(xsp_path_levels_below(path, len, path, len) == 0);
	INSIST(len == 1 || xsp_path_levels_below(path, len, path, parent_len) == -1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[2 * XSP_PATH_BUF], plain[4 * XSP_PATH_BUF], path[XSP_PATH_BUF];
	char again[XSP_PATH_BUF], base[XSP_PATH_BASE_MAX];
	size_t len;

	if (size == 0 || size >= sizeof(text))
		return 0;
	xsp_path_base(base, data[0]);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	for (int kind = XSP_PATH_NODE; kind <= XSP_PATH_EVENT; kind++) {
		bool is_relative = text[0] != '/' && text[0] != '@';

		len = xsp_path_resolve(text, base, (enum xsp_path_kind)kind, path);
		snprintf(plain, sizeof(plain), "%s%s%s", is_relative ? base : "",
			 is_relative ? "/" : "", text);
		INSIST((len > 0) == is_legal(plain, (enum xsp_path_kind)kind));
		if (len == 0)
			continue;
		INSIST(strlen(path) == len && !strcmp(path, plain));
		INSIST(xsp_path_resolve(path, base, (enum xsp_path_kind)kind, again) == len);
		INSIST(!strcmp(path, again));
		INSIST(xsp_path_is_special(path) == (path[0] == '@'));
		check_parts(path, len);
	}
	return 0;
}
