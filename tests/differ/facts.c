/* SPDX-License-Identifier: MIT */
#include "tests/differ/facts.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/path.h"
#include "protocol/payload.h"
#include "protocol/perms.h"
#include "tests/differ/deviations.h"
#include "tests/support/text.h"

enum { LONG_PATH = 1024, BIG_VALUE = 2048, N_STRINGS_MAX = 8 };

/* How many strings a type takes, which of them are numbers, and whether the first is a path. */
static const struct {
	size_t least, most;
	unsigned numbers; /* a bit for each string */
	bool has_path;
} shapes[XSP_TYPE_COUNT] = {
	[XSP_CONTROL] = { 1, SIZE_MAX, 0, false },
	[XSP_DIRECTORY] = { 1, 1, 0, true },
	[XSP_READ] = { 1, 1, 0, true },
	[XSP_GET_PERMS] = { 1, 1, 0, true },
	[XSP_WATCH] = { 2, 3, 4, true },
	[XSP_UNWATCH] = { 2, 2, 0, true },
	[XSP_TRANSACTION_START] = { 0, SIZE_MAX, 0, false },
	[XSP_TRANSACTION_END] = { 1, 1, 0, false },
	[XSP_INTRODUCE] = { 3, SIZE_MAX, 7, false },
	[XSP_RELEASE] = { 1, 1, 1, false },
	[XSP_GET_DOMAIN_PATH] = { 1, 1, 1, false },
	[XSP_WRITE] = { 1, SIZE_MAX, 0, true },
	[XSP_MKDIR] = { 1, 1, 0, true },
	[XSP_RM] = { 1, 1, 0, true },
	[XSP_SET_PERMS] = { 2, SIZE_MAX, 0, true },
	[XSP_IS_DOMAIN_INTRODUCED] = { 1, 1, 1, false },
	[XSP_RESUME] = { 1, 1, 1, false },
	[XSP_SET_TARGET] = { 2, SIZE_MAX, 3, false },
	[XSP_RESET_WATCHES] = { 0, SIZE_MAX, 0, false },
	[XSP_DIRECTORY_PART] = { 2, 2, 2, true },
	[XSP_GET_FEATURE] = { 0, 1, 1, false },
	[XSP_SET_FEATURE] = { 2, 2, 3, false },
	[XSP_GET_QUOTA] = { 0, 2, 0, false },
	[XSP_SET_QUOTA] = { 2, 3, 0, false },
};

static uint32_t facts_of_path(const char *path, uint32_t type)
{
	bool may_be_special = type == XSP_WATCH || type == XSP_UNWATCH || type == XSP_GET_PERMS ||
			      type == XSP_SET_PERMS;
	char whole[XSP_PATH_BUF];
	size_t len = strlen(path), absolute;
	uint32_t facts = 0;

	absolute = path[0] == '/' || path[0] == '@' ? len : len + sizeof("/local/domain/0");
	if (absolute > LONG_PATH)
		facts |= FACT_LONG_PATH;
	if (path[0] == '@')
		facts |= FACT_SPECIAL;
	if (!strcmp(path, "/"))
		facts |= FACT_ROOT;
	/* A path too long for the check is judged by its shape alone. */
	if (absolute <= XSP_PATH_ABS_MAX &&
	    !xsp_path_resolve(path, "/local/domain/0",
			      may_be_special ? XSP_PATH_EVENT : XSP_PATH_NODE, whole))
		facts |= FACT_BAD_PATH;
	return facts;
}

static bool is_plain_perm(const char *text)
{
	uint32_t domid;

	return *text && xsp_parse_u32(text + 1, UINT16_MAX, &domid) &&
	       (text[1] != '0' || text[2] == '\0');
}

static uint32_t facts_of_perm(const char *text)
{
	struct xsp_perm perm;

	if (!xsp_perm_parse(text, &perm))
		return FACT_BAD_PERM;
	return (is_plain_perm(text) ? 0U : (uint32_t)FACT_ODD_PERM) |
	       (perm.domid ? (uint32_t)FACT_ABSENT : 0U);
}

uint32_t facts_of_request(const struct request *request)
{
	const char *at = request->payload, *end = request->payload + request->len, *string;
	uint32_t facts = request->len ? 0U : (uint32_t)FACT_EMPTY;
	size_t n = 0;

	if (request->type >= XSP_TYPE_COUNT)
		return facts;
	while ((string = xsp_next_string(&at, end))) {
		uint32_t number, max = request->type == XSP_DIRECTORY_PART ||
						       request->type == XSP_WATCH || n == 2
					       ? UINT32_MAX
					       : UINT16_MAX;

		if (n == 0 && shapes[request->type].has_path)
			facts |= facts_of_path(string, request->type);
		if (n > 0 && request->type == XSP_SET_PERMS)
			facts |= facts_of_perm(string);
		if (n < N_STRINGS_MAX && (shapes[request->type].numbers & (1U << n)) &&
		    !xsp_parse_u32(string, max, &number))
			facts |= FACT_BAD_NUMBER;
		n++;
	}
	if (n < shapes[request->type].least || n > shapes[request->type].most ||
	    (at < end && request->type != XSP_WRITE))
		facts |= FACT_SHAPE;
	if (request->type == XSP_TRANSACTION_END &&
	    (request->len != 2 || !strchr("TF", request->payload[0]) || !request->payload[0]))
		facts |= FACT_SHAPE;
	if (request->type == XSP_WRITE && n > 0 &&
	    request->len - strlen(request->payload) - 1 > BIG_VALUE)
		facts |= FACT_BIG_VALUE;
	if (request->type == XSP_WATCH && n == 3)
		facts |= FACT_DEPTH;
	return facts;
}

struct list {
	const char *names[4096];
	size_t n;
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The strings of a reply, sorted; `with_at`: those that start with '@', too. */
static void read_list(struct list *list, const struct kept *reply, bool with_at)
{
	const char *end = reply->payload + reply->header.len;

	list->n = 0;
	for (const char *at = reply->payload; at < end && list->n < 4096; at += strlen(at) + 1) {
		if (with_at || *at != '@')
			list->names[list->n++] = at;
	}
	qsort(list->names, list->n, sizeof(list->names[0]), compare_names);
}

static bool is_same_set(const struct kept *a, const struct kept *b, bool with_at)
{
	static struct list lists[2];

	read_list(&lists[0], a, with_at);
	read_list(&lists[1], b, with_at);
	if (lists[0].n != lists[1].n)
		return false;
	for (size_t i = 0; i < lists[0].n; i++) {
		if (strcmp(lists[0].names[i], lists[1].names[i]) != 0)
			return false;
	}
	return true;
}

static bool is_number(const struct kept *reply)
{
	uint32_t number;

	return reply->header.len > 1 && reply->payload[reply->header.len - 1] == '\0' &&
	       strlen(reply->payload) + 1 == reply->header.len &&
	       xsp_parse_u32(reply->payload, UINT32_MAX, &number);
}

/* Whether the replies are the same behind their first strings, or the same but in order. */
static bool differs_in_generation(const struct kept *a, const struct kept *b)
{
	size_t skip_a = strlen(a->payload) + 1, skip_b = strlen(b->payload) + 1;
	struct kept rest[2] = { *a, *b };

	if (skip_a > a->header.len || skip_b > b->header.len)
		return false;
	rest[0].payload += skip_a;
	rest[1].payload += skip_b;
	rest[0].header.len -= (uint32_t)skip_a;
	rest[1].header.len -= (uint32_t)skip_b;
	return is_same_set(&rest[0], &rest[1], true);
}

uint32_t facts_of_replies(const struct kept *a, const struct kept *b)
{
	uint32_t facts = 0;

	if (a->header.len > XSP_PAYLOAD_MAX || b->header.len > XSP_PAYLOAD_MAX)
		facts |= FACT_LONG_REPLY;
	if (a->header.type == XSP_ERROR || b->header.type == XSP_ERROR)
		return facts;
	if (is_same_set(a, b, true))
		facts |= FACT_SAME_SET;
	else if (is_same_set(a, b, false))
		facts |= FACT_AT_NAMES;
	if (differs_in_generation(a, b))
		facts |= FACT_GENERATION;
	if (is_number(a) && is_number(b))
		facts |= FACT_NUMBERS;
	return facts;
}
