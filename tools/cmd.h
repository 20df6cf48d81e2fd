/* SPDX-License-Identifier: MIT */
/*
 * One invocation of a store command: what was typed, the connection, the transaction it may run
 * in, and the words in which it complains.
 */
#ifndef XS_TOOLS_CMD_H
#define XS_TOOLS_CMD_H

#include <stdbool.h>
#include <stdio.h>

#include "libxs/include/xenstore.h"

struct job;

/* When a command runs in a transaction of its handle. */
enum txn_use {
	TXN_OVER_ONE, /* if there is more than one key */
	TXN_OVER_TWO, /* if there is more than one pair of key and value */
	TXN_ALWAYS,
	TXN_OWN_LINK, /* the command connects by itself, for pipelined requests */
};

struct command {
	const char *name;
	const char *options; /* letters of the options it takes; see cmd.c */
	const char *usage;
	const char *help;
	int min_operands;
	int max_operands; /* 0: any number */
	enum txn_use txn;
	int trouble;                 /* exit status of a failure */
	int (*run)(struct job *job); /* 0 or an exit status; messages are its own */
};

/* Values of numeric options that were not given. */
enum { NOT_GIVEN = -2, NO_LIMIT = -1 };

struct options {
	bool is_flat, with_prefix, is_tidy, is_upto, is_recursive, is_raw;
	bool is_json, is_full, with_value, with_time, is_replacing, without_perms;
	int n_events; /* NO_LIMIT: all */
	int depth;    /* NOT_GIVEN: all */
	int owner;    /* NOT_GIVEN: any */
	int width;    /* NOT_GIVEN: what the output suggests; 0: none */
};

struct job {
	const struct command *command;
	struct options opt;
	int n_operands;
	char **operands;
	struct xs_handle *xsh;
	xs_transaction_t txn;
	FILE *out; /* output of the command; thrown away if its transaction is repeated */
};

/*
 * Runs `command` with what was typed behind it; `argv[0]` is the name that getopt's messages
 * begin with, `typed` how usage messages repeat what was typed. Returns the exit status.
 */
int cmd_main(const struct command *command, int argc, char **argv, const char *typed);

/* What went wrong, in words that fit a request for `path` (which may be NULL). */
const char *cmd_reason(int err, const char *path);

/* Why no connection could be opened. */
const char *cmd_open_reason(int err);

/* Warns if what was read (struct tree_reading) is not of one moment. */
void cmd_warn_torn(int torn);

/* Ends the program because no server could be reached. */
void cmd_no_server(const struct job *job, int err) __attribute__((noreturn));

#endif
