/* SPDX-License-Identifier: MIT */
#include "xenstored/core/txn.h"

#include <errno.h>
#include <stdlib.h>

#include "xenstored/core/client.h"
#include "xenstored/core/domain.h"
#include "xenstored/store/store.h"

void txns_init(struct txns *txns, struct store *store)
{
	*txns = (struct txns){ .store = store };
	TAILQ_INIT(&txns->open);
}

struct txn *txn_find(const struct client *client, uint32_t id)
{
	struct txn *txn;

	TAILQ_FOREACH (txn, &client->txns, of_client) {
		if (txn->id == id)
			return txn;
	}
	return NULL;
}

/* The next number: never 0, and none of a live transaction. */
static uint32_t next_id(struct client *client)
{
	do
		client->last_txn_id++;
	while (client->last_txn_id == 0 || txn_find(client, client->last_txn_id));
	return client->last_txn_id;
}

/* A doomed transaction needs no history. */
static void doom(struct txns *txns, struct txn *txn)
{
	if (txn->view.is_doomed)
		return;
	txn->view.is_doomed = true;
	history_close(&txns->store->history, &txn->reader);
}

int txn_begin(struct txns *txns, struct client *client, uint64_t now_ms, struct txn **out_txn)
{
	struct ledger *ledger = &client->domain->ledger;
	struct txn *txn = calloc(1, sizeof(*txn));
	int err;

	if (!txn)
		return -ENOMEM;
	err = charge_take(&txn->count, ledger, QUOTA_TRANSACTIONS, 1);
	if (err) {
		free(txn);
		return err;
	}
	txn->client = client;
	txn->id = next_id(client);
	txn->started_ms = now_ms;
	view_begin_snapshot(&txn->view, txns->store, tree_number(&txns->store->tree));
	if (ledger->is_limited)
		txn->view.n_max = ledger->limits.hard[QUOTA_TRANSACTION_NODES];
	if (client->record.n_losses >= TXN_LOSSES_TO_FAVOUR) {
		/* Favour is paid for with losses: it cannot be had again without more of them. */
		client->record.n_losses = 0;
		txn->favoured_until_ms = now_ms + TXN_FAVOUR_MS;
		txns->n_favoured++;
	}
	TAILQ_INSERT_TAIL(&txns->open, txn, by_start);
	TAILQ_INSERT_TAIL(&client->txns, txn, of_client);
	txns->n++;
	history_open(&txns->store->history, &txn->reader, txn->view.start, ledger->is_limited);
	*out_txn = txn;
	return 0;
}

void txn_end(struct txns *txns, struct txn *txn)
{
	TAILQ_REMOVE(&txns->open, txn, by_start);
	TAILQ_REMOVE(&txn->client->txns, txn, of_client);
	txns->n--;
	if (txn->favoured_until_ms)
		txns->n_favoured--;
	doom(txns, txn);
	ledger_adjust(&txn->client->domain->ledger, QUOTA_MEMORY, -(int64_t)txn->charged_bytes);
	charge_drop(&txn->count);
	view_end(&txn->view);
	free(txn);
}

void txns_end_since(struct txns *txns, uint64_t number)
{
	struct txn *txn;

	/* The oldest come first. */
	while ((txn = TAILQ_LAST(&txns->open, txn_list)) && txn->view.start > number)
		txn_end(txns, txn);
}

void txn_lost(struct txns *txns, struct txn *txn, uint64_t rival)
{
	struct txn_record *record = &txn->client->record;
	size_t i;

	txns->n_conflicts++;
	record->n_losses++;
	if (rival == 0)
		return;
	for (i = 0; i < record->n_rivals; i++) {
		if (record->rivals[i] == rival)
			return;
	}
	if (record->n_rivals < TXN_RIVALS)
		record->rivals[record->n_rivals++] = rival;
	else
		record->rivals[rival % TXN_RIVALS] = rival;
}

void txn_won(struct txn *txn)
{
	txn->client->record = (struct txn_record){ 0 };
}

static bool is_rival(const struct txn_record *record, uint64_t number)
{
	for (size_t i = 0; i < record->n_rivals; i++) {
		if (record->rivals[i] == number)
			return true;
	}
	return false;
}

bool txn_must_wait(const struct txns *txns, const struct client *client, uint64_t now_ms,
		   uint64_t *out_until_ms)
{
	const struct txn *txn;

	if (txns->n_favoured == 0)
		return false;
	TAILQ_FOREACH (txn, &txns->open, by_start) {
		if (txn->favoured_until_ms <= now_ms || txn->client == client)
			continue;
		if (!client->domain->ledger.is_limited && txn->client->domain->ledger.is_limited)
			continue;
		if (is_rival(&txn->client->record, client->number)) {
			*out_until_ms = txn->favoured_until_ms;
			return true;
		}
	}
	return false;
}

void txns_bound_history(struct txns *txns)
{
	const size_t *bytes = &txns->store->history.bytes;
	struct txn *txn;

	if (*bytes <= TXN_HISTORY_MAX)
		return;
	history_weigh(&txns->store->history);
	TAILQ_FOREACH (txn, &txns->open, by_start) {
		if (*bytes > TXN_HISTORY_MAX && txn->reader.is_burden)
			doom(txns, txn);
	}
	TAILQ_FOREACH (txn, &txns->open, by_start) {
		if (*bytes > TXN_HISTORY_MAX)
			doom(txns, txn);
	}
}
