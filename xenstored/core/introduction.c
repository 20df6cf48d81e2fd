/* SPDX-License-Identifier: MIT */
#include "xenstored/core/introduction.h"

#include <errno.h>

#include "xenstored/core/acquaintance.h"
#include "xenstored/core/fire.h"
#include "xenstored/core/host.h"
#include "xenstored/core/removal.h"
#include "xenstored/core/state.h"

int introduction_name(struct server *server, uint16_t domid, struct domain **out_domain)
{
	struct domains *domains = &server->domains;
	struct domain *domain;
	int err = domain_learn(domains, domid, &domain);

	if (err == ESTALE) {
		err = removal_run(server, domain_find(domains, domid));
		if (!err)
			err = domain_learn(domains, domid, &domain);
	}
	if (!err)
		err = acquaintance_record(server, domain);
	if (!err)
		*out_domain = domain;
	return err;
}

static int introduce_again(struct server *server, struct domain *domain, uint32_t port)
{
	struct client *client = domain->client;

	client_reset(client);
	/* A ring that was given up gets another chance. */
	client->is_ignored = false;
	client->is_over = false;
	domain->port = port;
	server->host->ring_reopen(server->host->self, client, port, domain->features);
	return 0;
}

/* Another domain may have the number by now: the news of the first one's end may come later. */
static bool has_ended(const struct server *server, const struct domain *domain)
{
	const struct host *host = server->host;
	struct host_domain state;

	if (!(domain->is_introduced || domain->is_named) ||
	    domain->domid == server->config.privileged_domid ||
	    domain->domid == server->config.store_domid)
		return false;
	return !host->domain_state(host->self, domain->domid, &state) || state.is_dead ||
	       state.unique_id != domain->unique_id;
}

int introduction_run(struct server *server, uint16_t domid, uint32_t port)
{
	const struct host *host = server->host;
	struct domain *domain = domain_find(&server->domains, domid);
	int err = 0;

	if (domain && has_ended(server, domain))
		err = removal_run(server, domain);
	if (!err)
		err = introduction_name(server, domid, &domain);
	if (err)
		return err == ENOENT ? EINVAL : err;
	if (domain->is_introduced)
		return introduce_again(server, domain, port);
	domain->client = client_new(server, CLIENT_RING, domain);
	if (!domain->client)
		return -ENOMEM;
	err = host->ring_open(host->self, domid, port, domain->features, domain->client);
	if (err) {
		client_free(domain->client);
		domain->client = NULL;
		return err;
	}
	domain->port = port;
	domain->is_introduced = true;
	domain->is_shut_down = false;
	if (domid != server->config.privileged_domid)
		fire_special(server, FIRE_INTRODUCE, domid, FIRE_PLAIN | FIRE_OF_DOMAIN);
	return 0;
}
