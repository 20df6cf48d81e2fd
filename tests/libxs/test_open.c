/* SPDX-License-Identifier: MIT */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libxs/include/xenstore_async.h"
#include "tests/libxs/mini.h"
#include "tests/libxs/peer.h"
#include "tests/support/check.h"

static const struct mini_options everything = { .has_parts = true };

TEST(defaults_are_the_well_known_paths)
{
	unsetenv("XENSTORED_PATH");
	unsetenv("XENSTORED_RUNDIR");
	CHECK_STR(xs_daemon_rundir(), "/var/run/xenstored");
	CHECK_STR(xs_daemon_socket(), "/var/run/xenstored/socket");
	CHECK_STR(xs_daemon_socket_ro(), "/var/run/xenstored/socket");
}

TEST(the_environment_moves_them)
{
	unsetenv("XENSTORED_PATH");
	setenv("XENSTORED_RUNDIR", "/some/where", 1);
	CHECK_STR(xs_daemon_rundir(), "/some/where");
	CHECK_STR(xs_daemon_socket(), "/some/where/socket");
	setenv("XENSTORED_RUNDIR", "/else", 1);
	CHECK_STR(xs_daemon_socket(), "/else/socket");
	setenv("XENSTORED_PATH", "/the/socket", 1);
	CHECK_STR(xs_daemon_socket(), "/the/socket");
	CHECK_STR(xs_daemon_rundir(), "/else");
}

TEST(a_run_directory_too_long_for_a_path_is_no_socket)
{
	char *directory = malloc(10000);

	memset(directory, 'x', 9999);
	directory[9999] = '\0';
	unsetenv("XENSTORED_PATH");
	setenv("XENSTORED_RUNDIR", directory, 1);
	CHECK(xs_daemon_socket() == NULL);
	CHECK(!xs_open(0));
	free(directory);
}

TEST(no_server_is_enoent_and_leaves_nothing_behind)
{
	setenv("XENSTORED_PATH", "/nonexistent/socket", 1);
	errno = 0;
	CHECK(!xs_open(0));
	CHECK_INT(errno, ENOENT);
	errno = 0;
	CHECK(!xsa_open(0));
	CHECK_INT(errno, ENOENT);
	xs_close(NULL);
	xsa_close(NULL);
}

TEST(a_socket_nobody_listens_at_refuses)
{
	char *directory = peer_make_directory(), path[108];

	close(peer_listen(directory, path, sizeof(path)));
	errno = 0;
	CHECK(!xs_open(0));
	CHECK_INT(errno, ECONNREFUSED);
	peer_remove_directory(directory, path);
}

TEST(a_path_too_long_for_a_socket_is_einval)
{
	char *directory = peer_make_directory(), path[108], longer[300];
	int fd = peer_listen(directory, path, sizeof(path));

	/* A socket that exists, under a name longer than an address can hold. */
	snprintf(longer, sizeof(longer), "%s/%0120d", directory, 0);
	CHECK_INT(link(path, longer), 0);
	setenv("XENSTORED_PATH", longer, 1);
	errno = 0;
	CHECK(!xs_open(0));
	CHECK_INT(errno, EINVAL);
	unlink(longer);
	close(fd);
	peer_remove_directory(directory, path);
}

/* What is at `path` is refused by both ways to open a connection. */
static void check_refused(const char *path)
{
	setenv("XENSTORED_PATH", path, 1);
	errno = 0;
	CHECK(!xs_open(0));
	CHECK_INT(errno, ENOTSOCK);
	errno = 0;
	CHECK(!xsa_open(0));
	CHECK_INT(errno, ENOTSOCK);
}

TEST(a_file_is_not_taken_for_a_device_and_stays_as_it_is)
{
	static const char contents[] = "what must not be written over\n";
	char *directory = peer_make_directory(), path[108], link_path[108], now[100];
	int fd;

	snprintf(path, sizeof(path), "%s/file", directory);
	snprintf(link_path, sizeof(link_path), "%s/link", directory);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	CHECK_INT(write(fd, contents, sizeof(contents)), sizeof(contents));
	CHECK_INT(symlink(path, link_path), 0);
	check_refused(path);
	check_refused(link_path);
	CHECK_INT(pread(fd, now, sizeof(now), 0), sizeof(contents));
	CHECK_STR(now, contents);
	close(fd);
	unlink(link_path);
	peer_remove_directory(directory, path);
}

TEST(a_pipe_or_a_directory_is_not_taken_for_a_device)
{
	char *directory = peer_make_directory(), path[108];

	snprintf(path, sizeof(path), "%s/pipe", directory);
	CHECK_INT(mkfifo(path, 0600), 0);
	check_refused(path);
	check_refused(directory);
	peer_remove_directory(directory, path);
}

TEST(run_directory_finds_the_socket)
{
	struct mini *mini = mini_start(&everything);
	char *directory = strdup(getenv("XENSTORED_PATH"));
	struct xs_handle *h;

	*strrchr(directory, '/') = '\0';
	unsetenv("XENSTORED_PATH");
	setenv("XENSTORED_RUNDIR", directory, 1);
	h = xs_open(XS_OPEN_READONLY | XS_OPEN_SOCKETONLY);
	CHECK(h != NULL);
	CHECK(xs_mkdir(h, XBT_NULL, "/a"));
	xs_close(h);
	free(directory);
	mini_stop(mini);
}

TEST(old_names_of_open_work)
{
	struct xs_handle *(*const opens[])(void) = { xs_daemon_open, xs_domain_open,
						     xs_daemon_open_readonly };
	struct mini *mini = mini_start(&everything);

	for (size_t i = 0; i < 3; i++) {
		struct xs_handle *h = opens[i]();

		CHECK(xs_mkdir(h, XBT_NULL, "/a"));
		xs_daemon_close(h);
	}
	mini_stop(mini);
}

TEST(every_descriptor_closes_on_exec)
{
	struct mini *mini = mini_start(&everything);
	bool before[64] = { false };
	struct xs_handle *h;
	struct xsa *xsa;

	for (int fd = 0; fd < 64; fd++)
		before[fd] = fcntl(fd, F_GETFD) >= 0;
	h = xs_open(0);
	xsa = xsa_open(0);
	CHECK(xs_fileno(h) >= 0);
	CHECK(xs_mkdir(h, XBT_NULL, "/connected"));
	for (int fd = 0; fd < 64; fd++) {
		int flags = fcntl(fd, F_GETFD);

		if (flags >= 0 && !before[fd])
			CHECK(flags & FD_CLOEXEC);
	}
	xs_close(h);
	xsa_close(xsa);
	mini_stop(mini);
}

/* Runs in the child: 0 if the library lets go of the handle and works anew. */
static int child_of_fork(struct xs_handle *h, bool use_close)
{
	struct xs_handle *own;
	int status;

	if (use_close)
		xs_close(h);
	else
		xs_daemon_destroy_postfork(h);
	own = xs_open(0);
	status = own && xs_mkdir(own, XBT_NULL, "/from/child") ? 0 : 1;
	xs_close(own);
	return status;
}

static void fork_with_handle(bool use_close)
{
	struct mini *mini = mini_start(&everything);
	struct xs_handle *h = xs_open(0);
	int status = -1;
	unsigned num;
	char **event;
	pid_t child;

	CHECK(xs_watch(h, "/a", "t"));
	CHECK(xs_fileno(h) >= 0);
	event = xs_read_watch(h, &num);
	CHECK(event != NULL);
	free(event);
	child = fork();
	if (child == 0)
		_exit(child_of_fork(h, use_close));
	CHECK_INT(waitpid(child, &status, 0), child);
	CHECK_INT(status, 0);
	/* The parent's connection and its reader go on. */
	CHECK(xs_write(h, XBT_NULL, "/a", "x", 1));
	event = xs_read_watch(h, &num);
	CHECK_STR(event[XS_WATCH_PATH], "/a");
	free(event);
	xs_close(h);
	mini_stop(mini);
}

TEST(a_child_can_let_go_of_its_parents_handle)
{
	fork_with_handle(false);
}

TEST(a_child_that_closes_its_parents_handle_does_not_hang)
{
	fork_with_handle(true);
}

/* xentoolcore_restrict_all(), or NULL, said aloud, where the library was built without it. */
static int (*find_restrict_all(void))(uint16_t domid)
{
	union {
		void *symbol;
		int (*call)(uint16_t domid);
	} found = { .symbol = dlsym(RTLD_DEFAULT, "xentoolcore_restrict_all") };

	if (!found.symbol)
		printf("SKIPPED: built without libxentoolcore, nothing can be restricted\n");
	return found.call;
}

TEST(a_restriction_cuts_off_every_connection)
{
	int (*restrict_all)(uint16_t domid) = find_restrict_all();
	struct mini *mini;
	struct xs_handle *h;
	struct xsa *xsa;

	if (!restrict_all)
		return;
	mini = mini_start(&everything);
	h = xs_open(0);
	xsa = xsa_open(0);
	CHECK(xs_mkdir(h, XBT_NULL, "/a"));
	CHECK_INT(restrict_all(7), 0);
	CHECK(!xs_mkdir(h, XBT_NULL, "/b"));
	CHECK_INT(xsa_mkdir(xsa, XBT_NULL, "/b", NULL, NULL), 0);
	CHECK(xsa_drain(xsa) != 0);
	CHECK_UINT(mini_count(mini, XSP_MKDIR), 1);
	xs_close(h);
	xsa_close(xsa);
	/* Closed ones are off the list. */
	CHECK_INT(restrict_all(7), 0);
	mini_stop(mini);
}

TEST(a_restriction_lets_go_of_the_reader)
{
	int (*restrict_all)(uint16_t domid) = find_restrict_all();
	struct xs_handle *h;
	struct mini *mini;
	unsigned num;

	if (!restrict_all)
		return;
	mini = mini_start(&everything);
	h = xs_open(0);
	CHECK(xs_watch(h, "/a", "t"));
	free(xs_read_watch(h, &num));
	CHECK_INT(restrict_all(7), 0);
	/* It was blocked in what the descriptor was before. */
	errno = 0;
	CHECK(!xs_read_watch(h, &num));
	CHECK_INT(errno, EINVAL);
	xs_close(h);
	mini_stop(mini);
}

static int restrict_in_child(struct xs_handle *h, int (*restrict_all)(uint16_t domid))
{
	if (restrict_all(7) != 0)
		return 1;
	xs_daemon_destroy_postfork(h);
	return 0;
}

TEST(a_restriction_of_a_child_leaves_its_parent_alone)
{
	int (*restrict_all)(uint16_t domid) = find_restrict_all();
	struct xs_handle *h;
	struct mini *mini;
	int status = -1;
	unsigned num;
	pid_t child;

	if (!restrict_all)
		return;
	mini = mini_start(&everything);
	h = xs_open(0);
	CHECK(xs_watch(h, "/a", "t"));
	free(xs_read_watch(h, &num));
	child = fork();
	if (child == 0)
		_exit(restrict_in_child(h, restrict_all));
	CHECK_INT(waitpid(child, &status, 0), child);
	CHECK_INT(status, 0);
	CHECK(xs_write(h, XBT_NULL, "/a", "x", 1));
	free(xs_read_watch(h, &num));
	xs_close(h);
	mini_stop(mini);
}
