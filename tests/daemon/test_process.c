/* SPDX-License-Identifier: MIT */
/* What becomes of a function that is tried in a process of its own. */
#include "xenstored/io/process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "tests/support/check.h"

/* Does as the text says. */
static int act(const char *text)
{
	switch (text[0]) {
	case 'k':
		raise(SIGKILL);
		break;
	case 't':
		signal(SIGTERM, SIG_DFL);
		raise(SIGTERM);
		break;
	case 'a':
		signal(SIGABRT, SIG_DFL);
		abort();
	case 's':
		signal(SIGSEGV, SIG_DFL);
		raise(SIGSEGV);
		break;
	case 'b':
		return -EBADMSG;
	case 'm':
		return -ENOMEM;
	default:
		break;
	}
	return 0;
}

TEST(what_returns_is_no_damage_unless_it_says_so)
{
	CHECK_INT(process_try(act, "well"), 0);
	CHECK_INT(process_try(act, "memory"), 0);
	CHECK_INT(process_try(act, "bad"), -EBADMSG);
}

TEST(a_crash_is_damage)
{
	CHECK_INT(process_try(act, "abort"), -EBADMSG);
	CHECK_INT(process_try(act, "segment"), -EBADMSG);
}

/* Memory was short, or the host is going down: that is no reason to throw a store away. */
TEST(what_somebody_else_has_ended_is_not)
{
	CHECK_INT(process_try(act, "kill"), -ECANCELED);
	CHECK_INT(process_try(act, "terminate"), -ECANCELED);
}

TEST(it_does_not_matter_whether_children_were_ignored)
{
	signal(SIGCHLD, SIG_IGN);
	CHECK_INT(process_try(act, "well"), 0);
	signal(SIGCHLD, SIG_IGN);
	CHECK_INT(process_try(act, "bad"), -EBADMSG);
}
