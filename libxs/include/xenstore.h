/* SPDX-License-Identifier: MIT */
/*
 * Client interface of xenstore. xenstore(3) is the overview.
 *
 * Unless said otherwise a function returns NULL, false or 0 on failure and sets errno; what it
 * returns as a pointer was allocated in one block and is released with free(). Handles may be
 * used by many threads at once; each handle carries one request at a time.
 */
#ifndef XENSTORE_H
#define XENSTORE_H

#include "xenstore_lib.h"

#ifdef __cplusplus
extern "C" {
#endif

struct xs_handle;
typedef uint32_t xs_transaction_t;

#define XBT_NULL 0 /* no transaction */

/* Flags of xs_open(). The first two are accepted and mean nothing. */
#define XS_OPEN_READONLY   (1UL << 0)
#define XS_OPEN_SOCKETONLY (1UL << 1)
/* After xs_unwatch(), events of that watch that were not yet read are thrown away. */
#define XS_UNWATCH_FILTER (1UL << 2)

/*
 * Connects to the store: to the daemon's socket, else to the kernel's device. After a fork only
 * the parent may go on using the handle; the child calls xs_daemon_destroy_postfork().
 */
struct xs_handle *xs_open(unsigned long flags);

/* Ends the connection and releases the handle. NULL is allowed. */
void xs_close(struct xs_handle *h);

/* Old names of xs_open(0) and of xs_close(). */
struct xs_handle *xs_daemon_open(void);
struct xs_handle *xs_domain_open(void);
struct xs_handle *xs_daemon_open_readonly(void);
void xs_daemon_close(struct xs_handle *h);

/* Releases, in the child of a fork, a handle of the parent; the parent's connection goes on. */
void xs_daemon_destroy_postfork(struct xs_handle *h);

/* The names of a node's children; their count in *num. An empty directory is not NULL. */
char **xs_directory(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned int *num);

/* A node's value with a NUL behind it; its length without that NUL in *len unless len is NULL. */
void *xs_read(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned int *len);

/* Sets a node's value; creates it, and missing parents, if need be. */
bool xs_write(struct xs_handle *h, xs_transaction_t t, const char *path, const void *data,
	      unsigned int len);

/* Creates a node with an empty value; true if it exists already. */
bool xs_mkdir(struct xs_handle *h, xs_transaction_t t, const char *path);

/* Removes a node and all below it; true if it did not exist but its parent does. */
bool xs_rm(struct xs_handle *h, xs_transaction_t t, const char *path);

/* Always false; kept so that old programs link. */
bool xs_restrict(struct xs_handle *h, unsigned domid);

/* A node's permission list, the owner first; the number of entries in *num. */
struct xs_permissions *xs_get_permissions(struct xs_handle *h, xs_transaction_t t, const char *path,
					  unsigned int *num);

/* Replaces a node's permission list. */
bool xs_set_permissions(struct xs_handle *h, xs_transaction_t t, const char *path,
			struct xs_permissions *perms, unsigned int num_perms);

/*
 * Asks for an event whenever the node or anything below it changes, and for one at once. The
 * first watch of a handle starts a thread of the library which receives from then on.
 */
bool xs_watch(struct xs_handle *h, const char *path, const char *token);

/*
 * As xs_watch(), but only for changes at most `depth` levels below the node (0: the node itself).
 * xs_watch_depth() fails if the server cannot do that; xs_watch_try_depth() then does without.
 */
bool xs_watch_depth(struct xs_handle *h, const char *path, const char *token, unsigned int depth);
bool xs_watch_try_depth(struct xs_handle *h, const char *path, const char *token,
			unsigned int depth);

/* Ends a watch. See XS_UNWATCH_FILTER for events that wait already. */
bool xs_unwatch(struct xs_handle *h, const char *path, const char *token);

/* A descriptor for poll() that is readable as long as at least one event waits. -1 on failure. */
int xs_fileno(struct xs_handle *h);

/*
 * The next event: a vector with the changed path at XS_WATCH_PATH and the watch's token at
 * XS_WATCH_TOKEN. xs_check_watch() does not wait: NULL with EAGAIN if there is none, NULL with
 * EINVAL if there is none and the connection is lost. xs_read_watch() waits, and stores the
 * number of strings in *num.
 */
char **xs_check_watch(struct xs_handle *h);
char **xs_read_watch(struct xs_handle *h, unsigned int *num);

/* Begins a transaction. XBT_NULL on failure. */
xs_transaction_t xs_transaction_start(struct xs_handle *h);

/*
 * Ends a transaction: throws it away if `abort`, else makes its changes at once. EAGAIN means
 * that somebody else's changes were in conflict and that all of it should be tried again.
 */
bool xs_transaction_end(struct xs_handle *h, xs_transaction_t t, bool abort);

/* Connects a domain to the store: the frame number of its ring page and its event channel. */
bool xs_introduce_domain(struct xs_handle *h, unsigned int domid, unsigned long mfn,
			 unsigned int eventchn);

/* Lets `domid` act with the rights of `target`. */
bool xs_set_target(struct xs_handle *h, unsigned int domid, unsigned int target);

/* The domain runs again after a suspend in place; the domain's connection is given up. */
bool xs_resume_domain(struct xs_handle *h, unsigned int domid);
bool xs_release_domain(struct xs_handle *h, unsigned int domid);

/* The home of a domain: "/local/domain/<domid>". */
char *xs_get_domain_path(struct xs_handle *h, unsigned int domid);

/*
 * Whether `child` is `parent` or goes on behind it with a slash. Compares text only; so nothing
 * but "/" itself is below "/".
 */
bool xs_path_is_subpath(const char *parent, const char *child);

/* Whether the domain is connected to the store. False, too, on failure. */
bool xs_is_domain_introduced(struct xs_handle *h, unsigned int domid);

/* A command to the server itself, with `len` bytes of arguments; returns the text it answers. */
char *xs_control_command(struct xs_handle *h, const char *cmd, void *data, unsigned int len);
/* Old name of xs_control_command(). */
char *xs_debug_command(struct xs_handle *h, const char *cmd, void *data, unsigned int len);

/* The event channel by which the domain is told to suspend, -1 if it has none. */
int xs_suspend_evtchn_port(int domid);

/* Feature bits of the server for this connection, and of and for one domain. */
bool xs_get_features_supported(struct xs_handle *h, unsigned int *features);
bool xs_get_features_domain(struct xs_handle *h, unsigned int domid, unsigned int *features);
bool xs_set_features_domain(struct xs_handle *h, unsigned int domid, unsigned int features);

/* The names of all quotas, their number in *num; at least one, which may be empty. */
const char **xs_get_quota_names(struct xs_handle *h, unsigned int *num);

/* A quota's default for domains to come, and its value for one domain. */
bool xs_get_global_quota(struct xs_handle *h, const char *quota, unsigned int *value);
bool xs_set_global_quota(struct xs_handle *h, const char *quota, unsigned int value);
bool xs_get_domain_quota(struct xs_handle *h, unsigned int domid, const char *quota,
			 unsigned int *value);
bool xs_set_domain_quota(struct xs_handle *h, unsigned int domid, const char *quota,
			 unsigned int value);

#ifdef __cplusplus
}
#endif

#endif
