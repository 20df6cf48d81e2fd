/* SPDX-License-Identifier: MIT */
/*
 * The table of intended deviations: which differences between two servers are known, of which
 * server, and why. The file's own head explains its lines.
 */
#ifndef TESTS_DIFFER_DEVIATIONS_H
#define TESTS_DIFFER_DEVIATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What was different. */
enum kind {
	KIND_REPLY,    /* the replies to one request */
	KIND_ECHO,     /* a reply's ids are not those of its request */
	KIND_EVENTS,   /* which events a client got */
	KIND_REPEAT,   /* the same events, some of them more often */
	KIND_ORDER,    /* the same events in another order */
	KIND_POSITION, /* the same events, at another place among the replies */
	KIND_CLOSED,   /* one server closed, or stopped answering */
	KIND_TREE,     /* the trees at the end */
	KIND_COUNT,
};

/* What is known of a request and its two replies; a rule may ask for each or its absence. */
enum {
	FACT_IN_TX = 1 << 0,       /* in a transaction that is open */
	FACT_BAD_TX = 1 << 1,      /* in one that is not */
	FACT_CHANGED = 1 << 2,     /* the store has changed since the transaction began */
	FACT_WROTE = 1 << 3,       /* the transaction has written */
	FACT_EMPTY = 1 << 4,       /* no payload */
	FACT_SHAPE = 1 << 5,       /* not the strings that the type asks for */
	FACT_BAD_PATH = 1 << 6,    /* characters, slashes */
	FACT_LONG_PATH = 1 << 7,   /* an absolute path above 1024 bytes */
	FACT_SPECIAL = 1 << 8,     /* a path that starts with '@' */
	FACT_ROOT = 1 << 9,        /* the path is "/" */
	FACT_BAD_NUMBER = 1 << 10, /* a number that is no whole decimal in range */
	FACT_BIG_VALUE = 1 << 11,  /* a value above 2048 bytes */
	FACT_BAD_PERM = 1 << 12,   /* a permission entry that is none */
	FACT_ODD_PERM = 1 << 13,   /* a good one that is not plain decimal */
	FACT_ABSENT = 1 << 14,     /* it names a domain that is not there */
	FACT_SAME_SET = 1 << 15,   /* both replies are lists with the same members */
	FACT_AT_NAMES = 1 << 16,   /* ... but for names that start with '@' */
	FACT_GENERATION = 1 << 17, /* both replies differ in the first string only */
	FACT_NUMBERS = 1 << 18,    /* both replies are numbers */
	FACT_LONG_REPLY = 1 << 19, /* one is longer than a payload; or an event */
	FACT_MORE = 1 << 20,       /* this server sent more */
	FACT_LESS = 1 << 21,       /* this server sent less */
	FACT_DEPTH = 1 << 22,      /* a WATCH with three strings */
	FACT_BURST = 1 << 23,      /* the step had more than one request */
};

struct difference {
	enum kind kind;
	uint32_t type;        /* of the request */
	uint32_t facts;       /* FACT_* but MORE and LESS */
	const char *reply[2]; /* borrowed: an error's name, "OK" or "fine"; "" if there is none */
	int more;             /* which side sent more events: 0, 1, or -1 */
};

enum effect {
	EFFECT_KEEPS, /* the stores are still alike */
	EFFECT_PARTS, /* they may no longer be: the conversation ends */
	EFFECT_RUINS, /* a server must be started anew */
};

struct rule {
	char name[48];
	char server[32];
	enum effect effect;
	uint32_t kinds;                                   /* a bit for each kind */
	char types[160], this_reply[96], other_reply[96]; /* comma-separated; "" is any */
	uint32_t has, has_not;
	char reason[256];
	unsigned n_used;
};

struct deviations {
	struct rule *rules; /* owned */
	size_t n;
	char why[256];
};

bool deviations_read(struct deviations *deviations, const char *path);
void deviations_fini(struct deviations *deviations);

/* The first rule that explains the difference between the two named servers, or NULL. */
struct rule *deviations_find(struct deviations *deviations, const char *const names[2],
			     const struct difference *difference);

const char *kind_name(enum kind kind);

/* The names of the facts, separated by blanks. */
void facts_show(char *out, size_t size, uint32_t facts);

#endif
