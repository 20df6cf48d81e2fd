/* SPDX-License-Identifier: MIT */
/*
 * The binary interface as assertions: compiles only against headers that declare exactly these
 * types, layouts and constants. check_headers.sh tries it with our headers and, without WITH_ALL,
 * with those of another libxenstore, which may be older.
 */
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <xenstore.h>

#define IS(function, ...)                                                                          \
	_Static_assert(__builtin_types_compatible_p(__typeof__(&function), __VA_ARGS__),           \
		       #function " has another type")

typedef struct xs_handle *H;
typedef xs_transaction_t T;
typedef const char *S;

_Static_assert(__builtin_types_compatible_p(xs_transaction_t, uint32_t), "xs_transaction_t");
_Static_assert(sizeof(struct xs_permissions) == 2 * sizeof(unsigned), "struct xs_permissions");
_Static_assert(offsetof(struct xs_permissions, id) == 0, "xs_permissions.id");
_Static_assert(offsetof(struct xs_permissions, perms) == sizeof(unsigned), "xs_permissions.perms");
_Static_assert(__builtin_types_compatible_p(__typeof__(((struct xs_permissions *)NULL)->id),
					    unsigned),
	       "type of id");
_Static_assert(__builtin_types_compatible_p(__typeof__(((struct xs_permissions *)NULL)->perms),
					    unsigned),
	       "type of perms");

_Static_assert(XBT_NULL == 0, "XBT_NULL");
_Static_assert(XS_PERM_NONE == 0 && XS_PERM_READ == 1 && XS_PERM_WRITE == 2, "XS_PERM_");
_Static_assert(XS_PERM_ENOENT_OK == 4 && XS_PERM_OWNER == 8 && XS_PERM_IGNORE == 16, "XS_PERM_");
_Static_assert(XS_OPEN_READONLY == 1 && XS_OPEN_SOCKETONLY == 2, "XS_OPEN_");
_Static_assert(XS_UNWATCH_FILTER == 4, "XS_UNWATCH_FILTER");
_Static_assert(sizeof(XS_UNWATCH_FILTER) == sizeof(unsigned long), "flags are long");
_Static_assert(XS_WATCH_PATH == 0 && XS_WATCH_TOKEN == 1, "XS_WATCH_");
_Static_assert(MAX_STRLEN(unsigned) == 11, "MAX_STRLEN");
_Static_assert(MAX_STRLEN(uint64_t) == 23, "MAX_STRLEN");

IS(xs_open, H (*)(unsigned long));
IS(xs_close, void (*)(H));
IS(xs_daemon_open, H (*)(void));
IS(xs_domain_open, H (*)(void));
IS(xs_daemon_open_readonly, H (*)(void));
IS(xs_daemon_close, void (*)(H));
IS(xs_daemon_destroy_postfork, void (*)(H));
IS(xs_directory, char **(*)(H, T, S, unsigned *));
IS(xs_read, void *(*)(H, T, S, unsigned *));
IS(xs_write, bool (*)(H, T, S, const void *, unsigned));
IS(xs_mkdir, bool (*)(H, T, S));
IS(xs_rm, bool (*)(H, T, S));
IS(xs_restrict, bool (*)(H, unsigned));
IS(xs_get_permissions, struct xs_permissions *(*)(H, T, S, unsigned *));
IS(xs_set_permissions, bool (*)(H, T, S, struct xs_permissions *, unsigned));
IS(xs_watch, bool (*)(H, S, S));
IS(xs_unwatch, bool (*)(H, S, S));
IS(xs_fileno, int (*)(H));
IS(xs_check_watch, char **(*)(H));
IS(xs_read_watch, char **(*)(H, unsigned *));
IS(xs_transaction_start, T (*)(H));
IS(xs_transaction_end, bool (*)(H, T, bool));
IS(xs_introduce_domain, bool (*)(H, unsigned, unsigned long, unsigned));
IS(xs_set_target, bool (*)(H, unsigned, unsigned));
IS(xs_resume_domain, bool (*)(H, unsigned));
IS(xs_release_domain, bool (*)(H, unsigned));
IS(xs_get_domain_path, char *(*)(H, unsigned));
IS(xs_path_is_subpath, bool (*)(S, S));
IS(xs_is_domain_introduced, bool (*)(H, unsigned));
IS(xs_control_command, char *(*)(H, S, void *, unsigned));
IS(xs_debug_command, char *(*)(H, S, void *, unsigned));
IS(xs_suspend_evtchn_port, int (*)(int));
IS(xs_daemon_rundir, S (*)(void));
IS(xs_daemon_socket, S (*)(void));
IS(xs_daemon_socket_ro, S (*)(void));
IS(xs_write_all, bool (*)(int, const void *, unsigned));
IS(xs_strings_to_perms, bool (*)(struct xs_permissions *, unsigned, S));

#ifdef WITH_ALL
IS(xs_get_features_supported, bool (*)(H, unsigned *));
IS(xs_get_features_domain, bool (*)(H, unsigned, unsigned *));
IS(xs_set_features_domain, bool (*)(H, unsigned, unsigned));
IS(xs_get_quota_names, const char **(*)(H, unsigned *));
IS(xs_get_global_quota, bool (*)(H, S, unsigned *));
IS(xs_set_global_quota, bool (*)(H, S, unsigned));
IS(xs_get_domain_quota, bool (*)(H, unsigned, S, unsigned *));
IS(xs_set_domain_quota, bool (*)(H, unsigned, S, unsigned));
IS(xs_watch_depth, bool (*)(H, S, S, unsigned));
IS(xs_watch_try_depth, bool (*)(H, S, S, unsigned));
#endif
