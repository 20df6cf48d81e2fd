/* SPDX-License-Identifier: MIT */
/*
 * Options and environment, read once into one struct.
 *
 * The command line is that of Xen's C xenstored, older versions' options included. Nothing else
 * in the daemon looks at the environment.
 */
#ifndef XSD_CONFIG_H
#define XSD_CONFIG_H

#include <stdbool.h>

#include "xenstored/core/setup.h"

enum { CONFIG_SWITCHES_MAX = 16 };

struct config {
	struct server_config server;
	const char *pid_file;   /* NULL: none */
	const char *trace_file; /* NULL: none */
	const char *trace_switches[CONFIG_SWITCHES_MAX];
	int n_trace_switches;
	bool is_foreground;
	bool wants_pid_printed; /* -P of older versions */
	const char *run_dir;
	const char *socket_path;   /* NULL: "socket" in the run directory */
	const char *notify_socket; /* NULL: no service manager waits */
};

enum config_outcome { CONFIG_RUN, CONFIG_DONE, CONFIG_BAD };

/* Reads both. DONE: help was asked for and given. BAD: the reason was printed. */
enum config_outcome config_read(struct config *config, int argc, char **argv);

#endif
