/* SPDX-License-Identifier: MIT */
/*
 * Who receives: until the first watch, the thread that made a request reads its own reply, which
 * costs two system calls and no switch of threads. From the first watch on a thread of the library
 * reads, because events come unasked. It takes over the channel's buffer with whatever is in it;
 * the request lock is held at that moment, so nobody is in the middle of a read.
 *
 * A connection that failed is shut down at once but keeps its descriptor until the handle is
 * closed: another thread may be about to use the number, and it must not hit a file that the
 * program has opened meanwhile.
 *
 * The reader is ended by shutting the connection down. A process that shares it after a fork loses
 * nothing: with a reader in one of them no other could have used it.
 */
#include "libxs/handle.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/errname.h"

/* What the reader itself needs of its stack, beside what libc needs. */
enum { READER_STACK = 64 * 1024 };

bool xsi_succeeded(int err)
{
	if (err)
		errno = err;
	return !err;
}

struct xs_handle *xs_open(unsigned long flags)
{
	struct xs_handle *h = calloc(1, sizeof(*h));
	int err;

	if (!h)
		return NULL;
	h->flags = flags;
	xsi_channel_init(&h->channel);
	atomic_init(&h->reader_pid, 0);
	/* First on the list, then connected: no connection escapes a restriction in between. */
	xsi_registry_enter(&h->registration, &h->channel.fd, &h->reader_pid);
	err = xsi_connect(&h->channel.fd, &h->channel.transport);
	if (err) {
		xsi_registry_leave(&h->registration);
		free(h);
		errno = err;
		return NULL;
	}
	xsi_inbox_init(&h->inbox);
	pthread_mutex_init(&h->request_lock, NULL);
	return h;
}

struct xs_handle *xs_daemon_open(void)
{
	return xs_open(0);
}

struct xs_handle *xs_domain_open(void)
{
	return xs_open(0);
}

struct xs_handle *xs_daemon_open_readonly(void)
{
	return xs_open(0);
}

void xs_daemon_destroy_postfork(struct xs_handle *h)
{
	xsi_registry_leave(&h->registration);
	xsi_channel_close(&h->channel);
	xsi_inbox_fini_forked(&h->inbox);
	free(h);
}

void xs_daemon_close(struct xs_handle *h)
{
	bool has_reader;

	/* Whoever is in the middle of a request finishes it first. */
	pthread_mutex_lock(&h->request_lock);
	has_reader = h->has_reader;
	pthread_mutex_unlock(&h->request_lock);

	/* A child of the process that has the thread has neither the thread nor its locks. */
	if (has_reader && h->reader_pid != getpid()) {
		xs_daemon_destroy_postfork(h);
		return;
	}
	xsi_registry_leave(&h->registration);
	if (has_reader) {
		xsi_channel_stop(&h->channel);
		pthread_join(h->reader, NULL);
	}
	xsi_channel_close(&h->channel);
	xsi_inbox_fini(&h->inbox);
	pthread_mutex_destroy(&h->request_lock);
	free(h);
}

void xs_close(struct xs_handle *h)
{
	if (h)
		xs_daemon_close(h);
}

/* ---- the reader ---- */

static void *read_all(void *arg)
{
	struct xs_handle *h = arg;
	struct xsi_frame frame;
	int err;

	do {
		err = xsi_channel_receive(&h->channel, &frame);
		if (!err)
			err = xsi_inbox_put(&h->inbox, &frame);
	} while (!err);

	xsi_channel_shut(&h->channel);
	xsi_inbox_end(&h->inbox);
	return NULL;
}

/*
 * Many programs are full of threads, and some lock their memory, so the reader gets a small stack.
 * But libc puts thread-local storage on it, of any size the program's libraries like.
 */
static void choose_stack(pthread_attr_t *attr)
{
	union {
		void *symbol;
		size_t (*ask)(const pthread_attr_t *attr);
	} minimum = { .symbol = dlsym(RTLD_DEFAULT, "__pthread_get_minstack") };
	long system_minimum = sysconf(_SC_THREAD_STACK_MIN);
	size_t size = READER_STACK;

	if (minimum.symbol)
		size += minimum.ask(attr);
	else if (system_minimum > 0)
		size += (size_t)system_minimum;
	/* If it is refused the default size stays, which is larger. */
	(void)pthread_attr_setstacksize(attr, size);
}

/* Under the request lock. */
static int start_reader(struct xs_handle *h)
{
	sigset_t all, before;
	pthread_attr_t attr;
	int err;

	err = xsi_channel_make_stoppable(&h->channel);
	if (!err)
		err = pthread_attr_init(&attr);
	if (err)
		return err;
	choose_stack(&attr);
	/* Signals are for the program's threads. A new thread inherits the mask. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	/* On record before it runs, or a restriction might miss it. */
	atomic_store(&h->reader_pid, getpid());
	err = pthread_create(&h->reader, &attr, read_all, h);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (err)
		atomic_store(&h->reader_pid, 0);
	h->has_reader = !err;
	return err;
}

int xsi_start_reader(struct xs_handle *h)
{
	int err = 0;

	pthread_mutex_lock(&h->request_lock);
	if (!h->has_reader)
		err = start_reader(h);
	pthread_mutex_unlock(&h->request_lock);
	return err;
}

/* ---- requests ---- */

struct xsi_request xsi_request(enum xsp_type type, xs_transaction_t tx_id)
{
	return (struct xsi_request){ .type = type, .tx_id = tx_id };
}

void xsi_add_bytes(struct xsi_request *request, const void *bytes, size_t len)
{
	/* The kernel only reads the pieces; struct iovec has no const to say so. */
	union {
		const void *in;
		void *out;
	} base = { .in = bytes };

	request->pieces[request->n_pieces++] =
		(struct iovec){ .iov_base = base.out, .iov_len = len };
}

void xsi_add_string(struct xsi_request *request, const char *string)
{
	xsi_add_bytes(request, string, strlen(string) + 1);
}

/* Under the request lock. */
static void give_up(struct xs_handle *h)
{
	h->is_dead = true;
	xsi_channel_shut(&h->channel);
	xsi_inbox_end(&h->inbox);
}

/* Reads until the reply is here; events that come first are kept. */
static int receive_reply(struct xs_handle *h, struct xsi_reply *out_reply)
{
	struct xsi_frame frame;
	int err;

	while (!xsi_inbox_take(&h->inbox, out_reply)) {
		err = xsi_channel_receive(&h->channel, &frame);
		if (err)
			return -err;
		err = xsi_inbox_put(&h->inbox, &frame);
		if (err)
			return err;
	}
	return 0;
}

/*
 * Each request has a number of its own, which the server returns with the reply: a second reply to
 * an earlier request is recognised however late it comes. The kernel numbers what passes through its
 * device, and some kernels answer for watches themselves, always with 0, so there it is 0.
 */
static uint32_t next_number(struct xs_handle *h)
{
	return h->channel.transport == XSI_SOCKET ? ++h->n_requests : 0;
}

static int exchange(struct xs_handle *h, const struct xsi_request *request, size_t len,
		    struct xsi_reply *out_reply)
{
	struct xsp_header header = { .type = request->type,
				     .req_id = next_number(h),
				     .tx_id = request->tx_id,
				     .len = (uint32_t)len };
	int err;

	if (h->is_dead)
		return EBADF;
	xsi_inbox_expect(&h->inbox, header.req_id);
	err = xsi_channel_send(&h->channel, &header, request->pieces, request->n_pieces);
	if (err > 0) {
		xsi_inbox_expect_none(&h->inbox);
		return err;
	}
	if (err < 0)
		err = h->has_reader ? EBADF : -err;
	else if (h->has_reader)
		err = xsi_inbox_wait(&h->inbox, out_reply);
	else
		err = receive_reply(h, out_reply);
	if (err) {
		give_up(h);
		return err;
	}
	if (out_reply->type == XSP_ERROR) {
		err = xsp_errname_parse(out_reply->body, out_reply->len);
	} else if (out_reply->type != request->type) {
		err = EBADF;
		give_up(h);
	}
	if (err)
		free(out_reply->body);
	return err;
}

/* The program cancelled its thread: the request may be half sent, its reply comes unasked. */
static void abandon(void *arg)
{
	struct xs_handle *h = arg;

	give_up(h);
	pthread_mutex_unlock(&h->request_lock);
}

static int exchange_locked(struct xs_handle *h, const struct xsi_request *request, size_t len,
			   struct xsi_reply *out_reply)
{
	int err;

	pthread_mutex_lock(&h->request_lock);
	pthread_cleanup_push(abandon, h);
	err = exchange(h, request, len, out_reply);
	pthread_cleanup_pop(0);
	pthread_mutex_unlock(&h->request_lock);
	return err;
}

int xsi_talk(struct xs_handle *h, const struct xsi_request *request, char **out_body,
	     size_t *out_len)
{
	struct xsi_reply reply = { 0 };
	size_t len = 0;
	int err;

	for (size_t i = 0; i < request->n_pieces; i++) {
		if (request->pieces[i].iov_len > XSP_PAYLOAD_MAX - len)
			return E2BIG;
		len += request->pieces[i].iov_len;
	}
	err = exchange_locked(h, request, len, &reply);
	if (err)
		return err;
	*out_body = reply.body;
	if (out_len)
		*out_len = reply.len;
	return 0;
}

int xsi_ask(struct xs_handle *h, const struct xsi_request *request)
{
	char *body;
	int err = xsi_talk(h, request, &body, NULL);

	if (!err)
		free(body);
	return err;
}
