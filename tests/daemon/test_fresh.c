/* SPDX-License-Identifier: MIT */
/* What a new store contains, and that an empty request of any type is answered at once. */
#include <stdio.h>
#include <string.h>

#include "tests/daemon/home.h"
#include "tests/daemon/talk.h"
#include "tests/support/check.h"
#include "tests/support/sock.h"

TEST(new_store_has_these_nodes_and_no_others)
{
	struct home home;
	struct talk talk;

	home_make(&home);
	home_serve(&home);
	talk_open(&talk, &home);
	CHECK_STR(talk_ask(&talk, XSP_DIRECTORY, "/|"), "tool|");
	CHECK_STR(talk_ask(&talk, XSP_DIRECTORY, "/tool|"), "xenstored|");
	CHECK_STR(talk_ask(&talk, XSP_DIRECTORY, "/tool/xenstored|"), "");
	CHECK_STR(talk_ask(&talk, XSP_READ, "/|"), "");
	CHECK_STR(talk_ask(&talk, XSP_READ, "/tool|"), "");
	CHECK_STR(talk_ask(&talk, XSP_READ, "/tool/xenstored|"), "");
	CHECK_UINT(talk.type, XSP_READ);
	CHECK_STR(talk_ask(&talk, XSP_GET_PERMS, "/|"), "n0|");
	CHECK_STR(talk_ask(&talk, XSP_GET_PERMS, "/tool|"), "n0|");
	CHECK_STR(talk_ask(&talk, XSP_GET_PERMS, "/tool/xenstored|"), "n0|");
	CHECK_STR(talk_ask(&talk, XSP_GET_PERMS, "@introduceDomain|"), "n0|");
	CHECK_STR(talk_ask(&talk, XSP_GET_PERMS, "@releaseDomain|"), "n0|r32757|");
	/* Whoever reads this takes the store for one in a domain of its own. */
	CHECK_STR(talk_ask(&talk, XSP_READ, "/tool/xenstored/domid|"), "ENOENT");
	CHECK_STR(talk_ask(&talk, XSP_READ, "/local|"), "ENOENT");
	CHECK(strstr(talk_ask(&talk, XSP_CONTROL, "quota|0|"), "nodes            :        5 "));
	CHECK_STR(talk_ask(&talk, XSP_CONTROL, "check|"), "OK|");
	talk_close(&talk);
	home_stop(&home);
	home_remove(&home);
}

/* What an empty request of that type is answered. */
static const char *empty_answer(uint32_t type)
{
	switch (type) {
	case XSP_WATCH_EVENT:
	case XSP_ERROR:
	case 20:
	case XSP_TYPE_COUNT:
		return "ENOSYS";
	case XSP_RESET_WATCHES:
		return "OK|";
	case XSP_TRANSACTION_START:
	case XSP_GET_FEATURE:
	case XSP_GET_QUOTA:
		/* An id, or a list. */
		return NULL;
	default:
		return "EINVAL";
	}
}

static void check_answer(struct talk *talk, uint32_t type)
{
	const char *expected = empty_answer(type), *text = talk_reply(talk);

	if (expected ? strcmp(text, expected) : talk->type != type || !*text)
		CHECK_FAIL("type %u: %s", type, text);
}

TEST(empty_request_of_each_type_is_answered)
{
	char bytes[XSP_HEADER_SIZE];
	struct xsp_header header;
	struct home home;
	struct talk talk;

	home_make(&home);
	home_serve(&home);
	talk_open(&talk, &home);
	for (uint32_t type = 0; type <= XSP_TYPE_COUNT; type++) {
		talk_send(&talk, type, NULL, 0);
		check_answer(&talk, type);
		/* The same in single bytes: nothing but the header's end can be waited for. */
		header = (struct xsp_header){ .type = type };
		xsp_header_put(bytes, &header);
		for (size_t i = 0; i < sizeof(bytes); i++)
			CHECK_INT(sock_send(talk.fd, bytes + i, 1), 0);
		check_answer(&talk, type);
	}
	talk_close(&talk);
	home_stop(&home);
	home_remove(&home);
}

TEST(empty_request_is_answered_before_the_next_comes)
{
	struct home home;
	struct talk talk;

	home_make(&home);
	home_serve(&home);
	talk_open(&talk, &home);
	for (uint32_t type = 0; type <= XSP_TYPE_COUNT; type++) {
		talk_send(&talk, type, NULL, 0);
		talk_send(&talk, XSP_GET_DOMAIN_PATH, "7", 2);
		check_answer(&talk, type);
		CHECK_STR(talk_reply(&talk), "/local/domain/7|");
	}
	talk_close(&talk);
	home_stop(&home);
	home_remove(&home);
}
