/* SPDX-License-Identifier: MIT */
/*
 * Whose a local event channel port is: a table by number, since ports are small numbers.
 */
#ifndef XSD_IO_PORTS_H
#define XSD_IO_PORTS_H

#include <stddef.h>
#include <stdint.h>

struct guest;

/* Zero is a valid, empty table. */
struct ports {
	struct guest **guests; /* owned; the guests are borrowed */
	size_t n;
};

/* ENOMEM, ENOSPC: the port was not noted. */
int ports_set(struct ports *ports, uint32_t port, struct guest *guest)
	__attribute__((warn_unused_result));
void ports_forget(struct ports *ports, uint32_t port);

/* NULL: nobody's. */
struct guest *ports_find(const struct ports *ports, uint32_t port);

void ports_fini(struct ports *ports);

#endif
