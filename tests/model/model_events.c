/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model/model.h"
#include "tests/support/text.h"

void model_post(struct mclient *client, const struct xsp_header *header, const void *payload,
		bool merges)
{
	size_t len = XSP_HEADER_SIZE + header->len;
	uint8_t *bytes = text_alloc(len);

	xsp_header_put(bytes, header);
	if (header->len)
		memcpy(bytes + XSP_HEADER_SIZE, payload, header->len);
	for (size_t i = 0; merges && i < client->n_queue; i++) {
		const struct mmessage *waiting = &client->queue[i];

		if (waiting->merges && waiting->len == len && !memcmp(waiting->bytes, bytes, len)) {
			free(bytes);
			return;
		}
	}
	client->queue = text_grow(client->queue, (client->n_queue + 1) * sizeof(struct mmessage));
	client->queue[client->n_queue++] =
		(struct mmessage){ .len = len, .merges = merges, .bytes = bytes };
}

static void deliver(struct mclient *client)
{
	while (client->n_queue > 0) {
		struct mmessage *first = &client->queue[0];
		size_t left = first->len - client->sent;
		size_t n = client->is_reading ? left : client->room - client->unread;

		if (n > left)
			n = left;
		inbox_add(&client->expected, first->bytes + client->sent, n);
		client->sent += n;
		if (!client->is_reading)
			client->unread += n;
		if (client->sent < first->len)
			return;
		client->sent = 0;
		free(first->bytes);
		client->n_queue--;
		memmove(client->queue, client->queue + 1,
			client->n_queue * sizeof(struct mmessage));
	}
}

void model_deliver(struct model *model)
{
	for (size_t i = 0; i < MODEL_CLIENTS_MAX; i++) {
		if (model->clients[i].is_used)
			deliver(&model->clients[i]);
	}
}

void model_read(struct mclient *client)
{
	bool is_reading = client->is_reading;

	client->unread = 0;
	client->is_reading = true;
	deliver(client);
	client->is_reading = is_reading;
}

static void tell_watch(const struct mwatch *watch, const char *path, bool merges)
{
	struct xsp_header header = { .type = XSP_WATCH_EVENT };
	char payload[2 * XSP_PAYLOAD_MAX];
	size_t len = strlen(path) - watch->cut + 1, token_len = strlen(watch->token) + 1;

	if (len + token_len > XSP_PAYLOAD_MAX)
		return;
	memcpy(payload, path + watch->cut, len);
	memcpy(payload + len, watch->token, token_len);
	header.len = (uint32_t)(len + token_len);
	model_post(watch->client, &header, payload, merges);
}

/* Levels from the watched path down to a path, -1 if it does not lead there. */
static int levels(const char *top, const char *path)
{
	return xsp_path_levels_below(top, strlen(top), path, strlen(path));
}

static bool may_know(const struct model *model, const struct mclient *client,
		     const struct mperms *old, const struct mperms *now,
		     const struct mperms *parent)
{
	return model_is_privileged(client) ||
	       (old && model_allows(model, client, old, RIGHT_READ)) ||
	       (now && model_allows(model, client, now, RIGHT_READ)) ||
	       (parent && model_allows(model, client, parent, RIGHT_READ));
}

void model_tell(struct model *model, const char *path, const struct mperms *old,
		const struct mperms *now, const struct mperms *parent)
{
	for (size_t i = 0; i < model->n_watches; i++) {
		struct mwatch *watch = &model->watches[i];
		int n = levels(watch->path, path);

		if (n >= 0 && (watch->depth < 0 || n <= watch->depth) &&
		    may_know(model, watch->client, old, now, parent))
			tell_watch(watch, path, true);
	}
}

void model_tell_exact(struct model *model, const char *path, const struct mperms *old,
		      const struct mperms *parent)
{
	for (size_t i = 0; i < model->n_watches; i++) {
		struct mwatch *watch = &model->watches[i];

		if (!strcmp(watch->path, path) && may_know(model, watch->client, old, NULL, parent))
			tell_watch(watch, path, true);
	}
}

void model_tell_below(struct model *model, const struct mtree *tree, const char *path,
		      bool is_deepest_first)
{
	const struct mnode *top = mtree_find(tree, path);
	size_t n;
	struct mnode **children = mtree_children(tree, path, &n);

	for (size_t i = 0; i < n; i++) {
		if (!is_deepest_first)
			model_tell_exact(model, children[i]->path, &children[i]->perms,
					 &top->perms);
		model_tell_below(model, tree, children[i]->path, is_deepest_first);
		if (is_deepest_first)
			model_tell_exact(model, children[i]->path, &children[i]->perms,
					 &top->perms);
	}
	free(children);
}

void model_tell_special(struct model *model, const char *name, unsigned domid, unsigned forms)
{
	const struct mnode *node = mtree_find(&model->tree, name);
	const struct mnode *root = mtree_find(&model->tree, "/");
	char of_domain[64];

	snprintf(of_domain, sizeof(of_domain), "%s/%u", name, domid);
	/* With a domain before plain; of each, those on the name before those on the number. */
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < model->n_watches; i++) {
			struct mwatch *watch = &model->watches[i];
			bool is_plain = !strcmp(watch->path, name);
			bool is_told = false;

			if (round == 0)
				is_told = (forms & TELL_DOMAIN) && is_plain && watch->depth > 0;
			else if (round == 1)
				is_told = (forms & TELL_DOMAIN) &&
					  !strcmp(watch->path, of_domain) && watch->depth != 0;
			else
				is_told = (forms & TELL_PLAIN) && is_plain && watch->depth < 0;
			if (is_told &&
			    may_know(model, watch->client, &node->perms, &root->perms, NULL))
				tell_watch(watch, round == 2 ? name : of_domain, false);
		}
	}
}

void model_first_event(struct model *model, const struct mwatch *watch)
{
	(void)model;
	tell_watch(watch, watch->path, true);
}

void mwatch_fini(struct mwatch *watch)
{
	free(watch->path);
	free(watch->token);
}

void model_drop_watches(struct model *model, const struct mclient *client)
{
	size_t kept = 0;

	for (size_t i = 0; i < model->n_watches; i++) {
		if (model->watches[i].client == client)
			mwatch_fini(&model->watches[i]);
		else
			model->watches[kept++] = model->watches[i];
	}
	model->n_watches = kept;
}
