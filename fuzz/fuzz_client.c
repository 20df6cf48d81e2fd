/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a hostile server, met by the client library.
 *
 * The first byte chooses what the client does; the rest is what the server sends, all of it in the
 * socket before the client speaks, and then its end. So no run waits, and each is bounded by its
 * input: whatever the client makes of the bytes it must come back, with every callback called once
 * and nothing leaked.
 *
 * The classic interface numbers its requests from 1 and believes no reply with another number.
 * Replies with number 0 are numbered here, or none would get past the second one.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "libxs/include/xenstore_async.h"
#include "protocol/framer.h"
#include "protocol/wire.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 128 * 1024, REQUESTS_MAX = 64 };

static int listener = -1;
static struct sockaddr_un address = { .sun_family = AF_UNIX };

static void clean_up(void)
{
	unlink(address.sun_path);
	*strrchr(address.sun_path, '/') = '\0';
	rmdir(address.sun_path);
}

/* The library connects to a path, so there is one to listen at. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static char directory[] = "/tmp/fuzz-client-XXXXXX";

	(void)argc;
	(void)argv;
	if (!mkdtemp(directory))
		abort();
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", directory);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 16) < 0)
		abort();
	setenv("XENSTORED_PATH", address.sun_path, 1);
	atexit(clean_up);
	return 0;
}

/* Fills the socket with the server's bytes; what does not fit at once is left out. */
static void speak(int fd, const uint8_t *data, size_t size)
{
	int room = INPUT_MAX;

	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	while (size > 0) {
		ssize_t sent = send(fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent <= 0)
			break;
		data += sent;
		size -= (size_t)sent;
	}
	/* The client may still write: its requests are not what is examined here. */
	(void)shutdown(fd, SHUT_WR);
}

/* ---- the classic interface ---- */

static uint8_t *number_replies(const uint8_t *data, size_t size)
{
	uint8_t *numbered = malloc(size + 1);
	struct xsp_header header;
	uint32_t n = 0;

	if (!numbered)
		abort();
	if (size > 0)
		memcpy(numbered, data, size);
	for (size_t at = 0; xsp_frame_next(numbered + at, size - at, &header) == XSP_FRAME_WHOLE;
	     at += XSP_HEADER_SIZE + header.len) {
		if (header.type == XSP_WATCH_EVENT)
			continue;
		n++;
		if (header.req_id != 0)
			continue;
		header.req_id = n;
		xsp_header_put(numbered + at, &header);
	}
	return numbered;
}

static void use_strings(char **strings, unsigned n)
{
	size_t len = 0;

	for (unsigned i = 0; strings && i < n; i++)
		len += strlen(strings[i]);
	/* The strings must be readable to their ends; their length must not be optimised away. */
	if (len == SIZE_MAX)
		abort();
	free(strings);
}

static void ask_one(struct xs_handle *h, unsigned which)
{
	unsigned n = 0, number;
	xs_transaction_t t;

	switch (which % 8) {
	case 0:
		free(xs_read(h, XBT_NULL, "/a", &n));
		break;
	case 1:
		use_strings(xs_directory(h, XBT_NULL, "/a", &n), n);
		break;
	case 2:
		free(xs_get_permissions(h, XBT_NULL, "/a", &n));
		break;
	case 3:
		t = xs_transaction_start(h);
		(void)xs_transaction_end(h, t, false);
		break;
	case 4:
		free(xs_control_command(h, "help", NULL, 0));
		break;
	case 5:
		free(xs_get_quota_names(h, &n));
		(void)xs_get_features_supported(h, &number);
		break;
	case 6:
		(void)xs_write(h, XBT_NULL, "/a", "value", 5);
		break;
	default:
		free(xs_get_domain_path(h, 1));
		break;
	}
	use_strings(xs_check_watch(h), 2);
}

static void be_classic(const uint8_t *data, size_t size, unsigned choice)
{
	struct xs_handle *h = xs_open(choice & 2 ? XS_UNWATCH_FILTER : 0);
	int server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	uint8_t *numbered = number_replies(data, size);
	char **event;
	unsigned n;

	if (!h || server < 0)
		abort();
	speak(server, numbered, size);
	free(numbered);
	if (choice & 1)
		(void)xs_watch(h, "/a", "token");
	for (unsigned i = 0; i < 16; i++)
		ask_one(h, choice / 4 + i);
	if (choice & 1) {
		(void)xs_unwatch(h, "/a", "token");
		/* The server is gone for the library, or will be in a moment: this ends. */
		while ((event = xs_read_watch(h, &n)))
			use_strings(event, n);
	}
	xs_close(h);
	close(server);
}

/* ---- the event-driven interface ---- */

static unsigned n_called[REQUESTS_MAX];

static void on_result(void *arg, const struct xsa_result *result)
{
	struct xs_permissions perms[4];
	const char *string = NULL;
	size_t n = 0, count = 0;

	++*(unsigned *)arg;
	if (result->data[result->len] != '\0')
		abort();
	while ((string = xsa_result_next(result, string)))
		count++;
	if (count != xsa_result_count(result))
		abort();
	(void)xsa_result_permissions(result, perms, 4, &n);
	(void)xsa_result_transaction(result);
}

static void on_event(void *arg, const char *path)
{
	(void)arg;
	if (strlen(path) > XSP_PAYLOAD_MAX)
		abort();
}

static enum xsa_tree_next on_node(void *arg, const struct xsa_node *node)
{
	(void)arg;
	if (node->value[node->len] != '\0' || !strstr(node->path, node->name))
		abort();
	return node->len == 3 ? XSA_TREE_PRUNE : XSA_TREE_CONTINUE;
}

static int ask(struct xsa *xsa, unsigned which, unsigned *called)
{
	switch (which % 6) {
	case 0:
		return xsa_read(xsa, XBT_NULL, "/a", on_result, called);
	case 1:
		return xsa_directory(xsa, XBT_NULL, "/a", on_result, called);
	case 2:
		return xsa_watch(xsa, "/a", (int)(which / 6 % 3) - 1, on_event, on_result, called,
				 NULL);
	case 3:
		return xsa_tree(xsa, XBT_NULL, "/a", (int)(which / 6 % 5) - 1,
				XSA_TREE_VALUES | XSA_TREE_PERMISSIONS, on_node, on_result, called);
	case 4:
		return xsa_get_permissions(xsa, XBT_NULL, "/a", on_result, called);
	default:
		return xsa_transaction_start(xsa, on_result, called);
	}
}

static void be_driven_by_events(const uint8_t *data, size_t size, unsigned choice)
{
	unsigned n_requests = choice % REQUESTS_MAX + 1;
	struct xsa *xsa;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		abort();
	xsa = xsa_open_fd(ends[0]);
	if (!xsa)
		abort();
	speak(ends[1], data, size);
	memset(n_called, 0, sizeof(n_called));
	for (unsigned i = 0; i < n_requests; i++) {
		if (ask(xsa, choice + i, &n_called[i]))
			abort();
	}
	(void)xsa_drain(xsa);
	xsa_close(xsa);
	for (unsigned i = 0; i < n_requests; i++) {
		if (n_called[i] != 1)
			abort();
	}
	close(ends[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (listener < 0)
		LLVMFuzzerInitialize(NULL, NULL);
	if (size == 0 || size > INPUT_MAX)
		return 0;
	if (data[0] & 128)
		be_driven_by_events(data + 1, size - 1, data[0] & 127);
	else
		be_classic(data + 1, size - 1, data[0]);
	return 0;
}
