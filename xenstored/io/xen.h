/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor: event channels, guests' pages, and what domains there are.
 *
 * xen.c is the only file that knows Xen's libraries; xen_none.c stands in where the build has
 * none. Functions return 0, a positive errno that is an answer, or a negated one that is trouble.
 */
#ifndef XSD_IO_XEN_H
#define XSD_IO_XEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct xen;

/* A domain as the hypervisor sees it. */
struct xen_domain {
	uint64_t unique_id; /* 0: this hypervisor's interface has none */
	uint16_t domid;
	bool is_shut_down;
	bool may_be_suspended; /* shut down to be resumed or moved; or nobody knows why */
	bool is_dying;
	bool is_dead;
	bool is_control;  /* may do what a toolstack does */
	bool is_xenstore; /* is where the store is served from */
};

/*
 * Opens everything and takes VIRQ_DOM_EXC. ENODEV: there is no hypervisor, or none that lets us
 * see its domains.
 */
int xen_open(struct xen **out_xen) __attribute__((warn_unused_result));
void xen_close(struct xen *xen);

/* The ring page and event channel that our own kernel offers. */
int xen_map_own(struct xen *xen, void **out_page, uint32_t *out_port)
	__attribute__((warn_unused_result));
void xen_unmap_own(struct xen *xen, void *page);

/* The ring page of another domain: grant reference 1. Returns the errno for INTRODUCE's reply. */
int xen_map(struct xen *xen, uint16_t domid, void **out_page) __attribute__((warn_unused_result));
void xen_unmap(struct xen *xen, void *page);

/* A local port for a domain's port. */
int xen_bind(struct xen *xen, uint16_t domid, uint32_t remote_port, uint32_t *out_port)
	__attribute__((warn_unused_result));
void xen_unbind(struct xen *xen, uint32_t port);
void xen_notify(struct xen *xen, uint32_t port);

/* Readable when ports have fired. */
int xen_fd(const struct xen *xen);

/*
 * The ports that fired, each of them masked from now on. 0: none. `is_lost`: more have fired than
 * the kernel could keep; it has forgotten them all and begins anew.
 */
size_t xen_fired(struct xen *xen, uint32_t *out_ports, size_t size, bool *out_is_lost);
void xen_unmask(struct xen *xen, const uint32_t *ports, size_t n);

/* The port that fires when a domain has shut down, died or gone. */
uint32_t xen_domains_port(const struct xen *xen);

/* One domain, asked for now. ESRCH: there is none. */
int xen_domain(struct xen *xen, uint16_t domid, struct xen_domain *out_domain)
	__attribute__((warn_unused_result));

/*
 * Tells of domains, so that asking for each is not necessary: of all there are (*out_is_all), or
 * of those changed since it was last called, among them those that are gone (they are told of as
 * dead). The first call tells of all.
 */
typedef void xen_domain_fn(void *arg, const struct xen_domain *domain);
int xen_each_domain(struct xen *xen, xen_domain_fn *fn, void *arg, bool *out_is_all)
	__attribute__((warn_unused_result));

#endif
