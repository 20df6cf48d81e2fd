/* SPDX-License-Identifier: MIT */
#include "xenstored/store/node.h"

#include <string.h>

_Static_assert(sizeof(struct xsp_perm) == NODE_PERM_SIZE, "entries are stored as they are");

bool node_decode(const uint8_t *record, size_t len, struct node *out_node)
{
	uint16_t n_perms;
	size_t perms_len;

	if (len < NODE_RECORD_HEAD)
		return false;
	memcpy(&n_perms, record + 20, sizeof(n_perms));
	perms_len = (size_t)n_perms * NODE_PERM_SIZE;
	if (n_perms == 0 || len - NODE_RECORD_HEAD < perms_len)
		return false;
	memcpy(&out_node->id, record, sizeof(out_node->id));
	memcpy(&out_node->generation, record + 8, sizeof(out_node->generation));
	memcpy(&out_node->epoch, record + 16, sizeof(out_node->epoch));
	out_node->n_perms = n_perms;
	out_node->perms = record + NODE_RECORD_HEAD;
	out_node->value = out_node->perms + perms_len;
	out_node->value_len = len - NODE_RECORD_HEAD - perms_len;
	return true;
}

size_t node_record_len(const struct node *node)
{
	return NODE_RECORD_HEAD + (size_t)node->n_perms * NODE_PERM_SIZE + node->value_len;
}

void node_encode(const struct node *node, uint8_t *out_record)
{
	size_t perms_len = (size_t)node->n_perms * NODE_PERM_SIZE;
	uint16_t n_perms = (uint16_t)node->n_perms;

	memcpy(out_record, &node->id, sizeof(node->id));
	memcpy(out_record + 8, &node->generation, sizeof(node->generation));
	memcpy(out_record + 16, &node->epoch, sizeof(node->epoch));
	memcpy(out_record + 20, &n_perms, sizeof(n_perms));
	memset(out_record + 22, 0, 2);
	memcpy(out_record + NODE_RECORD_HEAD, node->perms, perms_len);
	if (node->value_len)
		memcpy(out_record + NODE_RECORD_HEAD + perms_len, node->value, node->value_len);
}

struct xsp_perm node_perm(const struct node *node, size_t i)
{
	struct xsp_perm perm;

	memcpy(&perm, node->perms + i * NODE_PERM_SIZE, sizeof(perm));
	return perm;
}

uint16_t node_owner(const struct node *node)
{
	return node_perm(node, 0).domid;
}

void node_perm_put(uint8_t *out_bytes, struct xsp_perm perm)
{
	memcpy(out_bytes, &perm, sizeof(perm));
}

bool node_same_value(const struct node *a, const struct node *b)
{
	return a->value_len == b->value_len &&
	       (a->value_len == 0 || !memcmp(a->value, b->value, a->value_len));
}

bool node_same_perms(const struct node *a, const struct node *b)
{
	return a->n_perms == b->n_perms && a->epoch == b->epoch &&
	       !memcmp(a->perms, b->perms, (size_t)a->n_perms * NODE_PERM_SIZE);
}

uint64_t node_cost(const struct node *node, size_t path_len, size_t name_len)
{
	return node_size(node->n_perms, node->value_len, name_len + 1) + path_len;
}

uint64_t node_size(size_t n_perms, size_t value_len, size_t child_bytes)
{
	return 16 + 8 * (uint64_t)n_perms + value_len + child_bytes;
}
