/* SPDX-License-Identifier: MIT */
/*
 * Two locks that are never held together: one for the reply slot, one for the events. The pipe is
 * written and emptied under the event lock, so its byte and the queue never disagree for anybody
 * who holds it.
 *
 * An event is one block of memory that begins with the vector the program gets, so handing it out
 * copies nothing and one free() releases it.
 */
#include "libxs/inbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/payload.h"

struct xsi_event {
	char *strings[2]; /* path and token; must come first */
	STAILQ_ENTRY(xsi_event) link;
	size_t size;
	char text[];
};

void xsi_inbox_init(struct xsi_inbox *inbox)
{
	memset(inbox, 0, sizeof(*inbox));
	pthread_mutex_init(&inbox->reply_lock, NULL);
	pthread_cond_init(&inbox->reply_changed, NULL);
	pthread_mutex_init(&inbox->event_lock, NULL);
	pthread_cond_init(&inbox->event_changed, NULL);
	STAILQ_INIT(&inbox->events);
	inbox->pipe[0] = inbox->pipe[1] = -1;
}

static void release(struct xsi_inbox *inbox)
{
	struct xsi_event *event;

	while ((event = STAILQ_FIRST(&inbox->events))) {
		STAILQ_REMOVE_HEAD(&inbox->events, link);
		free(event);
	}
	if (inbox->slot == XSI_ARRIVED)
		free(inbox->reply.body);
	for (int i = 0; i < 2; i++) {
		if (inbox->pipe[i] >= 0)
			close(inbox->pipe[i]);
	}
}

void xsi_inbox_fini(struct xsi_inbox *inbox)
{
	xsi_inbox_end(inbox);
	pthread_mutex_lock(&inbox->event_lock);
	while (inbox->n_waiting > 0)
		pthread_cond_wait(&inbox->event_changed, &inbox->event_lock);
	pthread_mutex_unlock(&inbox->event_lock);

	release(inbox);
	pthread_cond_destroy(&inbox->event_changed);
	pthread_mutex_destroy(&inbox->event_lock);
	pthread_cond_destroy(&inbox->reply_changed);
	pthread_mutex_destroy(&inbox->reply_lock);
}

void xsi_inbox_fini_forked(struct xsi_inbox *inbox)
{
	release(inbox);
}

static void set_slot(struct xsi_inbox *inbox, enum xsi_slot slot, uint32_t number)
{
	pthread_mutex_lock(&inbox->reply_lock);
	if (inbox->slot == XSI_ARRIVED)
		free(inbox->reply.body);
	inbox->slot = slot;
	inbox->number = number;
	pthread_mutex_unlock(&inbox->reply_lock);
}

void xsi_inbox_expect(struct xsi_inbox *inbox, uint32_t number)
{
	set_slot(inbox, XSI_AWAITED, number);
}

void xsi_inbox_expect_none(struct xsi_inbox *inbox)
{
	set_slot(inbox, XSI_IDLE, 0);
}

static int put_reply(struct xsi_inbox *inbox, const struct xsi_frame *frame)
{
	size_t len = frame->header.len;
	char *body = malloc(len + 1);
	int err = 0;

	if (!body)
		return ENOMEM;
	memcpy(body, frame->payload, len);
	body[len] = '\0';

	pthread_mutex_lock(&inbox->reply_lock);
	if (inbox->slot == XSI_AWAITED && inbox->number == frame->header.req_id) {
		inbox->reply =
			(struct xsi_reply){ .type = frame->header.type, .body = body, .len = len };
		inbox->slot = XSI_ARRIVED;
		pthread_cond_signal(&inbox->reply_changed);
	} else {
		err = EPROTO;
	}
	pthread_mutex_unlock(&inbox->reply_lock);
	if (err)
		free(body);
	return err;
}

/*
 * The pipe is empty when it is written and holds one byte when it is read, so neither blocks. A
 * cancelled thread must not stop between the queue and its byte.
 */
static void ring(struct xsi_inbox *inbox)
{
	int state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	while (inbox->pipe[1] >= 0 && write(inbox->pipe[1], "", 1) < 0 && errno == EINTR)
		;
	pthread_setcancelstate(state, NULL);
}

static void unring(struct xsi_inbox *inbox)
{
	char byte;
	int state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	while (inbox->pipe[0] >= 0 && read(inbox->pipe[0], &byte, 1) < 0 && errno == EINTR)
		;
	pthread_setcancelstate(state, NULL);
}

static int put_event(struct xsi_inbox *inbox, const struct xsi_frame *frame)
{
	const char *cursor = frame->payload;
	const char *end = cursor + frame->header.len;
	const char *path = xsp_next_string(&cursor, end);
	const char *token = xsp_next_string(&cursor, end);
	size_t len = (size_t)(cursor - frame->payload);
	struct xsi_event *event;
	int err = 0;

	/* Without two strings it tells nothing. A third would be of a protocol to come. */
	if (!path || !token)
		return 0;
	event = malloc(sizeof(*event) + len);
	if (!event)
		return ENOMEM;
	memcpy(event->text, frame->payload, len);
	event->strings[0] = event->text;
	event->strings[1] = event->text + (token - path);
	event->size = sizeof(*event) + len;

	pthread_mutex_lock(&inbox->event_lock);
	if (event->size > XSI_EVENTS_MAX - inbox->event_bytes) {
		err = ENOBUFS;
	} else {
		if (STAILQ_EMPTY(&inbox->events))
			ring(inbox);
		STAILQ_INSERT_TAIL(&inbox->events, event, link);
		inbox->event_bytes += event->size;
		pthread_cond_signal(&inbox->event_changed);
	}
	pthread_mutex_unlock(&inbox->event_lock);
	if (err)
		free(event);
	return err;
}

int xsi_inbox_put(struct xsi_inbox *inbox, const struct xsi_frame *frame)
{
	if (frame->header.type == XSP_WATCH_EVENT)
		return put_event(inbox, frame);
	return put_reply(inbox, frame);
}

void xsi_inbox_end(struct xsi_inbox *inbox)
{
	pthread_mutex_lock(&inbox->reply_lock);
	inbox->replies_ended = true;
	pthread_cond_broadcast(&inbox->reply_changed);
	pthread_mutex_unlock(&inbox->reply_lock);

	pthread_mutex_lock(&inbox->event_lock);
	inbox->events_ended = true;
	pthread_cond_broadcast(&inbox->event_changed);
	pthread_mutex_unlock(&inbox->event_lock);
}

/* Under the reply lock. */
static bool take(struct xsi_inbox *inbox, struct xsi_reply *out_reply)
{
	if (inbox->slot != XSI_ARRIVED)
		return false;
	*out_reply = inbox->reply;
	inbox->slot = XSI_IDLE;
	return true;
}

bool xsi_inbox_take(struct xsi_inbox *inbox, struct xsi_reply *out_reply)
{
	bool taken;

	pthread_mutex_lock(&inbox->reply_lock);
	taken = take(inbox, out_reply);
	pthread_mutex_unlock(&inbox->reply_lock);
	return taken;
}

static void unlock(void *lock)
{
	pthread_mutex_unlock(lock);
}

int xsi_inbox_wait(struct xsi_inbox *inbox, struct xsi_reply *out_reply)
{
	bool taken;

	/* The waiting thread is the program's own, and the program may cancel it. */
	pthread_mutex_lock(&inbox->reply_lock);
	pthread_cleanup_push(unlock, &inbox->reply_lock);
	while (!(taken = take(inbox, out_reply)) && !inbox->replies_ended)
		pthread_cond_wait(&inbox->reply_changed, &inbox->reply_lock);
	pthread_cleanup_pop(1);
	return taken ? 0 : EINVAL;
}

static void unlink_head(struct xsi_inbox *inbox, struct xsi_event *event)
{
	STAILQ_REMOVE_HEAD(&inbox->events, link);
	inbox->event_bytes -= event->size;
	if (STAILQ_EMPTY(&inbox->events))
		unring(inbox);
}

static void stop_waiting(void *arg)
{
	struct xsi_inbox *inbox = arg;

	inbox->n_waiting--;
	if (inbox->events_ended)
		pthread_cond_broadcast(&inbox->event_changed);
	pthread_mutex_unlock(&inbox->event_lock);
}

/* Under the event lock. */
static int take_event(struct xsi_inbox *inbox, enum xsi_patience patience, char ***out_strings)
{
	struct xsi_event *event;

	while (patience == XSI_WAIT && STAILQ_EMPTY(&inbox->events) && !inbox->events_ended)
		pthread_cond_wait(&inbox->event_changed, &inbox->event_lock);
	event = STAILQ_FIRST(&inbox->events);
	if (!event)
		return inbox->events_ended ? EINVAL : EAGAIN;
	unlink_head(inbox, event);
	*out_strings = event->strings;
	return 0;
}

int xsi_inbox_event(struct xsi_inbox *inbox, enum xsi_patience patience, char ***out_strings)
{
	int err;

	pthread_mutex_lock(&inbox->event_lock);
	inbox->n_waiting++;
	pthread_cleanup_push(stop_waiting, inbox);
	err = take_event(inbox, patience, out_strings);
	pthread_cleanup_pop(1);
	return err;
}

static bool is_below(const char *top, const char *path)
{
	size_t len = strlen(top);

	/* Everything absolute is below "/", which a comparison up to the next slash would miss. */
	if (!strcmp(top, "/"))
		return path[0] == '/';
	return !strncmp(top, path, len) && (path[len] == '\0' || path[len] == '/');
}

void xsi_inbox_forget(struct xsi_inbox *inbox, const char *path, const char *token)
{
	struct xsi_events kept = STAILQ_HEAD_INITIALIZER(kept);
	struct xsi_event *event;
	bool was_empty;

	pthread_mutex_lock(&inbox->event_lock);
	was_empty = STAILQ_EMPTY(&inbox->events);
	while ((event = STAILQ_FIRST(&inbox->events))) {
		STAILQ_REMOVE_HEAD(&inbox->events, link);
		if (!strcmp(event->strings[1], token) && is_below(path, event->strings[0])) {
			inbox->event_bytes -= event->size;
			free(event);
		} else {
			STAILQ_INSERT_TAIL(&kept, event, link);
		}
	}
	STAILQ_CONCAT(&inbox->events, &kept);
	if (!was_empty && STAILQ_EMPTY(&inbox->events))
		unring(inbox);
	pthread_mutex_unlock(&inbox->event_lock);
}

int xsi_inbox_fileno(struct xsi_inbox *inbox, int *out_fd)
{
	int err = 0;

	pthread_mutex_lock(&inbox->event_lock);
	if (inbox->pipe[0] < 0) {
		if (pipe2(inbox->pipe, O_CLOEXEC | O_NONBLOCK) < 0)
			err = errno;
		else if (!STAILQ_EMPTY(&inbox->events))
			ring(inbox);
	}
	*out_fd = inbox->pipe[0];
	pthread_mutex_unlock(&inbox->event_lock);
	return err;
}
