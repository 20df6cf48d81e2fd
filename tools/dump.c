/* SPDX-License-Identifier: MIT */
#include "tools/dump.h"

#include <err.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tools/json.h"
#include "tools/json_in.h"
#include "tools/mem.h"

enum { FORMAT = 1, HIGHEST_DOMID = 65535, AT_ONCE = 65536 };

void dump_put(FILE *out, const struct tree *tree)
{
	fprintf(out, "{\"xenstore-export\":%d,\"path\":", FORMAT);
	json_put_string(out, tree->top, strlen(tree->top));
	fputs(",\"nodes\":[", out);
	for (size_t i = 0; i < tree->n; i++) {
		fputs(i ? ",\n{\"path\":" : "\n{\"path\":", out);
		json_put_string(out, tree->nodes[i].path, strlen(tree->nodes[i].path));
		putc(',', out);
		json_put_value(out, tree->nodes[i].value, tree->nodes[i].len);
		putc(',', out);
		json_put_perms(out, tree->nodes[i].perms, tree->nodes[i].n_perms);
		putc('}', out);
	}
	fputs("\n]}\n", out);
}

/* A string that has no NUL inside. */
static char *parse_text(struct json_in *in)
{
	size_t len;
	char *text = json_in_string(in, &len);

	if (strlen(text) != len)
		json_in_fail(in, "a NUL inside a path or permission");
	return text;
}

static void parse_perm(struct json_in *in, struct xs_permissions *out_perm)
{
	static const char letters[] = { 'n', 'r', 'w', 'b' };
	char *text = parse_text(in);
	const char *letter = memchr(letters, text[0], sizeof(letters));
	size_t n_digits = letter ? strspn(text + 1, "0123456789") : 0;
	unsigned long id = letter ? strtoul(text + 1, NULL, 10) : 0;

	if (n_digits == 0 || n_digits > 5 || text[1 + n_digits] || id > HIGHEST_DOMID)
		json_in_fail(in, "not a permission");
	else
		*out_perm = (struct xs_permissions){ .id = (unsigned)id,
						     .perms = (unsigned)(letter - letters) };
	free(text);
}

static void parse_perms(struct json_in *in, struct tree_node *node)
{
	size_t room = 0;
	bool is_first = true;

	free(node->perms);
	node->perms = NULL;
	node->n_perms = 0;
	json_in_expect(in, '[');
	while (json_in_next(in, ']', &is_first)) {
		node->perms = mem_grow(node->perms, &room, node->n_perms + 1, sizeof(*node->perms));
		node->perms[node->n_perms] = (struct xs_permissions){ 0 };
		parse_perm(in, &node->perms[node->n_perms++]);
	}
	if (node->n_perms == 0)
		json_in_fail(in, "a node without permissions");
}

static void parse_member(struct json_in *in, struct tree_node *node)
{
	char *name = json_in_member(in);

	if (strcmp(name, "path") == 0) {
		free(node->path);
		node->path = parse_text(in);
	} else if (strcmp(name, "value") == 0 || strcmp(name, "base64") == 0) {
		free(node->value);
		node->value = name[0] == 'v' ? json_in_string(in, &node->len)
					     : json_in_base64(in, &node->len);
	} else if (strcmp(name, "perms") == 0) {
		parse_perms(in, node);
	} else {
		json_in_skip(in);
	}
	free(name);
}

static void parse_node(struct json_in *in, bool needs_perms, struct tree *tree)
{
	struct tree_node *node = tree_add(tree, NULL);
	bool is_first = true;

	json_in_expect(in, '{');
	while (json_in_next(in, '}', &is_first))
		parse_member(in, node);
	if (!node->path) {
		json_in_fail(in, "a node without a path");
		node->path = mem_string("");
	}
	if (!node->value)
		json_in_fail(in, "a node without a value");
	if (!node->perms && needs_perms)
		json_in_fail(in, "a node without permissions");
	if (node->path[0] == '/' || node->path[0] == '@')
		json_in_fail(in, "a node's path is relative to the top, without a slash in front");
	for (const char *p = node->path; *p; p++)
		node->depth += p == node->path || *p == '/';
}

static void parse_tree(struct json_in *in, bool needs_perms, struct tree *tree)
{
	unsigned format = 0;
	bool is_first = true, is_first_node = true, has_nodes = false;

	json_in_expect(in, '{');
	while (json_in_next(in, '}', &is_first)) {
		char *name = json_in_member(in);

		if (strcmp(name, "xenstore-export") == 0) {
			format = json_in_number(in);
		} else if (strcmp(name, "nodes") == 0 && !has_nodes) {
			has_nodes = true;
			json_in_expect(in, '[');
			while (json_in_next(in, ']', &is_first_node))
				parse_node(in, needs_perms, tree);
		} else {
			json_in_skip(in);
		}
		free(name);
	}
	json_in_end(in);
	if (format != FORMAT)
		json_in_fail(in, "not an export in a format known here");
	if (!has_nodes)
		json_in_fail(in, "there are no nodes");
}

const char *dump_parse(const char *text, size_t len, bool needs_perms, struct tree *tree,
		       size_t *out_line)
{
	struct json_in in;

	json_in_init(&in, text, len);
	parse_tree(&in, needs_perms, tree);
	*out_line = json_in_line(&in);
	return in.defect;
}

void dump_read(const char *name, int trouble, bool needs_perms, struct tree *tree)
{
	FILE *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
	char *text = NULL;
	const char *defect;
	size_t room = 0, len = 0, n, line;

	if (!file)
		err(trouble, "%s", name);
	do {
		text = mem_grow(text, &room, len + AT_ONCE, 1);
		n = fread(text + len, 1, AT_ONCE, file);
		len += n;
	} while (n);
	if (ferror(file))
		err(trouble, "%s", name);
	if (file != stdin)
		fclose(file);
	defect = dump_parse(text, len, needs_perms, tree, &line);
	free(text);
	if (defect)
		errx(trouble, "%s: line %zu: %s", name, line, defect);
}
