/* SPDX-License-Identifier: MIT */
#include "xenstored/io/census.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/wire.h"
#include "xenstored/base/log.h"
#include "xenstored/io/xen.h"

enum {
	N_DOMAINS = XSP_DOMID_FIRST_RESERVED,
	/* Domains looked at again in one reconcile, where they can only be asked for one by one. */
	DOUBTED_AT_ONCE = 512,
};

/* What was said of one domid. */
struct entry {
	struct xen_domain domain;
	bool exists;
	bool is_known;  /* said, and not in doubt */
	uint32_t round; /* of the scan that heard of it */
};

struct census {
	struct xen *xen;       /* borrowed */
	struct entry *entries; /* owned; by domid */
	int n;                 /* entries beyond were never used */
	uint32_t round;
	int doubt; /* where doubting goes on */
	bool is_scanning;
	bool has_complained;
};

static void note(struct census *census, uint16_t domid, const struct xen_domain *domain)
{
	struct entry *entry = &census->entries[domid];

	entry->exists = domain != NULL;
	if (domain)
		entry->domain = *domain;
	entry->is_known = true;
	entry->round = census->round;
	if (domid >= census->n)
		census->n = domid + 1;
}

static void on_domain(void *arg, const struct xen_domain *domain)
{
	if (domain->domid < N_DOMAINS)
		note(arg, domain->domid, domain);
}

static int scan(struct census *census)
{
	bool is_all;
	int err;

	census->round++;
	err = xen_each_domain(census->xen, on_domain, census, &is_all);
	if (err || !is_all)
		return err;
	for (int domid = 0; domid < census->n; domid++) {
		if (census->entries[domid].round != census->round)
			note(census, (uint16_t)domid, NULL);
	}
	return 0;
}

int census_open(struct xen *xen, struct census **out_census)
{
	struct census *census = calloc(1, sizeof(*census));
	int err = -ENOMEM;

	if (census) {
		census->xen = xen;
		census->entries = calloc(N_DOMAINS, sizeof(*census->entries));
		err = census->entries ? scan(census) : -ENOMEM;
	}
	if (err) {
		census_close(census);
		return err;
	}
	*out_census = census;
	return 0;
}

void census_close(struct census *census)
{
	if (!census)
		return;
	free(census->entries);
	free(census);
}

static void complain(struct census *census, int err)
{
	if (!census->has_complained)
		log_line(LOG_LEVEL_ERROR, "cannot ask for the state of domains: %s",
			 strerror(-err));
	census->has_complained = true;
}

void census_begin(struct census *census)
{
	int err = census->is_scanning ? 0 : scan(census);

	if (err)
		complain(census, err);
	census->is_scanning = !err;
}

void census_end(struct census *census)
{
	census->is_scanning = false;
}

void census_doubt(struct census *census)
{
	for (int i = 0; i < DOUBTED_AT_ONCE && i < census->n; i++) {
		if (census->doubt >= census->n)
			census->doubt = 0;
		census->entries[census->doubt++].is_known = false;
	}
}

bool census_domain(struct census *census, uint16_t domid, struct xen_domain *out_domain)
{
	struct entry *entry;
	int err;

	if (domid >= N_DOMAINS)
		return false;
	entry = &census->entries[domid];
	if (!census->is_scanning || !entry->is_known) {
		struct xen_domain domain;

		err = xen_domain(census->xen, domid, &domain);
		if (err < 0)
			complain(census, err);
		else
			note(census, domid, err ? NULL : &domain);
	}
	if (entry->exists)
		*out_domain = entry->domain;
	return entry->exists;
}

bool census_next(const struct census *census, int domid, struct xen_domain *out_domain)
{
	for (domid++; domid < census->n; domid++) {
		if (census->entries[domid].exists) {
			*out_domain = census->entries[domid].domain;
			return true;
		}
	}
	return false;
}

void census_choose(const struct census *census, uint16_t *privileged, uint16_t *store)
{
	bool is_store_given = *store != XSP_DOMID_INVALID;
	struct xen_domain domain = { 0 };

	for (int domid = -1; census && census_next(census, domid, &domain); domid = domain.domid) {
		if (domain.is_control && *privileged == XSP_DOMID_INVALID)
			*privileged = domain.domid;
		/* The control domain may be marked too; one made for the purpose comes later. */
		if (domain.is_xenstore && !is_store_given)
			*store = domain.domid;
	}
	if (*privileged == XSP_DOMID_INVALID)
		*privileged = *store == XSP_DOMID_INVALID ? 0 : *store;
	if (*store == XSP_DOMID_INVALID)
		*store = *privileged;
}
