/* SPDX-License-Identifier: MIT */
/*
 * A daemon under test: a directory of its own, its process, what it printed, what the kernel
 * tells of it.
 *
 * Whatever fails ends the case. A case that ends early leaves no server behind: those in the
 * foreground go with its process group, for those in the background home_launch() starts a
 * guardian that ends them.
 */
#ifndef TESTS_DAEMON_HOME_H
#define TESTS_DAEMON_HOME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	HOME_PATH_MAX = 160,
	HOME_PATIENCE_MS = 20000, /* how long anything may take before it counts as never */
	HOME_WORDS_MAX = 24,
};

struct home {
	char top[HOME_PATH_MAX / 2]; /* everything is below it */
	char run[HOME_PATH_MAX];     /* the run directory, which the daemon makes */
	char socket[HOME_PATH_MAX];
	char database[HOME_PATH_MAX];
	char pid_file[HOME_PATH_MAX];
	char out[HOME_PATH_MAX]; /* standard output of the last launch */
	char err[HOME_PATH_MAX];
	pid_t pid;         /* the process that was started and not waited for; 0: none */
	int guardian_pipe; /* its end makes the guardian act; -1: there is none */
	pid_t guardian;
};

/* How to start the daemon. NULL ends both lists. */
struct launch {
	const char *args[HOME_WORDS_MAX];
	const char *environment[HOME_WORDS_MAX]; /* "NAME=value"; comes after the usual ones */
	uint64_t n_files_max;                    /* descriptors; 0: as they are */
	uint64_t file_size_max;                  /* bytes; 0: as they are */
};

void home_make(struct home *home);

/* Ends what still runs and removes all files. */
void home_remove(struct home *home);

/* Starts the daemon with these words and nothing else. */
void home_launch(struct home *home, const struct launch *launch);

/* Starts it, --no-fork put in front, and waits until it answers. */
void home_serve_as(struct home *home, const struct launch *launch);
void home_serve(struct home *home);

/* Waits for the process to end: its exit status, or the negated number of its signal. */
int home_wait(struct home *home);

/* Sends SIGTERM and checks that the end is clean. */
void home_stop(struct home *home);

/* Kills it, so that it has no chance to tidy up. */
void home_kill(struct home *home);

/* The whole file as text, to be freed; it must exist. */
char *home_read(const char *path);

/* Whether the file exists and contains the text. */
bool home_says(const char *path, const char *text);

/* Waits until it does; NULL: until the file exists. */
void home_await(const char *path, const char *text);

bool home_exists(const char *path);

/*
 * What the kernel says of a process: clock ticks of CPU time, kilobytes resident, those of them
 * that are no file's.
 */
uint64_t process_cpu_ticks(pid_t pid);
uint64_t process_resident_kb(pid_t pid);
uint64_t process_own_kb(pid_t pid);

/* A line "Name:\t<text>" of /proc/<pid>/status. */
void process_status(pid_t pid, const char *name, char *out, size_t size);

uint64_t now_ms(void);
void pause_ms(int ms);

#endif
