/* SPDX-License-Identifier: MIT */
/*
 * CONTROL tree|<path>|<after>|: a whole subtree in few replies, for listings and exports.
 *
 * Our own extension; the format is described in protocol/README.md.
 */
#ifndef XSD_CORE_CONTROL_TREE_H
#define XSD_CORE_CONTROL_TREE_H

struct request;

int control_tree(struct request *rq);

#endif
