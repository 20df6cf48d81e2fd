/* SPDX-License-Identifier: MIT */
/*
 * The command that follows changes: watch.
 */
#include "tools/cmds.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#include "tools/cmd.h"
#include "tools/json.h"
#include "tools/link.h"
#include "tools/mem.h"
#include "tools/quote.h"

enum { TIME_TEXT_MAX = 64 };

struct event {
	STAILQ_ENTRY(event) next;
	struct vigil *vigil; /* borrowed: outlives us */
	char *path;          /* owned */
	struct timespec time;
};

/* What one run of the command waits for. */
struct vigil {
	struct job *job;
	struct link link;
	STAILQ_HEAD(, event) events; /* that came and are not yet shown, nor being read */
	int n_left;                  /* events still to show; NO_LIMIT: all */
};

/* One path that is watched. */
struct mark {
	struct vigil *vigil; /* borrowed */
	int error;           /* why it could not be registered */
};

/* "2026-01-31T12:34:56.123456Z" */
static void format_time(const struct timespec *time, char out_text[TIME_TEXT_MAX])
{
	struct tm tm;
	size_t len;

	gmtime_r(&time->tv_sec, &tm);
	len = strftime(out_text, TIME_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out_text + len, TIME_TEXT_MAX - len, ".%06ldZ", time->tv_nsec / 1000);
}

static void put_json(const struct event *event, const struct xsa_result *result)
{
	const struct options *opt = &event->vigil->job->opt;
	char time[TIME_TEXT_MAX];

	putchar('{');
	if (opt->with_time) {
		format_time(&event->time, time);
		printf("\"time\":\"%s\",", time);
	}
	fputs("\"path\":", stdout);
	json_put_string(stdout, event->path, strlen(event->path));
	if (result && !result->error) {
		putchar(',');
		json_put_value(stdout, result->data, result->len);
	} else if (opt->with_value) {
		fputs(",\"value\":null", stdout);
	}
	if (result && result->error && result->error != ENOENT) {
		const char *reason = strerror(result->error);

		fputs(",\"error\":", stdout);
		json_put_string(stdout, reason, strlen(reason));
	}
	puts("}");
}

static void put_plain(const struct event *event, const struct xsa_result *result)
{
	char time[TIME_TEXT_MAX];

	if (event->vigil->job->opt.with_time) {
		format_time(&event->time, time);
		printf("%s ", time);
	}
	fputs(event->path, stdout);
	if (result && !result->error) {
		char *quoted = quote_value(result->data, result->len, NULL);

		printf(" = \"%s\"", quoted);
		free(quoted);
	} else if (result) {
		printf(" (%s)", result->error == ENOENT ? "removed" : strerror(result->error));
	}
	putchar('\n');
}

/* Shows the event, with what reading its node came to (NULL: not read), and releases it. */
static void show(void *arg, const struct xsa_result *result)
{
	struct event *event = arg;

	/* Special names have no value; reading one is only a way to wait for its turn. */
	if (event->path[0] == '@')
		result = NULL;
	if (event->vigil->job->opt.is_json)
		put_json(event, result);
	else
		put_plain(event, result);
	free(event->path);
	free(event);
}

static void note_event(void *arg, const char *path)
{
	struct mark *mark = arg;
	struct vigil *vigil = mark->vigil;
	struct event *event;

	if (vigil->n_left == 0)
		return;
	if (vigil->n_left != NO_LIMIT)
		vigil->n_left--;
	event = mem_alloc(sizeof(*event));
	*event = (struct event){ .vigil = vigil, .path = mem_string(path) };
	clock_gettime(CLOCK_REALTIME, &event->time);
	STAILQ_INSERT_TAIL(&vigil->events, event, next);
}

static void note_registration(void *arg, const struct xsa_result *result)
{
	((struct mark *)arg)->error = result->error;
}

static void __attribute__((noreturn)) fail_watch(const struct job *job, int i, int err)
{
	char depth[32] = "";

	if (job->opt.depth != NOT_GIVEN)
		snprintf(depth, sizeof(depth), " with depth %d", job->opt.depth);
	errx(1, "Unable to add watch on %s%s: %s\n", job->operands[i], depth,
	     cmd_reason(err, job->operands[i]));
}

static void register_all(struct vigil *vigil, struct mark *marks)
{
	const struct job *job = vigil->job;
	int depth = job->opt.depth == NOT_GIVEN ? XSA_DEPTH_ALL : job->opt.depth;
	struct xsa_watch *watch; /* released with the connection */

	for (int i = 0; i < job->n_operands; i++) {
		int err = 0;

		marks[i] = (struct mark){ .vigil = vigil };
		for (int j = 0; j < i; j++)
			err = strcmp(job->operands[i], job->operands[j]) == 0 ? EEXIST : err;
		if (!err)
			err = xsa_watch(vigil->link.xsa, job->operands[i], depth, note_event,
					note_registration, &marks[i], &watch);
		if (!err)
			err = xsa_drain(vigil->link.xsa);
		if (!err)
			err = marks[i].error;
		if (err)
			fail_watch(job, i, err);
	}
}

/*
 * Shows what has come. Values are asked for in the order of the events and answered in that
 * order, so lines stay in order as well. Returns 0 or the errno that ends it all.
 */
static int take_events(struct vigil *vigil)
{
	struct event *event;
	int err;

	while ((event = STAILQ_FIRST(&vigil->events))) {
		STAILQ_REMOVE_HEAD(&vigil->events, next);
		if (!vigil->job->opt.with_value) {
			show(event, NULL);
			continue;
		}
		err = xsa_read(vigil->link.xsa, XBT_NULL, event->path, show, event);
		if (err) {
			STAILQ_INSERT_HEAD(&vigil->events, event, next);
			return err == EAGAIN ? 0 : err;
		}
	}
	return 0;
}

static int follow(struct vigil *vigil)
{
	int err;

	for (;;) {
		err = take_events(vigil);
		if (fflush(stdout) != 0)
			return 0;
		if (!err && vigil->n_left == 0 && STAILQ_EMPTY(&vigil->events) &&
		    xsa_pending(vigil->link.xsa) == 0)
			return 0;
		if (!err)
			err = xsa_wait(vigil->link.xsa, -1);
		if (err && err != EINTR && err != ETIMEDOUT)
			return err;
	}
}

int cmd_watch(struct job *job)
{
	struct vigil vigil = { .job = job, .n_left = job->opt.n_events };
	struct mark *marks = mem_alloc((size_t)job->n_operands * sizeof(*marks));
	int err;

	STAILQ_INIT(&vigil.events);
	err = link_open(&vigil.link);
	if (err)
		cmd_no_server(job, err);
	register_all(&vigil, marks);
	err = follow(&vigil);
	if (err) {
		fflush(stdout);
		warnx("the connection to the server is lost (%s)", strerror(err));
	}
	link_close(&vigil.link);
	free(marks);
	return err ? 1 : 0;
}
