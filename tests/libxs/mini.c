/* SPDX-License-Identifier: MIT */
#include "tests/libxs/mini.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/errname.h"
#include "protocol/framer.h"
#include "tests/libxs/mini_inside.h"
#include "tests/libxs/peer.h"

/* ---- messages out ---- */

static void send_message(struct mini *mini, int client, struct xsp_header header,
			 const void *payload)
{
	uint8_t message[XSP_MESSAGE_MAX];
	size_t len = XSP_HEADER_SIZE + header.len, chunk = mini->options.chunk;
	int fd = mini->clients[client].fd;

	xsp_header_put(message, &header);
	memcpy(message + XSP_HEADER_SIZE, payload, header.len);
	for (size_t at = 0; at < len && fd >= 0; at += chunk ? chunk : len) {
		size_t rest = len - at;

		if (!peer_send_bytes(fd, message + at, chunk && chunk < rest ? chunk : rest))
			return;
	}
}

static void fire(struct mini *mini, const char *path)
{
	struct xsp_body body;

	for (size_t i = 0; i < WATCHES_MAX; i++) {
		const struct mini_watch *watch = &mini->watches[i];
		int below = watch->client < 0 ? -1 : mini_levels(watch->path, path);

		if (below < 0 || (watch->depth >= 0 && below > watch->depth))
			continue;
		xsp_body_reset(&body);
		xsp_body_string(&body, path);
		xsp_body_string(&body, watch->token);
		send_message(
			mini, watch->client,
			(struct xsp_header){ .type = XSP_WATCH_EVENT, .len = (uint32_t)body.len },
			body.bytes);
	}
}

/* ---- the loop ---- */

static void answer(struct mini *mini, int client, const struct xsp_header *header,
		   const char *payload)
{
	struct mini_turn turn = { .mini = mini, .client = client, .header = *header };
	const char *cursor = payload, *error;
	int err;

	turn.payload = payload;
	turn.end = payload + header->len;
	while (turn.n_strings < 8 &&
	       (turn.strings[turn.n_strings] = xsp_next_string(&cursor, turn.end)))
		turn.n_strings++;
	if (header->type < XSP_TYPE_COUNT)
		mini->counts[header->type]++;
	err = mini_run(&turn);
	if (err) {
		error = xsp_errname(err);
		turn.header.type = XSP_ERROR;
		turn.header.len = (uint32_t)strlen(error) + 1;
		send_message(mini, client, turn.header, error);
		return;
	}
	turn.header.len = (uint32_t)turn.reply.len;
	send_message(mini, client, turn.header, turn.reply.bytes);
	if (header->type == XSP_WATCH) {
		struct xsp_header event = { .type = XSP_WATCH_EVENT };

		event.len = (uint32_t)(strlen(turn.strings[0]) + strlen(turn.strings[1]) + 2);
		send_message(mini, client, event, payload);
	}
	if (turn.changed[0])
		fire(mini, turn.changed);
}

static void hang_up(struct mini *mini, int client)
{
	close(mini->clients[client].fd);
	mini->clients[client].fd = -1;
	mini->clients[client].n_in = 0;
	for (size_t i = 0; i < WATCHES_MAX; i++) {
		if (mini->watches[i].client == client)
			mini->watches[i].client = -1;
	}
}

static void serve(struct mini *mini, int number)
{
	struct mini_client *client = &mini->clients[number];
	struct xsp_header header;
	size_t at = 0;
	ssize_t got = recv(client->fd, client->in + client->n_in, IN_SIZE - client->n_in, 0);

	if (got <= 0) {
		hang_up(mini, number);
		return;
	}
	client->n_in += (size_t)got;
	while (xsp_frame_next(client->in + at, client->n_in - at, &header) == XSP_FRAME_WHOLE) {
		answer(mini, number, &header, (char *)client->in + at + XSP_HEADER_SIZE);
		at += XSP_HEADER_SIZE + header.len;
	}
	memmove(client->in, client->in + at, client->n_in - at);
	client->n_in -= at;
}

static void welcome(struct mini *mini)
{
	int fd = accept4(mini->listener, NULL, NULL, SOCK_CLOEXEC);

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (mini->clients[i].fd < 0) {
			mini->clients[i].fd = fd;
			return;
		}
	}
	close(fd);
}

static void *run(void *arg)
{
	struct mini *mini = arg;
	struct pollfd fds[CLIENTS_MAX + 2];

	for (;;) {
		for (size_t i = 0; i < CLIENTS_MAX; i++)
			fds[i] = (struct pollfd){ .fd = mini->clients[i].fd, .events = POLLIN };
		fds[CLIENTS_MAX] = (struct pollfd){ .fd = mini->listener, .events = POLLIN };
		fds[CLIENTS_MAX + 1] = (struct pollfd){ .fd = mini->wake[0], .events = POLLIN };
		poll(fds, CLIENTS_MAX + 2, -1);
		if (fds[CLIENTS_MAX + 1].revents) {
			char order = 'q';

			if (read(mini->wake[0], &order, 1) < 0 || order == 'q')
				return NULL;
			for (int i = 0; i < CLIENTS_MAX; i++) {
				if (mini->clients[i].fd >= 0)
					hang_up(mini, i);
			}
			continue;
		}
		pthread_mutex_lock(&mini->lock);
		for (int i = 0; i < CLIENTS_MAX; i++) {
			if (fds[i].revents)
				serve(mini, i);
		}
		if (fds[CLIENTS_MAX].revents)
			welcome(mini);
		pthread_mutex_unlock(&mini->lock);
	}
}

struct mini *mini_start(const struct mini_options *options)
{
	struct mini *mini = calloc(1, sizeof(*mini));

	mini->options = *options;
	pthread_mutex_init(&mini->lock, NULL);
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		mini->clients[i].fd = -1;
		mini->clients[i].in = malloc(IN_SIZE);
	}
	for (size_t i = 0; i < WATCHES_MAX; i++)
		mini->watches[i].client = -1;
	mini_create(mini, "/");
	mini->directory = peer_make_directory();
	mini->listener = peer_listen(mini->directory, mini->path, sizeof(mini->path));
	if (pipe(mini->wake) < 0 || pthread_create(&mini->thread, NULL, run, mini) != 0)
		abort();
	return mini;
}

static void order(struct mini *mini, char what)
{
	if (write(mini->wake[1], &what, 1) != 1)
		abort();
}

void mini_disconnect(struct mini *mini)
{
	order(mini, 'd');
}

unsigned mini_count(struct mini *mini, unsigned type)
{
	unsigned count;

	pthread_mutex_lock(&mini->lock);
	count = mini->counts[type];
	pthread_mutex_unlock(&mini->lock);
	return count;
}

void mini_stop(struct mini *mini)
{
	order(mini, 'q');
	pthread_join(mini->thread, NULL);
	for (int i = 0; i < CLIENTS_MAX; i++) {
		if (mini->clients[i].fd >= 0)
			hang_up(mini, i);
		free(mini->clients[i].in);
	}
	mini_drop(mini, "/");
	free(mini->nodes);
	close(mini->listener);
	close(mini->wake[0]);
	close(mini->wake[1]);
	peer_remove_directory(mini->directory, mini->path);
	pthread_mutex_destroy(&mini->lock);
	free(mini);
}
