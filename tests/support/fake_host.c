/* SPDX-License-Identifier: MIT */
#include "tests/support/fake_host.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/text.h"

static const char boot_id[] = "0f0f0f0f-0000-4000-8000-000000000001";

_Noreturn static void give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));

_Noreturn static void give_up(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

/* Says that control passes into the server or out of it; returns where it was. */
static bool pass(struct fake *fake, bool is_inside)
{
	bool was_inside = fake->is_inside;

	fake->is_inside = is_inside;
	if (fake->passing)
		fake->passing(is_inside);
	return was_inside;
}

/* The head of a stream, and its removal. */
static const uint8_t *first_of(const struct inbox *stream)
{
	return stream->bytes + stream->start;
}

static void drop_first(struct inbox *stream, size_t len)
{
	stream->start += len;
	stream->len -= len;
}

static struct fake_conn *conn_new(struct fake *fake, int domid)
{
	struct fake_conn *conn = text_alloc(sizeof(*conn));

	*conn = (struct fake_conn){
		.fake = fake,
		.domid = domid,
		.window = FAKE_WINDOW,
		.is_read = true,
	};
	TAILQ_INSERT_TAIL(&fake->conns, conn, entry);
	return conn;
}

static void conn_free(struct fake_conn *conn)
{
	inbox_fini(&conn->to);
	inbox_fini(&conn->from);
	TAILQ_REMOVE(&conn->fake->conns, conn, entry);
	free(conn);
}

/* A guest takes what the server has put into its ring. */
static void guest_reads(struct fake_conn *conn)
{
	struct xsp_ring_page *page = &conn->page;
	uint32_t at = atomic_load(&page->rsp_cons), end = atomic_load(&page->rsp_prod);

	/* A test may have put anything there: then there is nothing to be read. */
	if (end - at > XSP_RING_SIZE)
		at = end;
	for (; at != end; at++)
		inbox_add(&conn->from, page->rsp + at % XSP_RING_SIZE, 1);
	atomic_store(&page->rsp_cons, end);
}

/* A guest puts what it wants to send into its ring, as far as there is room. */
static void guest_writes(struct fake_conn *conn)
{
	struct xsp_ring_page *page = &conn->page;
	uint32_t at = atomic_load(&page->req_prod), end = atomic_load(&page->req_cons);

	end += XSP_RING_SIZE;
	for (; conn->to.len && at != end; at++) {
		page->req[at % XSP_RING_SIZE] = *first_of(&conn->to);
		drop_first(&conn->to, 1);
	}
	atomic_store(&page->req_prod, at);
}

/* Moves output to the test's side. False: there is no room for all of it. */
static bool flush(struct fake_conn *conn)
{
	const uint8_t *bytes;
	size_t len, n, room;

	while (conn->client && (len = client_output(conn->client, &bytes)) > 0) {
		if (conn->domid != FAKE_SOCKET) {
			if (xsp_ring_write(&conn->ring, bytes, len, &n)) {
				client_broke(conn->client, XSP_RING_ERROR_INDEX);
				return true;
			}
			if (conn->is_read)
				guest_reads(conn);
		} else {
			room = conn->window > conn->from.len ? conn->window - conn->from.len : 0;
			n = len < room ? len : room;
			if (conn->is_deaf)
				n = len;
			else if (n)
				inbox_add(&conn->from, bytes, n);
		}
		if (n == 0)
			return false;
		client_output_taken(conn->client, n);
	}
	return true;
}

static void write_out(struct fake_conn *conn)
{
	flush(conn);
	if (conn->client && client_wants_input(conn->client))
		conn->is_reading = true;
}

static size_t read_ring(struct fake_conn *conn, uint8_t *space, size_t size)
{
	size_t n;

	if (conn->is_failed)
		return 0;
	guest_writes(conn);
	if (xsp_ring_read(&conn->ring, space, size, &n)) {
		client_broke(conn->client, XSP_RING_ERROR_INDEX);
		return 0;
	}
	return n;
}

static size_t read_socket(struct fake_conn *conn, uint8_t *space, size_t size)
{
	size_t n = conn->to.len < size ? conn->to.len : size;

	if (n)
		memcpy(space, first_of(&conn->to), n);
	drop_first(&conn->to, n);
	return n;
}

static bool has_input(const struct fake_conn *conn)
{
	size_t pending;

	if (!conn->client)
		return false;
	if (conn->domid == FAKE_SOCKET)
		return conn->to.len || (conn->is_ended && !conn->is_end_told);
	return !conn->is_failed &&
	       (conn->to.len || xsp_ring_pending(&conn->ring, &pending) || pending);
}

/* Hands one connection's input over. True: something moved, or the server has to be asked. */
static bool gather(struct fake_conn *conn)
{
	size_t len, n;
	uint8_t *space;

	if (!conn->is_reading || !has_input(conn))
		return false;
	if (!client_wants_input(conn->client)) {
		conn->is_reading = false;
		return false;
	}
	pass(conn->fake, true);
	space = client_input_space(conn->client, &len);
	pass(conn->fake, false);
	if (!space) {
		conn->is_reading = false;
		return true;
	}
	n = conn->domid == FAKE_SOCKET ? read_socket(conn, space, len)
				       : read_ring(conn, space, len);
	if (n > 0) {
		client_input_added(conn->client, n);
	} else if (conn->domid == FAKE_SOCKET && conn->is_ended) {
		conn->is_end_told = true;
		conn->is_reading = false;
		client_input_ended(conn->client);
	}
	return true;
}

static bool domain_state(void *self, uint16_t domid, struct host_domain *out_state)
{
	const struct fake *fake = self;

	if (domid >= FAKE_DOMIDS || !fake->domains[domid].exists)
		return false;
	*out_state = fake->domains[domid].state;
	return true;
}

static void ring_start(struct fake_conn *conn, uint32_t features)
{
	xsp_ring_reset(&conn->ring, &conn->page);
	atomic_store(&conn->page.features, features);
	atomic_store(&conn->page.error, XSP_RING_ERROR_NONE);
	atomic_store(&conn->page.connection, XSP_RING_CONNECTED);
	conn->is_failed = false;
	conn->is_reading = true;
}

static int ring_open(void *self, uint16_t domid, uint32_t port, uint32_t features,
		     struct client *client)
{
	struct fake *fake = self;
	struct fake_domain *domain;

	if (domid >= FAKE_DOMIDS || !fake->domains[domid].exists)
		return EINVAL;
	domain = &fake->domains[domid];
	domain->port = atomic_load(&domain->conn->page.evtchn_port);
	if (!domain->port)
		domain->port = port;
	domain->conn->client = client;
	client_set_io(client, domain->conn);
	ring_start(domain->conn, features);
	return 0;
}

static void ring_reopen(void *self, struct client *client, uint32_t port, uint32_t features)
{
	struct fake *fake = self;
	struct fake_conn *conn = client_io(client);

	fake->domains[conn->domid].port = port;
	ring_start(conn, features);
}

static void ring_fail(void *self, struct client *client, uint32_t error)
{
	struct fake_conn *conn = client_io(client);

	(void)self;
	conn->is_failed = true;
	atomic_store(&conn->page.error, error);
}

static void client_gone(void *self, struct client *client)
{
	struct fake *fake = self;
	struct fake_conn *conn = client_io(client);
	bool was_inside = pass(fake, false);

	if (conn) {
		if (conn->domid == FAKE_SOCKET)
			flush(conn);
		client_set_io(client, NULL);
		conn->client = NULL;
	}
	pass(fake, was_inside);
}

static void client_wake(void *self, struct client *client)
{
	struct fake *fake = self;
	bool was_inside = pass(fake, false);

	if (client_io(client))
		write_out(client_io(client));
	pass(fake, was_inside);
}

static const char *const switch_names[] = { "obj", "io", "wrl", "acc", "tdb" };

enum { N_SWITCHES = sizeof(switch_names) / sizeof(switch_names[0]) };

static int trace_log(void *self, const char *argument)
{
	struct fake_trace *trace = self;

	for (unsigned i = 0; i < N_SWITCHES; i++) {
		if (strcmp(argument + 1, switch_names[i]) != 0)
			continue;
		if (argument[0] == '+')
			trace->switches |= 1U << i;
		else if (argument[0] == '-')
			trace->switches &= ~(1U << i);
		else
			return EINVAL;
		return 0;
	}
	return !strcmp(argument, "on") || !strcmp(argument, "off") ? 0 : EINVAL;
}

static const char *trace_get_switch(void *self, size_t i, bool *out_is_on)
{
	const struct fake_trace *trace = self;

	if (i >= N_SWITCHES)
		return NULL;
	*out_is_on = trace->switches & 1U << i;
	return switch_names[i];
}

static void trace_request(void *self, const struct client *client, uint16_t domid, uint32_t type,
			  const void *payload, size_t len)
{
	struct fake_trace *trace = self;

	(void)client;
	(void)domid;
	(void)type;
	(void)payload;
	(void)len;
	trace->n_requests++;
}

static void trace_reply(void *self, const struct client *client, uint16_t domid, uint32_t type,
			const void *payload, size_t len)
{
	struct fake_trace *trace = self;

	(void)client;
	(void)domid;
	(void)type;
	(void)payload;
	(void)len;
	trace->n_replies++;
}

static int remove_entry(const char *path, const struct stat *stat, int kind, struct FTW *where)
{
	(void)stat;
	(void)kind;
	(void)where;
	return remove(path);
}

static void remove_dir(struct fake *fake)
{
	nftw(fake->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static int open_server(struct fake *fake)
{
	enum store_found found;
	int err;

	pass(fake, true);
	err = store_open(fake->dir, boot_id, fake->config.seed, &fake->store, &found);
	if (!err) {
		err = server_new(&fake->config, fake->store, &fake->host, &fake->trace.trace,
				 &fake->server);
		if (err) {
			store_close(fake->store);
			fake->store = NULL;
		}
	}
	pass(fake, false);
	fake->needs_turn = true;
	return err;
}

int fake_try_start(struct fake *fake, const struct server_config *config,
		   void (*passing)(bool is_inside))
{
	/* Memory if there is some: what is tested does not depend on it, only the time it takes. */
	const char *top = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";
	int err;

	*fake = (struct fake){
		.host = {
			.self = fake,
			.domain_state = domain_state,
			.ring_open = ring_open,
			.ring_reopen = ring_reopen,
			.ring_fail = ring_fail,
			.client_gone = client_gone,
			.client_wake = client_wake,
		},
		.trace = {
			.trace = {
				.self = &fake->trace,
				.request = trace_request,
				.reply = trace_reply,
				.log = trace_log,
				.get_switch = trace_get_switch,
			},
			.switches = 1U << 0 | 1U << 1,
		},
		.now_ms = 1000,
		.passing = passing,
	};
	TAILQ_INIT(&fake->conns);
	if (config)
		fake->config = *config;
	else
		server_config_defaults(&fake->config);
	snprintf(fake->dir, sizeof(fake->dir), "%s/xs-test.XXXXXX", top);
	if (!mkdtemp(fake->dir))
		give_up("mkdtemp: %s", strerror(errno));
	err = open_server(fake);
	if (err)
		remove_dir(fake);
	return err;
}

void fake_start(struct fake *fake, const struct server_config *config)
{
	int err = fake_try_start(fake, config, NULL);

	if (err)
		give_up("the server does not start: %s", strerror(-err));
}

static void close_server(struct fake *fake)
{
	struct fake_conn *conn;

	server_free(fake->server);
	store_close(fake->store);
	fake->server = NULL;
	fake->store = NULL;
	while ((conn = TAILQ_FIRST(&fake->conns))) {
		if (conn->domid != FAKE_SOCKET)
			fake->domains[conn->domid].conn = NULL;
		conn_free(conn);
	}
}

/* Starts a server on what is in the directory. */
static void reopen(struct fake *fake)
{
	int err;

	for (unsigned domid = 0; domid < FAKE_DOMIDS; domid++) {
		if (fake->domains[domid].exists)
			fake->domains[domid].conn = conn_new(fake, (int)domid);
	}
	err = open_server(fake);
	if (err)
		give_up("the server does not start again: %s", strerror(-err));
}

void fake_restart(struct fake *fake)
{
	close_server(fake);
	reopen(fake);
}

static void copy_file(const char *from, const char *to)
{
	static char bytes[1 << 16];
	FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
	size_t n;

	if (!in || !out)
		give_up("%s: %s", to, strerror(errno));
	while ((n = fread(bytes, 1, sizeof(bytes), in)) > 0) {
		if (fwrite(bytes, 1, n, out) != n)
			give_up("%s: %s", to, strerror(errno));
	}
	fclose(in);
	if (fclose(out))
		give_up("%s: %s", to, strerror(errno));
}

void fake_crash(struct fake *fake)
{
	char from[384], to[384], dir[sizeof(fake->dir)];
	DIR *directory = opendir(fake->dir);
	const struct dirent *entry;

	/* A map's bytes are in the file for whoever reads it, whether the process lives or not. */
	snprintf(dir, sizeof(dir), "%.50s.copy", fake->dir);
	if (!directory || mkdir(dir, 0700))
		give_up("%s: %s", dir, strerror(errno));
	while ((entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(from, sizeof(from), "%s/%s", fake->dir, entry->d_name);
		snprintf(to, sizeof(to), "%s/%s", dir, entry->d_name);
		copy_file(from, to);
	}
	closedir(directory);
	close_server(fake);
	remove_dir(fake);
	if (rename(dir, fake->dir))
		give_up("%s: %s", dir, strerror(errno));
	reopen(fake);
}

void fake_stop(struct fake *fake)
{
	close_server(fake);
	remove_dir(fake);
}

struct fake_conn *fake_connect(struct fake *fake)
{
	struct fake_conn *conn = conn_new(fake, FAKE_SOCKET);

	pass(fake, true);
	conn->client = server_connect(fake->server);
	pass(fake, false);
	if (!conn->client) {
		conn_free(conn);
		return NULL;
	}
	client_set_io(conn->client, conn);
	conn->is_reading = true;
	return conn;
}

struct fake_conn *fake_guest(struct fake *fake, unsigned domid)
{
	return fake->domains[domid].conn;
}

void fake_send(struct fake_conn *conn, const void *bytes, size_t len)
{
	inbox_add(&conn->to, bytes, len);
}

/* There may be room again: the transport would see that the client is writable. */
static void on_writable(struct fake_conn *conn)
{
	const uint8_t *waiting;

	if (!conn->client || conn->is_failed || client_output(conn->client, &waiting) == 0)
		return;
	write_out(conn);
	conn->fake->needs_turn = true;
}

size_t fake_receive(struct fake_conn *conn, void *bytes, size_t size)
{
	size_t n;

	if (conn->domid != FAKE_SOCKET && conn->client)
		guest_reads(conn);
	if (conn->from.len == 0)
		on_writable(conn);
	n = conn->from.len < size ? conn->from.len : size;
	if (n)
		memcpy(bytes, first_of(&conn->from), n);
	drop_first(&conn->from, n);
	on_writable(conn);
	return n;
}

void fake_end(struct fake_conn *conn, bool is_deaf)
{
	if (conn->domid != FAKE_SOCKET) {
		inbox_fini(&conn->to);
		inbox_fini(&conn->from);
		return;
	}
	conn->is_ended = true;
	conn->is_deaf = conn->is_deaf || is_deaf;
	if (conn->is_deaf)
		inbox_fini(&conn->from);
	if (!conn->client)
		return;
	flush(conn);
	conn->fake->needs_turn = true;
}

void fake_break(struct fake_conn *conn)
{
	struct fake *fake = conn->fake;

	if (!conn->client)
		return;
	server_disconnect(fake->server, conn->client);
	fake->needs_turn = true;
}

/* A guest that asks for a new connection gets one. */
static void reconnect(struct fake_conn *conn)
{
	if (conn->domid == FAKE_SOCKET || !conn->client || conn->is_failed ||
	    atomic_load(&conn->page.connection) != XSP_RING_RECONNECT)
		return;
	inbox_fini(&conn->to);
	inbox_fini(&conn->from);
	client_restarted(conn->client);
	ring_start(conn, atomic_load(&conn->page.features));
}

bool fake_pump(struct fake *fake)
{
	struct fake_conn *conn, *next;
	bool has_reason = fake->needs_turn || fake->deadline_ms <= fake->now_ms;

	for (conn = TAILQ_FIRST(&fake->conns); conn; conn = next) {
		next = TAILQ_NEXT(conn, entry);
		reconnect(conn);
		if (gather(conn))
			has_reason = true;
	}
	if (has_reason) {
		pass(fake, true);
		fake->needs_turn = server_turn(fake->server, fake->now_ms, &fake->deadline_ms);
		pass(fake, false);
	}
	/* Whoever has left on both sides is forgotten. */
	for (conn = TAILQ_FIRST(&fake->conns); conn; conn = next) {
		next = TAILQ_NEXT(conn, entry);
		if (conn->domid == FAKE_SOCKET && !conn->client && conn->is_deaf)
			conn_free(conn);
	}
	return has_reason;
}

void fake_settle(struct fake *fake)
{
	/* Far more than anything takes: a server that is never done is broken. */
	for (int i = 0; i < 10000000; i++) {
		if (!fake_pump(fake))
			return;
	}
	give_up("the server always finds something more to do");
}

void fake_advance(struct fake *fake, uint64_t ms)
{
	uint64_t end = fake->now_ms + ms;

	fake_settle(fake);
	while (fake->deadline_ms <= end) {
		if (fake->deadline_ms > fake->now_ms)
			fake->now_ms = fake->deadline_ms;
		fake_settle(fake);
	}
	fake->now_ms = end;
}

void fake_domain_create(struct fake *fake, unsigned domid)
{
	struct fake_domain *domain = &fake->domains[domid];

	domain->exists = true;
	domain->state = (struct host_domain){ .unique_id = ++fake->last_unique_id };
	if (!domain->conn)
		domain->conn = conn_new(fake, (int)domid);
	inbox_fini(&domain->conn->to);
	inbox_fini(&domain->conn->from);
	memset(&domain->conn->page, 0, sizeof(domain->conn->page));
}

void fake_domain_destroy(struct fake *fake, unsigned domid)
{
	fake->domains[domid].exists = false;
}

void fake_changed(struct fake *fake)
{
	server_domains_changed(fake->server);
	fake->needs_turn = true;
}

void fake_notify(struct fake_conn *conn)
{
	if (conn->client)
		conn->is_reading = true;
	conn->fake->needs_turn = true;
}

void fake_audit(struct fake *fake)
{
	char text[256];

	if (!server_audit(fake->server, text, sizeof(text)))
		give_up("audit: %s", text);
}

const char *fake_store_path(const struct fake *fake, char *out_path, size_t size)
{
	snprintf(out_path, size, "%s/xenstored.mdb", fake->dir);
	return out_path;
}
