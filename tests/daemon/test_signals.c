/* SPDX-License-Identifier: MIT */
/* Signals, and the trace file line by line. */
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/daemon/home.h"
#include "tests/daemon/talk.h"
#include "tests/support/check.h"

static void check_clean_end(int signal_number)
{
	struct talk idle, busy;
	struct home home;

	home_make(&home);
	home_serve_as(&home, &(struct launch){ .args = { "-F", home.pid_file } });
	talk_open(&idle, &home);
	talk_open(&busy, &home);
	CHECK_STR(talk_ask(&busy, XSP_TRANSACTION_START, "|"), "1|");
	talk_ask(&busy, XSP_WATCH, "/|token|");
	/* Half a request. */
	talk_send(&idle, XSP_GET_DOMAIN_PATH, "0", 2);
	CHECK_INT(kill(home.pid, signal_number), 0);
	CHECK_INT(home_wait(&home), 0);
	CHECK(!home_exists(home.socket));
	CHECK(!home_exists(home.pid_file));
	CHECK(home_exists(home.database));
	CHECK(!home_says(home.err, "FATAL"));
	talk_await_close(&idle);
	talk_await_close(&busy);
	talk_close(&idle);
	talk_close(&busy);
	home_remove(&home);
}

TEST(sigterm_ends_cleanly)
{
	check_clean_end(SIGTERM);
}

TEST(sigint_ends_cleanly)
{
	check_clean_end(SIGINT);
}

TEST(sigpipe_and_sigxfsz_are_ignored)
{
	struct home home;
	struct talk talk;

	home_make(&home);
	home_serve(&home);
	CHECK_INT(kill(home.pid, SIGPIPE), 0);
	CHECK_INT(kill(home.pid, SIGXFSZ), 0);
	talk_open(&talk, &home);
	CHECK_STR(talk_ask(&talk, XSP_GET_DOMAIN_PATH, "0|"), "/local/domain/0|");
	talk_close(&talk);
	home_stop(&home);
	home_remove(&home);
}

TEST(sighup_without_a_trace_does_nothing)
{
	struct home home;
	struct talk talk;

	home_make(&home);
	home_serve(&home);
	for (int i = 0; i < 20; i++)
		CHECK_INT(kill(home.pid, SIGHUP), 0);
	talk_open(&talk, &home);
	CHECK_STR(talk_ask(&talk, XSP_GET_DOMAIN_PATH, "0|"), "/local/domain/0|");
	talk_close(&talk);
	home_stop(&home);
	home_remove(&home);
}

/* A home with a trace file. */
struct traced {
	struct home home;
	struct talk talk;
	char trace[HOME_PATH_MAX];
	char moved[HOME_PATH_MAX];
};

static void trace_begin(struct traced *traced)
{
	home_make(&traced->home);
	snprintf(traced->trace, sizeof(traced->trace), "%s/trace", traced->home.top);
	snprintf(traced->moved, sizeof(traced->moved), "%s/moved", traced->home.top);
	home_launch(&traced->home, &(struct launch){ .args = { "-N", "-T", traced->trace } });
	talk_open(&traced->talk, &traced->home);
}

static void trace_end(struct traced *traced)
{
	talk_close(&traced->talk);
	home_stop(&traced->home);
	home_remove(&traced->home);
}

TEST(trace_goes_on_in_a_new_file_after_sighup)
{
	struct traced traced;
	struct stat stat_buf;

	trace_begin(&traced);
	talk_write(&traced.talk, "/before", "x");
	home_await(traced.trace, "IN ");
	CHECK_INT(rename(traced.trace, traced.moved), 0);
	talk_write(&traced.talk, "/between", "x");
	CHECK(home_says(traced.moved, "WRITE (/between x)"));
	CHECK_INT(kill(traced.home.pid, SIGHUP), 0);
	home_await(traced.trace, "\n***\n");
	talk_write(&traced.talk, "/after", "x");
	CHECK(home_says(traced.trace, "WRITE (/after x)"));
	CHECK(!home_says(traced.trace, "/between"));
	CHECK(!home_says(traced.moved, "/after"));
	CHECK_INT(stat(traced.trace, &stat_buf), 0);
	CHECK_UINT(stat_buf.st_mode & 07777, 0600);
	trace_end(&traced);
}

TEST(trace_goes_on_in_the_same_file_after_sighup)
{
	struct traced traced;
	char *text, *first;

	trace_begin(&traced);
	talk_write(&traced.talk, "/before", "x");
	CHECK_INT(kill(traced.home.pid, SIGHUP), 0);
	for (;;) {
		text = home_read(traced.trace);
		first = strstr(text, "\n***\n");
		CHECK(first);
		if (strstr(first + 1, "\n***\n"))
			break;
		free(text);
		pause_ms(2);
	}
	CHECK(strstr(text, "WRITE (/before x)"));
	free(text);
	trace_end(&traced);
}

TEST(trace_that_cannot_be_opened_is_fatal)
{
	struct home home;

	home_make(&home);
	home_launch(&home, &(struct launch){ .args = { "-N", "-T", "/no/such/directory/trace" } });
	CHECK_INT(home_wait(&home), 1);
	CHECK(home_says(home.err, "FATAL: /no/such/directory/trace: "));
	home_remove(&home);
}

TEST(trace_of_a_relative_name_is_in_the_current_directory)
{
	struct home home;
	char path[HOME_PATH_MAX];

	home_make(&home);
	snprintf(path, sizeof(path), "%s/here", home.top);
	home_serve_as(&home, &(struct launch){ .args = { "--trace-file=here" } });
	CHECK(home_says(path, "GET_DOMAIN_PATH (0 )"));
	home_stop(&home);
	home_remove(&home);
}

TEST(trace_is_written_when_the_event_happens)
{
	struct traced traced;

	/* No buffer to lose: a line is in the file when the reply is here. */
	trace_begin(&traced);
	talk_write(&traced.talk, "/a", "x");
	CHECK(home_says(traced.trace, "OUT "));
	home_kill(&traced.home);
	CHECK(home_says(traced.trace, "WRITE (OK )"));
	talk_close(&traced.talk);
	home_remove(&traced.home);
}

#define POINTER             "0x[0-9a-f]+"
#define STAMP               "20[0-9]{6} [0-2][0-9]:[0-5][0-9]:[0-6][0-9]"
#define IO(direction, rest) "io: " direction " " POINTER " \\(d0\\) " STAMP " " rest

/* Every line of the trace, in order. */
static const char *const expected_lines[] = {
	"",
	"\\*\\*\\*",
	"obj: CREATE connection " POINTER,
	IO("IN", "WRITE \\(/a value\\)"),
	IO("OUT", "WRITE \\(OK \\)"),
	IO("IN", "WATCH \\(/a token \\)"),
	"obj: CREATE watch " POINTER,
	IO("OUT", "WATCH \\(OK \\)"),
	IO("OUT", "WATCH_EVENT \\(/a token \\)"),
	IO("IN", "READ \\(/missing \\)"),
	IO("OUT", "ERROR \\(ENOENT \\)"),
	IO("IN", "WRITE \\(/a again\\)"),
	IO("OUT", "WATCH_EVENT \\(/a token \\)"),
	IO("OUT", "WRITE \\(OK \\)"),
	IO("IN", "\\*\\*UNKNOWN\\*\\* \\(x\\)"),
	IO("OUT", "ERROR \\(ENOSYS \\)"),
	IO("IN", "DIRECTORY \\(/ \\)"),
	IO("OUT", "DIRECTORY \\(a tool \\)"),
	IO("IN", "TRANSACTION_START \\( \\)"),
	"obj: CREATE transaction " POINTER,
	IO("OUT", "TRANSACTION_START \\(1 \\)"),
	IO("IN", "TRANSACTION_END \\(F \\)"),
	"obj: DESTROY transaction " POINTER,
	IO("OUT", "TRANSACTION_END \\(OK \\)"),
	IO("IN", "UNWATCH \\(/a token \\)"),
	"obj: DESTROY watch " POINTER,
	IO("OUT", "UNWATCH \\(OK \\)"),
	IO("IN", "RESET_WATCHES \\(\\)"),
	IO("OUT", "RESET_WATCHES \\(OK \\)"),
	IO("IN", "CONTROL \\(log -io \\)"),
	"obj: DESTROY connection " POINTER,
};

static void check_line(const char *line, const char *pattern)
{
	char whole[512];
	regex_t regex;

	snprintf(whole, sizeof(whole), "^%s$", pattern);
	CHECK_INT(regcomp(&regex, whole, REG_EXTENDED | REG_NOSUB), 0);
	if (regexec(&regex, line, 0, NULL, 0))
		CHECK_FAIL("the line is '%s', expected like '%s'", line, pattern);
	regfree(&regex);
}

TEST(trace_has_the_known_format)
{
	const size_t n_lines = sizeof(expected_lines) / sizeof(expected_lines[0]);
	struct traced traced;
	struct stat stat_buf;
	char *text, *line, *end;
	struct talk *talk;

	trace_begin(&traced);
	talk = &traced.talk;
	talk_write(talk, "/a", "value");
	talk_ask(talk, XSP_WATCH, "/a|token|");
	talk_ask(talk, XSP_READ, "/missing|");
	talk_write(talk, "/a", "again");
	talk_send(talk, 1234, "x", 1);
	CHECK_STR(talk_reply(talk), "ENOSYS");
	talk_ask(talk, XSP_DIRECTORY, "/|");
	talk_ask(talk, XSP_TRANSACTION_START, "|");
	talk_ask_in(talk, 1, XSP_TRANSACTION_END, "F|");
	talk_ask(talk, XSP_UNWATCH, "/a|token|");
	talk_ask(talk, XSP_RESET_WATCHES, "");
	CHECK_STR(talk_ask(talk, XSP_CONTROL, "log|-io|"), "OK|");
	CHECK_STR(talk_ask(talk, XSP_GET_DOMAIN_PATH, "0|"), "/local/domain/0|");
	talk_close(talk);
	home_await(traced.trace, "DESTROY connection");
	CHECK_INT(stat(traced.trace, &stat_buf), 0);
	CHECK_UINT(stat_buf.st_mode & 07777, 0600);
	text = line = home_read(traced.trace);
	for (size_t i = 0; i < n_lines; i++) {
		end = strchr(line, '\n');
		if (!end)
			CHECK_FAIL("the trace ends before line %zu: '%s'", i, expected_lines[i]);
		*end = '\0';
		check_line(line, expected_lines[i]);
		line = end + 1;
	}
	CHECK_STR(line, "");
	free(text);
	home_stop(&traced.home);
	home_remove(&traced.home);
}

TEST(trace_of_merged_events_is_what_was_sent)
{
	struct traced traced;
	struct talk watcher;
	char *text, *at;
	int n_traced = 0;
	size_t n_seen;

	/* The watcher does not read: most of its events are like one still waiting. */
	trace_begin(&traced);
	talk_open(&watcher, &traced.home);
	talk_ask(&watcher, XSP_WATCH, "/a|token|");
	for (int i = 0; i < 50; i++)
		talk_write(&traced.talk, "/a", "x");
	talk_ask(&watcher, XSP_UNWATCH, "/a|token|");
	n_seen = watcher.n_events;
	text = home_read(traced.trace);
	for (at = text; (at = strstr(at, " WATCH_EVENT ")); at++)
		n_traced++;
	CHECK_UINT(n_traced, n_seen);
	free(text);
	talk_close(&watcher);
	trace_end(&traced);
}

TEST(trace_is_switched_off_and_on_while_running)
{
	struct traced traced;
	struct talk *talk = &traced.talk;
	char message[HOME_PATH_MAX + 16];

	trace_begin(&traced);
	CHECK_STR(talk_ask(talk, XSP_CONTROL, "log|off|"), "OK|");
	talk_write(talk, "/unheard", "x");
	CHECK_STR(talk_ask(talk, XSP_CONTROL, "log|on|"), "OK|");
	talk_write(talk, "/heard", "x");
	CHECK(home_says(traced.trace, "/heard"));
	CHECK(!home_says(traced.trace, "/unheard"));
	snprintf(message, sizeof(message), "logfile|%s|", traced.moved);
	CHECK_STR(talk_ask(talk, XSP_CONTROL, message), "OK|");
	talk_write(talk, "/elsewhere", "x");
	CHECK(home_says(traced.moved, "/elsewhere"));
	CHECK(!home_says(traced.trace, "/elsewhere"));
	CHECK_STR(talk_ask(talk, XSP_CONTROL, "memreport|"), "OK|");
	CHECK(home_says(traced.moved, "<malloc"));
	trace_end(&traced);
}

TEST(trace_that_runs_goes_on_when_another_cannot_be_opened)
{
	struct traced traced;
	struct talk *talk = &traced.talk;

	trace_begin(&traced);
	CHECK_STR(talk_ask(talk, XSP_CONTROL, "logfile|/no/such/directory/x|"), "EINVAL");
	talk_write(talk, "/after", "x");
	CHECK(home_says(traced.trace, "WRITE (/after x)"));
	CHECK_STR(talk_ask(talk, XSP_CONTROL, "log|off|"), "OK|");
	CHECK_STR(talk_ask(talk, XSP_CONTROL, "logfile|/no/such/directory/x|"), "EINVAL");
	CHECK_STR(talk_ask(talk, XSP_CONTROL, "log|on|"), "OK|");
	talk_write(talk, "/at/last", "x");
	CHECK(home_says(traced.trace, "WRITE (/at/last x)"));
	trace_end(&traced);
}
