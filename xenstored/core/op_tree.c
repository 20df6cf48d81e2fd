/* SPDX-License-Identifier: MIT */
/*
 * Operations on nodes: DIRECTORY, DIRECTORY_PART, READ, WRITE, MKDIR, RM.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xenstored/base/arena.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/op.h"
#include "xenstored/core/request.h"
#include "xenstored/core/client.h"
#include "xenstored/store/edit.h"
#include "xenstored/store/listing.h"
#include "xenstored/store/node.h"

enum { VISIT_ENOUGH = -1000 }; /* stops a scan; no errno is that */

/* READ <path>|  ->  <value> */
int op_read(struct request *rq)
{
	struct request_path path;
	struct walk walk;
	int err = request_path(rq, 0, XSP_PATH_NODE, &path);

	if (!err)
		err = request_node(rq, &path, ACCESS_READ, SEEN_VALUE, &walk);
	if (!err)
		xsp_body_bytes(rq->body, walk.node.value, walk.node.value_len);
	return err;
}

static int add_name(void *arg, const char *name, size_t len)
{
	struct xsp_body *body = arg;

	xsp_body_bytes(body, name, len);
	xsp_body_bytes(body, "", 1);
	return body->is_over ? VISIT_ENOUGH : 0;
}

/* DIRECTORY <path>|  ->  <name>|* */
int op_directory(struct request *rq)
{
	struct request_path path;
	struct walk walk;
	int err = request_path(rq, 0, XSP_PATH_NODE, &path);

	if (!err)
		err = request_node(rq, &path, ACCESS_READ, 0, &walk);
	if (err)
		return err;
	err = listing_scan(&rq->view, rq->arena, &walk.spot, walk.node.id, SEEN_CHILDREN, NULL, 0,
			   add_name, rq->body);
	/* The dispatcher answers E2BIG for a body that is over. */
	return err == VISIT_ENOUGH ? 0 : err;
}

/* A slice of a listing being cut out. */
struct slice {
	struct xsp_body *body;
	uint64_t offset; /* bytes still to be skipped */
	uint64_t at;     /* bytes of listing seen so far */
	size_t room;     /* bytes of names that fit */
	size_t used;
	bool is_full;
	struct listing_mark *mark;
	bool is_marked; /* the mark is of this slice */
};

/* Remembers where to go on, if there is memory for it: it only saves time. */
static void mark_next(struct slice *slice, const char *name, size_t len)
{
	char *copy = realloc(slice->mark->name, len ? len : 1);

	slice->is_marked = false;
	if (!copy)
		return;
	memcpy(copy, name, len);
	slice->mark->name = copy;
	slice->mark->name_len = len;
	slice->mark->offset = slice->at;
	slice->is_marked = true;
}

static int add_slice(void *arg, const char *name, size_t len)
{
	struct slice *slice = arg;
	uint64_t skip = slice->offset > slice->at ? slice->offset - slice->at : 0;

	if (skip <= len) {
		size_t rest = len - (size_t)skip;

		/* A name is added while it fits without its NUL. */
		if (slice->used + rest >= slice->room) {
			slice->is_full = true;
			return VISIT_ENOUGH;
		}
		xsp_body_bytes(slice->body, name + skip, rest);
		xsp_body_bytes(slice->body, "", 1);
		slice->used += rest + 1;
		mark_next(slice, name, len);
	}
	slice->at += len + 1;
	return 0;
}

/* DIRECTORY_PART <path>|<offset>|  ->  <generation>|<name>|*[|] */
int op_directory_part(struct request *rq)
{
	struct listing_mark *mark = &rq->client->listing;
	struct slice slice = { .body = rq->body, .mark = mark };
	struct request_path path;
	struct walk walk;
	uint64_t generation;
	uint32_t offset;
	bool goes_on;
	int err = request_path(rq, 0, XSP_PATH_NODE, &path);

	if (!err)
		err = request_u32(rq, 1, UINT32_MAX, &offset);
	if (!err)
		err = request_node(rq, &path, ACCESS_READ, 0, &walk);
	if (err)
		return err;
	generation = listing_generation(&rq->view, &walk.node);
	xsp_body_text(rq->body, "%llu", (unsigned long long)generation);
	xsp_body_bytes(rq->body, "", 1);
	slice.offset = offset;
	slice.room = XSP_PAYLOAD_MAX - rq->body->len - 1;
	/* The mark is the last name sent; going on behind it saves counting up to the offset. */
	goes_on = !rq->txn && mark->dir == walk.node.id && mark->generation == generation &&
		  offset == mark->offset + mark->name_len + 1;
	if (goes_on)
		slice.at = offset;
	const char *after = goes_on ? arena_copy(rq->arena, mark->name, mark->name_len) : NULL;

	if (goes_on && !after)
		return -ENOMEM;
	mark->dir = 0;
	err = listing_scan(&rq->view, rq->arena, &walk.spot, walk.node.id, SEEN_CHILDREN, after,
			   goes_on ? mark->name_len : 0, add_slice, &slice);
	if (err && err != VISIT_ENOUGH)
		return err;
	if (!slice.is_full)
		xsp_body_bytes(rq->body, "", 1);
	mark->dir = slice.is_marked ? walk.node.id : 0;
	mark->generation = generation;
	return 0;
}

static int add_len(void *arg, const char *name, size_t len)
{
	uint64_t *left = arg;

	(void)name;
	if (*left < len + 1)
		return VISIT_ENOUGH;
	*left -= len + 1;
	return 0;
}

/*
 * The node-size quota: 16 bytes, 8 per permission, the value, the names of the children. Checked
 * for what an unprivileged caller writes, and for the parent whose listing it lets grow.
 */
static int check_size(struct request *rq, const struct spot *spot, uint64_t id, size_t n_perms,
		      size_t value_len, size_t more_names)
{
	struct ledger *ledger = request_ledger(rq);
	uint64_t limit = ledger->limits.hard[QUOTA_NODE_SIZE];
	uint64_t size = node_size(n_perms, value_len, more_names), left = limit - size;
	int err;

	if (!ledger->is_limited || limit == 0)
		return 0;
	if (ledger_exceeds(ledger, QUOTA_NODE_SIZE, size))
		return ENOSPC;
	if (id == 0)
		return 0;
	/* Counting stops as soon as it is too much. */
	err = listing_scan(&rq->view, rq->arena, spot, id, 0, NULL, 0, add_len, &left);
	if (err != VISIT_ENOUGH)
		return err;
	ledger->hits[QUOTA_NODE_SIZE]++;
	return ENOSPC;
}

/* A new node gets its nearest ancestor's permissions; a guest becomes its owner. */
static int inherit(struct request *rq, const struct walk *walk, struct node *out_node)
{
	int err = access_current_perms(rq->actor.domains, rq->arena, &walk->node, out_node);
	struct xsp_perm owner;
	uint8_t *perms;

	if (err)
		return err;
	if (rq->actor.is_privileged) {
		/*
		 * A transaction may see an owner who is gone, and whose nodes have another by now: the
		 * new node is of his time, so that END finds it and the next of his number does not.
		 */
		if (node_owner(&walk->node) != rq->actor.domains->privileged &&
		    !domain_entry_counts(rq->actor.domains, node_owner(&walk->node),
					 walk->node.epoch))
			out_node->epoch = walk->node.epoch;
		return 0;
	}
	perms = arena_copy(rq->arena, out_node->perms, (size_t)out_node->n_perms * NODE_PERM_SIZE);
	if (!perms)
		return -ENOMEM;
	owner = node_perm(out_node, 0);
	owner.domid = rq->actor.domid;
	node_perm_put(perms, owner);
	out_node->perms = perms;
	return 0;
}

static int create(struct request *rq, const struct request_path *path, const struct walk *walk,
		  const void *value, size_t len)
{
	struct node node;
	int err;

	if (path->text[0] == '@')
		return EINVAL;
	err = check_size(rq, &walk->owner, walk->node.id, walk->node.n_perms, walk->node.value_len,
			 walk->spot.name_len + 1);
	if (!err)
		err = inherit(rq, walk, &node);
	if (!err)
		err = check_size(rq, NULL, 0, node.n_perms, len, 0);
	if (err)
		return err;
	node.value = value;
	node.value_len = len;
	return edit_create(&rq->view, path->text, path->len, walk, &node);
}

/* The path outlives the handler: the view's changes point into it. */
static int take_path(struct request *rq, struct request_path **out_path)
{
	*out_path = arena_alloc(rq->arena, sizeof(**out_path));
	return *out_path ? request_path(rq, 0, XSP_PATH_NODE, *out_path) : -ENOMEM;
}

/* WRITE <path>|<value>  ->  OK| */
int op_write(struct request *rq)
{
	struct request_path *path;
	struct walk walk;
	int err = take_path(rq, &path);

	if (!err)
		err = request_walk(rq, path, ACCESS_WRITE, 0, &walk);
	if (err)
		return err;
	if (!walk.exists) {
		err = create(rq, path, &walk, rq->tail, rq->tail_len);
	} else {
		err = check_size(rq, &walk.spot, walk.node.id, walk.node.n_perms, rq->tail_len, 0);
		if (!err)
			err = edit_value(&rq->view, &walk, rq->tail, rq->tail_len);
	}
	if (!err)
		xsp_body_string(rq->body, "OK");
	return err;
}

/* MKDIR <path>|  ->  OK| */
int op_mkdir(struct request *rq)
{
	struct request_path *path;
	struct walk walk;
	int err = take_path(rq, &path);

	if (!err)
		err = request_walk(rq, path, ACCESS_WRITE, 0, &walk);
	if (!err && !walk.exists)
		err = create(rq, path, &walk, NULL, 0);
	if (!err)
		xsp_body_string(rq->body, "OK");
	return err;
}

/* RM <path>|  ->  OK| */
int op_rm(struct request *rq)
{
	struct request_path *path;
	struct walk walk;
	int err = take_path(rq, &path);

	if (!err && path->len == 1)
		err = EINVAL;
	if (!err)
		err = request_walk(rq, path, ACCESS_WRITE, SEEN_SUBTREE, &walk);
	if (err)
		return err;
	if (!walk.exists) {
		/* Gone is what was asked for, as long as the place it was in is there. */
		if (walk.spot.path_len != path->len)
			return ENOENT;
	} else {
		view_touch_parent(&rq->view, &walk);
		err = view_remove(&rq->view, &walk.spot, &walk.node);
	}
	if (!err)
		xsp_body_string(rq->body, "OK");
	return err;
}
