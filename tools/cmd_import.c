/* SPDX-License-Identifier: MIT */
/*
 * The command that writes whole trees: import. All in one transaction, so that it happens as a
 * whole or not at all, and with all requests under way at once.
 */
#include "tools/cmds.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/cmd.h"
#include "tools/dump.h"
#include "tools/link.h"
#include "tools/mem.h"
#include "tools/tree.h"

enum kind { REMOVE, WRITE, SET_PERMS };

static const char *const complaints[] = {
	[REMOVE] = "could not remove path",
	[WRITE] = "could not write path",
	[SET_PERMS] = "could not set permissions of",
};

struct import {
	struct job *job;
	struct link link;
	struct tree from;    /* what to write; its top is where */
	struct tree present; /* what is there now, if others are to be dropped */
	struct step *steps;  /* owned; one for each node, first of `from`, then of `present` */
	int error;           /* the first one, and what it is about: */
	enum kind kind;
	const struct tree_node *node;
};

/* Says to a callback what it is about. */
struct step {
	struct import *import; /* borrowed */
	const struct tree_node *node;
};

static void note(struct step *step, int err, enum kind kind)
{
	struct import *import = step->import;

	if (!err || import->error)
		return;
	import->error = err;
	import->kind = kind;
	import->node = step->node;
}

static void note_removed(void *arg, const struct xsa_result *result)
{
	/* Somebody may have been faster; inside the transaction that cannot be. */
	note(arg, result->error, REMOVE);
}

static void note_written(void *arg, const struct xsa_result *result)
{
	note(arg, result->error, WRITE);
}

static void note_perms(void *arg, const struct xsa_result *result)
{
	note(arg, result->error, SET_PERMS);
}

static int request(struct import *import, enum kind kind, const char *path, struct step *step)
{
	const struct tree_node *node = step->node;
	struct xsa *xsa = import->link.xsa;
	xs_transaction_t txn = import->link.txn;

	switch (kind) {
	case REMOVE:
		return xsa_rm(xsa, txn, path, note_removed, step);
	case WRITE:
		return xsa_write(xsa, txn, path, node->value, node->len, note_written, step);
	default:
		return xsa_set_permissions(xsa, txn, path, node->perms, node->n_perms, note_perms,
					   step);
	}
}

/* Makes one request, waiting until there is room for it. */
static void push(struct import *import, enum kind kind, struct step *step)
{
	char *path = mem_path(import->from.top, step->node->path);
	int err;

	while ((err = request(import, kind, path, step)) == EAGAIN && !import->error) {
		err = link_make_room(&import->link);
		if (err)
			break;
	}
	note(step, err, kind);
	free(path);
}

/* Whether `path` is `top` or below it. */
static bool is_within(const char *path, const char *top)
{
	size_t len = strlen(top);

	return strncmp(path, top, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

/* A node stays. What would have to go from below it must be known; else the program ends. */
static void check_listed(const struct tree *present, const struct tree_node *node)
{
	if (node->children_error)
		errx(1, "could not list path %s: %s", tree_path(present, node),
		     strerror(node->children_error));
}

/* Removes what is present but not in the file. What is below a removed node goes with it. */
static void drop_others(struct import *import, struct step *steps)
{
	struct tree sorted = import->from;
	const struct tree *present = &import->present;
	const char *dropped = NULL;

	/* A sorted copy of the array only: nodes keep their owner, and the file its order. */
	sorted.nodes = mem_alloc(sorted.n * sizeof(*sorted.nodes));
	memcpy(sorted.nodes, import->from.nodes, sorted.n * sizeof(*sorted.nodes));
	tree_sort(&sorted);
	for (size_t i = 0; i < present->n && !import->error; i++) {
		const struct tree_node *node = &present->nodes[i];

		steps[i] = (struct step){ import, node };
		if (dropped && is_within(node->path, dropped))
			continue;
		if (node->depth == 0 || tree_find(&sorted, node->path)) {
			check_listed(present, node);
			continue;
		}
		dropped = node->path;
		push(import, REMOVE, &steps[i]);
	}
	free(sorted.nodes);
}

static void write_nodes(struct import *import, struct step *steps)
{
	const struct tree *from = &import->from;

	for (size_t i = 0; i < from->n && !import->error; i++) {
		steps[i] = (struct step){ import, &from->nodes[i] };
		push(import, WRITE, &steps[i]);
		if (!import->job->opt.without_perms)
			push(import, SET_PERMS, &steps[i]);
	}
}

/* One try. Returns 0, EAGAIN for another one, or an errno with *import telling what failed. */
static int try_once(struct import *import)
{
	bool drops = import->job->opt.is_replacing;
	int err = link_begin(&import->link);

	if (err)
		errx(1, "couldn't start transaction: %s", cmd_reason(err, NULL));
	import->error = 0;
	if (drops)
		err = tree_load(&import->present, &import->link, -1, 0);
	if (err && err != ENOENT)
		errx(1, "could not list path %s: %s", import->from.top,
		     cmd_reason(err, import->from.top));
	import->steps = mem_alloc((import->from.n + import->present.n) * sizeof(struct step));
	if (drops)
		drop_others(import, import->steps + import->from.n);
	write_nodes(import, import->steps);
	err = xsa_drain(import->link.xsa);
	if (!err && import->error) {
		link_abort(&import->link);
	} else if (!err) {
		err = link_commit(&import->link);
		if (err && err != EAGAIN)
			errx(1, "couldn't end transaction: %s", cmd_reason(err, NULL));
	}
	free(import->steps);
	return err ? err : import->error;
}

static void fail_import(const struct import *import, int err)
{
	char *path;

	if (!import->error)
		errx(1, "%s", cmd_reason(err, NULL));
	path = tree_path(&import->from, import->node);
	/* The node was written a moment ago: what is missing is its owner. */
	if (import->kind == SET_PERMS && err == ENOENT)
		warnx("%s %s: there is no domain %u", complaints[SET_PERMS], path,
		      import->node->perms[0].id);
	else
		warnx("%s %s: %s", complaints[import->kind], path, cmd_reason(err, path));
	free(path);
}

int cmd_import(struct job *job)
{
	struct import import = { .job = job };
	int err;

	tree_init(&import.from, job->operands[0]);
	tree_init(&import.present, job->operands[0]);
	dump_read(job->n_operands > 1 ? job->operands[1] : "-", 1, !job->opt.without_perms,
		  &import.from);
	err = link_open(&import.link);
	if (err)
		cmd_no_server(job, err);
	do {
		err = try_once(&import);
	} while (err == EAGAIN);
	if (err)
		fail_import(&import, err);
	link_close(&import.link);
	tree_fini(&import.from);
	tree_fini(&import.present);
	return err ? 1 : 0;
}
