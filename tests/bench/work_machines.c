/* SPDX-License-Identifier: MIT */
/*
 * Starting a guest as a toolstack does. Its end is not timed.
 */
#include <errno.h>

#include "tests/bench/clock.h"
#include "tests/bench/machine.h"
#include "tests/bench/target.h"
#include "tests/bench/workload.h"

static int prepare_machine(struct work *work)
{
	return work->target->host.host ? 0 : ENODEV;
}

static int ready_machine(struct work *work)
{
	struct machine *machine = work->machine;

	work->machine = NULL;
	return machine ? machine_destroy(machine) : 0;
}

static int step_machine(struct work *work)
{
	uint64_t since_ns = clock_ns();
	int err = machine_start(work->target, &work->machine);

	work_done(work, since_ns, 1);
	return err;
}

static void finish_machine(struct work *work)
{
	if (work->machine && machine_destroy(work->machine))
		return;
	work->machine = NULL;
}

const struct workload work_machine = {
	.name = "machine",
	.summary = "start of a guest: about 150 nodes, three devices, both their ends; as a whole",
	.prepare = prepare_machine,
	.ready = ready_machine,
	.step = step_machine,
	.finish = finish_machine,
	.is_long = true,
};
