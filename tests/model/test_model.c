/* SPDX-License-Identifier: MIT */
/*
 * test_model [--steps N] [--seed S] [--seeds N] [--audit-every N] [--trace]
 *
 * Random requests of several clients, sockets and guests, with domains that come and go, against
 * the server in this process and against the model beside it. After each step every byte of every
 * client is compared, and the server's audit recounts everything. What is printed at a failure
 * leads to it again.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/errname.h"
#include "tests/model/model.h"
#include "tests/support/fake_host.h"
#include "tests/support/text.h"

enum {
	GUESTS = 4, /* domains 1 to 4 come and go; 5 is named now and then, 6 never exists */
	SOCKETS_MAX = 4,
	BATCH_MAX = 12,
	TREE_MAX = 120,
	HISTORY = 40,
	LINE = 400,
};

struct pair {
	struct mclient *client;
	struct fake_conn *conn;
	struct inbox got;
};

/* A request of this step. */
struct sent {
	struct pair *pair;
	struct xsp_header header;
	char payload[XSP_PAYLOAD_MAX];
};

struct world {
	struct fake fake;
	struct model model;
	struct pair pairs[MODEL_CLIENTS_MAX];
	struct sent sent[BATCH_MAX];
	size_t n_sent;
	uint64_t random, seed;
	unsigned long step;
	uint32_t next_id;
	bool is_traced;
	char lines[HISTORY][LINE];
	unsigned long n_lines;
};

static void note_line(struct world *world, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void note_line(struct world *world, const char *format, ...)
{
	char *line = world->lines[world->n_lines++ % HISTORY];
	va_list args;
	int at = snprintf(line, LINE, "%lu: ", world->step);

	va_start(args, format);
	vsnprintf(line + at, (size_t)(LINE - at), format, args);
	va_end(args);
	if (world->is_traced)
		puts(line);
}

_Noreturn static void differ(struct world *world, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

_Noreturn static void differ(struct world *world, const char *format, ...)
{
	unsigned long first = world->n_lines > HISTORY ? world->n_lines - HISTORY : 0;
	va_list args;

	for (unsigned long i = first; i < world->n_lines; i++)
		printf("%s\n", world->lines[i % HISTORY]);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\nseed %llu, step %lu: test_model --seed %llu --steps %lu\n",
	       (unsigned long long)world->seed, world->step, (unsigned long long)world->seed,
	       world->step + 1);
	fflush(stdout);
	abort();
}

static uint64_t next_random(struct world *world)
{
	uint64_t x = world->random += 0x9e3779b97f4a7c15U;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9U;
	x = (x ^ x >> 27) * 0x94d049bb133111ebU;
	return x ^ x >> 31;
}

static unsigned below(struct world *world, unsigned n)
{
	return (unsigned)(next_random(world) % n);
}

static bool chance(struct world *world, unsigned percent)
{
	return below(world, 100) < percent;
}

/* --- what clients say ------------------------------------------------------------------------ */

/* A payload being put together. */
struct words {
	char *bytes;
	size_t len;
};

static void add_word(struct words *words, const char *word)
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
	if (chance(world, 2))
		return names[below(world, 3)];
	return (const char *const[]){ "a", "b", "c", "bb", "data" }[below(world, 5)];
}

static void random_path(struct world *world, bool may_be_special, char *out)
{
	static const char *const bad[] = { "", "/", "/a/", "a//b", "/a b", "@x y", "//", "a/" };
	const struct mtree *tree = &world->model.tree;
	unsigned depth = 1 + below(world, 3), kind = below(world, 100);

	if (kind < 2) {
		strcpy(out, bad[below(world, 8)]);
		return;
	}
	if (may_be_special && kind < 12) {
		strcpy(out, (const char *const[]){ "@introduceDomain", "@releaseDomain",
						   "@releaseDomain/2", "@introduceDomain/1",
						   "@foo" }[below(world, 5)]);
		return;
	}
	if (kind < 55) {
		const struct mnode *node = &tree->nodes[below(world, (unsigned)tree->n)];

		if (node->path[0] == '/' && strlen(node->path) < 1900) {
			strcpy(out, node->path);
			if (chance(world, 25) && node->path[1])
				sprintf(out + strlen(out), "/%s", random_name(world));
			return;
		}
	}
	out[0] = '\0';
	if (kind < 75)
		sprintf(out, "/local/domain/%u", 1 + below(world, GUESTS));
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
	size_t len = lens[below(world, 8)];

	memset(words->bytes + words->len, (int)('0' + below(world, 3)), len);
	words->len += len;
}

static void random_perms(struct world *world, const struct mclient *client, struct words *words)
{
	static const unsigned domids[] = { 0, 1, 2, 3, 4, 5, 6, XSP_DOMID_ANY };
	unsigned n = 1 + below(world, chance(world, 90) ? 3 : 5);
	char text[16];

	for (unsigned i = 0; i < n; i++) {
		unsigned domid = domids[below(world, 8)];

		if (i == 0 && chance(world, 80))
			domid = client->domid ? client->domid : below(world, 4);
		snprintf(text, sizeof(text), "%c%u", "nrwb"[below(world, 4)], domid);
		add_word(words, chance(world, 1) ? "q1" : text);
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
	at = below(world, sum);
	for (size_t i = 0; i < N; i++) {
		if (at < types[i].weight) {
			if (types[i].is_privileged && client->domid && chance(world, 90))
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

	snprintf(text, sizeof(text), "%u", below(world, 25) ? 1 + below(world, GUESTS) : 0);
	add_word(words, text);
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
		add_word(words, chance(world, 2) ? "X" : chance(world, 85) ? "T" : "F");
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
		add_word(words, "0");
		add_word(words, chance(world, 95) ? "7" : "0");
		return;
	case XSP_SET_QUOTA:
		add_domid(world, words);
		add_word(words, (const char *const[]){ "nodes", "watches",
						       "transactions" }[below(world, 3)]);
		snprintf(text, sizeof(text), "%u", below(world, 14));
		add_word(words, text);
		return;
	default:
		break;
	}
	add_word(words, path);
	if (type == XSP_WRITE)
		random_value(world, words);
	if (type == XSP_SET_PERMS)
		random_perms(world, client, words);
	if (type == XSP_DIRECTORY_PART) {
		snprintf(text, sizeof(text), "%u", chance(world, 50) ? 0 : below(world, 12));
		add_word(words, text);
	}
	if (type == XSP_WATCH || type == XSP_UNWATCH) {
		add_word(words, (const char *const[]){ "t", "u", "" }[below(world, 3)]);
		snprintf(text, sizeof(text), "%u", below(world, 3));
		if (type == XSP_WATCH && chance(world, 40))
			add_word(words, text);
	}
}

/* Whether a request may be part of a step with several, or of a client that does not read. */
static bool is_simple(uint32_t type)
{
	return type != XSP_TRANSACTION_START && type != XSP_INTRODUCE && type != XSP_RELEASE &&
	       type != XSP_RESUME;
}

static void note_request(struct world *world, const struct sent *sent)
{
	struct message message = { .header = sent->header, .payload = sent->payload };
	char shown[300];

	message_show(shown, sizeof(shown), &message);
	note_line(world, "%c%u%s%s", sent->pair->client->is_socket ? 's' : 'd',
		  sent->pair->client->is_socket ? (unsigned)(sent->pair - world->pairs)
						: sent->pair->client->domid,
		  sent->pair->client->is_reading ? "> " : " (not reading)> ", shown);
}

static void send_request(struct world *world, struct pair *pair, uint32_t type, uint32_t tx,
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
static void send_random(struct world *world, struct pair *pair, bool is_one)
{
	static char bytes[XSP_PAYLOAD_MAX * 2];
	struct words words = { .bytes = bytes };
	const struct mclient *client = pair->client;
	uint32_t type, tx = 0;

	do
		type = random_type(world, client);
	while ((!is_one && !is_simple(type)) ||
	       (!client->is_reading && type == XSP_DIRECTORY_PART) ||
	       (client->n_txns == MODEL_TXNS_MAX && type == XSP_TRANSACTION_START) ||
	       (world->model.n_watches > MODEL_WATCHES_MAX && type == XSP_WATCH));
	if (client->n_txns && client->is_reading && chance(world, 60))
		tx = client->txns[below(world, (unsigned)client->n_txns)].id;
	if (type == XSP_TRANSACTION_START && tx && chance(world, 90))
		tx = 0;
	if (chance(world, 1))
		tx = 77;
	fill(world, client, type, &words);
	if (words.len > XSP_PAYLOAD_MAX || (!is_one && words.len > 600))
		words.len = 0;
	send_request(world, pair, type, tx, &words);
}

/* --- comparing ------------------------------------------------------------------------------- */

static void receive(struct pair *pair)
{
	static uint8_t bytes[65536];
	size_t n;

	while ((n = fake_receive(pair->conn, bytes, sizeof(bytes))) > 0)
		inbox_add(&pair->got, bytes, n);
}

/* Finds the server's reply to a request among what its client has received. */
static void look_up(struct world *world, const struct sent *sent, struct mrequest *rq)
{
	const struct inbox *got = &sent->pair->got;
	struct inbox rest = { .bytes = got->bytes, .start = got->start, .len = got->len };
	struct message message;

	(void)world;
	while (inbox_next(&rest, &message)) {
		if (message.header.type == XSP_WATCH_EVENT ||
		    message.header.req_id != sent->header.req_id)
			continue;
		if (message.header.type == XSP_ERROR)
			rq->answer = xsp_errname_parse(message.payload, message.header.len);
		else if (message.header.type == XSP_DIRECTORY_PART && message.header.len)
			rq->generation = strtoull(message.payload, NULL, 10);
	}
}

/* The first message that is not the same on both sides. */
_Noreturn static void show_difference(struct world *world, struct pair *pair)
{
	struct inbox *got = &pair->got, *expected = &pair->client->expected;
	struct message a, b;
	char left[600], right[600];
	bool has_left, has_right;

	do {
		has_left = inbox_next(got, &a);
		has_right = inbox_next(expected, &b);
	} while (has_left && has_right && !memcmp(&a.header, &b.header, sizeof(a.header)) &&
		 !memcmp(a.payload, b.payload, a.header.len));
	snprintf(left, sizeof(left), "nothing more (%zu bytes)", inbox_rest(got));
	snprintf(right, sizeof(right), "nothing more (%zu bytes)", inbox_rest(expected));
	if (has_left)
		message_show(left, sizeof(left), &a);
	if (has_right)
		message_show(right, sizeof(right), &b);
	differ(world, "%s %u\n  got      %s\n  expected %s",
	       pair->client->is_socket ? "socket" : "domain",
	       pair->client->is_socket ? (unsigned)(pair - world->pairs) : pair->client->domid,
	       left, right);
}

static void compare(struct world *world, struct pair *pair)
{
	struct inbox *got = &pair->got, *expected = &pair->client->expected;

	if (got->len != expected->len ||
	    (got->len &&
	     memcmp(got->bytes + got->start, expected->bytes + expected->start, got->len) != 0))
		show_difference(world, pair);
	got->len = got->start = expected->len = expected->start = 0;
}

static void audit(struct world *world)
{
	char text[256];

	if (!server_audit(world->fake.server, text, sizeof(text)))
		differ(world, "audit: %s", text);
}

/* A guest that has been introduced becomes a pair, one that is gone is none any more. */
static void match_pairs(struct world *world)
{
	for (size_t i = 0; i < MODEL_CLIENTS_MAX; i++) {
		struct mclient *client = &world->model.clients[i];
		struct pair *pair = &world->pairs[i];

		if (client->is_used && !pair->client && !client->is_socket) {
			pair->client = client;
			pair->conn = fake_guest(&world->fake, client->domid);
			pair->conn->is_read = client->is_reading = true;
		} else if (!client->is_used && pair->client) {
			pair->client = NULL;
			inbox_fini(&pair->got);
		}
	}
}

/* Lets the server and the model do what was asked of them, and compares. */
static void finish_step(struct world *world)
{
	struct fake *fake = &world->fake;
	bool has_start = false;

	fake_settle(fake);
	for (size_t i = 0; i < MODEL_CLIENTS_MAX; i++) {
		if (world->pairs[i].client && world->pairs[i].client->is_reading)
			receive(&world->pairs[i]);
	}
	for (size_t i = 0; i < world->n_sent; i++) {
		struct sent *sent = &world->sent[i];
		struct mrequest rq = {
			.client = sent->pair->client,
			.header = sent->header,
			.payload = sent->payload,
		};

		has_start = has_start || sent->header.type == XSP_TRANSACTION_START;
		look_up(world, sent, &rq);
		model_request(&world->model, &rq);
	}
	world->n_sent = 0;
	model_deliver(&world->model);
	match_pairs(world);
	for (size_t i = 0; i < MODEL_CLIENTS_MAX; i++) {
		struct pair *pair = &world->pairs[i];

		if (!pair->client || !pair->client->is_reading)
			continue;
		receive(pair);
		compare(world, pair);
	}
	/* Whoever was promised to win has had its time: nobody has to wait in this test. */
	if (has_start)
		fake->now_ms += 1000;
}

/* --- steps ----------------------------------------------------------------------------------- */

static struct pair *random_pair(struct world *world)
{
	for (;;) {
		struct pair *pair = &world->pairs[below(world, MODEL_CLIENTS_MAX)];

		if (pair->client)
			return pair;
	}
}

static void do_connect(struct world *world)
{
	struct mclient *client;
	struct pair *pair;
	size_t n = 0;

	for (size_t i = 0; i < MODEL_CLIENTS_MAX; i++)
		n += world->model.clients[i].is_used && world->model.clients[i].is_socket;
	if (n == SOCKETS_MAX)
		return;
	client = model_connect(&world->model);
	pair = &world->pairs[client - world->model.clients];
	pair->client = client;
	pair->conn = fake_connect(&world->fake);
	note_line(world, "socket %u connects", (unsigned)(pair - world->pairs));
}

static void do_disconnect(struct world *world)
{
	struct pair *pair = random_pair(world);

	if (!pair->client->is_socket || pair == &world->pairs[0])
		return;
	note_line(world, "socket %u goes", (unsigned)(pair - world->pairs));
	if (chance(world, 50))
		fake_break(pair->conn);
	fake_end(pair->conn, true);
	model_disconnect(&world->model, pair->client);
}

/* A client stops reading, or goes on. */
static void do_pause(struct world *world)
{
	static const size_t windows[] = { 0, 10, 100, 1000 };
	struct pair *pair = random_pair(world);
	struct mclient *client = pair->client;

	if (pair == &world->pairs[0])
		return;
	note_line(world, "%s %u %s", client->is_socket ? "socket" : "domain",
		  client->is_socket ? (unsigned)(pair - world->pairs) : client->domid,
		  client->is_reading ? "stops reading" : "reads");
	if (client->is_reading) {
		client->is_reading = false;
		client->unread = 0;
		client->room = client->is_socket ? windows[below(world, 4)] : XSP_RING_SIZE;
		pair->conn->window = client->room;
		pair->conn->is_read = false;
		return;
	}
	model_read(client);
	client->is_reading = true;
	pair->conn->window = FAKE_WINDOW;
	pair->conn->is_read = true;
	receive(pair);
	compare(world, pair);
}

/* Everybody reads: a domain is about to lose what is on its way. */
static void resume_all(struct world *world)
{
	for (size_t i = 0; i < MODEL_CLIENTS_MAX; i++) {
		struct pair *pair = &world->pairs[i];

		if (!pair->client || pair->client->is_reading || pair->client->is_socket)
			continue;
		model_read(pair->client);
		pair->client->is_reading = true;
		pair->conn->is_read = true;
		receive(pair);
		compare(world, pair);
	}
}

static void do_host(struct world *world)
{
	unsigned domid = 1 + below(world, GUESTS + 1);
	struct fake_domain *real = &world->fake.domains[domid];
	struct mdomain *domain = &world->model.domains[domid];
	unsigned what = below(world, 6);

	resume_all(world);
	if (!domain->exists) {
		note_line(world, "domain %u appears", domid);
		fake_domain_create(&world->fake, domid);
		domain->exists = true;
	} else if (what < 2) {
		note_line(world, "domain %u shuts down", domid);
		real->state.is_shut_down = true;
		domain->is_shut_down = true;
	} else if (what < 4) {
		note_line(world, "domain %u runs", domid);
		real->state.is_shut_down = false;
		domain->is_shut_down = false;
	} else {
		note_line(world, "domain %u is %s", domid, what == 4 ? "gone" : "replaced");
		if (what == 4)
			fake_domain_destroy(&world->fake, domid);
		else
			fake_domain_create(&world->fake, domid);
		domain->exists = what != 4;
		domain->is_shut_down = false;
		if (domain->is_known || domain->is_introduced)
			model_domain_gone(&world->model, domid);
	}
	if (domain->exists && domain->is_shut_down)
		model_domain_shut_down(&world->model, domid);
	fake_changed(&world->fake);
}

/* Several requests of several clients in one turn, in the order in which they are gathered. */
static void do_batch(struct world *world)
{
	struct fake_conn *conn;

	TAILQ_FOREACH (conn, &world->fake.conns, entry) {
		for (size_t i = 0; i < MODEL_CLIENTS_MAX; i++) {
			struct pair *pair = &world->pairs[i];
			unsigned n = below(world, 4);

			/* What fits a ring at once. */
			if (!pair->client || pair->conn != conn)
				continue;
			if (!pair->client->is_socket && n > 1)
				n = 1;
			while (n-- > 0 && world->n_sent < BATCH_MAX)
				send_random(world, pair, false);
		}
	}
}

/* The first socket makes a home for a domain, as a toolstack does. */
static void do_home(struct world *world)
{
	char bytes[128];
	struct words words = { .bytes = bytes };
	unsigned domid = 1 + below(world, GUESTS);

	words.len = (size_t)sprintf(bytes, "/local/domain/%u/data", domid) + 1;
	if (chance(world, 50)) {
		words.len += (size_t)sprintf(bytes + words.len, "n%u", domid) + 1;
		send_request(world, &world->pairs[0], XSP_SET_PERMS, 0, &words);
	} else {
		send_request(world, &world->pairs[0], XSP_MKDIR, 0, &words);
	}
}

/* The tree is kept small: it is searched from end to end. */
static void do_prune(struct world *world)
{
	const struct mtree *tree = &world->model.tree;
	const struct mnode *node = &tree->nodes[below(world, (unsigned)tree->n)];
	struct words words = { .bytes = node->path, .len = strlen(node->path) + 1 };

	if (node->path[0] == '/' && node->path[1])
		send_request(world, &world->pairs[0], XSP_RM, 0, &words);
}

/* A domain that was introduced, or resumed, while it is shut down: the next look will tell. */
static void look_again(struct world *world)
{
	for (unsigned domid = 1; domid < MODEL_DOMIDS; domid++) {
		struct mdomain *domain = &world->model.domains[domid];

		if (!domain->is_introduced || !domain->is_shut_down ||
		    domain->is_reported_shut_down)
			continue;
		note_line(world, "domain %u is seen to be shut down", domid);
		model_domain_shut_down(&world->model, domid);
		fake_changed(&world->fake);
		finish_step(world);
	}
}

static void do_step(struct world *world)
{
	unsigned what = below(world, 100);

	if (world->model.tree.n > TREE_MAX)
		do_prune(world);
	else if (what < 4)
		do_host(world);
	else if (what < 6)
		do_connect(world);
	else if (what < 7)
		do_disconnect(world);
	else if (what < 11)
		do_pause(world);
	else if (what < 14)
		do_home(world);
	else if (what < 30)
		do_batch(world);
	else
		send_random(world, random_pair(world), true);
	/* An introduction drops what is on its way to a guest. */
	for (size_t i = 0; i < world->n_sent; i++) {
		if (!is_simple(world->sent[i].header.type))
			resume_all(world);
	}
	finish_step(world);
	look_again(world);
}

/* --- the whole ------------------------------------------------------------------------------- */

static void set_limits(struct world *world, struct server_config *config)
{
	struct model *model = &world->model;
	uint32_t *hard = config->limits.hard;

	server_config_defaults(config);
	config->event_timeout_ms = 0;
	config->seed = world->seed;
	hard[QUOTA_NODES] = model->max_nodes = 4 + below(world, 16);
	hard[QUOTA_WATCHES] = model->max_watches = 4;
	hard[QUOTA_TRANSACTIONS] = model->max_txns = 3;
	hard[QUOTA_NODE_PERMISSIONS] = model->max_perms = 3;
	hard[QUOTA_NODE_SIZE] = model->max_node_size = 160;
	hard[QUOTA_MEMORY] = hard[QUOTA_OUTSTANDING] = hard[QUOTA_TRANSACTION_NODES] = 0;
}

/* Asks the server for one thing; returns its payload, NULL for an error. */
static const char *ask(struct world *world, struct fake_conn *conn, uint32_t type, const char *path,
		       size_t *out_len)
{
	struct xsp_header header = { .type = type, .len = (uint32_t)strlen(path) + 1 };
	uint8_t head[XSP_HEADER_SIZE];
	struct message message;

	xsp_header_put(head, &header);
	fake_send(conn, head, sizeof(head));
	fake_send(conn, path, header.len);
	fake_settle(&world->fake);
	if (!inbox_next(&conn->from, &message))
		differ(world, "no answer about %s", path);
	*out_len = message.header.len;
	return message.header.type == XSP_ERROR ? NULL : message.payload;
}

/* The server is killed and starts again: every node must be there, and no other. */
static void check_after_crash(struct world *world)
{
	const struct mtree *tree = &world->model.tree;
	struct fake_conn *conn;

	fake_crash(&world->fake);
	conn = fake_connect(&world->fake);
	for (size_t i = 0; i < tree->n; i++) {
		const struct mnode *node = &tree->nodes[i];
		struct mnode **children;
		const char *payload;
		size_t len, n, j, at = 0;

		if (node->path[0] == '@')
			continue;
		payload = ask(world, conn, XSP_READ, node->path, &len);
		if (!payload || len != node->len || memcmp(payload, node->value, len) != 0)
			differ(world, "after a crash %s is another", node->path);
		payload = ask(world, conn, XSP_DIRECTORY, node->path, &len);
		children = mtree_children(tree, node->path, &n);
		for (j = 0; j < n && payload && at < len; j++) {
			if (strcmp(payload + at, strrchr(children[j]->path, '/') + 1) != 0)
				break;
			at += strlen(payload + at) + 1;
		}
		free(children);
		/* What does not fit one reply is left to the others. */
		if (payload && (at != len || j != n))
			differ(world, "after a crash %s has other children", node->path);
	}
	audit(world);
}

static void run(struct world *world, uint64_t seed, unsigned long n_steps, unsigned audit_every)
{
	struct server_config config;

	*world = (struct world){ .seed = seed, .random = seed, .is_traced = world->is_traced };
	model_init(&world->model);
	set_limits(world, &config);
	fake_start(&world->fake, &config);
	do_connect(world);
	finish_step(world);
	for (world->step = 0; world->step < n_steps; world->step++) {
		do_step(world);
		if (world->step % audit_every == 0)
			audit(world);
	}
	for (size_t i = 0; i < MODEL_CLIENTS_MAX; i++) {
		if (world->pairs[i].client && world->pairs[i].client->is_socket) {
			fake_end(world->pairs[i].conn, true);
			model_disconnect(&world->model, world->pairs[i].client);
		}
	}
	finish_step(world);
	audit(world);
	check_after_crash(world);
	for (size_t i = 0; i < MODEL_CLIENTS_MAX; i++)
		inbox_fini(&world->pairs[i].got);
	fake_stop(&world->fake);
	model_fini(&world->model);
}

static unsigned long number(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || end == text) {
		fprintf(stderr, "not a number: %s\n", text);
		exit(EXIT_FAILURE);
	}
	return value;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "steps", required_argument, NULL, 'n' },
		{ "seed", required_argument, NULL, 's' },
		{ "seeds", required_argument, NULL, 'k' },
		{ "audit-every", required_argument, NULL, 'a' },
		{ "trace", no_argument, NULL, 't' },
		{ NULL, 0, NULL, 0 },
	};
	unsigned long n_steps = 1000, seed = 1, n_seeds = 1, audit_every = 1;
	static struct world world;
	int option;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'n':
			n_steps = number(optarg);
			break;
		case 's':
			seed = number(optarg);
			break;
		case 'k':
			n_seeds = number(optarg);
			break;
		case 'a':
			audit_every = number(optarg);
			break;
		case 't':
			world.is_traced = true;
			break;
		default:
			return EXIT_FAILURE;
		}
	}
	for (unsigned long i = 0; i < n_seeds; i++) {
		run(&world, seed + i, n_steps, (unsigned)audit_every);
		printf("seed %lu: %lu steps\n", seed + i, n_steps);
	}
	return EXIT_SUCCESS;
}
