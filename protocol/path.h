/* SPDX-License-Identifier: MIT */
/*
 * Paths: which are legal, the absolute form for a client, parent, last part, depth below.
 *
 * Legal characters are A-Z a-z 0-9 - / _ @; no empty part, no slash at the end (but "/" itself).
 * Paths starting with '@' name special watches and their permission nodes.
 */
#ifndef XSP_PATH_H
#define XSP_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "protocol/wire.h"

enum {
	XSP_PATH_BUF = XSP_PATH_ABS_MAX + 1,
	XSP_PATH_BASE_MAX = sizeof("/local/domain/65535"),
};

enum xsp_path_kind {
	XSP_PATH_NODE,  /* must name a node: '@' refused */
	XSP_PATH_EVENT, /* may be special */
};

/* "/local/domain/<domid>"; returns its length. */
size_t xsp_path_base(char out_base[XSP_PATH_BASE_MAX], unsigned domid);

/*
 * Makes `path` absolute (with `base` and a slash before a relative one) and checks it.
 * Returns the length written to out_path, or 0 if the path is illegal for its kind or longer
 * than XSP_PATH_ABS_MAX.
 */
size_t xsp_path_resolve(const char *path, const char *base, enum xsp_path_kind kind,
			char out_path[XSP_PATH_BUF]);

/*
 * The length that quotas look at: bytes of an absolute path without a leading
 * "/local/domain/<1-5 digits>/".
 */
size_t xsp_path_quota_len(const char *path, size_t len);

/* True for "@..." */
bool xsp_path_is_special(const char *path);

/* Length of the parent of an absolute path: 1 for "/x" and for "/" itself. */
size_t xsp_path_parent_len(const char *path, size_t len);

/* The last part of an absolute path; "" for "/". */
const char *xsp_path_leaf(const char *path, size_t len);

/*
 * How many levels `path` is below `top` (0: the same), or -1 if it is not below it.
 * "/x" is one level below "/".
 */
int xsp_path_levels_below(const char *top, size_t top_len, const char *path, size_t len);

/* True if `path` is below `top`, at any level. */
bool xsp_path_is_below(const char *top, size_t top_len, const char *path, size_t len);

/*
 * The order of a walk that comes to a node before what is below it, and to its children in byte
 * order: below, at or above 0.
 */
int xsp_path_compare(const char *a, size_t a_len, const char *b, size_t b_len);

#endif
