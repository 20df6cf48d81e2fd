/* SPDX-License-Identifier: MIT */
#include "tests/rings/rig.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/check.h"
#include "tests/support/sock.h"

enum { PATIENCE_MS = SOCK_PATIENCE_MS, SLICE_MS = 20 };

void rig_make(struct rig *rig)
{
	CHECK_INT(fakedaemon_make(&rig->daemon), 0);
	rig->host = &rig->daemon.host;
}

void rig_start(struct rig *rig, const char *first, const char *second, const char *third)
{
	const char *const arguments[] = { first, second, third, NULL };
	int fd, err;

	CHECK_INT(fakedaemon_start(&rig->daemon, RIG_DAEMON, RIG_PRELOAD, arguments), 0);
	err = sock_connect(rig->daemon.socket, PATIENCE_MS, &fd);
	if (err)
		CHECK_FAIL("the daemon does not listen: %s", strerror(err));
	close(fd);
}

void rig_stop(struct rig *rig)
{
	int status;

	CHECK_INT(fakedaemon_stop(&rig->daemon, &status), 0);
	if (status)
		CHECK_FAIL("the daemon ended with wait status %#x", (unsigned)status);
	fakedaemon_remove(&rig->daemon);
}

void rig_kill(struct rig *rig)
{
	CHECK_INT(fakedaemon_kill(&rig->daemon), 0);
}

void rig_begin(struct rig *rig)
{
	rig_make(rig);
	rig_start(rig, NULL, NULL, NULL);
}

void rig_freeze(struct rig *rig)
{
	int status;

	CHECK_INT(kill(rig->daemon.pid, SIGSTOP), 0);
	CHECK_INT(waitpid(rig->daemon.pid, &status, WUNTRACED), rig->daemon.pid);
	CHECK(WIFSTOPPED(status));
}

void rig_thaw(struct rig *rig)
{
	CHECK_INT(kill(rig->daemon.pid, SIGCONT), 0);
}

void peer_connect(struct rig *rig, struct peer *peer)
{
	*peer = (struct peer){ .rig = rig };
	CHECK_INT(sock_connect(rig->daemon.socket, PATIENCE_MS, &peer->fd), 0);
}

void peer_be(struct rig *rig, struct peer *peer, uint32_t domid)
{
	*peer = (struct peer){ .rig = rig, .fd = -1 };
	if (!rig->host->host->domains[domid].state)
		CHECK_INT(fakehost_create(rig->host, domid), 0);
	CHECK_INT(fakewaker_open(rig->host, &peer->waker), 0);
	CHECK_INT(fakeguest_open(&peer->guest, rig->host, domid, &peer->waker), 0);
}

void peer_close(struct peer *peer)
{
	if (peer->fd >= 0)
		close(peer->fd);
	else
		fakewaker_close(&peer->waker);
	fakeguest_close(&peer->guest);
	inbox_fini(&peer->inbox);
}

bool peer_wait(struct peer *peer, int patience_ms)
{
	uint32_t domids[64];
	bool has_heard = fakewaker_wait(&peer->waker, patience_ms, domids, 64) > 0;

	fakeguest_heard(&peer->guest);
	return has_heard;
}

/* Reads what there is. False: nothing. */
static bool take(struct peer *peer, int patience_ms)
{
	char bytes[8192];
	size_t n;

	if (peer->fd >= 0) {
		CHECK_INT(sock_receive(peer->fd, patience_ms, bytes, sizeof(bytes), &n), 0);
	} else {
		n = fakeguest_read(&peer->guest, bytes, sizeof(bytes));
		if (n == 0 && patience_ms > 0 && peer_wait(peer, patience_ms))
			n = fakeguest_read(&peer->guest, bytes, sizeof(bytes));
	}
	inbox_add(&peer->inbox, bytes, n);
	return n > 0;
}

static void send_to_ring(struct peer *peer, const char *bytes, size_t len)
{
	int patience_ms = PATIENCE_MS;
	size_t n;

	while (len > 0) {
		n = fakeguest_write(&peer->guest, bytes, len);
		bytes += n;
		len -= n;
		if (n > 0 || len == 0)
			continue;
		if (patience_ms <= 0)
			CHECK_FAIL("the server takes nothing from the ring of domain %u",
				   peer->guest.domid);
		if (!take(peer, 0) && !peer_wait(peer, SLICE_MS))
			patience_ms -= SLICE_MS;
	}
}

static void send_bytes(struct peer *peer, const void *bytes, size_t len)
{
	if (peer->fd >= 0)
		CHECK_INT(sock_send(peer->fd, bytes, len), 0);
	else
		send_to_ring(peer, bytes, len);
}

void peer_say_bytes(struct peer *peer, uint32_t type, uint32_t tx, const void *payload, size_t len)
{
	struct xsp_header header = {
		.type = type,
		.req_id = ++peer->last_id,
		.tx_id = tx,
		.len = (uint32_t)len,
	};
	char bytes[XSP_MESSAGE_MAX + 16];

	CHECK(len <= XSP_PAYLOAD_MAX);
	xsp_header_put(bytes, &header);
	if (len)
		memcpy(bytes + XSP_HEADER_SIZE, payload, len);
	send_bytes(peer, bytes, XSP_HEADER_SIZE + len);
}

/* Text into bytes; returns the length. */
static size_t spell(char *out, const char *text)
{
	size_t len = strlen(text);

	CHECK(len <= XSP_PAYLOAD_MAX);
	for (size_t i = 0; i < len; i++)
		out[i] = text[i] == '|' ? '\0' : text[i];
	return len;
}

void peer_say(struct peer *peer, uint32_t type, uint32_t tx, const char *text)
{
	char payload[XSP_PAYLOAD_MAX];
	size_t len = spell(payload, text);

	peer_say_bytes(peer, type, tx, payload, len);
}

struct message peer_hear(struct peer *peer)
{
	int patience_ms = PATIENCE_MS;
	struct message message;

	while (!inbox_next(&peer->inbox, &message)) {
		if (patience_ms <= 0)
			CHECK_FAIL("nothing comes; %zu bytes of a message are there",
				   inbox_rest(&peer->inbox));
		if (!take(peer, SLICE_MS))
			patience_ms -= SLICE_MS;
	}
	return message;
}

void peer_expect(struct peer *peer, uint32_t type, const char *text)
{
	struct message message = peer_hear(peer);
	struct message wanted = { .header = message.header };
	char payload[XSP_PAYLOAD_MAX], seen[2048], due[2048];

	wanted.header.type = type;
	wanted.header.len = (uint32_t)spell(payload, text);
	wanted.payload = payload;
	if (type != XSP_WATCH_EVENT && message.header.type != XSP_WATCH_EVENT)
		wanted.header.req_id = peer->last_id;
	if (message.header.type == type && message.header.len == wanted.header.len &&
	    message.header.req_id == wanted.header.req_id &&
	    !memcmp(message.payload, payload, wanted.header.len))
		return;
	message_show(seen, sizeof(seen), &message);
	message_show(due, sizeof(due), &wanted);
	CHECK_FAIL("came: %s\ndue: %s", seen, due);
}

void peer_event(struct peer *peer, const char *text)
{
	peer_expect(peer, XSP_WATCH_EVENT, text);
}

void peer_ask(struct peer *peer, uint32_t type, const char *text, const char *reply)
{
	peer_say(peer, type, 0, text);
	peer_expect(peer, type, reply);
}

void peer_refused(struct peer *peer, uint32_t type, const char *text, const char *error)
{
	char reply[32];

	snprintf(reply, sizeof(reply), "%s|", error);
	peer_say(peer, type, 0, text);
	peer_expect(peer, XSP_ERROR, reply);
}

void peer_quiet(struct peer *peer)
{
	peer_ask(peer, XSP_GET_DOMAIN_PATH, "0|", "/local/domain/0|");
}

void peer_introduce(struct peer *peer, uint32_t domid)
{
	char text[32];

	snprintf(text, sizeof(text), "%u|1|%u|", domid, FAKEHOST_PORT);
	peer_ask(peer, XSP_INTRODUCE, text, "OK|");
}

void scene_add(struct scene *scene, struct peer *peer, uint32_t domid)
{
	char path[64], perms[96];

	peer_be(&scene->rig, peer, domid);
	peer_introduce(&scene->dom0, domid);
	snprintf(path, sizeof(path), "/local/domain/%u|", domid);
	peer_ask(&scene->dom0, XSP_MKDIR, path, "OK|");
	snprintf(perms, sizeof(perms), "/local/domain/%u|n%u|", domid, domid);
	peer_ask(&scene->dom0, XSP_SET_PERMS, perms, "OK|");
}

void scene_begin(struct scene *scene)
{
	rig_begin(&scene->rig);
	peer_connect(&scene->rig, &scene->dom0);
	scene_add(scene, &scene->guest, 5);
}

void scene_end(struct scene *scene)
{
	peer_close(&scene->guest);
	peer_close(&scene->dom0);
	rig_stop(&scene->rig);
}
