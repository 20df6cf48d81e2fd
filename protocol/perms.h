/* SPDX-License-Identifier: MIT */
/*
 * Permission lists: the text form "<letter><domid>" and the bits behind the letters.
 * No policy here: who may do what is decided by the server's core.
 */
#ifndef XSP_PERMS_H
#define XSP_PERMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Rights of an entry. The letters: n none, r read, w write, b both. */
enum {
	XSP_PERM_NONE = 0,
	XSP_PERM_READ = 1,
	XSP_PERM_WRITE = 2,
};

/* One entry. The first of a list names the owner, and its rights are everybody else's default. */
struct xsp_perm {
	uint16_t domid;
	uint8_t rights; /* XSP_PERM_* */
	uint8_t flags;  /* the server's own; 0 on the wire */
};

enum {
	XSP_PERM_TEXT_MAX = 8, /* "b65535" and its NUL, rounded up */
	/* The most entries a request can carry: two-character texts behind the shortest path. */
	XSP_PERMS_MAX = 4096 / 3,
};

/*
 * Reads one entry. The number's base is told by its prefix as in C (0x.., 0..), nothing may
 * follow it and it must fit a domid. False, *out_perm untouched, for anything else.
 */
bool xsp_perm_parse(const char *text, struct xsp_perm *out_perm);

/* Writes the text and its NUL; returns the length without the NUL. */
size_t xsp_perm_format(const struct xsp_perm *perm, char out_text[XSP_PERM_TEXT_MAX]);

#endif
