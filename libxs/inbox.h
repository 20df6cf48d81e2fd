/* SPDX-License-Identifier: MIT */
/*
 * The inbox: what came in on a connection and waits for a thread of the program to take it. One
 * slot for the reply to the request in flight, a queue of events, and the pipe by which a poll
 * loop learns of events. All locking between receiver and takers is in here.
 *
 * Functions that return int return 0 or an errno.
 */
#ifndef XSI_INBOX_H
#define XSI_INBOX_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "libxs/channel.h"

/*
 * A server that sends more than this much in events to a program that reads none of them is out of
 * its mind, or the program is: the connection ends before the memory does.
 */
enum { XSI_EVENTS_MAX = 256 * 1024 * 1024 };

struct xsi_reply {
	uint32_t type;
	char *body; /* owned; with a NUL behind it */
	size_t len;
};

enum xsi_slot { XSI_IDLE, XSI_AWAITED, XSI_ARRIVED };

struct xsi_event;

struct xsi_inbox {
	pthread_mutex_t reply_lock;
	pthread_cond_t reply_changed;
	enum xsi_slot slot;
	uint32_t number;        /* req_id that the awaited reply must carry */
	struct xsi_reply reply; /* set while ARRIVED */
	bool replies_ended;

	pthread_mutex_t event_lock;
	pthread_cond_t event_changed;
	STAILQ_HEAD(xsi_events, xsi_event) events;
	size_t event_bytes;
	unsigned n_waiting; /* threads inside xsi_inbox_event() */
	bool events_ended;
	int pipe[2]; /* -1 until asked for; holds one byte while there are events */
};

void xsi_inbox_init(struct xsi_inbox *inbox);

/* Throws away what nobody took. First lets go whoever still waits for an event. */
void xsi_inbox_fini(struct xsi_inbox *inbox);

/* As xsi_inbox_fini() in a forked child, where locks may be held by threads that are not there. */
void xsi_inbox_fini_forked(struct xsi_inbox *inbox);

/* A request with this req_id is about to be sent: one reply to it may come. */
void xsi_inbox_expect(struct xsi_inbox *inbox, uint32_t number);

/* The request was not sent after all. */
void xsi_inbox_expect_none(struct xsi_inbox *inbox);

/*
 * Takes in a message. EPROTO for a reply that is not to the request in flight, such as a second one
 * to an earlier request; then, as with ENOMEM, no more.
 */
int xsi_inbox_put(struct xsi_inbox *inbox, const struct xsi_frame *frame);

/* Nothing more will come: wakes everybody. */
void xsi_inbox_end(struct xsi_inbox *inbox);

/* Takes the reply if it is there. */
bool xsi_inbox_take(struct xsi_inbox *inbox, struct xsi_reply *out_reply);

/* Waits for the reply and takes it. EINVAL if the inbox ended instead. */
int xsi_inbox_wait(struct xsi_inbox *inbox, struct xsi_reply *out_reply);

enum xsi_patience { XSI_DONT_WAIT, XSI_WAIT };

/*
 * Takes the next event: a block of its own that begins with pointers to path and token. EAGAIN if
 * there is none and none is waited for, EINVAL if there is none and the inbox ended.
 */
int xsi_inbox_event(struct xsi_inbox *inbox, enum xsi_patience patience, char ***out_strings);

/* Throws away waiting events with this token for `path` or below it. */
void xsi_inbox_forget(struct xsi_inbox *inbox, const char *path, const char *token);

/* The descriptor that is readable while events wait; made on first use. */
int xsi_inbox_fileno(struct xsi_inbox *inbox, int *out_fd);

#endif
