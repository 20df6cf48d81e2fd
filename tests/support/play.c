/* SPDX-License-Identifier: MIT */
#include "tests/support/play.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/player.h"

enum { FIRST_REQUEST_ID = 0x1001 };

static bool build(struct player *player, const struct text *text, char **out_bytes, size_t *out_len)
{
	*out_bytes = text_build(text, &player->variables, out_len);
	return *out_bytes ? true : player_broken(player, "a variable has no value yet");
}

static bool build_number(struct player *player, const struct text *text, uint32_t *out_number)
{
	char *bytes, digits[16];
	size_t len;

	if (!build(player, text, &bytes, &len))
		return false;
	snprintf(digits, sizeof(digits), "%.*s", len < 15 ? (int)len : 15, bytes);
	free(bytes);
	*out_number = (uint32_t)strtoul(digits, NULL, 0);
	return true;
}

static bool play_request(struct player *player, struct player_client *client)
{
	const struct step *step = player->step;
	struct xsp_header header = { .type = step->type };
	char *payload;
	size_t len;
	bool is_sent;

	header.req_id = step->has_req_id ? step->req_id : player->next_id++;
	if (!build_number(player, &step->tx, &header.tx_id) ||
	    !build(player, &step->payload, &payload, &len))
		return false;
	header.len = (uint32_t)len;
	is_sent = player_request(player, client, &header, payload);
	free(payload);
	return is_sent;
}

static bool play_raw(struct player *player, struct player_client *client)
{
	const struct step *step = player->step;
	bool is_sent = true;
	char *bytes;
	size_t len;

	for (size_t i = 0; is_sent && i < step->n_chunks; i++) {
		if (!build(player, &step->chunks[i], &bytes, &len))
			return false;
		is_sent = player_deliver(player, client, bytes, len);
		free(bytes);
		if (is_sent && i + 1 < step->n_chunks)
			is_sent = player_settle(player);
	}
	return is_sent;
}

static bool compare(struct player *player, const struct message *message,
		    const struct xsp_header *header, const struct text *payload, const char *wanted)
{
	char shown[1400];
	const struct xsp_header *got = &message->header;

	if (got->type == header->type && got->req_id == header->req_id &&
	    got->tx_id == header->tx_id &&
	    text_match(payload, &player->variables, message->payload, got->len))
		return true;
	message_show(shown, sizeof(shown), message);
	return player_broken(player, "%s: got %s, expected %s", player_client_name(player), shown,
			     wanted);
}

/* The expectation as text, variables by their names. */
static void show_wanted(const struct player *player, const struct xsp_header *header,
			const struct text *payload, char *out, size_t size)
{
	struct message message = { .header = *header };
	char *bytes;
	size_t len;

	bytes = text_build(payload, &player->variables, &len);
	message.header.len = bytes ? (uint32_t)len : 0;
	message.payload = bytes ? bytes : "";
	message_show(out, size, &message);
	if (!bytes)
		snprintf(out + strlen(out), size - strlen(out), " (with a new variable)");
	free(bytes);
}

static bool play_reply(struct player *player, struct player_client *client)
{
	const struct step *step = player->step;
	struct pending *pending = client->first;
	struct text error = { 0 };
	struct xsp_header header;
	struct message message;
	char wanted[1400];
	bool is_right;

	if (!pending)
		return player_broken(player, "%s has no request without its reply",
				     player_client_name(player));
	header = pending->header;
	client->first = pending->next;
	if (!client->first)
		client->last = &client->first;
	free(pending);
	if (step->is_error) {
		char name[32];
		size_t len;
		char *bytes = text_build(&step->payload, &player->variables, &len);

		header.type = XSP_ERROR;
		snprintf(name, sizeof(name), "%.*s|", (int)len, bytes);
		free(bytes);
		text_parse(&error, name);
	}
	show_wanted(player, &header, step->is_error ? &error : &step->payload, wanted,
		    sizeof(wanted));
	is_right = player_next(player, client, wanted, &message) &&
		   compare(player, &message, &header, step->is_error ? &error : &step->payload,
			   wanted);
	text_fini(&error);
	return is_right;
}

static bool play_message(struct player *player, struct player_client *client)
{
	const struct step *step = player->step;
	struct xsp_header header = { .type = step->type, .req_id = step->req_id };
	struct message message;
	char wanted[1400];

	if (!build_number(player, &step->tx, &header.tx_id))
		return false;
	show_wanted(player, &header, &step->payload, wanted, sizeof(wanted));
	return player_next(player, client, wanted, &message) &&
	       compare(player, &message, &header, &step->payload, wanted);
}

static bool play_quiet(struct player *player, struct player_client *client)
{
	struct message message;
	bool is_closed;
	size_t len;
	char shown[1400];

	if (!player_settle(player))
		return false;
	do {
		if (!player_receive(player, client, TARGET_NOW, &len, &is_closed))
			return false;
	} while (len);
	if (inbox_next(&client->inbox, &message)) {
		message_show(shown, sizeof(shown), &message);
		return player_broken(player, "%s: got %s, expected nothing more",
				     player_client_name(player), shown);
	}
	if (inbox_rest(&client->inbox))
		return player_broken(player,
				     "%s: got %zu bytes of a message, expected nothing more",
				     player_client_name(player), inbox_rest(&client->inbox));
	if (is_closed)
		return player_broken(player, "%s: closed by the server",
				     player_client_name(player));
	return true;
}

static bool play_closed(struct player *player, struct player_client *client)
{
	struct message message;
	bool is_closed = false;
	size_t len = 1;
	char shown[1400];

	while (!is_closed && len) {
		if (!player_receive(player, client, TARGET_WAIT, &len, &is_closed))
			return false;
	}
	if (inbox_next(&client->inbox, &message)) {
		message_show(shown, sizeof(shown), &message);
		return player_broken(player, "%s: got %s, expected the end",
				     player_client_name(player), shown);
	}
	return is_closed ? true
			 : player_broken(player, "%s: still open", player_client_name(player));
}

static bool play_end_of_client(struct player *player, struct player_client *client,
			       enum target_end how)
{
	int err = player->target->ops->end(player->target, client->handle, how);

	if (err)
		return player_target_failed(player, err);
	if (how == TARGET_BOTH)
		player_forget(client);
	return true;
}

static bool play_flush(struct player *player, struct player_client *client)
{
	struct inbox held = client->held;
	bool is_sent;

	client->is_holding = false;
	client->held = (struct inbox){ 0 };
	is_sent = player_deliver(player, client, held.bytes, held.len);
	inbox_fini(&held);
	return is_sent;
}

static bool play_peek(struct player *player, struct player_client *client)
{
	uint32_t word;
	int err;

	if (!player_settle(player))
		return false;
	err = player->target->ops->peek(player->target, client->handle, player->step->first, &word);
	if (err)
		return player_target_failed(player, err);
	if (word != player->step->last)
		return player_broken(player, "%s: the word at %u is %u, expected %u",
				     player_client_name(player), player->step->first, word,
				     player->step->last);
	return true;
}

/* A domain as the toolstack makes it: created, then introduced by a client nobody sees. */
static bool play_domain(struct player *player)
{
	struct target *target = player->target;
	struct player_client client = { 0 };
	struct xsp_header header = { .type = XSP_INTRODUCE, .req_id = 1 };
	struct message message;
	char payload[64];
	bool is_right;
	int err;

	err = target->ops->host(target, TARGET_CREATE, player->step->first);
	if (!err)
		err = target->ops->open(target, TARGET_SOCKET, &client.handle);
	if (err)
		return player_target_failed(player, err);
	client.last = &client.first;
	header.len = (uint32_t)snprintf(payload, sizeof(payload), "%u%c%s%c%s", player->step->first,
					0, target->gfn, 0, target->port) +
		     1;
	is_right = player_request(player, &client, &header, payload) &&
		   player_next(player, &client, "OK", &message);
	if (is_right && message.header.type != XSP_INTRODUCE)
		is_right = player_broken(player, "domain %u could not be introduced: %.*s",
					 player->step->first, (int)message.header.len,
					 message.payload);
	target->ops->end(target, client.handle, TARGET_BOTH);
	player_forget(&client);
	return is_right;
}

static bool play_outside(struct player *player)
{
	const struct step *step = player->step;
	struct target *target = player->target;
	int err;

	switch (step->kind) {
	case STEP_HOST:
		err = target->ops->host(target, (enum target_host)step->first, step->last);
		break;
	case STEP_TIME:
		err = target->ops->advance(target, step->first);
		break;
	default:
		return play_domain(player);
	}
	return err ? player_target_failed(player, err) : true;
}

static bool play_step(struct player *player)
{
	const struct step *step = player->step;
	struct player_client *client;
	int err;

	if (step->kind == STEP_HOST || step->kind == STEP_TIME || step->kind == STEP_DOMAIN)
		return play_outside(player);
	client = player_open(player, step->client);
	if (!client)
		return false;
	switch (step->kind) {
	case STEP_REQUEST:
		return play_request(player, client);
	case STEP_RAW:
		return play_raw(player, client);
	case STEP_REPLY:
		return play_reply(player, client);
	case STEP_MESSAGE:
		return play_message(player, client);
	case STEP_QUIET:
		return play_quiet(player, client);
	case STEP_CLOSED:
		return play_closed(player, client);
	case STEP_CLOSE:
		return play_end_of_client(player, client, TARGET_BOTH);
	case STEP_SHUTDOWN:
		return play_end_of_client(player, client, TARGET_WRITING);
	case STEP_SPLIT:
		client->split = step->first;
		return true;
	case STEP_HOLD:
		client->is_holding = true;
		return true;
	case STEP_FLUSH:
		return play_flush(player, client);
	case STEP_STALL:
	case STEP_READ:
		err = player->target->ops->stall(player->target, client->handle,
						 step->kind == STEP_STALL ? TARGET_STALLS
									  : TARGET_READS);
		return err ? player_target_failed(player, err) : true;
	case STEP_POKE:
		err = player->target->ops->poke(player->target, client->handle, step->first,
						step->last);
		return err ? player_target_failed(player, err) : true;
	case STEP_PEEK:
		return play_peek(player, client);
	default:
		return true;
	}
}

static bool play_steps(struct player *player)
{
	const struct script *script = player->script;
	size_t loop = 0;
	uint32_t turn = 0;

	for (size_t i = 0; i < script->n_steps; i++) {
		char digits[16];

		player->step = &script->steps[i];
		if (player->step->kind == STEP_END) {
			if (turn == script->steps[loop].last)
				continue;
			turn++;
			i = loop;
		} else if (player->step->kind == STEP_FOR) {
			loop = i;
			turn = player->step->first;
		} else {
			if (!play_step(player))
				return false;
			continue;
		}
		snprintf(digits, sizeof(digits), "%u", turn);
		text_variable_set(&player->variables, script->steps[loop].name, digits,
				  strlen(digits));
	}
	return true;
}

/* What nobody asked for must not have come, and every reply must have been looked at. */
static bool play_last(struct player *player)
{
	const struct step *before = player->step;
	struct step last = { .line = before ? before->line : 0 };
	bool has_held = true;

	player->step = &last;
	for (size_t i = 0; has_held && i < player->script->n_clients; i++) {
		struct player_client *client = &player->clients[i];

		last.client = i;
		if (!client->is_open || client->is_closed)
			continue;
		if (client->first)
			has_held = player_broken(player, "%s: a reply was never looked at",
						 player_client_name(player));
		else
			has_held = play_quiet(player, client);
	}
	player->step = before;
	return has_held;
}

enum play_result play(const struct script *script, struct target *target, char why[PLAY_WHY_MAX])
{
	struct player player = {
		.script = script, .target = target, .next_id = FIRST_REQUEST_ID, .why = why
	};
	bool has_held;
	int err;

	why[0] = target->why[0] = '\0';
	if (script->needs & ~target->can) {
		snprintf(why, PLAY_WHY_MAX, "%s knows no%s%s%s%s%s", target->name,
			 script->needs & ~target->can & TARGET_CAN_GUESTS ? " guests" : "",
			 script->needs & ~target->can & TARGET_CAN_HOST ? " domains" : "",
			 script->needs & ~target->can & TARGET_CAN_TIME ? " clock" : "",
			 script->needs & ~target->can & TARGET_CAN_RING ? " ring" : "",
			 script->needs & ~target->can & TARGET_CAN_STALL ? " stalling" : "");
		return PLAY_SKIPPED;
	}
	if (target->gfn)
		text_variable_set(&player.variables, "gfn", target->gfn, strlen(target->gfn));
	if (target->port)
		text_variable_set(&player.variables, "port", target->port, strlen(target->port));
	err = target->ops->start(target);
	has_held = err ? player_target_failed(&player, err)
		       : play_steps(&player) && play_last(&player);
	err = target->ops->stop(target);
	if (err && has_held)
		has_held = player_target_failed(&player, err);
	else if (err)
		snprintf(why + strlen(why), PLAY_WHY_MAX - strlen(why), " (%s)", target->why);
	for (size_t i = 0; i < SCRIPT_CLIENTS_MAX; i++)
		player_forget(&player.clients[i]);
	text_variables_fini(&player.variables);
	return has_held ? PLAY_HELD : PLAY_BROKEN;
}
