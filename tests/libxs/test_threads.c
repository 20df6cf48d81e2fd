/* SPDX-License-Identifier: MIT */
/* Many threads at once; to be run under the thread and the address sanitizer as well. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libxs/include/xenstore.h"
#include "tests/libxs/mini.h"
#include "tests/support/check.h"

enum { N_THREADS = 8, N_ROUNDS = 200 };

static const struct mini_options everything = { .has_depth = true, .has_parts = true };

struct worker {
	struct xs_handle *h;
	unsigned number;
	unsigned n_failed;
	pthread_t thread;
};

static void *write_and_read(void *arg)
{
	struct worker *worker = arg;
	char path[64], value[64], *got;
	unsigned len;

	for (unsigned i = 0; i < N_ROUNDS; i++) {
		snprintf(path, sizeof(path), "/w/%u/%u", worker->number, i % 10);
		snprintf(value, sizeof(value), "%u of %u", i, worker->number);
		if (!xs_write(worker->h, XBT_NULL, path, value, (unsigned)strlen(value)))
			worker->n_failed++;
		got = xs_read(worker->h, XBT_NULL, path, &len);
		if (!got || strcmp(got, value) != 0)
			worker->n_failed++;
		free(got);
	}
	return NULL;
}

static void *watch_and_unwatch(void *arg)
{
	struct worker *worker = arg;
	char path[64], token[64];
	char **event;

	for (unsigned i = 0; i < N_ROUNDS / 4; i++) {
		snprintf(path, sizeof(path), "/w/%u", (worker->number + i) % N_THREADS);
		snprintf(token, sizeof(token), "%u-%u", worker->number, i);
		if (!xs_watch(worker->h, path, token))
			worker->n_failed++;
		event = xs_check_watch(worker->h);
		free(event);
		if (xs_fileno(worker->h) < 0)
			worker->n_failed++;
		if (!xs_unwatch(worker->h, path, token))
			worker->n_failed++;
	}
	return NULL;
}

static unsigned run(struct worker *workers, unsigned n, struct xs_handle *h,
		    void *(*const *jobs)(void *), unsigned n_jobs)
{
	unsigned n_failed = 0;

	for (unsigned i = 0; i < n; i++) {
		workers[i] = (struct worker){ .h = h, .number = i };
		CHECK_INT(pthread_create(&workers[i].thread, NULL, jobs[i % n_jobs], &workers[i]),
			  0);
	}
	for (unsigned i = 0; i < n; i++) {
		pthread_join(workers[i].thread, NULL);
		n_failed += workers[i].n_failed;
	}
	return n_failed;
}

TEST(threads_share_a_handle_before_there_is_a_reader)
{
	void *(*const jobs[])(void *) = { write_and_read };
	struct mini *mini = mini_start(&everything);
	struct worker workers[N_THREADS];
	struct xs_handle *h = xs_open(0);

	CHECK_UINT(run(workers, N_THREADS, h, jobs, 1), 0);
	xs_close(h);
	mini_stop(mini);
}

TEST(the_reader_may_start_amid_requests)
{
	void *(*const jobs[])(void *) = { write_and_read, watch_and_unwatch };
	struct mini *mini = mini_start(&everything);
	struct worker workers[N_THREADS];

	for (int i = 0; i < 5; i++) {
		struct xs_handle *h = xs_open(XS_UNWATCH_FILTER);

		CHECK_UINT(run(workers, N_THREADS, h, jobs, 2), 0);
		xs_close(h);
	}
	mini_stop(mini);
}

static void *open_watch_close(void *arg)
{
	struct worker *worker = arg;
	unsigned num;

	for (unsigned i = 0; i < N_ROUNDS / 4; i++) {
		struct xs_handle *h = xs_open(0);
		char **event;

		if (!h || !xs_watch(h, "/w", "t"))
			worker->n_failed++;
		event = h ? xs_read_watch(h, &num) : NULL;
		if (!event)
			worker->n_failed++;
		free(event);
		xs_close(h);
	}
	return NULL;
}

TEST(handles_open_and_close_side_by_side)
{
	void *(*const jobs[])(void *) = { open_watch_close };
	struct mini *mini = mini_start(&everything);
	struct worker workers[N_THREADS];

	CHECK_UINT(run(workers, N_THREADS, NULL, jobs, 1), 0);
	mini_stop(mini);
}

static void *use_until_it_breaks(void *arg)
{
	struct worker *worker = arg;
	char token[16];

	snprintf(token, sizeof(token), "%u", worker->number);
	while (xs_watch(worker->h, "/w", token) && xs_unwatch(worker->h, "/w", token) &&
	       xs_mkdir(worker->h, XBT_NULL, "/w/x"))
		free(xs_check_watch(worker->h));
	if (errno != EINVAL && errno != EBADF)
		worker->n_failed++;
	return NULL;
}

static void *disconnect(void *arg)
{
	mini_disconnect(arg);
	return NULL;
}

TEST(the_server_may_die_under_many_threads)
{
	struct mini *mini = mini_start(&everything);
	struct worker workers[N_THREADS];

	for (int round = 0; round < 10; round++) {
		struct xs_handle *h = xs_open(0);
		void *(*const jobs[])(void *) = { use_until_it_breaks };
		pthread_t killer;

		CHECK(xs_mkdir(h, XBT_NULL, "/w"));
		CHECK_INT(pthread_create(&killer, NULL, disconnect, mini), 0);
		CHECK_UINT(run(workers, N_THREADS, h, jobs, 1), 0);
		pthread_join(killer, NULL);
		xs_close(h);
	}
	mini_stop(mini);
}

static atomic_uint n_received;

static void *read_events(void *arg)
{
	struct worker *worker = arg;
	unsigned num;
	char **event;

	while ((event = xs_read_watch(worker->h, &num))) {
		atomic_fetch_add(&n_received, 1);
		free(event);
	}
	return NULL;
}

TEST(events_go_to_one_of_the_threads_that_wait)
{
	struct mini *mini = mini_start(&everything);
	struct xs_handle *h = xs_open(0), *writer = xs_open(0);
	struct worker workers[4];

	atomic_store(&n_received, 0);
	CHECK(xs_watch(h, "/e", "t"));
	for (unsigned i = 0; i < 4; i++) {
		workers[i] = (struct worker){ .h = h };
		CHECK_INT(pthread_create(&workers[i].thread, NULL, read_events, &workers[i]), 0);
	}
	for (unsigned i = 0; i < N_ROUNDS; i++)
		CHECK(xs_write(writer, XBT_NULL, "/e", "x", 1));
	/* The server sent those events before it answered this. */
	CHECK(xs_mkdir(h, XBT_NULL, "/last"));
	mini_disconnect(mini);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(workers[i].thread, NULL);
	CHECK_UINT(atomic_load(&n_received), N_ROUNDS + 1);
	xs_close(h);
	xs_close(writer);
	mini_stop(mini);
}

static volatile sig_atomic_t n_handled;

static void on_signal(int number)
{
	(void)number;
	n_handled++;
}

TEST(the_reader_takes_no_signals)
{
	sigset_t usr1, pending;
	struct xs_handle *h;
	struct mini *mini;

	signal(SIGUSR1, on_signal);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	/* The server's thread inherits the block, this thread keeps it: only the reader is left. */
	pthread_sigmask(SIG_BLOCK, &usr1, NULL);
	mini = mini_start(&everything);
	h = xs_open(0);
	pthread_sigmask(SIG_UNBLOCK, &usr1, NULL);
	CHECK(xs_watch(h, "/w", "t"));
	pthread_sigmask(SIG_BLOCK, &usr1, NULL);
	CHECK_INT(kill(getpid(), SIGUSR1), 0);
	CHECK(xs_mkdir(h, XBT_NULL, "/w"));
	CHECK_INT(n_handled, 0);
	sigpending(&pending);
	CHECK(sigismember(&pending, SIGUSR1));
	pthread_sigmask(SIG_UNBLOCK, &usr1, NULL);
	CHECK_INT(n_handled, 1);
	xs_close(h);
	mini_stop(mini);
}
