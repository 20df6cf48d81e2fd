/* SPDX-License-Identifier: MIT */
#include "tests/libxs/mini_inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/path.h"

/* ---- nodes ---- */

/* Order of a tree: the slash before everything else. */
static int compare(const char *a, const char *b)
{
	for (; *a && *a == *b; a++, b++)
		;
	if (*a == *b)
		return 0;
	if (*a == '\0' || (*a == '/' && *b != '\0'))
		return -1;
	if (*b == '\0' || *b == '/')
		return 1;
	return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
}

/* The place of the path, or where it would be. */
static size_t place(const struct mini *mini, const char *path)
{
	size_t low = 0, high = mini->n_nodes;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (compare(mini->nodes[middle].path, path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct mini_node *find(struct mini *mini, const char *path)
{
	size_t at = place(mini, path);

	if (at == mini->n_nodes || strcmp(mini->nodes[at].path, path) != 0)
		return NULL;
	return &mini->nodes[at];
}

struct mini_node *mini_create(struct mini *mini, const char *path)
{
	struct mini_node *node = find(mini, path);
	char *parent;
	size_t at;

	if (node)
		return node;
	if (strcmp(path, "/") != 0) {
		parent = strdup(path);
		parent[xsp_path_parent_len(path, strlen(path))] = '\0';
		mini_create(mini, parent)->generation = ++mini->generation;
		free(parent);
	}
	at = place(mini, path);
	mini->nodes = realloc(mini->nodes, (mini->n_nodes + 1) * sizeof(*mini->nodes));
	memmove(mini->nodes + at + 1, mini->nodes + at,
		(mini->n_nodes - at) * sizeof(*mini->nodes));
	mini->n_nodes++;
	node = &mini->nodes[at];
	*node = (struct mini_node){ .path = strdup(path), .value = calloc(1, 1), .perms_len = 3 };
	memcpy(node->perms, "n0", 3);
	node->generation = ++mini->generation;
	return node;
}

int mini_levels(const char *top, const char *path)
{
	return xsp_path_levels_below(top, strlen(top), path, strlen(path));
}

void mini_drop(struct mini *mini, const char *path)
{
	size_t kept = 0;

	for (size_t i = 0; i < mini->n_nodes; i++) {
		if (mini_levels(path, mini->nodes[i].path) >= 0) {
			free(mini->nodes[i].path);
			free(mini->nodes[i].value);
		} else {
			mini->nodes[kept++] = mini->nodes[i];
		}
	}
	mini->n_nodes = kept;
}

/* ---- requests; each returns 0 or the errno to answer ---- */

static int ok(struct mini_turn *turn)
{
	xsp_body_string(&turn->reply, "OK");
	return 0;
}

static void list(struct mini_turn *turn, size_t from)
{
	struct mini *mini = turn->mini;
	const char *top = turn->strings[0];
	char generation[24];
	size_t at = 0;

	snprintf(generation, sizeof(generation), "%u", find(mini, top)->generation);
	if (turn->header.type == XSP_DIRECTORY_PART)
		xsp_body_string(&turn->reply, generation);
	for (size_t i = 0; i < mini->n_nodes; i++) {
		const char *path = mini->nodes[i].path, *name;

		if (mini_levels(top, path) != 1)
			continue;
		name = strrchr(path, '/') + 1;
		if (at >= from && turn->header.type == XSP_DIRECTORY_PART &&
		    turn->reply.len + strlen(name) >= XSP_PAYLOAD_MAX - 1)
			return;
		if (at >= from)
			xsp_body_string(&turn->reply, name);
		at += strlen(name) + 1;
	}
	if (turn->header.type == XSP_DIRECTORY_PART)
		xsp_body_string(&turn->reply, "");
}

static int op_directory(struct mini_turn *turn)
{
	if (!find(turn->mini, turn->strings[0]))
		return ENOENT;
	list(turn, 0);
	return turn->reply.is_over ? E2BIG : 0;
}

static int op_part(struct mini_turn *turn)
{
	if (!turn->mini->options.has_parts)
		return ENOSYS;
	if (!find(turn->mini, turn->strings[0]))
		return ENOENT;
	list(turn, strtoul(turn->strings[1], NULL, 10));
	return 0;
}

static int op_read(struct mini_turn *turn)
{
	struct mini_node *node = find(turn->mini, turn->strings[0]);

	if (!node)
		return ENOENT;
	xsp_body_bytes(&turn->reply, node->value, node->len);
	return 0;
}

static int op_write(struct mini_turn *turn)
{
	const char *value = turn->payload + strlen(turn->payload) + 1;
	struct mini_node *node = mini_create(turn->mini, turn->strings[0]);
	size_t len = (size_t)(turn->end - value);

	free(node->value);
	node->value = malloc(len + 1);
	memcpy(node->value, value, len);
	node->len = len;
	node->generation = ++turn->mini->generation;
	snprintf(turn->changed, sizeof(turn->changed), "%s", turn->strings[0]);
	return ok(turn);
}

static int op_mkdir(struct mini_turn *turn)
{
	mini_create(turn->mini, turn->strings[0]);
	return ok(turn);
}

static int op_rm(struct mini_turn *turn)
{
	struct mini_node *node = find(turn->mini, turn->strings[0]);

	if (!node)
		return ENOENT;
	mini_drop(turn->mini, turn->strings[0]);
	snprintf(turn->changed, sizeof(turn->changed), "%s", turn->strings[0]);
	return ok(turn);
}

static int op_get_perms(struct mini_turn *turn)
{
	struct mini_node *node = find(turn->mini, turn->strings[0]);

	if (!node)
		return ENOENT;
	xsp_body_bytes(&turn->reply, node->perms, node->perms_len);
	return 0;
}

static int op_set_perms(struct mini_turn *turn)
{
	struct mini_node *node = find(turn->mini, turn->strings[0]);
	const char *perms = turn->payload + strlen(turn->payload) + 1;

	if (!node)
		return ENOENT;
	if ((size_t)(turn->end - perms) > sizeof(node->perms))
		return ENOSPC;
	node->perms_len = (size_t)(turn->end - perms);
	memcpy(node->perms, perms, node->perms_len);
	return ok(turn);
}

static int op_watch(struct mini_turn *turn)
{
	const struct mini_options *options = &turn->mini->options;
	bool has_depth = turn->n_strings == 3;
	struct mini_watch *watch = turn->mini->watches;

	if (turn->n_strings > 2 && !options->has_depth && !options->accepts_depth)
		return EINVAL;
	while (watch->client >= 0)
		watch++;
	watch->client = turn->client;
	watch->depth = has_depth && options->has_depth ? atoi(turn->strings[2]) : -1;
	snprintf(watch->path, sizeof(watch->path), "%s", turn->strings[0]);
	snprintf(watch->token, sizeof(watch->token), "%s", turn->strings[1]);
	return ok(turn);
}

static int op_unwatch(struct mini_turn *turn)
{
	for (size_t i = 0; i < WATCHES_MAX; i++) {
		struct mini_watch *watch = &turn->mini->watches[i];

		if (watch->client == turn->client && !strcmp(watch->path, turn->strings[0]) &&
		    !strcmp(watch->token, turn->strings[1])) {
			watch->client = -1;
			return ok(turn);
		}
	}
	return ENOENT;
}

static int op_start(struct mini_turn *turn)
{
	char id[16];

	snprintf(id, sizeof(id), "%u", ++turn->mini->n_transactions);
	xsp_body_string(&turn->reply, id);
	return 0;
}

static int op_end(struct mini_turn *turn)
{
	if (turn->header.tx_id == 0 || turn->header.tx_id > turn->mini->n_transactions)
		return ENOENT;
	if (turn->strings[0][0] == 'T' && turn->mini->options.n_conflicts > 0) {
		turn->mini->options.n_conflicts--;
		return EAGAIN;
	}
	return ok(turn);
}

static int op_feature(struct mini_turn *turn)
{
	xsp_body_string(&turn->reply, turn->mini->options.has_depth ? "15" : "3");
	return 0;
}

static int op_domain_path(struct mini_turn *turn)
{
	char path[64];

	snprintf(path, sizeof(path), "/local/domain/%s", turn->strings[0]);
	xsp_body_string(&turn->reply, path);
	return 0;
}

static int op_introduced(struct mini_turn *turn)
{
	xsp_body_string(&turn->reply, strcmp(turn->strings[0], "7") ? "F" : "T");
	return 0;
}

static bool put_record(struct mini_turn *turn, const struct mini_node *node, const char *path)
{
	size_t inline_max = turn->mini->options.inline_max, start = turn->reply.len;
	char perms[sizeof(node->perms)], len[16];

	memcpy(perms, node->perms, node->perms_len);
	for (size_t i = 0; i + 1 < node->perms_len; i++)
		perms[i] = perms[i] ? perms[i] : ' ';
	snprintf(len, sizeof(len), "%zu", node->len);
	xsp_body_string(&turn->reply, path);
	xsp_body_string(&turn->reply, inline_max && node->len > inline_max ? "?" : perms);
	if (inline_max && node->len > inline_max) {
		xsp_body_string(&turn->reply, "?");
	} else {
		xsp_body_string(&turn->reply, len);
		xsp_body_bytes(&turn->reply, node->value, node->len);
	}
	if (!turn->reply.is_over)
		return true;
	turn->reply.is_over = false;
	turn->reply.len = start;
	return false;
}

static int op_control(struct mini_turn *turn)
{
	struct mini *mini = turn->mini;
	const char *top, *after;
	bool is_after;

	if (strcmp(turn->strings[0], "tree") != 0 || !mini->options.has_tree)
		return EINVAL;
	top = turn->strings[1];
	after = turn->strings[2];
	is_after = *after == '\0';
	if (!find(mini, top))
		return ENOENT;
	for (size_t i = 0; i < mini->n_nodes; i++) {
		const char *path = mini->nodes[i].path;

		if (mini_levels(top, path) < 0)
			continue;
		path += strlen(top);
		path += *path == '/';
		if (is_after && !put_record(turn, &mini->nodes[i], path))
			return 0;
		if (!is_after && !strcmp(*path ? path : "/", after))
			is_after = true;
	}
	return 0;
}

static int (*const ops[XSP_TYPE_COUNT])(struct mini_turn *turn) = {
	[XSP_CONTROL] = op_control,
	[XSP_DIRECTORY] = op_directory,
	[XSP_DIRECTORY_PART] = op_part,
	[XSP_READ] = op_read,
	[XSP_WRITE] = op_write,
	[XSP_MKDIR] = op_mkdir,
	[XSP_RM] = op_rm,
	[XSP_GET_PERMS] = op_get_perms,
	[XSP_SET_PERMS] = op_set_perms,
	[XSP_WATCH] = op_watch,
	[XSP_UNWATCH] = op_unwatch,
	[XSP_TRANSACTION_START] = op_start,
	[XSP_TRANSACTION_END] = op_end,
	[XSP_GET_FEATURE] = op_feature,
	[XSP_GET_DOMAIN_PATH] = op_domain_path,
	[XSP_IS_DOMAIN_INTRODUCED] = op_introduced,
};

int mini_run(struct mini_turn *turn)
{
	uint32_t type = turn->header.type;

	return type < XSP_TYPE_COUNT && ops[type] ? ops[type](turn) : ENOSYS;
}
