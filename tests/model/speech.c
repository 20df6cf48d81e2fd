/* SPDX-License-Identifier: MIT */
#include "tests/model/speech.h"

#include <stdio.h>
#include <string.h>

void words_add(struct words *words, const char *word)
{
	size_t size = strlen(word) + 1;

	memcpy(words->bytes + words->len, word, size);
	words->len += size;
}

static const char *random_name(struct world *world)
{
	static char names[3][1200];

	if (!names[0][0]) {
		memset(names[0], 'L', 500);
		memset(names[1], 'L', 500);
		names[1][499] = 'M';
		memset(names[2], 'L', 1100);
	}
	if (world_chance(world, 2))
		return names[world_below(world, 3)];
	return (const char *const[]){ "a", "b", "c", "bb", "data" }[world_below(world, 5)];
}

static void random_path(struct world *world, bool may_be_special, char *out)
{
	static const char *const bad[] = { "", "/", "/a/", "a//b", "/a b", "@x y", "//", "a/" };
	const struct mtree *tree = &world->model.tree;
	unsigned depth = 1 + world_below(world, 3), kind = world_below(world, 100);

	if (kind < 2) {
		strcpy(out, bad[world_below(world, 8)]);
		return;
	}
	if (may_be_special && kind < 12) {
		strcpy(out, (const char *const[]){ "@introduceDomain", "@releaseDomain",
						   "@releaseDomain/2", "@introduceDomain/1",
						   "@foo" }[world_below(world, 5)]);
		return;
	}
	if (kind < 55) {
		const struct mnode *node = &tree->nodes[world_below(world, (unsigned)tree->n)];

		if (node->path[0] == '/' && strlen(node->path) < 1900) {
			strcpy(out, node->path);
			if (world_chance(world, 25) && node->path[1])
				sprintf(out + strlen(out), "/%s", random_name(world));
			return;
		}
	}
	out[0] = '\0';
	if (kind < 75)
		sprintf(out, "/local/domain/%u", 1 + world_below(world, GUESTS));
	for (unsigned i = 0; i < depth && strlen(out) < 2000; i++) {
		/* Without a slash in front it is relative. */
		if (i > 0 || kind < 90)
			strcat(out, "/");
		strcat(out, random_name(world));
	}
}

static void random_value(struct world *world, struct words *words)
{
	static const size_t lens[] = { 0, 1, 1, 1, 2, 40, 100, 130 };
	size_t len = lens[world_below(world, 8)];

	memset(words->bytes + words->len, (int)('0' + world_below(world, 3)), len);
	words->len += len;
}

static void random_perms(struct world *world, const struct mclient *client, struct words *words)
{
	static const unsigned domids[] = { 0, 1, 2, 3, 4, 5, 6, XSP_DOMID_ANY };
	unsigned n = 1 + world_below(world, world_chance(world, 90) ? 3 : 5);
	char text[16];

	for (unsigned i = 0; i < n; i++) {
		unsigned domid = domids[world_below(world, 8)];

		if (i == 0 && world_chance(world, 80))
			domid = client->domid ? client->domid : world_below(world, 4);
		snprintf(text, sizeof(text), "%c%u", "nrwb"[world_below(world, 4)], domid);
		words_add(words, world_chance(world, 1) ? "q1" : text);
	}
}

static uint32_t random_type(struct world *world, const struct mclient *client)
{
	static const struct {
		uint32_t type;
		unsigned weight;
		bool is_privileged;
	} types[] = {
		{ XSP_READ, 10, false },           { XSP_WRITE, 22, false },
		{ XSP_MKDIR, 6, false },           { XSP_RM, 9, false },
		{ XSP_DIRECTORY, 8, false },       { XSP_DIRECTORY_PART, 3, false },
		{ XSP_GET_PERMS, 5, false },       { XSP_SET_PERMS, 10, false },
		{ XSP_WATCH, 8, false },           { XSP_UNWATCH, 4, false },
		{ XSP_RESET_WATCHES, 1, false },   { XSP_TRANSACTION_START, 6, false },
		{ XSP_TRANSACTION_END, 6, false }, { XSP_INTRODUCE, 4, true },
		{ XSP_RELEASE, 1, true },          { XSP_RESUME, 2, true },
		{ XSP_SET_TARGET, 2, true },       { XSP_IS_DOMAIN_INTRODUCED, 1, true },
		{ XSP_SET_QUOTA, 2, true },        { 20, 1, false },
	};
	enum { N = sizeof(types) / sizeof(types[0]) };
	unsigned sum = 0, at;

	for (size_t i = 0; i < N; i++)
		sum += types[i].weight;
	at = world_below(world, sum);
	for (size_t i = 0; i < N; i++) {
		if (at < types[i].weight) {
			if (types[i].is_privileged && client->domid && world_chance(world, 90))
				return XSP_WRITE;
			return types[i].type;
		}
		at -= types[i].weight;
	}
	return XSP_READ;
}

static void add_domid(struct world *world, struct words *words)
{
	char text[8];

	snprintf(text, sizeof(text), "%u",
		 world_below(world, 25) ? 1 + world_below(world, GUESTS) : 0);
	words_add(words, text);
}

static void fill(struct world *world, const struct mclient *client, uint32_t type,
		 struct words *words)
{
	static char path[XSP_PATH_BUF + 1300];
	char text[16];

	random_path(world,
		    type == XSP_WATCH || type == XSP_UNWATCH || type == XSP_GET_PERMS ||
			    type == XSP_SET_PERMS,
		    path);
	switch (type) {
	case XSP_TRANSACTION_START:
	case XSP_RESET_WATCHES:
		return;
	case XSP_TRANSACTION_END:
		words_add(words, world_chance(world, 2)    ? "X"
				 : world_chance(world, 85) ? "T"
							   : "F");
		return;
	case XSP_RELEASE:
	case XSP_RESUME:
	case XSP_IS_DOMAIN_INTRODUCED:
		add_domid(world, words);
		return;
	case XSP_SET_TARGET:
		add_domid(world, words);
		add_domid(world, words);
		return;
	case XSP_INTRODUCE:
		add_domid(world, words);
		words_add(words, "0");
		words_add(words, world_chance(world, 95) ? "7" : "0");
		return;
	case XSP_SET_QUOTA:
		add_domid(world, words);
		words_add(words, (const char *const[]){ "nodes", "watches",
							"transactions" }[world_below(world, 3)]);
		snprintf(text, sizeof(text), "%u", world_below(world, 14));
		words_add(words, text);
		return;
	default:
		break;
	}
	words_add(words, path);
	if (type == XSP_WRITE)
		random_value(world, words);
	if (type == XSP_SET_PERMS)
		random_perms(world, client, words);
	if (type == XSP_DIRECTORY_PART) {
		snprintf(text, sizeof(text), "%u",
			 world_chance(world, 50) ? 0 : world_below(world, 12));
		words_add(words, text);
	}
	if (type == XSP_WATCH || type == XSP_UNWATCH) {
		words_add(words, (const char *const[]){ "t", "u", "" }[world_below(world, 3)]);
		snprintf(text, sizeof(text), "%u", world_below(world, 3));
		if (type == XSP_WATCH && world_chance(world, 40))
			words_add(words, text);
	}
}

/* Whether a request may be part of a step with several, or of a client that does not read. */
bool speech_is_simple(uint32_t type)
{
	return type != XSP_TRANSACTION_START && type != XSP_INTRODUCE && type != XSP_RELEASE &&
	       type != XSP_RESUME;
}

static void note_request(struct world *world, const struct sent *sent)
{
	struct message message = { .header = sent->header, .payload = sent->payload };
	char shown[300];

	message_show(shown, sizeof(shown), &message);
	world_note(world, "%c%u%s%s", sent->pair->client->is_socket ? 's' : 'd',
		   sent->pair->client->is_socket ? (unsigned)(sent->pair - world->pairs)
						 : sent->pair->client->domid,
		   sent->pair->client->is_reading ? "> " : " (not reading)> ", shown);
}

void speech_send(struct world *world, struct pair *pair, uint32_t type, uint32_t tx,
		 const struct words *words)
{
	struct sent *sent = &world->sent[world->n_sent++];
	uint8_t head[XSP_HEADER_SIZE];

	sent->pair = pair;
	sent->header = (struct xsp_header){
		.type = type,
		.req_id = ++world->next_id,
		.tx_id = tx,
		.len = (uint32_t)words->len,
	};
	memmove(sent->payload, words->bytes, words->len);
	xsp_header_put(head, &sent->header);
	fake_send(pair->conn, head, sizeof(head));
	fake_send(pair->conn, sent->payload, words->len);
	note_request(world, sent);
}

/* A random request of a client; `is_one` if it is the only one of the step. */
void speech_send_random(struct world *world, struct pair *pair, bool is_one)
{
	static char bytes[XSP_PAYLOAD_MAX * 2];
	struct words words = { .bytes = bytes };
	const struct mclient *client = pair->client;
	uint32_t type, tx = 0;

	do
		type = random_type(world, client);
	while ((!is_one && !speech_is_simple(type)) ||
	       (!client->is_reading && type == XSP_DIRECTORY_PART) ||
	       (client->n_txns == MODEL_TXNS_MAX && type == XSP_TRANSACTION_START) ||
	       (world->model.n_watches > MODEL_WATCHES_MAX && type == XSP_WATCH));
	if (client->n_txns && client->is_reading && world_chance(world, 60))
		tx = client->txns[world_below(world, (unsigned)client->n_txns)].id;
	if (type == XSP_TRANSACTION_START && tx && world_chance(world, 90))
		tx = 0;
	if (world_chance(world, 1))
		tx = 77;
	fill(world, client, type, &words);
	if (words.len > XSP_PAYLOAD_MAX || (!is_one && words.len > 600))
		words.len = 0;
	speech_send(world, pair, type, tx, &words);
}
