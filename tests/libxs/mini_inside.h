/* SPDX-License-Identifier: MIT */
/* The inside of the mini server, shared by its nodes and operations and by its loop. */
#ifndef TESTS_LIBXS_MINI_INSIDE_H
#define TESTS_LIBXS_MINI_INSIDE_H

#include <pthread.h>
#include <stdint.h>

#include "protocol/payload.h"
#include "protocol/wire.h"
#include "tests/libxs/mini.h"

enum { CLIENTS_MAX = 64, WATCHES_MAX = 512, IN_SIZE = 256 * 1024 };

struct mini_node {
	char *path;
	char *value;
	size_t len;
	char perms[64]; /* entries separated by NULs */
	size_t perms_len;
	unsigned generation;
};

struct mini_watch {
	int client; /* -1: free */
	int depth;  /* -1: everything */
	char path[256];
	char token[64];
};

struct mini_client {
	int fd; /* -1: free */
	uint8_t *in;
	size_t n_in;
};

struct mini {
	struct mini_options options;
	pthread_mutex_t lock;
	pthread_t thread;
	int listener, wake[2];
	char *directory;
	char path[108];
	struct mini_node *nodes; /* in the order of a tree */
	size_t n_nodes;
	unsigned generation, n_transactions;
	unsigned counts[XSP_TYPE_COUNT];
	struct mini_client clients[CLIENTS_MAX];
	struct mini_watch watches[WATCHES_MAX];
};

/* One request being answered. */
struct mini_turn {
	struct mini *mini;
	int client;
	struct xsp_header header;
	const char *strings[8];
	size_t n_strings;
	const char *payload, *end;
	struct xsp_body reply;
	char changed[256]; /* fires watches after the reply if not empty */
};

int mini_levels(const char *top, const char *path);
struct mini_node *mini_create(struct mini *mini, const char *path);
void mini_drop(struct mini *mini, const char *path);

/* Answers a request in turn->reply; 0 or the errno to answer. */
int mini_run(struct mini_turn *turn);

#endif
