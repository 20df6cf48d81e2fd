/* SPDX-License-Identifier: MIT */
/*
 * Operations on domains: INTRODUCE, RELEASE, RESUME, SET_TARGET, GET_DOMAIN_PATH,
 * IS_DOMAIN_INTRODUCED, and their feature bits.
 */
#include <errno.h>

#include "xenstored/core/client.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/fire.h"
#include "xenstored/core/host.h"
#include "xenstored/core/introduction.h"
#include "xenstored/core/op.h"
#include "xenstored/core/removal.h"
#include "xenstored/core/request.h"
#include "xenstored/core/state.h"

static int answer_ok(struct request *rq, int err)
{
	if (!err)
		xsp_body_string(rq->body, "OK");
	return err;
}

/* The store's own domain and the privileged one are not to be handled like guests. */
static int guest_domid(const struct request *rq, size_t i, uint16_t *out_domid)
{
	const struct server_config *config = &rq->server->config;
	int err = request_domid(rq, i, out_domid);

	if (!err && (*out_domid == config->store_domid || *out_domid == config->privileged_domid))
		err = EINVAL;
	return err;
}

static int introduced(const struct request *rq, uint16_t domid, struct domain **out_domain)
{
	*out_domain = domain_find(&rq->server->domains, domid);
	return *out_domain && (*out_domain)->is_introduced ? 0 : ENOENT;
}

/* INTRODUCE <domid>|<gfn>|<port>|  ->  OK|  The frame number is ignored: grants are used. */
int op_introduce(struct request *rq)
{
	uint16_t domid;
	uint32_t port;
	int err = guest_domid(rq, 0, &domid);

	if (!err)
		err = request_u32(rq, 2, UINT32_MAX, &port);
	if (!err && port == 0)
		err = EINVAL;
	return answer_ok(rq, err ? err : introduction_run(rq->server, domid, port));
}

/* RELEASE <domid>|  ->  OK| */
int op_release(struct request *rq)
{
	struct domain *domain;
	uint16_t domid;
	int err = guest_domid(rq, 0, &domid);

	if (!err)
		err = introduced(rq, domid, &domain);
	return answer_ok(rq, err ? err : removal_run(rq->server, domain));
}

/* RESUME <domid>|  ->  OK|  A domain resumed in place is announced again: nobody waits for ever. */
int op_resume(struct request *rq)
{
	struct domain *domain;
	uint16_t domid;
	int err = guest_domid(rq, 0, &domid);

	if (!err)
		err = introduced(rq, domid, &domain);
	if (!err && domain->is_shut_down) {
		domain->is_shut_down = false;
		fire_special(rq->server, FIRE_INTRODUCE, domid, FIRE_PLAIN | FIRE_OF_DOMAIN);
	}
	return answer_ok(rq, err);
}

/* SET_TARGET <domid>|<target>|  ->  OK| */
int op_set_target(struct request *rq)
{
	struct domain *domain, *target;
	uint16_t domid, target_domid;
	int err = request_domid(rq, 0, &domid);

	if (!err)
		err = request_domid(rq, 1, &target_domid);
	if (!err)
		err = introduced(rq, domid, &domain);
	if (!err)
		err = introduced(rq, target_domid, &target);
	if (!err)
		domain_set_target(rq->actor.domains, domain, target_domid);
	return answer_ok(rq, err);
}

/* GET_DOMAIN_PATH <domid>|  ->  /local/domain/<domid>| */
int op_get_domain_path(struct request *rq)
{
	char path[XSP_PATH_BASE_MAX];
	uint16_t domid;
	int err = request_domid(rq, 0, &domid);

	if (err)
		return err;
	xsp_path_base(path, domid);
	xsp_body_string(rq->body, path);
	return 0;
}

/* IS_DOMAIN_INTRODUCED <domid>|  ->  T|  or  F| */
int op_is_domain_introduced(struct request *rq)
{
	struct domain *domain;
	uint16_t domid;
	int err = request_domid(rq, 0, &domid);
	bool is_introduced;

	if (err)
		return err;
	is_introduced = domid == XSP_DOMID_SELF || domid == rq->server->config.store_domid ||
			introduced(rq, domid, &domain) == 0;
	xsp_body_string(rq->body, is_introduced ? "T" : "F");
	return 0;
}

/* GET_FEATURE [<domid>|]  ->  <bits>| */
int op_get_feature(struct request *rq)
{
	struct domain *domain;
	uint32_t features = request_features(rq);
	int err;

	if (rq->n_strings == 1) {
		if (!rq->actor.is_privileged)
			return EACCES;
		err = request_domain(rq, 0, &domain);
		if (err)
			return err;
		features = domain->features;
	}
	xsp_body_text(rq->body, "%u", features);
	xsp_body_bytes(rq->body, "", 1);
	return 0;
}

/* SET_FEATURE <domid>|<bits>|  ->  OK|  Only before the domain is introduced. */
int op_set_feature(struct request *rq)
{
	struct domain *domain;
	uint32_t features;
	int err = request_domain(rq, 0, &domain);

	if (!err && domain->is_introduced)
		err = EBUSY;
	if (!err)
		err = request_u32(rq, 1, UINT32_MAX, &features);
	if (!err && (features & ~(uint32_t)XSP_FEATURES_ALL))
		err = EINVAL;
	if (!err)
		domain->features = features;
	return answer_ok(rq, err);
}
