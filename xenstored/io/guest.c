/* SPDX-License-Identifier: MIT */
#include "xenstored/io/guest.h"

#include <errno.h>
#include <stdlib.h>

#include "xenstored/base/log.h"
#include "xenstored/core/host.h"
#include "xenstored/core/server.h"
#include "xenstored/io/link.h"

struct guests {
	struct host host;
};

static bool domain_state(void *self, uint16_t domid, struct host_domain *out_state)
{
	(void)self;
	(void)domid;
	(void)out_state;
	return false;
}

static int ring_open(void *self, uint16_t domid, uint32_t port, uint32_t features,
		     struct client *client)
{
	(void)self;
	(void)domid;
	(void)port;
	(void)features;
	(void)client;
	return EINVAL;
}

static void ring_reopen(void *self, struct client *client, uint32_t port, uint32_t features)
{
	(void)self;
	(void)client;
	(void)port;
	(void)features;
}

static void ring_fail(void *self, struct client *client, uint32_t error)
{
	(void)self;
	(void)client;
	(void)error;
}

int guests_open(struct loop *loop, struct server_config *config, struct guests **out_guests)
{
	struct guests *guests = calloc(1, sizeof(*guests));

	(void)loop;
	(void)config;
	if (!guests)
		return -ENOMEM;
	guests->host = (struct host){
		.self = guests,
		.domain_state = domain_state,
		.ring_open = ring_open,
		.ring_reopen = ring_reopen,
		.ring_fail = ring_fail,
		.client_gone = link_client_gone,
		.client_wake = link_client_wake,
	};
	log_line(LOG_LEVEL_INFO, "no hypervisor here: serving the socket only");
	*out_guests = guests;
	return 0;
}

const struct host *guests_host(const struct guests *guests)
{
	return &guests->host;
}

int guests_start(struct guests *guests, struct server *server)
{
	(void)guests;
	(void)server;
	return 0;
}

void guests_close(struct guests *guests)
{
	free(guests);
}
