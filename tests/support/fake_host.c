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

#include "tests/support/fake_inside.h"

static const char boot_id[] = "0f0f0f0f-0000-4000-8000-000000000001";

_Noreturn void fake_give_up(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

/* Says that control passes into the server or out of it; returns where it was. */
bool fake_pass(struct fake *fake, bool is_inside)
{
	bool was_inside = fake->is_inside;

	fake->is_inside = is_inside;
	if (fake->passing)
		fake->passing(is_inside);
	return was_inside;
}

static bool domain_state(void *self, uint16_t domid, struct host_domain *out_state)
{
	const struct fake *fake = self;

	if (domid >= FAKE_DOMIDS || !fake->domains[domid].exists)
		return false;
	*out_state = fake->domains[domid].state;
	return true;
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
	fake_conn_ring_start(domain->conn, features);
	return 0;
}

static void ring_reopen(void *self, struct client *client, uint32_t port, uint32_t features)
{
	struct fake *fake = self;
	struct fake_conn *conn = client_io(client);

	fake->domains[conn->domid].port = port;
	fake_conn_ring_start(conn, features);
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
	bool was_inside = fake_pass(fake, false);

	if (conn) {
		if (conn->domid == FAKE_SOCKET)
			fake_conn_flush(conn);
		client_set_io(client, NULL);
		conn->client = NULL;
	}
	fake_pass(fake, was_inside);
}

static void client_wake(void *self, struct client *client)
{
	struct fake *fake = self;
	bool was_inside = fake_pass(fake, false);

	if (client_io(client))
		fake_conn_write_out(client_io(client));
	fake_pass(fake, was_inside);
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

	fake_pass(fake, true);
	err = store_open(fake->dir, boot_id, fake->config.seed, &fake->store, &found);
	if (!err) {
		err = server_new(&fake->config, fake->store, &fake->host, &fake->trace.trace,
				 &fake->server);
		if (err) {
			store_close(fake->store);
			fake->store = NULL;
		}
	}
	fake_pass(fake, false);
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
		.now_ms = 1000,
		.passing = passing,
	};
	fake_trace_init(&fake->trace);
	TAILQ_INIT(&fake->conns);
	if (config)
		fake->config = *config;
	else
		server_config_defaults(&fake->config);
	snprintf(fake->dir, sizeof(fake->dir), "%s/xs-test.XXXXXX", top);
	if (!mkdtemp(fake->dir))
		fake_give_up("mkdtemp: %s", strerror(errno));
	err = open_server(fake);
	if (err)
		remove_dir(fake);
	return err;
}

void fake_start(struct fake *fake, const struct server_config *config)
{
	int err = fake_try_start(fake, config, NULL);

	if (err)
		fake_give_up("the server does not start: %s", strerror(-err));
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
		fake_conn_free(conn);
	}
}

/* Starts a server on what is in the directory. */
static void reopen(struct fake *fake)
{
	int err;

	for (unsigned domid = 0; domid < FAKE_DOMIDS; domid++) {
		if (fake->domains[domid].exists)
			fake->domains[domid].conn = fake_conn_new(fake, (int)domid);
	}
	err = open_server(fake);
	if (err)
		fake_give_up("the server does not start again: %s", strerror(-err));
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
		fake_give_up("%s: %s", to, strerror(errno));
	while ((n = fread(bytes, 1, sizeof(bytes), in)) > 0) {
		if (fwrite(bytes, 1, n, out) != n)
			fake_give_up("%s: %s", to, strerror(errno));
	}
	fclose(in);
	if (fclose(out))
		fake_give_up("%s: %s", to, strerror(errno));
}

void fake_crash(struct fake *fake)
{
	char from[384], to[384], dir[sizeof(fake->dir)];
	DIR *directory = opendir(fake->dir);
	const struct dirent *entry;

	/* A map's bytes are in the file for whoever reads it, whether the process lives or not. */
	snprintf(dir, sizeof(dir), "%.50s.copy", fake->dir);
	if (!directory || mkdir(dir, 0700))
		fake_give_up("%s: %s", dir, strerror(errno));
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
		fake_give_up("%s: %s", dir, strerror(errno));
	reopen(fake);
}

void fake_stop(struct fake *fake)
{
	close_server(fake);
	remove_dir(fake);
}

bool fake_pump(struct fake *fake)
{
	struct fake_conn *conn, *next;
	bool has_reason = fake->needs_turn || fake->deadline_ms <= fake->now_ms;

	for (conn = TAILQ_FIRST(&fake->conns); conn; conn = next) {
		next = TAILQ_NEXT(conn, entry);
		fake_conn_reconnect(conn);
		if (fake_conn_gather(conn))
			has_reason = true;
	}
	if (has_reason) {
		fake_pass(fake, true);
		fake->needs_turn = server_turn(fake->server, fake->now_ms, &fake->deadline_ms);
		fake_pass(fake, false);
	}
	/* Whoever has left on both sides is forgotten. */
	for (conn = TAILQ_FIRST(&fake->conns); conn; conn = next) {
		next = TAILQ_NEXT(conn, entry);
		if (conn->domid == FAKE_SOCKET && !conn->client && conn->is_deaf)
			fake_conn_free(conn);
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
	fake_give_up("the server always finds something more to do");
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
		domain->conn = fake_conn_new(fake, (int)domid);
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

void fake_audit(struct fake *fake)
{
	char text[256];

	if (!server_audit(fake->server, text, sizeof(text)))
		fake_give_up("audit: %s", text);
}

const char *fake_store_path(const struct fake *fake, char *out_path, size_t size)
{
	snprintf(out_path, size, "%s/xenstored.mdb", fake->dir);
	return out_path;
}
