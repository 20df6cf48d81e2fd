/* SPDX-License-Identifier: MIT */
/*
 * Node records: any bytes are refused or understood, and what is understood is written the same.
 */
#include <string.h>

#include "fuzz/insist.h"
#include "xenstored/store/node.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct node node, again;
	uint8_t *record;

	if (!node_decode(data, size, &node))
		return 0;
	INSIST(node.n_perms > 0);
	INSIST(node_record_len(&node) == size);
	INSIST(node.value + node.value_len == data + size);
	record = malloc(size);
	INSIST(record);
	node_encode(&node, record);
	/* Two bytes mean nothing. */
	INSIST(!memcmp(record, data, 22) &&
	       !memcmp(record + NODE_RECORD_HEAD, data + NODE_RECORD_HEAD,
		       size - NODE_RECORD_HEAD));
	INSIST(node_decode(record, size, &again));
	INSIST(again.id == node.id && again.epoch == node.epoch);
	INSIST(node_same_value(&node, &again) && node_same_perms(&node, &again));
	INSIST(node_owner(&node) == node_perm(&again, 0).domid);
	INSIST(node_cost(&node, 10, 3) >= node_size(node.n_perms, node.value_len, 0));
	free(record);
	return 0;
}
