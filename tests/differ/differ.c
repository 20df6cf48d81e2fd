/* SPDX-License-Identifier: MIT */
/*
 * differ: the same conversations with two xenstore servers, and every difference explained.
 *
 *	differ --a PATH --b PATH [option...] [transcript...]
 *
 *	--name-a NAME, --name-b NAME     what the table calls the servers
 *	--table FILE                     the intended deviations
 *	--seed N                         of the random conversations; printed
 *	--steps N                        random steps in all
 *	--only N                         just the random conversation of that number
 *	--restart-a CMD, --restart-b CMD bring a server back that a step has ruined
 *	--all                            names the rules that were never used as failures
 *
 * Transcripts given are played first, as conversations: what they expect is not looked at. A
 * difference that no rule of the table explains is printed with the conversation before it and
 * makes the run fail. The servers are known by their sockets alone.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/differ/compare.h"
#include "tests/differ/generator.h"
#include "tests/differ/scripted.h"
#include "tests/support/text.h"

enum { STEPS_PER_CONVERSATION = 60, UNEXPLAINED_MAX = 20, LINE_MAX_SHOWN = 800 };

struct run {
	struct side sides[2];
	struct deviations deviations;
	const char *title; /* borrowed; of the conversation */
	char *history;     /* owned */
	size_t history_len;
	enum effect effect; /* the worst of the conversation */
	unsigned n_steps, n_conversations, n_explained, n_unexplained, n_deaths;
	bool is_broken; /* a server cannot be used any more */
};

static void remember(struct run *run, const char *line)
{
	size_t len = strlen(line);

	run->history = text_grow(run->history, run->history_len + len + 8);
	run->history_len +=
		(size_t)snprintf(run->history + run->history_len, len + 8, "    %s\n", line);
}

static void forget(struct run *run)
{
	free(run->history);
	run->history = NULL;
	run->history_len = 0;
}

static void remember_step(struct run *run, const struct diff_step *step)
{
	char line[LINE_MAX_SHOWN];

	if (step->action == STEP_CLOSE_CLIENT) {
		snprintf(line, sizeof(line), "s%d! close", step->client + 1);
		remember(run, line);
	}
	if (step->n_requests > 1) {
		snprintf(line, sizeof(line), "s%d! hold", step->client + 1);
		remember(run, line);
	}
	for (int i = 0; i < step->n_requests; i++) {
		request_show(line, sizeof(line), step->client, &step->requests[i]);
		remember(run, line);
	}
	if (step->n_requests > 1) {
		snprintf(line, sizeof(line), "s%d! flush", step->client + 1);
		remember(run, line);
	}
}

/* A difference: explained by a rule, or a failure. */
static bool report(void *arg, const struct difference *difference, const char *text)
{
	struct run *run = arg;
	const char *const names[2] = { run->sides[0].name, run->sides[1].name };
	struct rule *rule = deviations_find(&run->deviations, names, difference);
	char facts[256];

	if (rule) {
		run->n_explained++;
		if (rule->effect > run->effect)
			run->effect = rule->effect;
		return rule->effect == EFFECT_KEEPS;
	}
	run->n_unexplained++;
	if (run->effect < EFFECT_PARTS)
		run->effect = EFFECT_PARTS;
	facts_show(facts, sizeof(facts), difference->facts);
	printf("UNEXPLAINED in %s: %s of %s,%s\n    %s\n  after\n%s\n", run->title,
	       kind_name(difference->kind),
	       xsp_type_name(difference->type) ? xsp_type_name(difference->type) : "unknown type",
	       facts, text, run->history ? run->history : "");
	fflush(stdout);
	return false;
}

static bool broken(struct run *run, const struct side *side)
{
	printf("BROKEN in %s: %s\n", run->title, side->why);
	run->is_broken = true;
	return false;
}

static bool reset(struct run *run, int n_clients, struct side **out_failed)
{
	for (int i = 0; i < 2; i++) {
		*out_failed = &run->sides[i];
		if (run->effect == EFFECT_RUINS && !side_restart(&run->sides[i]))
			return false;
	}
	for (int i = 0; i < 2; i++) {
		*out_failed = &run->sides[i];
		if (!side_reset(&run->sides[i], n_clients))
			return false;
	}
	return true;
}

static bool begin(struct run *run, int n_clients)
{
	struct side *side;
	bool is_ready;

	forget(run);
	is_ready = reset(run, n_clients, &side);
	if (!is_ready && side->restart) {
		run->effect = EFFECT_RUINS;
		is_ready = reset(run, n_clients, &side);
	}
	run->effect = EFFECT_KEEPS;
	run->n_conversations++;
	return is_ready || broken(run, side);
}

/* A server that has closed every connection is gone. That both did it alike explains nothing. */
static void note_death(struct run *run, const struct side *side)
{
	for (int i = 0; i < side->n_clients; i++) {
		if (!side->clients[i].stream.is_closed)
			return;
	}
	printf("%s died in %s of\n%s\n", side->name, run->title, run->history);
	run->n_deaths++;
	run->effect = EFFECT_RUINS;
}

/* The first line in which two dumps differ, of each. */
static void show_lines(char *out, size_t size, const char *a, const char *b)
{
	while (*a && *a == *b) {
		const char *end_a = strchr(a, '\n'), *end_b = strchr(b, '\n');

		if (!end_a || !end_b || end_a - a != end_b - b ||
		    memcmp(a, b, (size_t)(end_a - a)) != 0)
			break;
		a = end_a + 1;
		b = end_b + 1;
	}
	snprintf(out, size, "%.*s\n    %.*s", (int)strcspn(a, "\n"), a, (int)strcspn(b, "\n"), b);
}

/* The same requests must have left the same trees. */
static bool compare_trees(struct run *run, uint32_t facts)
{
	struct difference difference = {
		.kind = KIND_TREE, .facts = facts, .reply = { "", "" }, .more = -1
	};
	char *dumps[2] = { NULL, NULL }, text[2048];

	for (int i = 0; i < 2; i++) {
		dumps[i] = side_dump(&run->sides[i]);
		if (!dumps[i]) {
			free(dumps[0]);
			return broken(run, &run->sides[i]);
		}
	}
	if (strcmp(dumps[0], dumps[1]) != 0) {
		show_lines(text, sizeof(text), dumps[0], dumps[1]);
		(void)report(run, &difference, text);
	}
	free(dumps[0]);
	free(dumps[1]);
	return true;
}

static bool play(struct run *run, struct book *book, const struct diff_step *step)
{
	unsigned n_merges = book->n_merges;

	remember_step(run, step);
	run->n_steps++;
	for (int i = 0; i < 2; i++) {
		if (!side_step(&run->sides[i], step))
			return broken(run, &run->sides[i]);
	}
	compare_step(book, run->sides, step, report, run);
	for (int i = 0; i < 2; i++)
		note_death(run, &run->sides[i]);
	/* Two servers may both commit and mean different things by it; the replies do not show. */
	if (book->n_merges != n_merges && run->effect == EFFECT_KEEPS)
		return compare_trees(run, FACT_CHANGED);
	return true;
}

static void converse_randomly(struct run *run, uint64_t seed, unsigned number)
{
	struct generator generator;
	struct book book = { 0 };
	char title[64];

	snprintf(title, sizeof(title), "--seed %llu --only %u", (unsigned long long)seed, number);
	run->title = title;
	generator_init(&generator, seed, number);
	if (!begin(run, N_TALKERS))
		return;
	for (int i = 0; i < STEPS_PER_CONVERSATION && run->effect == EFFECT_KEEPS; i++) {
		struct diff_step step;
		bool is_played;

		generator_step(&generator, &book, &step);
		is_played = play(run, &book, &step);
		step_fini(&step);
		if (!is_played)
			return;
	}
	if (run->effect == EFFECT_KEEPS)
		compare_trees(run, 0);
}

static void converse_as_written(struct run *run, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct conversation conversation;
	struct book book = { 0 };
	bool is_played = true;

	run->title = slash ? slash + 1 : path;
	if (!scripted_read(&conversation, path)) {
		printf("left out %s: %s\n", run->title, conversation.why);
		scripted_fini(&conversation);
		return;
	}
	if (begin(run, N_CLIENTS)) {
		for (size_t i = 0;
		     is_played && i < conversation.n_steps && run->effect == EFFECT_KEEPS; i++)
			is_played = play(run, &book, &conversation.steps[i]);
		if (is_played && run->effect == EFFECT_KEEPS)
			compare_trees(run, 0);
	}
	scripted_fini(&conversation);
}

static unsigned report_rules(const struct run *run)
{
	unsigned n_unused = 0;

	for (size_t i = 0; i < run->deviations.n; i++) {
		const struct rule *rule = &run->deviations.rules[i];

		if (strcmp(rule->server, run->sides[0].name) != 0 &&
		    strcmp(rule->server, run->sides[1].name) != 0)
			continue;
		printf("%8u  %-12s %-32s %s\n", rule->n_used, rule->server, rule->name,
		       rule->n_used ? rule->reason : "NEVER USED");
		n_unused += rule->n_used == 0;
	}
	return n_unused;
}

static int usage(void)
{
	fputs("usage: differ --a PATH --b PATH [--name-a NAME] [--name-b NAME] [--table FILE]\n"
	      "              [--seed N] [--steps N] [--only N] [--restart-a CMD] [--restart-b "
	      "CMD]\n"
	      "              [--all] [transcript...]\n",
	      stderr);
	return EXIT_FAILURE;
}

struct options {
	const char *table;
	uint64_t seed;
	unsigned long steps;
	long only; /* -1: all of them */
	bool wants_all;
};

/* False: the command line makes no sense. */
static bool read_options(int argc, char **argv, struct run *run, struct options *options)
{
	static const struct option names[] = {
		{ "a", required_argument, NULL, 'a' },
		{ "b", required_argument, NULL, 'b' },
		{ "name-a", required_argument, NULL, 'A' },
		{ "name-b", required_argument, NULL, 'B' },
		{ "table", required_argument, NULL, 't' },
		{ "seed", required_argument, NULL, 's' },
		{ "steps", required_argument, NULL, 'n' },
		{ "only", required_argument, NULL, 'o' },
		{ "restart-a", required_argument, NULL, 'x' },
		{ "restart-b", required_argument, NULL, 'y' },
		{ "all", no_argument, NULL, 'l' },
		{ NULL, 0, NULL, 0 },
	};
	const char **texts[128] = {
		['a'] = &run->sides[0].path,    ['b'] = &run->sides[1].path,
		['A'] = &run->sides[0].name,    ['B'] = &run->sides[1].name,
		['x'] = &run->sides[0].restart, ['y'] = &run->sides[1].restart,
		['t'] = &options->table,
	};
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (option == '?')
			return false;
		if (option < 128 && texts[option])
			*texts[option] = optarg;
		else if (option == 's')
			options->seed = strtoull(optarg, NULL, 10);
		else if (option == 'n')
			options->steps = strtoul(optarg, NULL, 10);
		else if (option == 'o')
			options->only = strtol(optarg, NULL, 10);
		else
			options->wants_all = true;
	}
	return run->sides[0].path && run->sides[1].path;
}

static bool goes_on(const struct run *run)
{
	return !run->is_broken && run->n_unexplained < UNEXPLAINED_MAX;
}

static void converse(struct run *run, const struct options *options, char **paths, int n_paths)
{
	unsigned before;

	for (int i = 0; i < n_paths && goes_on(run); i++)
		converse_as_written(run, paths[i]);
	before = run->n_steps;
	if (options->only >= 0)
		converse_randomly(run, options->seed, (unsigned)options->only);
	else
		for (unsigned n = 0; run->n_steps - before < options->steps && goes_on(run); n++)
			converse_randomly(run, options->seed, n);
}

int main(int argc, char **argv)
{
	/* Where servers can be started anew, the run begins with fresh ones. */
	struct run run = { .sides = { { .name = "a" }, { .name = "b" } }, .effect = EFFECT_RUINS };
	struct options options = { .seed = (uint64_t)time(NULL), .only = -1 };
	unsigned n_unused;

	for (int i = 0; i < 2; i++) {
		run.sides[i].keeper.fd = -1;
		for (int n = 0; n < N_CLIENTS; n++)
			run.sides[i].clients[n].fd = -1;
	}
	if (!read_options(argc, argv, &run, &options))
		return usage();
	if (options.table && !deviations_read(&run.deviations, options.table)) {
		fprintf(stderr, "differ: %s\n", run.deviations.why);
		return EXIT_FAILURE;
	}
	printf("seed %llu\n", (unsigned long long)options.seed);
	converse(&run, &options, argv + optind, argc - optind);
	n_unused = options.only < 0 ? report_rules(&run) : 0;
	printf("%u steps in %u conversations: %u differences explained, %u not; %u deaths\n",
	       run.n_steps, run.n_conversations, run.n_explained, run.n_unexplained, run.n_deaths);
	for (int i = 0; i < 2; i++)
		side_close(&run.sides[i]);
	forget(&run);
	deviations_fini(&run.deviations);
	return run.is_broken || run.n_unexplained || (options.wants_all && n_unused) ? EXIT_FAILURE
										     : EXIT_SUCCESS;
}
