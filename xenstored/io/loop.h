/* SPDX-License-Identifier: MIT */
/*
 * The event loop: waits, lets the transports gather, runs a turn of the server, waits again.
 *
 * Also owns the clock and the signals. A turn follows every wake-up, after all that is ready has
 * been gathered, so that many clients share one commit.
 */
#ifndef XSD_IO_LOOP_H
#define XSD_IO_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct loop;
struct server;

typedef void loop_hup_fn(void *arg);

/* -ENOMEM. SIGTERM and SIGINT end the loop; SIGHUP calls `hup`. */
int loop_open(loop_hup_fn *hup, void *arg, struct loop **out_loop)
	__attribute__((warn_unused_result));
void loop_close(struct loop *loop);

/* Calls `fn` behind every turn. It returns true if it has gathered more, for a turn at once. */
typedef bool loop_after_fn(void *arg);
void loop_after_turn(struct loop *loop, loop_after_fn *fn, void *arg);

/* For the other files of this wing. */
struct event_base *loop_base(const struct loop *loop);

/* Milliseconds of a clock that is never set. */
uint64_t loop_now_ms(void);

/* Runs turns of the server until a signal or loop_stop(). 0, or trouble. */
int loop_run(struct loop *loop, struct server *server) __attribute__((warn_unused_result));
void loop_stop(struct loop *loop);

#endif
