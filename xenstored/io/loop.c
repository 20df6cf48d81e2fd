/* SPDX-License-Identifier: MIT */
#include "xenstored/io/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "xenstored/core/server.h"

enum { N_SIGNALS = 3 };

struct loop {
	struct event_base *base;
	struct event *signals[N_SIGNALS];
	struct event *timer;
	uint64_t timer_ms; /* when the timer goes off; UINT64_MAX: it is not set */
	loop_hup_fn *hup;
	void *hup_arg;
	loop_after_fn *after; /* NULL: nothing */
	void *after_arg;
	bool is_stopping;
};

uint64_t loop_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void on_end(evutil_socket_t signum, short events, void *arg)
{
	(void)signum;
	(void)events;
	loop_stop(arg);
}

static void on_hup(evutil_socket_t signum, short events, void *arg)
{
	struct loop *loop = arg;

	(void)signum;
	(void)events;
	loop->hup(loop->hup_arg);
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct loop *loop = arg;

	(void)fd;
	(void)events;
	loop->timer_ms = UINT64_MAX;
}

static int add_signals(struct loop *loop)
{
	static const int numbers[N_SIGNALS] = { SIGTERM, SIGINT, SIGHUP };

	for (int i = 0; i < N_SIGNALS; i++) {
		loop->signals[i] = evsignal_new(loop->base, numbers[i],
						numbers[i] == SIGHUP ? on_hup : on_end, loop);
		if (!loop->signals[i] || event_add(loop->signals[i], NULL))
			return -ENOMEM;
	}
	return 0;
}

int loop_open(loop_hup_fn *hup, void *arg, struct loop **out_loop)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	struct event_config *config = event_config_new();
	int err = -ENOMEM;

	if (loop && config) {
		loop->hup = hup;
		loop->hup_arg = arg;
		loop->timer_ms = UINT64_MAX;
		event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
		loop->base = event_base_new_with_config(config);
	}
	if (loop && loop->base) {
		loop->timer = evtimer_new(loop->base, on_timer, loop);
		err = loop->timer ? add_signals(loop) : -ENOMEM;
	}
	if (config)
		event_config_free(config);
	if (err) {
		loop_close(loop);
		return err;
	}
	*out_loop = loop;
	return 0;
}

void loop_close(struct loop *loop)
{
	if (!loop)
		return;
	for (int i = 0; i < N_SIGNALS; i++) {
		if (loop->signals[i])
			event_free(loop->signals[i]);
	}
	if (loop->timer)
		event_free(loop->timer);
	if (loop->base)
		event_base_free(loop->base);
	free(loop);
}

struct event_base *loop_base(const struct loop *loop)
{
	return loop->base;
}

/* Makes sure that the loop wakes at the deadline. An earlier timer only wakes it once for nothing. */
static int set_timer(struct loop *loop, uint64_t now_ms, uint64_t deadline_ms)
{
	uint64_t wait_ms = deadline_ms > now_ms ? deadline_ms - now_ms : 0;
	struct timeval wait = {
		.tv_sec = (time_t)(wait_ms / 1000),
		.tv_usec = (suseconds_t)(wait_ms % 1000 * 1000),
	};

	if (deadline_ms >= loop->timer_ms)
		return 0;
	loop->timer_ms = deadline_ms;
	return event_add(loop->timer, &wait) ? -ENOMEM : 0;
}

void loop_after_turn(struct loop *loop, loop_after_fn *fn, void *arg)
{
	loop->after = fn;
	loop->after_arg = arg;
}

/* True if there is more to do at once. */
static bool run_turn(struct loop *loop, struct server *server, uint64_t now_ms,
		     uint64_t *out_deadline_ms)
{
	bool has_more = server_turn(server, now_ms, out_deadline_ms);

	return (loop->after && loop->after(loop->after_arg)) || has_more;
}

int loop_run(struct loop *loop, struct server *server)
{
	uint64_t now_ms = loop_now_ms(), deadline_ms;
	bool has_more = run_turn(loop, server, now_ms, &deadline_ms);
	int err = 0;

	while (!loop->is_stopping && !err) {
		if (deadline_ms != UINT64_MAX)
			err = set_timer(loop, now_ms, deadline_ms);
		if (!err &&
		    event_base_loop(loop->base, has_more ? EVLOOP_NONBLOCK : EVLOOP_ONCE) < 0)
			err = -EIO;
		now_ms = loop_now_ms();
		has_more = run_turn(loop, server, now_ms, &deadline_ms);
	}
	return err;
}

void loop_stop(struct loop *loop)
{
	loop->is_stopping = true;
}
