/* SPDX-License-Identifier: MIT */
/*
 * Calls: from a request to its answer. A call has a number that its answer must carry, so answers
 * may come in any order, and one that carries a number not in use ends the connection.
 *
 * On a socket messages are gathered and sent together. The kernel's device takes one message per
 * write() and reports a refused one by failing that write, so there each is written at once and
 * the failure is that of the request.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libxs/async.h"
#include "protocol/errname.h"

enum { OUT_FIRST = 4096, SEND_TOGETHER = 64 * 1024 };

int xsi_call_admit(const struct xsa *xsa)
{
	if (xsa->broken)
		return xsa->broken;
	if (xsa->n_pending >= xsa->max_pending || xsa->out_end - xsa->out_start >= xsa->max_unsent)
		return EAGAIN;
	return 0;
}

void xsi_call_back(xsa_done_fn done, void *arg, int err, const char *data, size_t len)
{
	struct xsa_result result = { .error = err, .data = data, .len = len };

	if (done)
		done(arg, &result);
}

/* ---- slots ---- */

static int grow_slots(struct xsa *xsa)
{
	size_t n = xsa->n_slots_allocated ? xsa->n_slots_allocated * 2 : 64;
	struct xsi_call **slots;

	if (n > XSI_SLOTS_MAX)
		return EAGAIN;
	slots = realloc(xsa->slots, n * sizeof(struct xsi_call *));
	if (!slots)
		return ENOMEM;
	xsa->slots = slots;
	xsa->n_slots_allocated = n;
	return 0;
}

static int new_call(struct xsa *xsa, struct xsi_call **out_call)
{
	struct xsi_call *call = TAILQ_FIRST(&xsa->spare);
	int err;

	if (call) {
		TAILQ_REMOVE(&xsa->spare, call, link);
		call->number += XSI_SLOTS_MAX;
		*out_call = call;
		return 0;
	}
	if (xsa->n_slots == xsa->n_slots_allocated) {
		err = grow_slots(xsa);
		if (err)
			return err;
	}
	call = calloc(1, sizeof(*call));
	if (!call)
		return ENOMEM;
	call->number = (uint32_t)xsa->n_slots;
	xsa->slots[xsa->n_slots++] = call;
	*out_call = call;
	return 0;
}

/* Oldest spare slots are used again first, so a number stays out of use for long. */
static void spare_call(struct xsa *xsa, struct xsi_call *call)
{
	call->done = NULL;
	call->type = XSP_TYPE_COUNT;
	TAILQ_INSERT_TAIL(&xsa->spare, call, link);
}

/* ---- out ---- */

static int reserve(struct xsa *xsa, size_t len)
{
	size_t unsent = xsa->out_end - xsa->out_start;
	size_t size = xsa->out_size ? xsa->out_size : OUT_FIRST;
	uint8_t *out;

	if (xsa->out_size - xsa->out_end >= len)
		return 0;
	if (unsent > 0 && xsa->out_start > 0)
		memmove(xsa->out, xsa->out + xsa->out_start, unsent);
	xsa->out_start = 0;
	xsa->out_end = unsent;
	while (size - unsent < len)
		size *= 2;
	if (size == xsa->out_size)
		return 0;
	out = realloc(xsa->out, size);
	if (!out)
		return ENOMEM;
	xsa->out = out;
	xsa->out_size = size;
	return 0;
}

static int put_message(struct xsa *xsa, const struct xsp_header *header,
		       const struct xsi_request *request)
{
	int err = reserve(xsa, XSP_HEADER_SIZE + header->len);

	if (err)
		return err;
	xsp_header_put(xsa->out + xsa->out_end, header);
	xsa->out_end += XSP_HEADER_SIZE;
	for (size_t i = 0; i < request->n_pieces; i++) {
		const struct iovec *piece = &request->pieces[i];

		if (piece->iov_len == 0)
			continue;
		memcpy(xsa->out + xsa->out_end, piece->iov_base, piece->iov_len);
		xsa->out_end += piece->iov_len;
	}
	if (xsa->transport == XSI_SOCKET && xsa->out_end - xsa->out_start < SEND_TOGETHER)
		return 0;
	err = xsi_async_flush(xsa);
	/* A broken socket is found out again, and told, by the next xsa_process(). */
	return xsa->transport == XSI_SOCKET ? 0 : err;
}

int xsi_call_make(struct xsa *xsa, const struct xsi_request *request, xsa_done_fn done, void *arg)
{
	struct xsp_header header = { .type = request->type, .tx_id = request->tx_id };
	struct xsi_call *call;
	int err;

	if (xsa->broken)
		return xsa->broken;
	for (size_t i = 0; i < request->n_pieces; i++) {
		if (request->pieces[i].iov_len > XSP_PAYLOAD_MAX - header.len)
			return E2BIG;
		header.len += (uint32_t)request->pieces[i].iov_len;
	}
	err = new_call(xsa, &call);
	if (err)
		return err;
	header.req_id = call->number;
	err = put_message(xsa, &header, request);
	if (err) {
		spare_call(xsa, call);
		return err;
	}
	call->type = request->type;
	call->done = done;
	call->arg = arg;
	TAILQ_INSERT_TAIL(&xsa->calls, call, link);
	xsa->n_pending++;
	xsi_async_note_interest(xsa);
	return 0;
}

int xsi_call_request(struct xsa *xsa, const struct xsi_request *request, xsa_done_fn done,
		     void *arg)
{
	int err = xsi_call_admit(xsa);

	return err ? err : xsi_call_make(xsa, request, done, arg);
}

/* ---- in ---- */

static void finish(struct xsa *xsa, struct xsi_call *call, int err, const char *data, size_t len)
{
	xsa_done_fn done = call->done;
	void *arg = call->arg;

	/* Off the list first: what is called back may look at it, and make calls. */
	TAILQ_REMOVE(&xsa->calls, call, link);
	xsa->n_pending--;
	spare_call(xsa, call);
	xsi_call_back(done, arg, err, data, len);
}

/* The call that this message answers, or NULL. */
static struct xsi_call *find(const struct xsa *xsa, const struct xsp_header *header)
{
	size_t slot = header->req_id % XSI_SLOTS_MAX;
	struct xsi_call *call = slot < xsa->n_slots ? xsa->slots[slot] : NULL;

	if (!call || call->type == XSP_TYPE_COUNT || call->number != header->req_id)
		return NULL;
	return header->type == call->type || header->type == XSP_ERROR ? call : NULL;
}

int xsi_call_receive(struct xsa *xsa, const struct xsp_header *header, char *payload)
{
	struct xsi_call *call = find(xsa, header);
	char *end = payload + header->len;
	char behind = *end;

	if (!call && header->type != XSP_WATCH_EVENT)
		return EPROTO;
	/* For the NUL behind an answer the next message lends its first byte. */
	*end = '\0';
	if (header->type == XSP_WATCH_EVENT)
		xsi_async_event(xsa, payload, header->len);
	else if (header->type == XSP_ERROR)
		finish(xsa, call, xsp_errname_parse(payload, header->len), "", 0);
	else
		finish(xsa, call, 0, payload, header->len);
	*end = behind;
	return 0;
}

void xsi_call_end_all(struct xsa *xsa, int err)
{
	struct xsi_call *call;

	while ((call = TAILQ_FIRST(&xsa->calls)))
		finish(xsa, call, err, "", 0);
}

void xsi_call_fini(struct xsa *xsa)
{
	for (size_t i = 0; i < xsa->n_slots; i++)
		free(xsa->slots[i]);
	free(xsa->slots);
	free(xsa->out);
}
