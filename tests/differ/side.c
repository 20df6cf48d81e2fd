/* SPDX-License-Identifier: MIT */
#include "tests/differ/side.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/sock.h"
#include "tests/support/text.h"

enum {
	SYNC_ID = 0xfffe0001, /* the request id of the question that closes a step */
	PATIENCE_MS = 5000,
	DEPTH_MAX = 2000,
};

static bool failed(struct side *side, const char *what, int err)
{
	snprintf(side->why, sizeof(side->why), "%s: %s: %s", side->name, what, strerror(err));
	return false;
}

static void stream_fini(struct stream *stream)
{
	for (size_t i = 0; i < stream->n; i++)
		free(stream->messages[i].payload);
	free(stream->messages);
	*stream = (struct stream){ 0 };
}

static void client_close(struct side_client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
	inbox_fini(&client->inbox);
	stream_fini(&client->stream);
	memset(client->tx, 0, sizeof(client->tx));
}

static bool client_open(struct side *side, struct side_client *client)
{
	int err;

	client_close(client);
	err = sock_connect(side->path, PATIENCE_MS, &client->fd);
	return err ? failed(side, side->path, err) : true;
}

void side_close(struct side *side)
{
	for (int i = 0; i < N_CLIENTS; i++)
		client_close(&side->clients[i]);
	client_close(&side->keeper);
}

/* Takes one message; false when the connection has ended or is silent. */
static bool take(struct side_client *client, struct message *out_message)
{
	char bytes[16384];
	size_t len;

	while (!inbox_next(&client->inbox, out_message)) {
		int err = sock_receive(client->fd, PATIENCE_MS, bytes, sizeof(bytes), &len);

		if (err || len == 0) {
			client->stream.is_closed = err != 0;
			client->stream.is_silent = err == 0;
			return false;
		}
		inbox_add(&client->inbox, bytes, len);
	}
	return true;
}

static void keep(struct stream *stream, const struct message *message)
{
	struct kept *kept;

	stream->messages = text_grow(stream->messages, (stream->n + 1) * sizeof(struct kept));
	kept = &stream->messages[stream->n++];
	kept->header = message->header;
	kept->payload = text_alloc(message->header.len + 1U);
	if (message->header.len)
		memcpy(kept->payload, message->payload, message->header.len);
	kept->payload[message->header.len] = '\0';
}

static int send_message(struct side_client *client, uint32_t type, uint32_t id, uint32_t tx,
			const void *payload, size_t len)
{
	struct xsp_header header = { type, id, tx, (uint32_t)len };
	char bytes[XSP_MESSAGE_MAX];

	xsp_header_put(bytes, &header);
	if (len)
		memcpy(bytes + XSP_HEADER_SIZE, payload, len);
	return sock_send(client->fd, bytes, XSP_HEADER_SIZE + len);
}

static void ask(struct side_client *client)
{
	if (send_message(client, XSP_GET_DOMAIN_PATH, SYNC_ID, 0, "0", 2))
		client->stream.is_closed = true;
}

/* Reads up to the answer to ask(), which is left out. */
static void read_stream(struct side_client *client)
{
	struct message message;

	while (!client->stream.is_closed && take(client, &message)) {
		if (message.header.type != XSP_WATCH_EVENT && message.header.req_id == SYNC_ID)
			return;
		keep(&client->stream, &message);
	}
}

/* Makes sure that the server has read what was sent before on another connection. */
static void probe(struct side *side)
{
	struct message message;

	for (int i = 0; i < 2; i++) {
		ask(&side->keeper);
		(void)take(&side->keeper, &message);
	}
}

static void send_step(struct side *side, struct side_client *client, const struct diff_step *step)
{
	struct inbox bytes = { 0 };
	size_t first;

	for (int i = 0; i < step->n_requests; i++) {
		const struct request *request = &step->requests[i];
		struct xsp_header header = { request->type, (uint32_t)i + 1, request->tx,
					     (uint32_t)request->len };
		char head[XSP_HEADER_SIZE];

		if (request->slot >= 0)
			header.tx_id = client->tx[request->slot];
		xsp_header_put(head, &header);
		inbox_add(&bytes, head, sizeof(head));
		inbox_add(&bytes, request->payload, request->len);
	}
	first = step->split > 0 && (size_t)step->split < bytes.len ? (size_t)step->split : 0;
	if (first) {
		(void)sock_send(client->fd, bytes.bytes, first);
		/* Xen's C server waits, deaf, for the payload of a header it has just read. */
		if (step->n_requests == 1 && first != XSP_HEADER_SIZE)
			probe(side);
	}
	if (sock_send(client->fd, bytes.bytes + first, bytes.len - first))
		client->stream.is_closed = true;
	inbox_fini(&bytes);
}

bool side_step(struct side *side, const struct diff_step *step)
{
	struct side_client *client = &side->clients[step->client];

	for (int i = 0; i < side->n_clients; i++)
		stream_fini(&side->clients[i].stream);
	if (step->action == STEP_CLOSE_CLIENT) {
		if (!client_open(side, client))
			return false;
	} else {
		send_step(side, client, step);
		ask(client);
		read_stream(client);
	}
	for (int i = 0; i < side->n_clients; i++) {
		if (i == step->client)
			continue;
		ask(&side->clients[i]);
		read_stream(&side->clients[i]);
	}
	return true;
}

/* A request of the keeper; the reply is valid until the next. Errors are replies, too. */
static bool talk(struct side *side, uint32_t type, const char *payload, size_t len,
		 struct message *out_reply)
{
	struct side_client *keeper = &side->keeper;

	if (send_message(keeper, type, 1, 0, payload, len) || !take(keeper, out_reply))
		return failed(side, "no answer to its own client", EIO);
	return true;
}

static bool tell(struct side *side, uint32_t type, const char *payload, size_t len)
{
	struct message reply;

	if (!talk(side, type, payload, len, &reply))
		return false;
	if (reply.header.type == XSP_ERROR) {
		snprintf(side->why, sizeof(side->why), "%s: %s %.100s: %.*s", side->name,
			 xsp_type_name(type), payload, (int)reply.header.len, reply.payload);
		return false;
	}
	return true;
}

/* The special nodes show up in the root of one server and are no children. */
static bool is_special(const char *name)
{
	return !strncmp(name, "@releaseDomain", 14) || !strncmp(name, "@introduceDomain", 16);
}

/* The children of a node, however many. */
struct names {
	char *bytes; /* owned; strings, one after the other */
	size_t len;
	const char **list; /* owned; in byte order */
	size_t n;
	bool is_missing; /* there is no such node */
};

static void names_fini(struct names *names)
{
	free(names->bytes);
	free(names->list);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_names(struct names *names, const char *bytes, size_t len)
{
	names->bytes = text_grow(names->bytes, names->len + len + 1);
	if (len)
		memcpy(names->bytes + names->len, bytes, len);
	names->len += len;
	names->bytes[names->len] = '\0';
}

/* A list too long for one reply, slice by slice: generation, names, an empty name at the end. */
static bool read_slices(struct side *side, const char *path, struct names *names)
{
	char payload[XSP_PAYLOAD_MAX];
	struct message reply;

	for (;;) {
		int len = snprintf(payload, sizeof(payload), "%s%c%zu", path, 0, names->len);
		size_t skip;

		if (!talk(side, XSP_DIRECTORY_PART, payload, (size_t)len + 1, &reply))
			return false;
		skip = strnlen(reply.payload, reply.header.len) + 1;
		if (reply.header.type == XSP_ERROR || reply.header.len <= skip)
			return failed(side, path, EPROTO);
		add_names(names, reply.payload + skip, reply.header.len - skip);
		if (names->len == 1 || !names->bytes[names->len - 2]) {
			names->len--;
			return true;
		}
	}
}

static bool read_names(struct side *side, const char *path, struct names *names)
{
	struct message reply;

	*names = (struct names){ 0 };
	if (!talk(side, XSP_DIRECTORY, path, strlen(path) + 1, &reply))
		return false;
	if (reply.header.type != XSP_ERROR)
		add_names(names, reply.payload, reply.header.len);
	else if (!memcmp(reply.payload, "ENOENT", reply.header.len < 7 ? reply.header.len : 7))
		names->is_missing = true;
	else if (!read_slices(side, path, names))
		return false;
	for (const char *at = names->bytes; at && at < names->bytes + names->len;
	     at += strlen(at) + 1) {
		if (is_special(at))
			continue;
		names->list = text_grow(names->list, (names->n + 1) * sizeof(char *));
		names->list[names->n++] = at;
	}
	if (names->n)
		qsort(names->list, names->n, sizeof(char *), compare_names);
	return true;
}

/* Removes the children of `path` but one. */
static bool clear(struct side *side, const char *path, const char *but)
{
	struct names names;
	bool is_done = read_names(side, path, &names);

	if (is_done && names.is_missing)
		is_done = tell(side, XSP_MKDIR, path, strlen(path) + 1);
	for (size_t i = 0; is_done && i < names.n; i++) {
		char child[XSP_PAYLOAD_MAX];

		if (!strcmp(names.list[i], but))
			continue;
		snprintf(child, sizeof(child), "%s/%s", strcmp(path, "/") ? path : "",
			 names.list[i]);
		is_done = tell(side, XSP_RM, child, strlen(child) + 1);
	}
	names_fini(&names);
	return is_done;
}

bool side_reset(struct side *side, int n_clients)
{
	static const char *const plain[] = { "/", "/tool", "/tool/xenstored" };
	static const char *const special[] = { "@releaseDomain", "@introduceDomain" };
	char payload[64];

	side_close(side);
	side->why[0] = '\0';
	side->n_clients = n_clients;
	for (int i = 0; i < n_clients; i++) {
		if (!client_open(side, &side->clients[i]))
			return false;
	}
	if (!client_open(side, &side->keeper) || !clear(side, "/", "tool") ||
	    !clear(side, "/tool", "xenstored") || !clear(side, "/tool/xenstored", ""))
		return false;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		size_t len = strlen(plain[i]) + 1;

		memcpy(payload, plain[i], len);
		memcpy(payload + len, "n0", 3);
		if (!tell(side, XSP_WRITE, payload, len) ||
		    !tell(side, XSP_SET_PERMS, payload, len + 3))
			return false;
	}
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
		size_t len = strlen(special[i]) + 1;

		memcpy(payload, special[i], len);
		memcpy(payload + len, "n0", 3);
		if (!tell(side, XSP_SET_PERMS, payload, len + 3))
			return false;
	}
	return true;
}

bool side_restart(struct side *side)
{
	side_close(side);
	if (!side->restart)
		return true;
	if (system(side->restart) == 0)
		return true;
	return failed(side, side->restart, EIO);
}

static bool dump_node(struct side *side, const char *path, int depth, struct inbox *out)
{
	static const uint32_t parts[] = { XSP_READ, XSP_GET_PERMS };
	struct message reply;
	struct names names;
	bool is_done;

	inbox_add(out, path, strlen(path));
	for (size_t i = 0; i < 2; i++) {
		char shown[512];

		if (!talk(side, parts[i], path, strlen(path) + 1, &reply))
			return false;
		text_show(shown, sizeof(shown), reply.payload, reply.header.len);
		inbox_add(out, " ", 1);
		inbox_add(out, shown, strlen(shown));
	}
	inbox_add(out, "\n", 1);
	is_done = read_names(side, path, &names);
	for (size_t i = 0; is_done && i < names.n && depth < DEPTH_MAX; i++) {
		size_t size = strlen(path) + strlen(names.list[i]) + 2;
		char *child = text_alloc(size);

		snprintf(child, size, "%s/%s", strcmp(path, "/") ? path : "", names.list[i]);
		is_done = dump_node(side, child, depth + 1, out);
		free(child);
	}
	names_fini(&names);
	return is_done;
}

char *side_dump(struct side *side)
{
	struct inbox out = { 0 };
	char *text;

	if (!dump_node(side, "/", 0, &out)) {
		inbox_fini(&out);
		return NULL;
	}
	inbox_add(&out, "", 1);
	text = text_alloc(out.len);
	memcpy(text, out.bytes + out.start, out.len);
	inbox_fini(&out);
	return text;
}
