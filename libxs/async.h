/* SPDX-License-Identifier: MIT */
/*
 * The inside of <xenstore_async.h>: one connection without threads, with its stream of bytes, its
 * calls in flight, and its watches.
 *
 * A call is one message and the function to call with its answer. Directories that do not fit into
 * one message, watches and trees are made of calls. The connection stands above all of them: it
 * moves the stream and hands each message that comes in to the calls or to the watches. Functions
 * that return int return 0 or an errno.
 */
#ifndef XSI_ASYNC_H
#define XSI_ASYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "libxs/async_stream.h"
#include "libxs/handle.h"
#include "libxs/include/xenstore_async.h"
#include "libxs/registry.h"
#include "libxs/text.h"

enum {
	/* The number of a request: its slot in the low bits, above it how often that was used. */
	XSI_SLOT_BITS = 20,
	XSI_SLOTS_MAX = 1 << XSI_SLOT_BITS,
};

struct xsi_call {
	TAILQ_ENTRY(xsi_call) link; /* in xsa::calls, or free */
	uint32_t number;            /* req_id */
	uint32_t type;
	xsa_done_fn done; /* may be NULL */
	void *arg;
};

TAILQ_HEAD(xsi_calls, xsi_call);

struct xsa {
	struct xsi_registration registration;
	int broken;      /* why nothing more can be sent or received; 0: it can */
	bool is_closing; /* xsa_close() was called */
	bool is_busy;    /* inside of xsa_process() or xsa_close() */

	struct xsi_calls calls;     /* in flight, oldest first; owned */
	struct xsi_calls spare;     /* owned */
	struct xsi_call *in_device; /* borrowed: the one whose answer the device owes, or NULL */
	struct xsi_call **slots;
	size_t n_slots; /* in use or spare */
	size_t n_slots_allocated;
	size_t n_pending;
	size_t max_pending;
	size_t max_unsent;

	size_t n_listed; /* bytes of the directories that are coming in in parts */

	struct xsa_watch **watches; /* owned; by slot, NULL where free */
	size_t n_watches;
	size_t watch_hint; /* no slot below it is free */
	uint32_t n_watches_ever;

	struct xsi_stream stream; /* last: its bytes lie inside of it */
};

/* ---- async_call.c ---- */

/* Whether a program may make a request now: EAGAIN beyond its limits, the error if broken. */
int xsi_call_admit(const struct xsa *xsa);

/* Queues one message. Parts of larger operations come here without being admitted. */
int xsi_call_make(struct xsa *xsa, const struct xsi_request *request, xsa_done_fn done, void *arg);

/* xsi_call_admit(), then xsi_call_make(). */
int xsi_call_request(struct xsa *xsa, const struct xsi_request *request, xsa_done_fn done,
		     void *arg);

/*
 * Writes to the device what it can take now. A message that it refuses ends its call. Calls back.
 */
int xsi_call_feed_device(struct xsa *xsa);

/* Calls back the call that this message answers: payload[len] is NUL. EPROTO if there is none. */
int xsi_call_answer(struct xsa *xsa, const struct xsp_header *header, const char *payload);

/* Ends every call in flight with this error. */
void xsi_call_end_all(struct xsa *xsa, int err);
void xsi_call_fini(struct xsa *xsa);

/* Calls back an operation that ended without an answer of its own. */
void xsi_call_back(xsa_done_fn done, void *arg, int err, const char *data, size_t len);

/* ---- async_directory.c ---- */

/* Reads a directory of any size; not admitted. */
int xsi_async_directory(struct xsa *xsa, xs_transaction_t t, const char *path, xsa_done_fn done,
			void *arg);

/* ---- async_watch.c ---- */

/* Tells the watch whose token this event carries, if there is one. */
void xsi_async_event(struct xsa *xsa, const char *payload, size_t len);
void xsi_async_watch_fini(struct xsa *xsa);

#endif
