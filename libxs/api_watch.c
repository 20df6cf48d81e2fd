/* SPDX-License-Identifier: MIT */
/* The API around watches and events. */
#include <errno.h>
#include <stdio.h>

#include "libxs/handle.h"

static int watch(struct xs_handle *h, const char *path, const char *token, const char *depth)
{
	struct xsi_request request = xsi_request(XSP_WATCH, XBT_NULL);
	int err = xsi_start_reader(h);

	if (err)
		return err;
	xsi_add_string(&request, path);
	xsi_add_string(&request, token);
	if (depth)
		xsi_add_string(&request, depth);
	return xsi_ask(h, &request);
}

bool xs_watch(struct xs_handle *h, const char *path, const char *token)
{
	return xsi_succeeded(watch(h, path, token, NULL));
}

static int watch_depth(struct xs_handle *h, const char *path, const char *token, unsigned depth)
{
	char text[MAX_STRLEN(depth)];
	unsigned features;
	int err = xsi_start_reader(h);

	if (err)
		return err;
	if (!xs_get_features_supported(h, &features))
		return errno;
	if (!(features & XSP_FEATURE_WATCH_DEPTH))
		return EOPNOTSUPP;
	snprintf(text, sizeof(text), "%u", depth);
	return watch(h, path, token, text);
}

bool xs_watch_depth(struct xs_handle *h, const char *path, const char *token, unsigned int depth)
{
	return xsi_succeeded(watch_depth(h, path, token, depth));
}

bool xs_watch_try_depth(struct xs_handle *h, const char *path, const char *token,
			unsigned int depth)
{
	return watch_depth(h, path, token, depth) == 0 || xs_watch(h, path, token);
}

bool xs_unwatch(struct xs_handle *h, const char *path, const char *token)
{
	struct xsi_request request = xsi_request(XSP_UNWATCH, XBT_NULL);
	int err;

	xsi_add_string(&request, path);
	xsi_add_string(&request, token);
	err = xsi_ask(h, &request);
	/* Events of the watch came in before the reply did, so all of them are in the queue now. */
	if (h->flags & XS_UNWATCH_FILTER)
		xsi_inbox_forget(&h->inbox, path, token);
	return xsi_succeeded(err);
}

int xs_fileno(struct xs_handle *h)
{
	int fd;

	xsi_succeeded(xsi_inbox_fileno(&h->inbox, &fd));
	return fd;
}

char **xs_check_watch(struct xs_handle *h)
{
	char **strings;

	return xsi_succeeded(xsi_inbox_event(&h->inbox, XSI_DONT_WAIT, &strings)) ? strings : NULL;
}

char **xs_read_watch(struct xs_handle *h, unsigned int *num)
{
	char **strings;

	if (!xsi_succeeded(xsi_inbox_event(&h->inbox, XSI_WAIT, &strings)))
		return NULL;
	*num = 2;
	return strings;
}
