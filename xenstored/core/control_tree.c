/* SPDX-License-Identifier: MIT */
#include "xenstored/core/control_tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "protocol/perms.h"
#include "xenstored/base/arena.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/request.h"
#include "xenstored/core/client.h"
#include "xenstored/store/listing.h"
#include "xenstored/store/node.h"

enum { VISIT_ENOUGH = -1000 };

/* One level of the walk: a directory, and the length of its path. */
struct level {
	uint64_t id;
	size_t path_len;
};

/* A walk through a subtree, from the top on, in byte order of the names. */
struct tour {
	struct request *rq;
	size_t top_len;
	struct level *levels; /* in the arena */
	size_t depth;
	size_t path_len;
	char path[XSP_PATH_BUF];
};

static int take_name(void *arg, const char *name, size_t len)
{
	struct tour *tour = arg;
	size_t at = tour->path_len;

	if (at + (at > 1) + len > XSP_PATH_ABS_MAX)
		return -EBADMSG;
	if (at > 1)
		tour->path[at++] = '/';
	memcpy(tour->path + at, name, len);
	tour->path_len = at + len;
	tour->path[tour->path_len] = '\0';
	return VISIT_ENOUGH;
}

/* Moves to the first child of the innermost directory behind `after`; ENOENT: there is none. */
static int step_into(struct tour *tour, const char *after, size_t after_len)
{
	struct level *level = &tour->levels[tour->depth];
	int err;

	tour->path_len = level->path_len;
	err = listing_scan(&tour->rq->view, tour->rq->arena, NULL, level->id, 0, after, after_len,
			   take_name, tour);
	if (err == VISIT_ENOUGH)
		return 0;
	return err ? err : ENOENT;
}

/* Looks the node at the tour's path up and makes it the innermost level. */
static int enter(struct tour *tour, struct node *out_node)
{
	const struct level *parent = &tour->levels[tour->depth];
	size_t start = parent->path_len == 1 ? 1 : parent->path_len + 1;
	struct spot spot = {
		.parent = parent->id,
		.path = tour->path,
		.path_len = tour->path_len,
		.name_len = tour->path_len - start,
	};
	int err = view_get(&tour->rq->view, &spot, SEEN_COVERED, out_node);

	if (err)
		return err;
	tour->levels[++tour->depth] = (struct level){ out_node->id, tour->path_len };
	return 0;
}

/* Leaves finished directories until one has another child. ENOENT: the tour is over. */
static int next(struct tour *tour, struct node *out_node)
{
	char name[XSP_PATH_BUF];
	size_t start, len;
	int err = step_into(tour, NULL, 0);

	while (err == ENOENT && tour->depth > 0) {
		start = tour->levels[tour->depth - 1].path_len;
		start = start == 1 ? 1 : start + 1;
		len = tour->levels[tour->depth].path_len - start;
		memcpy(name, tour->path + start, len);
		tour->depth--;
		err = step_into(tour, name, len);
	}
	return err ? err : enter(tour, out_node);
}

/* Puts the tour where the last reply ended; the node there may be gone by now. */
static int resume(struct tour *tour, const char *after)
{
	struct node node;
	int err = 0;

	while (*after && !err) {
		size_t len = strcspn(after, "/");

		tour->path_len = tour->levels[tour->depth].path_len;
		err = take_name(tour, after, len) == VISIT_ENOUGH ? 0 : EINVAL;
		if (!err)
			err = enter(tour, &node);
		if (err == ENOENT) {
			/* Nothing is below what is gone: a level of no directory. */
			tour->levels[++tour->depth] = (struct level){ UINT64_MAX, tour->path_len };
			return 0;
		}
		after += len;
		if (*after == '/')
			after++;
	}
	return err;
}

static size_t format_perms(struct tour *tour, const struct node *node, char *text, size_t size)
{
	struct node perms;
	size_t len = 0;

	if (access_current_perms(tour->rq->actor.domains, tour->rq->arena, node, &perms))
		return 0;
	for (uint32_t i = 0; i < perms.n_perms; i++) {
		struct xsp_perm perm = node_perm(&perms, i);

		if (len + 1 + XSP_PERM_TEXT_MAX > size)
			return 0;
		if (i)
			text[len++] = ' ';
		len += xsp_perm_format(&perm, text + len);
	}
	return len;
}

/*
 * Adds one record if it fits. The first always does: what is too large for any reply is left to
 * be asked for by itself.
 */
static bool add_record(struct tour *tour, const struct node *node)
{
	struct xsp_body *body = tour->rq->body;
	const char *relative = tour->path + tour->top_len;
	char perms[1024], value_len[24];
	size_t perms_len, relative_len, len, room = XSP_PAYLOAD_MAX - body->len;
	bool has_value = true;

	if (*relative == '/')
		relative++;
	relative_len = strlen(relative);
	perms_len = format_perms(tour, node, perms, sizeof(perms));
	if (perms_len == 0 || relative_len + perms_len + 8 > XSP_PAYLOAD_MAX)
		perms_len = (size_t)snprintf(perms, sizeof(perms), "?");
	len = relative_len + 1 + perms_len + 1;
	if (len + 8 + node->value_len > XSP_PAYLOAD_MAX)
		has_value = false;
	snprintf(value_len, sizeof(value_len), has_value ? "%zu" : "?", node->value_len);
	len += strlen(value_len) + 1 + (has_value ? node->value_len : 0);
	if (len > room)
		return false;
	xsp_body_bytes(body, relative, relative_len + 1);
	xsp_body_bytes(body, perms, perms_len);
	xsp_body_bytes(body, "", 1);
	xsp_body_string(body, value_len);
	if (has_value)
		xsp_body_bytes(body, node->value, node->value_len);
	return true;
}

int control_tree(struct request *rq)
{
	struct tour *tour = arena_alloc(rq->arena, sizeof(*tour));
	struct request_path path;
	struct walk walk;
	const char *after = rq->args[2];
	int err = tour ? request_path(rq, 1, XSP_PATH_NODE, &path) : -ENOMEM;

	if (!err)
		err = request_node(rq, &path, ACCESS_READ, SEEN_SUBTREE | SEEN_VALUE | SEEN_PERMS,
				   &walk);
	if (err)
		return err;
	*tour = (struct tour){ .rq = rq, .top_len = path.len, .path_len = path.len };
	memcpy(tour->path, path.text, path.len + 1);
	/* A path has at most as many parts as half its bytes. */
	tour->levels = arena_alloc(rq->arena, (XSP_PATH_ABS_MAX / 2 + 2) * sizeof(struct level));
	if (!tour->levels)
		return -ENOMEM;
	tour->levels[0] = (struct level){ walk.node.id, path.len };
	if (*after == '\0' && !add_record(tour, &walk.node))
		return E2BIG;
	if (*after && strcmp(after, "/") != 0)
		err = resume(tour, after);
	while (!err) {
		err = next(tour, &walk.node);
		if (!err && !add_record(tour, &walk.node))
			return 0;
	}
	return err == ENOENT ? 0 : err;
}
