/* SPDX-License-Identifier: MIT */
#include "tests/support/inbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/text.h"

void inbox_add(struct inbox *inbox, const void *bytes, size_t len)
{
	if (inbox->start) {
		memmove(inbox->bytes, inbox->bytes + inbox->start, inbox->len);
		inbox->start = 0;
	}
	if (inbox->len + len > inbox->size) {
		inbox->size = (inbox->len + len) * 2;
		inbox->bytes = text_grow(inbox->bytes, inbox->size);
	}
	if (len)
		memcpy(inbox->bytes + inbox->len, bytes, len);
	inbox->len += len;
}

bool inbox_next(struct inbox *inbox, struct message *out_message)
{
	struct xsp_header header;

	if (inbox->len < XSP_HEADER_SIZE)
		return false;
	xsp_header_get(&header, inbox->bytes + inbox->start);
	if (inbox->len - XSP_HEADER_SIZE < header.len)
		return false;
	out_message->header = header;
	out_message->payload = (const char *)inbox->bytes + inbox->start + XSP_HEADER_SIZE;
	inbox->start += XSP_HEADER_SIZE + header.len;
	inbox->len -= XSP_HEADER_SIZE + header.len;
	return true;
}

size_t inbox_rest(const struct inbox *inbox)
{
	return inbox->len;
}

void inbox_fini(struct inbox *inbox)
{
	free(inbox->bytes);
	*inbox = (struct inbox){ 0 };
}

void message_show(char *out, size_t size, const struct message *message)
{
	const struct xsp_header *header = &message->header;
	const char *name = xsp_type_name(header->type);
	char number[16], payload[1024];

	snprintf(number, sizeof(number), "%u", header->type);
	text_show(payload, sizeof(payload), message->payload, header->len);
	if (header->type == XSP_WATCH_EVENT && !header->req_id && !header->tx_id)
		snprintf(out, size, "WATCH_EVENT %s", payload);
	else if (header->tx_id)
		snprintf(out, size, "%s#%u[%u] %s", name ? name : number, header->req_id,
			 header->tx_id, payload);
	else
		snprintf(out, size, "%s#%u %s", name ? name : number, header->req_id, payload);
}
