/* SPDX-License-Identifier: MIT */
#include "tests/bench/machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/conn.h"
#include "tests/bench/target.h"
#include "tests/support/fakexen/fakeguest.h"

enum { DIR_MAX = 96, PATH_BUF = 2 * DIR_MAX };

struct machine {
	struct target *target; /* borrowed */
	uint32_t domid;
	struct conn toolstack;
	struct conn backend; /* the drivers in dom0 */
	struct fakewaker waker;
	struct fakeguest fakeguest;
	struct conn guest;
	uint32_t n_requests;
};

/* A run of requests over one connection: the first error stops it. */
struct talk {
	struct machine *machine;
	struct conn *conn;
	uint32_t tx_id;
	int err;
};

static const char *const home_names[] = {
	"vm",
	"name",
	"domid",
	"cpu/0/availability",
	"cpu/1/availability",
	"memory/static-max",
	"memory/target",
	"memory/videoram",
	"control/shutdown",
	"control/sysrq",
	"control/feature-poweroff",
	"control/feature-reboot",
	"control/feature-suspend",
	"control/platform-feature-multiprocessor-suspend",
	"control/platform-feature-xs_reset_watches",
	"device/suspend/event-channel",
	"data",
	"drivers",
	"feature",
	"attr",
	"error",
	"console/limit",
	"console/type",
	"console/output",
	"console/port",
	"console/ring-ref",
	"store/port",
	"store/ring-ref",
	"platform/acpi",
	"platform/generation-id",
};

/* What the guest may write. */
static const char *const own_names[] = {
	"control/shutdown",
	"control/feature-poweroff",
	"control/feature-reboot",
	"control/feature-suspend",
	"device/suspend/event-channel",
	"data",
	"drivers",
	"feature",
	"attr",
	"error",
};

static const char *const vm_names[] = {
	"uuid",          "name",          "image/ostype", "image/kernel",
	"image/cmdline", "image/ramdisk", "start_time",
};

static const char *const libxl_names[] = { "type", "dm-version" };

static const char *const frontend_names[] = {
	"backend", "backend-id", "state", "handle", "virtual-device", "device-type",
};

static const char *const backend_names[] = {
	"frontend", "frontend-id", "online", "state",  "removable",      "bootable", "dev",
	"type",     "mode",        "params", "script", "discard-enable", "handle",
};

static const char *const device_names[] = {
	"frontend", "backend", "params", "script", "frontend-id", "mode",
};

static const char *const device_kinds[] = { "vbd", "vif", "console" };

enum { N_DEVICES = sizeof(device_kinds) / sizeof(device_kinds[0]) };

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* The directories of one device. */
struct device_paths {
	char frontend[DIR_MAX];
	char backend[DIR_MAX];
	char toolstack[DIR_MAX];
};

static struct device_paths paths_of(const struct machine *machine, size_t device)
{
	struct device_paths paths;
	const char *kind = device_kinds[device];

	snprintf(paths.frontend, DIR_MAX, "/local/domain/%u/device/%s/0", machine->domid, kind);
	snprintf(paths.backend, DIR_MAX, "/local/domain/0/backend/%s/%u/0", kind, machine->domid);
	snprintf(paths.toolstack, DIR_MAX, "/libxl/%u/device/%s/0", machine->domid, kind);
	return paths;
}

static void ask(struct talk *talk, enum xsp_type type, const char *payload, size_t len,
		struct conn_message *out_reply)
{
	if (talk->err)
		return;
	talk->machine->n_requests++;
	talk->err = conn_call(talk->conn, type, talk->tx_id, payload, len, out_reply);
}

/* Path and, behind its NUL, a text with or without one. */
static void ask_two(struct talk *talk, enum xsp_type type, const char *dir, const char *name,
		    const char *text, size_t text_len)
{
	char payload[PATH_BUF + 64];
	int len = snprintf(payload, PATH_BUF, "%s%s%s", dir, name[0] ? "/" : "", name);

	memcpy(payload + len + 1, text, text_len);
	ask(talk, type, payload, (size_t)len + 1 + text_len, NULL);
}

static void put(struct talk *talk, const char *dir, const char *name, const char *value)
{
	ask_two(talk, XSP_WRITE, dir, name, value, strlen(value));
}

static void put_all(struct talk *talk, const char *dir, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put(talk, dir, names[i], "a value");
}

/* An owner, and one more who may read. */
static void permit(struct talk *talk, const char *dir, const char *name, uint32_t owner,
		   uint32_t reader)
{
	char perms[32];
	int len = snprintf(perms, sizeof(perms), "n%u%cr%u", owner, '\0', reader);

	ask_two(talk, XSP_SET_PERMS, dir, name, perms, (size_t)len + 1);
}

static void get(struct talk *talk, const char *dir, const char *name)
{
	ask_two(talk, XSP_READ, dir, name, "", 0);
}

static void list(struct talk *talk, const char *dir)
{
	ask_two(talk, XSP_DIRECTORY, dir, "", "", 0);
}

static void make(struct talk *talk, const char *dir)
{
	ask_two(talk, XSP_MKDIR, dir, "", "", 0);
}

static void watch(struct talk *talk, const char *dir, const char *name)
{
	char payload[PATH_BUF + 16];
	int len = snprintf(payload, sizeof(payload), "%s%s%s%ctoken", dir, name[0] ? "/" : "", name,
			   '\0');

	if (talk->err)
		return;
	talk->machine->n_requests++;
	talk->err = conn_watch(talk->conn, payload, (size_t)len + 1);
}

static void begin(struct talk *talk)
{
	struct conn_message reply = { 0 };
	unsigned tx_id;

	ask(talk, XSP_TRANSACTION_START, "", 1, &reply);
	if (!talk->err && sscanf((const char *)reply.payload, "%u", &tx_id) != 1)
		talk->err = EPROTO;
	if (!talk->err)
		talk->tx_id = tx_id;
}

static void end(struct talk *talk)
{
	ask(talk, XSP_TRANSACTION_END, "T", 2, NULL);
	talk->tx_id = 0;
}

/* The toolstack: who the guest is. */
static void describe(struct talk *talk)
{
	const uint32_t domid = talk->machine->domid;
	char home[DIR_MAX], vm[DIR_MAX], libxl[DIR_MAX];

	snprintf(home, DIR_MAX, "/local/domain/%u", domid);
	snprintf(vm, DIR_MAX, "/vm/5f2d3c9e-0000-4000-8000-%012u", domid);
	snprintf(libxl, DIR_MAX, "/libxl/%u", domid);
	begin(talk);
	make(talk, home);
	permit(talk, home, "", 0, domid);
	make(talk, vm);
	permit(talk, vm, "", 0, domid);
	make(talk, libxl);
	put_all(talk, home, home_names, COUNT(home_names));
	for (size_t i = 0; i < COUNT(own_names); i++)
		permit(talk, home, own_names[i], domid, 0);
	put_all(talk, vm, vm_names, COUNT(vm_names));
	put_all(talk, libxl, libxl_names, COUNT(libxl_names));
	end(talk);
	watch(talk, "@releaseDomain", "");
	watch(talk, home, "control/shutdown");
	watch(talk, home, "memory/target");
	watch(talk, home, "data");
	watch(talk, home, "device");
	watch(talk, libxl, "");
}

/* The toolstack: one device. */
static void add_device(struct talk *talk, size_t device)
{
	const struct device_paths paths = paths_of(talk->machine, device);
	const uint32_t domid = talk->machine->domid;

	begin(talk);
	make(talk, paths.frontend);
	permit(talk, paths.frontend, "", domid, 0);
	put_all(talk, paths.frontend, frontend_names, COUNT(frontend_names));
	make(talk, paths.backend);
	permit(talk, paths.backend, "", 0, domid);
	put_all(talk, paths.backend, backend_names, COUNT(backend_names));
	make(talk, paths.toolstack);
	put_all(talk, paths.toolstack, device_names, COUNT(device_names));
	end(talk);
	watch(talk, paths.backend, "state");
	watch(talk, paths.backend, "hotplug-status");
	watch(talk, paths.frontend, "state");
}

/* The guest's driver offers its ring. */
static void connect_frontend(struct talk *talk, size_t device)
{
	const struct device_paths paths = paths_of(talk->machine, device);

	get(talk, paths.frontend, "backend");
	get(talk, paths.frontend, "backend-id");
	get(talk, paths.frontend, "state");
	watch(talk, paths.backend, "state");
	get(talk, paths.backend, "state");
	begin(talk);
	put(talk, paths.frontend, "ring-ref", "8");
	put(talk, paths.frontend, "event-channel", "15");
	put(talk, paths.frontend, "protocol", "x86_64-abi");
	end(talk);
	put(talk, paths.frontend, "state", "3");
}

/* The driver in dom0 takes it. */
static void connect_backend(struct talk *talk, size_t device)
{
	const struct device_paths paths = paths_of(talk->machine, device);

	watch(talk, paths.frontend, "state");
	get(talk, paths.frontend, "state");
	get(talk, paths.frontend, "ring-ref");
	get(talk, paths.frontend, "event-channel");
	get(talk, paths.backend, "params");
	begin(talk);
	put(talk, paths.backend, "sectors", "2097152");
	put(talk, paths.backend, "sector-size", "512");
	put(talk, paths.backend, "feature-barrier", "1");
	end(talk);
	put(talk, paths.backend, "hotplug-status", "connected");
	put(talk, paths.backend, "state", "4");
}

static void finish_frontend(struct talk *talk, size_t device)
{
	const struct device_paths paths = paths_of(talk->machine, device);

	get(talk, paths.backend, "state");
	get(talk, paths.backend, "sectors");
	get(talk, paths.backend, "sector-size");
	put(talk, paths.frontend, "state", "4");
}

static void boot(struct talk *guest, struct talk *backend)
{
	list(guest, "device");
	watch(guest, "control", "shutdown");
	watch(guest, "memory", "target");
	watch(guest, "device", "");
	for (size_t i = 0; i < N_DEVICES && !guest->err && !backend->err; i++) {
		connect_frontend(guest, i);
		connect_backend(backend, i);
		finish_frontend(guest, i);
	}
	put(guest, "control", "feature-poweroff", "1");
	put(guest, "data", "os_name", "a guest");
}

static int open_guest(struct machine *machine)
{
	struct target *target = machine->target;
	int err = fakewaker_open(&target->host, &machine->waker);

	if (err)
		return err;
	err = fakeguest_open(&machine->fakeguest, &target->host, machine->domid, &machine->waker);
	if (err) {
		fakewaker_close(&machine->waker);
		return err;
	}
	conn_be_guest(&machine->guest, &machine->fakeguest, &machine->waker);
	return 0;
}

static int start(struct machine *machine)
{
	struct talk toolstack = { .machine = machine, .conn = &machine->toolstack };
	struct talk guest = { .machine = machine, .conn = &machine->guest };
	struct talk backend = { .machine = machine, .conn = &machine->backend };

	describe(&toolstack);
	if (!toolstack.err)
		toolstack.err = target_introduce(toolstack.conn, machine->domid);
	if (!toolstack.err)
		toolstack.err = open_guest(machine);
	for (size_t i = 0; i < N_DEVICES; i++)
		add_device(&toolstack, i);
	if (!toolstack.err)
		boot(&guest, &backend);
	/* The toolstack has heard that the devices are there. */
	if (!toolstack.err)
		toolstack.err = conn_quiet(toolstack.conn);
	if (toolstack.err)
		return toolstack.err;
	return guest.err ? guest.err : backend.err;
}

int machine_start(struct target *target, struct machine **out_machine)
{
	struct machine *machine;
	int err;

	if (!target->host.host)
		return ENODEV;
	machine = calloc(1, sizeof(*machine));
	if (!machine)
		return ENOMEM;
	machine->target = target;
	machine->toolstack = machine->backend = machine->guest = CONN_NONE;
	machine->domid = target_new_domid(target);
	err = conn_open(&machine->toolstack, target->socket);
	if (!err)
		err = conn_open(&machine->backend, target->socket);
	if (!err)
		err = target_create(target, machine->domid);
	if (!err)
		err = start(machine);
	if (err) {
		machine_free(machine);
		return err;
	}
	*out_machine = machine;
	return 0;
}

uint32_t machine_requests(const struct machine *machine)
{
	return machine->n_requests;
}

/* Every toolstack watches for the end of domains, and reads what it is told. */
static int hear_of_the_end(struct target *target)
{
	static const char path[] = "@releaseDomain";
	struct conn_message event;
	int err = 0;

	for (uint32_t i = 0; i < target->n_running && !err; i++) {
		do {
			err = conn_receive(&target->running[i]->toolstack, &event);
		} while (!err &&
			 (event.header.type != XSP_WATCH_EVENT || event.header.len < sizeof(path) ||
			  memcmp(event.payload, path, sizeof(path)) != 0));
	}
	return err;
}

static void remove_dir(struct talk *talk, const char *dir)
{
	ask_two(talk, XSP_RM, dir, "", "", 0);
}

int machine_destroy(struct machine *machine)
{
	struct target *target = machine->target;
	struct talk talk = { .machine = machine, .conn = &machine->toolstack };
	char dir[DIR_MAX];
	int err;

	for (size_t i = 0; i < N_DEVICES; i++) {
		snprintf(dir, DIR_MAX, "/local/domain/0/backend/%s/%u", device_kinds[i],
			 machine->domid);
		remove_dir(&talk, dir);
	}
	snprintf(dir, DIR_MAX, "/local/domain/%u", machine->domid);
	remove_dir(&talk, dir);
	snprintf(dir, DIR_MAX, "/vm/5f2d3c9e-0000-4000-8000-%012u", machine->domid);
	remove_dir(&talk, dir);
	snprintf(dir, DIR_MAX, "/libxl/%u", machine->domid);
	remove_dir(&talk, dir);
	err = talk.err;
	if (!err)
		err = target_release(target, &machine->toolstack, machine->domid);
	machine_free(machine);
	return err ? err : hear_of_the_end(target);
}

void machine_free(struct machine *machine)
{
	if (!machine)
		return;
	if (machine->guest.guest) {
		fakeguest_close(&machine->fakeguest);
		fakewaker_close(&machine->waker);
	}
	conn_close(&machine->guest);
	conn_close(&machine->toolstack);
	conn_close(&machine->backend);
	free(machine);
}
