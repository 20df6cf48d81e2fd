/* SPDX-License-Identifier: MIT */
#include "tests/model/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void world_note(struct world *world, const char *format, ...)
{
	char *line = world->lines[world->n_lines++ % HISTORY];
	va_list args;
	int at = snprintf(line, LINE, "%lu: ", world->step);

	va_start(args, format);
	vsnprintf(line + at, (size_t)(LINE - at), format, args);
	va_end(args);
	if (world->is_traced)
		puts(line);
}

_Noreturn void world_differ(struct world *world, const char *format, ...)
{
	unsigned long first = world->n_lines > HISTORY ? world->n_lines - HISTORY : 0;
	va_list args;

	for (unsigned long i = first; i < world->n_lines; i++)
		printf("%s\n", world->lines[i % HISTORY]);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\nseed %llu, step %lu: test_model --seed %llu --steps %lu\n",
	       (unsigned long long)world->seed, world->step, (unsigned long long)world->seed,
	       world->step + 1);
	fflush(stdout);
	abort();
}

uint64_t world_random(struct world *world)
{
	uint64_t x = world->random += 0x9e3779b97f4a7c15U;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9U;
	x = (x ^ x >> 27) * 0x94d049bb133111ebU;
	return x ^ x >> 31;
}

unsigned world_below(struct world *world, unsigned n)
{
	return (unsigned)(world_random(world) % n);
}

bool world_chance(struct world *world, unsigned percent)
{
	return world_below(world, 100) < percent;
}
