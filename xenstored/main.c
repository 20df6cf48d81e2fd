/* SPDX-License-Identifier: MIT */
/*
 * xenstored: wiring. Everything that is opened here is closed here, in reverse order.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "xenstored/base/log.h"
#include "xenstored/config.h"
#include "xenstored/core/host.h"
#include "xenstored/core/server.h"
#include "xenstored/io/listener.h"
#include "xenstored/io/loop.h"
#include "xenstored/io/process.h"
#include "xenstored/io/tracefile.h"
#include "xenstored/io/guest.h"
#include "xenstored/store/store.h"

struct daemon {
	struct config config;
	int lock_fd;
	int pid_fd;
	int ready_fd;
	struct tracefile *tracefile;
	struct store *store;
	struct loop *loop;
	struct guests *guests;
	struct server *server;
	struct listener *listener;
};

static int fail(const char *what, int err)
{
	/* A name of any length must leave room for the reason. */
	log_line(LOG_LEVEL_CRIT, "%.512s: %s", what, strerror(err < 0 ? -err : err));
	return err;
}

static void on_hup(void *arg)
{
	struct daemon *daemon = arg;

	tracefile_reopen(daemon->tracefile);
}

static int open_trace(struct daemon *daemon)
{
	const struct config *config = &daemon->config;
	int err = tracefile_new(config->is_foreground, &daemon->tracefile);

	if (err)
		return fail("trace", err);
	for (int i = 0; i < config->n_trace_switches; i++) {
		if (!tracefile_switch(daemon->tracefile, config->trace_switches[i]))
			return fail(config->trace_switches[i], EINVAL);
	}
	if (config->trace_file)
		err = tracefile_open(daemon->tracefile, config->trace_file);
	return err ? fail(config->trace_file, err) : 0;
}

/* While somebody still waits for the start to succeed, and it may also be nobody. */
static void say_twice(enum log_level level, const char *text)
{
	log_sink_stderr(level, text);
	log_sink_syslog(level, text);
}

static int detach(struct daemon *daemon)
{
	const struct config *config = &daemon->config;
	int err;

	daemon->ready_fd = -1;
	if (!config->is_foreground) {
		err = process_detach(&daemon->ready_fd);
		if (err)
			return fail("cannot go to the background", err);
		openlog("xenstored", LOG_PID, LOG_DAEMON);
		log_to(say_twice);
	}
	if (config->wants_pid_printed) {
		printf("%ld\n", (long)getpid());
		fflush(stdout);
	}
	if (!config->pid_file)
		return 0;
	err = process_pid_file(config->pid_file, &daemon->pid_fd);
	if (err == EALREADY) {
		/* Another one serves already: that is not a failure. */
		process_ready(daemon->ready_fd, NULL);
		exit(EXIT_SUCCESS);
	}
	return err ? fail(config->pid_file, err) : 0;
}

static void tell_found(enum store_found found, const char *dir)
{
	switch (found) {
	case STORE_NEW:
		break;
	case STORE_CONTINUED:
		log_line(LOG_LEVEL_INFO, "going on with the store found in %.512s", dir);
		break;
	case STORE_OUTLIVED:
		log_line(LOG_LEVEL_INFO, "discarded the store of an earlier boot in %.512s", dir);
		break;
	case STORE_DAMAGED:
		log_line(LOG_LEVEL_WARNING, "discarded the damaged store in %.512s", dir);
		break;
	}
}

static int open_store(struct daemon *daemon)
{
	const char *dir = daemon->config.run_dir;
	enum store_found found;
	char boot_id[64];
	int err = 0;

	/* Whether it was there already shows when the lock is taken. */
	mkdir(dir, 0755);
	if (daemon->lock_fd < 0)
		err = process_lock(dir, &daemon->lock_fd);
	if (err == -EALREADY) {
		log_line(LOG_LEVEL_CRIT, "another server serves %.512s", dir);
		return err;
	}
	if (err)
		return fail(dir, err);
	err = process_boot_id(boot_id, sizeof(boot_id));
	if (err)
		return fail("boot id", err);
	err = process_try(store_try, dir);
	if (err == -EBADMSG) {
		tell_found(STORE_DAMAGED, dir);
		err = store_discard(dir);
	}
	if (err)
		return fail(dir, err);
	err = store_open(dir, boot_id, daemon->config.server.seed, &daemon->store, &found);
	if (err == -EPROTO) {
		log_line(LOG_LEVEL_CRIT, "the store in %.512s was made by a newer version", dir);
		return err;
	}
	if (err)
		return fail("cannot open the store", err);
	tell_found(found, dir);
	return 0;
}

static int open_server(struct daemon *daemon)
{
	struct config *config = &daemon->config;
	int err = loop_open(on_hup, daemon, &daemon->loop);

	if (!err)
		err = guests_open(daemon->loop, &config->server, &daemon->guests);
	if (!err)
		err = server_new(&config->server, daemon->store, guests_host(daemon->guests),
				 tracefile_trace(daemon->tracefile), &daemon->server);
	if (!err)
		err = guests_start(daemon->guests, daemon->server, config->server.privileged_domid);
	return err;
}

static void close_server(struct daemon *daemon)
{
	server_free(daemon->server);
	guests_close(daemon->guests);
	loop_close(daemon->loop);
	store_close(daemon->store);
	daemon->server = NULL;
	daemon->guests = NULL;
	daemon->loop = NULL;
	daemon->store = NULL;
}

/* Damage that shows only when everything is read. It would show again at each attempt. */
static int start_anew(struct daemon *daemon)
{
	const char *dir = daemon->config.run_dir;
	int err;

	close_server(daemon);
	err = store_discard(dir);
	if (err)
		return fail(dir, err);
	tell_found(STORE_DAMAGED, dir);
	err = open_store(daemon);
	return err ? err : open_server(daemon);
}

static int start(struct daemon *daemon)
{
	int err = open_server(daemon);

	if (err == -EBADMSG)
		err = start_anew(daemon);
	return err ? fail("cannot start", err) : 0;
}

static int open_socket(struct daemon *daemon)
{
	const struct config *config = &daemon->config;
	char path[4096];
	int err;

	if (config->socket_path)
		snprintf(path, sizeof(path), "%s", config->socket_path);
	else
		snprintf(path, sizeof(path), "%s/socket", config->run_dir);
	err = listener_open(daemon->loop, daemon->server, path, &daemon->listener);
	return err ? fail(path, err) : 0;
}

static int serve(struct daemon *daemon)
{
	const struct config *config = &daemon->config;

	if (!config->is_foreground) {
		log_to(log_sink_syslog);
		process_mute();
	}
	process_ready(daemon->ready_fd, config->notify_socket);
	return loop_run(daemon->loop, daemon->server);
}

int main(int argc, char **argv)
{
	struct daemon daemon = { .lock_fd = -1, .pid_fd = -1 };
	struct config *config = &daemon.config;
	int err;

	switch (config_read(config, argc, argv)) {
	case CONFIG_DONE:
		return EXIT_SUCCESS;
	case CONFIG_BAD:
		return EXIT_FAILURE;
	case CONFIG_RUN:
		break;
	}
	log_to(log_sink_stderr);
	/* A peer that is gone and a file system limit are errors of one call, not the end of us. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	process_raise_limits();
	if (getrandom(&config->server.seed, sizeof(config->server.seed), 0) < 0)
		return fail("random numbers", errno) ? EXIT_FAILURE : EXIT_SUCCESS;
	err = open_trace(&daemon);
	if (!err)
		err = detach(&daemon);
	if (!err)
		err = open_store(&daemon);
	if (!err)
		err = start(&daemon);
	if (!err)
		err = open_socket(&daemon);
	if (!err)
		err = serve(&daemon);
	listener_close(daemon.listener);
	close_server(&daemon);
	tracefile_free(daemon.tracefile);
	if (daemon.pid_fd >= 0)
		unlink(config->pid_file);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
