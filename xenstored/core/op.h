/* SPDX-License-Identifier: MIT */
/*
 * The handlers, by family. Which of them serves what is dispatch.c's table.
 */
#ifndef XSD_CORE_OP_H
#define XSD_CORE_OP_H

struct request;

/* op_tree.c */
int op_directory(struct request *rq);
int op_directory_part(struct request *rq);
int op_read(struct request *rq);
int op_write(struct request *rq);
int op_mkdir(struct request *rq);
int op_rm(struct request *rq);

/* op_perms.c */
int op_get_perms(struct request *rq);
int op_set_perms(struct request *rq);

/* op_watch.c */
int op_watch(struct request *rq);
int op_unwatch(struct request *rq);
int op_reset_watches(struct request *rq);

/* op_txn.c */
int op_transaction_start(struct request *rq);
int op_transaction_end(struct request *rq);

/* op_domain.c */
int op_introduce(struct request *rq);
int op_release(struct request *rq);
int op_resume(struct request *rq);
int op_set_target(struct request *rq);
int op_get_domain_path(struct request *rq);
int op_is_domain_introduced(struct request *rq);
int op_get_feature(struct request *rq);
int op_set_feature(struct request *rq);

/* op_quota.c */
int op_get_quota(struct request *rq);
int op_set_quota(struct request *rq);

/* op_control.c */
int op_control(struct request *rq);

#endif
