/* SPDX-License-Identifier: MIT */
#include "protocol/framer.h"

#include <string.h>

#include "tests/support/check.h"

/* Lays one message with a payload of `len` zero bytes down; returns its size. */
static size_t put(uint8_t *bytes, uint32_t type, uint32_t len)
{
	struct xsp_header header = { .type = type, .req_id = 7, .tx_id = 9, .len = len };

	xsp_header_put(bytes, &header);
	if (len <= XSP_PAYLOAD_MAX)
		memset(bytes + XSP_HEADER_SIZE, 0, len);
	return XSP_HEADER_SIZE + len;
}

TEST(waits_for_every_byte_of_a_message)
{
	uint8_t bytes[XSP_MESSAGE_MAX];
	size_t size = put(bytes, XSP_READ, 5);
	struct xsp_header header = { .type = 77 };

	for (size_t len = 0; len < size; len++) {
		CHECK_INT(xsp_frame_next(bytes, len, &header), XSP_FRAME_PARTIAL);
		CHECK_UINT(header.type, 77);
	}
	CHECK_INT(xsp_frame_next(bytes, size, &header), XSP_FRAME_WHOLE);
	CHECK_UINT(header.type, XSP_READ);
	CHECK_UINT(header.req_id, 7);
	CHECK_UINT(header.tx_id, 9);
	CHECK_UINT(header.len, 5);
}

TEST(takes_an_empty_payload_with_the_header)
{
	uint8_t bytes[XSP_HEADER_SIZE];
	struct xsp_header header;

	put(bytes, XSP_RESET_WATCHES, 0);
	CHECK_INT(xsp_frame_next(bytes, sizeof(bytes), &header), XSP_FRAME_WHOLE);
	CHECK_UINT(header.len, 0);
}

TEST(takes_the_longest_payload)
{
	uint8_t bytes[XSP_MESSAGE_MAX];
	struct xsp_header header;
	size_t size = put(bytes, XSP_WRITE, XSP_PAYLOAD_MAX);

	CHECK_UINT(size, sizeof(bytes));
	CHECK_INT(xsp_frame_next(bytes, size - 1, &header), XSP_FRAME_PARTIAL);
	CHECK_INT(xsp_frame_next(bytes, size, &header), XSP_FRAME_WHOLE);
	CHECK_UINT(header.len, XSP_PAYLOAD_MAX);
}

TEST(refuses_a_longer_one_before_its_payload_comes)
{
	static const uint32_t lens[] = { XSP_PAYLOAD_MAX + 1, 5000,       0x3fffffff,
					 0x40000000,          0x7fffffff, 0x80000000U,
					 0xc0000000U,         UINT32_MAX, UINT32_MAX - 15 };
	uint8_t bytes[XSP_HEADER_SIZE];

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		struct xsp_header header = { .type = 77 };

		put(bytes, XSP_READ, lens[i]);
		CHECK_INT(xsp_frame_next(bytes, sizeof(bytes), &header), XSP_FRAME_TOO_LONG);
		CHECK_UINT(header.type, 77);
		CHECK_INT(xsp_frame_next(bytes, sizeof(bytes) - 1, &header), XSP_FRAME_PARTIAL);
	}
}

TEST(finds_one_message_at_a_time)
{
	uint8_t bytes[256];
	struct xsp_header header;
	size_t first = put(bytes, XSP_READ, 9);
	size_t both = first + put(bytes + first, XSP_RM, 3);

	CHECK_INT(xsp_frame_next(bytes, both, &header), XSP_FRAME_WHOLE);
	CHECK_UINT(header.type, XSP_READ);
	CHECK_INT(xsp_frame_next(bytes + first, both - first, &header), XSP_FRAME_WHOLE);
	CHECK_UINT(header.type, XSP_RM);
}

TEST(does_not_judge_the_type)
{
	uint8_t bytes[XSP_HEADER_SIZE];
	struct xsp_header header;

	put(bytes, UINT32_MAX, 0);
	CHECK_INT(xsp_frame_next(bytes, sizeof(bytes), &header), XSP_FRAME_WHOLE);
	CHECK_UINT(header.type, UINT32_MAX);
}
