/* SPDX-License-Identifier: MIT */
/*
 * Scripts: transcripts (.xst) read into steps. The grammar is in tests/transcripts/README.md.
 * Reading only; play.h does what the steps say.
 */
#ifndef TESTS_SUPPORT_SCRIPT_H
#define TESTS_SUPPORT_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/support/text.h"

enum { SCRIPT_CLIENTS_MAX = 32, SCRIPT_UNLIKE_MAX = 8, SCRIPT_WHY_MAX = 256 };

enum step_kind {
	STEP_REQUEST, /* c> TYPE payload */
	STEP_RAW,     /* c>> chunk chunk */
	STEP_REPLY,   /* c< = payload */
	STEP_MESSAGE, /* c< TYPE payload */
	STEP_QUIET,   /* c< quiet */
	STEP_CLOSED,  /* c< closed */
	STEP_OPEN,
	STEP_CLOSE,
	STEP_SHUTDOWN,
	STEP_SPLIT,
	STEP_HOLD,
	STEP_FLUSH,
	STEP_STALL,
	STEP_READ,
	STEP_POKE,
	STEP_PEEK,
	STEP_HOST,   /* host what domid */
	STEP_DOMAIN, /* domain domid: created and introduced */
	STEP_TIME,   /* time ms */
	STEP_FOR,    /* for name first last */
	STEP_END,
};

struct step {
	enum step_kind kind;
	int line;
	size_t client; /* index in script.clients */
	uint32_t type, req_id;
	bool has_req_id;
	bool is_error; /* STEP_REPLY: an ERROR, its name in `payload` */
	uint32_t first, last;
	char name[TEXT_NAME_MAX];
	struct text tx;
	struct text payload;
	struct text *chunks; /* owned; STEP_RAW */
	size_t n_chunks;
};

struct script_client {
	char name[8];
	int domid; /* TARGET_SOCKET or a domain */
};

struct script {
	char path[256];
	struct step *steps; /* owned */
	size_t n_steps;
	struct script_client clients[SCRIPT_CLIENTS_MAX];
	size_t n_clients;
	char unlike[SCRIPT_UNLIKE_MAX][TEXT_NAME_MAX]; /* targets that answer otherwise */
	size_t n_unlike;
	unsigned needs; /* TARGET_CAN_* */
	char why[SCRIPT_WHY_MAX];
};

/* Reads the file. False: `why` says what is wrong, with file and line. */
bool script_read(struct script *script, const char *path);
void script_fini(struct script *script);

bool script_is_unlike(const struct script *script, const char *target);

#endif
