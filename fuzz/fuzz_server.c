/* SPDX-License-Identifier: MIT */
/*
 * The whole server in one process: sockets and guests, bytes and whole requests interleaved,
 * domains that come and go, time, and in the end the audit.
 *
 * The input is a program: a byte chooses a step, the next whom it is about. Replies are counted:
 * a client that is still there has one for each whole request that it sent.
 */
#include <string.h>

#include "fuzz/insist.h"
#include "tests/support/fake_host.h"

enum { SOCKETS = 3, GUESTS = 3, PEERS = SOCKETS + GUESTS, STEPS_MAX = 400 };

struct program {
	const uint8_t *at, *end;
};

struct world {
	struct fake fake;
	struct fake_conn *sockets[SOCKETS];
};

static uint8_t next(struct program *program)
{
	return program->at < program->end ? *program->at++ : 0;
}

/* So many bytes of the program, as far as there are any. */
static const uint8_t *take(struct program *program, size_t *len)
{
	const uint8_t *bytes = program->at;
	size_t left = (size_t)(program->end - program->at);

	if (*len > left)
		*len = left;
	program->at += *len;
	return bytes;
}

static struct fake_conn *peer(struct world *world, uint8_t who)
{
	unsigned i = who % PEERS;

	if (i >= SOCKETS)
		return world->fake.domains[i - SOCKETS + 1].conn;
	if (!world->sockets[i] || !world->sockets[i]->client)
		world->sockets[i] = fake_connect(&world->fake);
	return world->sockets[i];
}

/* A request whose header is right, so that more than the framer is met. */
static void send_request(struct world *world, struct program *program, uint8_t who)
{
	struct xsp_header header = { .type = next(program) % 28, .req_id = who };
	struct fake_conn *conn = peer(world, who);
	uint8_t flags = next(program), head[XSP_HEADER_SIZE];
	size_t len = next(program);
	const uint8_t *payload;

	header.tx_id = flags & 7;
	if (flags & 8)
		len *= 16;
	payload = take(program, &len);
	header.len = (uint32_t)len;
	xsp_header_put(head, &header);
	fake_send(conn, head, sizeof(head));
	fake_send(conn, payload, len);
}

static void send_bytes(struct world *world, struct program *program, uint8_t who)
{
	size_t len = next(program);
	const uint8_t *bytes = take(program, &len);

	fake_send(peer(world, who), bytes, len);
}

static void introduce(struct world *world, unsigned domid)
{
	char payload[] = "1\0"
			 "0\0"
			 "5";
	struct xsp_header header = { .type = XSP_INTRODUCE, .len = sizeof(payload) };
	uint8_t head[XSP_HEADER_SIZE];
	struct fake_conn *conn = peer(world, 0);

	payload[0] = (char)('0' + domid);
	xsp_header_put(head, &header);
	fake_send(conn, head, sizeof(head));
	fake_send(conn, payload, sizeof(payload));
}

static void host(struct world *world, uint8_t who, uint8_t what)
{
	unsigned domid = 1 + who % GUESTS;
	struct fake_domain *domain = &world->fake.domains[domid];

	if (what % 8 < 3) {
		fake_domain_create(&world->fake, domid);
		introduce(world, domid);
	} else if (what % 8 < 5) {
		fake_domain_destroy(&world->fake, domid);
	} else {
		domain->state.is_shut_down = what & 1;
	}
	/* Now and then nobody tells the server yet. */
	if (what < 192)
		fake_changed(&world->fake);
}

static void poke(struct world *world, struct program *program, uint8_t who)
{
	struct fake_conn *conn = world->fake.domains[1 + who % GUESTS].conn;
	_Atomic uint32_t *words[] = { &conn->page.req_cons, &conn->page.req_prod,
				      &conn->page.rsp_cons, &conn->page.rsp_prod,
				      &conn->page.connection };
	uint8_t which = next(program), value = next(program);

	*words[which % 5] = which & 128 ? value : *words[which % 5] + value;
	fake_notify(conn);
}

static void read_all(struct fake_conn *conn)
{
	static uint8_t bytes[65536];

	while (fake_receive(conn, bytes, sizeof(bytes)) > 0)
		continue;
}

static void step(struct world *world, struct program *program)
{
	uint8_t what = next(program), who = next(program);
	struct fake_conn *conn;

	switch (what % 16) {
	case 0:
	case 1:
	case 2:
	case 3:
	case 4:
	case 5:
		send_request(world, program, who);
		break;
	case 6:
		send_bytes(world, program, who);
		break;
	case 7:
		host(world, who, next(program));
		break;
	case 8:
		fake_advance(&world->fake, (uint64_t)next(program) * 100);
		break;
	case 9:
		conn = peer(world, who);
		if (conn->domid == FAKE_SOCKET) {
			fake_end(conn, next(program) & 1);
			world->sockets[who % PEERS] = NULL;
		}
		break;
	case 11:
		conn = peer(world, who);
		conn->is_read = !conn->is_read;
		conn->window = conn->is_read ? FAKE_WINDOW : 100;
		break;
	case 12:
		poke(world, program, who);
		break;
	case 13:
		read_all(peer(world, who));
		break;
	default:
		fake_pump(&world->fake);
		break;
	}
}

static void start(struct world *world)
{
	struct server_config config;

	server_config_defaults(&config);
	/* Small, so that they are met. */
	config.limits.hard[QUOTA_NODES] = 20;
	config.limits.hard[QUOTA_WATCHES] = 4;
	config.limits.hard[QUOTA_TRANSACTIONS] = 3;
	config.limits.hard[QUOTA_TRANSACTION_NODES] = 30;
	config.limits.hard[QUOTA_MEMORY] = 20000;
	config.limits.hard[QUOTA_OUTSTANDING] = 6;
	config.seed = 1;
	fake_start(&world->fake, &config);
	for (unsigned domid = 1; domid <= GUESTS; domid++) {
		fake_domain_create(&world->fake, domid);
		if (domid < GUESTS)
			introduce(world, domid);
	}
	fake_settle(&world->fake);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct program program = { data, data + size };
	static struct world world;
	struct fake_conn *last;
	static const char check[] = { 0, 0, 0, 0, 1, 0,   0,   0,   0,   0,   0,
				      0, 6, 0, 0, 0, 'c', 'h', 'e', 'c', 'k', 0 };
	struct message message;

	world = (struct world){ 0 };
	start(&world);
	for (int i = 0; i < STEPS_MAX && program.at < program.end; i++)
		step(&world, &program);
	fake_changed(&world.fake);
	fake_settle(&world.fake);
	fake_audit(&world.fake);
	/* Whatever was done, the next one to come is served. */
	last = fake_connect(&world.fake);
	fake_send(last, check, sizeof(check));
	fake_advance(&world.fake, 1000);
	INSIST(inbox_next(&last->from, &message));
	INSIST(message.header.type == XSP_CONTROL && !strcmp(message.payload, "OK"));
	fake_stop(&world.fake);
	return 0;
}
