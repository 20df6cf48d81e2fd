/* SPDX-License-Identifier: MIT */
#include "tests/differ/compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/differ/facts.h"
#include "tests/support/inbox.h"
#include "tests/support/text.h"

enum { TEXT_MAX = 4096, SHOWN_MAX = 700 };

/* One client's stream taken apart. */
struct sorted {
	const struct kept **replies, **events; /* owned; what they point to is borrowed */
	size_t *positions;                     /* owned; replies before each event */
	size_t n_replies, n_events;
};

struct comparison {
	struct book *book;
	struct side *sides;
	const struct diff_step *step;
	compare_fn report;
	void *arg;
	uint32_t facts[N_REQUESTS_MAX]; /* of each request, when its turn came */
	bool is_over;
};

static void sort_out(struct sorted *sorted, const struct stream *stream)
{
	*sorted = (struct sorted){
		.replies = text_alloc(stream->n * sizeof(struct kept *)),
		.events = text_alloc(stream->n * sizeof(struct kept *)),
		.positions = text_alloc(stream->n * sizeof(size_t)),
	};
	for (size_t i = 0; i < stream->n; i++) {
		const struct kept *message = &stream->messages[i];

		if (message->header.type != XSP_WATCH_EVENT) {
			sorted->replies[sorted->n_replies++] = message;
			continue;
		}
		sorted->positions[sorted->n_events] = sorted->n_replies;
		sorted->events[sorted->n_events++] = message;
	}
}

static void sorted_fini(struct sorted *sorted)
{
	free(sorted->replies);
	free(sorted->events);
	free(sorted->positions);
}

static void show_kept(char *out, size_t size, const struct kept *kept)
{
	struct message message = { kept->header, kept->payload };

	message_show(out, size, &message);
}

static bool is_same(const struct kept *a, const struct kept *b)
{
	return a->header.type == b->header.type && a->header.len == b->header.len &&
	       !memcmp(a->payload, b->payload, a->header.len);
}

static int compare_kept(const void *a, const void *b)
{
	const struct kept *x = *(const struct kept *const *)a;
	const struct kept *y = *(const struct kept *const *)b;

	if (x->header.len != y->header.len)
		return x->header.len < y->header.len ? -1 : 1;
	return memcmp(x->payload, y->payload, x->header.len);
}

static const char *reply_name(const struct kept *reply)
{
	if (reply->header.type == XSP_ERROR)
		return reply->payload;
	return reply->header.len == 3 && !memcmp(reply->payload, "OK", 3) ? "OK" : "fine";
}

static void tell(struct comparison *comparison, const struct difference *difference,
		 const char *text)
{
	if (!comparison->is_over && !comparison->report(comparison->arg, difference, text))
		comparison->is_over = true;
}

/* What is known of a request from its bytes and from the conversation before it. */
static uint32_t all_facts(const struct comparison *comparison, const struct request *request)
{
	uint32_t facts = facts_of_request(request);
	const struct book_slot *slot = NULL;

	if (request->slot >= 0)
		slot = &comparison->book->slots[comparison->step->client][request->slot];
	if (slot && slot->is_live) {
		facts |= FACT_IN_TX;
		if (comparison->book->n_changes != slot->began)
			facts |= FACT_CHANGED;
		if (slot->has_written)
			facts |= FACT_WROTE;
	} else if (slot || request->tx) {
		facts |= FACT_BAD_TX;
	}
	if (comparison->step->n_requests > 1)
		facts |= FACT_BURST;
	return facts;
}

static bool echoes(const struct kept *reply, const struct request *request, uint32_t id,
		   const struct side_client *client)
{
	uint32_t tx = request->slot >= 0 ? client->tx[request->slot] : request->tx;

	return (reply->header.type == request->type || reply->header.type == XSP_ERROR) &&
	       reply->header.req_id == id && reply->header.tx_id == tx;
}

static void compare_reply(struct comparison *comparison, int index, const struct kept *a,
			  const struct kept *b)
{
	const struct request *request = &comparison->step->requests[index];
	struct difference difference = { .kind = KIND_REPLY, .type = request->type, .more = -1 };
	const struct kept *replies[2] = { a, b };
	char text[TEXT_MAX], shown[2][SHOWN_MAX];
	bool has_echo = true;

	difference.facts = comparison->facts[index];
	for (int i = 0; i < 2; i++) {
		const struct side_client *client =
			&comparison->sides[i].clients[comparison->step->client];

		difference.reply[i] = reply_name(replies[i]);
		if (!echoes(replies[i], request, (uint32_t)index + 1, client))
			has_echo = false;
		show_kept(shown[i], sizeof(shown[i]), replies[i]);
	}
	snprintf(text, sizeof(text), "%s: %s\n    %s: %s", comparison->sides[0].name, shown[0],
		 comparison->sides[1].name, shown[1]);
	if (!has_echo) {
		difference.kind = KIND_ECHO;
		tell(comparison, &difference, text);
	}
	if (is_same(a, b))
		return;
	difference.kind = KIND_REPLY;
	difference.facts |= facts_of_replies(a, b);
	tell(comparison, &difference, text);
}

/* The request to which a step's events are put down: its first that can cause any. -1: none. */
static int cause(const struct diff_step *step)
{
	for (int i = 0; i < step->n_requests; i++) {
		switch (step->requests[i].type) {
		case XSP_WRITE:
		case XSP_MKDIR:
		case XSP_RM:
		case XSP_SET_PERMS:
		case XSP_TRANSACTION_END:
		case XSP_WATCH:
			return i;
		default:
			break;
		}
	}
	return step->n_requests ? 0 : -1;
}

static void show_events(char *out, size_t size, const struct sorted *sorted)
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < sorted->n_events && len + 64 < size; i++) {
		char shown[256];

		text_show(shown, sizeof(shown), sorted->events[i]->payload,
			  sorted->events[i]->header.len);
		len += (size_t)snprintf(out + len, size - len, "%s%s@%zu", i ? ", " : "", shown,
					sorted->positions[i]);
		len = len < size ? len : size - 1;
	}
}

/* Removes what is there twice from a sorted list; returns how many are left. */
static size_t unique(const struct kept **list, size_t n)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		if (left == 0 || compare_kept(&list[left - 1], &list[i]) != 0)
			list[left++] = list[i];
	}
	return left;
}

static bool is_same_list(const struct kept **a, size_t n_a, const struct kept **b, size_t n_b)
{
	if (n_a != n_b)
		return false;
	for (size_t i = 0; i < n_a; i++) {
		if (!is_same(a[i], b[i]))
			return false;
	}
	return true;
}

/* How two lists of events differ; KIND_COUNT if they do not. Sorts both. */
static enum kind kind_of_events(struct sorted *a, struct sorted *b)
{
	size_t n_a = a->n_events, n_b = b->n_events;

	if (is_same_list(a->events, n_a, b->events, n_b)) {
		if (n_a && memcmp(a->positions, b->positions, n_a * sizeof(size_t)) != 0)
			return KIND_POSITION;
		return KIND_COUNT;
	}
	qsort(a->events, n_a, sizeof(void *), compare_kept);
	qsort(b->events, n_b, sizeof(void *), compare_kept);
	if (is_same_list(a->events, n_a, b->events, n_b))
		return KIND_ORDER;
	n_a = unique(a->events, n_a);
	n_b = unique(b->events, n_b);
	return is_same_list(a->events, n_a, b->events, n_b) ? KIND_REPEAT : KIND_EVENTS;
}

static bool has_long_event(const struct sorted *sorted)
{
	for (size_t i = 0; i < sorted->n_events; i++) {
		if (sorted->events[i]->header.len > XSP_PAYLOAD_MAX)
			return true;
	}
	return false;
}

static void compare_events(struct comparison *comparison, int client, struct sorted *a,
			   struct sorted *b)
{
	int index = cause(comparison->step);
	struct difference difference = { .reply = { "", "" }, .more = -1 };
	char text[TEXT_MAX], shown[2][SHOWN_MAX];

	show_events(shown[0], sizeof(shown[0]), a);
	show_events(shown[1], sizeof(shown[1]), b);
	if (has_long_event(a) || has_long_event(b))
		difference.facts |= FACT_LONG_REPLY;
	if (a->n_events != b->n_events)
		difference.more = a->n_events > b->n_events ? 0 : 1;
	difference.kind = kind_of_events(a, b);
	if (difference.kind == KIND_COUNT)
		return;
	difference.type =
		index < 0 ? (uint32_t)XSP_TYPE_COUNT : comparison->step->requests[index].type;
	/* Which request of a burst it was does not show. */
	for (int i = 0; i < comparison->step->n_requests; i++)
		difference.facts |= comparison->facts[i];
	snprintf(text, sizeof(text), "events of s%d: %s: %s\n    %s: %s", client + 1,
		 comparison->sides[0].name, shown[0], comparison->sides[1].name, shown[1]);
	tell(comparison, &difference, text);
}

/* Whether both sides ended the step alike; what a dead server did not send is no difference. */
static bool compare_end(struct comparison *comparison, int client, const struct stream *a,
			const struct stream *b)
{
	int index = cause(comparison->step);
	struct difference difference = { .kind = KIND_CLOSED, .reply = { "", "" }, .more = -1 };
	char text[256];

	if (a->is_closed == b->is_closed && a->is_silent == b->is_silent)
		return true;
	difference.type =
		index < 0 ? (uint32_t)XSP_TYPE_COUNT : comparison->step->requests[index].type;
	for (int i = 0; i < comparison->step->n_requests; i++)
		difference.facts |= comparison->facts[i];
	difference.more = a->is_closed || a->is_silent ? 1 : 0;
	snprintf(text, sizeof(text), "s%d: %s: %s\n    %s: %s", client + 1,
		 comparison->sides[0].name,
		 a->is_closed   ? "closed"
		 : a->is_silent ? "silent"
				: "open",
		 comparison->sides[1].name,
		 b->is_closed   ? "closed"
		 : b->is_silent ? "silent"
				: "open");
	tell(comparison, &difference, text);
	return false;
}

static bool is_change(uint32_t type)
{
	return type == XSP_WRITE || type == XSP_MKDIR || type == XSP_RM || type == XSP_SET_PERMS;
}

static void note_start(struct comparison *comparison, const struct request *request,
		       const struct kept *const replies[2])
{
	int client = comparison->step->client;

	if (request->new_slot < 0 || replies[0]->header.type == XSP_ERROR ||
	    replies[1]->header.type == XSP_ERROR)
		return;
	for (int i = 0; i < 2; i++)
		comparison->sides[i].clients[client].tx[request->new_slot] =
			(uint32_t)strtoul(replies[i]->payload, NULL, 10);
	comparison->book->slots[client][request->new_slot] =
		(struct book_slot){ .is_live = true, .began = comparison->book->n_changes };
}

/* Keeps the book: what a request did on at least one side. */
static void note(struct comparison *comparison, const struct request *request,
		 const struct kept *const replies[2])
{
	struct book *book = comparison->book;
	struct book_slot *slots = book->slots[comparison->step->client];
	bool is_done = replies[0]->header.type != XSP_ERROR || replies[1]->header.type != XSP_ERROR;
	struct book_slot *slot = request->slot >= 0 ? &slots[request->slot] : NULL;

	if (request->type == XSP_TRANSACTION_START)
		note_start(comparison, request, replies);
	if (request->type == XSP_RESET_WATCHES && is_done)
		memset(slots, 0, sizeof(book->slots[0]));
	if (is_change(request->type) && is_done) {
		if (slot && slot->is_live)
			slot->has_written = true;
		else
			book->n_changes++;
	}
	if (request->type == XSP_TRANSACTION_END && slot && slot->is_live &&
	    !(facts_of_request(request) & FACT_SHAPE)) {
		if (slot->has_written && is_done && request->payload[0] == 'T') {
			book->n_merges += book->n_changes != slot->began;
			book->n_changes++;
		}
		slot->is_live = false;
	}
}

static void compare_client(struct comparison *comparison, int index)
{
	const struct stream *a = &comparison->sides[0].clients[index].stream;
	const struct stream *b = &comparison->sides[1].clients[index].stream;
	struct sorted sorted[2];
	size_t n;

	sort_out(&sorted[0], a);
	sort_out(&sorted[1], b);
	n = sorted[0].n_replies < sorted[1].n_replies ? sorted[0].n_replies : sorted[1].n_replies;
	if (index == comparison->step->client) {
		for (int i = 0; i < comparison->step->n_requests; i++) {
			const struct kept *replies[2];

			comparison->facts[i] =
				all_facts(comparison, &comparison->step->requests[i]);
			if (i >= (int)n)
				continue;
			replies[0] = sorted[0].replies[i];
			replies[1] = sorted[1].replies[i];
			compare_reply(comparison, i, replies[0], replies[1]);
			note(comparison, &comparison->step->requests[i], replies);
		}
	}
	if (compare_end(comparison, index, a, b))
		compare_events(comparison, index, &sorted[0], &sorted[1]);
	sorted_fini(&sorted[0]);
	sorted_fini(&sorted[1]);
}

void compare_step(struct book *book, struct side sides[2], const struct diff_step *step,
		  compare_fn report, void *arg)
{
	struct comparison comparison = {
		.book = book, .sides = sides, .step = step, .report = report, .arg = arg
	};

	if (step->action == STEP_CLOSE_CLIENT)
		memset(book->slots[step->client], 0, sizeof(book->slots[0]));
	/* The replies first: where they part the stores, the events must differ, too. */
	compare_client(&comparison, step->client);
	for (int i = 0; i < sides[0].n_clients; i++) {
		if (i != step->client)
			compare_client(&comparison, i);
	}
}
