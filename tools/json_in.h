/* SPDX-License-Identifier: MIT */
/*
 * Reading JSON, as far as exported trees need it: a cursor that takes one token after the other
 * from text in memory. The first defect sticks; what follows it takes nothing, so a caller may
 * check once at the end.
 */
#ifndef XS_TOOLS_JSON_IN_H
#define XS_TOOLS_JSON_IN_H

#include <stdbool.h>
#include <stddef.h>

struct json_in {
	const char *at, *end; /* borrowed */
	const char *start;
	const char *defect; /* what was found wrong, or NULL */
};

void json_in_init(struct json_in *in, const char *text, size_t len);

/* Notes a defect at the present place unless there is one already. */
void json_in_fail(struct json_in *in, const char *defect);

/* Line of the present place, from 1. */
size_t json_in_line(const struct json_in *in);

/* Takes `c` if it comes next. */
bool json_in_take(struct json_in *in, char c);

/* Takes `c`, or notes a defect. */
void json_in_expect(struct json_in *in, char c);

/*
 * Steps through an object or an array, whose opening bracket has been taken: true in front of
 * each element, false behind the closing bracket or at a defect. *is_first starts as true.
 */
bool json_in_next(struct json_in *in, char closing, bool *is_first);

/* A string; bytes with a NUL behind them, which the caller frees. Never NULL. */
char *json_in_string(struct json_in *in, size_t *out_len);

/* The name of a member and the colon behind it. The caller frees it. Never NULL. */
char *json_in_member(struct json_in *in);

/* A string of base64, decoded; otherwise as json_in_string(). */
char *json_in_base64(struct json_in *in, size_t *out_len);

/* A whole number from 0 to 999999. */
unsigned json_in_number(struct json_in *in);

/* Passes over any value. */
void json_in_skip(struct json_in *in);

/* True if all text was taken and found to be right; notes a defect if there is more. */
bool json_in_end(struct json_in *in);

#endif
