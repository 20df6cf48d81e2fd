/* SPDX-License-Identifier: MIT */
/*
 * Commands to the server itself. Everything is passed on as it is; only live-update, which is
 * a conversation of several steps, is known here, and what to say when others are refused.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libxs/include/xenstore.h"
#include "tools/cmd.h"
#include "tools/help.h"
#include "tools/mem.h"

enum { DONE = 0, NO_SERVER = 1, MISUSED = 2, REFUSED = 3 };

enum { CHUNK = 2048 };

static const char default_timeout_s[] = "60";

/* Strings, each with its NUL, one behind the other: the arguments of a command. */
struct words {
	char *bytes; /* owned */
	size_t len, room;
};

struct update {
	const char *cmdline, *timeout, *version, *binary;
	bool is_forced;
};

static void words_add_bytes(struct words *words, const void *bytes, size_t len)
{
	words->bytes = mem_grow(words->bytes, &words->room, words->len + len + 1, 1);
	if (len)
		memcpy(words->bytes + words->len, bytes, len);
	words->len += len;
}

static void words_add(struct words *words, const char *word)
{
	words_add_bytes(words, word, strlen(word) + 1);
}

/* Sends a command and empties its words. NULL with errno if it was refused. */
static char *ask(struct xs_handle *xsh, const char *command, struct words *words)
{
	char *answer = xs_control_command(xsh, command, words->bytes, (unsigned)words->len);
	int err = errno;

	free(words->bytes);
	*words = (struct words){ .bytes = NULL };
	errno = err;
	return answer;
}

/*
 * The synopsis of a command, of *out_len bytes, in the server's own list of them. NULL if it is
 * not there.
 */
static const char *find_synopsis(const char *commands, const char *name, size_t *out_len)
{
	size_t len = strlen(name);

	for (const char *line = commands; line && *line && len;) {
		const char *end = strchrnul(line, '\n');

		if (strncmp(line, name, len) == 0 && (line[len] == ' ' || line + len == end)) {
			line += len;
			line += strspn(line, " ");
			*out_len = (size_t)(end - line);
			return line;
		}
		line = *end ? end + 1 : end;
	}
	return NULL;
}

/* The server has one error for all that can be wrong with a command, so these tell what may be. */
static const char *find_hint(const char *command)
{
	static const struct {
		const char *command, *hint;
	} hints[] = {
		{ "log", "'log' alone lists the switches; 'on' needs a file that can be opened." },
		{ "logfile", "The server must be able to open the file. A name without a leading\n"
			     "slash is taken below /var/lib/xen/xenstore." },
		{ "memreport",
		  "The server must be tracing, or able to open the file. A name without\n"
		  "a leading slash is taken below /var/lib/xen/xenstore." },
		{ "quota", "'quota' alone lists the names. A value is at least 1." },
		{ "quota-soft", "The only name is 'memory'. A value is at least 1." },
		{ "tree", "Both are needed; the second is '' at first." },
	};

	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
		if (strcmp(command, hints[i].command) == 0)
			return hints[i].hint;
	}
	return NULL;
}

static void say_wrong_arguments(const char *command, const char *synopsis, size_t len)
{
	const char *hint = find_hint(command);

	if (len == 0) {
		fprintf(stderr, "'%s' takes no arguments.\n", command);
		return;
	}
	fprintf(stderr, "Wrong arguments of '%s'. Usage:\nxenstore-control %s %.*s\n", command,
		command, (int)len, synopsis);
	if (hint)
		fprintf(stderr, "%s\n", hint);
}

static int say_refused(struct xs_handle *xsh, const char *command, int err)
{
	struct words none = { .bytes = NULL };
	const char *synopsis;
	char *commands;
	size_t len;

	if (err != EINVAL) {
		fprintf(stderr, "Error %d when trying to execute command. (%s)\n", err,
			err == ENOENT && strcmp(command, "quota") == 0 ? "no such domain"
								       : strerror(err));
		return REFUSED;
	}
	commands = ask(xsh, "help", &none);
	synopsis = find_synopsis(commands, command, &len);
	if (synopsis)
		say_wrong_arguments(command, synopsis, len);
	else if (commands)
		fprintf(stderr, "Command not supported. Valid commands are:\n%s\n", commands);
	else
		fprintf(stderr, "Error when executing command.\n");
	free(commands);
	return REFUSED;
}

static int send_command(struct xs_handle *xsh, const char *command, struct words *words)
{
	char *answer = ask(xsh, command, words);

	if (!answer)
		return say_refused(xsh, command, errno);
	if (*answer)
		printf("%s\n", answer);
	free(answer);
	return DONE;
}

/* ---- live update ---- */

static const char live_update[] = "live-update";

static int say_misused(const char *text)
{
	fprintf(stderr, "%s\n", text);
	return MISUSED;
}

/* -1 if all is well, else an exit status. */
static int parse_update(int argc, char **argv, struct update *update)
{
	for (int i = 0; i < argc; i++) {
		const char **value = NULL;

		if (strcmp(argv[i], "-c") == 0)
			value = &update->cmdline;
		else if (strcmp(argv[i], "-t") == 0)
			value = &update->timeout;
		else if (strcmp(argv[i], "-v") == 0)
			value = &update->version;
		else if (strcmp(argv[i], "-F") == 0)
			update->is_forced = true;
		else
			update->binary = argv[i];
		if (!value)
			continue;
		if (++i == argc)
			return say_misused(value == &update->cmdline ? "Missing command line value"
					   : value == &update->timeout ? "Missing timeout value"
								       : "Missing version value");
		*value = argv[i];
	}
	return update->binary ? -1 : say_misused("Missing binary specification");
}

/* Whether the server does not have the command, as far as it tells. */
static bool lacks_live_update(struct xs_handle *xsh)
{
	struct words none = { .bytes = NULL };
	char *commands = ask(xsh, "help", &none);
	size_t len;
	bool is_missing = commands && !find_synopsis(commands, live_update, &len);

	free(commands);
	return is_missing;
}

/* One step, which must be answered by "OK". */
static int make_step(struct xs_handle *xsh, const char *what, struct words *words)
{
	char *answer = ask(xsh, live_update, words);
	int err = answer ? 0 : errno;
	const char *text = answer ? answer : strerror(err);
	int status = DONE;

	if (strcmp(text, "OK") != 0) {
		fprintf(stderr, "%s failed:\n%s%s\n", what, text,
			err == EINVAL && lacks_live_update(xsh)
				? " (this server has no live update: restart it instead)"
				: "");
		status = REFUSED;
	}
	free(answer);
	return status;
}

/* A server in a domain of its own sees no files, so it is sent the new one piece by piece. */
static int send_binary(struct xs_handle *xsh, const char *name)
{
	struct words words = { .bytes = NULL };
	FILE *file = fopen(name, "re");
	char bytes[CHUNK], number[32];
	int status = DONE;
	long size = -1;
	size_t n;

	if (file && fseek(file, 0, SEEK_END) == 0)
		size = ftell(file);
	if (size < 0 || fseek(file, 0, SEEK_SET) != 0) {
		fprintf(stderr, "Setting update binary failed:\n%s: %s\n", name, strerror(errno));
		if (file)
			fclose(file);
		return REFUSED;
	}
	snprintf(number, sizeof(number), "%ld", size);
	words_add(&words, "-b");
	words_add(&words, number);
	status = make_step(xsh, "Setting update binary", &words);
	while (status == DONE && (n = fread(bytes, 1, sizeof(bytes), file)) > 0) {
		snprintf(number, sizeof(number), "%zu", n);
		words_add(&words, "-d");
		words_add(&words, number);
		words_add_bytes(&words, bytes, n);
		status = make_step(xsh, "Setting update binary", &words);
	}
	if (status == DONE && ferror(file)) {
		fprintf(stderr, "Setting update binary failed:\n%s: cannot read\n", name);
		status = REFUSED;
	}
	fclose(file);
	return status;
}

static int name_binary(struct xs_handle *xsh, const char *name)
{
	struct words words = { .bytes = NULL };
	unsigned len;
	char *domid = xs_read(xsh, XBT_NULL, "/tool/xenstored/domid", &len);

	if (domid) {
		free(domid);
		return send_binary(xsh, name);
	}
	words_add(&words, "-f");
	words_add(&words, name);
	return make_step(xsh, "Setting update binary", &words);
}

/* Asks again once a second while the server is too busy, until the time is over. */
static int start_update(struct xs_handle *xsh, const struct update *update)
{
	const char *timeout = update->timeout ? update->timeout : default_timeout_s;
	time_t end = time(NULL) + strtol(timeout, NULL, 10);
	struct timespec second = { .tv_sec = 1 };

	for (;;) {
		struct words words = { .bytes = NULL };
		const char *text;
		char *answer;
		bool is_over;
		int status = DONE;

		words_add(&words, "-s");
		words_add(&words, "-t");
		words_add(&words, timeout);
		if (update->is_forced)
			words_add(&words, "-F");
		if (update->version && strtol(update->version, NULL, 10) != 0) {
			words_add(&words, "-v");
			words_add(&words, update->version);
		}
		answer = ask(xsh, live_update, &words);
		text = answer ? answer : strerror(errno);
		is_over = strcmp(text, "BUSY") != 0 || time(NULL) >= end;
		if (is_over && strcmp(text, "OK") != 0) {
			fprintf(stderr, "Starting live update failed:\n%s\n", text);
			status = REFUSED;
		}
		free(answer);
		if (is_over)
			return status;
		nanosleep(&second, NULL);
	}
}

static int run_update(struct xs_handle *xsh, int argc, char **argv)
{
	struct words words = { .bytes = NULL };
	struct update update = { .binary = NULL };
	int status = parse_update(argc, argv, &update);

	if (status < 0)
		status = name_binary(xsh, update.binary);
	if (status)
		return status;
	if (update.cmdline) {
		words_add(&words, "-c");
		words_add(&words, update.cmdline);
		status = make_step(xsh, "Setting update binary", &words);
	}
	if (!status)
		status = start_update(xsh, &update);
	if (status) {
		words_add(&words, "-a");
		free(ask(xsh, live_update, &words));
	}
	return status;
}

/* ---- main ---- */

static int say_no_server(int err)
{
	const char *path = xs_daemon_socket();

	fprintf(stderr, "Failed to contact Xenstored. (%s, socket %s)\n", cmd_open_reason(err),
		path ? path : "?");
	return NO_SERVER;
}

static int finish(int status)
{
	if (!ferror(stdout) && fflush(stdout) == 0)
		return status;
	fprintf(stderr, "cannot write the output: %s\n", strerror(errno));
	return REFUSED;
}

int main(int argc, char **argv)
{
	struct words words = { .bytes = NULL };
	struct xs_handle *xsh;
	int status;

	if (argc < 2) {
		fprintf(stderr, "Usage:\n%s <command> [<arg>...]\n", argv[0]);
		return MISUSED;
	}
	if (strcmp(argv[1], "--help") == 0) {
		printf("Usage: %s <command> [<arg>...]\n%s", argv[0], help_control);
		return finish(DONE);
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("xenstore-control %s\n", XS_VERSION);
		return finish(DONE);
	}
	xsh = xs_open(0);
	if (!xsh)
		return say_no_server(errno);
	if (strcmp(argv[1], live_update) == 0) {
		status = run_update(xsh, argc - 2, argv + 2);
	} else {
		for (int i = 2; i < argc; i++)
			words_add(&words, argv[i]);
		status = send_command(xsh, argv[1], &words);
	}
	xs_close(xsh);
	return finish(status);
}
