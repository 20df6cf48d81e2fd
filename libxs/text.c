/* SPDX-License-Identifier: MIT */
#include "libxs/text.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/payload.h"
#include "protocol/wire.h"

char **xsi_vector(const char *bytes, size_t len, unsigned *out_count)
{
	size_t n = xsp_count_strings(bytes, len);
	char **vector = malloc(n * sizeof(*vector) + len + 1);
	char *text;

	if (!vector)
		return NULL;
	text = (char *)(vector + n);
	memcpy(text, bytes, len);
	for (size_t i = 0; i < n; i++) {
		vector[i] = text;
		text += strlen(text) + 1;
	}
	*out_count = (unsigned)n;
	return vector;
}

static const char letters[] = "nrwb"; /* indexed by rights */

bool xsi_parse_permission(const char *text, struct xs_permissions *out_perm)
{
	const char *letter = *text ? strchr(letters, *text) : NULL;
	const char *digits = letter ? text + 1 : text;
	bool is_negative = letter && *digits == '-';
	unsigned long long number;
	char *end;

	digits += is_negative;
	/* Blanks and a second sign would be fine with the function below. */
	if (!letter || *digits < '0' || *digits > '9')
		return false;
	number = strtoull(digits, &end, 0);
	if (*end != '\0' || number > (is_negative ? 1u << 31 : UINT32_MAX))
		return false;
	*out_perm = (struct xs_permissions){
		.id = is_negative ? 0u - (unsigned)number : (unsigned)number,
		.perms = (unsigned)(letter - letters),
	};
	return true;
}

int xsi_format_permission(const struct xs_permissions *perm, char out_text[XSI_PERM_TEXT])
{
	unsigned rights = perm->perms & ~(unsigned)XS_PERM_IGNORE;

	if (rights > (XS_PERM_READ | XS_PERM_WRITE))
		return EINVAL;
	snprintf(out_text, XSI_PERM_TEXT, "%c%d", letters[rights], (int)perm->id);
	return 0;
}

/* A directory that changes so often, or is so long, that no end can be seen is given up. */
enum { RESTARTS_MAX = 1000 };

/* In steps that double, so that however small the parts are little is copied. */
static int make_room(struct xsi_listing *listing, size_t len)
{
	size_t room = listing->room ? listing->room : XSP_PAYLOAD_MAX;
	char *names;

	while (room < listing->len + len)
		room *= 2;
	if (room == listing->room)
		return 0;
	names = realloc(listing->names, room);
	if (!names)
		return ENOMEM;
	listing->names = names;
	listing->room = room;
	return 0;
}

int xsi_listing_add(struct xsi_listing *listing, const char *part, size_t part_len)
{
	const char *cursor = part, *end = part + part_len;
	const char *generation = xsp_next_string(&cursor, end);
	size_t len = (size_t)(end - cursor);
	const char *last;
	int err;

	if (!generation || strlen(generation) >= sizeof(listing->generation))
		return EINVAL;
	if (listing->len == 0)
		memcpy(listing->generation, generation, strlen(generation) + 1);
	if (strcmp(listing->generation, generation) != 0) {
		listing->len = 0;
		return ++listing->n_restarts > RESTARTS_MAX ? EAGAIN : 0;
	}
	/* The end is marked by an empty string, so each part brings something. */
	if (len == 0)
		return EINVAL;
	if (len > XSI_LISTING_MAX - listing->len)
		return E2BIG;
	err = make_room(listing, len);
	if (err)
		return err;
	memcpy(listing->names + listing->len, cursor, len);
	listing->len += len;
	last = listing->names + listing->len - 1;
	listing->is_whole = *last == '\0' && (listing->len == 1 || last[-1] == '\0');
	if (listing->is_whole)
		listing->len--;
	return 0;
}

void xsi_listing_fini(struct xsi_listing *listing)
{
	free(listing->names);
}
