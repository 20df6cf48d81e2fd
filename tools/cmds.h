/* SPDX-License-Identifier: MIT */
/*
 * The commands' functions, one for each row of the table in xenstore.c. Each returns 0 or an exit
 * status and has said on stderr what failed.
 */
#ifndef XS_TOOLS_CMDS_H
#define XS_TOOLS_CMDS_H

struct job;

int cmd_read(struct job *job);
int cmd_write(struct job *job);
int cmd_list(struct job *job);
int cmd_exists(struct job *job);
int cmd_rm(struct job *job);
int cmd_chmod(struct job *job);
int cmd_ls(struct job *job);
int cmd_watch(struct job *job);
int cmd_export(struct job *job);
int cmd_import(struct job *job);
int cmd_diff(struct job *job);

#endif
