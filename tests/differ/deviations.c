/* SPDX-License-Identifier: MIT */
#include "tests/differ/deviations.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/wire.h"
#include "tests/support/text.h"

static const char *const kinds[KIND_COUNT] = {
	"reply", "echo", "events", "repeat", "order", "position", "closed", "tree",
};

static const char *const facts[] = {
	"in-tx",    "bad-tx",     "changed", "wrote",    "empty",      "shape",
	"bad-path", "long-path",  "special", "root",     "bad-number", "big-value",
	"bad-perm", "odd-perm",   "absent",  "same-set", "at-names",   "generation",
	"numbers",  "long-reply", "more",    "less",     "depth",      "burst",
};
enum { N_FACTS = sizeof(facts) / sizeof(facts[0]) };

const char *kind_name(enum kind kind)
{
	return kinds[kind];
}

void facts_show(char *out, size_t size, uint32_t set)
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < N_FACTS && len < size; i++) {
		if (set & (1U << i))
			len += (size_t)snprintf(out + len, size - len, " %s", facts[i]);
	}
}

/* Whether `word` is in the comma-separated list; an empty list holds everything. */
static bool is_in(const char *list, const char *word)
{
	size_t len = strlen(word);

	if (!*list)
		return true;
	while (list) {
		if (!strncmp(list, word, len) && (list[len] == ',' || list[len] == '\0'))
			return true;
		list = strchr(list, ',');
		list = list ? list + 1 : NULL;
	}
	return false;
}

static bool read_fact(const char *word, uint32_t *set)
{
	for (uint32_t i = 0; i < N_FACTS; i++) {
		if (!strcmp(word, facts[i])) {
			*set |= 1U << i;
			return true;
		}
	}
	return false;
}

static bool read_kinds(char *list, uint32_t *set)
{
	char *save = NULL;

	*set = 0;
	for (char *word = strtok_r(list, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		uint32_t i = 0;

		while (i < KIND_COUNT && strcmp(word, kinds[i]) != 0)
			i++;
		if (i == KIND_COUNT)
			return false;
		*set |= 1U << i;
	}
	return true;
}

static bool copy(char *out, size_t size, const char *from)
{
	return (size_t)snprintf(out, size, "%s", from) < size;
}

static bool read_condition(struct rule *rule, char *word)
{
	if (word[0] == '+')
		return read_fact(word + 1, &rule->has);
	if (word[0] == '-')
		return read_fact(word + 1, &rule->has_not);
	if (!strncmp(word, "kind=", 5))
		return read_kinds(word + 5, &rule->kinds);
	if (!strncmp(word, "type=", 5))
		return copy(rule->types, sizeof(rule->types), word + 5);
	if (!strncmp(word, "this=", 5))
		return copy(rule->this_reply, sizeof(rule->this_reply), word + 5);
	if (!strncmp(word, "other=", 6))
		return copy(rule->other_reply, sizeof(rule->other_reply), word + 6);
	return false;
}

/* name server effect conditions... -- reason */
static bool read_rule(struct rule *rule, char *line)
{
	char *reason = strstr(line, " -- "), *save = NULL, *word;
	const char *effect;

	*rule = (struct rule){ .kinds = 1U << KIND_REPLY };
	if (!reason)
		return false;
	*reason = '\0';
	copy(rule->reason, sizeof(rule->reason), reason + 4);
	word = strtok_r(line, " \t", &save);
	if (!word || !copy(rule->name, sizeof(rule->name), word))
		return false;
	word = strtok_r(NULL, " \t", &save);
	if (!word || !copy(rule->server, sizeof(rule->server), word))
		return false;
	effect = strtok_r(NULL, " \t", &save);
	if (!effect)
		return false;
	if (!strcmp(effect, "keeps"))
		rule->effect = EFFECT_KEEPS;
	else if (!strcmp(effect, "parts"))
		rule->effect = EFFECT_PARTS;
	else if (!strcmp(effect, "ruins"))
		rule->effect = EFFECT_RUINS;
	else
		return false;
	while ((word = strtok_r(NULL, " \t", &save))) {
		if (!read_condition(rule, word))
			return false;
	}
	return true;
}

bool deviations_read(struct deviations *deviations, const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	int number = 0;
	bool is_good = true;

	*deviations = (struct deviations){ 0 };
	if (!file) {
		snprintf(deviations->why, sizeof(deviations->why), "%.200s: %s", path,
			 strerror(errno));
		return false;
	}
	while (is_good && getline(&line, &size, file) >= 0) {
		struct rule rule;

		number++;
		line[strcspn(line, "\n")] = '\0';
		if (!line[strspn(line, " \t")] || line[0] == '#')
			continue;
		is_good = read_rule(&rule, line);
		if (!is_good)
			break;
		deviations->rules =
			text_grow(deviations->rules, (deviations->n + 1) * sizeof(struct rule));
		deviations->rules[deviations->n++] = rule;
	}
	if (!is_good)
		snprintf(deviations->why, sizeof(deviations->why), "%.200s:%d: not a rule", path,
			 number);
	free(line);
	fclose(file);
	return is_good;
}

void deviations_fini(struct deviations *deviations)
{
	free(deviations->rules);
	*deviations = (struct deviations){ 0 };
}

/* A reply fits its own name; any name but an error's is "fine", any error's is "error". */
static bool reply_fits(const char *list, const char *reply)
{
	if (is_in(list, reply))
		return true;
	if (reply[0] == 'E')
		return is_in(list, "error");
	return *reply && is_in(list, "fine");
}

static bool fits(const struct rule *rule, const struct difference *difference, int this)
{
	const char *name = xsp_type_name(difference->type);
	uint32_t set = difference->facts;
	char number[16];

	snprintf(number, sizeof(number), "%u", difference->type);
	if (difference->more >= 0)
		set |= difference->more == this ? FACT_MORE : FACT_LESS;
	return (rule->kinds & (1U << difference->kind)) &&
	       is_in(rule->types, name ? name : number) && (set & rule->has) == rule->has &&
	       !(set & rule->has_not) && reply_fits(rule->this_reply, difference->reply[this]) &&
	       reply_fits(rule->other_reply, difference->reply[!this]);
}

struct rule *deviations_find(struct deviations *deviations, const char *const names[2],
			     const struct difference *difference)
{
	for (size_t i = 0; i < deviations->n; i++) {
		struct rule *rule = &deviations->rules[i];

		for (int this = 0; this < 2; this ++) {
			if (!strcmp(rule->server, names[this]) && fits(rule, difference, this)) {
				rule->n_used++;
				return rule;
			}
		}
	}
	return NULL;
}
