/* SPDX-License-Identifier: MIT */
/*
 * The real daemon on a fake host, and those who talk to it: over its socket, or as a guest over a
 * ring. Whatever fails ends the case; whatever does not come within a time limit is a failure.
 *
 * Payloads are spelled as text in which `|` stands for NUL.
 */
#ifndef TESTS_RINGS_RIG_H
#define TESTS_RINGS_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/wire.h"
#include "tests/support/fakexen/fakedaemon.h"
#include "tests/support/fakexen/fakeguest.h"
#include "tests/support/inbox.h"

struct rig {
	struct fakedaemon daemon;
	struct fakehost_access *host; /* the daemon's */
};

/* Makes the host. Domains may be created before the daemon is started. */
void rig_make(struct rig *rig);

/* Starts the daemon with up to three more arguments, and waits until it listens. */
void rig_start(struct rig *rig, const char *first, const char *second, const char *third);

/* Ends it, which must succeed, and removes everything. */
void rig_stop(struct rig *rig);

/* Kills it, so that it has no chance to tidy up. */
void rig_kill(struct rig *rig);

/* rig_make() and rig_start(). */
void rig_begin(struct rig *rig);

/* The daemon stands still, so that it finds all at once what was done meanwhile; and goes on. */
void rig_freeze(struct rig *rig);
void rig_thaw(struct rig *rig);

struct peer {
	struct rig *rig; /* borrowed */
	int fd;          /* of a socket; -1: a guest */
	struct fakewaker waker;
	struct fakeguest guest;
	struct inbox inbox;
	uint32_t last_id;
};

void peer_connect(struct rig *rig, struct peer *peer);

/* Creates domain `domid` if there is none, and plays it. It is not introduced yet. */
void peer_be(struct rig *rig, struct peer *peer, uint32_t domid);
void peer_close(struct peer *peer);

/* Sends a request. A guest reads meanwhile if the server does not go on otherwise. */
void peer_say(struct peer *peer, uint32_t type, uint32_t tx, const char *text);
void peer_say_bytes(struct peer *peer, uint32_t type, uint32_t tx, const void *payload, size_t len);

/* The next message. Its payload is valid until the next call for that peer. */
struct message peer_hear(struct peer *peer);

/* The next message must be this. */
void peer_expect(struct peer *peer, uint32_t type, const char *text);
void peer_event(struct peer *peer, const char *text);

/* Request, and the reply to it as the next message. */
void peer_ask(struct peer *peer, uint32_t type, const char *text, const char *reply);
void peer_refused(struct peer *peer, uint32_t type, const char *text, const char *error);

/* Everything sent to this peer so far has been heard. */
void peer_quiet(struct peer *peer);

/* For guests: false if nothing came within the time. */
bool peer_wait(struct peer *peer, int patience_ms);

/* A socket asks to introduce a domain at its usual port. */
void peer_introduce(struct peer *peer, uint32_t domid);

/* The usual scene: a daemon, a socket client, and domain 5, introduced, with a home of its own. */
struct scene {
	struct rig rig;
	struct peer dom0;
	struct peer guest;
};

void scene_begin(struct scene *scene);
void scene_end(struct scene *scene);

/* Another guest of that kind. */
void scene_add(struct scene *scene, struct peer *peer, uint32_t domid);

#endif
