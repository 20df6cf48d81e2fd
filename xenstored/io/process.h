/* SPDX-License-Identifier: MIT */
/*
 * The process itself: one per run directory, detached, with a pid file, telling when it is ready.
 */
#ifndef XSD_IO_PROCESS_H
#define XSD_IO_PROCESS_H

#include <stddef.h>

/* Takes the lock that only one server of a directory can hold, for as long as it lives. */
int process_lock(const char *dir, int *out_fd) __attribute__((warn_unused_result));

/*
 * Writes the process id. EALREADY, positive: another server holds the file. The lock on it is
 * kept with the descriptor.
 */
int process_pid_file(const char *path, int *out_fd) __attribute__((warn_unused_result));

/*
 * Goes to the background. The parent waits until process_ready() and ends with status 0, or with
 * 1 if the child ends before. Returns in the child only; *out_ready_fd is for process_ready().
 */
int process_detach(int *out_ready_fd) __attribute__((warn_unused_result));

/*
 * Calls `fn` in a process of its own, which it may not survive. Returns 0 if it returned anything
 * but -EBADMSG, which is what a crash counts as. -ECANCELED: somebody else ended it.
 */
int process_try(int (*fn)(const char *arg), const char *arg) __attribute__((warn_unused_result));

/* Tells the waiting parent (fd, or -1) and the service manager that requests are served. */
void process_ready(int ready_fd, const char *notify_socket);

/* Closes standard input, output and error for good. */
void process_mute(void);

/* As many descriptors as the system allows. */
void process_raise_limits(void);

/* The id of the running kernel's boot. */
int process_boot_id(char *out_id, size_t size) __attribute__((warn_unused_result));

#endif
