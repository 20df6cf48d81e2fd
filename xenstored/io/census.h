/* SPDX-License-Identifier: MIT */
/*
 * The census: what the hypervisor said last about each domain.
 *
 * Looking through thousands of domains must not cost thousands of hypercalls. So a scan of the
 * domains is begun by asking once for all of them, or for those that changed, and what is asked
 * until it ends is answered from that. Outside of a scan every question goes to the hypervisor.
 */
#ifndef XSD_IO_CENSUS_H
#define XSD_IO_CENSUS_H

#include <stdbool.h>
#include <stdint.h>

struct census;
struct xen;
struct xen_domain;

/* Asks for all domains. The hypervisor is borrowed. A negated errno. */
int census_open(struct xen *xen, struct census **out_census) __attribute__((warn_unused_result));
void census_close(struct census *census);

/* From now on, and until census_end(), answers are from now and not from later. */
void census_begin(struct census *census);
void census_end(struct census *census);

/*
 * Forgets a share of what it knows, so that in time everything is asked anew: what the hypervisor
 * tells of changes is a hint, not the truth.
 */
void census_doubt(struct census *census);

/* False: there is no such domain. When the hypervisor cannot be asked, the last answer stands. */
bool census_domain(struct census *census, uint16_t domid, struct xen_domain *out_domain);

/* The domain after `domid` that existed at the last scan; -1 gives the first, false the end. */
bool census_next(const struct census *census, int domid, struct xen_domain *out_domain);

/*
 * Which domain is privileged and which serves the store, where that is open (XSP_DOMID_INVALID).
 * Without a census (NULL) both are domain 0.
 */
void census_choose(const struct census *census, uint16_t *privileged, uint16_t *store);

#endif
