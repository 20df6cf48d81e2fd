/* SPDX-License-Identifier: MIT */
#include "xenstored/io/link.h"

#include <stddef.h>

#include "xenstored/core/server.h"

void link_client_wake(void *self, struct client *client)
{
	struct link *link = client_io(client);

	(void)self;
	if (link)
		link->ops->wake(link);
}

void link_client_gone(void *self, struct client *client)
{
	struct link *link = client_io(client);

	(void)self;
	client_set_io(client, NULL);
	if (link)
		link->ops->gone(link);
}
