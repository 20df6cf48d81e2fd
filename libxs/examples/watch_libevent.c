/* SPDX-License-Identifier: MIT */
/*
 * Prints every change below a path, with the new value, on a libevent loop:
 *
 *	watch_libevent /local/domain/0
 *
 * One thread, one connection. Values are read while further events come in; answers arrive in the
 * callback. Ends with Ctrl-C or when the server goes away.
 */
#include <event2/event.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xenstore_async.h>

struct program {
	struct event_base *base;
	struct event *ready; /* the connection's descriptor */
	struct xsa *xsa;
	int status;
};

/* A value that was asked for. */
struct question {
	char *path;
};

static void on_value(void *arg, const struct xsa_result *result)
{
	struct question *question = arg;

	if (result->error)
		printf("%s: %s\n", question->path, strerror(result->error));
	else
		printf("%s = %.*s\n", question->path, (int)result->len, result->data);
	(void)fflush(stdout);
	free(question->path);
	free(question);
}

static void on_change(void *arg, const char *path)
{
	struct program *program = arg;
	struct question *question = calloc(1, sizeof(*question));

	if (!question || !(question->path = strdup(path)) ||
	    xsa_read(program->xsa, XBT_NULL, path, on_value, question)) {
		fprintf(stderr, "%s: cannot ask for its value\n", path);
		if (question)
			free(question->path);
		free(question);
	}
}

static void on_watched(void *arg, const struct xsa_result *result)
{
	struct program *program = arg;

	if (!result->error)
		return;
	fprintf(stderr, "cannot watch: %s\n", strerror(result->error));
	program->status = 1;
	event_base_loopbreak(program->base);
}

/* Makes libevent poll for what the connection wants now. */
static void on_interest(void *arg, short interest)
{
	struct program *program = arg;
	short what = EV_PERSIST | EV_READ;

	if (interest & POLLOUT)
		what |= EV_WRITE;
	event_del(program->ready);
	event_assign(program->ready, program->base, xsa_fd(program->xsa), what,
		     event_get_callback(program->ready), program);
	event_add(program->ready, NULL);
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct program *program = arg;
	int err = xsa_process(program->xsa);

	(void)fd;
	(void)what;
	if (!err)
		return;
	fprintf(stderr, "connection lost: %s\n", strerror(err));
	program->status = 1;
	event_base_loopbreak(program->base);
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	(void)number;
	(void)what;
	event_base_loopbreak(arg);
}

static int run(struct program *program, const char *path)
{
	struct event *interrupt = evsignal_new(program->base, SIGINT, on_signal, program->base);

	program->ready = event_new(program->base, xsa_fd(program->xsa), EV_PERSIST | EV_READ,
				   on_ready, program);
	if (!interrupt || !program->ready)
		return 1;
	event_add(interrupt, NULL);
	event_add(program->ready, NULL);
	xsa_on_interest(program->xsa, on_interest, program);
	if (xsa_watch(program->xsa, path, XSA_DEPTH_ALL, on_change, on_watched, program, NULL))
		return 1;
	event_base_dispatch(program->base);

	xsa_close(program->xsa);
	event_free(program->ready);
	event_free(interrupt);
	return program->status;
}

int main(int argc, char **argv)
{
	struct program program = { .base = event_base_new() };
	int status;

	if (argc != 2) {
		fprintf(stderr, "Usage: %s PATH\n", argv[0]);
		return 2;
	}
	program.xsa = xsa_open(0);
	if (!program.base || !program.xsa) {
		perror("xsa_open");
		return 1;
	}
	status = run(&program, argv[1]);
	event_base_free(program.base);
	return status;
}
