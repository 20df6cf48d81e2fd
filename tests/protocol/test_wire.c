/* SPDX-License-Identifier: MIT */
#include "protocol/wire.h"

#include <string.h>

#include "tests/support/check.h"

TEST(every_type_has_its_name)
{
	static const char *const names[] = {
		"CONTROL",
		"DIRECTORY",
		"READ",
		"GET_PERMS",
		"WATCH",
		"UNWATCH",
		"TRANSACTION_START",
		"TRANSACTION_END",
		"INTRODUCE",
		"RELEASE",
		"GET_DOMAIN_PATH",
		"WRITE",
		"MKDIR",
		"RM",
		"SET_PERMS",
		"WATCH_EVENT",
		"ERROR",
		"IS_DOMAIN_INTRODUCED",
		"RESUME",
		"SET_TARGET",
		NULL,
		"RESET_WATCHES",
		"DIRECTORY_PART",
		"GET_FEATURE",
		"SET_FEATURE",
		"GET_QUOTA",
		"SET_QUOTA",
	};

	CHECK_UINT(sizeof(names) / sizeof(names[0]), XSP_TYPE_COUNT);
	for (uint32_t type = 0; type < XSP_TYPE_COUNT; type++)
		CHECK_STR(xsp_type_name(type), names[type]);
}

TEST(types_beyond_the_table_have_no_name)
{
	static const uint32_t types[] = { XSP_TYPE_COUNT, 28, 0xffff, 0x80000000U, UINT32_MAX };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		CHECK(!xsp_type_name(types[i]));
}

TEST(restrict_is_a_hole_and_reset_watches_follows_it)
{
	CHECK(!xsp_type_name(20));
	CHECK_STR(xsp_type_name(21), "RESET_WATCHES");
}

TEST(header_fields_have_their_order_on_the_wire)
{
	struct xsp_header header = {
		.type = 0x01020304, .req_id = 0x11121314, .tx_id = 0x21222324, .len = 0x31323334
	};
	uint32_t words[4];
	uint8_t bytes[XSP_HEADER_SIZE];

	CHECK_UINT(XSP_HEADER_SIZE, 16);
	xsp_header_put(bytes, &header);
	memcpy(words, bytes, sizeof(words));
	CHECK_UINT(words[0], header.type);
	CHECK_UINT(words[1], header.req_id);
	CHECK_UINT(words[2], header.tx_id);
	CHECK_UINT(words[3], header.len);
}

TEST(header_survives_the_wire_at_every_alignment)
{
	struct xsp_header header = { 11, UINT32_MAX, 0x80000001U, 4096 }, copy;
	uint8_t bytes[XSP_HEADER_SIZE + 8];

	for (size_t at = 0; at < 8; at++) {
		memset(bytes, 0xaa, sizeof(bytes));
		memset(&copy, 0, sizeof(copy));
		xsp_header_put(bytes + at, &header);
		xsp_header_get(&copy, bytes + at);
		CHECK_BYTES(&copy, sizeof(copy), &header, sizeof(header));
		CHECK(at == 0 || bytes[at - 1] == 0xaa);
		CHECK_UINT(bytes[at + XSP_HEADER_SIZE], 0xaa);
	}
}

TEST(limits_are_those_of_the_protocol)
{
	CHECK_UINT(XSP_PAYLOAD_MAX, 4096);
	CHECK_UINT(XSP_MESSAGE_MAX, 4112);
	CHECK_UINT(XSP_PATH_ABS_MAX, 3072);
	CHECK_UINT(XSP_PATH_REL_MAX, 2048);
	CHECK_UINT(XSP_DOMID_SELF, 32752);
	CHECK_UINT(XSP_DOMID_FIRST_RESERVED, 32752);
	CHECK_UINT(XSP_DOMID_INVALID, 32756);
	CHECK_UINT(XSP_DOMID_ANY, 32757);
}

TEST(features_are_the_four_known_bits)
{
	CHECK_UINT(XSP_FEATURE_RECONNECT | XSP_FEATURE_ERROR | XSP_FEATURE_WATCH_DEPTH |
			   XSP_FEATURE_DOMID_ANY,
		   XSP_FEATURES_ALL);
	CHECK_UINT(XSP_FEATURES_ALL, 15);
}
