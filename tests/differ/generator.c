/* SPDX-License-Identifier: MIT */
#include "tests/differ/generator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/text.h"

enum { PAYLOAD_MAX = XSP_PAYLOAD_MAX };

struct draft {
	char bytes[PAYLOAD_MAX];
	size_t len;
};

/* splitmix64 */
static uint64_t next(struct generator *generator)
{
	uint64_t z = generator->state += 0x9e3779b97f4a7c15U;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
	return z ^ (z >> 31);
}

/* A number below `n`. */
static size_t pick(struct generator *generator, size_t n)
{
	return (size_t)(next(generator) % n);
}

static bool chance(struct generator *generator, unsigned percent)
{
	return pick(generator, 100) < percent;
}

#define CHOOSE(generator, list) (list)[pick((generator), sizeof(list) / sizeof((list)[0]))]

void generator_init(struct generator *generator, uint64_t seed, uint64_t conversation)
{
	generator->state = seed * 0x2545f4914f6cdd1dU + conversation;
	(void)next(generator);
}

static void add(struct draft *draft, const void *bytes, size_t len)
{
	if (len > sizeof(draft->bytes) - draft->len)
		len = sizeof(draft->bytes) - draft->len;
	if (len)
		memcpy(draft->bytes + draft->len, bytes, len);
	draft->len += len;
}

static void add_string(struct draft *draft, const char *string)
{
	add(draft, string, strlen(string) + 1);
}

static void add_repeated(struct draft *draft, const char *unit, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add(draft, unit, strlen(unit));
}

/* A path that is wrong, or strange, or at a limit; without its NUL. */
static void add_odd_path(struct generator *generator, struct draft *draft)
{
	static const char *const odd[] = {
		"",
		"/a/",
		"//",
		"//a",
		"/a//b",
		"a/",
		"/a.b",
		".",
		"..",
		"/a b",
		"/~",
		"/a:b",
		"\xc3\xa4",
		"/\x01",
		"@",
		"@releaseDomain",
		"@introduceDomain",
		"@foo",
		"@releaseDomain/1",
		"@a/",
		"/local/domain/",
		"/local/domain",
		"/local/domain/0",
		"/local/domain/1",
		"/",
		"/@a",
		"a@b",
		"/tool",
		"/tool/xenstored",
		"-",
		"/-/_",
		"\\",
	};

	switch (pick(generator, 12)) {
	case 0:
		add_repeated(draft, "/abc", 250 + pick(generator, 10));
		break;
	case 1:
		add(draft, "/", 1);
		add_repeated(draft, "n", 100 + pick(generator, 500));
		break;
	default: {
		const char *path = CHOOSE(generator, odd);

		add(draft, path, strlen(path));
	}
	}
}

/* Mostly one of a few nodes, so that clients and transactions meet. */
static void add_path(struct generator *generator, struct draft *draft)
{
	static const char *const nodes[] = {
		"/a",
		"/a",
		"/a/b",
		"/a/b",
		"/a/b/c",
		"/a/c",
		"/a/c/d",
		"/a/bb",
		"/d",
		"/d/e",
		"/d/e/f",
		"/d/g",
		"/q",
		"r",
		"r/s",
		"r/s/t",
		"/local/domain/0/r",
		"/a/b/c/x",
		"/a/b/c/y",
		"/D",
		"/d/E",
	};

	if (chance(generator, 6)) {
		add_odd_path(generator, draft);
	} else {
		const char *path = CHOOSE(generator, nodes);

		add(draft, path, strlen(path));
	}
	add(draft, "", 1);
}

static void add_value(struct generator *generator, struct draft *draft)
{
	static const char *const values[] = { "",  "1",     "1",  "2",
					      "2", "value", "OK", "a longer value" };

	switch (pick(generator, 20)) {
	case 0:
		add(draft, "\0x\0\xff\n", 5);
		break;
	case 1:
		add_repeated(draft, "v", pick(generator, 3000));
		break;
	default: {
		const char *value = CHOOSE(generator, values);

		add(draft, value, strlen(value));
	}
	}
}

static void add_number(struct generator *generator, struct draft *draft)
{
	static const char *const numbers[] = {
		"1", "2", "5", "7", "0001", "32752", "32756", "65535", "9",
	};
	static const char *const odd[] = {
		"", "x", "-1", "65536", "+1", " 1", "1 ", "0x1", "010", "1x", "4294967296", "-",
	};

	add_string(draft,
		   chance(generator, 70) ? CHOOSE(generator, numbers) : CHOOSE(generator, odd));
}

static void add_perms(struct generator *generator, struct draft *draft)
{
	static const char *const perms[] = { "n0", "n0", "r0", "b0", "w0", "n0" };
	static const char *const odd[] = {
		"",   "x0", "n",   "0",   "n0x0", "r00", "n77",
		"r1", "b1", "rw0", "n0 ", "N0",   "n-1", "r65536",
	};
	size_t n = 1 + pick(generator, 3);

	for (size_t i = 0; i < n; i++)
		add_string(draft, chance(generator, 92) ? CHOOSE(generator, perms)
							: CHOOSE(generator, odd));
}

static void add_watch(struct generator *generator, struct draft *draft)
{
	static const char *const paths[] = {
		"/",
		"/a",
		"/a/b",
		"/a/b/c",
		"/d",
		"/d/e",
		"r",
		"r/s",
		"/local",
		"/a/c",
		"/q",
		"@releaseDomain",
		"@introduceDomain",
		"/local/domain/0/r",
	};
	static const char *const tokens[] = { "t", "t", "u", "", "a token" };

	if (chance(generator, 8)) {
		add_odd_path(generator, draft);
		add(draft, "", 1);
	} else {
		add_string(draft, CHOOSE(generator, paths));
	}
	add_string(draft, CHOOSE(generator, tokens));
}

/* Bytes with no plan; at times an almost good payload cut short or made longer. */
static void add_rubbish(struct generator *generator, struct draft *draft)
{
	static const char alphabet[] = "/ab0@.- \0\0\0TFx1\xff";
	size_t n = pick(generator, 40);

	if (chance(generator, 40))
		add_path(generator, draft);
	for (size_t i = 0; i < n; i++)
		add(draft, &alphabet[pick(generator, sizeof(alphabet) - 1)], 1);
}

/* Makes a good payload wrong: its end, its beginning, one string too many. */
static void spoil(struct generator *generator, struct draft *draft)
{
	switch (pick(generator, 5)) {
	case 0:
		draft->len = 0;
		break;
	case 1:
		if (draft->len)
			draft->len--;
		break;
	case 2:
		add(draft, "x", 1);
		break;
	case 3:
		add(draft, "x", 2);
		break;
	default:
		add(draft, "", 1);
	}
}

/* CONTROL commands that every server may be asked: no settings, no update. */
static void add_control(struct generator *generator, struct draft *draft)
{
	static const char *const commands[] = { "check", "nosuch", "print", "" };

	add_string(draft, CHOOSE(generator, commands));
	if (chance(generator, 50))
		add_string(draft, "text");
}

/* Of the types about domains and settings, and of those that are none. */
static void add_other_payload(struct generator *generator, struct draft *draft, uint32_t type)
{
	switch (type) {
	case XSP_INTRODUCE:
		/* A domain that is not there: nothing can be mapped. */
		add_string(draft, "5");
		add_number(generator, draft);
		add_number(generator, draft);
		break;
	case XSP_SET_TARGET:
		add_string(draft, "5");
		add_number(generator, draft);
		break;
	case XSP_RELEASE:
	case XSP_RESUME:
	case XSP_IS_DOMAIN_INTRODUCED:
	case XSP_GET_DOMAIN_PATH:
	case XSP_GET_FEATURE:
		add_number(generator, draft);
		break;
	case XSP_SET_FEATURE:
		add_string(draft, "5");
		add_number(generator, draft);
		break;
	case XSP_GET_QUOTA:
		add_string(draft, chance(generator, 50) ? "nodes" : "nope");
		break;
	case XSP_SET_QUOTA:
		/* Never a good one: the default would outlive the conversation. */
		add_string(draft, "nope");
		add_number(generator, draft);
		break;
	default:
		add_rubbish(generator, draft);
	}
}

static void add_payload(struct generator *generator, struct draft *draft, uint32_t type)
{
	switch (type) {
	case XSP_CONTROL:
		add_control(generator, draft);
		break;
	case XSP_DIRECTORY:
	case XSP_READ:
	case XSP_GET_PERMS:
	case XSP_MKDIR:
	case XSP_RM:
		add_path(generator, draft);
		break;
	case XSP_DIRECTORY_PART:
		add_path(generator, draft);
		add_number(generator, draft);
		break;
	case XSP_WRITE:
		add_path(generator, draft);
		add_value(generator, draft);
		break;
	case XSP_SET_PERMS:
		add_path(generator, draft);
		add_perms(generator, draft);
		break;
	case XSP_WATCH:
	case XSP_UNWATCH:
		add_watch(generator, draft);
		if (type == XSP_WATCH && chance(generator, 8))
			add_number(generator, draft);
		break;
	case XSP_TRANSACTION_END:
		add_string(draft, chance(generator, 80) ? "T" : "F");
		break;
	case XSP_TRANSACTION_START:
	case XSP_RESET_WATCHES:
		add(draft, "", 1);
		break;
	default:
		add_other_payload(generator, draft, type);
	}
}

static uint32_t draw_type(struct generator *generator)
{
	static const uint8_t common[] = {
		XSP_WRITE,
		XSP_WRITE,
		XSP_WRITE,
		XSP_WRITE,
		XSP_WRITE,
		XSP_READ,
		XSP_READ,
		XSP_READ,
		XSP_MKDIR,
		XSP_MKDIR,
		XSP_RM,
		XSP_RM,
		XSP_DIRECTORY,
		XSP_DIRECTORY,
		XSP_SET_PERMS,
		XSP_SET_PERMS,
		XSP_GET_PERMS,
		XSP_WATCH,
		XSP_WATCH,
		XSP_UNWATCH,
		XSP_TRANSACTION_START,
		XSP_TRANSACTION_START,
		XSP_TRANSACTION_END,
		XSP_TRANSACTION_END,
		XSP_TRANSACTION_END,
		XSP_DIRECTORY_PART,
	};

	if (chance(generator, 85))
		return CHOOSE(generator, common);
	return (uint32_t)pick(generator, XSP_TYPE_COUNT + 1);
}

/* RM of "/" empties one of the servers for good; RELEASE 0 cuts its kernel off. */
static bool is_ruinous(uint32_t type, const struct draft *draft)
{
	if (type == XSP_RM)
		return draft->len >= 1 && draft->bytes[0] == '/' &&
		       (draft->len == 1 || draft->bytes[1] == '\0');
	return type == XSP_RELEASE || type == XSP_INTRODUCE
		       ? draft->len == 0 || draft->bytes[0] < '1' || draft->bytes[0] > '9'
		       : false;
}

static int draw_slot(struct generator *generator, const struct book_slot *slots, bool is_live)
{
	int found[N_SLOTS], n = 0;

	for (int i = 0; i < N_SLOTS; i++) {
		if (slots[i].is_live == is_live)
			found[n++] = i;
	}
	return n ? found[pick(generator, (size_t)n)] : -1;
}

static void add_request(struct generator *generator, const struct book *book,
			struct diff_step *step)
{
	const struct book_slot *slots = book->slots[step->client];
	uint32_t type = draw_type(generator), tx = 0;
	static struct draft draft;
	struct request *request;
	int slot = -1;

	if (type == XSP_TRANSACTION_END && draw_slot(generator, slots, true) < 0 &&
	    chance(generator, 85))
		type = XSP_TRANSACTION_START;
	draft.len = 0;
	add_payload(generator, &draft, type);
	if (chance(generator, 4))
		spoil(generator, &draft);
	if (is_ruinous(type, &draft))
		return;
	if (chance(generator, type == XSP_TRANSACTION_END ? 90 : 45))
		slot = draw_slot(generator, slots, true);
	else if (chance(generator, 3))
		slot = draw_slot(generator, slots, false);
	if (type == XSP_TRANSACTION_START && chance(generator, 90))
		slot = -1;
	if (slot < 0 && chance(generator, 2))
		tx = 4711;
	request = step_add(step, type, slot, tx, draft.bytes, draft.len);
	if (type == XSP_TRANSACTION_START && slot < 0 && !tx)
		request->new_slot = draw_slot(generator, slots, false);
}

void generator_step(struct generator *generator, const struct book *book, struct diff_step *step)
{
	*step = (struct diff_step){ .client = (int)pick(generator, N_TALKERS) };
	if (chance(generator, 1)) {
		step->action = STEP_CLOSE_CLIENT;
		return;
	}
	while (step->n_requests == 0)
		add_request(generator, book, step);
	/* A burst has no START: what follows could not name the new transaction. */
	if (chance(generator, 10) && step->requests[0].type != XSP_TRANSACTION_START) {
		for (size_t n = 1 + pick(generator, 3); n > 0; n--) {
			add_request(generator, book, step);
			if (step->requests[step->n_requests - 1].type == XSP_TRANSACTION_START)
				break;
		}
	}
	if (chance(generator, 15))
		step->split = 1 + (int)pick(generator, 40);
}
