/* SPDX-License-Identifier: MIT */
/*
 * A target: anything that a conversation can be played against. A socket of a running server, a
 * daemon started for the purpose, the server's core inside this process, a guest's ring.
 *
 * Functions return 0 or an errno and explain a failure in `why`. A target holds one server at a
 * time; start() gives a fresh one, with nothing but the initial tree.
 */
#ifndef TESTS_SUPPORT_TARGET_H
#define TESTS_SUPPORT_TARGET_H

#include <stddef.h>
#include <stdint.h>

/* What a target can do beyond socket clients. */
enum {
	TARGET_CAN_GUESTS = 1, /* clients that speak as a domain */
	TARGET_CAN_HOST = 2,   /* domains come, stop and go */
	TARGET_CAN_TIME = 4,   /* time moves when told to */
	TARGET_CAN_RING = 8,   /* a guest's page can be written and read */
	TARGET_CAN_STALL = 16, /* a client can leave what it is sent where it is */
};

enum target_wait {
	TARGET_NOW,  /* what is there */
	TARGET_WAIT, /* at least a byte, unless the server will send none */
};

enum target_end {
	TARGET_BOTH,    /* the client goes */
	TARGET_WRITING, /* the client sends no more, but still reads */
};

enum target_stall {
	TARGET_STALLS, /* takes nothing more of what it is sent */
	TARGET_READS,  /* takes it again */
};

enum target_host {
	TARGET_CREATE,   /* a domain comes into existence */
	TARGET_SHUTDOWN, /* it has shut down (or suspended) */
	TARGET_RESUME,   /* it runs again */
	TARGET_DYING,    /* it is being taken apart */
	TARGET_DEAD,     /* it is gone */
	TARGET_REPLACE,  /* it is gone and another one has its number, seen in one look */
};

enum { TARGET_WHY_MAX = 512 };

struct target {
	const struct target_ops *ops;
	const char *name;       /* what `unlike` lines of a transcript call it */
	const char *gfn, *port; /* INTRODUCE arguments that work for every domain */
	unsigned can;           /* TARGET_CAN_* */
	char why[TARGET_WHY_MAX];
};

/* The number of a client that is a socket, in place of a domid. */
enum { TARGET_SOCKET = -1 };

struct target_ops {
	int (*start)(struct target *target);
	/* Ends the server and reports what it left behind. */
	int (*stop)(struct target *target);

	/* A new client: TARGET_SOCKET, or the ring of a domain. */
	int (*open)(struct target *target, int domid, int *out_client);
	int (*end)(struct target *target, int client, enum target_end how);

	int (*send)(struct target *target, int client, const void *bytes, size_t len);
	/* 0 with a length of 0: nothing is there, or will come. EPIPE: closed by the server. */
	int (*receive)(struct target *target, int client, enum target_wait wait, void *bytes,
		       size_t size, size_t *out_len);
	/* Returns when the server has dealt with all that was sent, and its output can be read. */
	int (*settle)(struct target *target);

	int (*stall)(struct target *target, int client, enum target_stall how);
	int (*host)(struct target *target, enum target_host what, unsigned domid);
	int (*advance)(struct target *target, uint64_t ms);
	int (*poke)(struct target *target, int client, unsigned offset, uint32_t word);
	int (*peek)(struct target *target, int client, unsigned offset, uint32_t *out_word);
};

#endif
