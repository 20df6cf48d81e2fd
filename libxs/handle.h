/* SPDX-License-Identifier: MIT */
/*
 * The handle: a channel, its inbox, the thread that connects the two once there are watches, and
 * the one function by which a request is made.
 *
 * Functions that return int return 0 or an errno; the API functions turn that into their own way
 * of failing.
 */
#ifndef XSI_HANDLE_H
#define XSI_HANDLE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "libxs/channel.h"
#include "libxs/inbox.h"
#include "libxs/include/xenstore.h"
#include "libxs/registry.h"

struct xs_handle {
	struct xsi_registration registration;
	struct xsi_inbox inbox;
	unsigned long flags;
	pthread_mutex_t request_lock; /* one request at a time; guards all below */
	bool is_dead;                 /* nothing more can be asked */
	uint32_t n_requests;          /* numbers them; may wrap */
	bool has_reader;
	pthread_t reader;
	_Atomic pid_t reader_pid; /* the process whose thread the reader is, or 0 */
	bool has_features;
	unsigned features; /* the server's answer does not change while we are connected */
	struct xsi_channel channel;
};

/* A request: type, transaction, and a payload in pieces. */
struct xsi_request {
	enum xsp_type type;
	uint32_t tx_id;
	size_t n_pieces;
	struct iovec pieces[XSI_PIECES_MAX];
};

/* An empty request; pieces are added behind one another and borrowed. */
struct xsi_request xsi_request(enum xsp_type type, xs_transaction_t tx_id);
void xsi_add_bytes(struct xsi_request *request, const void *bytes, size_t len);
/* The string with its NUL. */
void xsi_add_string(struct xsi_request *request, const char *string);

/*
 * Makes a request and waits for the answer. On 0 *out_body is the caller's to free, has a NUL
 * behind it, and *out_len (may be NULL) is its length without.
 */
int xsi_talk(struct xs_handle *h, const struct xsi_request *request, char **out_body,
	     size_t *out_len);

/* As xsi_talk() for requests whose answer says nothing but that it worked. */
int xsi_ask(struct xs_handle *h, const struct xsi_request *request);

/* Makes sure that a thread receives. */
int xsi_start_reader(struct xs_handle *h);

/* Sets errno unless err is 0; whether it is 0. */
bool xsi_succeeded(int err);

#endif
