/* SPDX-License-Identifier: MIT */
#include "tests/libxs/peer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct peer {
	peer_fn serve;
	void *arg;
	int listener;
	pthread_t thread;
	char *directory;
	char path[108];
};

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	perror(what);
	abort();
}

char *peer_make_directory(void)
{
	char template[] = "/tmp/test-libxs-XXXXXX";

	must(mkdtemp(template) != NULL, "mkdtemp");
	return strdup(template);
}

void peer_remove_directory(char *directory, const char *socket_path)
{
	unlink(socket_path);
	rmdir(directory);
	free(directory);
}

int peer_listen(const char *directory, char *out_path, size_t size)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(out_path, size, "%s/socket", directory);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", directory);
	must(fd >= 0, "socket");
	must(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0, "bind");
	must(listen(fd, 64) == 0, "listen");
	setenv("XENSTORED_PATH", out_path, 1);
	return fd;
}

static void *serve_all(void *arg)
{
	struct peer *peer = arg;
	int fd;

	while ((fd = accept4(peer->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		peer->serve(fd, peer->arg);
		close(fd);
	}
	return NULL;
}

struct peer *peer_start(peer_fn serve, void *arg)
{
	struct peer *peer = calloc(1, sizeof(*peer));

	must(peer != NULL, "calloc");
	peer->serve = serve;
	peer->arg = arg;
	peer->directory = peer_make_directory();
	peer->listener = peer_listen(peer->directory, peer->path, sizeof(peer->path));
	must(pthread_create(&peer->thread, NULL, serve_all, peer) == 0, "pthread_create");
	return peer;
}

void peer_stop(struct peer *peer)
{
	shutdown(peer->listener, SHUT_RDWR);
	pthread_join(peer->thread, NULL);
	close(peer->listener);
	peer_remove_directory(peer->directory, peer->path);
	free(peer);
}

static bool receive_bytes(int fd, void *bytes, size_t len)
{
	return len == 0 || recv(fd, bytes, len, MSG_WAITALL) == (ssize_t)len;
}

bool peer_receive(int fd, struct xsp_header *out_header, char out_payload[XSP_PAYLOAD_MAX + 1])
{
	uint8_t head[XSP_HEADER_SIZE];

	if (!receive_bytes(fd, head, sizeof(head)))
		return false;
	xsp_header_get(out_header, head);
	must(out_header->len <= XSP_PAYLOAD_MAX, "request longer than a message");
	out_payload[out_header->len] = '\0';
	return receive_bytes(fd, out_payload, out_header->len);
}

bool peer_send_bytes(int fd, const void *bytes, size_t len)
{
	const char *cursor = bytes;

	while (len > 0) {
		ssize_t sent = send(fd, cursor, len, MSG_NOSIGNAL);

		if (sent < 0)
			return false;
		cursor += sent;
		len -= (size_t)sent;
	}
	return true;
}

static bool send_message(int fd, const struct xsp_header *header, const void *payload)
{
	uint8_t message[XSP_HEADER_SIZE + 65536];

	must(header->len <= 65536, "message too long for the test's buffer");
	xsp_header_put(message, header);
	if (header->len > 0)
		memcpy(message + XSP_HEADER_SIZE, payload, header->len);
	return peer_send_bytes(fd, message, XSP_HEADER_SIZE + header->len);
}

bool peer_reply(int fd, const struct xsp_header *request, uint32_t type, const void *payload,
		size_t len)
{
	struct xsp_header header = *request;

	header.type = type;
	header.len = (uint32_t)len;
	return send_message(fd, &header, payload);
}

bool peer_event(int fd, const char *path, const char *token)
{
	struct xsp_header header = { .type = XSP_WATCH_EVENT };
	char payload[XSP_PAYLOAD_MAX];
	int len = snprintf(payload, sizeof(payload), "%s%c%s", path, '\0', token);

	header.len = (uint32_t)len + 1;
	return send_message(fd, &header, payload);
}
