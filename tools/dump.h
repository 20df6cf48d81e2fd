/* SPDX-License-Identifier: MIT */
/*
 * Trees as files: JSON with a line for each node, see xenstore(1).
 *
 *	{"xenstore-export":1,"path":"/a","nodes":[
 *	{"path":"","value":"","perms":["n0"]},
 *	{"path":"b/c","base64":"/w==","perms":["n0","r5"]}
 *	]}
 */
#ifndef XS_TOOLS_DUMP_H
#define XS_TOOLS_DUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "tools/tree.h"

void dump_put(FILE *out, const struct tree *tree);

/*
 * Reads what dump_put() wrote from a file ("-": the standard input) into an initialised tree. If
 * that fails the program ends with exit status `trouble`. Unless it needs permissions, nodes may
 * be without.
 */
void dump_read(const char *name, int trouble, bool needs_perms, struct tree *tree);

/*
 * The same from text in memory; returns NULL or what is wrong with it, and *out_line, the line
 * where that was seen.
 */
const char *dump_parse(const char *text, size_t len, bool needs_perms, struct tree *tree,
		       size_t *out_line);

#endif
