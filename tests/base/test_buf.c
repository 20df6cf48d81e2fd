/* SPDX-License-Identifier: MIT */
#include "xenstored/base/buf.h"

#include <string.h>

#include "tests/support/check.h"

static void append(struct buf *buf, const char *text)
{
	size_t len = strlen(text);
	uint8_t *space = buf_space(buf, len);

	CHECK(space != NULL);
	memcpy(space, text, len);
	buf_added(buf, len);
}

static void check_content(const struct buf *buf, const char *expected)
{
	CHECK_BYTES(buf_head(buf), buf_len(buf), expected, strlen(expected));
}

TEST(bytes_leave_in_the_order_they_came)
{
	struct buf buf = { 0 };

	append(&buf, "first");
	append(&buf, "second");
	check_content(&buf, "firstsecond");
	buf_taken(&buf, 5);
	append(&buf, "third");
	check_content(&buf, "secondthird");
	buf_fini(&buf);
}

TEST(the_zero_queue_is_empty)
{
	struct buf buf = { 0 };

	CHECK_UINT(buf_len(&buf), 0);
	CHECK(buf_head(&buf) == NULL);
	buf_fini(&buf);
}

TEST(content_survives_growth_and_sliding)
{
	struct buf buf = { 0 };
	uint32_t next_in = 0, next_out = 0, number;

	/* More comes in than goes out, so the queue has to grow again and again. */
	for (int round = 0; round < 3000; round++) {
		for (int i = 0; i < 7; i++, next_in++) {
			uint8_t *space = buf_space(&buf, sizeof(next_in));

			CHECK(space != NULL);
			memcpy(space, &next_in, sizeof(next_in));
			buf_added(&buf, sizeof(next_in));
		}
		for (int i = 0; i < 6; i++, next_out++) {
			memcpy(&number, buf_head(&buf), sizeof(number));
			CHECK_UINT(number, next_out);
			buf_taken(&buf, sizeof(number));
		}
	}
	CHECK_UINT(buf_len(&buf), sizeof(number) * (next_in - next_out));
	buf_fini(&buf);
}

TEST(a_steady_flow_does_not_grow_the_queue)
{
	struct buf buf = { 0 };
	size_t size;

	append(&buf, "x");
	size = buf.size;
	for (int i = 0; i < 100000; i++) {
		append(&buf, "0123456789");
		buf_taken(&buf, 10);
	}
	CHECK_UINT(buf.size, size);
	check_content(&buf, "9");
	buf_fini(&buf);
}

TEST(truncating_counts_from_the_head)
{
	struct buf buf = { 0 };

	append(&buf, "..abcdefgh");
	buf_taken(&buf, 2);
	buf_truncate(&buf, 3);
	check_content(&buf, "abc");
	buf_truncate(&buf, 0);
	CHECK_UINT(buf_len(&buf), 0);
	buf_fini(&buf);
}

TEST(an_impossible_length_is_refused_and_the_content_stays)
{
	struct buf buf = { 0 };

	append(&buf, "abc");
	CHECK(buf_space(&buf, SIZE_MAX) == NULL);
	CHECK(buf_space(&buf, SIZE_MAX / 2) == NULL);
	check_content(&buf, "abc");
	buf_fini(&buf);
}
