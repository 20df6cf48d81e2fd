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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model/speech.h"
#include "tests/support/fake_host.h"
#include "tests/support/text.h"

static struct pair *random_pair(struct world *world)
{
	for (;;) {
		struct pair *pair = &world->pairs[world_below(world, MODEL_CLIENTS_MAX)];

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
	world_note(world, "socket %u connects", (unsigned)(pair - world->pairs));
}

static void do_disconnect(struct world *world)
{
	struct pair *pair = random_pair(world);

	if (!pair->client->is_socket || pair == &world->pairs[0])
		return;
	world_note(world, "socket %u goes", (unsigned)(pair - world->pairs));
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
	world_note(world, "%s %u %s", client->is_socket ? "socket" : "domain",
		   client->is_socket ? (unsigned)(pair - world->pairs) : client->domid,
		   client->is_reading ? "stops reading" : "reads");
	if (client->is_reading) {
		client->is_reading = false;
		client->unread = 0;
		client->room = client->is_socket ? windows[world_below(world, 4)] : XSP_RING_SIZE;
		pair->conn->window = client->room;
		pair->conn->is_read = false;
		return;
	}
	model_read(client);
	client->is_reading = true;
	pair->conn->window = FAKE_WINDOW;
	pair->conn->is_read = true;
	pair_receive(pair);
	pair_compare(world, pair);
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
		pair_receive(pair);
		pair_compare(world, pair);
	}
}

static void do_host(struct world *world)
{
	unsigned domid = 1 + world_below(world, GUESTS + 1);
	struct fake_domain *real = &world->fake.domains[domid];
	struct mdomain *domain = &world->model.domains[domid];
	unsigned what = world_below(world, 6);

	resume_all(world);
	if (!domain->exists) {
		world_note(world, "domain %u appears", domid);
		fake_domain_create(&world->fake, domid);
		domain->exists = true;
	} else if (what < 2) {
		world_note(world, "domain %u shuts down", domid);
		real->state.is_shut_down = true;
		domain->is_shut_down = true;
	} else if (what < 4) {
		world_note(world, "domain %u runs", domid);
		real->state.is_shut_down = false;
		domain->is_shut_down = false;
	} else {
		world_note(world, "domain %u is %s", domid, what == 4 ? "gone" : "replaced");
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
			unsigned n = world_below(world, 4);

			/* What fits a ring at once. */
			if (!pair->client || pair->conn != conn)
				continue;
			if (!pair->client->is_socket && n > 1)
				n = 1;
			while (n-- > 0 && world->n_sent < BATCH_MAX)
				speech_send_random(world, pair, false);
		}
	}
}

/* The first socket makes a home for a domain, as a toolstack does. */
static void do_home(struct world *world)
{
	char bytes[128];
	struct words words = { .bytes = bytes };
	unsigned domid = 1 + world_below(world, GUESTS);

	words.len = (size_t)sprintf(bytes, "/local/domain/%u/data", domid) + 1;
	if (world_chance(world, 50)) {
		words.len += (size_t)sprintf(bytes + words.len, "n%u", domid) + 1;
		speech_send(world, &world->pairs[0], XSP_SET_PERMS, 0, &words);
	} else {
		speech_send(world, &world->pairs[0], XSP_MKDIR, 0, &words);
	}
}

/* The tree is kept small: it is searched from end to end. */
static void do_prune(struct world *world)
{
	const struct mtree *tree = &world->model.tree;
	const struct mnode *node = &tree->nodes[world_below(world, (unsigned)tree->n)];
	struct words words = { .bytes = node->path, .len = strlen(node->path) + 1 };

	if (node->path[0] == '/' && node->path[1])
		speech_send(world, &world->pairs[0], XSP_RM, 0, &words);
}

/* A domain that was introduced, or resumed, while it is shut down: the next look will tell. */
static void look_again(struct world *world)
{
	for (unsigned domid = 1; domid < MODEL_DOMIDS; domid++) {
		struct mdomain *domain = &world->model.domains[domid];

		if (!domain->is_introduced || !domain->is_shut_down ||
		    domain->is_reported_shut_down)
			continue;
		world_note(world, "domain %u is seen to be shut down", domid);
		model_domain_shut_down(&world->model, domid);
		fake_changed(&world->fake);
		world_finish_step(world);
	}
}

static void do_step(struct world *world)
{
	unsigned what = world_below(world, 100);

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
		speech_send_random(world, random_pair(world), true);
	/* An introduction drops what is on its way to a guest. */
	for (size_t i = 0; i < world->n_sent; i++) {
		if (!speech_is_simple(world->sent[i].header.type))
			resume_all(world);
	}
	world_finish_step(world);
	look_again(world);
}

static void set_limits(struct world *world, struct server_config *config)
{
	struct model *model = &world->model;
	uint32_t *hard = config->limits.hard;

	server_config_defaults(config);
	config->event_timeout_ms = 0;
	config->seed = world->seed;
	hard[QUOTA_NODES] = model->max_nodes = 4 + world_below(world, 16);
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
		world_differ(world, "no answer about %s", path);
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
			world_differ(world, "after a crash %s is another", node->path);
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
			world_differ(world, "after a crash %s has other children", node->path);
	}
	world_audit(world);
}

static void run(struct world *world, uint64_t seed, unsigned long n_steps, unsigned audit_every)
{
	struct server_config config;

	*world = (struct world){ .seed = seed, .random = seed, .is_traced = world->is_traced };
	model_init(&world->model);
	set_limits(world, &config);
	fake_start(&world->fake, &config);
	do_connect(world);
	world_finish_step(world);
	for (world->step = 0; world->step < n_steps; world->step++) {
		do_step(world);
		if (world->step % audit_every == 0)
			world_audit(world);
	}
	for (size_t i = 0; i < MODEL_CLIENTS_MAX; i++) {
		if (world->pairs[i].client && world->pairs[i].client->is_socket) {
			fake_end(world->pairs[i].conn, true);
			model_disconnect(&world->model, world->pairs[i].client);
		}
	}
	world_finish_step(world);
	world_audit(world);
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
