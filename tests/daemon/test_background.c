/* SPDX-License-Identifier: MIT */
/* Foreground and background: who is told when, and what a second server may do. */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/daemon/home.h"
#include "tests/daemon/talk.h"
#include "tests/support/check.h"
#include "tests/support/sock.h"

/* Starts a server in the background; home->pid becomes that of the server. */
static void go(struct home *home, const char *first, const char *second)
{
	struct talk talk = { .fd = -1 };

	home_launch(home,
		    &(struct launch){ .args = { "--pid-file", home->pid_file, first, second } });
	CHECK_INT(home_wait(home), 0);
	/* The parent has ended: the server must listen by now. */
	CHECK_INT(sock_connect(home->socket, 0, &talk.fd), 0);
	CHECK_STR(talk_ask(&talk, XSP_GET_DOMAIN_PATH, "0|"), "/local/domain/0|");
	home->pid = talk_peer_pid(&talk);
	talk_close(&talk);
}

static void check_pid_file(const struct home *home, int pid)
{
	char expected[32], *text = home_read(home->pid_file);
	struct stat stat_buf;

	snprintf(expected, sizeof(expected), "%d\n", pid);
	CHECK_STR(text, expected);
	free(text);
	CHECK_INT(stat(home->pid_file, &stat_buf), 0);
	CHECK_UINT(stat_buf.st_mode & 07777, 0600);
}

TEST(parent_ends_when_requests_are_served)
{
	struct home home;

	home_make(&home);
	go(&home, NULL, NULL);
	check_pid_file(&home, home.pid);
	home_stop(&home);
	CHECK(!home_exists(home.socket));
	CHECK(!home_exists(home.pid_file));
	home_remove(&home);
}

TEST(parent_fails_when_the_server_cannot_start)
{
	struct home home;
	char path[HOME_PATH_MAX + 32];

	home_make(&home);
	snprintf(path, sizeof(path), "XENSTORED_RUNDIR=%s/pid/run", home.top);
	/* The pid file stands where the run directory would have to be made. */
	home_launch(&home, &(struct launch){ .args = { "--pid-file", home.pid_file },
					     .environment = { path } });
	CHECK_INT(home_wait(&home), 1);
	CHECK(home_says(home.err, "FATAL: "));
	CHECK(!home_exists(home.pid_file));
	home_remove(&home);
}

TEST(background_server_is_detached)
{
	static const char *const files[] = { "fd/0", "fd/1", "fd/2", "cwd" };
	char path[64], target[256], text[64];
	struct home home;
	ssize_t n;

	home_make(&home);
	go(&home, NULL, NULL);
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", (int)home.pid, files[i]);
		n = readlink(path, target, sizeof(target) - 1);
		CHECK(n > 0);
		target[n] = '\0';
		CHECK_STR(target, i < 3 ? "/dev/null" : "/");
	}
	/* A session of its own that it does not lead, so that it can never get a terminal. */
	CHECK(getsid(home.pid) != getsid(0));
	CHECK(getsid(home.pid) != home.pid);
	process_status(home.pid, "Umask", text, sizeof(text));
	CHECK_STR(text, "0022");
	home_stop(&home);
	home_remove(&home);
}

TEST(background_server_says_nothing_on_standard_error)
{
	struct home home;
	struct talk talk;

	home_make(&home);
	go(&home, NULL, NULL);
	talk_open(&talk, &home);
	CHECK_STR(talk_ask(&talk, XSP_CONTROL, "print|heard by nobody|"), "OK|");
	talk_close(&talk);
	home_stop(&home);
	CHECK(!home_says(home.err, "heard"));
	CHECK(!home_says(home.out, "heard"));
	home_remove(&home);
}

TEST(foreground_server_stays_and_keeps_standard_error)
{
	static const char *const words[] = { "-N", "--no-fork" };
	struct home home;
	struct talk talk;

	for (size_t i = 0; i < 2; i++) {
		home_make(&home);
		home_launch(&home, &(struct launch){ .args = { words[i] } });
		talk_open(&talk, &home);
		CHECK_STR(talk_ask(&talk, XSP_CONTROL, "print|hello|"), "OK|");
		CHECK_INT(talk_peer_pid(&talk), home.pid);
		CHECK_INT(getsid(home.pid), getsid(0));
		talk_close(&talk);
		home_stop(&home);
		CHECK(home_says(home.err, "control: hello\n"));
		home_remove(&home);
	}
}

TEST(absence_of_a_hypervisor_is_one_line)
{
	struct home home;
	char *text;

	if (!access("/proc/xen/capabilities", F_OK)) {
		printf("SKIPPED absence_of_a_hypervisor_is_one_line: there is one here\n");
		return;
	}
	home_make(&home);
	home_serve(&home);
	home_stop(&home);
	text = home_read(home.err);
	CHECK(strstr(text, "hypervisor"));
	CHECK(strchr(text, '\n') == strrchr(text, '\n'));
	free(text);
	home_remove(&home);
}

TEST(pid_file_of_the_past_is_overwritten)
{
	struct home home;
	FILE *file;

	home_make(&home);
	file = fopen(home.pid_file, "we");
	CHECK(file);
	CHECK_INT(fchmod(fileno(file), 0600), 0);
	fputs("1234567890123456789\nand more\n", file);
	fclose(file);
	go(&home, NULL, NULL);
	check_pid_file(&home, home.pid);
	home_stop(&home);
	home_remove(&home);
}

TEST(pid_file_that_cannot_be_written_is_fatal)
{
	struct home home;
	char path[HOME_PATH_MAX + 8];

	home_make(&home);
	snprintf(path, sizeof(path), "%s/no/pid", home.top);
	home_launch(&home, &(struct launch){ .args = { "-F", path } });
	CHECK_INT(home_wait(&home), 1);
	CHECK(home_says(home.err, "FATAL: "));
	home_remove(&home);
}

/* What identifies a file: another one in its place has another number. */
static ino_t inode(const char *path)
{
	struct stat stat_buf;

	CHECK_INT(lstat(path, &stat_buf), 0);
	return stat_buf.st_ino;
}

/* A second server with these words; the first must not notice. Returns the second's status. */
static int start_second(struct home *home, const struct launch *launch)
{
	ino_t before = inode(home->socket);
	struct talk talk, old;
	pid_t first = home->pid;
	int status;

	talk_open(&old, home);
	home->pid = 0;
	home_launch(home, launch);
	status = home_wait(home);
	home->pid = first;
	CHECK_UINT(inode(home->socket), before);
	CHECK_STR(talk_ask(&old, XSP_GET_DOMAIN_PATH, "1|"), "/local/domain/1|");
	talk_close(&old);
	talk_open(&talk, home);
	CHECK_INT(talk_peer_pid(&talk), first);
	talk_write(&talk, "/still", "there");
	CHECK_STR(talk_ask(&talk, XSP_CONTROL, "check|"), "OK|");
	talk_close(&talk);
	return status;
}

TEST(second_server_with_the_same_pid_file_ends_silently)
{
	struct home home;

	home_make(&home);
	go(&home, NULL, NULL);
	CHECK_INT(start_second(&home, &(struct launch){ .args = { "-F", home.pid_file } }), 0);
	CHECK(!home_says(home.err, "\n"));
	check_pid_file(&home, home.pid);
	CHECK_INT(start_second(&home, &(struct launch){ .args = { "-N", "-F", home.pid_file } }),
		  0);
	CHECK(!home_says(home.err, "\n"));
	check_pid_file(&home, home.pid);
	home_stop(&home);
	home_remove(&home);
}

TEST(second_server_of_a_directory_is_refused)
{
	char other[HOME_PATH_MAX + 8];
	struct home home;

	home_make(&home);
	snprintf(other, sizeof(other), "%s/pid2", home.top);
	go(&home, NULL, NULL);
	CHECK_INT(start_second(&home, &(struct launch){ .args = { "-N" } }), 1);
	CHECK(home_says(home.err, "FATAL: another server"));
	CHECK_INT(start_second(&home, &(struct launch){ .args = { "--pid-file", other } }), 1);
	CHECK(home_says(home.err, "FATAL: "));
	CHECK(!home_exists(other));
	home_stop(&home);
	home_remove(&home);
}

TEST(second_server_at_a_socket_in_use_is_refused)
{
	char rundir[HOME_PATH_MAX + 32], path[HOME_PATH_MAX + 32];
	struct home home;

	home_make(&home);
	snprintf(rundir, sizeof(rundir), "XENSTORED_RUNDIR=%s/elsewhere", home.top);
	snprintf(path, sizeof(path), "XENSTORED_PATH=%s", home.socket);
	home_serve(&home);
	CHECK_INT(start_second(&home, &(struct launch){ .args = { "-N" },
							.environment = { rundir, path } }),
		  1);
	CHECK(home_says(home.err, "FATAL: "));
	home_stop(&home);
	home_remove(&home);
}

/* A service manager's socket. A name with '@' in front is abstract. */
static int notify_open(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
	const struct timeval patience = { .tv_sec = HOME_PATIENCE_MS / 1000 };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0);
	memcpy(address.sun_path, name, strlen(name));
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	CHECK_INT(bind(fd, (struct sockaddr *)&address, len), 0);
	CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	return fd;
}

/* Starts a server that is to tell `name` when it is ready, and checks that it is, then. */
static void check_readiness(const char *name, const char *mode)
{
	char variable[HOME_PATH_MAX], text[256], process[32];
	struct home home;
	struct talk talk = { .fd = -1 };
	ssize_t n;
	int fd;

	home_make(&home);
	snprintf(text, sizeof(text), name[0] == '@' ? "%s%d" : "%s/notify",
		 name[0] == '@' ? name : home.top, (int)getpid());
	fd = notify_open(text);
	snprintf(variable, sizeof(variable), "NOTIFY_SOCKET=%.100s", text);
	home_launch(&home, &(struct launch){ .args = { "-F", home.pid_file, mode },
					     .environment = { variable } });
	n = recv(fd, text, sizeof(text) - 1, 0);
	if (n < 0)
		CHECK_FAIL("not told of readiness: %s", strerror(errno));
	text[n] = '\0';
	close(fd);
	CHECK_INT(sock_connect(home.socket, 0, &talk.fd), 0);
	check_pid_file(&home, talk_peer_pid(&talk));
	snprintf(process, sizeof(process), "MAINPID=%d", talk_peer_pid(&talk));
	CHECK(!strncmp(text, "READY=1", 7) && (text[7] == '\n' || text[7] == '\0'));
	CHECK(strstr(text, process));
	CHECK_STR(talk_ask(&talk, XSP_GET_DOMAIN_PATH, "0|"), "/local/domain/0|");
	if (!mode) {
		CHECK_INT(home_wait(&home), 0);
		home.pid = talk_peer_pid(&talk);
	}
	talk_close(&talk);
	home_stop(&home);
	home_remove(&home);
}

TEST(service_manager_is_told_when_requests_are_served)
{
	check_readiness("/", NULL);
	check_readiness("/", "--no-fork");
}

TEST(service_manager_may_listen_at_an_abstract_name)
{
	check_readiness("@xsd-notify-", NULL);
	check_readiness("@xsd-notify-", "--no-fork");
}

TEST(service_manager_that_is_not_there_is_no_failure)
{
	struct home home;

	home_make(&home);
	home_serve_as(&home,
		      &(struct launch){ .environment = { "NOTIFY_SOCKET=/nowhere/at/all" } });
	home_stop(&home);
	home_remove(&home);
}

TEST(socket_is_never_open_to_others)
{
	struct stat stat_buf;
	struct home home;
	uint64_t deadline = now_ms() + HOME_PATIENCE_MS;
	mode_t mask = umask(0);

	home_make(&home);
	home_launch(&home, &(struct launch){ .args = { "-N" } });
	/* Looks as fast as it can from before the socket is made. */
	while (stat(home.socket, &stat_buf)) {
		CHECK(now_ms() < deadline);
	}
	CHECK_UINT(stat_buf.st_mode & 07777, 0600);
	CHECK(S_ISSOCK(stat_buf.st_mode));
	home_stop(&home);
	umask(mask);
	home_remove(&home);
}

TEST(socket_and_database_are_private_in_the_background)
{
	struct stat stat_buf;
	struct home home;

	home_make(&home);
	go(&home, NULL, NULL);
	CHECK_INT(stat(home.socket, &stat_buf), 0);
	CHECK_UINT(stat_buf.st_mode & 07777, 0600);
	CHECK_INT(stat(home.database, &stat_buf), 0);
	CHECK_UINT(stat_buf.st_mode & 07777, 0600);
	CHECK_INT(stat(home.run, &stat_buf), 0);
	CHECK_UINT(stat_buf.st_mode & 07777, 0755);
	home_stop(&home);
	home_remove(&home);
}

TEST(stale_socket_is_replaced)
{
	struct home home;

	home_make(&home);
	home_serve(&home);
	home_kill(&home);
	CHECK(home_exists(home.socket));
	home_serve(&home);
	home_stop(&home);
	home_remove(&home);
}

/* The environment makes it impossible to start: a message, status 1, nothing left behind. */
static void check_impossible(struct home *home, const char *variable, const char *reason)
{
	char *text;

	for (int i = 0; i < 2; i++) {
		home_launch(home,
			    &(struct launch){ .args = { "-F", home->pid_file, i ? "-N" : NULL },
					      .environment = { variable } });
		CHECK_INT(home_wait(home), 1);
		text = home_read(home->err);
		if (!strstr(text, "FATAL: ") || !strstr(text, reason))
			CHECK_FAIL("%s: says: %s", variable, text);
		free(text);
		CHECK(!home_exists(home->pid_file));
	}
}

TEST(socket_path_too_long_is_fatal)
{
	char variable[512] = "XENSTORED_PATH=/";
	struct home home;

	home_make(&home);
	memset(variable + strlen(variable), 'x', 120);
	check_impossible(&home, variable, strerror(ENAMETOOLONG));
	home_remove(&home);
}

TEST(run_directory_too_long_is_fatal)
{
	char variable[8192] = "XENSTORED_RUNDIR=/";
	struct home home;

	home_make(&home);
	memset(variable + strlen(variable), 'x', 5000);
	check_impossible(&home, variable, strerror(ENAMETOOLONG));
	home_remove(&home);
}

TEST(run_directory_that_cannot_be_written_is_fatal)
{
	char variable[HOME_PATH_MAX + 32];
	struct home home;

	home_make(&home);
	snprintf(variable, sizeof(variable), "XENSTORED_RUNDIR=%s/missing/run", home.top);
	check_impossible(&home, variable, strerror(ENOENT));
	snprintf(variable, sizeof(variable), "XENSTORED_RUNDIR=%s/run", home.err);
	check_impossible(&home, variable, strerror(ENOTDIR));
	check_impossible(&home, "XENSTORED_RUNDIR=/proc", "FATAL: ");
	if (geteuid() == 0) {
		printf("run directory without permission: not tried, root may write it\n");
	} else {
		CHECK_INT(mkdir(home.run, 0500), 0);
		snprintf(variable, sizeof(variable), "XENSTORED_RUNDIR=%s", home.run);
		check_impossible(&home, variable, strerror(EACCES));
	}
	home_remove(&home);
}

TEST(socket_that_cannot_be_made_is_fatal)
{
	char variable[HOME_PATH_MAX + 32];
	struct home home;

	home_make(&home);
	snprintf(variable, sizeof(variable), "XENSTORED_PATH=%s/missing/socket", home.top);
	check_impossible(&home, variable, strerror(ENOENT));
	/* Whatever else stands there is not ours to remove. */
	snprintf(variable, sizeof(variable), "XENSTORED_PATH=%s", home.top);
	check_impossible(&home, variable, "FATAL: ");
	CHECK(home_exists(home.top));
	home_remove(&home);
}

TEST(socket_may_be_anywhere)
{
	char path[HOME_PATH_MAX], variable[HOME_PATH_MAX + 32];
	struct home home;
	struct talk talk;

	home_make(&home);
	snprintf(path, sizeof(path), "%s/another", home.top);
	snprintf(variable, sizeof(variable), "XENSTORED_PATH=%s", path);
	home_launch(&home, &(struct launch){ .args = { "-N" }, .environment = { variable } });
	talk_open_at(&talk, path);
	CHECK_STR(talk_ask(&talk, XSP_GET_DOMAIN_PATH, "0|"), "/local/domain/0|");
	talk_close(&talk);
	CHECK(!home_exists(home.socket));
	CHECK(home_exists(home.database));
	home_stop(&home);
	CHECK(!home_exists(path));
	home_remove(&home);
}

TEST(empty_socket_path_means_none_given)
{
	struct home home;

	home_make(&home);
	home_serve_as(&home, &(struct launch){ .environment = { "XENSTORED_PATH=" } });
	CHECK(home_exists(home.socket));
	home_stop(&home);
	home_remove(&home);
}
