/* SPDX-License-Identifier: MIT */
/*
 * Commands about single nodes: read, write, list, exists, rm.
 */
#include "tools/cmds.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/cmd.h"
#include "tools/json.h"
#include "tools/mem.h"
#include "tools/quote.h"

static void put_json_value(struct job *job, int i, const char *value, unsigned len)
{
	fprintf(job->out, "%s{\"path\":", i ? ",\n" : "");
	json_put_string(job->out, job->operands[i], strlen(job->operands[i]));
	putc(',', job->out);
	json_put_value(job->out, value, len);
	putc('}', job->out);
}

static void put_plain_value(struct job *job, int i, const char *value, unsigned len)
{
	char *quoted;

	if (job->opt.with_prefix)
		fprintf(job->out, "%s: ", job->operands[i]);
	if (job->opt.is_raw) {
		fwrite(value, 1, len, job->out);
		return;
	}
	quoted = quote_value(value, len, NULL);
	fprintf(job->out, "%s\n", quoted);
	free(quoted);
}

int cmd_read(struct job *job)
{
	int status = 0;

	if (job->opt.is_json)
		putc('[', job->out);
	for (int i = 0; i < job->n_operands && !status; i++) {
		unsigned len;
		char *value = xs_read(job->xsh, job->txn, job->operands[i], &len);

		if (!value) {
			warnx("couldn't read path %s: %s", job->operands[i],
			      cmd_reason(errno, job->operands[i]));
			status = 1;
		} else if (job->opt.is_json) {
			put_json_value(job, i, value, len);
		} else {
			put_plain_value(job, i, value, len);
		}
		free(value);
	}
	if (job->opt.is_json)
		fputs("]\n", job->out);
	return status;
}

int cmd_write(struct job *job)
{
	for (int i = 0; i < job->n_operands; i += 2) {
		const char *path = job->operands[i], *typed = job->operands[i + 1];
		size_t len = strlen(typed);
		char *value;
		bool is_written;

		value = job->opt.is_raw ? mem_string(typed) : quote_parse(typed, &len);
		is_written = xs_write(job->xsh, job->txn, path, value, (unsigned)len);
		if (!is_written)
			warnx("could not write path %s: %s", path, cmd_reason(errno, path));
		free(value);
		if (!is_written)
			return 1;
	}
	return 0;
}

static void put_json_children(struct job *job, int i, char **names, unsigned n_names)
{
	fprintf(job->out, "%s{\"path\":", i ? ",\n" : "");
	json_put_string(job->out, job->operands[i], strlen(job->operands[i]));
	fputs(",\"children\":[", job->out);
	for (unsigned n = 0; n < n_names; n++) {
		if (n)
			putc(',', job->out);
		json_put_string(job->out, names[n], strlen(names[n]));
	}
	fputs("]}", job->out);
}

static void put_plain_children(struct job *job, int i, char **names, unsigned n_names)
{
	const char *parent = strcmp(job->operands[i], "/") != 0 ? job->operands[i] : "";

	for (unsigned n = 0; n < n_names; n++) {
		if (job->opt.with_prefix)
			fprintf(job->out, "%s/", parent);
		fprintf(job->out, "%s\n", names[n]);
	}
}

int cmd_list(struct job *job)
{
	int status = 0;

	if (job->opt.is_json)
		putc('[', job->out);
	for (int i = 0; i < job->n_operands && !status; i++) {
		unsigned n_names;
		char **names = xs_directory(job->xsh, job->txn, job->operands[i], &n_names);

		if (!names) {
			warnx("could not list path %s: %s", job->operands[i],
			      cmd_reason(errno, job->operands[i]));
			status = 1;
		} else if (job->opt.is_json) {
			put_json_children(job, i, names, n_names);
		} else {
			put_plain_children(job, i, names, n_names);
		}
		free(names);
	}
	if (job->opt.is_json)
		fputs("]\n", job->out);
	return status;
}

int cmd_exists(struct job *job)
{
	for (int i = 0; i < job->n_operands; i++) {
		void *value = xs_read(job->xsh, job->txn, job->operands[i], NULL);

		if (!value && errno != ENOENT && errno != EACCES)
			warnx("couldn't read path %s: %s", job->operands[i],
			      cmd_reason(errno, job->operands[i]));
		if (!value)
			return 1;
		free(value);
	}
	return 0;
}

/* Whether the node has no value and no children. Unknown is no. */
static bool is_bare(struct job *job, const char *path)
{
	unsigned len, n_names;
	char *value = xs_read(job->xsh, job->txn, path, &len);
	char **names = NULL;
	bool is_bare_node = false;

	if (value && len == 0) {
		names = xs_directory(job->xsh, job->txn, path, &n_names);
		is_bare_node = names && n_names == 0;
	}
	free(value);
	free(names);
	return is_bare_node;
}

/* Removes `path`, which it shortens, and then, if tidy, each parent that is left with nothing. */
static bool remove_upwards(struct job *job, char *path)
{
	char *slash;

	do {
		if (!xs_rm(job->xsh, job->txn, path))
			return false;
		slash = job->opt.is_tidy ? strrchr(path, '/') : NULL;
		if (slash)
			*slash = '\0';
	} while (slash && slash != path && is_bare(job, path));
	return true;
}

int cmd_rm(struct job *job)
{
	for (int i = 0; i < job->n_operands; i++) {
		char *path = mem_string(job->operands[i]);
		bool is_removed = remove_upwards(job, path);

		if (!is_removed)
			warnx("could not remove path %s: %s", path,
			      errno == EINVAL && strcmp(path, "/") == 0
				      ? "the root of the tree stays"
				      : cmd_reason(errno, path));
		free(path);
		if (!is_removed)
			return 1;
	}
	return 0;
}
