/* SPDX-License-Identifier: MIT */
#include "xenstored/core/outbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/errname.h"

enum { TRIM_SIZE = 64 * 1024 };
#include "xenstored/core/outstanding.h"

struct outbox_message {
	struct map_link link; /* in outbox.events, if it is an event that merges */
	TAILQ_ENTRY(outbox_message) entry;
	enum outbox_kind kind;
	size_t offset; /* of its header, from the head of the bytes at `base` */
	size_t len;
	uint64_t expires_ms;
	struct charge memory;
	struct outstanding *cause;
};

struct content {
	const struct outbox *outbox;
	const struct outbox_post *post;
};

static bool is_event(enum outbox_kind kind)
{
	return kind == OUTBOX_EVENT || kind == OUTBOX_STORE_EVENT;
}

static uint8_t *bytes_of(const struct outbox *outbox, const struct outbox_message *message)
{
	return outbox->bytes.bytes + message->offset;
}

static bool is_same_content(const struct map_link *link, const void *arg)
{
	const struct outbox_message *message = (const struct outbox_message *)link;
	const struct content *content = arg;
	const struct outbox_post *post = content->post;
	const uint8_t *payload = bytes_of(content->outbox, message) + XSP_HEADER_SIZE;

	return message->len == XSP_HEADER_SIZE + post->first_len + post->second_len &&
	       !memcmp(payload, post->first, post->first_len) &&
	       !memcmp(payload + post->first_len, post->second, post->second_len);
}

static uint64_t content_hash(const struct outbox *outbox, const struct outbox_post *post)
{
	return map_hash(map_hash(outbox->events.seed, post->first, post->first_len), post->second,
			post->second_len);
}

void outbox_init(struct outbox *outbox, struct ledger *ledger, uint64_t seed)
{
	*outbox = (struct outbox){ .ledger = ledger };
	TAILQ_INIT(&outbox->messages);
	map_init(&outbox->events, seed);
}

/* What a client without limits has not read waits for ever. */
static size_t lasting(const struct outbox *outbox, const struct outbox_message *message)
{
	return outbox->ledger->is_limited ? 0 : message->len;
}

static void message_remove(struct outbox *outbox, struct outbox_message *message)
{
	TAILQ_REMOVE(&outbox->messages, message, entry);
	outbox->n_messages--;
	if (is_event(message->kind))
		map_remove(&outbox->events, &message->link);
	charge_drop(&message->memory);
	outstanding_release(message->cause, lasting(outbox, message));
	if (outbox->spare)
		free(message);
	else
		outbox->spare = message;
}

void outbox_fini(struct outbox *outbox)
{
	struct outbox_message *message;

	while ((message = TAILQ_FIRST(&outbox->messages)))
		message_remove(outbox, message);
	free(outbox->spare);
	map_fini(&outbox->events);
	buf_fini(&outbox->bytes);
}

/* An empty queue that was long gives its memory back. */
static void trim(struct outbox *outbox)
{
	if (outbox->n_messages > 0 || outbox->bytes.size <= TRIM_SIZE)
		return;
	buf_fini(&outbox->bytes);
	map_fini(&outbox->events);
}

static struct outbox_message *message_new(struct outbox *outbox)
{
	struct outbox_message *message = outbox->spare;

	outbox->spare = NULL;
	if (!message)
		message = malloc(sizeof(*message));
	if (message)
		*message = (struct outbox_message){ 0 };
	return message;
}

/* Says of each message where it lies now. */
static void lay_out(struct outbox *outbox)
{
	struct outbox_message *message;
	size_t offset = outbox->bytes.head;

	TAILQ_FOREACH (message, &outbox->messages, entry) {
		message->offset = offset;
		offset += message->len;
	}
}

static int append(struct outbox *outbox, const struct outbox_post *post, size_t len,
		  size_t *out_offset)
{
	uint8_t *space = buf_space(&outbox->bytes, len);
	struct outbox_message *first;

	if (!space)
		return -ENOMEM;
	/* Making room may have moved the content to the front. */
	first = TAILQ_FIRST(&outbox->messages);
	if (first && first->offset != outbox->bytes.head)
		lay_out(outbox);
	*out_offset = outbox->bytes.tail;
	xsp_header_put(space, &post->header);
	space += XSP_HEADER_SIZE;
	if (post->first_len)
		memcpy(space, post->first, post->first_len);
	if (post->second_len)
		memcpy(space + post->first_len, post->second, post->second_len);
	buf_added(&outbox->bytes, len);
	return 0;
}

/* Charges a message whatever the quota says. */
static void charge_anyway(struct outbox *outbox, struct outbox_message *message, size_t len)
{
	ledger_adjust(outbox->ledger, QUOTA_MEMORY, (int64_t)len);
	message->memory = (struct charge){ outbox->ledger, QUOTA_MEMORY, (uint32_t)len };
}

/*
 * What does not fit a quota is refused, but for small replies: without them nobody could give
 * anything back. Their number is limited otherwise.
 */
static int charge(struct outbox *outbox, struct outbox_message *message, enum outbox_kind kind,
		  size_t len)
{
	int err = charge_take(&message->memory, outbox->ledger, QUOTA_MEMORY, (uint32_t)len);

	if (!err || len > OUTBOX_SMALL_REPLY ||
	    (kind != OUTBOX_REPLY && kind != OUTBOX_STORE_REPLY))
		return err;
	charge_anyway(outbox, message, len);
	return 0;
}

int outbox_post(struct outbox *outbox, const struct outbox_post *post)
{
	size_t len = XSP_HEADER_SIZE + post->first_len + post->second_len;
	struct content content = { outbox, post };
	struct outbox_message *message;
	uint64_t hash = 0;
	int err;

	if (is_event(post->kind)) {
		hash = content_hash(outbox, post);
		if (outbox->events.n && map_find(&outbox->events, hash, is_same_content, &content))
			return 0;
	}
	message = message_new(outbox);
	if (!message)
		return -ENOMEM;
	err = charge(outbox, message, post->kind, len);
	if (!err)
		err = append(outbox, post, len, &message->offset);
	if (err) {
		charge_drop(&message->memory);
		free(message);
		return err;
	}
	message->kind = post->kind;
	message->len = len;
	message->expires_ms = post->expires_ms;
	message->cause = post->cause;
	outstanding_hold(message->cause, lasting(outbox, message));
	TAILQ_INSERT_TAIL(&outbox->messages, message, entry);
	outbox->n_messages++;
	if (!outbox->first_new)
		outbox->first_new = message;
	if (is_event(post->kind))
		map_add(&outbox->events, &message->link, hash);
	return 0;
}

bool outbox_release(struct outbox *outbox)
{
	bool is_more = outbox->first_new != NULL;

	outbox->first_new = NULL;
	outbox->visible = buf_len(&outbox->bytes);
	return is_more;
}

void outbox_settle(struct outbox *outbox)
{
	struct outbox_message *message = outbox->first_new;

	for (; message; message = TAILQ_NEXT(message, entry)) {
		if (message->kind == OUTBOX_STORE_REPLY)
			message->kind = OUTBOX_REPLY;
		else if (message->kind == OUTBOX_STORE_EVENT)
			message->kind = OUTBOX_EVENT;
	}
}

/* Appends to `fresh` what is left of a message of a turn that failed. */
static int recall_message(struct outbox *outbox, struct outbox_message *message, int err,
			  struct buf *fresh)
{
	const char *name = xsp_errname(err);
	size_t name_size = strlen(name) + 1;
	struct xsp_header header;
	uint8_t *space;

	if (message->kind != OUTBOX_STORE_REPLY) {
		space = buf_space(fresh, message->len);
		if (!space)
			return -ENOMEM;
		memcpy(space, bytes_of(outbox, message), message->len);
		buf_added(fresh, message->len);
		return 0;
	}
	space = buf_space(fresh, XSP_HEADER_SIZE + name_size);
	if (!space)
		return -ENOMEM;
	xsp_header_get(&header, bytes_of(outbox, message));
	header.type = XSP_ERROR;
	header.len = (uint32_t)name_size;
	xsp_header_put(space, &header);
	memcpy(space + XSP_HEADER_SIZE, name, name_size);
	message->len = XSP_HEADER_SIZE + name_size;
	message->kind = OUTBOX_REPLY;
	charge_drop(&message->memory);
	charge_anyway(outbox, message, message->len);
	buf_added(fresh, message->len);
	return 0;
}

int outbox_recall(struct outbox *outbox, int err)
{
	struct outbox_message *message = outbox->first_new, *next;
	struct buf fresh = { 0 };
	size_t kept;
	uint8_t *space;
	int trouble = 0;

	if (!message)
		return 0;
	kept = message->offset - outbox->bytes.head;
	for (; message && !trouble; message = next) {
		next = TAILQ_NEXT(message, entry);
		if (message->kind == OUTBOX_STORE_EVENT) {
			if (message == outbox->first_new)
				outbox->first_new = next;
			message_remove(outbox, message);
			continue;
		}
		trouble = recall_message(outbox, message, err, &fresh);
	}
	buf_truncate(&outbox->bytes, kept);
	space = trouble ? NULL : buf_space(&outbox->bytes, buf_len(&fresh));
	if (space && buf_len(&fresh)) {
		memcpy(space, buf_head(&fresh), buf_len(&fresh));
		buf_added(&outbox->bytes, buf_len(&fresh));
	}
	buf_fini(&fresh);
	if (!space)
		return -ENOMEM;
	lay_out(outbox);
	return 0;
}

size_t outbox_peek(const struct outbox *outbox, const uint8_t **out_bytes)
{
	*out_bytes = NULL;
	if (outbox->visible == outbox->sent)
		return 0;
	*out_bytes = buf_head(&outbox->bytes) + outbox->sent;
	return outbox->visible - outbox->sent;
}

void outbox_sent(struct outbox *outbox, size_t len)
{
	struct outbox_message *message;

	outbox->sent += len;
	/* A message leaves the queue whole: what is equal to it can be found until then. */
	while ((message = TAILQ_FIRST(&outbox->messages)) && outbox->sent >= message->len) {
		outbox->sent -= message->len;
		outbox->visible -= message->len;
		buf_taken(&outbox->bytes, message->len);
		message_remove(outbox, message);
	}
	trim(outbox);
}

uint64_t outbox_expire(struct outbox *outbox, uint64_t now_ms)
{
	struct outbox_message *message, *next;
	uint8_t *head = buf_head(&outbox->bytes);
	size_t len = buf_len(&outbox->bytes), kept = 0, rest;
	uint64_t deadline = UINT64_MAX;

	/* What stays moves up behind what stayed before it: once, however much is dropped. */
	for (message = TAILQ_FIRST(&outbox->messages); message; message = next) {
		bool is_begun = message == TAILQ_FIRST(&outbox->messages) && outbox->sent > 0;

		next = TAILQ_NEXT(message, entry);
		if (message->expires_ms > now_ms) {
			deadline = message->expires_ms;
			break;
		}
		if (message->expires_ms == 0 || is_begun) {
			memmove(head + kept, bytes_of(outbox, message), message->len);
			kept += message->len;
			continue;
		}
		outbox->visible -= message->len;
		message_remove(outbox, message);
	}
	/* All behind it came later. */
	rest = message ? outbox->bytes.tail - message->offset : 0;
	if (kept + rest == len)
		return deadline;
	if (rest > 0)
		memmove(head + kept, bytes_of(outbox, message), rest);
	buf_truncate(&outbox->bytes, kept + rest);
	lay_out(outbox);
	trim(outbox);
	return deadline;
}

size_t outbox_len(const struct outbox *outbox)
{
	return buf_len(&outbox->bytes) - outbox->sent;
}
