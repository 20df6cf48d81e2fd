/* SPDX-License-Identifier: MIT */
#include "tests/support/text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES_MAX = 1 << 20 };

void *text_alloc(size_t size)
{
	return text_grow(NULL, size);
}

void *text_grow(void *memory, size_t size)
{
	void *grown = realloc(memory, size ? size : 1);

	if (!grown) {
		fprintf(stderr, "out of memory\n");
		abort();
	}
	return grown;
}

static size_t show_byte(char out[8], unsigned char c)
{
	static const char plain[] = "\n\t |\\\"${}#";
	static const char escape[] = "nts||\"${}#";
	const char *at;

	if (c == '\0') {
		out[0] = '|';
		return 1;
	}
	at = strchr(plain, c);
	if (at) {
		out[0] = '\\';
		out[1] = c == '\\' ? '\\' : escape[at - plain];
		return 2;
	}
	if (isprint(c)) {
		out[0] = (char)c;
		return 1;
	}
	return (size_t)snprintf(out, 8, "\\x%02x", c);
}

void text_show(char *out, size_t size, const void *bytes, size_t len)
{
	const unsigned char *from = bytes;
	size_t at = 0;

	if (len == 0)
		at = (size_t)snprintf(out, size, "\"\"");
	for (size_t i = 0; i < len; i++) {
		char one[8];
		size_t n = show_byte(one, from[i]);

		if (at + n + 4 >= size) {
			memcpy(out + at, "...", 3);
			at += 3;
			break;
		}
		memcpy(out + at, one, n);
		at += n;
	}
	out[at] = '\0';
}

/* Bytes being collected while a text is read. */
struct pot {
	char *bytes;
	size_t len, size;
};

static void pot_add(struct pot *pot, const char *bytes, size_t len)
{
	if (pot->len + len > pot->size) {
		pot->size = (pot->len + len) * 2 + 16;
		pot->bytes = text_grow(pot->bytes, pot->size);
	}
	if (len)
		memcpy(pot->bytes + pot->len, bytes, len);
	pot->len += len;
}

static struct text_piece *add_piece(struct text *text)
{
	struct text_piece *piece;

	text->pieces = text_grow(text->pieces, (text->n_pieces + 1) * sizeof(struct text_piece));
	piece = &text->pieces[text->n_pieces++];
	memset(piece, 0, sizeof(*piece));
	return piece;
}

/* Closes the literal bytes collected so far as a piece of their own. */
static void flush(struct text *text, struct pot *pot)
{
	struct text_piece *piece;

	if (pot->len == 0)
		return;
	piece = add_piece(text);
	piece->bytes = pot->bytes;
	piece->len = pot->len;
	*pot = (struct pot){ 0 };
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One character or escape at `*at`; NULL, or what is wrong. */
static const char *read_byte(const char **at, char *out)
{
	static const char letters[] = "nts|\\\"${}#";
	static const char bytes[] = "\n\t |\\\"${}#";
	const char *from = *at, *letter;

	if (*from == '|') {
		*out = '\0';
	} else if (*from != '\\') {
		*out = *from;
	} else if (from[1] == 'x' && hex_digit(from[2]) >= 0 && hex_digit(from[3]) >= 0) {
		*out = (char)(hex_digit(from[2]) * 16 + hex_digit(from[3]));
		from += 3;
	} else {
		letter = from[1] ? strchr(letters, from[1]) : NULL;
		if (!letter)
			return "unknown escape";
		*out = bytes[letter - letters];
		from++;
	}
	*at = from + 1;
	return NULL;
}

/* {text*count}, with `*at` behind the brace. */
static const char *read_repetition(const char **at, struct pot *pot)
{
	struct pot unit = { 0 };
	const char *wrong = NULL;
	unsigned long count;
	char *end, c;

	while (**at && **at != '*' && !wrong) {
		wrong = read_byte(at, &c);
		if (!wrong)
			pot_add(&unit, &c, 1);
	}
	if (!wrong && **at != '*')
		wrong = "a repetition is {text*count}";
	if (!wrong) {
		count = strtoul(*at + 1, &end, 10);
		if (end == *at + 1 || *end != '}')
			wrong = "a repetition ends in *count}";
		else if (count * unit.len > TEXT_BYTES_MAX)
			wrong = "a repetition too long";
		else
			*at = end + 1;
		for (unsigned long i = 0; !wrong && i < count; i++)
			pot_add(pot, unit.bytes, unit.len);
	}
	free(unit.bytes);
	return wrong;
}

static const char *read_variable(const char **at, struct text *text, struct pot *pot)
{
	size_t len = 0;
	struct text_piece *piece;

	while (isalnum((unsigned char)(*at)[len]) || (*at)[len] == '_')
		len++;
	if (len == 0 || len >= TEXT_NAME_MAX)
		return "a variable needs a name of 1 to 31 letters or digits";
	flush(text, pot);
	piece = add_piece(text);
	memcpy(piece->name, *at, len);
	*at += len;
	return NULL;
}

const char *text_parse(struct text *text, const char *source)
{
	struct pot pot = { 0 };
	const char *wrong = NULL;
	bool is_quoted = false;
	char c;

	*text = (struct text){ 0 };
	while (*source && !wrong) {
		if (*source == '"') {
			is_quoted = !is_quoted;
			source++;
		} else if (!is_quoted && isspace((unsigned char)*source)) {
			source++;
		} else if (*source == '{') {
			source++;
			wrong = read_repetition(&source, &pot);
		} else if (*source == '$') {
			source++;
			wrong = read_variable(&source, text, &pot);
		} else {
			wrong = read_byte(&source, &c);
			if (!wrong)
				pot_add(&pot, &c, 1);
		}
	}
	if (!wrong && is_quoted)
		wrong = "a quotation mark is missing";
	flush(text, &pot);
	free(pot.bytes);
	return wrong;
}

void text_fini(struct text *text)
{
	for (size_t i = 0; i < text->n_pieces; i++)
		free(text->pieces[i].bytes);
	free(text->pieces);
	*text = (struct text){ 0 };
}

char *text_build(const struct text *text, const struct text_variables *variables, size_t *out_len)
{
	struct pot pot = { 0 };

	pot_add(&pot, "", 0);
	for (size_t i = 0; i < text->n_pieces; i++) {
		const struct text_piece *piece = &text->pieces[i];
		const struct text_variable *variable;

		if (!piece->name[0]) {
			pot_add(&pot, piece->bytes, piece->len);
			continue;
		}
		variable = text_variable_find(variables, piece->name);
		if (!variable) {
			free(pot.bytes);
			return NULL;
		}
		pot_add(&pot, variable->bytes, variable->len);
	}
	*out_len = pot.len;
	return pot.bytes ? pot.bytes : text_alloc(1);
}

bool text_match(const struct text *text, struct text_variables *variables, const char *bytes,
		size_t len)
{
	size_t at = 0, n_before = variables->n;

	for (size_t i = 0; i < text->n_pieces; i++) {
		const struct text_piece *piece = &text->pieces[i];
		const struct text_variable *known = NULL;
		const char *want = piece->bytes;
		size_t n = piece->len;

		if (piece->name[0])
			known = text_variable_find(variables, piece->name);
		if (known) {
			want = known->bytes;
			n = known->len;
		} else if (piece->name[0]) {
			n = strnlen(bytes + at, len - at);
			if (strcmp(piece->name, "_") != 0)
				text_variable_set(variables, piece->name, bytes + at, n);
			want = NULL;
		}
		if (len - at < n || (want && memcmp(bytes + at, want, n) != 0)) {
			at = len + 1;
			break;
		}
		at += n;
	}
	if (at == len)
		return true;
	while (variables->n > n_before)
		free(variables->list[--variables->n].bytes);
	return false;
}

const struct text_variable *text_variable_find(const struct text_variables *variables,
					       const char *name)
{
	for (size_t i = 0; i < variables->n; i++) {
		if (!strcmp(variables->list[i].name, name))
			return &variables->list[i];
	}
	return NULL;
}

void text_variable_set(struct text_variables *variables, const char *name, const char *bytes,
		       size_t len)
{
	struct text_variable *variable = NULL;

	for (size_t i = 0; i < variables->n; i++) {
		if (!strcmp(variables->list[i].name, name))
			variable = &variables->list[i];
	}
	if (!variable) {
		if (variables->n == TEXT_VARIABLES_MAX) {
			fprintf(stderr, "more than %d variables\n", TEXT_VARIABLES_MAX);
			abort();
		}
		variable = &variables->list[variables->n++];
		*variable = (struct text_variable){ 0 };
		snprintf(variable->name, sizeof(variable->name), "%s", name);
	}
	variable->bytes = text_grow(variable->bytes, len);
	if (len)
		memcpy(variable->bytes, bytes, len);
	variable->len = len;
}

void text_variables_fini(struct text_variables *variables)
{
	while (variables->n)
		free(variables->list[--variables->n].bytes);
}
