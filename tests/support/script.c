/* SPDX-License-Identifier: MIT */
#include "tests/support/script.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/errname.h"
#include "protocol/wire.h"
#include "tests/support/target.h"

static bool wrong(struct script *script, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static bool wrong(struct script *script, int line, const char *format, ...)
{
	char text[160];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(script->why, sizeof(script->why), "%.80s:%d: %s", script->path, line, text);
	return false;
}

/* Takes the next blank-separated word off the front. NULL at the end. */
static char *next_word(char **at)
{
	char *word = *at + strspn(*at, " \t");
	char *end = word + strcspn(word, " \t");

	if (!*word)
		return NULL;
	*at = *end ? end + 1 : end;
	*end = '\0';
	return word;
}

static bool read_number(const char *word, uint32_t *out_number)
{
	unsigned long long number;
	char *end;

	if (!word || !isdigit((unsigned char)*word))
		return false;
	errno = 0;
	number = strtoull(word, &end, 0);
	if (*end || errno || number > UINT32_MAX)
		return false;
	*out_number = (uint32_t)number;
	return true;
}

static bool read_type(const char *word, uint32_t *out_type)
{
	if (read_number(word, out_type))
		return true;
	for (uint32_t type = 0; type < XSP_TYPE_COUNT; type++) {
		const char *name = xsp_type_name(type);

		if (name && !strcmp(name, word)) {
			*out_type = type;
			return true;
		}
	}
	return false;
}

static struct step *add_step(struct script *script, enum step_kind kind, int line)
{
	struct step *step;

	script->steps = text_grow(script->steps, (script->n_steps + 1) * sizeof(struct step));
	step = &script->steps[script->n_steps++];
	memset(step, 0, sizeof(*step));
	step->kind = kind;
	step->line = line;
	return step;
}

/* Finds or adds the client called "s1" or "d7". */
static bool find_client(struct script *script, const char *name, int line, size_t *out_client)
{
	struct script_client *client;
	uint32_t number;

	for (size_t i = 0; i < script->n_clients; i++) {
		if (!strcmp(script->clients[i].name, name)) {
			*out_client = i;
			return true;
		}
	}
	if ((name[0] != 's' && name[0] != 'd') || !read_number(name + 1, &number) ||
	    number > UINT16_MAX || strlen(name) >= sizeof(client->name))
		return wrong(script, line, "\"%s\" is no client (s1, d7)", name);
	if (script->n_clients == SCRIPT_CLIENTS_MAX)
		return wrong(script, line, "too many clients");
	*out_client = script->n_clients;
	client = &script->clients[script->n_clients++];
	snprintf(client->name, sizeof(client->name), "%s", name);
	client->domid = name[0] == 's' ? TARGET_SOCKET : (int)number;
	if (name[0] == 'd')
		script->needs |= TARGET_CAN_GUESTS;
	return true;
}

static bool read_text(struct script *script, int line, struct text *text, const char *source)
{
	const char *problem = text_parse(text, source);

	return problem ? wrong(script, line, "%s: %.80s", problem, source) : true;
}

/* TYPE, TYPE#req, TYPE[tx], TYPE#req[tx] */
static bool read_head(struct script *script, struct step *step, char *word)
{
	char *tx = strchr(word, '['), *req = strchr(word, '#');

	if (tx) {
		if (tx[strlen(tx) - 1] != ']')
			return wrong(script, step->line, "a transaction is [number] or [$name]");
		tx[strlen(tx) - 1] = '\0';
		*tx++ = '\0';
	}
	if (req) {
		*req++ = '\0';
		if (!read_number(req, &step->req_id))
			return wrong(script, step->line, "\"%s\" is no request number", req);
		step->has_req_id = true;
	}
	if (!read_type(word, &step->type))
		return wrong(script, step->line, "\"%s\" is no message type", word);
	return read_text(script, step->line, &step->tx, tx ? tx : "0");
}

/* What stands behind "=": OK, the name of an error, or a payload. */
static bool read_reply(struct script *script, size_t client, int line, char *source)
{
	struct step *step = add_step(script, STEP_REPLY, line);
	char *word = source + strspn(source, " \t"), *end = word + strlen(word);

	step->client = client;
	while (end > word && isspace((unsigned char)end[-1]))
		*--end = '\0';
	if (!strcmp(word, "OK"))
		return read_text(script, line, &step->payload, "OK|");
	if (word[0] == 'E' &&
	    strcmp(xsp_errname(xsp_errname_parse(word, strlen(word))), word) == 0) {
		step->is_error = true;
		return read_text(script, line, &step->payload, word);
	}
	if (!*word)
		return wrong(script, line, "an empty reply is written \"\"");
	return read_text(script, line, &step->payload, word);
}

/* The "=" that stands alone, outside quotation marks; NULL if there is none. */
static char *find_equals(char *at)
{
	bool is_quoted = false;

	for (; *at; at++) {
		if (*at == '\\' && at[1])
			at++;
		else if (*at == '"')
			is_quoted = !is_quoted;
		else if (*at == '=' && !is_quoted && isspace((unsigned char)at[-1]) &&
			 (at[1] == '\0' || isspace((unsigned char)at[1])))
			return at;
	}
	return NULL;
}

static bool read_request(struct script *script, size_t client, int line, char *at)
{
	struct step *step = add_step(script, STEP_REQUEST, line);
	char *equals = find_equals(at), *word;

	step->client = client;
	if (equals)
		*equals++ = '\0';
	word = next_word(&at);
	if (!word)
		return wrong(script, line, "a request has a type");
	if (!read_head(script, step, word) || !read_text(script, line, &step->payload, at))
		return false;
	return equals ? read_reply(script, client, line, equals) : true;
}

/* %type,req,tx,len: the sixteen bytes of a header. %type,req,tx,len+text: and more. */
static bool read_header(struct script *script, int line, struct text *text, char *word)
{
	uint32_t fields[4];
	struct xsp_header header;
	char bytes[XSP_HEADER_SIZE], escaped[XSP_HEADER_SIZE * 4 + 512];
	char *at = word + 1, *rest = strchr(word, '+');

	if (rest)
		*rest++ = '\0';
	for (int i = 0; i < 4; i++) {
		char *comma = strchr(at, ',');

		if ((i < 3) != (comma != NULL))
			return wrong(script, line, "a header is %%type,req,tx,len");
		if (comma)
			*comma = '\0';
		if (!(i == 0 ? read_type(at, &fields[i]) : read_number(at, &fields[i])))
			return wrong(script, line, "\"%s\" in a header", at);
		at = comma ? comma + 1 : at;
	}
	header = (struct xsp_header){ fields[0], fields[1], fields[2], fields[3] };
	xsp_header_put(bytes, &header);
	for (size_t i = 0; i < XSP_HEADER_SIZE; i++)
		snprintf(escaped + 4 * i, 5, "\\x%02x", (unsigned char)bytes[i]);
	if (rest && (size_t)snprintf(escaped + sizeof(bytes) * 4, 512, "%s", rest) >= 512)
		return wrong(script, line, "too much behind a header");
	return read_text(script, line, text, escaped);
}

static bool read_raw(struct script *script, size_t client, int line, char *at)
{
	struct step *step = add_step(script, STEP_RAW, line);
	struct text *chunk;
	char *word;

	step->client = client;
	while ((word = next_word(&at))) {
		step->chunks = text_grow(step->chunks, (step->n_chunks + 1) * sizeof(struct text));
		chunk = &step->chunks[step->n_chunks++];
		*chunk = (struct text){ 0 };
		if (!(word[0] == '%' ? read_header(script, line, chunk, word)
				     : read_text(script, line, chunk, word)))
			return false;
	}
	return step->n_chunks ? true : wrong(script, line, "no bytes");
}

static bool read_expectation(struct script *script, size_t client, int line, char *at)
{
	struct step *step;
	char *word;

	at += strspn(at, " \t");
	if (at[0] == '=' && (at[1] == ' ' || at[1] == '\t'))
		return read_reply(script, client, line, at + 1);
	word = next_word(&at);
	if (!word)
		return wrong(script, line, "nothing is expected");
	step = add_step(script, STEP_MESSAGE, line);
	step->client = client;
	if (!strcmp(word, "quiet") || !strcmp(word, "closed")) {
		step->kind = word[0] == 'q' ? STEP_QUIET : STEP_CLOSED;
		return true;
	}
	return read_head(script, step, word) && read_text(script, line, &step->payload, at);
}

static bool read_action(struct script *script, size_t client, int line, char *at)
{
	static const struct {
		const char *word;
		enum step_kind kind;
		int n_numbers;
	} actions[] = {
		{ "open", STEP_OPEN, 0 },         { "close", STEP_CLOSE, 0 },
		{ "shutdown", STEP_SHUTDOWN, 0 }, { "split", STEP_SPLIT, 1 },
		{ "hold", STEP_HOLD, 0 },         { "flush", STEP_FLUSH, 0 },
		{ "stall", STEP_STALL, 0 },       { "read", STEP_READ, 0 },
		{ "poke", STEP_POKE, 2 },         { "peek", STEP_PEEK, 2 },
	};
	char *word = next_word(&at);
	struct step *step;

	for (size_t i = 0; word && i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (strcmp(word, actions[i].word) != 0)
			continue;
		step = add_step(script, actions[i].kind, line);
		step->client = client;
		if ((actions[i].n_numbers > 0 && !read_number(next_word(&at), &step->first)) ||
		    (actions[i].n_numbers > 1 && !read_number(next_word(&at), &step->last)))
			return wrong(script, line, "%s needs %d numbers", word,
				     actions[i].n_numbers);
		if (actions[i].n_numbers > 1)
			script->needs |= TARGET_CAN_RING;
		if (step->kind == STEP_STALL)
			script->needs |= TARGET_CAN_STALL;
		return true;
	}
	return wrong(script, line, "unknown action \"%s\"", word ? word : "");
}

static bool read_host(struct script *script, int line, char *at)
{
	static const char *const verbs[] = {
		[TARGET_CREATE] = "create", [TARGET_SHUTDOWN] = "shutdown",
		[TARGET_RESUME] = "resume", [TARGET_DYING] = "dying",
		[TARGET_DEAD] = "dead",     [TARGET_REPLACE] = "replace",
	};
	char *verb = next_word(&at);
	struct step *step = add_step(script, STEP_HOST, line);

	script->needs |= TARGET_CAN_HOST;
	for (uint32_t i = 0; verb && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verb, verbs[i]) != 0)
			continue;
		step->first = i;
		if (!read_number(next_word(&at), &step->last))
			return wrong(script, line, "host %s needs a domain", verb);
		return true;
	}
	return wrong(script, line, "unknown verb of the host");
}

static bool read_domains(struct script *script, int line, char *at)
{
	struct step *step;
	char *word;

	script->needs |= TARGET_CAN_HOST;
	while ((word = next_word(&at))) {
		step = add_step(script, STEP_DOMAIN, line);
		if (!read_number(word, &step->first))
			return wrong(script, line, "\"%s\" is no domain", word);
	}
	return true;
}

static bool read_loop(struct script *script, int line, char *at)
{
	struct step *step = add_step(script, STEP_FOR, line);
	char *name = next_word(&at);

	if (!name || !read_number(next_word(&at), &step->first) ||
	    !read_number(next_word(&at), &step->last))
		return wrong(script, line, "for needs a name and two numbers");
	snprintf(step->name, sizeof(step->name), "%s", name);
	return true;
}

static bool read_directive(struct script *script, int line, const char *word, char *at)
{
	struct step *step;
	char *name;

	if (!strcmp(word, "host"))
		return read_host(script, line, at);
	if (!strcmp(word, "domain"))
		return read_domains(script, line, at);
	if (!strcmp(word, "for"))
		return read_loop(script, line, at);
	if (!strcmp(word, "end")) {
		add_step(script, STEP_END, line);
		return true;
	}
	if (!strcmp(word, "time")) {
		script->needs |= TARGET_CAN_TIME;
		step = add_step(script, STEP_TIME, line);
		return read_number(next_word(&at), &step->first)
			       ? true
			       : wrong(script, line, "time needs milliseconds");
	}
	if (!strcmp(word, "unlike")) {
		name = next_word(&at);
		if (!name || !at[strspn(at, " \t")] || script->n_unlike == SCRIPT_UNLIKE_MAX)
			return wrong(script, line, "unlike needs a server and a reason");
		snprintf(script->unlike[script->n_unlike++], TEXT_NAME_MAX, "%s", name);
		return true;
	}
	return wrong(script, line, "\"%s\"", word);
}

static bool read_line(struct script *script, int line, char *at)
{
	char *word, *sign;
	size_t client = 0;

	at[strcspn(at, "\r\n")] = '\0';
	at += strspn(at, " \t");
	if (!*at || *at == '#')
		return true;
	word = next_word(&at);
	sign = word + strcspn(word, "<>!");
	if (!*sign)
		return read_directive(script, line, word, at);
	if (sign[0] == '>' && sign[1] == '>' && !sign[2]) {
		*sign = '\0';
		return find_client(script, word, line, &client) &&
		       read_raw(script, client, line, at);
	}
	if (sign[1])
		return wrong(script, line, "\"%s\"", word);
	switch (*sign) {
	case '>':
		*sign = '\0';
		return find_client(script, word, line, &client) &&
		       read_request(script, client, line, at);
	case '<':
		*sign = '\0';
		return find_client(script, word, line, &client) &&
		       read_expectation(script, client, line, at);
	default:
		*sign = '\0';
		return find_client(script, word, line, &client) &&
		       read_action(script, client, line, at);
	}
}

bool script_read(struct script *script, const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;
	int line = 0, depth = 0;
	bool is_good = true;

	*script = (struct script){ 0 };
	snprintf(script->path, sizeof(script->path), "%s", path);
	if (!file)
		return wrong(script, 0, "%s", strerror(errno));
	while (is_good && getline(&text, &size, file) >= 0)
		is_good = read_line(script, ++line, text);
	free(text);
	fclose(file);
	for (size_t i = 0; is_good && i < script->n_steps; i++) {
		depth += script->steps[i].kind == STEP_FOR;
		depth -= script->steps[i].kind == STEP_END;
		if (depth < 0 || depth > 1)
			is_good = wrong(script, script->steps[i].line, "loops do not nest");
	}
	if (is_good && depth)
		is_good = wrong(script, line, "a loop without its end");
	if (is_good && script->n_steps == 0)
		is_good = wrong(script, line, "no steps");
	return is_good;
}

void script_fini(struct script *script)
{
	for (size_t i = 0; i < script->n_steps; i++) {
		struct step *step = &script->steps[i];

		text_fini(&step->tx);
		text_fini(&step->payload);
		for (size_t n = 0; n < step->n_chunks; n++)
			text_fini(&step->chunks[n]);
		free(step->chunks);
	}
	free(script->steps);
	*script = (struct script){ 0 };
}

bool script_is_unlike(const struct script *script, const char *target)
{
	for (size_t i = 0; i < script->n_unlike; i++) {
		if (!strcmp(script->unlike[i], target))
			return true;
	}
	return false;
}
