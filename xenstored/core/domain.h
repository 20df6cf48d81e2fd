/* SPDX-License-Identifier: MIT */
/*
 * The domains we know: those introduced, and those named in permissions while they exist.
 *
 * A domain is known by its unique id where the hypervisor has one; the domid is an alias that the
 * next domain may get. Removals are counted in epochs: a permission entry set before the last
 * removal of its domid is for a domain that is gone, and grants nothing. A server that goes on
 * from another one begins an epoch, in which nobody is left but those it was told of.
 */
#ifndef XSD_CORE_DOMAIN_H
#define XSD_CORE_DOMAIN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "xenstored/base/map.h"
#include "xenstored/core/outstanding.h"
#include "xenstored/core/quota.h"

struct client;
struct host;

struct domain {
	struct map_link link;
	TAILQ_ENTRY(domain) entry; /* domains.all */
	TAILQ_ENTRY(domain) in_gone;
	uint16_t domid;
	bool is_introduced;
	bool is_shut_down;     /* @releaseDomain was fired for it */
	bool is_gone;          /* in domains.gone: removed, the record waits to be freed */
	bool has_leftovers;    /* was removed, but for its nodes: the store failed */
	bool is_named;         /* known for its permissions only, or for SET_FEATURE */
	bool is_recorded;      /* on the store's roster */
	uint16_t target;       /* see domain_target() */
	uint32_t target_epoch; /* in which it was set */
	uint32_t features;
	uint32_t port; /* remote, of the last introduction */
	uint64_t unique_id;
	struct ledger ledger;
	struct outstanding_list outstanding;
	struct client *client; /* borrowed: its ring's; NULL while not introduced */
};

TAILQ_HEAD(domain_list, domain);

struct domains {
	struct map by_domid;
	struct domain_list all;
	struct domain_list gone;
	const struct host *host;    /* borrowed */
	bool has_room_news;         /* a domain whose client is held back got something back */
	struct quota_limits limits; /* for domains learned of later */
	uint32_t features;          /* likewise */
	uint32_t epoch;             /* removals so far */
	uint32_t start_epoch;       /* that this server began */
	bool is_epoch_recorded;     /* in the store */
	uint32_t *removed;   /* owned: by domid, the epoch of the last removal; 0: start_epoch */
	uint16_t privileged; /* domid without limits and with all rights */
};

/* -ENOMEM. */
int domains_init(struct domains *domains, const struct host *host, uint16_t privileged,
		 uint64_t seed) __attribute__((warn_unused_result));
void domains_fini(struct domains *domains);

/* Goes on from a server whose last epoch was `epoch`: all that it knew have ended, but those who... */
void domains_go_on(struct domains *domains, uint32_t epoch);

/* ... are still known: entries set in epoch `since` or later mean this domain. */
void domain_go_on(struct domains *domains, uint16_t domid, uint32_t since);

/* The record of a domain, or NULL. */
struct domain *domain_find(const struct domains *domains, uint16_t domid);

/*
 * The record of a domain, made if the hypervisor has such a domain. ENOENT: it has not. ESTALE:
 * the one we know under that number is gone, and has to be removed before. The privileged domain
 * always exists.
 */
int domain_learn(struct domains *domains, uint16_t domid, struct domain **out_domain)
	__attribute__((warn_unused_result));

/* The record of a domain that owns nodes, made in any case. -ENOMEM. */
int domain_record(struct domains *domains, uint16_t domid, struct domain **out_domain)
	__attribute__((warn_unused_result));

/*
 * Frees the records of removed domains whose clients are gone. A record that is still charged for
 * detached nodes stays, without any other life, until they are reclaimed.
 */
void domains_reap(struct domains *domains);

/*
 * The domain of that domid is gone: starts a new epoch, in which entries set before are void, and
 * what is still charged under the domid is all that is left of its record.
 */
void domain_void_permissions(struct domains *domains, uint16_t domid);

/* The first epoch whose permission entries mean the domain that has the number now. */
uint32_t domain_since(const struct domains *domains, uint16_t domid);

/* True if a permission entry set in `epoch` still means the domain it meant. */
bool domain_entry_counts(const struct domains *domains, uint16_t domid, uint32_t epoch);

/* Whom the domain acts for, as long as that one lives. XSP_DOMID_INVALID: nobody. */
uint16_t domain_target(const struct domains *domains, const struct domain *domain);
void domain_set_target(const struct domains *domains, struct domain *domain, uint16_t target);

#endif
