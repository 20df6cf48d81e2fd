/* SPDX-License-Identifier: MIT */
/*
 * No room on the file system: refusals, no damage, and an end to it when something is removed.
 *
 * Once with a limit on the size of files, which anybody can set, and once, where it may be
 * mounted, on a file system that really is full.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/daemon/home.h"
#include "tests/daemon/talk.h"
#include "tests/support/check.h"

enum {
	MEGABYTE = 1 << 20,
	SMALL_LEN = 1000,
	LARGE_LEN = 3500,
	N_MAX = 100000, /* more nodes than fit anywhere here */
};

/* What was written, so that it can be compared. */
struct filled {
	size_t n_written; /* nodes that are there: all below this one */
	size_t n_refused;
	unsigned round; /* goes into the values */
};

/* In turn small ones, several to a page, and large ones, for which pages must lie together. */
static size_t value_len(const struct filled *filled)
{
	return filled->round % 2 ? LARGE_LEN : SMALL_LEN;
}

static size_t put_path(char *payload, size_t i)
{
	return (size_t)sprintf(payload, "/full/%zu/%zu", i / 500, i) + 1;
}

static size_t put_value(char *value, const struct filled *filled, size_t i)
{
	size_t len = (size_t)sprintf(value, "%u.%zu.", filled->round, i);

	memset(value + len, 'v', value_len(filled) - len);
	return value_len(filled);
}

static size_t make_write(void *arg, size_t i, uint32_t *out_type, char *payload)
{
	const struct filled *filled = arg;
	size_t len = put_path(payload, filled->n_written + i);

	*out_type = XSP_WRITE;
	return len + put_value(payload + len, filled, filled->n_written + i);
}

static void write_until_refused(struct talk *talk, struct filled *filled)
{
	char payload[XSP_PAYLOAD_MAX];
	const char *text;
	uint32_t type;
	size_t len;

	for (;;) {
		CHECK(filled->n_written < N_MAX);
		len = make_write(filled, 0, &type, payload);
		talk_send(talk, type, payload, len);
		text = talk_reply(talk);
		if (talk->type == XSP_ERROR)
			break;
		filled->n_written++;
	}
	CHECK_STR(text, "ENOSPC");
	filled->n_refused++;
}

static size_t make_read(void *arg, size_t i, uint32_t *out_type, char *payload)
{
	(void)arg;
	*out_type = XSP_READ;
	return put_path(payload, i);
}

static void told_value(void *arg, size_t i, const char *text)
{
	char expected[LARGE_LEN + 1];

	expected[put_value(expected, arg, i)] = '\0';
	CHECK_STR(text, expected);
}

static void check_intact(struct talk *talk, struct filled *filled)
{
	char path[64];

	talk_many(talk, filled->n_written, make_read, told_value, filled);
	snprintf(path, sizeof(path), "/full/%zu/%zu|", filled->n_written / 500, filled->n_written);
	CHECK_STR(talk_ask(talk, XSP_READ, path), "ENOENT");
	CHECK_STR(talk_ask(talk, XSP_CONTROL, "check|"), "OK|");
}

/* Removing must always be possible, and soon gives room to write again. */
static void empty(struct talk *talk, struct filled *filled)
{
	uint64_t deadline = now_ms() + HOME_PATIENCE_MS;

	CHECK_STR(talk_ask(talk, XSP_RM, "/full|"), "OK|");
	CHECK_STR(talk_ask(talk, XSP_READ, "/full|"), "ENOENT");
	while (!strstr(talk_ask(talk, XSP_CONTROL, "quota|0|"), "nodes            :        5 ")) {
		if (now_ms() > deadline)
			CHECK_FAIL("the removed nodes are not reclaimed: %s", talk->text);
		pause_ms(2);
	}
	filled->n_written = 0;
	filled->round++;
}

/* Fills the store up several times over. */
static void fill_and_empty(struct home *home, const struct launch *launch)
{
	struct filled filled = { 0 };
	struct talk talk, other;
	size_t first = 0, fitted;

	home_serve_as(home, launch);
	talk_open(&talk, home);
	talk_open(&other, home);
	for (int i = 0; i < 6; i++) {
		write_until_refused(&talk, &filled);
		fitted = filled.n_written * value_len(&filled);
		if (i == 0)
			first = fitted;
		/* Room is found again, not just here and there. */
		if (fitted < first / 2)
			CHECK_FAIL("%zu bytes fit, then %zu", first, fitted);
		/* Refusals change nothing, for nobody. */
		for (int j = 0; j < 100; j++)
			write_until_refused(&talk, &filled);
		CHECK_STR(talk_ask(&other, XSP_DIRECTORY, "/tool|"), "xenstored|");
		check_intact(&talk, &filled);
		empty(&talk, &filled);
	}
	talk_close(&other);
	talk_close(&talk);
	home_stop(home);
}

TEST(file_size_limit_is_an_ordinary_error)
{
	const struct launch launch = { .file_size_max = 12 * MEGABYTE };
	struct home home;

	home_make(&home);
	fill_and_empty(&home, &launch);
	home_remove(&home);
}

TEST(full_store_is_gone_on_with_after_a_restart)
{
	const struct launch launch = { .file_size_max = 12 * MEGABYTE };
	struct filled filled = { 0 };
	struct home home;
	struct talk talk;

	home_make(&home);
	for (int i = 0; i < 4; i++) {
		home_serve_as(&home, &launch);
		talk_open(&talk, &home);
		check_intact(&talk, &filled);
		write_until_refused(&talk, &filled);
		check_intact(&talk, &filled);
		talk_close(&talk);
		if (i % 2)
			home_stop(&home);
		else
			home_kill(&home);
	}
	home_serve_as(&home, &launch);
	talk_open(&talk, &home);
	check_intact(&talk, &filled);
	empty(&talk, &filled);
	write_until_refused(&talk, &filled);
	check_intact(&talk, &filled);
	talk_close(&talk);
	home_stop(&home);
	home_remove(&home);
}

/* A mount namespace of our own; false if we may not have one. */
static bool isolate_mounts(void)
{
	return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

TEST(full_file_system_is_an_ordinary_error)
{
	struct home home;

	if (!isolate_mounts()) {
		printf("SKIPPED full_file_system_is_an_ordinary_error: may not mount: %s\n",
		       strerror(errno));
		return;
	}
	home_make(&home);
	CHECK_INT(mkdir(home.run, 0755), 0);
	CHECK_INT(mount("tmpfs", home.run, "tmpfs", 0, "size=14m"), 0);
	fill_and_empty(&home, &(struct launch){ 0 });
	CHECK_INT(umount(home.run), 0);
	home_remove(&home);
}

TEST(file_system_too_small_to_begin_with_is_fatal)
{
	struct home home;

	if (!isolate_mounts()) {
		printf("SKIPPED file_system_too_small_to_begin_with_is_fatal: may not mount: %s\n",
		       strerror(errno));
		return;
	}
	home_make(&home);
	CHECK_INT(mkdir(home.run, 0755), 0);
	CHECK_INT(mount("tmpfs", home.run, "tmpfs", 0, "size=1m"), 0);
	home_launch(&home, &(struct launch){ .args = { "-N" } });
	CHECK_INT(home_wait(&home), 1);
	CHECK(home_says(home.err, "FATAL: "));
	CHECK(home_says(home.err, strerror(ENOSPC)));
	CHECK_INT(umount(home.run), 0);
	home_remove(&home);
}
