/* SPDX-License-Identifier: MIT */
/*
 * The command about permissions: chmod.
 */
#include "tools/cmds.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/cmd.h"
#include "tools/mem.h"

struct perm_list {
	struct xs_permissions *perms;
	unsigned n;
};

/* "r5": as ever, what is not a number after the letter counts as 0. */
static bool parse_perm(const char *text, struct xs_permissions *out_perm)
{
	static const char letters[] = { 'n', 'r', 'w', 'b' };
	const char *letter = memchr(letters, text[0], sizeof(letters));

	if (!letter) {
		warnx("Invalid permission specification: '%c'", text[0]);
		return false;
	}
	*out_perm = (struct xs_permissions){
		.id = (unsigned)strtol(text + 1, NULL, 10),
		.perms = (unsigned)(letter - letters),
	};
	return true;
}

/* What is missing is the node or, if that is there, the domain that was to own it. */
static bool lacks_owner(struct job *job, const char *path, int err)
{
	struct xs_permissions *present = NULL;
	bool is_there;
	unsigned n;

	if (err == ENOENT)
		present = xs_get_permissions(job->xsh, job->txn, path, &n);
	is_there = present != NULL;
	free(present);
	return is_there;
}

static bool set_perms(struct job *job, const char *path, const struct perm_list *list)
{
	int err;

	if (xs_set_permissions(job->xsh, job->txn, path, list->perms, list->n))
		return true;
	err = errno;
	if (list->n && lacks_owner(job, path, err))
		warnx("Error occurred setting permissions on '%s': %s (there is no domain %u)",
		      path, strerror(err), list->perms[0].id);
	else
		warnx("Error occurred setting permissions on '%s': %s", path, strerror(err));
	return false;
}

static bool set_below(struct job *job, const char *path, const struct perm_list *list)
{
	unsigned n_names = 0;
	char **names = xs_directory(job->xsh, job->txn, path, &n_names);
	bool is_set = true;

	if (!names) {
		warnx("could not list path %s: %s", path, cmd_reason(errno, path));
		return false;
	}
	for (unsigned i = 0; i < n_names && is_set; i++) {
		char *child = mem_path(path, names[i]);

		is_set = set_perms(job, child, list) && set_below(job, child, list);
		free(child);
	}
	free(names);
	return is_set;
}

/*
 * All parents up to but not including "/". A relative path has a beginning that no slash is in
 * front of; that ends in failure, as ever.
 */
static bool set_above(struct job *job, const char *path, const struct perm_list *list)
{
	char *parent = mem_string(path);
	bool is_set = true;

	while (is_set) {
		char *slash = strrchr(parent, '/');

		if (slash == parent)
			break;
		if (!slash) {
			warnx("Unable to locate path separator '/' in '%s'", parent);
			is_set = false;
		} else {
			*slash = '\0';
			is_set = set_perms(job, parent, list);
		}
	}
	free(parent);
	return is_set;
}

int cmd_chmod(struct job *job)
{
	const char *path = job->operands[0];
	struct perm_list list = { .n = (unsigned)job->n_operands - 1 };
	bool is_set = true;

	list.perms = mem_alloc(list.n * sizeof(*list.perms));
	for (unsigned i = 0; i < list.n && is_set; i++)
		is_set = parse_perm(job->operands[i + 1], &list.perms[i]);
	is_set = is_set && set_perms(job, path, &list);
	if (job->opt.is_upto)
		is_set = is_set && set_above(job, path, &list);
	if (job->opt.is_recursive)
		is_set = is_set && set_below(job, path, &list);
	free(list.perms);
	return is_set ? 0 : 1;
}
