/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the fake host know of each other.
 */
#ifndef TESTS_SUPPORT_FAKE_INSIDE_H
#define TESTS_SUPPORT_FAKE_INSIDE_H

#include "tests/support/fake_host.h"

/* Ends the test. */
_Noreturn void fake_give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Says that control passes into the server or out of it; returns where it was. */
bool fake_pass(struct fake *fake, bool is_inside);

struct fake_conn *fake_conn_new(struct fake *fake, int domid);
void fake_conn_free(struct fake_conn *conn);

/* Moves output to the test's side. False: there is no room for all of it. */
bool fake_conn_flush(struct fake_conn *conn);

/* The same, and the transport reads again if it may. */
void fake_conn_write_out(struct fake_conn *conn);

/* Hands one connection's input over. True: something moved, or the server has to be asked. */
bool fake_conn_gather(struct fake_conn *conn);

/* The server's side of a ring begins. */
void fake_conn_ring_start(struct fake_conn *conn, uint32_t features);

/* A guest that asks for a new connection gets one. */
void fake_conn_reconnect(struct fake_conn *conn);

void fake_trace_init(struct fake_trace *trace);

#endif
