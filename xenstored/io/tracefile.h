/* SPDX-License-Identifier: MIT */
/*
 * The trace file: what came in, what went out, what was made and unmade, line by line.
 *
 * The format is that of older servers, so that what reads their files reads ours.
 */
#ifndef XSD_IO_TRACEFILE_H
#define XSD_IO_TRACEFILE_H

#include <stdbool.h>

struct trace;
struct tracefile;

/* A tracer, closed until a path is given. -ENOMEM. */
int tracefile_new(bool is_foreground, struct tracefile **out_file)
	__attribute__((warn_unused_result));
void tracefile_free(struct tracefile *file);

/* Opens (NULL: reopens) the file. A negated errno, and then all is as it was. */
int tracefile_open(struct tracefile *file, const char *path) __attribute__((warn_unused_result));

/* Closes and opens again: the file was moved away. */
void tracefile_reopen(struct tracefile *file);

/* "+name" or "-name"; false if there is no such class. */
bool tracefile_switch(struct tracefile *file, const char *text);

/* What the core is given. */
const struct trace *tracefile_trace(struct tracefile *file);

#endif
