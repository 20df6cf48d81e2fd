/* SPDX-License-Identifier: MIT */
/* What a server finds when it starts: the store of this boot, of another one, or something else. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/daemon/home.h"
#include "tests/daemon/talk.h"
#include "tests/support/check.h"
#include "tests/support/text.h"

enum { N_NODES = 100000 };

/* Node i of many: its path, then its value. */
static size_t name_node(size_t i, char *payload)
{
	return (size_t)sprintf(payload, "/many/%zu/%zu", i % 317, i) + 1;
}

static size_t make_write(void *arg, size_t i, uint32_t *out_type, char *payload)
{
	size_t len = name_node(i, payload);

	(void)arg;
	*out_type = XSP_WRITE;
	/* Some are empty, some binary. */
	if (i % 5 == 0)
		return len;
	return len + (size_t)sprintf(payload + len, "value %zu\n%c", i, (int)(i % 3));
}

static size_t make_set_perms(void *arg, size_t i, uint32_t *out_type, char *payload)
{
	size_t len = name_node(i * 10, payload);

	(void)arg;
	*out_type = XSP_SET_PERMS;
	return len + (size_t)sprintf(payload + len, "n0%cr%zu", 0, i % 1000) + 1;
}

static size_t make_read(void *arg, size_t i, uint32_t *out_type, char *payload)
{
	(void)arg;
	*out_type = XSP_READ;
	return name_node(i, payload);
}

static size_t make_get_perms(void *arg, size_t i, uint32_t *out_type, char *payload)
{
	(void)arg;
	*out_type = XSP_GET_PERMS;
	return name_node(i, payload);
}

static void told_value(void *arg, size_t i, const char *text)
{
	char expected[64] = "";
	int len;

	(void)arg;
	if (i % 5) {
		len = sprintf(expected, "value %zu\n", i);
		expected[len] = i % 3 ? (char)(i % 3) : '|';
	}
	CHECK_STR(text, expected);
}

static void told_perms(void *arg, size_t i, const char *text)
{
	char expected[64] = "n0|";

	(void)arg;
	if (i % 10 == 0)
		sprintf(expected, "n0|r%zu|", i / 10 % 1000);
	CHECK_STR(text, expected);
}

TEST(every_node_outlives_the_server)
{
	char listing[XSP_PAYLOAD_MAX + 16];
	struct home home;
	struct talk talk;

	home_make(&home);
	home_serve(&home);
	talk_open(&talk, &home);
	talk_many(&talk, N_NODES, make_write, NULL, NULL);
	talk_many(&talk, N_NODES / 100, make_set_perms, NULL, NULL);
	strcpy(listing, talk_ask(&talk, XSP_DIRECTORY, "/many|"));
	for (int i = 0; i < 2; i++) {
		if (i)
			home_kill(&home);
		else
			home_stop(&home);
		talk_await_close(&talk);
		talk_close(&talk);
		home_serve(&home);
		talk_open(&talk, &home);
		CHECK_STR(talk_ask(&talk, XSP_DIRECTORY, "/many|"), listing);
		talk_many(&talk, N_NODES, make_read, told_value, NULL);
		talk_many(&talk, N_NODES / 10, make_get_perms, told_perms, NULL);
		CHECK_STR(talk_ask(&talk, XSP_CONTROL, "check|"), "OK|");
		CHECK(home_says(home.err, "going on with the store"));
	}
	talk_close(&talk);
	home_stop(&home);
	home_remove(&home);
}

TEST(removed_nodes_stay_removed)
{
	struct home home;
	struct talk talk;

	home_make(&home);
	home_serve(&home);
	talk_open(&talk, &home);
	CHECK_STR(talk_ask(&talk, XSP_SET_PERMS, "@releaseDomain|n0|"), "OK|");
	CHECK_STR(talk_ask(&talk, XSP_SET_PERMS, "/|n0|r3|"), "OK|");
	CHECK_STR(talk_ask(&talk, XSP_RM, "/tool|"), "OK|");
	talk_close(&talk);
	home_kill(&home);
	home_serve(&home);
	talk_open(&talk, &home);
	CHECK_STR(talk_ask(&talk, XSP_DIRECTORY, "/|"), "");
	CHECK_STR(talk_ask(&talk, XSP_GET_PERMS, "@releaseDomain|"), "n0|");
	CHECK_STR(talk_ask(&talk, XSP_GET_PERMS, "/|"), "n0|r3|");
	talk_close(&talk);
	home_stop(&home);
	home_remove(&home);
}

TEST(interrupted_removal_goes_on)
{
	uint64_t deadline = now_ms() + HOME_PATIENCE_MS;
	struct home home;
	struct talk talk;

	home_make(&home);
	home_serve(&home);
	talk_open(&talk, &home);
	talk_many(&talk, N_NODES, make_write, NULL, NULL);
	CHECK_STR(talk_ask(&talk, XSP_RM, "/many|"), "OK|");
	home_kill(&home);
	talk_close(&talk);
	home_serve(&home);
	talk_open(&talk, &home);
	CHECK_STR(talk_ask(&talk, XSP_READ, "/many|"), "ENOENT");
	CHECK_STR(talk_ask(&talk, XSP_CONTROL, "check|"), "OK|");
	while (!strstr(talk_ask(&talk, XSP_CONTROL, "quota|0|"), "nodes            :        5 ")) {
		CHECK(now_ms() < deadline);
		pause_ms(2);
	}
	talk_close(&talk);
	home_stop(&home);
	home_remove(&home);
}

/* What was acknowledged to a client whose server is killed under it. */
struct acknowledged {
	unsigned round;
	size_t n; /* replies so far */
};

enum { N_IN_FLIGHT = 400 };

/* WRITE of a node per request; every tenth removes the node before. */
static size_t make_step(unsigned round, size_t i, uint32_t *out_type, char *payload)
{
	size_t len;

	*out_type = i % 10 == 9 ? XSP_RM : XSP_WRITE;
	len = (size_t)sprintf(payload, "/killed/%zu", *out_type == XSP_RM ? i - 1 : i) + 1;
	if (*out_type == XSP_WRITE)
		len += (size_t)sprintf(payload + len, "%u", round);
	return len;
}

static size_t make_check_step(void *arg, size_t i, uint32_t *out_type, char *payload)
{
	(void)arg;
	*out_type = XSP_READ;
	return (size_t)sprintf(payload, "/killed/%zu", i) + 1;
}

static void told_step(void *arg, size_t i, const char *text)
{
	const struct acknowledged *acknowledged = arg;
	char expected[16];

	/* Nodes that a removal is for: gone once that was acknowledged. */
	if (i % 10 == 8) {
		if (i + 1 < acknowledged->n)
			CHECK_STR(text, "ENOENT");
		return;
	}
	if (i % 10 == 9)
		return;
	snprintf(expected, sizeof(expected), "%u", acknowledged->round);
	if (i < acknowledged->n)
		CHECK_STR(text, expected);
}

/* Sends many changes and kills the server while it works on them. */
static void kill_under_way(struct home *home, struct acknowledged *acknowledged, unsigned seed)
{
	size_t target = seed % N_IN_FLIGHT;
	struct message message;
	struct talk talk;
	char payload[64];
	uint32_t type;
	size_t len;

	talk_open(&talk, home);
	for (size_t i = 0; i < N_IN_FLIGHT; i++) {
		len = make_step(acknowledged->round, i, &type, payload);
		talk_send(&talk, type, payload, len);
		/* Half of them start while others are still to come. */
		while (i > target / 2 && talk_has_message(&talk, 0) && talk_next(&talk, &message))
			acknowledged->n++;
	}
	while (acknowledged->n < target && talk_next(&talk, &message))
		acknowledged->n++;
	home_kill(home);
	while (talk_next(&talk, &message)) {
		CHECK(message.header.type != XSP_ERROR);
		acknowledged->n++;
	}
	talk_close(&talk);
}

TEST(acknowledged_changes_survive_any_death)
{
	enum { ROUNDS = 30 };
	struct acknowledged acknowledged;
	struct home home;
	struct talk talk;
	unsigned seed;

	home_make(&home);
	CHECK_INT(getrandom(&seed, sizeof(seed), 0), sizeof(seed));
	for (unsigned round = 0; round < ROUNDS; round++) {
		acknowledged = (struct acknowledged){ .round = round };
		seed = seed * 1103515245 + 12345;
		printf("round %u: seed %u\n", round, seed);
		fflush(stdout);
		home_serve(&home);
		kill_under_way(&home, &acknowledged, seed >> 8);
		home_serve(&home);
		talk_open(&talk, &home);
		CHECK_STR(talk_ask(&talk, XSP_CONTROL, "check|"), "OK|");
		talk_many(&talk, N_IN_FLIGHT, make_check_step, told_step, &acknowledged);
		talk_close(&talk);
		home_stop(&home);
	}
	home_remove(&home);
}

TEST(transactions_survive_any_death_whole_or_not_at_all)
{
	enum { ROUNDS = 20, N_PAIRS = 40 };
	char value[32], other[32], id[32];
	struct home home;
	struct talk talk;

	home_make(&home);
	for (unsigned round = 0; round < ROUNDS; round++) {
		home_serve(&home);
		talk_open(&talk, &home);
		for (unsigned i = 0; i < N_PAIRS; i++) {
			uint32_t tx;

			snprintf(id, sizeof(id), "%s", talk_ask(&talk, XSP_TRANSACTION_START, "|"));
			tx = (uint32_t)strtoul(id, NULL, 10);
			snprintf(value, sizeof(value), "/pair/a|%u.%u", round, i);
			CHECK_STR(talk_ask_in(&talk, tx, XSP_WRITE, value), "OK|");
			snprintf(value, sizeof(value), "/pair/b|%u.%u", round, i);
			CHECK_STR(talk_ask_in(&talk, tx, XSP_WRITE, value), "OK|");
			if (i == N_PAIRS - 1)
				break;
			CHECK_STR(talk_ask_in(&talk, tx, XSP_TRANSACTION_END, "T|"), "OK|");
		}
		/* The last one is still open, or ending, when the server dies. */
		if (round % 2)
			talk_send(&talk, XSP_READ, "/", 2);
		home_kill(&home);
		talk_close(&talk);
		home_serve(&home);
		talk_open(&talk, &home);
		snprintf(value, sizeof(value), "%s", talk_ask(&talk, XSP_READ, "/pair/a|"));
		snprintf(other, sizeof(other), "%u.%u", round, N_PAIRS - 2);
		CHECK_STR(value, other);
		CHECK_STR(talk_ask(&talk, XSP_READ, "/pair/b|"), value);
		talk_close(&talk);
		home_stop(&home);
	}
	home_remove(&home);
}

/* A home whose server has run and left a store with a node in it. */
static void make_past(struct home *home, size_t n_nodes)
{
	struct talk talk;

	home_make(home);
	home_serve(home);
	talk_open(&talk, home);
	talk_write(&talk, "/past", "x");
	if (n_nodes)
		talk_many(&talk, n_nodes, make_write, NULL, NULL);
	talk_close(&talk);
	home_stop(home);
}

/* The server starts, says why it starts anew, and has a new store that works. */
static void check_discarded(struct home *home, const char *reason)
{
	struct talk talk;

	home_serve(home);
	CHECK(home_says(home->err, "discarded"));
	CHECK(home_says(home->err, reason));
	talk_open(&talk, home);
	CHECK_STR(talk_ask(&talk, XSP_DIRECTORY, "/|"), "tool|");
	talk_write(&talk, "/now", "x");
	CHECK_STR(talk_ask(&talk, XSP_CONTROL, "check|"), "OK|");
	talk_close(&talk);
	home_stop(home);
	home_remove(home);
}

static char *read_database(const struct home *home, size_t *out_len)
{
	int fd = open(home->database, O_RDONLY | O_CLOEXEC);
	struct stat stat_buf;
	char *bytes;

	CHECK(fd >= 0);
	CHECK_INT(fstat(fd, &stat_buf), 0);
	*out_len = (size_t)stat_buf.st_size;
	bytes = text_alloc(*out_len);
	CHECK_INT(read(fd, bytes, *out_len), *out_len);
	close(fd);
	return bytes;
}

static void write_database(const struct home *home, const void *bytes, size_t len)
{
	int fd = open(home->database, O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	CHECK_INT(write(fd, bytes, len), len);
	close(fd);
}

TEST(empty_database_is_as_good_as_none)
{
	struct home home;
	struct talk talk;

	make_past(&home, 0);
	write_database(&home, "", 0);
	home_serve(&home);
	CHECK(!home_says(home.err, "discarded"));
	talk_open(&talk, &home);
	CHECK_STR(talk_ask(&talk, XSP_DIRECTORY, "/|"), "tool|");
	talk_close(&talk);
	home_stop(&home);
	home_remove(&home);
}

TEST(file_that_is_no_database_is_discarded)
{
	static const char text[] = "This is not a database.\n";
	char *noise = text_alloc(100000);
	struct home home;

	make_past(&home, 0);
	write_database(&home, text, sizeof(text));
	check_discarded(&home, "damaged");
	make_past(&home, 0);
	for (size_t i = 0; i < 100000; i++)
		noise[i] = (char)(i * 2654435761U >> 13);
	write_database(&home, noise, 100000);
	check_discarded(&home, "damaged");
	make_past(&home, 0);
	memset(noise, 0, 100000);
	write_database(&home, noise, 100000);
	check_discarded(&home, "damaged");
	free(noise);
}

TEST(database_that_lost_its_end_is_discarded)
{
	struct home home;

	make_past(&home, N_NODES);
	CHECK_INT(truncate(home.database, 3 * 1024 * 1024), 0);
	check_discarded(&home, "damaged");
	make_past(&home, 0);
	CHECK_INT(truncate(home.database, 2 * 4096), 0);
	check_discarded(&home, "damaged");
}

TEST(database_with_holes_is_discarded)
{
	enum { PAGE = 4096 };
	struct home home;
	char *bytes;
	size_t len;

	make_past(&home, N_NODES);
	bytes = read_database(&home, &len);
	/* All but the two pages that say where everything is. */
	for (size_t at = 2 * PAGE; at + PAGE <= len; at += 7 * PAGE)
		memset(bytes + at, 0, PAGE);
	write_database(&home, bytes, len);
	free(bytes);
	check_discarded(&home, "damaged");
}

/* Changes the bytes at a distance from where the boot's id stands, everywhere. */
static void edit_meta(const struct home *home, long distance, char value)
{
	char boot_id[64] = "", *bytes, *at;
	size_t len, n_found = 0;
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

	CHECK(file);
	CHECK_INT(fscanf(file, "%63s", boot_id), 1);
	fclose(file);
	bytes = read_database(home, &len);
	for (at = bytes; (at = memmem(at, len - (size_t)(at - bytes), boot_id, strlen(boot_id)));
	     at++) {
		at[distance] = value;
		n_found++;
	}
	CHECK(n_found > 0);
	write_database(home, bytes, len);
	free(bytes);
}

TEST(store_of_an_earlier_boot_is_discarded)
{
	struct home home;

	make_past(&home, 0);
	edit_meta(&home, 3, 'x');
	check_discarded(&home, "earlier boot");
}

TEST(store_of_a_newer_version_is_refused_and_left_alone)
{
	enum { SCHEMA_AT = -16 };
	struct home home;
	struct talk talk;

	make_past(&home, 0);
	edit_meta(&home, SCHEMA_AT, 99);
	for (int i = 0; i < 2; i++) {
		home_launch(&home, &(struct launch){ .args = { "-N" } });
		CHECK_INT(home_wait(&home), 1);
		CHECK(home_says(home.err, "FATAL: "));
		CHECK(home_says(home.err, "newer version"));
		CHECK(!home_exists(home.socket));
	}
	edit_meta(&home, SCHEMA_AT, 1);
	home_serve(&home);
	talk_open(&talk, &home);
	CHECK_STR(talk_ask(&talk, XSP_READ, "/past|"), "x");
	talk_close(&talk);
	home_stop(&home);
	home_remove(&home);
}
