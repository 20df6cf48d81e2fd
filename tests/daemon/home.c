/* SPDX-License-Identifier: MIT */
#include "tests/daemon/home.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/daemon/talk.h"
#include "tests/support/check.h"
#include "tests/support/text.h"

enum { STEP_MS = 2 };

uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void pause_ms(int ms)
{
	poll(NULL, 0, ms);
}

void home_make(struct home *home)
{
	*home = (struct home){ .guardian_pipe = -1 };
	snprintf(home->top, sizeof(home->top), "/tmp/xsd.XXXXXX");
	CHECK(mkdtemp(home->top));
	snprintf(home->run, sizeof(home->run), "%s/run", home->top);
	snprintf(home->socket, sizeof(home->socket), "%s/run/socket", home->top);
	snprintf(home->database, sizeof(home->database), "%s/run/xenstored.mdb", home->top);
	snprintf(home->pid_file, sizeof(home->pid_file), "%s/pid", home->top);
	snprintf(home->out, sizeof(home->out), "%s/out", home->top);
	snprintf(home->err, sizeof(home->err), "%s/err", home->top);
}

static int remove_entry(const char *path, const struct stat *stat, int kind, struct FTW *where)
{
	(void)stat;
	(void)kind;
	(void)where;
	return remove(path);
}

static void dismiss_guardian(struct home *home)
{
	if (home->guardian_pipe < 0)
		return;
	close(home->guardian_pipe);
	home->guardian_pipe = -1;
	CHECK_INT(waitpid(home->guardian, NULL, 0), home->guardian);
}

void home_remove(struct home *home)
{
	if (home->pid)
		home_kill(home);
	dismiss_guardian(home);
	nftw(home->top, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* Waits for the case to end, in whatever way, and kills the server that the pid file names. */
static _Noreturn void guard(const struct home *home, int fd)
{
	char byte, exe[64], target[HOME_PATH_MAX * 2];
	FILE *file;
	ssize_t n;
	int pid;

	/* The group of the case is killed with it. */
	setpgid(0, 0);
	while (read(fd, &byte, 1) < 0)
		;
	file = fopen(home->pid_file, "re");
	if (!file || fscanf(file, "%d", &pid) != 1)
		_exit(0);
	snprintf(exe, sizeof(exe), "/proc/%d/exe", pid);
	n = readlink(exe, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	if (!strcmp(target, XENSTORED_PROGRAM))
		kill(pid, SIGKILL);
	_exit(0);
}

static void post_guardian(struct home *home)
{
	int fds[2];

	CHECK_INT(pipe2(fds, O_CLOEXEC), 0);
	home->guardian = fork();
	CHECK(home->guardian >= 0);
	if (home->guardian == 0) {
		close(fds[1]);
		guard(home, fds[0]);
	}
	close(fds[0]);
	home->guardian_pipe = fds[1];
	/* A server that went to the background becomes our child, so that its end can be seen. */
	CHECK_INT(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
}

static void limit(__rlimit_resource_t what, uint64_t most)
{
	struct rlimit rlimit = { .rlim_cur = most, .rlim_max = most };

	if (most && setrlimit(what, &rlimit))
		_exit(126);
}

static void redirect(const char *path, int fd)
{
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (file < 0 || dup2(file, fd) < 0)
		_exit(126);
}

static _Noreturn void become(const struct home *home, const struct launch *launch)
{
	union {
		const char *const *in;
		char *const *out;
	} words;
	const char *argv[HOME_WORDS_MAX + 1] = { "xenstored" };

	redirect(home->out, STDOUT_FILENO);
	redirect(home->err, STDERR_FILENO);
	if (chdir(home->top))
		_exit(126);
	unsetenv("XENSTORED_PATH");
	unsetenv("NOTIFY_SOCKET");
	setenv("XENSTORED_RUNDIR", home->run, 1);
	for (size_t i = 0; launch->environment[i]; i++) {
		char *copy = strdup(launch->environment[i]);

		if (!copy || putenv(copy))
			_exit(126);
	}
	for (size_t i = 0; launch->args[i]; i++)
		argv[i + 1] = launch->args[i];
	limit(RLIMIT_NOFILE, launch->n_files_max);
	limit(RLIMIT_FSIZE, launch->file_size_max);
	words.in = argv;
	execv(XENSTORED_PROGRAM, words.out);
	_exit(127);
}

void home_launch(struct home *home, const struct launch *launch)
{
	bool is_foreground = false;

	CHECK_INT(home->pid, 0);
	for (size_t i = 0; launch->args[i]; i++)
		is_foreground |=
			!strcmp(launch->args[i], "-N") || !strcmp(launch->args[i], "--no-fork");
	if (!is_foreground && home->guardian_pipe < 0)
		post_guardian(home);
	home->pid = fork();
	CHECK(home->pid >= 0);
	if (home->pid == 0)
		become(home, launch);
}

void home_serve_as(struct home *home, const struct launch *launch)
{
	struct launch foreground = *launch;
	struct talk talk;

	for (size_t i = HOME_WORDS_MAX - 1; i > 0; i--)
		foreground.args[i] = launch->args[i - 1];
	foreground.args[0] = "--no-fork";
	home_launch(home, &foreground);
	talk_open(&talk, home);
	CHECK_STR(talk_ask(&talk, XSP_GET_DOMAIN_PATH, "0|"), "/local/domain/0|");
	talk_close(&talk);
}

void home_serve(struct home *home)
{
	home_serve_as(home, &(struct launch){ 0 });
}

int home_wait(struct home *home)
{
	uint64_t deadline = now_ms() + HOME_PATIENCE_MS;
	int status;
	pid_t pid;

	while ((pid = waitpid(home->pid, &status, WNOHANG)) == 0) {
		if (now_ms() > deadline)
			CHECK_FAIL("process %d does not end", (int)home->pid);
		pause_ms(STEP_MS);
	}
	CHECK_INT(pid, home->pid);
	home->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void home_stop(struct home *home)
{
	CHECK_INT(kill(home->pid, SIGTERM), 0);
	CHECK_INT(home_wait(home), 0);
}

void home_kill(struct home *home)
{
	CHECK_INT(kill(home->pid, SIGKILL), 0);
	CHECK_INT(home_wait(home), -SIGKILL);
}

char *home_read(const char *path)
{
	size_t len = 0, size = 4096, n;
	char *text = text_alloc(size);
	FILE *file = fopen(path, "re");

	if (!file)
		CHECK_FAIL("%s: %s", path, strerror(errno));
	while ((n = fread(text + len, 1, size - len - 1, file)) > 0) {
		len += n;
		if (len + 1 == size) {
			size *= 2;
			text = text_grow(text, size);
		}
	}
	fclose(file);
	text[len] = '\0';
	return text;
}

bool home_exists(const char *path)
{
	struct stat stat;

	return lstat(path, &stat) == 0;
}

bool home_says(const char *path, const char *text)
{
	char *all;
	bool is_there;

	if (!home_exists(path))
		return false;
	all = home_read(path);
	is_there = strstr(all, text) != NULL;
	free(all);
	return is_there;
}

void home_await(const char *path, const char *text)
{
	uint64_t deadline = now_ms() + HOME_PATIENCE_MS;

	while (text ? !home_says(path, text) : !home_exists(path)) {
		if (now_ms() > deadline)
			CHECK_FAIL("%s does not say: %s", path, text ? text : "anything");
		pause_ms(STEP_MS);
	}
}

uint64_t process_cpu_ticks(pid_t pid)
{
	unsigned long long user, kernel;
	char path[64], *text, *behind_name;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	text = home_read(path);
	behind_name = strrchr(text, ')');
	CHECK(behind_name);
	CHECK_INT(sscanf(behind_name + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
			 &user, &kernel),
		  2);
	free(text);
	return user + kernel;
}

void process_status(pid_t pid, const char *name, char *out, size_t size)
{
	char path[64], label[64], *text, *line;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	snprintf(label, sizeof(label), "\n%s:\t", name);
	text = home_read(path);
	line = strstr(text, label);
	if (!line)
		CHECK_FAIL("%s says nothing of %s", path, name);
	line += strlen(label);
	line[strcspn(line, "\n")] = '\0';
	snprintf(out, size, "%s", line);
	free(text);
}

static uint64_t status_kb(pid_t pid, const char *name)
{
	char text[64];

	process_status(pid, name, text, sizeof(text));
	return strtoull(text, NULL, 10);
}

uint64_t process_resident_kb(pid_t pid)
{
	return status_kb(pid, "VmRSS");
}

uint64_t process_own_kb(pid_t pid)
{
	return status_kb(pid, "RssAnon");
}
