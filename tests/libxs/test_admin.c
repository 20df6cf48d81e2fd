/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libxs/include/xenstore.h"
#include "tests/libxs/mini.h"
#include "tests/libxs/peer.h"
#include "tests/support/check.h"

/* The requests that are expected, in order, and what is answered. */
struct step {
	uint32_t type;
	const char *payload;
	size_t len;
	const char *answer;
	size_t answer_len;
};

#define STEP(type, payload, answer)                                                                \
	{                                                                                          \
		type, payload, sizeof(payload) - 1, answer, sizeof(answer) - 1                     \
	}

struct play {
	const struct step *steps;
	size_t n_steps;
	size_t n_right;
};

static void play_steps(int fd, void *arg)
{
	char payload[XSP_PAYLOAD_MAX + 1];
	struct play *play = arg;
	struct xsp_header request;

	for (size_t i = 0; i < play->n_steps && peer_receive(fd, &request, payload); i++) {
		const struct step *step = &play->steps[i];

		play->n_right += request.type == step->type && request.len == step->len &&
				 !memcmp(payload, step->payload, step->len);
		peer_reply(fd, &request, request.type, step->answer, step->answer_len);
	}
}

static struct peer *peer;
static struct xs_handle *h;

static void begin(struct play *play)
{
	peer = peer_start(play_steps, play);
	h = xs_open(0);
	CHECK(h != NULL);
}

static void end(struct play *play)
{
	xs_close(h);
	peer_stop(peer);
	CHECK_UINT(play->n_right, play->n_steps);
}

#define PLAY(...)                                                                                  \
	static const struct step steps[] = { __VA_ARGS__ };                                        \
	struct play play = { steps, sizeof(steps) / sizeof(steps[0]), 0 };                         \
	begin(&play)

TEST(domain_requests_send_decimal_numbers)
{
	char *path;

	PLAY(STEP(XSP_INTRODUCE, "7\0004294967296\00033\0", "OK\0"),
	     STEP(XSP_SET_TARGET, "7\0008\0", "OK\0"), STEP(XSP_RESUME, "7\0", "OK\0"),
	     STEP(XSP_RELEASE, "7\0", "OK\0"),
	     STEP(XSP_GET_DOMAIN_PATH, "7\0", "/local/domain/7\0"),
	     STEP(XSP_IS_DOMAIN_INTRODUCED, "7\0", "T\0"),
	     STEP(XSP_IS_DOMAIN_INTRODUCED, "8\0", "F\0"),
	     STEP(XSP_RELEASE, "4294967295\0", "OK\0"));

	CHECK(xs_introduce_domain(h, 7, 4294967296UL, 33));
	CHECK(xs_set_target(h, 7, 8));
	CHECK(xs_resume_domain(h, 7));
	CHECK(xs_release_domain(h, 7));
	path = xs_get_domain_path(h, 7);
	CHECK_STR(path, "/local/domain/7");
	free(path);
	CHECK(xs_is_domain_introduced(h, 7));
	CHECK(!xs_is_domain_introduced(h, 8));
	CHECK(xs_release_domain(h, UINT32_MAX));
	end(&play);
}

TEST(control_sends_command_and_bytes_and_returns_text)
{
	char argument[] = "on";
	char *text;

	PLAY(STEP(XSP_CONTROL, "help\0", "one two"), STEP(XSP_CONTROL, "log\0on\0", "OK\0"));
	text = xs_control_command(h, "help", NULL, 0);
	CHECK_STR(text, "one two");
	free(text);
	text = xs_debug_command(h, "log", argument, sizeof(argument));
	CHECK_STR(text, "OK");
	free(text);
	end(&play);
}

TEST(features_of_the_connection_are_asked_once_per_handle)
{
	unsigned features = 0;

	PLAY(STEP(XSP_GET_FEATURE, "", "14\0"), STEP(XSP_GET_FEATURE, "7\0", "3\0"),
	     STEP(XSP_SET_FEATURE, "7\0002\0", "OK\0"), STEP(XSP_GET_FEATURE, "7\0", "3x\0"));
	CHECK(xs_get_features_supported(h, &features));
	CHECK_UINT(features, 14);
	features = 0;
	CHECK(xs_get_features_supported(h, &features));
	CHECK_UINT(features, 14);
	CHECK(xs_get_features_domain(h, 7, &features));
	CHECK_UINT(features, 3);
	CHECK(xs_set_features_domain(h, 7, 2));
	errno = 0;
	CHECK(!xs_get_features_domain(h, 7, &features));
	CHECK_INT(errno, EINVAL);
	end(&play);
}

TEST(quotas_are_named_read_and_set)
{
	const char **names;
	unsigned num, value = 0;

	PLAY(STEP(XSP_GET_QUOTA, "", "nodes watches path-max\0"), STEP(XSP_GET_QUOTA, "", ""),
	     STEP(XSP_GET_QUOTA, "nodes\0", "1000\0"),
	     STEP(XSP_SET_QUOTA, "nodes\0002000\0", "OK\0"),
	     STEP(XSP_GET_QUOTA, "7\0nodes\0", "4294967295\0"),
	     STEP(XSP_SET_QUOTA, "7\0nodes\0000\0", "OK\0"));
	names = xs_get_quota_names(h, &num);
	CHECK_UINT(num, 3);
	CHECK_STR(names[0], "nodes");
	CHECK_STR(names[2], "path-max");
	free(names);
	names = xs_get_quota_names(h, &num);
	CHECK_UINT(num, 1);
	CHECK_STR(names[0], "");
	free(names);
	CHECK(xs_get_global_quota(h, "nodes", &value));
	CHECK_UINT(value, 1000);
	CHECK(xs_set_global_quota(h, "nodes", 2000));
	CHECK(xs_get_domain_quota(h, 7, "nodes", &value));
	CHECK_UINT(value, 4294967295U);
	CHECK(xs_set_domain_quota(h, 7, "nodes", 0));
	end(&play);
}

TEST(a_transaction_number_that_is_none_is_an_error)
{
	PLAY(STEP(XSP_TRANSACTION_START, "\0", "abc\0"), STEP(XSP_TRANSACTION_START, "\0", "0\0"),
	     STEP(XSP_TRANSACTION_START, "\0", ""), STEP(XSP_TRANSACTION_START, "\0", "17\0"));
	for (int i = 0; i < 3; i++) {
		errno = 0;
		CHECK_UINT(xs_transaction_start(h), XBT_NULL);
		CHECK_INT(errno, EINVAL);
	}
	CHECK_UINT(xs_transaction_start(h), 17);
	end(&play);
}

TEST(permissions_that_are_none_are_an_error)
{
	struct xs_permissions *perms;
	unsigned num;

	PLAY(STEP(XSP_GET_PERMS, "/\0", "q0\0"), STEP(XSP_GET_PERMS, "/\0", ""),
	     STEP(XSP_GET_PERMS, "/\0", "n0\0r1"));
	errno = 0;
	CHECK(!xs_get_permissions(h, XBT_NULL, "/", &num));
	CHECK_INT(errno, EINVAL);
	perms = xs_get_permissions(h, XBT_NULL, "/", &num);
	CHECK_UINT(num, 0);
	free(perms);
	perms = xs_get_permissions(h, XBT_NULL, "/", &num);
	CHECK_UINT(num, 1);
	free(perms);
	end(&play);
}

TEST(suspend_port_is_read_on_a_connection_of_its_own)
{
	struct mini_options options = { .has_parts = true };
	struct mini *mini = mini_start(&options);
	struct xs_handle *own = xs_open(0);

	CHECK_INT(xs_suspend_evtchn_port(7), -1);
	CHECK(xs_write(own, XBT_NULL, "/local/domain/7/device/suspend/event-channel", "12", 2));
	CHECK_INT(xs_suspend_evtchn_port(7), 12);
	CHECK(xs_write(own, XBT_NULL, "/local/domain/7/device/suspend/event-channel", "", 0));
	CHECK_INT(xs_suspend_evtchn_port(7), -1);
	xs_close(own);
	mini_stop(mini);
	CHECK_INT(xs_suspend_evtchn_port(7), -1);
}
