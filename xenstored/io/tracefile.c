/* SPDX-License-Identifier: MIT */
#include "xenstored/io/tracefile.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "protocol/wire.h"
#include "xenstored/core/server.h"

static const char *const class_names[] = { "obj", "io", "wrl", "acc", "tdb" };
enum { CLASS_OBJ, CLASS_IO, N_CLASSES = sizeof(class_names) / sizeof(class_names[0]) };

/* Relative names are taken under this directory once the server runs. */
#define LIBRARY_DIR "/var/lib/xen/xenstore"

struct tracefile {
	struct trace trace;
	FILE *stream; /* NULL: closed */
	char *path;   /* owned */
	bool is_foreground;
	bool is_on[N_CLASSES];
};

static bool is_tracing(const struct tracefile *file, int class)
{
	return file->stream && file->is_on[class];
}

static void trace_object(void *self, bool is_created, const char *kind, const void *object)
{
	struct tracefile *file = self;

	if (is_tracing(file, CLASS_OBJ))
		fprintf(file->stream, "obj: %s %s %p\n", is_created ? "CREATE" : "DESTROY", kind,
			object);
}

static void trace_io(struct tracefile *file, const char *direction, const void *client,
		     uint16_t domid, uint32_t type, const void *payload, size_t len)
{
	const char *bytes = payload, *name;
	struct tm local;
	char when[32];
	time_t now;

	if (!is_tracing(file, CLASS_IO))
		return;
	name = xsp_type_name(type);
	now = time(NULL);
	localtime_r(&now, &local);
	strftime(when, sizeof(when), "%Y%m%d %H:%M:%S", &local);
	fprintf(file->stream, "io: %s %p (d%u) %s %s (", direction, client, (unsigned)domid, when,
		name ? name : "**UNKNOWN**");
	for (size_t i = 0; i < len; i++)
		putc(bytes[i] ? bytes[i] : ' ', file->stream);
	fputs(")\n", file->stream);
}

static void trace_request(void *self, const struct client *client, uint16_t domid, uint32_t type,
			  const void *payload, size_t len)
{
	trace_io(self, "IN", client, domid, type, payload, len);
}

static void trace_reply(void *self, const struct client *client, uint16_t domid, uint32_t type,
			const void *payload, size_t len)
{
	trace_io(self, "OUT", client, domid, type, payload, len);
}

static void close_stream(struct tracefile *file)
{
	if (file->stream)
		fclose(file->stream);
	file->stream = NULL;
}

static int open_stream(const char *path, FILE **out_stream)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	*out_stream = fdopen(fd, "a");
	if (!*out_stream) {
		close(fd);
		return -ENOMEM;
	}
	setvbuf(*out_stream, NULL, _IOLBF, 0);
	fputs("\n***\n", *out_stream);
	return 0;
}

int tracefile_open(struct tracefile *file, const char *path)
{
	char full[4096];
	char *copy = path ? strdup(path) : file->path;
	FILE *stream = NULL;
	int err;

	if (!copy)
		return path ? -ENOMEM : -EBADF;
	/* The directory that a name of the start was relative to may have been left since. */
	snprintf(full, sizeof(full), "%s%s", path || copy[0] == '/' ? "" : LIBRARY_DIR "/", copy);
	err = open_stream(full, &stream);
	if (err) {
		if (path)
			free(copy);
		return err;
	}
	if (path) {
		free(file->path);
		file->path = copy;
	}
	close_stream(file);
	file->stream = stream;
	return 0;
}

void tracefile_reopen(struct tracefile *file)
{
	/* A file that cannot be opened again leaves tracing off, as "log off" would. */
	if (file->stream && tracefile_open(file, NULL))
		close_stream(file);
}

bool tracefile_switch(struct tracefile *file, const char *text)
{
	if (text[0] != '+' && text[0] != '-')
		return false;
	for (int i = 0; i < N_CLASSES; i++) {
		if (!strcmp(text + 1, class_names[i])) {
			file->is_on[i] = text[0] == '+';
			return true;
		}
	}
	return false;
}

static int control_log(void *self, const char *argument)
{
	struct tracefile *file = self;

	if (!strcmp(argument, "on"))
		return tracefile_open(file, NULL) ? EINVAL : 0;
	if (!strcmp(argument, "off")) {
		close_stream(file);
		return 0;
	}
	return tracefile_switch(file, argument) ? 0 : EINVAL;
}

static int control_logfile(void *self, const char *path)
{
	char full[4096];

	if (path[0] == '\0')
		return EINVAL;
	if (path[0] != '/')
		snprintf(full, sizeof(full), "%s/%s", LIBRARY_DIR, path);
	else
		snprintf(full, sizeof(full), "%s", path);
	return tracefile_open(self, full) ? EINVAL : 0;
}

static int control_memreport(void *self, const char *path)
{
	struct tracefile *file = self;
	FILE *stream = file->stream;
	char full[4096];

	if (path) {
		snprintf(full, sizeof(full), "%s%s", path[0] == '/' ? "" : LIBRARY_DIR "/", path);
		stream = fopen(full, "ae");
	}
	if (!stream)
		return EINVAL;
	malloc_info(0, stream);
	fflush(stream);
	if (path)
		fclose(stream);
	return 0;
}

static void control_print(void *self, const char *text)
{
	struct tracefile *file = self;
	FILE *stream = file->is_foreground ? stderr : file->stream;

	if (stream)
		fprintf(stream, "control: %s\n", text);
}

static const char *get_switch(void *self, size_t i, bool *out_is_on)
{
	const struct tracefile *file = self;

	if (i >= N_CLASSES)
		return NULL;
	*out_is_on = file->is_on[i];
	return class_names[i];
}

int tracefile_new(bool is_foreground, struct tracefile **out_file)
{
	struct tracefile *file = calloc(1, sizeof(*file));

	if (!file)
		return -ENOMEM;
	file->is_foreground = is_foreground;
	file->is_on[CLASS_OBJ] = file->is_on[CLASS_IO] = true;
	file->trace = (struct trace){
		.self = file,
		.object = trace_object,
		.request = trace_request,
		.reply = trace_reply,
		.log = control_log,
		.logfile = control_logfile,
		.memreport = control_memreport,
		.print = control_print,
		.get_switch = get_switch,
	};
	*out_file = file;
	return 0;
}

void tracefile_free(struct tracefile *file)
{
	if (!file)
		return;
	close_stream(file);
	free(file->path);
	free(file);
}

const struct trace *tracefile_trace(struct tracefile *file)
{
	return &file->trace;
}
