/* SPDX-License-Identifier: MIT */
/*
 * Bytes as text and back: how transcripts and failure messages spell payloads.
 *
 * `|` is a NUL byte, `\xNN` any byte, `\n \t \s \\ \| \" \$ \{ \} \#` the obvious ones (`\s` is a
 * blank), `{text*count}` a repetition, `$name` a variable, "..." a chunk with literal blanks.
 * Chunks separated by blanks are joined without them.
 */
#ifndef TESTS_SUPPORT_TEXT_H
#define TESTS_SUPPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

enum { TEXT_NAME_MAX = 32, TEXT_VARIABLES_MAX = 64 };

/* A piece of a text: literal bytes, or the name of a variable. */
struct text_piece {
	char name[TEXT_NAME_MAX]; /* "" for literal bytes */
	char *bytes;              /* owned */
	size_t len;
};

struct text {
	struct text_piece *pieces; /* owned */
	size_t n_pieces;
};

struct text_variable {
	char name[TEXT_NAME_MAX];
	char *bytes; /* owned */
	size_t len;
};

struct text_variables {
	struct text_variable list[TEXT_VARIABLES_MAX];
	size_t n;
};

/* Writes a readable, NUL-ended form of the bytes, cut with "..." where it does not fit. */
void text_show(char *out, size_t size, const void *bytes, size_t len);

/* Reads `source`. NULL, or what is wrong with it. */
const char *text_parse(struct text *text, const char *source);
void text_fini(struct text *text);

/* The bytes of a text, to be freed by the caller. NULL if a variable has no value. */
char *text_build(const struct text *text, const struct text_variables *variables, size_t *out_len);

/*
 * Whether the bytes are this text. A variable without a value takes the longest run of bytes
 * that holds no NUL; it keeps it if the whole text fits, unless its name is "_".
 */
bool text_match(const struct text *text, struct text_variables *variables, const char *bytes,
		size_t len);

const struct text_variable *text_variable_find(const struct text_variables *variables,
					       const char *name);
void text_variable_set(struct text_variables *variables, const char *name, const char *bytes,
		       size_t len);
void text_variables_fini(struct text_variables *variables);

/* Memory for tests: a test that runs out of it ends. */
void *text_alloc(size_t size);
void *text_grow(void *memory, size_t size);

#endif
