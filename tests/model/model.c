/* SPDX-License-Identifier: MIT */
#include "tests/model/model.h"

#include <stdlib.h>

void model_init(struct model *model)
{
	static const struct mperms root = { .n = 1 };
	static const struct mperms release = {
		.list = { { .domid = 0 }, { .domid = XSP_DOMID_ANY, .rights = RIGHT_READ } },
		.n = 2,
	};

	*model = (struct model){ 0 };
	for (size_t i = 0; i < MODEL_DOMIDS; i++)
		model->domains[i].target = MODEL_NOBODY;
	model->domains[0].exists = model->domains[0].is_known = true;
	mtree_add(&model->tree, 1, 0, "/", &root, "", 0);
	mtree_add(&model->tree, 2, 1, "/tool", &root, "", 0);
	mtree_add(&model->tree, 3, 2, "/tool/xenstored", &root, "", 0);
	mtree_add(&model->tree, 4, 0, "@introduceDomain", &root, "", 0);
	mtree_add(&model->tree, 5, 0, "@releaseDomain", &release, "", 0);
	model->last_id = 5;
}

static void forget_queue(struct mclient *client)
{
	for (size_t i = 0; i < client->n_queue; i++)
		free(client->queue[i].bytes);
	client->n_queue = client->sent = 0;
}

/* Watches, transactions and what is on its way are gone. */
void model_reset(struct model *model, struct mclient *client)
{
	model_end_txns(model, client);
	model_drop_watches(model, client);
	forget_queue(client);
	client->last_txn = 0;
}

void model_disconnect(struct model *model, struct mclient *client)
{
	model_reset(model, client);
	free(client->queue);
	inbox_fini(&client->expected);
	*client = (struct mclient){ 0 };
}

void model_fini(struct model *model)
{
	for (size_t i = 0; i < MODEL_CLIENTS_MAX; i++)
		model_disconnect(model, &model->clients[i]);
	mtree_fini(&model->tree);
	free(model->log);
}

struct mclient *model_connect(struct model *model)
{
	for (size_t i = 0; i < MODEL_CLIENTS_MAX; i++) {
		struct mclient *client = &model->clients[i];

		if (client->is_used)
			continue;
		*client =
			(struct mclient){ .is_used = true, .is_socket = true, .is_reading = true };
		return client;
	}
	return NULL;
}
