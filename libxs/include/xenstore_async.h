/* SPDX-License-Identifier: MIT */
/*
 * Xenstore for event loops: many requests in flight on one connection, no thread, no waiting.
 * xenstore_async(3) is the manual; examples/watch_libevent.c a complete program.
 *
 * A connection has a descriptor. Poll it for what xsa_interest() says, and when it is ready call
 * xsa_process(), which sends and receives whatever is possible without blocking and calls back
 * for every request that has been answered and every event that has come in. A program without a
 * loop calls xsa_wait() or xsa_drain() instead.
 *
 * Functions that return int return 0 or an errno value. A request that could not be queued
 * (anything but 0) never calls back; one that was queued calls back exactly once, whatever
 * happens: with the answer, with the error that ended the connection, or with ECANCELED because
 * of xsa_close(). Callbacks come from xsa_process(), xsa_wait(), xsa_drain() and xsa_close() only,
 * never from the call that makes the request, and they may make requests, and close.
 *
 * A connection and what belongs to it must be used by one thread at a time. xsa_process() and the
 * two that wait fail with EDEADLK inside a callback.
 */
#ifndef XENSTORE_ASYNC_H
#define XENSTORE_ASYNC_H

#include "xenstore.h"

#ifdef __cplusplus
extern "C" {
#endif

struct xsa;
struct xsa_watch;

/* ---- connections ---- */

/* Connects as xs_open() does. NULL with errno. `flags` must be 0. */
struct xsa *xsa_open(unsigned int flags);

/* Takes over a connected stream socket; it is closed with the connection, not on failure. */
struct xsa *xsa_open_fd(int fd);

/*
 * Calls back every request in flight with ECANCELED, then disconnects and releases everything.
 * Nothing of the connection may be used afterwards. Safe inside callbacks; the `done` of an
 * xsa_tree() whose `node` closes follows when `node` returns. NULL is allowed.
 */
void xsa_close(struct xsa *xsa);

/* The descriptor to poll; the same one as long as the connection lives. */
int xsa_fd(const struct xsa *xsa);

/* What to poll for at this moment: POLLIN, with POLLOUT while bytes wait to be sent. */
short xsa_interest(const struct xsa *xsa);

/*
 * Calls `changed` whenever the answer of xsa_interest() has become another one, so that a loop
 * need not ask after each call. Unlike other callbacks it also comes from functions that make
 * requests, so it must neither make one nor close.
 */
typedef void (*xsa_interest_fn)(void *arg, short interest);
void xsa_on_interest(struct xsa *xsa, xsa_interest_fn changed, void *arg);

/*
 * Does all that can be done without blocking. Not 0 once the connection is lost: every request
 * has then been called back with that error; all that is left to do is xsa_close().
 */
int xsa_process(struct xsa *xsa);

/*
 * Waits until something happens, at most `timeout_ms` (-1: for ever), and processes it.
 * ETIMEDOUT if nothing happened, EINTR if a signal came first.
 */
int xsa_wait(struct xsa *xsa, int timeout_ms);

/* Waits and processes until no request is in flight. Fails as xsa_process() and xsa_wait() do. */
int xsa_drain(struct xsa *xsa);

/* Requests queued or sent and not yet called back. */
size_t xsa_pending(const struct xsa *xsa);

/*
 * The most requests that may be pending, at most 65535 (default 16384), and the most bytes that
 * may wait unsent (default 4 MiB). Beyond either a request is refused with EAGAIN: process what
 * is pending, then try again. Small requests travel together: nothing is sent before the next
 * xsa_process() or until 64 KiB have come together. The kernel's device carries one request at a
 * time; the others wait here.
 */
int xsa_set_limits(struct xsa *xsa, size_t max_pending, size_t max_unsent);

/* ---- requests ---- */

/* How a request ended. Everything in it is borrowed until the callback returns. */
struct xsa_result {
	int error;        /* 0, or the errno the server sent or the connection died of */
	const char *data; /* the answer, with a NUL behind it; never NULL */
	size_t len;       /* without that NUL */
};

typedef void (*xsa_done_fn)(void *arg, const struct xsa_result *result);

/* `done` may be NULL where the answer does not matter. E2BIG: longer than a message can be. */
int xsa_read(struct xsa *xsa, xs_transaction_t t, const char *path, xsa_done_fn done, void *arg);
int xsa_write(struct xsa *xsa, xs_transaction_t t, const char *path, const void *value, size_t len,
	      xsa_done_fn done, void *arg);
int xsa_mkdir(struct xsa *xsa, xs_transaction_t t, const char *path, xsa_done_fn done, void *arg);
int xsa_rm(struct xsa *xsa, xs_transaction_t t, const char *path, xsa_done_fn done, void *arg);

/* The answer is a run of NUL-ended names (xsa_result_next()), whatever the size of the directory. */
int xsa_directory(struct xsa *xsa, xs_transaction_t t, const char *path, xsa_done_fn done,
		  void *arg);

/* The answer is a run of entries: xsa_result_permissions(). */
int xsa_get_permissions(struct xsa *xsa, xs_transaction_t t, const char *path, xsa_done_fn done,
			void *arg);
int xsa_set_permissions(struct xsa *xsa, xs_transaction_t t, const char *path,
			const struct xs_permissions *perms, size_t n_perms, xsa_done_fn done,
			void *arg);

/* xsa_result_transaction() gives the transaction. */
int xsa_transaction_start(struct xsa *xsa, xsa_done_fn done, void *arg);
int xsa_transaction_end(struct xsa *xsa, xs_transaction_t t, bool abort, xsa_done_fn done,
			void *arg);

/*
 * Any other message of the protocol: `type` and payload as they go over the wire. Not for watches,
 * whose tokens belong to the library: EINVAL.
 */
int xsa_request(struct xsa *xsa, unsigned int type, xs_transaction_t t, const void *payload,
		size_t len, xsa_done_fn done, void *arg);

/* ---- reading results ---- */

/* The first string of the answer for `previous` NULL, else the one behind `previous`; or NULL. */
const char *xsa_result_next(const struct xsa_result *result, const char *previous);

/* How many strings the answer holds. */
size_t xsa_result_count(const struct xsa_result *result);

/*
 * Reads at most `max` entries into `perms`, their true number into *n. Returns 0, the result's own
 * error, or EINVAL if malformed; then *n is 0.
 */
int xsa_result_permissions(const struct xsa_result *result, struct xs_permissions *perms,
			   size_t max, size_t *n);

/* The started transaction; XBT_NULL if the answer is not one. */
xs_transaction_t xsa_result_transaction(const struct xsa_result *result);

/* ---- watches ---- */

#define XSA_DEPTH_ALL (-1) /* everything below */

typedef void (*xsa_event_fn)(void *arg, const char *path);

/*
 * Watches `path` and at most `depth` levels below it (0: only itself). Depth works with every
 * server: what an older one sends from deeper down is dropped here. `fired` gets the path of each
 * change, the first time at once after registration; `done` tells whether registration worked
 * and may be NULL. The watch is released by xsa_unwatch() or with the connection, also if
 * registration failed.
 */
int xsa_watch(struct xsa *xsa, const char *path, int depth, xsa_event_fn fired, xsa_done_fn done,
	      void *arg, struct xsa_watch **out_watch);

/*
 * Ends and releases the watch: neither `fired` nor, if that is still to come, `done` is called from
 * now on.
 */
void xsa_unwatch(struct xsa_watch *watch);

/* ---- whole trees ---- */

#define XSA_TREE_VALUES      1u
#define XSA_TREE_PERMISSIONS 2u

/* One node of a tree. Everything in it is borrowed until the callback returns. */
struct xsa_node {
	const char *path;   /* below the top, without a slash in front; "" is the top itself */
	const char *name;   /* the last part of it */
	unsigned int depth; /* levels below the top */
	int value_error;    /* 0, or why there is no value */
	const char *value;  /* with a NUL behind it; "" if not asked for */
	size_t len;
	int perms_error; /* 0, or why there are no permissions */
	const struct xs_permissions *perms;
	size_t n_perms;
	int children_error; /* 0, or why nothing below it follows: it cannot be listed */
};

/*
 * Decides how to go on: XSA_TREE_CONTINUE, XSA_TREE_PRUNE (nothing below this node), or
 * XSA_TREE_STOP: `done` follows with ECANCELED.
 */
enum xsa_tree_next { XSA_TREE_CONTINUE, XSA_TREE_PRUNE, XSA_TREE_STOP };
typedef enum xsa_tree_next (*xsa_node_fn)(void *arg, const struct xsa_node *node);

/*
 * Calls `node` for `path` and everything at most `depth` levels below it, parents before their
 * children and each subtree as a whole; then `done` once, with error 0 at the end of the tree.
 * `what` is a set of XSA_TREE_ bits. Children come in the server's order. A server that can sends
 * many nodes with one message; with others DIRECTORY, READ and GET_PERMS are pipelined. Outside
 * of a transaction nodes may change meanwhile; those that disappear are passed over in silence.
 */
int xsa_tree(struct xsa *xsa, xs_transaction_t t, const char *path, int depth, unsigned int what,
	     xsa_node_fn node, xsa_done_fn done, void *arg);

#ifdef __cplusplus
}
#endif

#endif
