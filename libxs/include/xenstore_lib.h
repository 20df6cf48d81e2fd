/* SPDX-License-Identifier: MIT */
/*
 * Structures and helpers around xenstore: permission entries, default paths, plain writing.
 * <xenstore.h> includes this file.
 */
#ifndef XENSTORE_LIB_H
#define XENSTORE_LIB_H

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The wire's own constants (XS_WATCH_PATH, XS_READ ...) where Xen's public headers are installed. */
#if defined(__has_include)
#if __has_include(<xen/io/xs_wire.h>)
#include <xen/io/xs_wire.h>
#define XENSTORE_HAVE_XS_WIRE 1
#endif
#endif
#ifndef XENSTORE_HAVE_XS_WIRE
/* Where path and token stand in the vector of xs_read_watch() and xs_check_watch(). */
enum xs_watch_type {
	XS_WATCH_PATH = 0,
	XS_WATCH_TOKEN,
};
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Bits of xs_permissions::perms; the last three belong to servers and never travel. */
#define XS_PERM_NONE      0x00
#define XS_PERM_READ      0x01
#define XS_PERM_WRITE     0x02
#define XS_PERM_ENOENT_OK 0x04
#define XS_PERM_OWNER     0x08
#define XS_PERM_IGNORE    0x10

/*
 * One entry of a permission list. The first entry of a list names the owner, and its bits hold
 * for every domain that no later entry names.
 */
struct xs_permissions {
	unsigned int id; /* domain number */
	unsigned int perms;
};

/* Enough characters, with the final NUL, for a decimal number of the type of x. */
#define MAX_STRLEN(x) ((sizeof(x) * CHAR_BIT + CHAR_BIT - 1) / 10 * 3 + 2)

/*
 * $XENSTORED_RUNDIR or its default; $XENSTORED_PATH or <run directory>/socket. The result belongs
 * to the library. The socket functions return NULL if the path would be too long.
 */
const char *xs_daemon_rundir(void);
const char *xs_daemon_socket(void);
const char *xs_daemon_socket_ro(void);

/* Writes all of it, going on after interruptions and short writes. False with errno on failure. */
bool xs_write_all(int fd, const void *data, unsigned int len);

/*
 * Reads `num` NUL-ended entries such as "r12" that stand one behind the other at `strings` into
 * the array at `perms`. False with EINVAL if any of them is not an entry.
 */
bool xs_strings_to_perms(struct xs_permissions *perms, unsigned int num, const char *strings);

#ifdef __cplusplus
}
#endif

#endif
