/* SPDX-License-Identifier: MIT */
/*
 * The connections of the fake host: bytes between a test and the server.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/fake_inside.h"
#include "tests/support/text.h"

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

struct fake_conn *fake_conn_new(struct fake *fake, int domid)
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

void fake_conn_free(struct fake_conn *conn)
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
bool fake_conn_flush(struct fake_conn *conn)
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

void fake_conn_write_out(struct fake_conn *conn)
{
	fake_conn_flush(conn);
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
bool fake_conn_gather(struct fake_conn *conn)
{
	size_t len, n;
	uint8_t *space;

	if (!conn->is_reading || !has_input(conn))
		return false;
	if (!client_wants_input(conn->client)) {
		conn->is_reading = false;
		return false;
	}
	fake_pass(conn->fake, true);
	space = client_input_space(conn->client, &len);
	fake_pass(conn->fake, false);
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

void fake_conn_ring_start(struct fake_conn *conn, uint32_t features)
{
	xsp_ring_reset(&conn->ring, &conn->page);
	atomic_store(&conn->page.features, features);
	atomic_store(&conn->page.error, XSP_RING_ERROR_NONE);
	atomic_store(&conn->page.connection, XSP_RING_CONNECTED);
	conn->is_failed = false;
	conn->is_reading = true;
}

struct fake_conn *fake_connect(struct fake *fake)
{
	struct fake_conn *conn = fake_conn_new(fake, FAKE_SOCKET);

	fake_pass(fake, true);
	conn->client = server_connect(fake->server);
	fake_pass(fake, false);
	if (!conn->client) {
		fake_conn_free(conn);
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
	fake_conn_write_out(conn);
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
	fake_conn_flush(conn);
	conn->fake->needs_turn = true;
}

/* A guest that asks for a new connection gets one. */
void fake_conn_reconnect(struct fake_conn *conn)
{
	if (conn->domid == FAKE_SOCKET || !conn->client || conn->is_failed ||
	    atomic_load(&conn->page.connection) != XSP_RING_RECONNECT)
		return;
	inbox_fini(&conn->to);
	inbox_fini(&conn->from);
	client_restarted(conn->client);
	fake_conn_ring_start(conn, atomic_load(&conn->page.features));
}

void fake_notify(struct fake_conn *conn)
{
	if (conn->client)
		conn->is_reading = true;
	conn->fake->needs_turn = true;
}
