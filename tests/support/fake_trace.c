/* SPDX-License-Identifier: MIT */
/*
 * A trace that keeps nothing but its switches, and counts.
 */
#include <errno.h>
#include <string.h>

#include "tests/support/fake_inside.h"

static const char *const switch_names[] = { "obj", "io", "wrl", "acc", "tdb" };

enum { N_SWITCHES = sizeof(switch_names) / sizeof(switch_names[0]) };

static int trace_log(void *self, const char *argument)
{
	struct fake_trace *trace = self;

	for (unsigned i = 0; i < N_SWITCHES; i++) {
		if (strcmp(argument + 1, switch_names[i]) != 0)
			continue;
		if (argument[0] == '+')
			trace->switches |= 1U << i;
		else if (argument[0] == '-')
			trace->switches &= ~(1U << i);
		else
			return EINVAL;
		return 0;
	}
	return !strcmp(argument, "on") || !strcmp(argument, "off") ? 0 : EINVAL;
}

static const char *trace_get_switch(void *self, size_t i, bool *out_is_on)
{
	const struct fake_trace *trace = self;

	if (i >= N_SWITCHES)
		return NULL;
	*out_is_on = trace->switches & 1U << i;
	return switch_names[i];
}

static void trace_request(void *self, const struct client *client, uint16_t domid, uint32_t type,
			  const void *payload, size_t len)
{
	struct fake_trace *trace = self;

	(void)client;
	(void)domid;
	(void)type;
	(void)payload;
	(void)len;
	trace->n_requests++;
}

static void trace_reply(void *self, const struct client *client, uint16_t domid, uint32_t type,
			const void *payload, size_t len)
{
	struct fake_trace *trace = self;

	(void)client;
	(void)domid;
	(void)type;
	(void)payload;
	(void)len;
	trace->n_replies++;
}

void fake_trace_init(struct fake_trace *trace)
{
	*trace = (struct fake_trace){
		.trace = {
			.self = trace,
			.request = trace_request,
			.reply = trace_reply,
			.log = trace_log,
			.get_switch = trace_get_switch,
		},
		.switches = 1U << 0 | 1U << 1,
	};
}
