/* SPDX-License-Identifier: MIT */
/*
 * The player, against a target that answers what the case tells it to: it must see every
 * difference between that and the script, or all transcripts are worth nothing.
 */
#include "tests/support/play.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/check.h"
#include "tests/support/inbox.h"

/* One client; each received request is answered with the next canned bytes. */
struct canned {
	struct target target;
	struct inbox received;
	struct inbox answers;
	bool closes; /* after the answers */
};

static int canned_start(struct target *target)
{
	(void)target;
	return 0;
}

static int canned_stop(struct target *target)
{
	(void)target;
	return 0;
}

static int canned_open(struct target *target, int domid, int *out_client)
{
	(void)target;
	CHECK_INT(domid, TARGET_SOCKET);
	*out_client = 0;
	return 0;
}

static int canned_end(struct target *target, int client, enum target_end how)
{
	(void)target;
	(void)client;
	(void)how;
	return 0;
}

static int canned_send(struct target *target, int client, const void *bytes, size_t len)
{
	(void)client;
	inbox_add(&((struct canned *)target)->received, bytes, len);
	return 0;
}

static int canned_receive(struct target *target, int client, enum target_wait wait, void *bytes,
			  size_t size, size_t *out_len)
{
	struct canned *self = (struct canned *)target;
	size_t len = inbox_rest(&self->answers);

	(void)client;
	(void)wait;
	*out_len = 0;
	if (len == 0)
		return self->closes ? EPIPE : 0;
	/* Seven bytes at a time, so that messages come in pieces. */
	len = len < 7 ? len : 7;
	CHECK(len <= size);
	memcpy(bytes, self->answers.bytes + self->answers.start, len);
	self->answers.start += len;
	self->answers.len -= len;
	*out_len = len;
	return 0;
}

static int canned_settle(struct target *target)
{
	(void)target;
	return 0;
}

static const struct target_ops canned_ops = {
	.start = canned_start,
	.stop = canned_stop,
	.open = canned_open,
	.end = canned_end,
	.send = canned_send,
	.receive = canned_receive,
	.settle = canned_settle,
};

static struct canned canned;

static void answer(uint32_t type, uint32_t req_id, uint32_t tx_id, const char *payload, size_t len)
{
	struct xsp_header header = { type, req_id, tx_id, (uint32_t)len };
	char bytes[XSP_HEADER_SIZE];

	xsp_header_put(bytes, &header);
	inbox_add(&canned.answers, bytes, sizeof(bytes));
	inbox_add(&canned.answers, payload, len);
}

static enum play_result play_text(const char *text)
{
	char path[] = "/tmp/test_play.XXXXXX", why[PLAY_WHY_MAX];
	struct script script;
	enum play_result result;
	int fd = mkstemp(path);

	CHECK(fd >= 0);
	CHECK_INT(write(fd, text, strlen(text)), (intmax_t)strlen(text));
	close(fd);
	if (!script_read(&script, path))
		CHECK_FAIL("%s", script.why);
	unlink(path);
	canned.target.ops = &canned_ops;
	canned.target.name = "canned";
	result = play(&script, &canned.target, why);
	script_fini(&script);
	inbox_fini(&canned.received);
	inbox_fini(&canned.answers);
	return result;
}

TEST(holds_when_everything_is_as_written)
{
	answer(XSP_WATCH_EVENT, 0, 0, "/a\0t", 5);
	answer(XSP_READ, 9, 3, "v", 1);
	answer(XSP_ERROR, 8, 0, "ENOENT", 7);
	CHECK_INT(play_text("s1> READ#9[3] /a|\n"
			    "s1< WATCH_EVENT /a|t|\n"
			    "s1< = v\n"
			    "s1> READ#8 /b| = ENOENT\n"),
		  PLAY_HELD);
}

TEST(breaks_on_another_value)
{
	answer(XSP_READ, 9, 0, "w", 1);
	CHECK_INT(play_text("s1> READ#9 /a| = v\n"), PLAY_BROKEN);
}

TEST(breaks_on_another_length)
{
	answer(XSP_READ, 9, 0, "v\0", 2);
	CHECK_INT(play_text("s1> READ#9 /a| = v\n"), PLAY_BROKEN);
}

TEST(breaks_on_an_error_in_place_of_the_same_text)
{
	answer(XSP_ERROR, 9, 0, "ENOENT", 7);
	CHECK_INT(play_text("s1> READ#9 /a| = \"ENOENT\"|\n"), PLAY_BROKEN);
}

TEST(breaks_on_a_wrong_request_id)
{
	answer(XSP_READ, 8, 0, "v", 1);
	CHECK_INT(play_text("s1> READ#9 /a| = v\n"), PLAY_BROKEN);
}

TEST(breaks_on_a_wrong_transaction_id)
{
	answer(XSP_READ, 9, 0, "v", 1);
	CHECK_INT(play_text("s1> READ#9[3] /a| = v\n"), PLAY_BROKEN);
}

TEST(breaks_on_an_event_before_the_reply)
{
	answer(XSP_WATCH_EVENT, 0, 0, "/a\0t", 5);
	answer(XSP_WRITE, 9, 0, "OK", 3);
	CHECK_INT(play_text("s1> WRITE#9 /a| = OK\ns1< WATCH_EVENT /a|t|\n"), PLAY_BROKEN);
}

TEST(breaks_on_anything_left_over)
{
	answer(XSP_READ, 9, 0, "v", 1);
	answer(XSP_WATCH_EVENT, 0, 0, "/a\0t", 5);
	CHECK_INT(play_text("s1> READ#9 /a| = v\n"), PLAY_BROKEN);
}

TEST(breaks_on_half_a_message_left_over)
{
	answer(XSP_READ, 9, 0, "v", 1);
	inbox_add(&canned.answers, "\0\0\0", 3);
	CHECK_INT(play_text("s1> READ#9 /a| = v\n"), PLAY_BROKEN);
}

TEST(breaks_on_a_reply_nobody_looked_at)
{
	answer(XSP_READ, 9, 0, "v", 1);
	CHECK_INT(play_text("s1> READ#9 /a|\n"), PLAY_BROKEN);
}

TEST(breaks_when_nothing_comes)
{
	CHECK_INT(play_text("s1> READ#9 /a| = v\n"), PLAY_BROKEN);
}

TEST(breaks_when_quiet_is_not_quiet)
{
	answer(XSP_READ, 9, 0, "v", 1);
	CHECK_INT(play_text("s1> READ#9 /a|\ns1< quiet\ns1< = v\n"), PLAY_BROKEN);
}

TEST(knows_a_closed_connection)
{
	canned.closes = true;
	CHECK_INT(play_text("s1>> %READ,1,0,4097\ns1< closed\n"), PLAY_HELD);
	CHECK_INT(play_text("s1> READ#9 /a| = v\n"), PLAY_BROKEN);
	answer(XSP_READ, 1, 0, "v", 1);
	CHECK_INT(play_text("s1>> %READ,1,0,4097\ns1< closed\n"), PLAY_BROKEN);
	canned.closes = false;
	CHECK_INT(play_text("s1>> %READ,1,0,4097\ns1< closed\n"), PLAY_BROKEN);
}

TEST(repeats_a_loop_to_its_end)
{
	answer(XSP_READ, 0x1001, 0, "1", 1);
	answer(XSP_READ, 0x1002, 0, "2", 1);
	answer(XSP_READ, 0x1003, 0, "3", 1);
	CHECK_INT(play_text("for i 1 3\ns1> READ /a| = $i\nend\n"), PLAY_HELD);
	answer(XSP_READ, 0x1001, 0, "1", 1);
	answer(XSP_READ, 0x1002, 0, "1", 1);
	CHECK_INT(play_text("for i 1 2\ns1> READ /a| = $i\nend\n"), PLAY_BROKEN);
}

TEST(leaves_out_what_the_target_cannot_do)
{
	CHECK_INT(play_text("domain 7\n"), PLAY_SKIPPED);
	CHECK_INT(play_text("d7> READ /a| = v\n"), PLAY_SKIPPED);
	CHECK_INT(play_text("time 5\n"), PLAY_SKIPPED);
}
