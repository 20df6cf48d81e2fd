/* SPDX-License-Identifier: MIT */
#include "xenstored/base/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/check.h"

static unsigned n_lines;
static enum log_level last_level;
static char last_text[4096];

static void note(enum log_level level, const char *text)
{
	n_lines++;
	last_level = level;
	snprintf(last_text, sizeof(last_text), "%s", text);
}

TEST(without_a_sink_nothing_happens)
{
	log_line(LOG_LEVEL_ERROR, "nobody %s", "listens");
	log_to(note);
	log_to(NULL);
	log_line(LOG_LEVEL_ERROR, "nobody %s", "listens any more");
	CHECK_UINT(n_lines, 0);
}

TEST(the_sink_gets_level_and_text)
{
	log_to(note);
	log_line(LOG_LEVEL_WARNING, "%d of %s", 5, "them");
	CHECK_UINT(n_lines, 1);
	CHECK_INT(last_level, LOG_LEVEL_WARNING);
	CHECK_STR(last_text, "5 of them");
	log_line(LOG_LEVEL_INFO, "another");
	CHECK_INT(last_level, LOG_LEVEL_INFO);
	CHECK_STR(last_text, "another");
}

TEST(long_lines_are_cut_at_1_kib)
{
	char text[3000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_to(note);
	log_line(LOG_LEVEL_INFO, "%s", text);
	CHECK_UINT(strlen(last_text), 1023);
	CHECK(strspn(last_text, "x") == 1023);
}

TEST(stderr_gets_one_line_with_the_severity)
{
	int fds[2], saved = dup(STDERR_FILENO);
	char text[100] = { 0 };

	CHECK_INT(pipe(fds), 0);
	CHECK_INT(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
	log_to(log_sink_stderr);
	log_line(LOG_LEVEL_ERROR, "100%% full");
	log_line(LOG_LEVEL_INFO, "empty");
	CHECK_INT(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	close(saved);
	close(fds[1]);
	CHECK(read(fds[0], text, sizeof(text) - 1) > 0);
	close(fds[0]);
	CHECK_STR(text, "error: 100% full\nempty\n");
}
