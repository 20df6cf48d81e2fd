/* SPDX-License-Identifier: MIT */
/*
 * Commands that read whole trees: export and diff.
 */
#include "tools/cmds.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/cmd.h"
#include "tools/dump.h"
#include "tools/json.h"
#include "tools/link.h"
#include "tools/mem.h"
#include "tools/quote.h"
#include "tools/tree.h"

static const char file_prefix[] = "file:";

enum { ALL_OF_IT = XSA_TREE_VALUES | XSA_TREE_PERMISSIONS };

/* The program ends if any node could not be read: half a tree looks like a whole one. */
static void check_read(const struct job *job, const struct tree *tree)
{
	for (size_t i = 0; i < tree->n; i++) {
		const struct tree_node *node = &tree->nodes[i];
		int err = node->value_error ? node->value_error : node->perms_error;

		if (err)
			errx(job->command->trouble, "couldn't read path %s: %s",
			     tree_path(tree, node), strerror(err));
		if (node->children_error)
			errx(job->command->trouble, "couldn't list path %s: %s",
			     tree_path(tree, node), strerror(node->children_error));
	}
}

/* Reads trees from the store as they were at one moment, or ends the program. */
static void read_trees(struct job *job, struct tree *trees, size_t n_trees)
{
	struct tree_reading reading;
	struct link link;
	int err = link_open(&link);

	if (err)
		cmd_no_server(job, err);
	reading = tree_read(trees, n_trees, &link, -1, ALL_OF_IT, TREE_IF_SMALL);
	link_close(&link);
	if (reading.error)
		errx(job->command->trouble, "couldn't read path %s: %s", trees[reading.n_read].top,
		     cmd_reason(reading.error, trees[reading.n_read].top));
	cmd_warn_torn(reading.torn);
	for (size_t i = 0; i < n_trees; i++)
		check_read(job, &trees[i]);
}

int cmd_export(struct job *job)
{
	struct tree tree;

	tree_init(&tree, job->operands[0]);
	read_trees(job, &tree, 1);
	dump_put(stdout, &tree);
	tree_fini(&tree);
	return 0;
}

/* ---- diff ---- */

static bool is_same(const struct job *job, const struct tree_node *a, const struct tree_node *b)
{
	if (a->len != b->len || memcmp(a->value, b->value, a->len) != 0)
		return false;
	if (job->opt.without_perms)
		return true;
	return a->n_perms == b->n_perms &&
	       memcmp(a->perms, b->perms, a->n_perms * sizeof(*a->perms)) == 0;
}

static void put_line(const struct job *job, char mark, const struct tree_node *node)
{
	char *quoted = quote_value(node->value, node->len, NULL);
	char text[PERM_TEXT_MAX];

	printf("%c %s = \"%s\"", mark, *node->path ? node->path : "/", quoted);
	for (size_t i = 0; i < node->n_perms && !job->opt.without_perms; i++) {
		perm_format(&node->perms[i], text);
		printf("%s%s%s", i ? "," : "  (", text, i + 1 == node->n_perms ? ")" : "");
	}
	putchar('\n');
	free(quoted);
}

static void put_side(const struct job *job, const char *name, const struct tree_node *node)
{
	printf(",\"%s\":", name);
	if (!node) {
		fputs("null", stdout);
		return;
	}
	putchar('{');
	json_put_value(stdout, node->value, node->len);
	if (!job->opt.without_perms) {
		putchar(',');
		json_put_perms(stdout, node->perms, node->n_perms);
	}
	putchar('}');
}

/* Either node may be NULL. */
static void put_difference(const struct job *job, size_t n_shown, const char *path,
			   const struct tree_node *a, const struct tree_node *b)
{
	if (job->opt.is_json) {
		fputs(n_shown ? ",\n{\"path\":" : "{\"path\":", stdout);
		json_put_string(stdout, path, strlen(path));
		put_side(job, "a", a);
		put_side(job, "b", b);
		putchar('}');
		return;
	}
	if (a)
		put_line(job, '<', a);
	if (b)
		put_line(job, '>', b);
}

/* The end of a tree comes behind every node. */
static int compare_paths(const struct tree_node *a, const struct tree_node *b)
{
	if (!a || !b)
		return a ? -1 : 1;
	return strcmp(a->path, b->path);
}

/* Both sorted. Returns how many nodes differ. */
static size_t compare_trees(const struct job *job, const struct tree *a, const struct tree *b)
{
	size_t i = 0, j = 0, n_shown = 0;

	while (i < a->n || j < b->n) {
		int order = compare_paths(i < a->n ? &a->nodes[i] : NULL,
					  j < b->n ? &b->nodes[j] : NULL);
		const char *path = order <= 0 ? a->nodes[i].path : b->nodes[j].path;
		const struct tree_node *left = order <= 0 ? &a->nodes[i++] : NULL;
		const struct tree_node *right = order >= 0 ? &b->nodes[j++] : NULL;

		if (left && right && is_same(job, left, right))
			continue;
		put_difference(job, n_shown, path, left, right);
		n_shown++;
	}
	return n_shown;
}

int cmd_diff(struct job *job)
{
	struct tree sides[2], stored[2];
	size_t n_stored = 0, n_shown;

	for (size_t i = 0; i < 2; i++) {
		const char *operand = job->operands[i];

		if (strncmp(operand, file_prefix, strlen(file_prefix)) == 0) {
			tree_init(&sides[i], "");
			dump_read(operand + strlen(file_prefix), job->command->trouble,
				  !job->opt.without_perms, &sides[i]);
		} else {
			tree_init(&stored[n_stored++], operand);
		}
	}
	/* Both at once, so that they are of the same moment. */
	if (n_stored)
		read_trees(job, stored, n_stored);
	for (size_t i = 0, next = 0; i < 2 && n_stored; i++) {
		if (strncmp(job->operands[i], file_prefix, strlen(file_prefix)) != 0)
			sides[i] = stored[next++];
	}
	tree_sort(&sides[0]);
	tree_sort(&sides[1]);
	if (job->opt.is_json)
		putchar('[');
	n_shown = compare_trees(job, &sides[0], &sides[1]);
	if (job->opt.is_json)
		puts("]");
	tree_fini(&sides[0]);
	tree_fini(&sides[1]);
	return n_shown ? 1 : 0;
}
