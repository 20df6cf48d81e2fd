/* SPDX-License-Identifier: MIT */
/*
 * The system's own places: the system log, the default directories. Each case sees them through
 * mounts of its own, which needs the right to mount.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/daemon/home.h"
#include "tests/daemon/talk.h"
#include "tests/support/check.h"
#include "tests/support/text.h"

/* Whether this process may do what the cases do; tried in a child, which takes the mounts along. */
__attribute__((constructor)) static void probe(void)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
		check_skip_all("no right to mount: neither the system log nor the default "
			       "directories can be put in place");
}

static void isolate(void)
{
	CHECK_INT(unshare(CLONE_NEWNS), 0);
	CHECK_INT(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
}

/* An empty directory in place of what is there. */
static void cover(const char *path)
{
	if (mount("tmpfs", path, "tmpfs", 0, "mode=0755"))
		CHECK_FAIL("%s: %s", path, strerror(errno));
}

/* A /dev with a null device and a system log that we read. Returns the log's descriptor. */
static int take_system_log(const struct home *home)
{
	const struct timeval patience = { .tv_sec = HOME_PATIENCE_MS / 1000 };
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };
	char null[HOME_PATH_MAX];
	int fd;

	/* The device is held by a second name while /dev is covered. */
	snprintf(null, sizeof(null), "%s/null", home->top);
	fd = open(null, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	close(fd);
	CHECK_INT(mount("/dev/null", null, NULL, MS_BIND, NULL), 0);
	cover("/dev");
	fd = open("/dev/null", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	close(fd);
	CHECK_INT(mount(null, "/dev/null", NULL, MS_BIND, NULL), 0);
	CHECK_INT(umount(null), 0);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK(fd >= 0);
	CHECK_INT(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	return fd;
}

/* Reads the log until a message of that priority says that. */
static void await_message(int fd, const char *priority, const char *text)
{
	char message[4096];
	ssize_t n;

	do {
		n = recv(fd, message, sizeof(message) - 1, 0);
		if (n < 0)
			CHECK_FAIL("the system log does not say: %s", text);
		message[n] = '\0';
	} while (!strstr(message, text));
	CHECK(!strncmp(message, priority, strlen(priority)));
	CHECK(strstr(message, " xenstored["));
}

TEST(background_server_reports_to_the_system_log)
{
	enum { LIMIT = 40, N = 60 };
	static struct talk talks[N];
	struct home home;
	int fd;

	isolate();
	home_make(&home);
	fd = take_system_log(&home);
	home_launch(&home,
		    &(struct launch){ .args = { "-F", home.pid_file }, .n_files_max = LIMIT });
	CHECK_INT(home_wait(&home), 0);
	for (int i = 0; i < N; i++)
		talk_open(&talks[i], &home);
	/* Facility "daemon", severity "warning". */
	await_message(fd, "<28>", "cannot accept connections");
	CHECK(!home_says(home.err, "cannot accept"));
	home.pid = talk_peer_pid(&talks[0]);
	for (int i = 0; i < N; i++)
		talk_close(&talks[i]);
	home_stop(&home);
	close(fd);
	home_remove(&home);
}

TEST(failed_start_in_the_background_is_in_the_system_log_too)
{
	struct home home;
	char variable[HOME_PATH_MAX + 32];
	int fd;

	isolate();
	home_make(&home);
	fd = take_system_log(&home);
	snprintf(variable, sizeof(variable), "XENSTORED_RUNDIR=%s/missing/run", home.top);
	home_launch(&home, &(struct launch){ .args = { "-F", home.pid_file },
					     .environment = { variable } });
	CHECK_INT(home_wait(&home), 1);
	/* Severity "critical". */
	await_message(fd, "<26>", strerror(ENOENT));
	CHECK(home_says(home.err, "FATAL: "));
	close(fd);
	home_remove(&home);
}

TEST(foreground_server_leaves_the_system_log_alone)
{
	struct home home;
	char byte;
	int fd;

	isolate();
	home_make(&home);
	fd = take_system_log(&home);
	home_serve(&home);
	home_stop(&home);
	CHECK_INT(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
	CHECK_INT(errno, EAGAIN);
	close(fd);
	home_remove(&home);
}

TEST(default_run_directory_is_that_of_other_servers)
{
	struct home home;
	struct talk talk;

	isolate();
	cover("/run");
	home_make(&home);
	home_launch(&home,
		    &(struct launch){ .args = { "-N" }, .environment = { "XENSTORED_RUNDIR=" } });
	talk_open_at(&talk, "/var/run/xenstored/socket");
	CHECK_STR(talk_ask(&talk, XSP_GET_DOMAIN_PATH, "0|"), "/local/domain/0|");
	talk_close(&talk);
	CHECK(home_exists("/run/xenstored/xenstored.mdb"));
	home_stop(&home);
	CHECK(!home_exists("/run/xenstored/socket"));
	home_remove(&home);
}

TEST(relative_names_are_in_the_library_directory_while_running)
{
	static const char dir[] = "/var/lib/xen/xenstore";
	char here[HOME_PATH_MAX], there[64];
	struct home home;
	struct talk talk;

	isolate();
	cover("/var/lib");
	CHECK_INT(mkdir("/var/lib/xen", 0755), 0);
	CHECK_INT(mkdir(dir, 0755), 0);
	home_make(&home);
	home_launch(&home, &(struct launch){ .args = { "-F", home.pid_file, "-T", "trace" } });
	CHECK_INT(home_wait(&home), 0);
	talk_open(&talk, &home);
	home.pid = talk_peer_pid(&talk);
	talk_write(&talk, "/before", "x");
	snprintf(here, sizeof(here), "%s/trace", home.top);
	snprintf(there, sizeof(there), "%s/trace", dir);
	CHECK(home_says(here, "/before"));
	CHECK_INT(kill(home.pid, SIGHUP), 0);
	home_await(there, "\n***\n");
	talk_write(&talk, "/after", "x");
	CHECK(home_says(there, "/after"));
	CHECK(!home_says(here, "/after"));
	CHECK_STR(talk_ask(&talk, XSP_CONTROL, "memreport|memory|"), "OK|");
	snprintf(there, sizeof(there), "%s/memory", dir);
	CHECK(home_says(there, "<malloc"));
	CHECK_STR(talk_ask(&talk, XSP_CONTROL, "logfile|another|"), "OK|");
	snprintf(there, sizeof(there), "%s/another", dir);
	CHECK(home_says(there, "\n***\n"));
	talk_close(&talk);
	home_stop(&home);
	home_remove(&home);
}
