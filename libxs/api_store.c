/* SPDX-License-Identifier: MIT */
/* The API around nodes: values, directories, permissions, transactions. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libxs/handle.h"
#include "libxs/text.h"
#include "protocol/payload.h"

void *xs_read(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned int *len)
{
	struct xsi_request request = xsi_request(XSP_READ, t);
	size_t value_len;
	char *value;

	xsi_add_string(&request, path);
	if (!xsi_succeeded(xsi_talk(h, &request, &value, &value_len)))
		return NULL;
	if (len)
		*len = (unsigned)value_len;
	return value;
}

bool xs_write(struct xs_handle *h, xs_transaction_t t, const char *path, const void *data,
	      unsigned int len)
{
	struct xsi_request request = xsi_request(XSP_WRITE, t);

	xsi_add_string(&request, path);
	xsi_add_bytes(&request, data, len);
	return xsi_succeeded(xsi_ask(h, &request));
}

bool xs_mkdir(struct xs_handle *h, xs_transaction_t t, const char *path)
{
	struct xsi_request request = xsi_request(XSP_MKDIR, t);

	xsi_add_string(&request, path);
	return xsi_succeeded(xsi_ask(h, &request));
}

bool xs_rm(struct xs_handle *h, xs_transaction_t t, const char *path)
{
	struct xsi_request request = xsi_request(XSP_RM, t);

	xsi_add_string(&request, path);
	return xsi_succeeded(xsi_ask(h, &request));
}

bool xs_restrict(struct xs_handle *h, unsigned domid)
{
	(void)h;
	(void)domid;
	return false;
}

/* ---- directories ---- */

static int read_part(struct xs_handle *h, xs_transaction_t t, const char *path,
		     struct xsi_listing *listing)
{
	struct xsi_request request = xsi_request(XSP_DIRECTORY_PART, t);
	char offset[MAX_STRLEN(size_t)];
	size_t len;
	char *body;
	int err;

	snprintf(offset, sizeof(offset), "%zu", listing->len);
	xsi_add_string(&request, path);
	xsi_add_string(&request, offset);
	err = xsi_talk(h, &request, &body, &len);
	if (err)
		return err == ENOSYS ? E2BIG : err;
	err = xsi_listing_add(listing, body, len);
	free(body);
	return err;
}

static char **read_parts(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned *num)
{
	struct xsi_listing listing = { 0 };
	char **vector = NULL;
	int err = 0;

	while (!err && !listing.is_whole)
		err = read_part(h, t, path, &listing);
	if (xsi_succeeded(err))
		vector = xsi_vector(listing.names, listing.len, num);
	xsi_listing_fini(&listing);
	return vector;
}

char **xs_directory(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned int *num)
{
	struct xsi_request request = xsi_request(XSP_DIRECTORY, t);
	char **vector;
	char *names;
	size_t len;
	int err;

	xsi_add_string(&request, path);
	err = xsi_talk(h, &request, &names, &len);
	if (err == E2BIG)
		return read_parts(h, t, path, num);
	if (!xsi_succeeded(err))
		return NULL;
	vector = xsi_vector(names, len, num);
	free(names);
	return vector;
}

/* ---- permissions ---- */

struct xs_permissions *xs_get_permissions(struct xs_handle *h, xs_transaction_t t, const char *path,
					  unsigned int *num)
{
	struct xsi_request request = xsi_request(XSP_GET_PERMS, t);
	struct xs_permissions *perms;
	size_t len;
	char *body;
	unsigned n;

	xsi_add_string(&request, path);
	if (!xsi_succeeded(xsi_talk(h, &request, &body, &len)))
		return NULL;
	n = (unsigned)xsp_count_strings(body, len);
	perms = malloc((n ? n : 1) * sizeof(*perms));
	if (perms && !xs_strings_to_perms(perms, n, body)) {
		free(perms);
		perms = NULL;
	}
	if (perms)
		*num = n;
	free(body);
	return perms;
}

bool xs_set_permissions(struct xs_handle *h, xs_transaction_t t, const char *path,
			struct xs_permissions *perms, unsigned int num_perms)
{
	struct xsi_request request = xsi_request(XSP_SET_PERMS, t);
	char text[XSI_PERM_TEXT];
	struct xsp_body texts;
	int err = 0;

	xsp_body_reset(&texts);
	for (unsigned i = 0; i < num_perms && !err; i++) {
		err = xsi_format_permission(&perms[i], text);
		if (!err)
			xsp_body_string(&texts, text);
	}
	if (!err && texts.is_over)
		err = E2BIG;
	if (!err) {
		xsi_add_string(&request, path);
		xsi_add_bytes(&request, texts.bytes, texts.len);
		err = xsi_ask(h, &request);
	}
	return xsi_succeeded(err);
}

/* ---- transactions ---- */

xs_transaction_t xs_transaction_start(struct xs_handle *h)
{
	struct xsi_request request = xsi_request(XSP_TRANSACTION_START, XBT_NULL);
	uint32_t id = XBT_NULL;
	char *body;

	xsi_add_string(&request, "");
	if (!xsi_succeeded(xsi_talk(h, &request, &body, NULL)))
		return XBT_NULL;
	if (!xsp_parse_u32(body, UINT32_MAX, &id) || id == XBT_NULL)
		errno = EINVAL;
	free(body);
	return id;
}

bool xs_transaction_end(struct xs_handle *h, xs_transaction_t t, bool abort)
{
	struct xsi_request request = xsi_request(XSP_TRANSACTION_END, t);

	xsi_add_string(&request, abort ? "F" : "T");
	return xsi_succeeded(xsi_ask(h, &request));
}
