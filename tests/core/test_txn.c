/* SPDX-License-Identifier: MIT */
/* Transactions as such: made and ended without requests, in a server that is there for the rest. */
#include "xenstored/core/txn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/core/talk.h"
#include "tests/support/check.h"
#include "xenstored/core/state.h"

enum { NOW_MS = 10000, LARGE = TXN_HISTORY_MAX / 4, N_LARGE = 4 };

static struct fake fake;
static struct talker dom0;
static struct txns *txns;

static struct client *begin(void)
{
	fake_start(&fake, NULL);
	talk_begin(&dom0, fake_connect(&fake));
	txns = &fake.server->txns;
	return dom0.conn->client;
}

static void end(void)
{
	talk_end(&dom0);
	fake_stop(&fake);
}

static struct client *guest(unsigned domid)
{
	talk_introduce(&dom0, domid);
	return fake_guest(&fake, domid)->client;
}

static struct txn *start(struct client *client)
{
	struct txn *txn = NULL;

	CHECK_INT(txn_begin(txns, client, NOW_MS, &txn), 0);
	return txn;
}

static void lose(struct client *client, const struct client *rival, unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		struct txn *txn = start(client);

		txn_lost(txns, txn, rival ? rival->number : 0);
		txn_end(txns, txn);
	}
}

static bool must_wait(const struct client *client, uint64_t now_ms)
{
	uint64_t until_ms = 0;

	if (!txn_must_wait(txns, client, now_ms, &until_ms))
		return false;
	CHECK(until_ms > now_ms);
	CHECK(until_ms <= now_ms + TXN_FAVOUR_MS);
	return true;
}

TEST(numbers_skip_0_and_those_of_live_transactions)
{
	struct client *client = begin();

	CHECK_UINT(start(client)->id, 1);
	CHECK_UINT(start(client)->id, 2);
	client->last_txn_id = UINT32_MAX - 1;
	CHECK_UINT(start(client)->id, UINT32_MAX);
	CHECK_UINT(start(client)->id, 3);
	txn_end(txns, txn_find(client, 1));
	CHECK(!txn_find(client, 1));
	client->last_txn_id = UINT32_MAX;
	CHECK_UINT(start(client)->id, 1);
	CHECK_UINT(start(client)->id, 4);
	end();
}

TEST(a_transaction_is_found_by_its_own_client_only)
{
	struct client *client = begin(), *other = guest(1);
	struct txn *txn = start(client);

	CHECK(txn_find(client, txn->id) == txn);
	CHECK(!txn_find(other, txn->id));
	end();
}

TEST(as_many_transactions_as_the_limit_says_are_open)
{
	struct client *client;
	struct txn *txn;

	begin();
	client = guest(1);
	client->domain->ledger.limits.hard[QUOTA_TRANSACTIONS] = 2;
	start(client);
	txn = start(client);
	CHECK_INT(txn_begin(txns, client, NOW_MS, &(struct txn *){ NULL }), ENOSPC);
	CHECK_UINT(txns->n, 2);
	txn_end(txns, txn);
	start(client);
	CHECK_UINT(client->domain->ledger.used[QUOTA_TRANSACTIONS], 2);
	end();
}

TEST(who_lost_often_is_favoured_once)
{
	struct client *client = begin(), *rival = guest(1);
	struct txn *txn;

	lose(client, rival, TXN_LOSSES_TO_FAVOUR - 1);
	txn = start(client);
	CHECK_UINT(txn->favoured_until_ms, 0);
	txn_lost(txns, txn, rival->number);
	txn_end(txns, txn);
	CHECK_UINT(start(client)->favoured_until_ms, NOW_MS + TXN_FAVOUR_MS);
	CHECK_UINT(start(client)->favoured_until_ms, 0);
	CHECK_UINT(txns->n_favoured, 1);
	CHECK_UINT(txns->n_conflicts, TXN_LOSSES_TO_FAVOUR);
	end();
}

TEST(a_win_makes_up_for_all_losses)
{
	struct client *client = begin(), *rival = guest(1);
	struct txn *txn;

	lose(client, rival, TXN_LOSSES_TO_FAVOUR - 1);
	txn = start(client);
	txn_won(txn);
	txn_end(txns, txn);
	lose(client, rival, 1);
	CHECK_UINT(start(client)->favoured_until_ms, 0);
	end();
}

TEST(only_rivals_wait_and_for_a_bounded_time)
{
	struct client *client = begin(), *rival = guest(1), *bystander = guest(2);
	struct txn *txn;

	lose(client, rival, TXN_LOSSES_TO_FAVOUR);
	CHECK(!must_wait(rival, NOW_MS));
	txn = start(client);
	CHECK(must_wait(rival, NOW_MS));
	CHECK(must_wait(rival, NOW_MS + TXN_FAVOUR_MS - 1));
	CHECK(!must_wait(rival, NOW_MS + TXN_FAVOUR_MS));
	CHECK(!must_wait(bystander, NOW_MS));
	CHECK(!must_wait(client, NOW_MS));
	txn_end(txns, txn);
	CHECK(!must_wait(rival, NOW_MS));
	end();
}

TEST(a_guest_is_favoured_against_guests_but_not_against_the_privileged_domain)
{
	struct client *privileged = begin(), *client = guest(1), *rival = guest(2);

	lose(client, privileged, TXN_LOSSES_TO_FAVOUR - 1);
	lose(client, rival, 1);
	CHECK_UINT(client->record.n_rivals, 2);
	CHECK(start(client)->favoured_until_ms > 0);
	CHECK(must_wait(rival, NOW_MS));
	CHECK(!must_wait(privileged, NOW_MS));
	end();
}

TEST(losses_to_nobody_make_no_rival)
{
	struct client *client = begin(), *other = guest(1);

	lose(client, NULL, TXN_LOSSES_TO_FAVOUR);
	CHECK_UINT(client->record.n_rivals, 0);
	CHECK(start(client)->favoured_until_ms > 0);
	CHECK(!must_wait(other, NOW_MS));
	end();
}

TEST(a_bounded_number_of_rivals_is_remembered_and_the_last_among_them)
{
	struct client *client = begin(), *last = guest(1);
	struct txn *txn = start(client);

	for (uint64_t number = 1000; number < 1000 + 3 * TXN_RIVALS; number++)
		txn_lost(txns, txn, number);
	txn_lost(txns, txn, last->number);
	CHECK_UINT(client->record.n_rivals, TXN_RIVALS);
	start(client);
	CHECK(must_wait(last, NOW_MS));
	end();
}

TEST(those_who_started_from_what_is_lost_are_ended)
{
	struct client *client = begin();
	uint64_t number;

	start(client);
	number = tree_number(&fake.store->tree);
	CHECK_STR(talk(&dom0, "WRITE /a|v"), "OK|");
	start(client);
	start(client);
	txns_end_since(txns, number);
	CHECK_UINT(txns->n, 1);
	CHECK(txn_find(client, 1) != NULL);
	end();
}

/* Something large is changed: the history keeps how it was. */
static void change(unsigned i)
{
	static const struct xsp_perm perm = { 0, 0, 0 };
	uint8_t *value = calloc(1, LARGE), perms[NODE_PERM_SIZE];
	struct node before = {
		.id = 1, .n_perms = 1, .perms = perms, .value = value, .value_len = LARGE
	};
	char path[16];

	CHECK(value != NULL);
	node_perm_put(perms, perm);
	snprintf(path, sizeof(path), "/large%u", i);
	CHECK_STR(talk(&dom0, "WRITE /a|v"), "OK|");
	CHECK_INT(history_record(&fake.store->history,
				 &(struct history_change){
					 .number = tree_number(&fake.store->tree),
					 .path = path,
					 .path_len = strlen(path),
					 .name_len = strlen(path) - 1,
					 .aspects = ASPECT_VALUE,
					 .before = &before,
				 }),
		  0);
	free(value);
}

TEST(too_much_history_dooms_the_oldest_transaction)
{
	struct client *client = begin();
	struct txn *oldest = start(client), *newest;

	for (unsigned i = 0; i < N_LARGE; i++) {
		CHECK(!oldest->view.is_doomed);
		change(i);
	}
	newest = start(client);
	CHECK(fake.store->history.bytes > TXN_HISTORY_MAX);
	txns_bound_history(txns);
	CHECK(oldest->view.is_doomed);
	CHECK(!newest->view.is_doomed);
	CHECK(fake.store->history.bytes < LARGE);
	end();
}

TEST(guests_are_doomed_before_the_privileged_domain)
{
	struct client *client = begin(), *other = guest(7);
	struct txn *first = start(client), *of_guest, *last;

	change(0);
	of_guest = start(other);
	for (unsigned i = 0; i < N_LARGE - 1; i++)
		change(i);
	last = start(other);
	CHECK(fake.store->history.bytes > TXN_HISTORY_MAX);
	txns_bound_history(txns);
	/* One version is kept for the guest alone. */
	CHECK(!last->view.is_doomed);
	CHECK(of_guest->view.is_doomed);
	CHECK(!first->view.is_doomed);
	CHECK(fake.store->history.bytes <= TXN_HISTORY_MAX);
	end();
}

TEST(guests_are_not_doomed_for_what_the_privileged_domain_keeps)
{
	struct client *client = begin(), *other = guest(7);
	struct txn *first = start(client), *of_guest;

	for (unsigned i = 0; i < N_LARGE; i++)
		change(i);
	of_guest = start(other);
	CHECK(fake.store->history.bytes > TXN_HISTORY_MAX);
	txns_bound_history(txns);
	CHECK(!of_guest->view.is_doomed);
	CHECK(first->view.is_doomed);
	CHECK(fake.store->history.bytes < LARGE);
	end();
}
