/* SPDX-License-Identifier: MIT */
/*
 * No hypervisor: what io/xen.c is on a machine without Xen's libraries. There is nothing to open,
 * so nothing else is ever called.
 */
#include "xenstored/io/xen.h"

#include <errno.h>

int xen_open(struct xen **out_xen)
{
	(void)out_xen;
	return ENODEV;
}

void xen_close(struct xen *xen)
{
	(void)xen;
}

int xen_map_own(struct xen *xen, void **out_page, uint32_t *out_port)
{
	(void)xen;
	(void)out_page;
	(void)out_port;
	return -ENODEV;
}

void xen_unmap_own(struct xen *xen, void *page)
{
	(void)xen;
	(void)page;
}

int xen_map(struct xen *xen, uint16_t domid, void **out_page)
{
	(void)xen;
	(void)domid;
	(void)out_page;
	return ENODEV;
}

void xen_unmap(struct xen *xen, void *page)
{
	(void)xen;
	(void)page;
}

int xen_bind(struct xen *xen, uint16_t domid, uint32_t remote_port, uint32_t *out_port)
{
	(void)xen;
	(void)domid;
	(void)remote_port;
	(void)out_port;
	return ENODEV;
}

void xen_unbind(struct xen *xen, uint32_t port)
{
	(void)xen;
	(void)port;
}

void xen_notify(struct xen *xen, uint32_t port)
{
	(void)xen;
	(void)port;
}

int xen_fd(const struct xen *xen)
{
	(void)xen;
	return -1;
}

size_t xen_fired(struct xen *xen, uint32_t *out_ports, size_t size, bool *out_is_lost)
{
	(void)xen;
	(void)out_ports;
	(void)size;
	*out_is_lost = false;
	return 0;
}

void xen_unmask(struct xen *xen, const uint32_t *ports, size_t n)
{
	(void)xen;
	(void)ports;
	(void)n;
}

uint32_t xen_domains_port(const struct xen *xen)
{
	(void)xen;
	return 0;
}

int xen_domain(struct xen *xen, uint16_t domid, struct xen_domain *out_domain)
{
	(void)xen;
	(void)domid;
	(void)out_domain;
	return ESRCH;
}

int xen_each_domain(struct xen *xen, xen_domain_fn *fn, void *arg, bool *out_is_all)
{
	(void)xen;
	(void)fn;
	(void)arg;
	(void)out_is_all;
	return -ENODEV;
}
