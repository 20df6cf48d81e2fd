/* SPDX-License-Identifier: MIT */
/*
 * The real daemon as a target for transcripts: clients over its socket, guests over rings in
 * shared memory, domains on a fake host.
 *
 * Guests read whatever is in their rings whenever the target settles. What they send can be
 * shifted: by a request of so many bytes, and its reply, which the player does not see.
 */
#ifndef TESTS_RINGS_TARGET_RINGS_H
#define TESTS_RINGS_TARGET_RINGS_H

#include <stdbool.h>

#include "tests/support/fakexen/fakedaemon.h"
#include "tests/support/fakexen/fakeguest.h"
#include "tests/support/inbox.h"
#include "tests/support/target.h"

enum { TARGET_RINGS_CLIENTS_MAX = 64, TARGET_RINGS_DOMAINS = 64 };

/* One domain, as a guest. */
struct target_guest {
	bool is_open;
	struct fakeguest guest;
	struct inbox to;   /* not yet in the ring */
	struct inbox from; /* not yet received by the player */
	bool is_turned;    /* has spoken to no purpose, to move the ring on */
	size_t n_unheard;  /* bytes of the reply to that, still to come */
};

struct target_rings {
	struct target target;
	const char *program; /* borrowed */
	const char *preload; /* borrowed */
	struct fakedaemon daemon;
	struct fakewaker waker;
	int probe;      /* a client nobody sees */
	unsigned shift; /* 0, or 17 to 1024: where the first request begins in its ring */
	int n_clients;
	int fds[TARGET_RINGS_CLIENTS_MAX];    /* -1: a guest, or closed */
	int domids[TARGET_RINGS_CLIENTS_MAX]; /* TARGET_SOCKET, or the guest's */
	struct target_guest guests[TARGET_RINGS_DOMAINS];
};

void target_rings_init(struct target_rings *rings, const char *program, const char *preload);

#endif
