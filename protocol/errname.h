/* SPDX-License-Identifier: MIT */
/*
 * Error names: the payload of an ERROR reply is the name of an errno, and only these sixteen
 * names exist on the wire.
 */
#ifndef XSP_ERRNAME_H
#define XSP_ERRNAME_H

#include <stddef.h>

/* The wire's name for an errno; "EINVAL" for every errno that the wire has no name for. */
const char *xsp_errname(int err);

/*
 * The errno behind an ERROR payload of `len` bytes, with or without its final NUL.
 * EINVAL for every unknown name. Never 0.
 */
int xsp_errname_parse(const char *name, size_t len);

#endif
