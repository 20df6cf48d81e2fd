/* SPDX-License-Identifier: MIT */
/*
 * The kernel's device, played by a terminal: something that is opened and not connected to. What
 * only the device does, failing the write of a message that it refuses, is done by this program's
 * own write(), which the library finds before libc's. It also sees to it that no message is written
 * before the one before it has been answered, which Linux does not survive.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "libxs/include/xenstore_async.h"
#include "protocol/wire.h"
#include "tests/support/check.h"

static atomic_int refuse_type = -1; /* messages of this type fail with EEXIST */
static atomic_uint n_messages;      /* whole messages written, one per call */
static atomic_uint n_odd_writes;    /* calls that did not write exactly one message */
static atomic_uint n_overwrites;    /* messages written before the last one was answered */
static atomic_bool is_under_way;    /* a message is being answered */
static atomic_bool has_no_numbers;  /* the answers carry number 0 */

ssize_t write(int fd, const void *bytes, size_t len)
{
	struct xsp_header header;

	if (isatty(fd) && fd > 2 && len >= XSP_HEADER_SIZE) {
		xsp_header_get(&header, bytes);
		if (len != XSP_HEADER_SIZE + header.len)
			atomic_fetch_add(&n_odd_writes, 1);
		if ((int)header.type == atomic_load(&refuse_type)) {
			errno = EEXIST;
			return -1;
		}
		atomic_fetch_add(&n_messages, 1);
		if (atomic_exchange(&is_under_way, true))
			atomic_fetch_add(&n_overwrites, 1);
	}
	return (ssize_t)syscall(SYS_write, fd, bytes, len);
}

/*
 * Linux' file system for Xen has the device as well, and there it looks like a regular file. While
 * this is set /proc/xen/xenbus is there, and is the terminal; /dev/xen/xenbus is not.
 */
static const char *behind_old_name;

int access(const char *path, int mode)
{
	if (behind_old_name && strcmp(path, "/dev/xen/xenbus") == 0) {
		errno = ENOENT;
		return -1;
	}
	return (int)syscall(SYS_faccessat, AT_FDCWD, path, mode);
}

int stat(const char *restrict path, struct stat *restrict out_status)
{
	if (!behind_old_name || strcmp(path, "/proc/xen/xenbus") != 0)
		return fstatat(AT_FDCWD, path, out_status, 0);
	*out_status = (struct stat){ .st_mode = S_IFREG | 0600 };
	return 0;
}

int open(const char *path, int flags, ...)
{
	if (behind_old_name && strcmp(path, "/proc/xen/xenbus") == 0)
		path = behind_old_name;
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0);
}

static int master = -1, slave = -1;
static char terminal[64];
static pthread_t server;

static bool read_all(void *bytes, size_t len)
{
	char *cursor = bytes;

	while (len > 0) {
		ssize_t got = read(master, cursor, len);

		if (got <= 0)
			return false;
		cursor += got;
		len -= (size_t)got;
	}
	return true;
}

static void *answer(void *arg)
{
	uint8_t message[XSP_MESSAGE_MAX];
	struct xsp_header header;
	static const char event[] = "/w\0t";

	(void)arg;
	while (read_all(message, XSP_HEADER_SIZE)) {
		xsp_header_get(&header, message);
		if (header.len > XSP_PAYLOAD_MAX || !read_all(message, header.len) ||
		    header.type == XSP_RESET_WATCHES)
			break;
		/* The device may tell of a change before it says that the watch stands. */
		if (header.type == XSP_WATCH) {
			struct xsp_header head = { .type = XSP_WATCH_EVENT, .len = sizeof(event) };

			xsp_header_put(message, &head);
			syscall(SYS_write, master, message, XSP_HEADER_SIZE);
			syscall(SYS_write, master, event, sizeof(event));
		}
		header.len = 3;
		if (atomic_load(&has_no_numbers))
			header.req_id = 0;
		atomic_store(&is_under_way, false);
		xsp_header_put(message, &header);
		memcpy(message + XSP_HEADER_SIZE, "OK", 3);
		/* In two pieces, as a read from the device may return them. */
		syscall(SYS_write, master, message, 7);
		syscall(SYS_write, master, message + 7, XSP_HEADER_SIZE + 3 - 7);
	}
	return NULL;
}

static bool begin(void)
{
	struct termios raw;
	char name[64];

	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0) {
		printf("SKIPPED: no pseudo terminals here (%s)\n", strerror(errno));
		return false;
	}
	CHECK_INT(grantpt(master), 0);
	CHECK_INT(unlockpt(master), 0);
	CHECK_INT(ptsname_r(master, name, sizeof(name)), 0);
	slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	CHECK(slave >= 0);
	CHECK_INT(tcgetattr(slave, &raw), 0);
	cfmakeraw(&raw);
	CHECK_INT(tcsetattr(slave, TCSANOW, &raw), 0);
	CHECK_INT(pthread_create(&server, NULL, answer, NULL), 0);
	memcpy(terminal, name, sizeof(name));
	setenv("XENSTORED_PATH", name, 1);
	return true;
}

/* The server's thread ends at this request. */
static void end(void)
{
	struct xsp_header header = { .type = XSP_RESET_WATCHES };
	uint8_t head[XSP_HEADER_SIZE];

	xsp_header_put(head, &header);
	CHECK_INT(write(slave, head, sizeof(head)), sizeof(head));
	pthread_join(server, NULL);
	close(slave);
	close(master);
	CHECK_UINT(atomic_load(&n_odd_writes), 0);
	CHECK_UINT(atomic_load(&n_overwrites), 0);
}

TEST(each_message_is_one_write)
{
	static char large[2000];
	struct xs_handle *h;

	if (!begin())
		return;
	h = xs_open(0);
	CHECK(h != NULL);
	CHECK(xs_mkdir(h, XBT_NULL, "/a"));
	CHECK(xs_write(h, XBT_NULL, "/a/b", large, sizeof(large)));
	CHECK(xs_write(h, 5, "/a/b", NULL, 0));
	CHECK_UINT(atomic_load(&n_messages), 3);
	xs_close(h);
	end();
}

TEST(the_older_name_of_the_device_is_known_where_it_looks_like_a_file)
{
	struct xs_handle *h;

	if (!begin())
		return;
	behind_old_name = terminal;
	unsetenv("XENSTORED_PATH");
	setenv("XENSTORED_RUNDIR", "/nonexistent", 1);
	h = xs_open(0);
	CHECK(h != NULL);
	CHECK(xs_mkdir(h, XBT_NULL, "/a"));
	CHECK_UINT(atomic_load(&n_messages), 1);
	xs_close(h);
	end();
}

TEST(a_refused_message_is_an_error_and_not_the_end)
{
	struct xs_handle *h;
	unsigned num;
	char **event;

	if (!begin())
		return;
	h = xs_open(0);
	atomic_store(&refuse_type, XSP_WATCH);
	errno = 0;
	CHECK(!xs_watch(h, "/w", "t"));
	CHECK_INT(errno, EEXIST);
	CHECK(xs_mkdir(h, XBT_NULL, "/a"));
	atomic_store(&refuse_type, -1);
	CHECK(xs_watch(h, "/w", "t"));
	event = xs_read_watch(h, &num);
	CHECK_STR(event[XS_WATCH_PATH], "/w");
	free(event);
	CHECK(xs_mkdir(h, XBT_NULL, "/a"));
	/* The reader is blocked in a read that no shutdown can end. */
	xs_close(h);
	end();
}

static void note_error(void *arg, const struct xsa_result *result)
{
	*(int *)arg = result->error;
}

TEST(an_event_loop_sends_each_message_by_itself)
{
	int errors[4] = { -1, -1, -1, -1 };
	struct xsa *xsa;

	if (!begin())
		return;
	xsa = xsa_open(0);
	CHECK(xsa != NULL);
	CHECK_INT(xsa_mkdir(xsa, XBT_NULL, "/a", note_error, &errors[0]), 0);
	CHECK_INT(xsa_mkdir(xsa, XBT_NULL, "/b", note_error, &errors[1]), 0);
	atomic_store(&refuse_type, XSP_RM);
	CHECK_INT(xsa_rm(xsa, XBT_NULL, "/b", note_error, &errors[2]), 0);
	CHECK_INT(xsa_mkdir(xsa, XBT_NULL, "/c", note_error, &errors[3]), 0);
	/* The device never says that it could take more, so that is not to be waited for. */
	CHECK_UINT(atomic_load(&n_messages), 1);
	CHECK_INT(xsa_interest(xsa), POLLIN);
	CHECK_INT(xsa_drain(xsa), 0);
	CHECK_UINT(atomic_load(&n_messages), 3);
	CHECK_INT(errors[0], 0);
	CHECK_INT(errors[1], 0);
	CHECK_INT(errors[2], EEXIST);
	CHECK_INT(errors[3], 0);
	xsa_close(xsa);
	end();
}

TEST(an_event_loop_is_told_at_once_what_an_idle_device_refuses)
{
	int error = -1;
	struct xsa *xsa;

	if (!begin())
		return;
	xsa = xsa_open(0);
	CHECK(xsa != NULL);
	atomic_store(&refuse_type, XSP_RM);
	CHECK_INT(xsa_rm(xsa, XBT_NULL, "/b", note_error, &error), EEXIST);
	CHECK_UINT(xsa_pending(xsa), 0);
	CHECK_INT(xsa_mkdir(xsa, XBT_NULL, "/a", note_error, &error), 0);
	CHECK_INT(xsa_drain(xsa), 0);
	CHECK_INT(error, 0);
	xsa_close(xsa);
	end();
}

static struct xsa *retrying;

static void retry(void *arg, const struct xsa_result *result)
{
	int *errors = arg;

	errors[0] = result->error;
	CHECK_INT(xsa_rm(retrying, XBT_NULL, "/b", note_error, &errors[1]), EEXIST);
	CHECK_INT(xsa_mkdir(retrying, XBT_NULL, "/b", note_error, &errors[2]), 0);
}

TEST(what_a_device_refused_may_be_asked_again_in_the_callback)
{
	int errors[3] = { -1, -1, -1 };

	if (!begin())
		return;
	retrying = xsa_open(0);
	CHECK(retrying != NULL);
	CHECK_INT(xsa_mkdir(retrying, XBT_NULL, "/a", NULL, NULL), 0);
	atomic_store(&refuse_type, XSP_RM);
	CHECK_INT(xsa_rm(retrying, XBT_NULL, "/b", retry, errors), 0);
	CHECK_INT(xsa_drain(retrying), 0);
	CHECK_INT(errors[0], EEXIST);
	CHECK_INT(errors[1], -1);
	CHECK_INT(errors[2], 0);
	xsa_close(retrying);
	end();
}

TEST(what_waits_for_the_device_is_called_back_at_the_end)
{
	int errors[3] = { -1, -1, -1 };
	struct xsa *xsa;

	if (!begin())
		return;
	xsa = xsa_open(0);
	CHECK(xsa != NULL);
	for (int i = 0; i < 3; i++)
		CHECK_INT(xsa_mkdir(xsa, XBT_NULL, "/a", note_error, &errors[i]), 0);
	xsa_close(xsa);
	for (int i = 0; i < 3; i++)
		CHECK_INT(errors[i], ECANCELED);
	CHECK_UINT(atomic_load(&n_messages), 1);
	/* Its answer is still on the way. */
	while (atomic_load(&is_under_way))
		sched_yield();
	end();
}

static void ignore_event(void *arg, const char *path)
{
	(void)arg;
	(void)path;
}

TEST(a_device_need_not_return_the_number_of_a_request)
{
	int error = -1;
	struct xs_handle *h;
	struct xsa *xsa;

	if (!begin())
		return;
	atomic_store(&has_no_numbers, true);
	xsa = xsa_open(0);
	CHECK(xsa != NULL);
	for (int i = 0; i < 3; i++)
		CHECK_INT(
			xsa_watch(xsa, "/w", XSA_DEPTH_ALL, ignore_event, note_error, &error, NULL),
			0);
	CHECK_INT(xsa_drain(xsa), 0);
	CHECK_INT(error, 0);
	xsa_close(xsa);
	h = xs_open(0);
	for (int i = 0; i < 3; i++)
		CHECK(xs_watch(h, "/w", "t"));
	xs_close(h);
	end();
}
