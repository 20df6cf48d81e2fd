/* SPDX-License-Identifier: MIT */
#include "xenstored/core/outstanding.h"

#include <stdlib.h>

/* So many bytes of unread events count as a request. */
enum { SLOT_BYTES = 64 * 1024 };

struct outstanding *outstanding_new(struct outstanding_list *list, struct ledger *ledger)
{
	struct outstanding *outstanding = calloc(1, sizeof(*outstanding));

	if (!outstanding)
		return NULL;
	outstanding->n_references = 1;
	if (charge_take(&outstanding->charge, ledger, QUOTA_OUTSTANDING, 1)) {
		/* The caller asked whether there is room; a limit lowered since is no reason to fail. */
		ledger_adjust(ledger, QUOTA_OUTSTANDING, 1);
		outstanding->charge = (struct charge){ ledger, QUOTA_OUTSTANDING, 1 };
	}
	LIST_INSERT_HEAD(list, outstanding, of_domain);
	return outstanding;
}

void outstanding_hold(struct outstanding *outstanding, size_t lasting)
{
	uint32_t amount;

	if (!outstanding)
		return;
	outstanding->n_references++;
	if (lasting == 0)
		return;
	outstanding->n_lasting++;
	outstanding->n_bytes += lasting;
	amount = 1 + (uint32_t)(outstanding->n_bytes / SLOT_BYTES);
	if (outstanding->charge.ledger && amount > outstanding->charge.amount) {
		ledger_adjust(outstanding->charge.ledger, QUOTA_OUTSTANDING,
			      amount - outstanding->charge.amount);
		outstanding->charge.amount = amount;
	}
}

static void leave_queue(struct outstanding *outstanding)
{
	if (outstanding->queue)
		TAILQ_REMOVE(outstanding->queue, outstanding, in_queue);
	outstanding->queue = NULL;
}

static void discharge(struct outstanding *outstanding)
{
	leave_queue(outstanding);
	if (outstanding->charge.ledger)
		LIST_REMOVE(outstanding, of_domain);
	charge_drop(&outstanding->charge);
}

void outstanding_release(struct outstanding *outstanding, size_t lasting)
{
	if (!outstanding)
		return;
	if (lasting > 0)
		outstanding->n_lasting--;
	if (--outstanding->n_references > 0)
		return;
	discharge(outstanding);
	free(outstanding);
}

void outstanding_await(struct outstanding *outstanding, struct outstanding_queue *queue,
		       uint64_t until_ms)
{
	if (outstanding->queue || !outstanding->charge.ledger)
		return;
	outstanding->queue = queue;
	outstanding->until_ms = until_ms;
	TAILQ_INSERT_TAIL(queue, outstanding, in_queue);
}

uint64_t outstanding_expire(struct outstanding_queue *queue, uint64_t now_ms, uint64_t more_ms)
{
	struct outstanding *outstanding;

	while ((outstanding = TAILQ_FIRST(queue)) && outstanding->until_ms <= now_ms) {
		if (outstanding->n_references == outstanding->n_lasting) {
			discharge(outstanding);
			continue;
		}
		leave_queue(outstanding);
		outstanding_await(outstanding, queue, now_ms + more_ms);
	}
	return outstanding ? outstanding->until_ms : UINT64_MAX;
}

void outstanding_forgive(struct outstanding_list *list)
{
	while (!LIST_EMPTY(list))
		discharge(LIST_FIRST(list));
}
