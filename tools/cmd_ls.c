/* SPDX-License-Identifier: MIT */
/*
 * The command that shows trees: ls. What it prints without new options is what it always printed,
 * to the byte: cut to the width of the terminal, or to 80 columns without one, unless -f.
 */
#include "tools/cmds.h"

#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tools/cmd.h"
#include "tools/json.h"
#include "tools/link.h"
#include "tools/mem.h"
#include "tools/quote.h"
#include "tools/tree.h"

enum {
	PLAIN_WIDTH = 80,
	FRAME = 8, /* columns kept for blanks, quotes and the mark of a cut value */
	PERMS_COLUMN = 60,
	NEVER_CUT = INT_MAX,
};

struct listing {
	struct job *job;
	bool is_flat;
	int width; /* NEVER_CUT, or negative: neither cut nor padded */
	size_t n_shown;
};

static bool has_new_options(const struct options *opt)
{
	return opt->is_full || opt->is_json || opt->depth != NOT_GIVEN || opt->owner != NOT_GIVEN ||
	       opt->width != NOT_GIVEN;
}

/*
 * On a terminal its width rules even with -f, and one of less than two columns counts as one
 * without end; both as ever.
 */
static int choose_width(const struct options *opt)
{
	struct winsize size;

	if (opt->width != NOT_GIVEN)
		return opt->width ? opt->width : NEVER_CUT;
	if (opt->is_full)
		return NEVER_CUT;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		return (int)size.ws_col - 2;
	return opt->is_flat || has_new_options(opt) ? NEVER_CUT : PLAIN_WIDTH;
}

/* How much of `len` characters to print into `room` columns; without cut if there are none. */
static int cut(int room, size_t len)
{
	if (room < 0 || len <= (size_t)room)
		return len < INT_MAX ? (int)len : INT_MAX;
	return room;
}

/* The name or path of a node; returns the columns that count as used by it. */
static int put_name(const struct listing *ls, const struct tree *tree, const struct tree_node *node)
{
	const char *name = tree_name(node);
	int indent = (int)node->depth - 1, len;

	if (ls->is_flat) {
		char *path = tree_path(tree, node);

		fputs(path, stdout);
		free(path);
		return 0;
	}
	len = cut(ls->width < 0 ? -1 : ls->width - FRAME - indent, strlen(name));
	printf("%*s%.*s", indent, "", len, name);
	return indent + len;
}

/* The value, and the dots that lead to the column of permissions. */
static void put_value(const struct listing *ls, const struct tree_node *node, int used)
{
	size_t quoted_len;
	char *quoted = quote_value(node->value, node->len, &quoted_len);
	int column = used + (int)quoted_len + 5;
	int end = ls->is_flat ? 0 : ls->width < PERMS_COLUMN ? ls->width : PERMS_COLUMN;

	if (ls->width < 0 || (long)used + (long)node->len + FRAME <= ls->width) {
		printf(" = \"%s\"", quoted);
		if (ls->job->opt.with_prefix) {
			putchar(' ');
			for (column++; column < end; column++)
				putchar(column & 1 ? '.' : ' ');
		}
	} else {
		printf(" = \"%.*s\\...\"", cut(ls->width - FRAME - used, quoted_len), quoted);
	}
	free(quoted);
}

static void put_perms(const struct tree_node *node)
{
	char text[PERM_TEXT_MAX];

	if (node->perms_error) {
		fflush(stdout);
		errno = node->perms_error;
		warn("\ncould not access permissions for %s", tree_name(node));
		return;
	}
	for (size_t i = 0; i < node->n_perms; i++) {
		perm_format(&node->perms[i], text);
		printf("%s%s", i ? "," : "  (", text);
	}
	putchar(')');
}

static void put_plain(const struct listing *ls, const struct tree *tree,
		      const struct tree_node *node)
{
	int used = put_name(ls, tree, node);

	if (node->value_error)
		puts(":");
	else
		put_value(ls, node, used);
	if (ls->job->opt.with_prefix)
		put_perms(node);
	putchar('\n');
}

static void put_json(const struct listing *ls, const struct tree *tree,
		     const struct tree_node *node)
{
	char *path = tree_path(tree, node);
	const char *reason = strerror(node->value_error);

	fputs(ls->n_shown ? ",\n{\"path\":" : "{\"path\":", stdout);
	json_put_string(stdout, path, strlen(path));
	putchar(',');
	if (node->value_error) {
		fputs("\"error\":", stdout);
		json_put_string(stdout, reason, strlen(reason));
	} else {
		json_put_value(stdout, node->value, node->len);
	}
	if (ls->job->opt.with_prefix && !node->perms_error) {
		putchar(',');
		json_put_perms(stdout, node->perms, node->n_perms);
	}
	putchar('}');
	free(path);
}

static bool is_wanted(const struct options *opt, const struct tree_node *node)
{
	if (node->depth == 0)
		return false;
	if (opt->owner == NOT_GIVEN)
		return true;
	return node->n_perms && node->perms[0].id == (unsigned)opt->owner;
}

/*
 * A node whose children cannot be listed ends a plain listing, as ever; one with new options goes on
 * and only ends in failure.
 */
static int show_tree(struct listing *ls, const struct tree *tree)
{
	const struct options *opt = &ls->job->opt;
	int status = 0;

	for (size_t i = 0; i < tree->n; i++) {
		const struct tree_node *node = &tree->nodes[i];

		if (is_wanted(opt, node)) {
			if (opt->is_json)
				put_json(ls, tree, node);
			else
				put_plain(ls, tree, node);
			ls->n_shown++;
		}
		if (node->children_error) {
			char *path = tree_path(tree, node);

			fflush(stdout);
			warnx("xs_directory (%s): %s", path, strerror(node->children_error));
			free(path);
			status = 1;
			if (!has_new_options(opt))
				return status;
		}
	}
	return status;
}

static int show_all(struct listing *ls, const struct tree *trees, size_t n_trees,
		    const struct tree_reading *reading)
{
	int status = 0;

	if (ls->job->opt.is_json)
		putchar('[');
	/* What was read of the tree that failed is shown, too. */
	for (size_t i = 0; i < n_trees && i <= reading->n_read && !status; i++)
		status = show_tree(ls, &trees[i]);
	if (ls->job->opt.is_json)
		puts("]");
	if (reading->error && !status) {
		fflush(stdout);
		warnx("xs_directory (%s): %s", trees[reading->n_read].top,
		      strerror(reading->error));
		status = 1;
	}
	return status;
}

int cmd_ls(struct job *job)
{
	static char root[] = "/", *only_root[] = { root };
	char **tops = job->n_operands ? job->operands : only_root;
	size_t n_trees = job->n_operands ? (size_t)job->n_operands : 1;
	struct listing ls = { .job = job, .is_flat = job->opt.is_flat };
	struct tree *trees = mem_alloc(n_trees * sizeof(*trees));
	unsigned what = XSA_TREE_VALUES;
	int depth = job->opt.depth == NOT_GIVEN ? -1 : job->opt.depth;
	bool is_picture =
		job->opt.is_json || job->opt.depth != NOT_GIVEN || job->opt.owner != NOT_GIVEN;
	struct tree_reading reading;
	struct link link;
	int err, status;

	if (job->opt.with_prefix || job->opt.owner != NOT_GIVEN)
		what |= XSA_TREE_PERMISSIONS;
	if (job->opt.owner != NOT_GIVEN)
		ls.is_flat = true;
	ls.width = choose_width(&job->opt);
	for (size_t i = 0; i < n_trees; i++)
		tree_init(&trees[i], tops[i]);
	err = link_open(&link);
	if (err)
		cmd_no_server(job, err);
	reading = tree_read(trees, n_trees, &link, depth, what,
			    is_picture ? TREE_IF_SMALL : TREE_IF_CHEAP);
	link_close(&link);
	if (is_picture)
		cmd_warn_torn(reading.torn);
	status = show_all(&ls, trees, n_trees, &reading);
	for (size_t i = 0; i < n_trees; i++)
		tree_fini(&trees[i]);
	free(trees);
	return status;
}
