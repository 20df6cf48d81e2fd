/* SPDX-License-Identifier: MIT */
/*
 * Target: the server's core inside this process, with sockets, guests, domains, rings and time.
 */
#ifndef TESTS_CORE_TARGET_CORE_H
#define TESTS_CORE_TARGET_CORE_H

#include "tests/support/fake_host.h"
#include "tests/support/target.h"

enum { TARGET_CORE_CLIENTS_MAX = 256 };

struct target_core {
	struct target target;
	struct fake fake;
	struct fake_conn *clients[TARGET_CORE_CLIENTS_MAX];
	int n_clients;
};

void target_core_init(struct target_core *core);

#endif
