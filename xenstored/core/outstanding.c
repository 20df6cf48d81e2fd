/* SPDX-License-Identifier: MIT */
#include "xenstored/core/outstanding.h"

#include <stdlib.h>

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

void outstanding_hold(struct outstanding *outstanding)
{
	if (outstanding)
		outstanding->n_references++;
}

static void discharge(struct outstanding *outstanding)
{
	if (outstanding->charge.ledger)
		LIST_REMOVE(outstanding, of_domain);
	charge_drop(&outstanding->charge);
}

void outstanding_release(struct outstanding *outstanding)
{
	if (!outstanding || --outstanding->n_references > 0)
		return;
	discharge(outstanding);
	free(outstanding);
}

void outstanding_forgive(struct outstanding_list *list)
{
	while (!LIST_EMPTY(list))
		discharge(LIST_FIRST(list));
}
