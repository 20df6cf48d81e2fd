/* SPDX-License-Identifier: MIT */
/*
 * A model of the server: small, slow, and meant to be obviously right.
 *
 * Nodes are an unsorted array that is searched from end to end; a transaction copies all of it at
 * its start. Nothing is shared with the server but the pure code under protocol/. It says, for
 * each request, the exact reply, and for each client the exact stream of messages.
 *
 * What it leaves out is played elsewhere: the memory quota, outstanding requests, time.
 */
#ifndef TESTS_MODEL_MODEL_H
#define TESTS_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/path.h"
#include "protocol/wire.h"
#include "tests/support/inbox.h"

enum {
	MODEL_PERMS_MAX = 8,
	MODEL_DOMIDS = 8, /* guests are 1 to 7 */
	MODEL_CLIENTS_MAX = 16,
	MODEL_PRIVILEGED = 0,
	MODEL_NOBODY = 0xffff,
};

/* Aspects of a node. */
enum { EXISTENCE = 1, VALUE = 2, PERMS = 4, CHILDREN = 8, SUBTREE = 16 };

enum { RIGHT_READ = 1, RIGHT_WRITE = 2, RIGHT_OWN = 4 };

struct mperm {
	uint16_t domid;
	uint8_t rights;
	bool is_ignored; /* given to a domain that did not exist */
};

struct mperms {
	struct mperm list[MODEL_PERMS_MAX];
	size_t n;
	uint32_t epoch; /* removals of domains seen when it was set */
};

/* A node, at an absolute path or under a special name. */
struct mnode {
	uint64_t id, parent; /* parent: id of the node above; 0 above "/" and special nodes */
	char *path;          /* owned */
	struct mperms perms;
	char *value; /* owned */
	size_t len;
	uint64_t n_changes; /* of value, permissions or list of children */
};

struct mtree {
	struct mnode *nodes; /* owned */
	size_t n, size;
};

/* Somebody's change of one node, for transactions that are open. */
struct mchange {
	uint64_t number;
	uint64_t parent;
	char *path; /* owned */
	unsigned aspects;
};

/* What a transaction touched, in the order of first touch. */
struct mtouched {
	unsigned named; /* order in which requests asked for it; 0: only passed on the way */
	uint64_t parent;
	char *path; /* owned */
	unsigned seen, rights, changed;
	bool existed, exists, is_implicit, is_detached;
	uint64_t old_id;
	struct mperms old_perms;
};

/* A path asked for below a missing node. */
struct mvain {
	unsigned named;
	char *path; /* owned */
};

struct mtxn {
	uint32_t id;
	uint64_t start;
	struct mtree view;        /* the snapshot with its own changes */
	struct mtouched *touched; /* owned */
	size_t n_touched;
	struct mvain *vain; /* owned */
	size_t n_vain;
	unsigned n_named;
};

struct mwatch {
	struct mclient *client;
	char *path, *token; /* owned */
	size_t cut;
	int depth; /* -1: any */
};

/* A message on its way to a client. */
struct mmessage {
	size_t len;
	bool merges;
	uint8_t *bytes; /* owned */
};

enum { MODEL_TXNS_MAX = 8, MODEL_WATCHES_MAX = 64 };

struct mclient {
	bool is_used;
	bool is_socket;
	uint16_t domid;
	size_t room; /* bytes that can be under way before it reads */
	size_t unread;
	bool is_reading;
	struct mmessage *queue; /* owned */
	size_t n_queue, sent;
	struct inbox expected; /* delivered, not yet compared */
	struct mtxn txns[MODEL_TXNS_MAX];
	size_t n_txns;
	uint32_t last_txn;
};

struct mdomain {
	bool exists;   /* in the hypervisor */
	bool is_known; /* to the server */
	bool is_introduced, is_shut_down, is_reported_shut_down;
	uint16_t target;
	uint32_t max_nodes, max_watches, max_txns;
	struct mclient *client;
};

struct model {
	struct mtree tree;
	struct mchange *log; /* owned */
	size_t n_log, log_size;
	uint64_t last_number, last_id;
	uint32_t epoch, removed[MODEL_DOMIDS];
	struct mclient clients[MODEL_CLIENTS_MAX];
	struct mdomain domains[MODEL_DOMIDS];
	struct mwatch watches[MODEL_WATCHES_MAX * MODEL_CLIENTS_MAX];
	size_t n_watches;
	uint32_t max_nodes, max_watches, max_txns, max_perms, max_node_size;
};

/* A request, and what came of it. */
struct mrequest {
	struct mclient *client;
	struct xsp_header header;
	const char *payload;
	/*
	 * The error the server answered, 0 for none. It is believed in one case only: whether a
	 * transaction that is bound to fail is told of its quota before its end.
	 */
	int answer;
	/* Set by the model: the payload starts with a number that only the server knows. */
	bool has_generation;
	uint64_t generation;
};

void model_init(struct model *model);
void model_fini(struct model *model);

/* Clients come and go. */
struct mclient *model_connect(struct model *model);
void model_disconnect(struct model *model, struct mclient *client);

/* Watches, transactions and what is on its way are gone. */
void model_reset(struct model *model, struct mclient *client);

/* A domain that exists becomes known when it is named. */
bool model_learn(struct model *model, unsigned domid);

/* Removes a node from the committed tree and tells of it. */
void model_remove_node(struct model *model, const char *path);

/* Executes one request. */
void model_request(struct model *model, struct mrequest *rq);

/* What the server does when it learns that a domain is gone, or has shut down. */
void model_domain_gone(struct model *model, unsigned domid);
void model_domain_shut_down(struct model *model, unsigned domid);

/* The end of a turn: what there is room for gets under way. */
void model_deliver(struct model *model);

/* The client takes everything. */
void model_read(struct mclient *client);

/* model_tree.c */
struct mnode *mtree_find(const struct mtree *tree, const char *path);
struct mnode *mtree_add(struct mtree *tree, uint64_t id, uint64_t parent, const char *path,
			const struct mperms *perms, const char *value, size_t len);
void mtree_remove(struct mtree *tree, const char *path); /* with all below */
void mtree_copy(struct mtree *to, const struct mtree *from);
void mtree_fini(struct mtree *tree);
/* The parent's path. */
void mpath_parent(const char *path, char *out);
bool mpath_is_below(const char *top, const char *path);
/* Children of a path in byte order of their names; the array is freed by the caller. */
struct mnode **mtree_children(const struct mtree *tree, const char *path, size_t *out_n);
void mnode_set_value(struct mnode *node, const char *value, size_t len);

/* model_access.c */
bool model_allows(const struct model *model, const struct mclient *client,
		  const struct mperms *perms, unsigned rights);
bool model_is_privileged(const struct mclient *client);
struct mperms model_current(const struct model *model, const struct mperms *perms);
size_t model_owned(const struct mtree *tree, uint16_t domid);
bool model_same_perms(const struct mperms *a, const struct mperms *b);

/* model_events.c */
void model_post(struct mclient *client, const struct xsp_header *header, const void *payload,
		bool merges);
/* One change for watchers at or above the path; NULL lists: was or is not there. */
void model_tell(struct model *model, const char *path, const struct mperms *old,
		const struct mperms *now, const struct mperms *parent);
/* The same for watchers of exactly the path. */
void model_tell_exact(struct model *model, const char *path, const struct mperms *old,
		      const struct mperms *parent);
/* All nodes below a path as they are in a tree. */
void model_tell_below(struct model *model, const struct mtree *tree, const char *path,
		      bool is_deepest_first);
enum { TELL_PLAIN = 1, TELL_DOMAIN = 2 };
void model_tell_special(struct model *model, const char *name, unsigned domid, unsigned forms);
void model_first_event(struct model *model, const struct mwatch *watch);
void model_drop_watches(struct model *model, const struct mclient *client);
void mwatch_fini(struct mwatch *watch);

/* model_txn.c */
struct mtxn *mtxn_find(struct mclient *client, uint32_t id);
struct mtxn *mtxn_start(struct model *model, struct mclient *client);
void mtxn_end(struct model *model, struct mclient *client, struct mtxn *txn);
void model_end_txns(struct model *model, struct mclient *client);
/* Notes that a spot was looked at; `node` is what is there for the transaction, or NULL. */
struct mtouched *mtxn_note(struct mtxn *txn, const char *path, uint64_t parent,
			   const struct mnode *node, unsigned seen);
int mtxn_commit(struct model *model, struct mrequest *rq, struct mtxn *txn);
/* True if its end would be EAGAIN now. */
bool mtxn_conflicts(const struct model *model, const struct mclient *client,
		    const struct mtxn *txn);
/* Nodes a domain would have if the transaction were applied now. */
size_t mtxn_owned(const struct model *model, const struct mtxn *txn, uint16_t domid);
/* Notes that a request asked for the path; the same of one whose parent is missing. */
void mtxn_name(struct mtxn *txn, struct mtouched *touched);
void mtxn_name_vain(struct mtxn *txn, const char *path);

void mtxn_mark_removed(struct mtxn *txn, const char *path, const struct mtouched *removed);
/* Notes a change of the committed tree. */
void model_log(struct model *model, const char *path, uint64_t parent, unsigned aspects);

#endif
