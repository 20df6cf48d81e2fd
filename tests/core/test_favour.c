/* SPDX-License-Identifier: MIT */
/* A transaction and a writer who never rests, on one node: both are served in the end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/core/talk.h"
#include "tests/support/check.h"
#include "xenstored/core/txn.h"

static struct fake fake;
static struct talker dom0, guest;
static unsigned n_written;

static void begin(void)
{
	fake_start(&fake, NULL);
	talk_begin(&dom0, fake_connect(&fake));
	talk_introduce(&dom0, 1);
	talk_begin(&guest, fake_guest(&fake, 1));
	CHECK_STR(talk(&dom0, "WRITE /shared|0"), "OK|");
	CHECK_STR(talk(&dom0, "SET_PERMS /shared|n0|b1|"), "OK|");
}

static void end(void)
{
	fake_audit(&fake);
	talk_end(&dom0);
	talk_end(&guest);
	fake_stop(&fake);
}

static unsigned long start(struct talker *talker)
{
	unsigned long id = strtoul(talk(talker, "TRANSACTION_START |"), NULL, 10);

	CHECK(id > 0);
	return id;
}

/* The talker writes another value, unless it still waits for its last. True: it was answered. */
static bool write_shared(struct talker *talker)
{
	const char *reply;

	if (talker->n_unanswered == 0)
		sayf(talker, "WRITE /shared|by%u", ++n_written);
	reply = hear(talker);
	if (reply[0] == '\0')
		return false;
	CHECK_STR(reply, "OK|");
	return true;
}

/* Reads and writes what `other` writes all the time. True: it won. */
static bool try_once(struct talker *talker, struct talker *other)
{
	unsigned long id = start(talker);
	char reply[64];

	write_shared(other);
	CHECK(talkf(talker, "READ[%lu] /shared|", id)[0] != '!');
	write_shared(other);
	CHECK_STR(talkf(talker, "WRITE[%lu] /shared|won", id), "OK|");
	write_shared(other);
	snprintf(reply, sizeof(reply), "%s", talkf(talker, "TRANSACTION_END[%lu] T|", id));
	if (!strcmp(reply, "!EAGAIN"))
		return false;
	CHECK_STR(reply, "OK|");
	return true;
}

TEST(a_transaction_wins_against_a_guest_that_writes_all_the_time)
{
	unsigned n_tries = 1;

	begin();
	while (!try_once(&dom0, &guest)) {
		if (++n_tries > TXN_LOSSES_TO_FAVOUR + 1)
			CHECK_FAIL("lost %u times", n_tries - 1);
	}
	CHECK_UINT(n_tries, TXN_LOSSES_TO_FAVOUR + 1);
	CHECK_UINT(guest.n_unanswered, 1);
	CHECK_STR(hear(&guest), "OK|");
	CHECK_STR(talk(&guest, "WRITE /shared|after"), "OK|");
	CHECK_STR(talk(&dom0, "READ /shared|"), "after");
	end();
}

TEST(a_guest_waits_no_longer_than_it_was_told)
{
	begin();
	for (unsigned i = 0; i < TXN_LOSSES_TO_FAVOUR; i++)
		CHECK(!try_once(&dom0, &guest));
	start(&dom0);
	CHECK(!write_shared(&guest));
	fake_advance(&fake, TXN_FAVOUR_MS - 1);
	CHECK(!write_shared(&guest));
	fake_advance(&fake, 1);
	CHECK(write_shared(&guest));
	CHECK(write_shared(&guest));
	end();
}

TEST(a_guest_held_back_may_still_read_when_it_did_not_write)
{
	begin();
	for (unsigned i = 0; i < TXN_LOSSES_TO_FAVOUR; i++)
		CHECK(!try_once(&dom0, &guest));
	start(&dom0);
	CHECK(talk(&guest, "READ /shared|")[0] == 'b');
	CHECK(!write_shared(&guest));
	end();
}

TEST(a_guest_never_makes_the_privileged_domain_wait)
{
	begin();
	for (unsigned i = 0; i < 3 * TXN_LOSSES_TO_FAVOUR; i++) {
		CHECK(!try_once(&guest, &dom0));
		CHECK_UINT(dom0.n_unanswered, 0);
	}
	end();
}
