/* SPDX-License-Identifier: MIT */
/*
 * Every allocation fails once. A scenario is run to count its allocations, then again and again,
 * each time with another one failing, once alone and once with all that follow. What it returns is
 * its own business; that nothing crashes, hangs or leaks is checked by the runner and sanitizers.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libxs/include/xenstore_async.h"
#include "tests/libxs/mini.h"
#include "tests/support/check.h"

/* The linker leads the library's allocations here; the server's are made by its own thread. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);

enum { NEVER = -1 };

static _Thread_local bool is_counted;
static int n_allocations, fail_at = NEVER;
static bool fail_on;
/* What went wrong inside a scenario; the checks allocate, too, so they are made outside. */
static unsigned n_wrong;

static bool fails(void)
{
	int number;

	if (!is_counted)
		return false;
	number = n_allocations++;
	if (fail_at == NEVER || (fail_on ? number < fail_at : number != fail_at))
		return false;
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

/* Returns how many allocations it made. */
static int run(void (*scenario)(void), int failing)
{
	n_allocations = 0;
	fail_at = failing;
	is_counted = true;
	scenario();
	is_counted = false;
	CHECK_UINT(n_wrong, 0);
	return n_allocations;
}

/* Runs the scenario with each allocation failing; its server has these abilities. */
static void fail_each(const struct mini_options *options, void (*scenario)(void))
{
	struct mini *mini = mini_start(options);
	struct xs_handle *h = xs_open(0);
	char path[64];
	int n;

	for (int i = 0; i < 400; i++) {
		snprintf(path, sizeof(path), "/big/child-%04d/leaf", i);
		CHECK(xs_write(h, XBT_NULL, path, "v", 1));
	}
	xs_close(h);
	n = run(scenario, NEVER);
	CHECK(n > 3);
	for (int i = 0; i < n; i++) {
		fail_on = false;
		run(scenario, i);
		fail_on = true;
		run(scenario, i);
	}
	mini_stop(mini);
}

/* ---- scenarios ---- */

static void use_classic(void)
{
	struct xs_permissions *perms;
	struct xs_handle *h = xs_open(XS_UNWATCH_FILTER);
	char **names, **event;
	unsigned n;

	if (!h)
		return;
	free(xs_read(h, XBT_NULL, "/", NULL));
	names = xs_directory(h, XBT_NULL, "/big", &n);
	free(names);
	perms = xs_get_permissions(h, XBT_NULL, "/", &n);
	free(perms);
	(void)xs_write(h, XBT_NULL, "/w", "x", 1);
	/* From here on the reader allocates, whose allocations are not ours to fail. */
	if (xs_watch(h, "/w", "t")) {
		event = xs_read_watch(h, &n);
		free(event);
		(void)xs_unwatch(h, "/w", "t");
	}
	xs_close(h);
}

static void count(void *arg, const struct xsa_result *result)
{
	(void)result;
	++*(unsigned *)arg;
}

static enum xsa_tree_next see(void *arg, const struct xsa_node *node)
{
	(void)arg;
	n_wrong += node->value[node->len] != '\0';
	return XSA_TREE_CONTINUE;
}

static void hear(void *arg, const char *path)
{
	(void)arg;
	n_wrong += strcmp(path, "/w") != 0;
}

static void use_events(void)
{
	struct xsa *xsa = xsa_open(0);
	unsigned n_asked = 0, n_called = 0;

	if (!xsa)
		return;
	n_asked += !xsa_read(xsa, XBT_NULL, "/", count, &n_called);
	n_asked += !xsa_directory(xsa, XBT_NULL, "/big", count, &n_called);
	n_asked += !xsa_watch(xsa, "/w", 1, hear, count, &n_called, NULL);
	n_asked += !xsa_watch(xsa, "/w", 1, hear, count, &n_called, NULL);
	n_asked += !xsa_write(xsa, XBT_NULL, "/w", "x", 1, count, &n_called);
	n_wrong += xsa_drain(xsa) != 0;
	/* One callback for each request that was taken, whatever became of it. */
	n_wrong += n_called != n_asked;
	xsa_close(xsa);
}

static void use_tree(void)
{
	struct xsa *xsa = xsa_open(0);
	unsigned n_asked = 0, n_called = 0;

	if (!xsa)
		return;
	n_asked += !xsa_tree(xsa, XBT_NULL, "/big/child-0000", XSA_DEPTH_ALL,
			     XSA_TREE_VALUES | XSA_TREE_PERMISSIONS, see, count, &n_called);
	n_asked += !xsa_tree(xsa, XBT_NULL, "/big/child-0001", 1, XSA_TREE_VALUES, see, count,
			     &n_called);
	n_wrong += xsa_drain(xsa) != 0;
	n_wrong += n_called != n_asked;
	xsa_close(xsa);
}

/* ---- the cases ---- */

static const struct mini_options newest = { .has_tree = true,
					    .has_depth = true,
					    .has_parts = true };
static const struct mini_options asks_for_values = { .has_tree = true,
						     .has_parts = true,
						     .inline_max = 1 };
static const struct mini_options older = { .has_parts = true };

TEST(the_classic_interface_survives)
{
	fail_each(&newest, use_classic);
}

TEST(the_event_driven_interface_survives)
{
	fail_each(&newest, use_events);
}

TEST(watches_on_older_servers_survive)
{
	fail_each(&older, use_events);
}

TEST(trees_survive)
{
	fail_each(&newest, use_tree);
}

TEST(trees_with_values_asked_for_survive)
{
	fail_each(&asks_for_values, use_tree);
}

TEST(walked_trees_survive)
{
	fail_each(&older, use_tree);
}
