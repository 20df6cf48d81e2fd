/* SPDX-License-Identifier: MIT */
#include "xenstored/io/ports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PORTS_FIRST = 64, PORTS_MAX = 1 << 20 };

int ports_set(struct ports *ports, uint32_t port, struct guest *guest)
{
	size_t n = ports->n ? ports->n : PORTS_FIRST;
	struct guest **guests;

	if (port >= PORTS_MAX)
		return ENOSPC;
	while (n <= port)
		n *= 2;
	if (n > ports->n) {
		guests = realloc(ports->guests, n * sizeof(struct guest *));
		if (!guests)
			return ENOMEM;
		memset(guests + ports->n, 0, (n - ports->n) * sizeof(struct guest *));
		ports->guests = guests;
		ports->n = n;
	}
	ports->guests[port] = guest;
	return 0;
}

void ports_forget(struct ports *ports, uint32_t port)
{
	ports->guests[port] = NULL;
}

struct guest *ports_find(const struct ports *ports, uint32_t port)
{
	return port < ports->n ? ports->guests[port] : NULL;
}

void ports_fini(struct ports *ports)
{
	free(ports->guests);
	*ports = (struct ports){ 0 };
}
