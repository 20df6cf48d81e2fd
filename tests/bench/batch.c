/* SPDX-License-Identifier: MIT */
#include "tests/bench/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/conn.h"

void batch_fini(struct batch *batch)
{
	free(batch->bytes);
	*batch = (struct batch){ 0 };
}

int batch_add(struct batch *batch, enum xsp_type type, uint32_t tx_id, const void *first,
	      size_t first_len, const void *second, size_t second_len)
{
	const struct xsp_header header = {
		.type = type,
		.req_id = batch->n + 1,
		.tx_id = tx_id,
		.len = (uint32_t)(first_len + second_len),
	};
	uint8_t *at;

	if (header.len > XSP_PAYLOAD_MAX || batch->n == BATCH_MAX)
		return E2BIG;
	if (batch->size - batch->len < XSP_MESSAGE_MAX) {
		at = realloc(batch->bytes, batch->size * 2 + XSP_MESSAGE_MAX);
		if (!at)
			return ENOMEM;
		batch->bytes = at;
		batch->size = batch->size * 2 + XSP_MESSAGE_MAX;
	}
	at = batch->bytes + batch->len;
	xsp_header_put(at, &header);
	memcpy(at + XSP_HEADER_SIZE, first, first_len);
	if (second_len > 0)
		memcpy(at + XSP_HEADER_SIZE + first_len, second, second_len);
	batch->len += XSP_HEADER_SIZE + header.len;
	batch->n++;
	return 0;
}

int batch_call(struct batch *batch, struct conn *conn, size_t reply_len)
{
	struct conn_message reply;
	unsigned n = batch->n;
	int err, first_err = 0;

	err = conn_send(conn, batch->bytes, batch->len);
	batch->len = 0;
	batch->n = 0;
	for (unsigned i = 0; i < n && !err; i++) {
		reply.header.type = 0;
		err = conn_reply(conn, &reply);
		if (err && reply.header.type == XSP_ERROR) {
			first_err = first_err ? first_err : err;
			err = 0;
		} else if (!err && reply.header.len != reply_len) {
			err = EPROTO;
		}
	}
	return err ? err : first_err;
}
