/* SPDX-License-Identifier: MIT */
/*
 * Values as people type and read them: bytes that a terminal shows as themselves stay, all others
 * become escapes, and back.
 */
#ifndef XS_TOOLS_QUOTE_H
#define XS_TOOLS_QUOTE_H

#include <stddef.h>

/*
 * The quoted form of a value, with a NUL behind it. The double quote is left as it is. The caller
 * frees it.
 */
char *quote_value(const void *value, size_t len, size_t *out_len);

/*
 * The bytes that a typed value stands for, with a NUL behind them. Every text means something: a
 * backslash before a character that starts no escape is that character, and one at the very end
 * is a NUL byte. The caller frees it.
 */
char *quote_parse(const char *text, size_t *out_len);

#endif
