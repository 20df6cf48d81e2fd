/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libxs/include/xenstore.h"
#include "tests/libxs/mini.h"
#include "tests/libxs/peer.h"
#include "tests/support/check.h"

static const struct mini_options everything = { .has_tree = true,
						.has_depth = true,
						.has_parts = true };

static struct mini *mini;
static struct xs_handle *h;

static void begin(const struct mini_options *options)
{
	mini = mini_start(options);
	h = xs_open(0);
	CHECK(h != NULL);
}

static void end(void)
{
	xs_close(h);
	mini_stop(mini);
}

TEST(a_value_comes_back_with_a_nul_that_is_not_counted)
{
	unsigned len = 99;
	char *value;

	begin(&everything);
	CHECK(xs_write(h, XBT_NULL, "/a/b", "x\0y", 3));
	value = xs_read(h, XBT_NULL, "/a/b", &len);
	CHECK_UINT(len, 3);
	CHECK_BYTES(value, 4, "x\0y", 4);
	free(value);
	value = xs_read(h, XBT_NULL, "/a", NULL);
	CHECK_STR(value, "");
	free(value);
	end();
}

TEST(the_servers_error_becomes_errno)
{
	unsigned num;

	begin(&everything);
	errno = 0;
	CHECK(!xs_read(h, XBT_NULL, "/none", NULL));
	CHECK_INT(errno, ENOENT);
	errno = 0;
	CHECK(!xs_directory(h, XBT_NULL, "/none", &num));
	CHECK_INT(errno, ENOENT);
	errno = 0;
	CHECK(!xs_get_permissions(h, XBT_NULL, "/none", &num));
	CHECK_INT(errno, ENOENT);
	errno = 0;
	CHECK(!xs_rm(h, XBT_NULL, "/none"));
	CHECK_INT(errno, ENOENT);
	errno = 0;
	CHECK(!xs_release_domain(h, 5));
	CHECK_INT(errno, ENOSYS);
	end();
}

TEST(nodes_are_made_listed_and_removed)
{
	unsigned num = 99;
	char **names;

	begin(&everything);
	CHECK(xs_mkdir(h, XBT_NULL, "/d"));
	names = xs_directory(h, XBT_NULL, "/d", &num);
	CHECK(names != NULL);
	CHECK_UINT(num, 0);
	free(names);
	CHECK(xs_mkdir(h, XBT_NULL, "/d/two"));
	CHECK(xs_write(h, XBT_NULL, "/d/one", NULL, 0));
	names = xs_directory(h, XBT_NULL, "/d", &num);
	CHECK_UINT(num, 2);
	CHECK_STR(names[0], "one");
	CHECK_STR(names[1], "two");
	free(names);
	CHECK(xs_rm(h, XBT_NULL, "/d"));
	CHECK(!xs_directory(h, XBT_NULL, "/d", &num));
	end();
}

static void fill(unsigned n)
{
	char path[64];

	for (unsigned i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "/big/child-%05u", i);
		CHECK(xs_write(h, XBT_NULL, path, "", 0));
	}
}

TEST(a_directory_longer_than_a_message_is_read_in_parts)
{
	char name[64];
	unsigned num;
	char **names;

	begin(&everything);
	fill(1500);
	names = xs_directory(h, XBT_NULL, "/big", &num);
	CHECK_UINT(num, 1500);
	for (unsigned i = 0; i < num; i++) {
		snprintf(name, sizeof(name), "child-%05u", i);
		CHECK_STR(names[i], name);
	}
	free(names);
	CHECK(mini_count(mini, XSP_DIRECTORY_PART) >= 4);
	end();
}

TEST(without_parts_a_long_directory_is_too_big)
{
	struct mini_options options = everything;
	unsigned num;

	options.has_parts = false;
	begin(&options);
	fill(700);
	errno = 0;
	CHECK(!xs_directory(h, XBT_NULL, "/big", &num));
	CHECK_INT(errno, E2BIG);
	CHECK(xs_mkdir(h, XBT_NULL, "/still/alive"));
	end();
}

TEST(permissions_go_there_and_back)
{
	struct xs_permissions perms[] = { { 5, XS_PERM_NONE },
					  { 6, XS_PERM_READ },
					  { 7, XS_PERM_WRITE },
					  { 8, XS_PERM_READ | XS_PERM_WRITE | XS_PERM_IGNORE } };
	struct xs_permissions *got;
	unsigned num = 0;

	begin(&everything);
	CHECK(xs_mkdir(h, XBT_NULL, "/p"));
	CHECK(xs_set_permissions(h, XBT_NULL, "/p", perms, 4));
	got = xs_get_permissions(h, XBT_NULL, "/p", &num);
	CHECK_UINT(num, 4);
	for (unsigned i = 0; i < 4; i++) {
		CHECK_UINT(got[i].id, 5 + i);
		CHECK_UINT(got[i].perms, i);
	}
	free(got);
	end();
}

TEST(a_permission_that_has_no_letter_is_not_sent)
{
	struct xs_permissions perms = { 5, XS_PERM_OWNER };

	begin(&everything);
	errno = 0;
	CHECK(!xs_set_permissions(h, XBT_NULL, "/", &perms, 1));
	CHECK_INT(errno, EINVAL);
	CHECK_UINT(mini_count(mini, XSP_SET_PERMS), 0);
	end();
}

TEST(more_than_a_message_holds_is_refused_without_sending)
{
	static char large[XSP_PAYLOAD_MAX + 1];
	struct xs_permissions perms[2000] = { { 0, 0 } };

	begin(&everything);
	errno = 0;
	CHECK(!xs_write(h, XBT_NULL, "/a", large, XSP_PAYLOAD_MAX - 2));
	CHECK_INT(errno, E2BIG);
	CHECK_UINT(mini_count(mini, XSP_WRITE), 0);
	CHECK(xs_write(h, XBT_NULL, "/a", large, XSP_PAYLOAD_MAX - 3));
	errno = 0;
	CHECK(!xs_set_permissions(h, XBT_NULL, "/a", perms, 2000));
	CHECK_INT(errno, E2BIG);
	memset(large, 'x', XSP_PAYLOAD_MAX);
	errno = 0;
	CHECK(!xs_read(h, XBT_NULL, large, NULL));
	CHECK_INT(errno, E2BIG);
	CHECK(xs_mkdir(h, XBT_NULL, "/still/alive"));
	end();
}

TEST(a_transaction_that_conflicts_says_try_again)
{
	struct mini_options options = everything;
	xs_transaction_t t;

	options.n_conflicts = 1;
	begin(&options);
	t = xs_transaction_start(h);
	CHECK(t != XBT_NULL);
	errno = 0;
	CHECK(!xs_transaction_end(h, t, false));
	CHECK_INT(errno, EAGAIN);
	t = xs_transaction_start(h);
	CHECK(xs_transaction_end(h, t, false));
	t = xs_transaction_start(h);
	CHECK(xs_transaction_end(h, t, true));
	errno = 0;
	CHECK(!xs_transaction_end(h, 1000, true));
	CHECK_INT(errno, ENOENT);
	end();
}

TEST(replies_may_come_byte_by_byte)
{
	struct mini_options options = everything;
	char **names;
	unsigned num;

	options.chunk = 1;
	begin(&options);
	CHECK(xs_write(h, XBT_NULL, "/a/b", "hello", 5));
	names = xs_directory(h, XBT_NULL, "/", &num);
	CHECK_UINT(num, 1);
	CHECK_STR(names[0], "a");
	free(names);
	end();
}

TEST(restrict_is_never_possible)
{
	begin(&everything);
	errno = 0;
	CHECK(!xs_restrict(h, 0));
	CHECK_INT(errno, 0);
	end();
}

/* Every error name the wire has, and some it has not. */
static const struct {
	const char *name;
	int err;
} errors[] = {
	{ "EINVAL", EINVAL },  { "EACCES", EACCES },   { "EEXIST", EEXIST },
	{ "EISDIR", EISDIR },  { "ENOENT", ENOENT },   { "ENOMEM", ENOMEM },
	{ "ENOSPC", ENOSPC },  { "EIO", EIO },         { "ENOTEMPTY", ENOTEMPTY },
	{ "ENOSYS", ENOSYS },  { "EROFS", EROFS },     { "EBUSY", EBUSY },
	{ "EAGAIN", EAGAIN },  { "EISCONN", EISCONN }, { "E2BIG", E2BIG },
	{ "EPERM", EPERM },    { "EQUOTA", EINVAL },   { "", EINVAL },
	{ "ENOENTX", EINVAL }, { "ENOEN", EINVAL },    { "success", EINVAL },
};

enum { N_ERRORS = sizeof(errors) / sizeof(errors[0]) };

static void answer_with_errors(int fd, void *arg)
{
	char payload[XSP_PAYLOAD_MAX + 1];
	struct xsp_header request;

	(void)arg;
	for (size_t i = 0; peer_receive(fd, &request, payload); i++) {
		const char *name = errors[i % N_ERRORS].name;

		/* The final NUL is customary; some leave it out. */
		peer_reply(fd, &request, XSP_ERROR, name, strlen(name) + (i < N_ERRORS));
	}
}

TEST(every_error_name_is_known_and_unknown_ones_are_einval)
{
	struct peer *peer = peer_start(answer_with_errors, NULL);

	h = xs_open(0);
	for (size_t i = 0; i < (size_t)2 * N_ERRORS; i++) {
		errno = 0;
		CHECK(!xs_read(h, XBT_NULL, "/", NULL));
		CHECK_INT(errno, errors[i % N_ERRORS].err);
	}
	xs_close(h);
	peer_stop(peer);
}

static void keep_headers(int fd, void *arg)
{
	char payload[XSP_PAYLOAD_MAX + 1];
	struct xsp_header *headers = arg;

	for (int i = 0; i < 2 && peer_receive(fd, &headers[i], payload); i++)
		peer_reply(fd, &headers[i], headers[i].type, "OK", 3);
}

TEST(requests_carry_their_transaction_and_a_number_of_their_own)
{
	struct xsp_header headers[2] = { 0 };
	struct peer *peer = peer_start(keep_headers, headers);

	h = xs_open(0);
	for (int i = 0; i < 2; i++)
		CHECK(xs_write(h, 77, "/a", "v", 1));
	xs_close(h);
	peer_stop(peer);
	for (int i = 0; i < 2; i++) {
		CHECK_UINT(headers[i].type, XSP_WRITE);
		CHECK_UINT(headers[i].tx_id, 77);
		CHECK_UINT(headers[i].len, 4);
	}
	CHECK(headers[0].req_id != headers[1].req_id);
}
