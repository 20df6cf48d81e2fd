/* SPDX-License-Identifier: MIT */
/*
 * Watches of the event-driven interface. The token names the slot of a watch and carries a count,
 * so events of a watch that has ended meet nobody, even when its slot is in use again.
 *
 * Depth is asked of the server. One that does not know it refuses the third string; it is then
 * asked without, and what comes from too deep is dropped here. The kernel's device accepts the
 * string and ignores it, so that is looked at in any case.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libxs/async.h"
#include "protocol/path.h"
#include "protocol/payload.h"

enum { TOKEN_TEXT = 24 };

struct xsa_watch {
	struct xsa *xsa;
	xsa_event_fn fired;
	xsa_done_fn done;
	void *arg;
	size_t slot;
	enum { ASKED, STANDING, REFUSED } state;
	bool is_ended; /* released as soon as it is no longer ASKED */
	bool has_depth;
	unsigned depth;
	char token[TOKEN_TEXT];
	char path[];
};

/* ---- slots ---- */

static int take_slot(struct xsa *xsa, struct xsa_watch *watch)
{
	size_t slot = xsa->watch_hint, n = xsa->n_watches ? xsa->n_watches * 2 : 16;
	struct xsa_watch **watches;

	while (slot < xsa->n_watches && xsa->watches[slot])
		slot++;
	if (slot == xsa->n_watches) {
		watches = realloc(xsa->watches, n * sizeof(struct xsa_watch *));
		if (!watches)
			return ENOMEM;
		memset(watches + xsa->n_watches, 0,
		       (n - xsa->n_watches) * sizeof(struct xsa_watch *));
		xsa->watches = watches;
		xsa->n_watches = n;
	}
	xsa->watches[slot] = watch;
	watch->slot = slot;
	xsa->watch_hint = slot + 1;
	snprintf(watch->token, sizeof(watch->token), "%zx.%x", slot, xsa->n_watches_ever++);
	return 0;
}

static void leave_slot(struct xsa_watch *watch)
{
	struct xsa *xsa = watch->xsa;

	xsa->watches[watch->slot] = NULL;
	if (watch->slot < xsa->watch_hint)
		xsa->watch_hint = watch->slot;
}

void xsi_async_watch_fini(struct xsa *xsa)
{
	for (size_t i = 0; i < xsa->n_watches; i++)
		free(xsa->watches[i]);
	free(xsa->watches);
}

static struct xsa_watch *find(const struct xsa *xsa, const char *token)
{
	char *end;
	unsigned long slot = strtoul(token, &end, 16);
	struct xsa_watch *watch;

	if (*end != '.' || slot >= xsa->n_watches)
		return NULL;
	watch = xsa->watches[slot];
	return watch && !watch->is_ended && !strcmp(watch->token, token) ? watch : NULL;
}

/* ---- events ---- */

static bool is_too_deep(const struct xsa_watch *watch, const char *path)
{
	int levels;

	if (!watch->has_depth)
		return false;
	levels = xsp_path_levels_below(watch->path, strlen(watch->path), path, strlen(path));
	return levels >= 0 && (unsigned)levels > watch->depth;
}

void xsi_async_event(struct xsa *xsa, const char *payload, size_t len)
{
	const char *cursor = payload, *end = payload + len;
	const char *path = xsp_next_string(&cursor, end);
	const char *token = xsp_next_string(&cursor, end);
	struct xsa_watch *watch;

	if (!path || !token)
		return;
	watch = find(xsa, token);
	if (watch && !is_too_deep(watch, path))
		watch->fired(watch->arg, path);
}

/* ---- registration ---- */

static int send_watch(struct xsa_watch *watch, const char *depth, xsa_done_fn done)
{
	struct xsi_request request = xsi_request(XSP_WATCH, XBT_NULL);

	xsi_add_string(&request, watch->path);
	xsi_add_string(&request, watch->token);
	if (depth)
		xsi_add_string(&request, depth);
	return xsi_call_make(watch->xsa, &request, done, watch);
}

static void on_watch(void *arg, const struct xsa_result *result)
{
	struct xsa_watch *watch = arg;

	watch->state = result->error ? REFUSED : STANDING;
	if (watch->is_ended)
		free(watch);
	else
		xsi_call_back(watch->done, watch->arg, result->error, result->data, result->len);
}

static void on_watch_with_depth(void *arg, const struct xsa_result *result)
{
	struct xsa_watch *watch = arg;

	if (result->error == EINVAL && !watch->is_ended && !send_watch(watch, NULL, on_watch))
		return;
	on_watch(watch, result);
}

int xsa_watch(struct xsa *xsa, const char *path, int depth, xsa_event_fn fired, xsa_done_fn done,
	      void *arg, struct xsa_watch **out_watch)
{
	size_t size = strlen(path) + 1;
	char text[MAX_STRLEN(depth)];
	struct xsa_watch *watch;
	int err = xsi_call_admit(xsa);

	if (err)
		return err;
	if (depth < XSA_DEPTH_ALL)
		return EINVAL;
	watch = malloc(sizeof(*watch) + size);
	if (!watch)
		return ENOMEM;
	*watch = (struct xsa_watch){ .xsa = xsa, .fired = fired, .done = done, .arg = arg };
	watch->has_depth = depth != XSA_DEPTH_ALL;
	watch->depth = watch->has_depth ? (unsigned)depth : 0;
	memcpy(watch->path, path, size);
	err = take_slot(xsa, watch);
	if (err) {
		free(watch);
		return err;
	}
	snprintf(text, sizeof(text), "%u", watch->depth);
	if (watch->has_depth)
		err = send_watch(watch, text, on_watch_with_depth);
	else
		err = send_watch(watch, NULL, on_watch);
	if (err) {
		leave_slot(watch);
		free(watch);
		return err;
	}
	if (out_watch)
		*out_watch = watch;
	return 0;
}

void xsa_unwatch(struct xsa_watch *watch)
{
	struct xsi_request request = xsi_request(XSP_UNWATCH, XBT_NULL);

	/* If it cannot be sent, the server goes on sending events that nobody here knows. */
	if (watch->state != REFUSED) {
		xsi_add_string(&request, watch->path);
		xsi_add_string(&request, watch->token);
		(void)xsi_call_make(watch->xsa, &request, NULL, NULL);
	}
	leave_slot(watch);
	watch->is_ended = true;
	if (watch->state != ASKED)
		free(watch);
}
