/* SPDX-License-Identifier: MIT */
/* The requests of the event-driven interface that are one message each, and reading of results. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libxs/async.h"
#include "protocol/payload.h"

/* A request whose payload is one string. */
static int ask(struct xsa *xsa, enum xsp_type type, xs_transaction_t t, const char *string,
	       xsa_done_fn done, void *arg)
{
	struct xsi_request request = xsi_request(type, t);

	xsi_add_string(&request, string);
	return xsi_call_request(xsa, &request, done, arg);
}

int xsa_read(struct xsa *xsa, xs_transaction_t t, const char *path, xsa_done_fn done, void *arg)
{
	return ask(xsa, XSP_READ, t, path, done, arg);
}

int xsa_mkdir(struct xsa *xsa, xs_transaction_t t, const char *path, xsa_done_fn done, void *arg)
{
	return ask(xsa, XSP_MKDIR, t, path, done, arg);
}

int xsa_rm(struct xsa *xsa, xs_transaction_t t, const char *path, xsa_done_fn done, void *arg)
{
	return ask(xsa, XSP_RM, t, path, done, arg);
}

int xsa_get_permissions(struct xsa *xsa, xs_transaction_t t, const char *path, xsa_done_fn done,
			void *arg)
{
	return ask(xsa, XSP_GET_PERMS, t, path, done, arg);
}

int xsa_transaction_start(struct xsa *xsa, xsa_done_fn done, void *arg)
{
	return ask(xsa, XSP_TRANSACTION_START, XBT_NULL, "", done, arg);
}

int xsa_transaction_end(struct xsa *xsa, xs_transaction_t t, bool abort, xsa_done_fn done,
			void *arg)
{
	return ask(xsa, XSP_TRANSACTION_END, t, abort ? "F" : "T", done, arg);
}

int xsa_write(struct xsa *xsa, xs_transaction_t t, const char *path, const void *value, size_t len,
	      xsa_done_fn done, void *arg)
{
	struct xsi_request request = xsi_request(XSP_WRITE, t);

	xsi_add_string(&request, path);
	xsi_add_bytes(&request, value, len);
	return xsi_call_request(xsa, &request, done, arg);
}

int xsa_set_permissions(struct xsa *xsa, xs_transaction_t t, const char *path,
			const struct xs_permissions *perms, size_t n_perms, xsa_done_fn done,
			void *arg)
{
	struct xsi_request request = xsi_request(XSP_SET_PERMS, t);
	struct xsp_body texts;
	char text[XSI_PERM_TEXT];

	xsp_body_reset(&texts);
	for (size_t i = 0; i < n_perms && !texts.is_over; i++) {
		int err = xsi_format_permission(&perms[i], text);

		if (err)
			return err;
		xsp_body_string(&texts, text);
	}
	if (texts.is_over)
		return E2BIG;
	xsi_add_string(&request, path);
	xsi_add_bytes(&request, texts.bytes, texts.len);
	return xsi_call_request(xsa, &request, done, arg);
}

int xsa_request(struct xsa *xsa, unsigned int type, xs_transaction_t t, const void *payload,
		size_t len, xsa_done_fn done, void *arg)
{
	struct xsi_request request = xsi_request((enum xsp_type)type, t);

	if (type == XSP_WATCH || type == XSP_UNWATCH || type == XSP_RESET_WATCHES ||
	    type == XSP_WATCH_EVENT || type == XSP_ERROR || type >= XSP_TYPE_COUNT)
		return EINVAL;
	xsi_add_bytes(&request, payload, len);
	return xsi_call_request(xsa, &request, done, arg);
}

/* ---- results ---- */

const char *xsa_result_next(const struct xsa_result *result, const char *previous)
{
	const char *cursor = previous ? previous + strlen(previous) + 1 : result->data;

	return xsp_next_string(&cursor, result->data + result->len);
}

size_t xsa_result_count(const struct xsa_result *result)
{
	return xsp_count_strings(result->data, result->len);
}

int xsa_result_permissions(const struct xsa_result *result, struct xs_permissions *perms,
			   size_t max, size_t *n)
{
	const char *text = NULL;
	struct xs_permissions perm;
	size_t count = 0;

	*n = 0;
	if (result->error)
		return result->error;
	while ((text = xsa_result_next(result, text))) {
		if (!xsi_parse_permission(text, &perm))
			return EINVAL;
		if (count < max)
			perms[count] = perm;
		count++;
	}
	*n = count;
	return 0;
}

xs_transaction_t xsa_result_transaction(const struct xsa_result *result)
{
	uint32_t id;

	if (result->error || !xsp_parse_u32(result->data, UINT32_MAX, &id))
		return XBT_NULL;
	return id;
}
