/* SPDX-License-Identifier: MIT */
/*
 * Writing JSON. Node values are bytes, JSON strings are Unicode: a value that is valid UTF-8
 * becomes the member "value", any other the member "base64", so nothing is ever lost and what
 * can be read can be read.
 */
#ifndef XS_TOOLS_JSON_H
#define XS_TOOLS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "libxs/include/xenstore.h"

bool json_is_utf8(const void *bytes, size_t len);

/*
 * A string with its quotes. The bytes must be valid UTF-8. All control characters are escaped,
 * those of Unicode as well, so that a guest's value cannot command an administrator's terminal.
 */
void json_put_string(FILE *out, const void *bytes, size_t len);

/* "value":"..." or "base64":"..." */
void json_put_value(FILE *out, const void *value, size_t len);

/* "perms":["n0","r5"] */
void json_put_perms(FILE *out, const struct xs_permissions *perms, size_t n_perms);

/* A permission as people write it, such as "r5". */
enum { PERM_TEXT_MAX = 16 };
void perm_format(const struct xs_permissions *perm, char out_text[PERM_TEXT_MAX]);

#endif
