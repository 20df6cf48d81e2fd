/* SPDX-License-Identifier: MIT */
/* The command line: what each option does, and what is refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/daemon/home.h"
#include "tests/daemon/talk.h"
#include "tests/support/check.h"

/* Runs the daemon with words that make it end by itself. */
static int run(struct home *home, const char *first, const char *second)
{
	home_launch(home, &(struct launch){ .args = { "-N", first, second } });
	return home_wait(home);
}

/* Words that are fatal, with a message that says so. */
static void check_fatal(const char *first, const char *second)
{
	struct home home;
	int status;
	char *text;

	home_make(&home);
	status = run(&home, first, second);
	text = home_read(home.err);
	if (status != 1 || strncmp(text, "FATAL: ", 7) != 0)
		CHECK_FAIL("'%s' '%s': status %d, says: %s", first, second ? second : "", status,
			   text);
	CHECK(!home_exists(home.socket));
	free(text);
	home_remove(&home);
}

/* Words that are accepted; the server serves. */
static void check_accepted(const char *first, const char *second)
{
	struct home home;
	char *text;

	home_make(&home);
	home_serve_as(&home, &(struct launch){ .args = { first, second } });
	home_stop(&home);
	text = home_read(home.err);
	if (strstr(text, first) || strstr(text, "FATAL"))
		CHECK_FAIL("'%s' '%s' is complained about: %s", first, second ? second : "", text);
	free(text);
	home_remove(&home);
}

/* Words after which a quota has a value. */
static void check_quota(const char *first, const char *second, const char *name, const char *value)
{
	char question[64], answer[64];
	struct home home;
	struct talk talk;

	home_make(&home);
	home_serve_as(&home, &(struct launch){ .args = { first, second } });
	talk_open(&talk, &home);
	snprintf(question, sizeof(question), "%s|", name);
	snprintf(answer, sizeof(answer), "%s|", value);
	if (strcmp(talk_ask(&talk, XSP_GET_QUOTA, question), answer) != 0)
		CHECK_FAIL("'%s' '%s': %s is %s, expected %s", first, second ? second : "", name,
			   talk.text, answer);
	talk_close(&talk);
	home_stop(&home);
	home_remove(&home);
}

TEST(help_goes_to_standard_error_and_is_no_failure)
{
	const char *const words[] = { "-H", "--help" };
	struct home home;

	for (size_t i = 0; i < 2; i++) {
		home_make(&home);
		CHECK_INT(run(&home, words[i], NULL), 0);
		CHECK(home_says(home.err, "Usage: xenstored"));
		CHECK(home_says(home.err, "--pid-file"));
		CHECK(!home_says(home.out, "U"));
		CHECK(!home_exists(home.run));
		home_remove(&home);
	}
}

TEST(version_is_printed)
{
	struct home home;
	char *text;
	int end = 0;

	home_make(&home);
	CHECK_INT(run(&home, "--version", NULL), 0);
	text = home_read(home.out);
	CHECK_INT(sscanf(text, "xenstored %*[0-9.]\n%n", &end), 0);
	CHECK_UINT(end, strlen(text));
	free(text);
	home_remove(&home);
}

TEST(unknown_options_are_complained_about_and_ignored)
{
	struct home home;

	home_make(&home);
	home_serve_as(&home, &(struct launch){ .args = { "--frobnicate", "-X" } });
	home_stop(&home);
	CHECK(home_says(home.err, "unrecognized option '--frobnicate'"));
	CHECK(home_says(home.err, "invalid option -- 'X'"));
	home_remove(&home);
}

TEST(arguments_are_fatal)
{
	check_fatal("argument", NULL);
	check_fatal("--", "argument");
}

TEST(numbers_must_be_whole_decimals_in_range)
{
	static const char *const options[] = {
		"-E",
		"--entry-nb",
		"-S",
		"--entry-size",
		"-W",
		"--watch-nb",
		"-t",
		"--transaction",
		"-A",
		"--perm-nb",
		"-M",
		"--path-max",
		"--master-domid",
		"--priv-domid",
	};
	static const char *const words[] = { "", "x", "-1", "1x", " 1", "0x10", "2147483648" };

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		check_fatal(options[i], words[i % 7]);
	for (size_t i = 0; i < 7; i++)
		check_fatal("-E", words[i]);
}

TEST(assignments_must_name_something_and_give_a_number)
{
	static const char *const options[] = { "-Q",           "--quota", "-q",
					       "--quota-soft", "-w",      "--timeout" };
	static const char *const words[] = { "nodes",    "nodes=",       "=5",       "nonsense=5",
					     "nodes=5x", "watch-event=", "memory=-1" };

	for (size_t i = 0; i < 6; i++) {
		for (size_t j = 0; j < 7; j++)
			check_fatal(options[i], words[j]);
	}
	/* There is no soft limit but that of memory, and memory's is set by its own option. */
	check_fatal("-q", "nodes=5");
	check_fatal("-Q", "soft-memory=5");
	check_fatal("-w", "memory=5");
}

TEST(trace_classes_must_exist)
{
	check_fatal("--trace-control", "io");
	check_fatal("--trace-control", "+nonsense");
	check_fatal("--trace-control=", NULL);
}

TEST(each_quota_option_has_its_effect)
{
	check_quota("-E", "7", "nodes", "7");
	check_quota("--entry-nb=8", NULL, "nodes", "8");
	check_quota("-S", "9", "node-size", "9");
	check_quota("--entry-size", "10", "node-size", "10");
	check_quota("-W11", NULL, "watches", "11");
	check_quota("--watch-nb", "12", "watches", "12");
	check_quota("-t", "13", "transactions", "13");
	check_quota("--transaction=14", NULL, "transactions", "14");
	check_quota("-A", "15", "node-permissions", "15");
	check_quota("--perm-nb", "16", "node-permissions", "16");
	check_quota("-M", "17", "path-max", "17");
	check_quota("--path-max", "2147483647", "path-max", "2048");
	check_quota("-E", "0", "nodes", "0");
	check_quota("-E", "2147483647", "nodes", "2147483647");
}

TEST(quotas_can_be_set_by_name)
{
	static const char *const names[] = {
		"nodes",        "watches",           "outstanding",      "memory",
		"transactions", "transaction-nodes", "node-permissions", "path-max",
		"node-size"
	};
	char word[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(word, sizeof(word), "%s=%zu", names[i], 100 + i);
		check_quota(i % 2 ? "-Q" : "--quota", word, names[i], strchr(word, '=') + 1);
	}
	check_quota("-q", "memory=4711", "soft-memory", "4711");
	check_quota("--quota-soft=memory=4712", NULL, "soft-memory", "4712");
}

TEST(timeouts_and_flags_are_accepted)
{
	check_accepted("-w", "watch-event=5");
	check_accepted("--timeout=watch-event=0", NULL);
	check_accepted("-K", NULL);
	check_accepted("--keep-orphans", NULL);
	check_accepted("--event", "3");
	check_accepted("--master-domid", "0");
}

TEST(options_of_older_versions_are_accepted)
{
	static const char *const words[] = { "-D",
					     "-R",
					     "-I",
					     "-Ioff",
					     "-V",
					     "--no-domain-init",
					     "--no-recovery",
					     "--internal-db",
					     "--internal-db=on",
					     "--verbose" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		check_accepted(words[i], NULL);
}

TEST(process_id_is_printed_when_asked_for)
{
	static const char *const words[] = { "-P", "--output-pid" };
	char expected[32], *text;
	struct home home;

	for (size_t i = 0; i < 2; i++) {
		home_make(&home);
		home_serve_as(&home, &(struct launch){ .args = { words[i] } });
		snprintf(expected, sizeof(expected), "%d\n", (int)home.pid);
		home_stop(&home);
		text = home_read(home.out);
		CHECK_STR(text, expected);
		free(text);
		home_remove(&home);
	}
}

TEST(privileged_domain_can_be_another)
{
	struct home home;
	struct talk talk;

	home_make(&home);
	home_serve_as(&home,
		      &(struct launch){ .args = { "--priv-domid", "5", "--master-domid=6" } });
	talk_open(&talk, &home);
	CHECK_STR(talk_ask(&talk, XSP_CONTROL, "help|"), "EACCES");
	CHECK_STR(talk_ask(&talk, XSP_READ, "/|"), "EACCES");
	talk_close(&talk);
	home_stop(&home);
	home_remove(&home);

	home_make(&home);
	home_serve_as(&home, &(struct launch){ .args = { "--priv-domid", "5" } });
	talk_open(&talk, &home);
	CHECK_STR(talk_ask(&talk, XSP_GET_PERMS, "/|"), "n5|");
	talk_write(&talk, "data", "x");
	CHECK_STR(talk_ask(&talk, XSP_READ, "/local/domain/5/data|"), "x");
	talk_close(&talk);
	home_stop(&home);
	home_remove(&home);
}

TEST(trace_control_switches_classes)
{
	struct home home;
	struct talk talk;

	home_make(&home);
	home_serve_as(&home, &(struct launch){ .args = { "--trace-control=-io", "--trace-control",
							 "+acc" } });
	talk_open(&talk, &home);
	CHECK_STR(talk_ask(&talk, XSP_CONTROL, "log|"),
		  "Log switch settings:\nobj     : on\nio      : off\nwrl     : off\n"
		  "acc     : on\ntdb     : off\n|");
	talk_close(&talk);
	home_stop(&home);
	home_remove(&home);
}
