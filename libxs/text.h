/* SPDX-License-Identifier: MIT */
/*
 * Texts of the wire and what the API makes of them: lists as one-block vectors, permissions, and
 * directories that are put together because they are longer than a message.
 */
#ifndef XSI_TEXT_H
#define XSI_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "libxs/include/xenstore_lib.h"

/*
 * A vector of the NUL-ended strings in `bytes`, pointers and text in one block. What follows the
 * last NUL is left out. NULL if there is no memory; never NULL for want of strings.
 */
char **xsi_vector(const char *bytes, size_t len, unsigned *out_count);

enum { XSI_PERM_TEXT = 1 + sizeof("-2147483648") };

/*
 * Reads an entry: a letter and a number, whose base its prefix tells as in C. Servers take the
 * number of any domain, of 32 bits, and send it with a sign. False for anything else.
 */
bool xsi_parse_permission(const char *text, struct xs_permissions *out_perm);

/* A letter and a signed number. EINVAL if the bits are none that can travel. */
int xsi_format_permission(const struct xs_permissions *perm, char out_text[XSI_PERM_TEXT]);

/* No directory is longer, nor are all together that are read at the same time. */
enum { XSI_LISTING_MAX = 64 * 1024 * 1024 };

/* A directory as far as it has been read. Zero is the start. */
struct xsi_listing {
	char *names; /* owned; a run of NUL-ended strings */
	size_t len;  /* the offset to ask for next */
	size_t room;
	bool is_whole;
	unsigned n_restarts;
	char generation[24]; /* of the node when the first part was read */
};

/*
 * Takes in the answer to DIRECTORY_PART at offset `len`. If the node has changed since the first
 * part, all starts over. EAGAIN if that happens without end, E2BIG if the directory has none,
 * EINVAL for a malformed part.
 */
int xsi_listing_add(struct xsi_listing *listing, const char *part, size_t part_len);
void xsi_listing_fini(struct xsi_listing *listing);

#endif
