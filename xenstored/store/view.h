/* SPDX-License-Identifier: MIT */
/*
 * Views: changes that have not happened yet, stacked on the tree or on another view.
 *
 * A request works in a view of its own. If it fails the view is dropped, and nothing has to be
 * undone. If it succeeds the view is merged: into the view of the client's transaction, or into
 * the store. A transaction's view stands on the state of the tree at its start (the history keeps
 * that), and notes what was looked at: existence, value, permissions, list of children. At its end
 * it conflicts only if one of those was changed by somebody else.
 *
 * What a request looked at inside a transaction is noted in the transaction's view even if the
 * request fails: its answer told the client something.
 */
#ifndef XSD_STORE_VIEW_H
#define XSD_STORE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "xenstored/base/map.h"
#include "xenstored/store/history.h"
#include "xenstored/store/node.h"
#include "xenstored/store/vain.h"

struct arena;
struct store;

/* What can be looked at, beside the aspects of a single node. */
enum {
	SEEN_EXISTENCE = ASPECT_EXISTENCE,
	SEEN_VALUE = ASPECT_VALUE,
	SEEN_PERMS = ASPECT_PERMS,
	SEEN_CHILDREN = 8, /* which children there are */
	SEEN_SUBTREE = 16, /* everything below */
	SEEN_COVERED = 32, /* not noted again: something above was noted with SEEN_SUBTREE */
};

/* Where a node is filed. */
struct spot {
	uint64_t parent;
	const char *path; /* absolute, NUL-ended; or a special name */
	size_t path_len;
	size_t name_len; /* the last bytes of the path */
};

/* What a view knows of one node. */
struct view_entry {
	struct map_link link;      /* view.entries, by (parent, name) */
	struct map_link in_parent; /* view.children, by parent; while existence is changed */
	TAILQ_ENTRY(view_entry) order;
	struct spot spot;
	unsigned seen;   /* SEEN_*; in a transaction's view */
	uint64_t touch;  /* order in which requests first asked for it; 0: only passed on the way */
	unsigned rights; /* rights whose check depended on its permissions */
	unsigned changed; /* ASPECT_* changed here */
	bool existed;     /* below, when it was first changed or looked at */
	bool exists;      /* here, if changed */
	bool is_implicit; /* created as an ancestor only: nobody is told */
	bool is_detached; /* something above it was removed later */
	struct node now;  /* if it exists and is changed */
	struct node old;  /* permissions when first touched, if it existed; no value */
	void *owned;      /* heap behind `now`, in a transaction's view */
};

TAILQ_HEAD(view_entries, view_entry);

struct view {
	struct store *store; /* borrowed */
	struct view *below;  /* borrowed; NULL: the tree */
	struct arena *arena; /* entries live there; NULL: on the heap */
	uint64_t start;      /* sees the tree as of this number; UINT64_MAX: as it is now */
	struct map entries;
	struct map children;
	struct view_entries order; /* of first access */
	struct vains vains; /* of a transaction: asked for where even the parent is missing */
	size_t n_entries;
	uint64_t n_touches;
	size_t n_max;     /* limit for entries, 0: none */
	size_t bytes;     /* heap held */
	size_t bytes_max; /* limit for what is only looked at, SIZE_MAX: none */
	bool is_doomed;   /* the history it needs is gone: it will conflict */
};

/* A view for one request; `below` may be NULL. Entries live in the arena. */
void view_begin(struct view *view, struct store *store, struct view *below, struct arena *arena);

/* A view for a transaction, of the tree as it is now; the history must be told of its start. */
void view_begin_snapshot(struct view *view, struct store *store, uint64_t start);

/* Frees what the view holds. */
void view_end(struct view *view);

/* The outcome of a walk to a path. */
struct walk {
	struct spot spot; /* of the path if `exists`, else of the first missing node on the way */
	bool exists;
	struct node node;  /* the path's node, or its nearest ancestor's; borrowed */
	struct spot owner; /* where `node` is filed */
	struct spot above; /* where the parent is filed, if `exists`; not for special names */
};

/*
 * Walks to a path, which is asked for with it; so are those above a missing one, up to the first
 * that exists. `seen`: what will be looked at if it exists. ENOSPC: the view may not hold more.
 */
int view_walk(struct view *view, const char *path, size_t len, unsigned seen, struct walk *out)
	__attribute__((warn_unused_result));

/* Looks one spot up. ENOENT. */
int view_get(struct view *view, const struct spot *spot, unsigned seen, struct node *out_node)
	__attribute__((warn_unused_result));

/* Notes that a check of `rights` depended on a node's permissions. Nothing outside transactions. */
int view_note_rights(struct view *view, const struct spot *spot, unsigned rights)
	__attribute__((warn_unused_result));

/*
 * Puts a node: `changed` says which aspects (with ASPECT_EXISTENCE: it is new). What it borrows
 * for those must live as long as the view; what is not changed is copied. `old` is the node as it
 * was, NULL if it is new. For views of requests.
 */
int view_put(struct view *view, const struct spot *spot, const struct node *node, unsigned changed,
	     const struct node *old, struct view_entry **out_entry)
	__attribute__((warn_unused_result));

/* Removes a node and with it all below. */
int view_remove(struct view *view, const struct spot *spot, const struct node *old)
	__attribute__((warn_unused_result));

/* The transaction's view that `view` is or stands on, or NULL. */
struct view *view_snapshot(struct view *view);

/* Notes that a request asked for the node (NULL: there is no entry), or for its parent, too. */
void view_entry_touch(struct view *view, struct view_entry *entry);
void view_touch_parent(struct view *view, const struct walk *walk);

/* Notes that more of an existing entry was looked at, as far as that is of others' making. */
void view_entry_note(struct view_entry *entry, unsigned seen);

/* The view's own entry for a spot, or NULL; and the same, made if it is missing (ENOSPC, -ENOMEM). */
struct view_entry *view_entry_find(const struct view *view, const struct spot *spot);
int view_entry_get(struct view *view, const struct spot *spot, const struct node *old,
		   struct view_entry **out_entry) __attribute__((warn_unused_result));

/* Notes that an entry's existence is changed: listings of its parent look at it. */
void view_entry_mark_existence(struct view *view, struct view_entry *entry);

#endif
