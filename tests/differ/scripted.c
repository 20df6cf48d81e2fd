/* SPDX-License-Identifier: MIT */
#include "tests/differ/scripted.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/script.h"
#include "tests/support/target.h"
#include "tests/support/text.h"

struct slot_name {
	char name[TEXT_NAME_MAX];
	int slot;
};

struct reader {
	const struct script *script;
	struct conversation *conversation;
	struct text_variables variables; /* of the loops */
	struct slot_name slots[TEXT_VARIABLES_MAX];
	size_t n_slots;
	bool is_holding[SCRIPT_CLIENTS_MAX];
	size_t held[SCRIPT_CLIENTS_MAX]; /* the step that collects */
};

static bool unfit(struct reader *reader, const char *what)
{
	snprintf(reader->conversation->why, sizeof(reader->conversation->why), "%s", what);
	return false;
}

static struct diff_step *new_step(struct reader *reader, int client)
{
	struct conversation *conversation = reader->conversation;
	struct diff_step *step;

	conversation->steps = text_grow(conversation->steps,
					(conversation->n_steps + 1) * sizeof(struct diff_step));
	step = &conversation->steps[conversation->n_steps++];
	*step = (struct diff_step){ .client = client };
	return step;
}

static int find_slot(const struct reader *reader, const char *name)
{
	for (size_t i = 0; i < reader->n_slots; i++) {
		if (!strcmp(reader->slots[i].name, name))
			return reader->slots[i].slot;
	}
	return -1;
}

/* The name under which a script keeps the number that this START is answered with, or NULL. */
static const char *captured_name(const struct script *script, size_t at)
{
	const struct step *start = &script->steps[at];

	for (size_t i = at + 1; i < script->n_steps; i++) {
		const struct step *step = &script->steps[i];

		if (step->kind != STEP_REPLY || step->client != start->client)
			continue;
		if (step->payload.n_pieces == 2 && step->payload.pieces[0].name[0] &&
		    strcmp(step->payload.pieces[0].name, "_") != 0)
			return step->payload.pieces[0].name;
		return NULL;
	}
	return NULL;
}

static int new_slot(struct reader *reader, const char *name)
{
	struct slot_name *slot;

	if (!name || text_variable_find(&reader->variables, name) ||
	    reader->n_slots == TEXT_VARIABLES_MAX)
		return -1;
	slot = &reader->slots[reader->n_slots];
	snprintf(slot->name, sizeof(slot->name), "%s", name);
	slot->slot = (int)(reader->n_slots++ % N_SLOTS);
	return slot->slot;
}

static bool read_request(struct reader *reader, size_t at)
{
	const struct step *from = &reader->script->steps[at];
	struct diff_step *step;
	struct request *request;
	uint32_t tx = 0;
	char *bytes;
	size_t len;
	int slot = -1;

	if (from->tx.n_pieces == 1 && from->tx.pieces[0].name[0])
		slot = find_slot(reader, from->tx.pieces[0].name);
	if (slot < 0) {
		bytes = text_build(&from->tx, &reader->variables, &len);
		if (!bytes)
			return unfit(reader, "a transaction without a number");
		bytes = text_grow(bytes, len + 1);
		bytes[len] = '\0';
		tx = (uint32_t)strtoul(bytes, NULL, 0);
		free(bytes);
	}
	bytes = text_build(&from->payload, &reader->variables, &len);
	if (!bytes)
		return unfit(reader, "a payload that depends on a reply");
	if (reader->is_holding[from->client])
		step = &reader->conversation->steps[reader->held[from->client]];
	else
		step = new_step(reader, (int)from->client);
	if (step->n_requests == N_REQUESTS_MAX)
		step = new_step(reader, (int)from->client);
	request = step_add(step, from->type, slot, tx, bytes, len);
	free(bytes);
	if (from->type == XSP_TRANSACTION_START && slot < 0)
		request->new_slot = new_slot(reader, captured_name(reader->script, at));
	return true;
}

static bool read_step(struct reader *reader, size_t at)
{
	const struct step *from = &reader->script->steps[at];

	switch (from->kind) {
	case STEP_REQUEST:
		return read_request(reader, at);
	case STEP_CLOSE:
		new_step(reader, (int)from->client)->action = STEP_CLOSE_CLIENT;
		return true;
	case STEP_HOLD:
		reader->is_holding[from->client] = true;
		new_step(reader, (int)from->client);
		reader->held[from->client] = reader->conversation->n_steps - 1;
		return true;
	case STEP_FLUSH:
		reader->is_holding[from->client] = false;
		return true;
	case STEP_RAW:
	case STEP_SHUTDOWN:
	case STEP_CLOSED:
		return unfit(reader, "raw bytes or a half-closed client");
	default:
		return true;
	}
}

static bool read_steps(struct reader *reader)
{
	const struct script *script = reader->script;
	size_t loop = 0;
	uint32_t turn = 0;

	for (size_t i = 0; i < script->n_steps; i++) {
		const struct step *step = &script->steps[i];
		char digits[16];

		if (step->kind != STEP_FOR && step->kind != STEP_END) {
			if (!read_step(reader, i))
				return false;
			continue;
		}
		if (step->kind == STEP_END && turn == script->steps[loop].last)
			continue;
		turn = step->kind == STEP_FOR ? step->first : turn + 1;
		loop = step->kind == STEP_FOR ? i : loop;
		i = loop;
		snprintf(digits, sizeof(digits), "%u", turn);
		text_variable_set(&reader->variables, script->steps[loop].name, digits,
				  strlen(digits));
	}
	return true;
}

bool scripted_read(struct conversation *conversation, const char *path)
{
	struct script script;
	struct reader reader = { .script = &script, .conversation = conversation };
	bool is_good;

	*conversation = (struct conversation){ 0 };
	is_good = script_read(&script, path);
	if (!is_good)
		unfit(&reader, script.why);
	else if (script.needs || script.n_clients > N_CLIENTS)
		is_good = unfit(&reader, "guests");
	else
		is_good = read_steps(&reader);
	text_variables_fini(&reader.variables);
	script_fini(&script);
	return is_good;
}

void scripted_fini(struct conversation *conversation)
{
	for (size_t i = 0; i < conversation->n_steps; i++)
		step_fini(&conversation->steps[i]);
	free(conversation->steps);
	conversation->steps = NULL;
	conversation->n_steps = 0;
}
