/* SPDX-License-Identifier: MIT */
#include "tests/differ/step.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/text.h"

struct request *step_add(struct diff_step *step, uint32_t type, int slot, uint32_t tx,
			 const void *payload, size_t len)
{
	struct request *request;

	step->requests =
		text_grow(step->requests, ((size_t)step->n_requests + 1) * sizeof(struct request));
	request = &step->requests[step->n_requests++];
	*request = (struct request){
		.type = type, .slot = slot, .tx = tx, .new_slot = -1, .len = len
	};
	request->payload = text_alloc(len);
	if (len)
		memcpy(request->payload, payload, len);
	return request;
}

void step_fini(struct diff_step *step)
{
	for (int i = 0; i < step->n_requests; i++)
		free(step->requests[i].payload);
	free(step->requests);
	*step = (struct diff_step){ 0 };
}

void request_show(char *out, size_t size, int client, const struct request *request)
{
	const char *name = xsp_type_name(request->type);
	char number[16], tx[24] = "", payload[512];

	snprintf(number, sizeof(number), "%u", request->type);
	if (request->slot >= 0)
		snprintf(tx, sizeof(tx), "[t%d]", request->slot);
	else if (request->tx)
		snprintf(tx, sizeof(tx), "[%u]", request->tx);
	text_show(payload, sizeof(payload), request->payload, request->len);
	snprintf(out, size, "s%d> %s%s %s", client + 1, name ? name : number, tx, payload);
}
