/* SPDX-License-Identifier: MIT */
#include "xenstored/store/tree.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "protocol/wire.h"
#include "xenstored/store/db.h"

enum {
	PREFIX = 1 + 8, /* tag and parent's id */
	MARK = 0x01,    /* behind a chunk that goes on elsewhere */
	BEHIND_MARK = 0x02,
	LEVELS_MAX = TREE_LEVELS_MAX,
};

struct key {
	size_t len;
	uint8_t bytes[DB_KEY_MAX];
};

void tree_key_u64(uint8_t *out_key, uint64_t number)
{
	for (int i = 7; i >= 0; i--) {
		out_key[i] = (uint8_t)number;
		number >>= 8;
	}
}

uint64_t tree_key_get_u64(const uint8_t *key)
{
	uint64_t number = 0;

	for (int i = 0; i < 8; i++)
		number = number << 8 | key[i];
	return number;
}

/* A key for `len` bytes of name, with `mark` behind them unless it is negative. */
static void key_make(struct key *key, uint64_t parent, const char *name, size_t len, int mark)
{
	assert(len <= TREE_CHUNK);
	key->bytes[0] = TREE_KEY_NODE;
	tree_key_u64(key->bytes + 1, parent);
	if (len)
		memcpy(key->bytes + PREFIX, name, len);
	key->len = PREFIX + len;
	if (mark >= 0)
		key->bytes[key->len++] = (uint8_t)mark;
}

uint64_t tree_number(struct tree *tree)
{
	return ++tree->last;
}

size_t tree_puts(size_t name_len)
{
	return 1 + name_len / TREE_CHUNK;
}

/* Where the rest of a name goes on behind its first chunk. */
static int chunk_get(struct tree *tree, uint64_t parent, const char *chunk, uint64_t *out_id)
{
	struct db_bytes record;
	struct key key;
	int err;

	key_make(&key, parent, chunk, TREE_CHUNK, MARK);
	err = db_get(tree->db, key.bytes, key.len, &record);
	if (err)
		return err;
	if (record.len != sizeof(*out_id))
		return -EBADMSG;
	memcpy(out_id, record.bytes, sizeof(*out_id));
	return 0;
}

static int chunk_put(struct tree *tree, uint64_t parent, const char *chunk, uint64_t *out_id)
{
	uint64_t id = tree_number(tree);
	struct key key;
	void *space;
	int err;

	key_make(&key, parent, chunk, TREE_CHUNK, MARK);
	err = db_put(tree->db, key.bytes, key.len, sizeof(id), &space);
	if (err)
		return err;
	memcpy(space, &id, sizeof(id));
	*out_id = id;
	return db_put_done(tree->db);
}

int tree_get(struct tree *tree, uint64_t parent, const char *name, size_t len,
	     struct node *out_node)
{
	struct db_bytes record;
	struct key key;
	int err;

	for (; len > TREE_CHUNK; name += TREE_CHUNK, len -= TREE_CHUNK) {
		err = chunk_get(tree, parent, name, &parent);
		if (err)
			return err;
	}
	key_make(&key, parent, name, len, -1);
	err = db_get(tree->db, key.bytes, key.len, &record);
	if (err)
		return err;
	return node_decode(record.bytes, record.len, out_node) ? 0 : -EBADMSG;
}

int tree_put(struct tree *tree, uint64_t parent, const char *name, size_t len,
	     const struct node *node)
{
	struct key key;
	void *space;
	int err;

	for (; len > TREE_CHUNK; name += TREE_CHUNK, len -= TREE_CHUNK) {
		err = chunk_get(tree, parent, name, &parent);
		if (err == ENOENT)
			err = chunk_put(tree, parent, name, &parent);
		if (err)
			return err;
	}
	key_make(&key, parent, name, len, -1);
	err = db_put(tree->db, key.bytes, key.len, node_record_len(node), &space);
	if (err)
		return err;
	node_encode(node, space);
	return db_put_done(tree->db);
}

int tree_has_children(struct tree *tree, uint64_t parent)
{
	struct db_bytes found, record;
	struct key key;
	int err;

	key_make(&key, parent, NULL, 0, -1);
	/* Nothing but children has the parent's key as its prefix: names are never empty. */
	err = db_seek(tree->db, key.bytes, key.len, &found, &record);
	if (err)
		return err;
	return found.len > PREFIX && !memcmp(found.bytes, key.bytes, PREFIX) ? 0 : ENOENT;
}

int tree_delete(struct tree *tree, uint64_t parent, const char *name, size_t len)
{
	uint64_t parents[LEVELS_MAX];
	size_t depth = 0;
	struct key key;
	int err;

	for (; len > TREE_CHUNK; name += TREE_CHUNK, len -= TREE_CHUNK) {
		parents[depth++] = parent;
		err = chunk_get(tree, parent, name, &parent);
		if (err)
			return err;
	}
	key_make(&key, parent, name, len, -1);
	err = db_delete(tree->db, key.bytes, key.len);
	/* A chunk that leads nowhere any more goes too. */
	while (!err && depth > 0) {
		err = tree_has_children(tree, parent);
		if (err != ENOENT)
			break;
		parent = parents[--depth];
		name -= TREE_CHUNK;
		key_make(&key, parent, name, TREE_CHUNK, MARK);
		err = db_delete(tree->db, key.bytes, key.len);
	}
	return err;
}

/* A scan in progress: the ranges it is inside of, and the name so far. */
struct scan {
	uint64_t ids[LEVELS_MAX];
	size_t depth; /* of the innermost range */
	char name[XSP_PATH_ABS_MAX + TREE_CHUNK];
	struct db_bytes key;
	struct db_bytes record;
};

static size_t prefix_len(const struct scan *scan)
{
	return scan->depth * TREE_CHUNK;
}

static int scan_seek(struct tree *tree, struct scan *scan, const char *name, size_t len, int mark)
{
	struct key key;

	key_make(&key, scan->ids[scan->depth], name, len, mark);
	return db_seek(tree->db, key.bytes, key.len, &scan->key, &scan->record);
}

/* Positions on the first record behind `after`. */
static int scan_start(struct tree *tree, struct scan *scan, const char *after, size_t len)
{
	int err;

	if (!after)
		return scan_seek(tree, scan, NULL, 0, -1);
	for (; len > TREE_CHUNK; after += TREE_CHUNK, len -= TREE_CHUNK) {
		err = chunk_get(tree, scan->ids[scan->depth], after, &scan->ids[scan->depth + 1]);
		if (err == ENOENT)
			return scan_seek(tree, scan, after, TREE_CHUNK, BEHIND_MARK);
		if (err)
			return err;
		memcpy(scan->name + prefix_len(scan), after, TREE_CHUNK);
		scan->depth++;
	}
	/* NUL is below the mark and every legal character: the very next key. */
	return scan_seek(tree, scan, after, len, '\0');
}

static bool in_range(const struct scan *scan)
{
	uint8_t prefix[PREFIX];

	prefix[0] = TREE_KEY_NODE;
	tree_key_u64(prefix + 1, scan->ids[scan->depth]);
	return scan->key.len >= PREFIX && !memcmp(scan->key.bytes, prefix, PREFIX);
}

/* Enters the range that a marked chunk leads to. */
static int scan_enter(struct tree *tree, struct scan *scan)
{
	if (scan->record.len != sizeof(uint64_t) || scan->depth + 1 >= LEVELS_MAX)
		return -EBADMSG;
	memcpy(scan->name + prefix_len(scan), scan->key.bytes + PREFIX, TREE_CHUNK);
	memcpy(&scan->ids[scan->depth + 1], scan->record.bytes, sizeof(uint64_t));
	scan->depth++;
	return scan_seek(tree, scan, NULL, 0, -1);
}

/* Goes on behind the chunk whose range is finished. */
static int scan_leave(struct tree *tree, struct scan *scan)
{
	scan->depth--;
	return scan_seek(tree, scan, scan->name + prefix_len(scan), TREE_CHUNK, BEHIND_MARK);
}

static int scan_visit(struct scan *scan, tree_visit_fn *visit, void *arg)
{
	size_t len = scan->key.len - PREFIX;
	struct node node;

	if (!node_decode(scan->record.bytes, scan->record.len, &node))
		return -EBADMSG;
	if (len)
		memcpy(scan->name + prefix_len(scan), scan->key.bytes + PREFIX, len);
	return visit(arg, scan->name, prefix_len(scan) + len, &node);
}

int tree_scan(struct tree *tree, uint64_t parent, const char *after, size_t after_len,
	      tree_visit_fn *visit, void *arg)
{
	struct scan scan;
	int err;

	scan.depth = 0;
	scan.ids[0] = parent;
	err = scan_start(tree, &scan, after, after_len);
	for (;;) {
		if (err && err != ENOENT)
			return err;
		if (err == ENOENT || !in_range(&scan)) {
			if (scan.depth == 0)
				return 0;
			err = scan_leave(tree, &scan);
			continue;
		}
		if (scan.key.bytes[scan.key.len - 1] == MARK &&
		    scan.key.len == PREFIX + TREE_CHUNK + 1) {
			err = scan_enter(tree, &scan);
			continue;
		}
		err = scan_visit(&scan, visit, arg);
		if (err)
			return err;
		err = db_next(tree->db, &scan.key, &scan.record);
	}
}
