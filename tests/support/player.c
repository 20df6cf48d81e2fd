/* SPDX-License-Identifier: MIT */
#include "tests/support/player.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/play.h"

bool player_broken(struct player *player, const char *format, ...)
{
	char text[PLAY_WHY_MAX - 512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(player->why, PLAY_WHY_MAX, "%.255s:%d: %s", player->script->path,
		 player->step ? player->step->line : 0, text);
	return false;
}

bool player_target_failed(struct player *player, int err)
{
	return player_broken(player, "%s",
			     player->target->why[0] ? player->target->why : strerror(err));
}

const char *player_client_name(const struct player *player)
{
	return player->script->clients[player->step->client].name;
}

bool player_settle(struct player *player)
{
	int err = player->target->ops->settle(player->target);

	return err ? player_target_failed(player, err) : true;
}

struct player_client *player_open(struct player *player, size_t index)
{
	struct player_client *client = &player->clients[index];
	int err;

	if (client->is_open)
		return client;
	err = player->target->ops->open(player->target, player->script->clients[index].domid,
					&client->handle);
	if (err) {
		player_target_failed(player, err);
		return NULL;
	}
	client->is_open = true;
	client->is_closed = false;
	client->last = &client->first;
	return client;
}

bool player_deliver(struct player *player, struct player_client *client, const void *bytes,
		    size_t len)
{
	const char *at = bytes;
	int err;

	if (client->is_holding) {
		inbox_add(&client->held, bytes, len);
		return true;
	}
	while (len) {
		size_t n = client->split && client->split < len ? client->split : len;

		err = player->target->ops->send(player->target, client->handle, at, n);
		if (err)
			return player_target_failed(player, err);
		at += n;
		len -= n;
		if (client->split && !player_settle(player))
			return false;
	}
	return true;
}

bool player_receive(struct player *player, struct player_client *client, enum target_wait wait,
		    size_t *out_len, bool *out_closed)
{
	char bytes[8192];
	int err;

	*out_len = 0;
	*out_closed = client->is_closed;
	if (client->is_closed)
		return true;
	err = player->target->ops->receive(player->target, client->handle, wait, bytes,
					   sizeof(bytes), out_len);
	if (err == EPIPE) {
		client->is_closed = *out_closed = true;
		return true;
	}
	if (err)
		return player_target_failed(player, err);
	inbox_add(&client->inbox, bytes, *out_len);
	return true;
}

bool player_next(struct player *player, struct player_client *client, const char *wanted,
		 struct message *out_message)
{
	bool is_closed;
	size_t len;

	while (!inbox_next(&client->inbox, out_message)) {
		if (!player_receive(player, client, TARGET_WAIT, &len, &is_closed))
			return false;
		if (is_closed)
			return player_broken(player, "%s: closed, expected %s",
					     player_client_name(player), wanted);
		if (len == 0)
			return player_broken(player, "%s: nothing came, expected %s",
					     player_client_name(player), wanted);
	}
	return true;
}

static void expect_reply(struct player_client *client, const struct xsp_header *header)
{
	struct pending *pending = text_alloc(sizeof(*pending));

	*pending = (struct pending){ .header = *header };
	*client->last = pending;
	client->last = &pending->next;
}

bool player_request(struct player *player, struct player_client *client,
		    const struct xsp_header *header, const char *payload)
{
	char *bytes = text_alloc(XSP_HEADER_SIZE + header->len);
	bool is_sent;

	xsp_header_put(bytes, header);
	if (header->len)
		memcpy(bytes + XSP_HEADER_SIZE, payload, header->len);
	expect_reply(client, header);
	is_sent = player_deliver(player, client, bytes, XSP_HEADER_SIZE + header->len);
	free(bytes);
	return is_sent;
}

void player_forget(struct player_client *client)
{
	while (client->first) {
		struct pending *next = client->first->next;

		free(client->first);
		client->first = next;
	}
	inbox_fini(&client->inbox);
	inbox_fini(&client->held);
	*client = (struct player_client){ 0 };
}
