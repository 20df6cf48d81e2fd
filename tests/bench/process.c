/* SPDX-License-Identifier: MIT */
#include "tests/bench/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_MAX = 4096 };

/* Reads a small file whole; "" if it cannot be read. */
static void read_text(const char *path, char text[TEXT_MAX])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	if (fd >= 0) {
		n = read(fd, text, TEXT_MAX - 1);
		close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
}

uint64_t process_cpu_ns(pid_t pid)
{
	char path[512], text[TEXT_MAX];
	const struct dirent *entry;
	uint64_t total = 0, ns;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%ld/task", (long)pid);
	tasks = opendir(path);
	if (!tasks)
		return 0;
	while ((entry = readdir(tasks))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%ld/task/%s/schedstat", (long)pid,
			 entry->d_name);
		read_text(path, text);
		if (sscanf(text, "%" SCNu64, &ns) == 1)
			total += ns;
	}
	closedir(tasks);
	return total;
}

static uint64_t line_of(const char *text, const char *name)
{
	const char *line = strstr(text, name);
	uint64_t value = 0;

	if (line && sscanf(line + strlen(name), "%" SCNu64, &value) != 1)
		value = 0;
	return value;
}

struct process_memory process_memory(pid_t pid)
{
	char path[64], text[TEXT_MAX];

	snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
	read_text(path, text);
	return (struct process_memory){
		.resident = line_of(text, "VmRSS:"),
		.anonymous = line_of(text, "RssAnon:"),
		.shared = line_of(text, "RssShmem:") + line_of(text, "RssFile:"),
	};
}

int process_pin(pid_t pid, uint32_t cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	return sched_setaffinity(pid, sizeof(cpus), &cpus) ? errno : 0;
}

uint64_t directory_bytes(const char *path)
{
	const struct dirent *entry;
	uint64_t total = 0;
	struct stat file;
	DIR *dir = opendir(path);

	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		if (!fstatat(dirfd(dir), entry->d_name, &file, AT_SYMLINK_NOFOLLOW) &&
		    S_ISREG(file.st_mode))
			total += (uint64_t)file.st_blocks * 512;
	}
	closedir(dir);
	return total;
}
