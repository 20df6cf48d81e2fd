/* SPDX-License-Identifier: MIT */
/*
 * xs-bench: a load generator for xenstore servers.
 *
 * Several servers are measured in one run, in short blocks that take turns, so that whatever else
 * the machine does hits all of them alike. What is compared is the median over the blocks of the
 * ratio within a round, and processor time beside wall time.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/bench/clock.h"
#include "tests/bench/hist.h"
#include "tests/bench/options.h"
#include "tests/bench/process.h"
#include "tests/bench/report.h"
#include "tests/support/fakexen/fakehost.h"

/* One block of one server. */
struct sample {
	double rate;
	double cpu_us;
	double client_cpu_us;
};

static void on_limit(int signum)
{
	static const char message[] = "xs-bench: the time limit is over\n";
	ssize_t n = write(STDERR_FILENO, message, sizeof(message) - 1);

	(void)signum;
	(void)n;
	_exit(EXIT_FAILURE);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts `values`. */
static double median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), by_value);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static int measure_block(const struct options *options, struct work *work,
			 struct sample *out_sample)
{
	uint64_t cpu_ns, client_ns, since_ns, end_ns, now_ns, before = work->n_requests;
	double n;
	int err = work->workload->ready ? work->workload->ready(work) : 0;

	cpu_ns = process_cpu_ns(work->target->pid);
	client_ns = process_cpu_ns(getpid());
	since_ns = now_ns = clock_ns();
	end_ns = since_ns + (uint64_t)options->block_ms * 1000000;
	for (uint32_t i = 0; i < options->requests && now_ns < end_ns && !err; i++) {
		err = work->workload->step(work);
		now_ns = clock_ns();
		if (work->workload->is_long)
			break;
	}
	n = (double)(work->n_requests - before);
	*out_sample = (struct sample){
		.rate = n * 1e9 / (double)(now_ns - since_ns + 1),
		.cpu_us = (double)(process_cpu_ns(work->target->pid) - cpu_ns) / 1e3 / n,
		.client_cpu_us = (double)(process_cpu_ns(getpid()) - client_ns) / 1e3 / n,
	};
	return err;
}

/* `samples` of round r and target t are at [r * n_targets + t]. */
static struct result summarise(const struct options *options, const struct sample *samples,
			       uint32_t target, double *values)
{
	const uint32_t n = options->rounds, step = options->n_targets;
	struct result result;

	for (uint32_t r = 0; r < n; r++)
		values[r] = samples[r * step + target].rate;
	result.rate = median(values, n);
	for (uint32_t r = 0; r < n; r++)
		values[r] = samples[r * step + target].cpu_us;
	result.cpu_us = median(values, n);
	for (uint32_t r = 0; r < n; r++)
		values[r] = samples[r * step + target].client_cpu_us;
	result.cpu_client_us = median(values, n);
	for (uint32_t r = 0; r < n; r++)
		values[r] = samples[r * step + target].rate / samples[r * step].rate;
	result.rate_ratio = median(values, n);
	for (uint32_t r = 0; r < n; r++)
		values[r] = samples[r * step + target].cpu_us / samples[r * step].cpu_us;
	result.cpu_ratio = median(values, n);
	return result;
}

/* Measures one block, and says what went wrong. */
static int try_block(const struct options *options, struct work *work, struct sample *out_sample)
{
	int err = measure_block(options, work, out_sample);

	if (err)
		fprintf(stderr, "xs-bench: %s on %s: %s\n", work->workload->name,
			work->target->name, strerror(err));
	return err;
}

static int measure(const struct options *options, struct work *works, struct sample *samples)
{
	const uint32_t n = options->n_targets;
	struct sample warm_up;
	int err = 0;

	for (uint32_t t = 0; t < n && !err; t++)
		err = try_block(options, &works[t], &warm_up);
	for (uint32_t t = 0; t < n; t++) {
		works[t].latency = (struct hist){ 0 };
		works[t].n_requests = 0;
		works[t].n_refused = 0;
	}
	for (uint32_t r = 0; r < options->rounds && !err; r++) {
		for (uint32_t i = 0; i < n && !err; i++) {
			/* Every round starts with another server. */
			uint32_t t = (i + r) % n;

			err = try_block(options, &works[t], &samples[r * n + t]);
		}
	}
	return err;
}

static int run(struct options *options, uint32_t number, const struct report *report)
{
	const uint32_t n = options->n_targets;
	struct work *works = calloc(n, sizeof(*works));
	struct sample *samples = calloc((size_t)n * options->rounds, sizeof(*samples));
	double *values = calloc(options->rounds, sizeof(*values));
	struct result result;
	int err = works && samples && values ? 0 : ENOMEM;

	for (uint32_t t = 0; t < n && works; t++)
		works[t].conn = CONN_NONE;
	for (uint32_t t = 0; t < n && !err; t++) {
		err = work_init(&works[t], options->runs[number].workload,
				&options->runs[number].params, &options->targets[t]);
		if (err)
			fprintf(stderr, "xs-bench: cannot prepare %s on %s: %s\n",
				options->runs[number].workload->name, options->targets[t].name,
				strerror(err));
	}
	if (!err)
		err = measure(options, works, samples);
	if (!err)
		report_heading(report, &works[0]);
	for (uint32_t t = 0; t < n && !err; t++) {
		result = summarise(options, samples, t, values);
		result.p50_ratio = (double)hist_percentile(&works[0].latency, 50) /
				   (double)hist_percentile(&works[t].latency, 50);
		report_result(report, &works[t], &result);
	}
	for (uint32_t t = 0; t < n && works; t++)
		work_fini(&works[t]);
	free(works);
	free(samples);
	free(values);
	return err;
}

static int pin(const struct options *options)
{
	int err = options->is_pinned ? process_pin(0, options->client_cpu) : 0;

	for (uint32_t t = 0; t < options->n_targets && options->is_pinned && !err; t++)
		err = process_pin(options->targets[t].pid, options->server_cpu);
	if (err)
		fprintf(stderr, "xs-bench: cannot pin: %s\n", strerror(err));
	return err;
}

static int set_up(struct options *options, const struct report *report)
{
	int err = 0;

	for (uint32_t t = 0; t < options->n_targets && !err; t++) {
		err = target_set_up(&options->targets[t], options->value);
		if (err)
			fprintf(stderr, "xs-bench: cannot set up %s: %s\n",
				options->targets[t].name, strerror(err));
		else if (!options->targets[t].is_filled)
			report_fill(report, &options->targets[t]);
	}
	return err;
}

int main(int argc, char **argv)
{
	static struct options options;
	struct rlimit files;
	struct report report;
	int err;

	if (!options_read(&options, argc, argv))
		return 2;
	if (options.host_dir) {
		err = fakehost_make(options.host_dir);
		if (err)
			fprintf(stderr, "xs-bench: %s: %s\n", options.host_dir, strerror(err));
		return err ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	signal(SIGALRM, on_limit);
	alarm(options.limit_s);
	report.table = options.wants_table ? stdout : NULL;
	report.json = options.json ? options.json : options.wants_table ? NULL : stdout;
	err = set_up(&options, &report);
	if (!err)
		err = pin(&options);
	for (uint32_t i = 0; i < options.n_runs && !err; i++)
		err = run(&options, i, &report);
	for (uint32_t t = 0; t < options.n_targets; t++)
		target_fini(&options.targets[t]);
	if (options.json)
		fclose(options.json);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
