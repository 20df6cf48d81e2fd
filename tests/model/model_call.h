/* SPDX-License-Identifier: MIT */
/*
 * A request on its way through the model: what all operations need.
 */
#ifndef TESTS_MODEL_MODEL_CALL_H
#define TESTS_MODEL_MODEL_CALL_H

#include "protocol/payload.h"
#include "tests/model/model.h"

struct call {
	struct model *model;
	struct mrequest *rq;
	struct mclient *client;
	struct mtxn *txn;
	struct mtree *tree; /* what the request sees */
	const char *args[8];
	size_t n_args;
	const char *tail;
	size_t tail_len;
	struct xsp_body body;
	struct mwatch *new_watch;
};

/* Where a walk to a path ended. */
struct mwalk {
	struct mnode *node;         /* at the path, or NULL */
	struct mnode *owner;        /* the same, or what is nearest above */
	char missing[XSP_PATH_BUF]; /* the first that is not there */
};

/* Makes a path absolute; false: it is none, or too long for the caller. */
bool call_resolve(struct call *call, const char *text, enum xsp_path_kind kind, char *out);

/* Notes that a spot was looked at; NULL outside transactions. */
struct mtouched *call_note(struct call *call, const char *path, uint64_t parent,
			   const struct mnode *node, unsigned seen);
void call_name(struct call *call, struct mtouched *touched);

/* Whoever removes a node, or is refused it, has asked for its parent, too. */
void call_name_parent(struct call *call, const struct mnode *node);

/* Walks, and checks rights on what is there or nearest to it. */
int call_walk(struct call *call, const char *path, unsigned rights, unsigned seen,
	      struct mwalk *out);

/* The operations: 0 or the errno of the reply. */
int call_directory(struct call *call);
int call_directory_part(struct call *call);
int call_end(struct call *call);
int call_get_perms(struct call *call);
int call_introduce(struct call *call);
int call_is_introduced(struct call *call);
int call_mkdir(struct call *call);
int call_read(struct call *call);
int call_release(struct call *call);
int call_reset_watches(struct call *call);
int call_resume(struct call *call);
int call_rm(struct call *call);
int call_set_perms(struct call *call);
int call_set_quota(struct call *call);
int call_set_target(struct call *call);
int call_start(struct call *call);
int call_unwatch(struct call *call);
int call_watch(struct call *call);
int call_write(struct call *call);

#endif
