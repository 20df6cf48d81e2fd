/* SPDX-License-Identifier: MIT */
#include "tests/bench/report.h"

#include <inttypes.h>

#include "tests/bench/process.h"
#include "tests/bench/target.h"
#include "tests/bench/workload.h"

static double us(uint64_t ns)
{
	return (double)ns / 1000;
}

void report_fill(const struct report *report, const struct target *target)
{
	double rate = target->fill_seconds > 0 ? target->nodes / target->fill_seconds : 0;

	if (report->json)
		fprintf(report->json,
			"{\"workload\":\"fill\",\"server\":\"%s\",\"nodes\":%" PRIu32
			",\"rate\":%.0f,\"cpu_us\":%.3f,\"anonymous_bytes_per_node\":%.1f,"
			"\"store_bytes_per_node\":%.1f}\n",
			target->name, target->nodes, rate, target->fill_cpu_us,
			target->fill_anonymous, target->fill_store);
	if (report->table)
		fprintf(report->table,
			"fill %-16s %8" PRIu32
			" nodes: %8.0f/s, %6.2f us cpu each, bytes per node: "
			"%.0f heap + %.0f store = %.0f\n",
			target->name, target->nodes, rate, target->fill_cpu_us,
			target->fill_anonymous, target->fill_store,
			target->fill_anonymous + target->fill_store);
}

void report_heading(const struct report *report, const struct work *first)
{
	const struct params *params = &first->params;

	if (!report->table)
		return;
	fprintf(report->table,
		"\n%s: %s\n  (value %" PRIu32 ", depth %" PRIu32 ", watchers %" PRIu32
		", spread %" PRIu32 ", subtree %" PRIu32 ", guests %" PRIu32 ")\n",
		first->workload->name, first->workload->summary, params->value, params->depth,
		params->watchers, params->spread, params->subtree, params->guests);
	fprintf(report->table, "  %-16s %9s %6s %8s %6s %8s %8s %9s %8s %6s %7s %8s\n", "server",
		"req/s", "ratio", "p50 us", "ratio", "p90 us", "p99 us", "max us", "cpu us",
		"ratio", "refused", "rss MiB");
}

static void put_json(FILE *out, const struct work *work, const struct result *result,
		     const struct process_memory *memory)
{
	const struct target *target = work->target;
	const struct params *params = &work->params;
	const struct hist *latency = &work->latency;

	fprintf(out,
		"{\"workload\":\"%s\",\"server\":\"%s\",\"connections\":%" PRIu32
		",\"watches\":%" PRIu32 ",\"idle_guests\":%" PRIu32 ",\"machines\":%" PRIu32
		",\"nodes\":%" PRIu32 ",\"value\":%" PRIu32 ",\"depth\":%" PRIu32
		",\"watchers\":%" PRIu32 ",\"spread\":%" PRIu32 ",\"subtree\":%" PRIu32
		",\"guests\":%" PRIu32 ",",
		work->workload->name, target->name, target->connections, target->watches,
		target->guests, target->machines, target->nodes, params->value, params->depth,
		params->watchers, params->spread, params->subtree, params->guests);
	fprintf(out,
		"\"requests\":%" PRIu64 ",\"refused\":%" PRIu64
		",\"rate\":%.1f,\"rate_ratio\":%.4f,\"p50_us\":%.2f,\"p50_ratio\":%.4f,\"p90_us\":%"
		".2f,"
		"\"p99_us\":%.2f,\"max_us\":%.2f,\"cpu_us\":%.3f,\"cpu_ratio\":%.4f,"
		"\"client_cpu_us\":%.3f,\"rss_kib\":%" PRIu64 ",\"anonymous_kib\":%" PRIu64 "}\n",
		work->n_requests, work->n_refused, result->rate, result->rate_ratio,
		us(hist_percentile(latency, 50)), result->p50_ratio,
		us(hist_percentile(latency, 90)), us(hist_percentile(latency, 99)),
		us(latency->max), result->cpu_us, result->cpu_ratio, result->cpu_client_us,
		memory->resident, memory->anonymous);
	fflush(out);
}

void report_result(const struct report *report, const struct work *work,
		   const struct result *result)
{
	struct process_memory memory = process_memory(work->target->pid);
	const struct hist *latency = &work->latency;

	if (report->json)
		put_json(report->json, work, result, &memory);
	if (!report->table)
		return;
	fprintf(report->table,
		"  %-16s %9.0f %6.2f %8.1f %6.2f %8.1f %8.1f %9.1f %8.2f %6.2f %7" PRIu64
		" %8.1f\n",
		work->target->name, result->rate, result->rate_ratio,
		us(hist_percentile(latency, 50)), result->p50_ratio,
		us(hist_percentile(latency, 90)), us(hist_percentile(latency, 99)),
		us(latency->max), result->cpu_us, result->cpu_ratio, work->n_refused,
		(double)memory.resident / 1024);
	fflush(report->table);
}
