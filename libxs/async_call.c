/* SPDX-License-Identifier: MIT */
/*
 * Calls: from a request to its answer. A call has a number that its answer must carry, so answers
 * may come in any order, and one that carries a number not in use ends the connection.
 *
 * On a socket messages are gathered and sent together, and any number is under way. The kernel's
 * device takes one message per write(), and no other before that has been answered: Linux sends it
 * later and out of the buffer that the next write() goes to, so that a request would be made with
 * the payload of another. It reports a refused message by failing the write, and the failure is
 * that of the request.
 */
#include <errno.h>
#include <stdlib.h>

#include "libxs/async.h"
#include "protocol/errname.h"

enum { SEND_TOGETHER = 64 * 1024 };

int xsi_call_admit(const struct xsa *xsa)
{
	if (xsa->broken)
		return xsa->broken;
	if (xsa->n_pending >= xsa->max_pending ||
	    xsi_stream_unsent(&xsa->stream) >= xsa->max_unsent)
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

static void finish(struct xsa *xsa, struct xsi_call *call, int err, const char *data, size_t len)
{
	xsa_done_fn done = call->done;
	void *arg = call->arg;

	/* Off the list first: what is called back may look at it, and make calls. */
	TAILQ_REMOVE(&xsa->calls, call, link);
	if (xsa->in_device == call)
		xsa->in_device = NULL;
	xsa->n_pending--;
	spare_call(xsa, call);
	xsi_call_back(done, arg, err, data, len);
}

/* ---- out ---- */

/* Writes the oldest unsent message, and forgets it if that fails. */
static int write_to_device(struct xsa *xsa, struct xsi_call **out_call)
{
	struct xsp_header header;
	int err = xsi_stream_write(&xsa->stream, &header);

	*out_call = xsa->slots[header.req_id % XSI_SLOTS_MAX];
	if (!err)
		xsa->in_device = *out_call;
	return err;
}

int xsi_call_feed_device(struct xsa *xsa)
{
	struct xsi_call *call;
	int err;

	while (!xsa->is_closing && !xsa->in_device && xsi_stream_unsent(&xsa->stream) > 0) {
		err = write_to_device(xsa, &call);
		if (err < 0)
			return -err;
		if (err)
			finish(xsa, call, err, "", 0);
	}
	return 0;
}

/* Sends what was just put, or leaves it for later. Only a device refuses it. */
static int send_or_keep(struct xsa *xsa, bool is_only)
{
	struct xsi_call *call;
	int err = 0;

	if (xsa->stream.transport == XSI_DEVICE) {
		/* A device cannot be polled for being ready, so one that is idle gets it now. */
		if (is_only && !xsa->in_device)
			err = write_to_device(xsa, &call);
		if (err < 0)
			xsa->broken = err = -err;
	} else if (xsi_stream_unsent(&xsa->stream) >= SEND_TOGETHER) {
		/* A broken socket is found out again, and told, by the next xsa_process(). */
		(void)xsi_stream_flush(&xsa->stream);
	}
	return err;
}

int xsi_call_make(struct xsa *xsa, const struct xsi_request *request, xsa_done_fn done, void *arg)
{
	struct xsp_header header = { .type = request->type, .tx_id = request->tx_id };
	bool is_only = xsi_stream_unsent(&xsa->stream) == 0;
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
	err = xsi_stream_put(&xsa->stream, &header, request->pieces, request->n_pieces);
	if (!err)
		err = send_or_keep(xsa, is_only);
	if (err) {
		spare_call(xsa, call);
		return err;
	}
	call->type = request->type;
	call->done = done;
	call->arg = arg;
	TAILQ_INSERT_TAIL(&xsa->calls, call, link);
	xsa->n_pending++;
	/* While processing, bytes come and go; what counts is what is left in the end. */
	if (!xsa->is_busy)
		xsi_stream_note_interest(&xsa->stream);
	return 0;
}

int xsi_call_request(struct xsa *xsa, const struct xsi_request *request, xsa_done_fn done,
		     void *arg)
{
	int err = xsi_call_admit(xsa);

	return err ? err : xsi_call_make(xsa, request, done, arg);
}

/* ---- in ---- */

/* The call that this message answers, or NULL. */
static struct xsi_call *find(const struct xsa *xsa, const struct xsp_header *header)
{
	size_t slot = header->req_id % XSI_SLOTS_MAX;
	struct xsi_call *call = slot < xsa->n_slots ? xsa->slots[slot] : NULL;
	bool has_number = call && call->number == header->req_id;

	if (xsa->stream.transport == XSI_DEVICE) {
		call = xsa->in_device;
		/* Some kernels answer for watches themselves, and always with number 0. */
		has_number = call && (header->req_id == call->number || header->req_id == 0);
	}
	if (!has_number || call->type == XSP_TYPE_COUNT)
		return NULL;
	return header->type == call->type || header->type == XSP_ERROR ? call : NULL;
}

int xsi_call_answer(struct xsa *xsa, const struct xsp_header *header, const char *payload)
{
	struct xsi_call *call = find(xsa, header);

	if (!call)
		return EPROTO;
	if (header->type == XSP_ERROR)
		finish(xsa, call, xsp_errname_parse(payload, header->len), "", 0);
	else
		finish(xsa, call, 0, payload, header->len);
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
}
