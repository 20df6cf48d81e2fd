/* SPDX-License-Identifier: MIT */
#include "xenstored/core/outbox.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/check.h"
#include "xenstored/core/outstanding.h"

enum { H = XSP_HEADER_SIZE };

static struct ledger ledger;
static struct outbox box;

static void begin(void)
{
	ledger = (struct ledger){ .is_limited = true };
	outbox_init(&box, &ledger, 3);
}

static void end(void)
{
	outbox_fini(&box);
	CHECK_UINT(ledger.used[QUOTA_MEMORY], 0);
	CHECK_UINT(ledger.used[QUOTA_OUTSTANDING], 0);
}

static struct outbox_post post_of(enum outbox_kind kind, const char *text)
{
	bool is_reply = kind == OUTBOX_REPLY || kind == OUTBOX_STORE_REPLY;

	return (struct outbox_post){
		.header = { .type = is_reply ? XSP_READ : XSP_WATCH_EVENT,
			    .len = (uint32_t)strlen(text) },
		.kind = kind,
		.first = text,
		.first_len = strlen(text),
		.second = "",
	};
}

static void post(enum outbox_kind kind, const char *text)
{
	struct outbox_post what = post_of(kind, text);

	CHECK_INT(outbox_post(&box, &what), 0);
}

static void post_until(const char *text, uint64_t expires_ms)
{
	struct outbox_post what = post_of(OUTBOX_EVENT, text);

	what.expires_ms = expires_ms;
	CHECK_INT(outbox_post(&box, &what), 0);
}

/* The payloads of what is visible, with a bar behind each; "!" in front of errors. */
static const char *visible(void)
{
	static char text[256];
	const uint8_t *bytes;
	size_t len = outbox_peek(&box, &bytes), at = 0, n = 0;

	text[0] = '\0';
	while (at < len) {
		struct xsp_header header;

		xsp_header_get(&header, bytes + at);
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s|",
				      header.type == XSP_ERROR ? "!" : "",
				      (int)strnlen((const char *)bytes + at + H, header.len),
				      (const char *)bytes + at + H);
		at += H + header.len;
	}
	CHECK_UINT(at, len);
	return text;
}

TEST(nothing_is_visible_before_it_is_released)
{
	begin();
	post(OUTBOX_REPLY, "a");
	post(OUTBOX_EVENT, "b");
	CHECK_STR(visible(), "");
	CHECK(outbox_release(&box));
	CHECK_STR(visible(), "a|b|");
	CHECK(!outbox_release(&box));
	end();
}

TEST(equal_events_merge_while_they_wait)
{
	begin();
	post(OUTBOX_EVENT, "x");
	post(OUTBOX_STORE_EVENT, "y");
	post(OUTBOX_EVENT, "x");
	outbox_release(&box);
	post(OUTBOX_STORE_EVENT, "y");
	outbox_release(&box);
	CHECK_STR(visible(), "x|y|");
	outbox_sent(&box, H + 1);
	post(OUTBOX_EVENT, "x");
	outbox_release(&box);
	CHECK_STR(visible(), "y|x|");
	end();
}

static void post_two(const char *path, const char *token)
{
	struct outbox_post what = post_of(OUTBOX_EVENT, path);

	what.second = token;
	what.second_len = strlen(token);
	what.header.len += (uint32_t)what.second_len;
	CHECK_INT(outbox_post(&box, &what), 0);
}

TEST(events_merge_only_if_path_and_token_are_equal)
{
	begin();
	post_two("path", "t1");
	post_two("path", "t2");
	post_two("pat", "t1");
	post_two("path", "t1");
	outbox_release(&box);
	CHECK_STR(visible(), "patht1|patht2|patt1|");
	end();
}

TEST(replies_and_special_events_never_merge)
{
	begin();
	post(OUTBOX_REPLY, "x");
	post(OUTBOX_REPLY, "x");
	post(OUTBOX_SPECIAL, "x");
	post(OUTBOX_SPECIAL, "x");
	post(OUTBOX_EVENT, "x");
	outbox_release(&box);
	CHECK_STR(visible(), "x|x|x|x|x|");
	end();
}

TEST(a_message_partly_sent_goes_on_where_it_stopped)
{
	const uint8_t *bytes;
	uint8_t whole[64];
	size_t len;

	begin();
	post(OUTBOX_REPLY, "abc");
	post(OUTBOX_REPLY, "d");
	outbox_release(&box);
	len = outbox_peek(&box, &bytes);
	CHECK_UINT(len, 2 * H + 4);
	memcpy(whole, bytes, len);
	outbox_sent(&box, H + 1);
	CHECK_UINT(outbox_len(&box), H + 3);
	CHECK_UINT(ledger.used[QUOTA_MEMORY], 2 * H + 4);
	len = outbox_peek(&box, &bytes);
	CHECK_BYTES(bytes, len, whole + H + 1, H + 3);
	outbox_sent(&box, 2);
	CHECK_UINT(ledger.used[QUOTA_MEMORY], H + 1);
	CHECK_STR(visible(), "d|");
	outbox_sent(&box, H + 1);
	CHECK_UINT(outbox_peek(&box, &bytes), 0);
	CHECK_UINT(outbox_len(&box), 0);
	end();
}

TEST(a_lost_turn_leaves_errors_for_what_depended_on_it)
{
	begin();
	post(OUTBOX_STORE_REPLY, "old");
	post(OUTBOX_STORE_EVENT, "oldevent");
	outbox_release(&box);
	post(OUTBOX_STORE_EVENT, "e1");
	post(OUTBOX_STORE_REPLY, "wrote");
	post(OUTBOX_EVENT, "e2");
	post(OUTBOX_REPLY, "stands");
	post(OUTBOX_SPECIAL, "s");
	post(OUTBOX_STORE_EVENT, "e3");
	CHECK_INT(outbox_recall(&box, EIO), 0);
	CHECK(outbox_release(&box));
	CHECK_STR(visible(), "old|oldevent|!EIO|e2|stands|s|");
	outbox_sent(&box, outbox_len(&box));
	end();
}

TEST(what_was_dropped_by_a_lost_turn_may_be_told_again)
{
	begin();
	post(OUTBOX_STORE_EVENT, "e");
	CHECK_INT(outbox_recall(&box, EIO), 0);
	CHECK(!outbox_release(&box));
	CHECK_UINT(outbox_len(&box), 0);
	post(OUTBOX_STORE_EVENT, "e");
	CHECK(outbox_release(&box));
	CHECK_STR(visible(), "e|");
	end();
}

TEST(a_lost_turn_leaves_a_message_partly_sent_alone)
{
	begin();
	post(OUTBOX_STORE_REPLY, "first");
	outbox_release(&box);
	outbox_sent(&box, H + 2);
	post(OUTBOX_STORE_REPLY, "second");
	CHECK_INT(outbox_recall(&box, ENOSPC), 0);
	outbox_release(&box);
	outbox_sent(&box, 3);
	CHECK_STR(visible(), "!ENOSPC|");
	end();
}

TEST(what_is_settled_survives_a_lost_turn)
{
	begin();
	post(OUTBOX_STORE_REPLY, "r1");
	post(OUTBOX_STORE_EVENT, "e1");
	outbox_settle(&box);
	post(OUTBOX_STORE_REPLY, "r2");
	post(OUTBOX_STORE_EVENT, "e2");
	CHECK_INT(outbox_recall(&box, EIO), 0);
	outbox_release(&box);
	CHECK_STR(visible(), "r1|e1|!EIO|");
	end();
}

TEST(expired_events_are_dropped_and_the_next_time_is_told)
{
	begin();
	post_until("a", 100);
	post(OUTBOX_REPLY, "r");
	post_until("b", 100);
	post_until("c", 200);
	outbox_release(&box);
	CHECK_UINT(outbox_expire(&box, 99), 100);
	CHECK_STR(visible(), "a|r|b|c|");
	CHECK_UINT(outbox_expire(&box, 100), 200);
	CHECK_STR(visible(), "r|c|");
	CHECK_UINT(outbox_expire(&box, 200), UINT64_MAX);
	CHECK_STR(visible(), "r|");
	post_until("a", 300);
	outbox_release(&box);
	CHECK_STR(visible(), "r|a|");
	end();
}

TEST(an_event_partly_sent_does_not_expire)
{
	const uint8_t *bytes;
	size_t len;

	begin();
	post_until("abc", 100);
	post_until("d", 100);
	outbox_release(&box);
	outbox_sent(&box, 5);
	CHECK_UINT(outbox_expire(&box, 500), UINT64_MAX);
	len = outbox_peek(&box, &bytes);
	CHECK_BYTES(bytes + len - 3, 3, "abc", 3);
	CHECK_UINT(len, H + 3 - 5);
	end();
}

/* As many events as a guest can have waiting; every tenth may stay. */
static void post_many(int n)
{
	char text[32];

	for (int i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "event %d", i);
		post_until(text, i % 10 ? 100 : 0);
	}
	outbox_release(&box);
}

TEST(many_events_expire_at_once_and_the_rest_stays_whole)
{
	enum { N = 50000 };
	struct xsp_header header;
	const uint8_t *bytes;
	char text[32];
	size_t len, at = 0;

	begin();
	post_many(N);
	CHECK_UINT(outbox_expire(&box, 100), UINT64_MAX);
	CHECK_UINT(box.n_messages, N / 10);
	len = outbox_peek(&box, &bytes);
	for (int i = 0; i < N; i += 10) {
		snprintf(text, sizeof(text), "event %d", i);
		xsp_header_get(&header, bytes + at);
		CHECK_BYTES(bytes + at + H, header.len, text, strlen(text));
		at += H + header.len;
	}
	CHECK_UINT(at, len);
	end();
}

TEST(an_emptied_queue_keeps_no_memory_of_its_length)
{
	begin();
	post_many(10000);
	CHECK(box.bytes.size >= 200000);
	outbox_sent(&box, outbox_len(&box));
	CHECK_UINT(box.bytes.size, 0);
	CHECK_UINT(box.events.n_buckets, MAP_INLINE);
	post(OUTBOX_EVENT, "short");
	outbox_release(&box);
	outbox_sent(&box, outbox_len(&box));
	CHECK(box.bytes.size > 0);
	end();
}

TEST(what_waits_is_charged_as_memory)
{
	begin();
	post(OUTBOX_EVENT, "12345");
	CHECK_UINT(ledger.used[QUOTA_MEMORY], H + 5);
	post(OUTBOX_EVENT, "12345");
	CHECK_UINT(ledger.used[QUOTA_MEMORY], H + 5);
	post(OUTBOX_STORE_REPLY, "a longer reply");
	CHECK_INT(outbox_recall(&box, EIO), 0);
	CHECK_UINT(ledger.used[QUOTA_MEMORY], 2 * H + 5 + sizeof("EIO"));
	end();
}

TEST(events_past_the_memory_quota_are_refused_and_small_replies_are_not)
{
	struct outbox_post event = post_of(OUTBOX_EVENT, "x"), large;
	char text[128] = "";

	begin();
	ledger.limits.hard[QUOTA_MEMORY] = H;
	CHECK_INT(outbox_post(&box, &event), ENOSPC);
	CHECK_UINT(outbox_len(&box), 0);
	memset(text, 'v', sizeof(text) - 1);
	large = post_of(OUTBOX_REPLY, text);
	CHECK_INT(outbox_post(&box, &large), ENOSPC);
	CHECK_UINT(ledger.used[QUOTA_MEMORY], 0);
	post(OUTBOX_REPLY, "ENOSPC");
	CHECK_UINT(ledger.used[QUOTA_MEMORY], H + 6);
	ledger.limits.hard[QUOTA_MEMORY] = 2 * H + 7;
	CHECK_INT(outbox_post(&box, &event), 0);
	end();
}

TEST(a_request_is_outstanding_until_its_last_message_is_gone)
{
	struct outstanding_list list = LIST_HEAD_INITIALIZER(list);
	struct outbox_post what = post_of(OUTBOX_EVENT, "e");

	begin();
	what.cause = outstanding_new(&list, &ledger);
	CHECK(what.cause != NULL);
	CHECK_INT(outbox_post(&box, &what), 0);
	CHECK_INT(outbox_post(&box, &what), 0);
	outstanding_release(what.cause, 0);
	outbox_release(&box);
	CHECK_UINT(ledger.used[QUOTA_OUTSTANDING], 1);
	outbox_sent(&box, H);
	CHECK_UINT(ledger.used[QUOTA_OUTSTANDING], 1);
	outbox_sent(&box, 1);
	CHECK_UINT(ledger.used[QUOTA_OUTSTANDING], 0);
	end();
}

TEST(what_is_forgiven_is_charged_to_nobody)
{
	struct outstanding_list list = LIST_HEAD_INITIALIZER(list);
	struct outbox_post what = post_of(OUTBOX_EVENT, "e");
	struct outstanding *other;

	begin();
	what.cause = outstanding_new(&list, &ledger);
	other = outstanding_new(&list, &ledger);
	CHECK(what.cause && other);
	CHECK_INT(outbox_post(&box, &what), 0);
	outstanding_release(what.cause, 0);
	outstanding_forgive(&list);
	CHECK(LIST_EMPTY(&list));
	CHECK_UINT(ledger.used[QUOTA_OUTSTANDING], 0);
	/* Whoever still holds it goes on as if nothing had happened. */
	outstanding_release(other, 0);
	other = outstanding_new(&list, &ledger);
	outbox_release(&box);
	outbox_sent(&box, H + 1);
	CHECK_UINT(ledger.used[QUOTA_OUTSTANDING], 1);
	outstanding_release(other, 0);
	end();
}
