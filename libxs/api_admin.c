/* SPDX-License-Identifier: MIT */
/* The API around domains, features, quotas and the server itself. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libxs/handle.h"
#include "libxs/text.h"
#include "protocol/payload.h"

enum { NUMBER_TEXT = MAX_STRLEN(unsigned long) };

static const char *decimal(unsigned long number, char text[NUMBER_TEXT])
{
	snprintf(text, NUMBER_TEXT, "%lu", number);
	return text;
}

/* ---- domains ---- */

static int ask_domain(struct xs_handle *h, enum xsp_type type, unsigned domid)
{
	struct xsi_request request = xsi_request(type, XBT_NULL);
	char text[NUMBER_TEXT];

	xsi_add_string(&request, decimal(domid, text));
	return xsi_ask(h, &request);
}

bool xs_introduce_domain(struct xs_handle *h, unsigned int domid, unsigned long mfn,
			 unsigned int eventchn)
{
	struct xsi_request request = xsi_request(XSP_INTRODUCE, XBT_NULL);
	char texts[3][NUMBER_TEXT];

	xsi_add_string(&request, decimal(domid, texts[0]));
	xsi_add_string(&request, decimal(mfn, texts[1]));
	xsi_add_string(&request, decimal(eventchn, texts[2]));
	return xsi_succeeded(xsi_ask(h, &request));
}

bool xs_set_target(struct xs_handle *h, unsigned int domid, unsigned int target)
{
	struct xsi_request request = xsi_request(XSP_SET_TARGET, XBT_NULL);
	char texts[2][NUMBER_TEXT];

	xsi_add_string(&request, decimal(domid, texts[0]));
	xsi_add_string(&request, decimal(target, texts[1]));
	return xsi_succeeded(xsi_ask(h, &request));
}

bool xs_resume_domain(struct xs_handle *h, unsigned int domid)
{
	return xsi_succeeded(ask_domain(h, XSP_RESUME, domid));
}

bool xs_release_domain(struct xs_handle *h, unsigned int domid)
{
	return xsi_succeeded(ask_domain(h, XSP_RELEASE, domid));
}

char *xs_get_domain_path(struct xs_handle *h, unsigned int domid)
{
	struct xsi_request request = xsi_request(XSP_GET_DOMAIN_PATH, XBT_NULL);
	char text[NUMBER_TEXT];
	char *body;

	xsi_add_string(&request, decimal(domid, text));
	return xsi_succeeded(xsi_talk(h, &request, &body, NULL)) ? body : NULL;
}

bool xs_is_domain_introduced(struct xs_handle *h, unsigned int domid)
{
	struct xsi_request request = xsi_request(XSP_IS_DOMAIN_INTRODUCED, XBT_NULL);
	char text[NUMBER_TEXT];
	bool is_introduced;
	char *body;

	xsi_add_string(&request, decimal(domid, text));
	if (!xsi_succeeded(xsi_talk(h, &request, &body, NULL)))
		return false;
	is_introduced = strcmp(body, "F") != 0;
	free(body);
	return is_introduced;
}

int xs_suspend_evtchn_port(int domid)
{
	struct xs_handle *h = xs_open(0);
	char path[sizeof("/local/domain//device/suspend/event-channel") + MAX_STRLEN(domid)];
	unsigned len;
	char *value;
	int port = -1;

	if (!h)
		return -1;
	snprintf(path, sizeof(path), "/local/domain/%d/device/suspend/event-channel", domid);
	value = xs_read(h, XBT_NULL, path, &len);
	if (value && len > 0)
		port = (int)strtol(value, NULL, 10);
	free(value);
	xs_close(h);
	return port;
}

/* ---- the server ---- */

char *xs_control_command(struct xs_handle *h, const char *cmd, void *data, unsigned int len)
{
	struct xsi_request request = xsi_request(XSP_CONTROL, XBT_NULL);
	char *body;

	xsi_add_string(&request, cmd);
	xsi_add_bytes(&request, data, len);
	return xsi_succeeded(xsi_talk(h, &request, &body, NULL)) ? body : NULL;
}

char *xs_debug_command(struct xs_handle *h, const char *cmd, void *data, unsigned int len)
{
	return xs_control_command(h, cmd, data, len);
}

/* A request whose answer is one number. */
static int ask_number(struct xs_handle *h, const struct xsi_request *request, unsigned *out_number)
{
	uint32_t number;
	char *body;
	int err = xsi_talk(h, request, &body, NULL);

	if (err)
		return err;
	if (xsp_parse_u32(body, UINT32_MAX, &number))
		*out_number = number;
	else
		err = EINVAL;
	free(body);
	return err;
}

/* ---- features ---- */

bool xs_get_features_supported(struct xs_handle *h, unsigned int *features)
{
	struct xsi_request request = xsi_request(XSP_GET_FEATURE, XBT_NULL);
	unsigned known = 0;
	bool is_known;
	int err;

	pthread_mutex_lock(&h->request_lock);
	is_known = h->has_features;
	known = h->features;
	pthread_mutex_unlock(&h->request_lock);
	if (!is_known) {
		err = ask_number(h, &request, &known);
		if (err)
			return xsi_succeeded(err);
		pthread_mutex_lock(&h->request_lock);
		h->has_features = true;
		h->features = known;
		pthread_mutex_unlock(&h->request_lock);
	}
	*features = known;
	return true;
}

bool xs_get_features_domain(struct xs_handle *h, unsigned int domid, unsigned int *features)
{
	struct xsi_request request = xsi_request(XSP_GET_FEATURE, XBT_NULL);
	char text[NUMBER_TEXT];

	xsi_add_string(&request, decimal(domid, text));
	return xsi_succeeded(ask_number(h, &request, features));
}

bool xs_set_features_domain(struct xs_handle *h, unsigned int domid, unsigned int features)
{
	struct xsi_request request = xsi_request(XSP_SET_FEATURE, XBT_NULL);
	char texts[2][NUMBER_TEXT];

	xsi_add_string(&request, decimal(domid, texts[0]));
	xsi_add_string(&request, decimal(features, texts[1]));
	return xsi_succeeded(xsi_ask(h, &request));
}

/* ---- quotas ---- */

const char **xs_get_quota_names(struct xs_handle *h, unsigned int *num)
{
	struct xsi_request request = xsi_request(XSP_GET_QUOTA, XBT_NULL);
	union {
		char **made;
		const char **given;
	} names = { .made = NULL };
	size_t len;
	char *body;

	if (!xsi_succeeded(xsi_talk(h, &request, &body, NULL)))
		return NULL;
	/* Names stand between single blanks; with NULs in their place it is a list like any. */
	len = strlen(body) + 1;
	for (char *blank = body; (blank = strchr(blank, ' '));)
		*blank++ = '\0';
	names.made = xsi_vector(body, len, num);
	free(body);
	return names.given;
}

static int get_quota(struct xs_handle *h, const char *domid, const char *quota, unsigned *out_value)
{
	struct xsi_request request = xsi_request(XSP_GET_QUOTA, XBT_NULL);

	if (domid)
		xsi_add_string(&request, domid);
	xsi_add_string(&request, quota);
	return ask_number(h, &request, out_value);
}

static int set_quota(struct xs_handle *h, const char *domid, const char *quota, unsigned value)
{
	struct xsi_request request = xsi_request(XSP_SET_QUOTA, XBT_NULL);
	char text[NUMBER_TEXT];

	if (domid)
		xsi_add_string(&request, domid);
	xsi_add_string(&request, quota);
	xsi_add_string(&request, decimal(value, text));
	return xsi_ask(h, &request);
}

bool xs_get_global_quota(struct xs_handle *h, const char *quota, unsigned int *value)
{
	return xsi_succeeded(get_quota(h, NULL, quota, value));
}

bool xs_set_global_quota(struct xs_handle *h, const char *quota, unsigned int value)
{
	return xsi_succeeded(set_quota(h, NULL, quota, value));
}

bool xs_get_domain_quota(struct xs_handle *h, unsigned int domid, const char *quota,
			 unsigned int *value)
{
	char text[NUMBER_TEXT];

	return xsi_succeeded(get_quota(h, decimal(domid, text), quota, value));
}

bool xs_set_domain_quota(struct xs_handle *h, unsigned int domid, const char *quota,
			 unsigned int value)
{
	char text[NUMBER_TEXT];

	return xsi_succeeded(set_quota(h, decimal(domid, text), quota, value));
}
