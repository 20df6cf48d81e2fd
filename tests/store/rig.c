/* SPDX-License-Identifier: MIT */
#include "tests/store/rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/check.h"
#include "xenstored/store/edit.h"
#include "xenstored/store/listing.h"

void scratch_make(struct scratch *scratch)
{
	snprintf(scratch->dir, sizeof(scratch->dir), "%s/xs-store-XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	CHECK(mkdtemp(scratch->dir) != NULL);
	snprintf(scratch->file, sizeof(scratch->file), "%s/a.mdb", scratch->dir);
}

void scratch_remove(struct scratch *scratch)
{
	CHECK_INT(db_unlink(scratch->file), 0);
	CHECK_INT(store_discard(scratch->dir), 0);
	/* Fails if anything else is left in it. */
	CHECK_INT(rmdir(scratch->dir), 0);
}

struct node rig_node(uint64_t id, uint16_t owner, const char *value)
{
	static uint8_t perms[1 << 16][NODE_PERM_SIZE];

	node_perm_put(perms[owner], (struct xsp_perm){ .domid = owner });
	return (struct node){
		.id = id,
		.generation = id,
		.n_perms = 1,
		.perms = perms[owner],
		.value = (const uint8_t *)value,
		.value_len = strlen(value),
	};
}

void rig_open(struct rig *rig)
{
	enum store_found found;
	struct store_change change = { .parent = TREE_NOWHERE, .path = "/", .path_len = 1 };
	struct node root;

	*rig = (struct rig){ 0 };
	scratch_make(&rig->scratch);
	CHECK_INT(store_open(rig->scratch.dir, "boot", 5, &rig->store, &found), 0);
	CHECK_INT(found, STORE_NEW);
	root = rig_node(tree_number(&rig->store->tree), 0, "");
	change.after = &root;
	CHECK_INT(store_reserve(rig->store, 10, 100, DB_ROOM_COMMON), 0);
	CHECK_INT(store_change(rig->store, &change), 0);
	CHECK_INT(store_commit(rig->store), 0);
}

void rig_close(struct rig *rig)
{
	arena_fini(&rig->arena);
	store_close(rig->store);
	scratch_remove(&rig->scratch);
}

void rig_begin(struct rig *rig, struct view *txn)
{
	uint64_t start = tree_number(&rig->store->tree);

	view_begin_snapshot(txn, rig->store, start);
	history_open(&rig->store->history, &rig->reader, start, false);
}

void rig_end(struct rig *rig, struct view *txn)
{
	view_end(txn);
	history_close(&rig->store->history, &rig->reader);
}

static void walk(struct rig *rig, struct view *view, struct view *txn, const char *path,
		 unsigned seen, struct walk *out)
{
	view_begin(view, rig->store, txn, &rig->arena);
	CHECK_INT(view_walk(view, path, strlen(path), seen, out), 0);
}

static void finish(struct rig *rig, struct view *view)
{
	if (view->below) {
		CHECK_INT(merge_down(view), 0);
	} else {
		CHECK_INT(merge_apply(view, &rig->arena, 1), 0);
		CHECK_INT(store_commit(rig->store), 0);
	}
	view_end(view);
	arena_reset(&rig->arena);
}

void rig_write(struct rig *rig, struct view *txn, const char *path, const char *value)
{
	struct node node = rig_node(0, 0, value);
	struct view view;
	struct walk at;

	walk(rig, &view, txn, path, 0, &at);
	CHECK_INT(view_note_rights(&view, &at.owner, XSP_PERM_WRITE), 0);
	if (at.exists)
		CHECK_INT(edit_value(&view, &at, value, strlen(value)), 0);
	else
		CHECK_INT(edit_create(&view, path, strlen(path), &at, &node), 0);
	finish(rig, &view);
}

void rig_own(struct rig *rig, struct view *txn, const char *path, uint16_t owner)
{
	struct node model = rig_node(0, owner, "");
	struct view view;
	struct walk at;

	walk(rig, &view, txn, path, 0, &at);
	CHECK(at.exists);
	CHECK_INT(edit_perms(&view, &at, &model), 0);
	finish(rig, &view);
}

void rig_rm(struct rig *rig, struct view *txn, const char *path)
{
	struct view view;
	struct walk at;

	walk(rig, &view, txn, path, SEEN_SUBTREE, &at);
	CHECK(at.exists);
	CHECK_INT(view_remove(&view, &at.spot, &at.node), 0);
	finish(rig, &view);
}

const char *rig_read(struct rig *rig, struct view *txn, const char *path)
{
	static char value[8192];
	struct view view;
	struct walk at;

	walk(rig, &view, txn, path, SEEN_VALUE, &at);
	if (at.exists)
		snprintf(value, sizeof(value), "%.*s", (int)at.node.value_len,
			 at.node.value_len ? (const char *)at.node.value : "");
	view_end(&view);
	return at.exists ? value : NULL;
}

static int append(void *arg, const char *name, size_t len)
{
	char *list = arg;

	snprintf(list + strlen(list), 8192 - strlen(list), "%.*s ", (int)len, name);
	return 0;
}

const char *rig_list(struct rig *rig, struct view *txn, const char *path)
{
	static char list[8192];
	struct view view;
	struct walk at;

	list[0] = '\0';
	walk(rig, &view, txn, path, SEEN_CHILDREN, &at);
	CHECK(at.exists);
	CHECK_INT(listing_scan(&view, &rig->arena, &at.spot, at.node.id, SEEN_CHILDREN, NULL, 0,
			       append, list),
		  0);
	view_end(&view);
	return list;
}
