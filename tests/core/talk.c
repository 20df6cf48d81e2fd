/* SPDX-License-Identifier: MIT */
#include "tests/core/talk.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/text.h"

static char reply_text[2 * TALK_TEXT_MAX];

void talk_begin(struct talker *talker, struct fake_conn *conn)
{
	*talker = (struct talker){ .conn = conn };
}

void talk_end(struct talker *talker)
{
	inbox_fini(&talker->inbox);
}

static void wrong(const char *request, const char *why)
{
	fprintf(stderr, "%s: %s\n", request, why);
	abort();
}

static uint32_t type_of(const char *name, size_t len)
{
	for (uint32_t type = 0; type < XSP_TYPE_COUNT; type++) {
		const char *known = xsp_type_name(type);

		if (known && strlen(known) == len && !memcmp(known, name, len))
			return type;
	}
	return (uint32_t)strtoul(name, NULL, 10);
}

void say(struct talker *talker, const char *request)
{
	size_t name_len = strcspn(request, "[ "), len;
	const char *rest = request + name_len, *why;
	struct xsp_header header = { .type = type_of(request, name_len) };
	struct text_variables none = { .n = 0 };
	struct text text = { 0 };
	char head[XSP_HEADER_SIZE], *payload;

	if (*rest == '[') {
		header.tx_id = (uint32_t)strtoul(rest + 1, NULL, 10);
		rest += strcspn(rest, " ");
	}
	why = text_parse(&text, *rest ? rest + 1 : "");
	if (why)
		wrong(request, why);
	payload = text_build(&text, &none, &len);
	header.len = (uint32_t)len;
	header.req_id = ++talker->next_id;
	xsp_header_put(head, &header);
	fake_send(talker->conn, head, sizeof(head));
	fake_send(talker->conn, payload, len);
	talker->n_unanswered++;
	free(payload);
	text_fini(&text);
}

void sayf(struct talker *talker, const char *format, ...)
{
	char request[2 * TALK_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(request, sizeof(request), format, args);
	va_end(args);
	say(talker, request);
}

static void collect(struct talker *talker)
{
	char bytes[8192];
	size_t n;

	fake_settle(talker->conn->fake);
	while ((n = fake_receive(talker->conn, bytes, sizeof(bytes))) > 0) {
		inbox_add(&talker->inbox, bytes, n);
		fake_settle(talker->conn->fake);
	}
}

/* Takes messages until one is of the kind that is wanted. */
static bool take(struct talker *talker, struct message *message)
{
	while (inbox_next(&talker->inbox, message)) {
		char *text;

		if (message->header.type != XSP_WATCH_EVENT)
			return true;
		if (talker->n_events == TALK_EVENTS_MAX)
			wrong("event", "too many to keep");
		text = talker->events[talker->n_events++];
		text_show(text, sizeof(talker->events[0]), message->payload, message->header.len);
	}
	return false;
}

const char *hear(struct talker *talker)
{
	struct message message;

	collect(talker);
	if (!take(talker, &message))
		return talker->conn->client && !talker->conn->is_failed ? "" : "closed";
	talker->n_unanswered--;
	if (message.header.type == XSP_ERROR)
		snprintf(reply_text, sizeof(reply_text), "!%.*s", (int)message.header.len,
			 message.payload);
	else
		text_show(reply_text, sizeof(reply_text), message.payload, message.header.len);
	return reply_text;
}

const char *talk(struct talker *talker, const char *request)
{
	if (!talker->conn->client || talker->conn->is_failed)
		return "closed";
	say(talker, request);
	return hear(talker);
}

const char *talkf(struct talker *talker, const char *format, ...)
{
	char request[2 * TALK_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(request, sizeof(request), format, args);
	va_end(args);
	return talk(talker, request);
}

const char *event(struct talker *talker)
{
	static char text[sizeof(talker->events[0])];
	struct message message;

	collect(talker);
	if (talker->n_events == 0 && take(talker, &message))
		wrong("event", "a reply came first");
	if (talker->n_events == 0)
		return "";
	memcpy(text, talker->events[0], sizeof(text));
	talker->n_events--;
	memmove(talker->events[0], talker->events[1], talker->n_events * sizeof(text));
	return text;
}

void talk_introduce(struct talker *talker, unsigned domid)
{
	const char *reply;

	fake_domain_create(talker->conn->fake, domid);
	reply = talkf(talker, "INTRODUCE %u|0|5|", domid);
	if (strcmp(reply, "OK|") != 0)
		wrong("INTRODUCE", reply);
}
