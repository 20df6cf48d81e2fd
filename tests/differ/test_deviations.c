/* SPDX-License-Identifier: MIT */
/*
 * The table: a rule that fits too much hides a defect, so what each condition means is pinned.
 */
#include "tests/differ/deviations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/wire.h"
#include "tests/support/check.h"

static const char *const names[2] = { "ours", "theirs" };

static struct deviations table;

static bool read_table(const char *text)
{
	char path[] = "/tmp/test_deviations.XXXXXX";
	int fd = mkstemp(path);
	bool is_good;

	CHECK(fd >= 0);
	CHECK_INT(write(fd, text, strlen(text)), (intmax_t)strlen(text));
	close(fd);
	is_good = deviations_read(&table, path);
	unlink(path);
	return is_good;
}

/* The name of the rule that explains the difference, or NULL. */
static const char *explain(const struct difference *difference)
{
	const struct rule *rule = deviations_find(&table, names, difference);

	return rule ? rule->name : NULL;
}

static struct difference difference(uint32_t type, const char *a, const char *b, uint32_t facts)
{
	return (struct difference){
		.kind = KIND_REPLY, .type = type, .reply = { a, b }, .facts = facts, .more = -1
	};
}

TEST(the_sides_are_not_exchanged)
{
	struct difference there = difference(XSP_RM, "ENOENT", "OK", 0);
	struct difference here = difference(XSP_RM, "OK", "ENOENT", 0);

	CHECK(read_table("r theirs keeps type=RM this=OK other=ENOENT -- because\n"));
	CHECK_STR(explain(&there), "r");
	CHECK_STR(explain(&here), NULL);
	CHECK_UINT(table.rules[0].n_used, 1);
	deviations_fini(&table);
}

TEST(a_rule_of_another_server_explains_nothing)
{
	struct difference there = difference(XSP_RM, "ENOENT", "OK", 0);

	CHECK(read_table("r somebody keeps -- because\n"));
	CHECK_STR(explain(&there), NULL);
	deviations_fini(&table);
}

TEST(kinds_other_than_replies_must_be_named)
{
	struct difference events = difference(XSP_RM, "", "", 0);

	events.kind = KIND_EVENTS;
	CHECK(read_table("r theirs keeps type=RM -- because\n"));
	CHECK_STR(explain(&events), NULL);
	deviations_fini(&table);
	CHECK(read_table("r theirs keeps kind=order,events type=RM -- because\n"));
	CHECK_STR(explain(&events), "r");
	deviations_fini(&table);
}

TEST(types_are_whole_names)
{
	struct difference read = difference(XSP_READ, "OK", "ENOENT", 0);

	CHECK(read_table("r theirs keeps type=RE,READY,DIRECTORY -- because\n"));
	CHECK_STR(explain(&read), NULL);
	deviations_fini(&table);
	CHECK(read_table("r theirs keeps type=RM,READ -- because\n"));
	CHECK_STR(explain(&read), "r");
	deviations_fini(&table);
}

TEST(facts_must_be_there_or_not)
{
	struct difference both = difference(XSP_READ, "fine", "fine", FACT_IN_TX | FACT_CHANGED);
	struct difference one = difference(XSP_READ, "fine", "fine", FACT_IN_TX);

	CHECK(read_table("r theirs keeps +in-tx -changed -- because\n"));
	CHECK_STR(explain(&both), NULL);
	CHECK_STR(explain(&one), "r");
	deviations_fini(&table);
}

TEST(more_and_less_look_from_the_rules_server)
{
	struct difference events = difference(XSP_RM, "", "", 0);

	events.kind = KIND_EVENTS;
	events.more = 1;
	CHECK(read_table("less theirs keeps kind=events +less -- because\n"
			 "more theirs keeps kind=events +more -- because\n"));
	CHECK_STR(explain(&events), "more");
	events.more = 0;
	CHECK_STR(explain(&events), "less");
	events.more = -1;
	CHECK_STR(explain(&events), NULL);
	deviations_fini(&table);
}

TEST(error_and_fine_are_classes)
{
	struct difference failed = difference(XSP_READ, "fine", "EACCES", 0);
	struct difference fine = difference(XSP_READ, "EACCES", "fine", 0);

	CHECK(read_table("r theirs keeps this=error other=fine -- because\n"));
	CHECK_STR(explain(&failed), "r");
	CHECK_STR(explain(&fine), NULL);
	deviations_fini(&table);
}

TEST(the_first_rule_that_fits_is_used)
{
	struct difference there = difference(XSP_RM, "ENOENT", "OK", 0);

	CHECK(read_table(
		"first theirs parts type=RM -- because\nsecond theirs keeps -- because\n"));
	CHECK_STR(explain(&there), "first");
	CHECK_INT(table.rules[0].effect, EFFECT_PARTS);
	CHECK_UINT(table.rules[1].n_used, 0);
	deviations_fini(&table);
}

TEST(lines_that_are_no_rules_are_refused)
{
	static const char *const bad[] = {
		"r theirs keeps type=RM\n",
		"r theirs maybe -- because\n",
		"r theirs -- because\n",
		"r theirs keeps +nofact -- because\n",
		"r theirs keeps kind=x -- because\n",
		"r theirs keeps word -- because\n",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (read_table(bad[i]))
			CHECK_FAIL("%s was read", bad[i]);
		deviations_fini(&table);
	}
	CHECK(read_table("# a comment\n\n"));
	deviations_fini(&table);
}

TEST(the_table_of_this_project_is_read)
{
	if (!deviations_read(&table, DEVIATIONS))
		CHECK_FAIL("%s", table.why);
	CHECK(table.n > 0);
	deviations_fini(&table);
}
