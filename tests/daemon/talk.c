/* SPDX-License-Identifier: MIT */
#include "tests/daemon/talk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/daemon/home.h"
#include "tests/support/check.h"
#include "tests/support/sock.h"

enum {
	/* Little enough for the socket buffers to hold it while nobody reads. */
	BATCH_BYTES = 32768,
	BATCH_REQUESTS = 200,
};

void talk_open_at(struct talk *talk, const char *path)
{
	int err;

	*talk = (struct talk){ .fd = -1 };
	err = sock_connect(path, SOCK_PATIENCE_MS, &talk->fd);
	if (err)
		CHECK_FAIL("%s: %s", path, strerror(err));
}

void talk_open(struct talk *talk, const struct home *home)
{
	talk_open_at(talk, home->socket);
}

void talk_close(struct talk *talk)
{
	close(talk->fd);
	talk->fd = -1;
	inbox_fini(&talk->inbox);
}

static uint32_t send_in(struct talk *talk, uint32_t tx_id, uint32_t type, const void *payload,
			size_t len)
{
	struct xsp_header header = {
		.type = type,
		.req_id = ++talk->last_id,
		.tx_id = tx_id,
		.len = (uint32_t)len,
	};
	char bytes[XSP_MESSAGE_MAX];
	int err;

	CHECK(len <= XSP_PAYLOAD_MAX);
	xsp_header_put(bytes, &header);
	if (len)
		memcpy(bytes + XSP_HEADER_SIZE, payload, len);
	err = sock_send(talk->fd, bytes, XSP_HEADER_SIZE + len);
	if (err)
		CHECK_FAIL("sending: %s", strerror(err));
	return header.req_id;
}

uint32_t talk_send(struct talk *talk, uint32_t type, const void *payload, size_t len)
{
	return send_in(talk, 0, type, payload, len);
}

/* Receives something. False: closed, or nothing came in time. */
static bool receive(struct talk *talk, int patience_ms, bool *out_closed)
{
	char bytes[65536];
	size_t len;
	int err = sock_receive(talk->fd, patience_ms, bytes, sizeof(bytes), &len);

	*out_closed = err == EPIPE;
	if (err && err != EPIPE)
		CHECK_FAIL("receiving: %s", strerror(err));
	inbox_add(&talk->inbox, bytes, len);
	return len > 0;
}

bool talk_next(struct talk *talk, struct message *out_message)
{
	bool is_closed;

	while (!inbox_next(&talk->inbox, out_message)) {
		if (receive(talk, SOCK_PATIENCE_MS, &is_closed))
			continue;
		if (!is_closed)
			CHECK_FAIL("the server does not answer");
		return false;
	}
	return true;
}

bool talk_has_message(struct talk *talk, int patience_ms)
{
	struct message message;
	bool is_closed;
	size_t start, len;

	for (;;) {
		start = talk->inbox.start;
		len = talk->inbox.len;
		if (inbox_next(&talk->inbox, &message)) {
			/* Only looked at: it is taken by talk_next(). */
			talk->inbox.start = start;
			talk->inbox.len = len;
			return true;
		}
		if (!receive(talk, patience_ms, &is_closed))
			return false;
	}
}

void talk_await_close(struct talk *talk)
{
	struct message message;

	while (talk_next(talk, &message))
		;
}

const char *talk_reply(struct talk *talk)
{
	struct message message;
	size_t len;

	do {
		if (!talk_next(talk, &message))
			CHECK_FAIL("the server has closed the connection");
		len = message.header.len;
		if (message.header.type == XSP_WATCH_EVENT)
			talk->n_events++;
	} while (message.header.type == XSP_WATCH_EVENT);
	CHECK(len < sizeof(talk->text));
	talk->type = message.header.type;
	for (size_t i = 0; i < len; i++)
		talk->text[i] = message.payload[i] ? message.payload[i] : '|';
	/* An error is its bare name. */
	if (message.header.type == XSP_ERROR && len)
		len--;
	talk->text[len] = '\0';
	return talk->text;
}

/* Replies to what was sent as one piece. */
static void take_replies(struct talk *talk, size_t first, size_t end, talk_told_fn *told, void *arg)
{
	for (size_t i = first; i < end; i++) {
		talk_reply(talk);
		if (told)
			told(arg, i, talk->text);
		else if (talk->type == XSP_ERROR)
			CHECK_FAIL("request %zu: %s", i, talk->text);
	}
}

void talk_many(struct talk *talk, size_t n, talk_make_fn *make, talk_told_fn *told, void *arg)
{
	static char bytes[BATCH_BYTES + XSP_MESSAGE_MAX];
	size_t first = 0, len = 0;
	struct xsp_header header;
	int err;

	for (size_t i = 0; i < n; i++) {
		header = (struct xsp_header){ .req_id = ++talk->last_id };
		header.len = (uint32_t)make(arg, i, &header.type, bytes + len + XSP_HEADER_SIZE);
		CHECK(header.len <= XSP_PAYLOAD_MAX);
		xsp_header_put(bytes + len, &header);
		len += XSP_HEADER_SIZE + header.len;
		if (len < BATCH_BYTES && i + 1 - first < BATCH_REQUESTS && i + 1 < n)
			continue;
		err = sock_send(talk->fd, bytes, len);
		if (err)
			CHECK_FAIL("sending: %s", strerror(err));
		take_replies(talk, first, i + 1, told, arg);
		first = i + 1;
		len = 0;
	}
}

const char *talk_ask_in(struct talk *talk, uint32_t tx_id, enum xsp_type type, const char *payload)
{
	char bytes[XSP_PAYLOAD_MAX];
	size_t len = strlen(payload);

	CHECK(len <= sizeof(bytes));
	for (size_t i = 0; i < len; i++)
		bytes[i] = payload[i];
	for (size_t i = 0; i < len; i++)
		bytes[i] = bytes[i] == '|' ? '\0' : bytes[i];
	send_in(talk, tx_id, type, bytes, len);
	return talk_reply(talk);
}

const char *talk_ask(struct talk *talk, enum xsp_type type, const char *payload)
{
	return talk_ask_in(talk, 0, type, payload);
}

void talk_write(struct talk *talk, const char *path, const char *value)
{
	char payload[XSP_PAYLOAD_MAX];

	snprintf(payload, sizeof(payload), "%s|%s", path, value);
	CHECK_STR(talk_ask(talk, XSP_WRITE, payload), "OK|");
}

int talk_peer_pid(const struct talk *talk)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	CHECK_INT(getsockopt(talk->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len), 0);
	return peer.pid;
}
