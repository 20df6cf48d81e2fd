/* SPDX-License-Identifier: MIT */
/* A store of a million nodes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/daemon/home.h"
#include "tests/daemon/talk.h"
#include "tests/support/check.h"

enum { N_NODES = 1000000, PER_DIRECTORY = 1000, N_SAMPLES = 10000 };

static size_t make_write(void *arg, size_t i, uint32_t *out_type, char *payload)
{
	size_t len = (size_t)sprintf(payload, "/big/%zu/%zu", i / PER_DIRECTORY, i) + 1;

	(void)arg;
	*out_type = XSP_WRITE;
	return len + (size_t)sprintf(payload + len, "%zu", i);
}

/* Nodes from all over. */
static size_t sample(size_t i)
{
	return i * 7919 % N_NODES;
}

static size_t make_read(void *arg, size_t i, uint32_t *out_type, char *payload)
{
	(void)arg;
	*out_type = XSP_READ;
	return (size_t)sprintf(payload, "/big/%zu/%zu", sample(i) / PER_DIRECTORY, sample(i)) + 1;
}

static void told_value(void *arg, size_t i, const char *text)
{
	char expected[16];

	(void)arg;
	snprintf(expected, sizeof(expected), "%zu", sample(i));
	CHECK_STR(text, expected);
}

/* Children of a directory, by slices. */
static size_t count_children(struct talk *talk, const char *path)
{
	char request[128];
	size_t n = 0, offset = 0, len;
	const char *text;
	bool is_last;

	do {
		snprintf(request, sizeof(request), "%s|%zu|", path, offset);
		/* The generation comes first; an empty name ends the last slice. */
		text = strchr(talk_ask(talk, XSP_DIRECTORY_PART, request), '|') + 1;
		len = strlen(text);
		is_last = len == 1 || (len > 1 && !strcmp(text + len - 2, "||"));
		for (size_t i = 0; i < len; i++)
			n += text[i] == '|';
		n -= is_last;
		offset += len - is_last;
	} while (!is_last);
	return n;
}

static unsigned long count_nodes(struct talk *talk)
{
	const char *text = strstr(talk_ask(talk, XSP_CONTROL, "quota|0|"), "nodes            :");

	CHECK(text);
	return strtoul(strchr(text, ':') + 1, NULL, 10);
}

TEST(million_nodes_are_made_listed_counted_and_removed)
{
	enum { FIRST_NODES = 5, N_DIRECTORIES = N_NODES / PER_DIRECTORY };
	uint64_t empty_kb;
	struct stat stat_buf;
	unsigned long n_left, n_answered = 0;
	struct home home;
	struct talk talk, other;

	home_make(&home);
	home_serve(&home);
	talk_open(&talk, &home);
	talk_open(&other, &home);
	empty_kb = process_own_kb(home.pid);
	talk_many(&talk, N_NODES, make_write, NULL, NULL);
	CHECK_UINT(count_nodes(&talk), N_NODES + N_DIRECTORIES + 1 + FIRST_NODES);
	CHECK_INT(stat(home.database, &stat_buf), 0);
	printf("%llu bytes of file and %llu of memory per node\n",
	       (unsigned long long)stat_buf.st_size / N_NODES,
	       (unsigned long long)(process_own_kb(home.pid) - empty_kb) * 1024 / N_NODES);
	CHECK_UINT(count_children(&talk, "/big"), N_DIRECTORIES);
	CHECK_UINT(count_children(&talk, "/big/123"), PER_DIRECTORY);
	talk_many(&talk, N_SAMPLES, make_read, told_value, NULL);
	CHECK_STR(talk_ask(&talk, XSP_CONTROL, "check|"), "OK|");

	/* It is there after a restart too. */
	talk_close(&talk);
	talk_close(&other);
	home_kill(&home);
	home_serve(&home);
	talk_open(&talk, &home);
	talk_open(&other, &home);
	CHECK_UINT(count_nodes(&talk), N_NODES + N_DIRECTORIES + 1 + FIRST_NODES);
	talk_many(&talk, N_SAMPLES, make_read, told_value, NULL);

	/* Removed at once, reclaimed while others are served. */
	CHECK_STR(talk_ask(&talk, XSP_RM, "/big|"), "OK|");
	CHECK_STR(talk_ask(&talk, XSP_READ, "/big|"), "ENOENT");
	do {
		n_left = count_nodes(&other);
		n_answered++;
		talk_write(&other, "/other", "x");
	} while (n_left > FIRST_NODES + 1);
	CHECK(n_answered > 100);
	CHECK_STR(talk_ask(&talk, XSP_CONTROL, "check|"), "OK|");
	talk_close(&talk);
	talk_close(&other);
	home_stop(&home);
	home_remove(&home);
}
