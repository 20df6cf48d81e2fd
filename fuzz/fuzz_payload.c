/* SPDX-License-Identifier: MIT */
/*
 * Payloads: the strings of any bytes are exactly those bytes; numbers are what they look like;
 * bodies never hold more than fits.
 */
#include <inttypes.h>
#include <string.h>

#include "fuzz/insist.h"
#include "protocol/payload.h"

static void check_number(const char *text)
{
	char digits[16];
	uint32_t value = 7;
	uint16_t domid = 7;

	if (!xsp_parse_u32(text, UINT32_MAX, &value)) {
		INSIST(value == 7);
		INSIST(!xsp_parse_domid(text, &domid) && domid == 7);
		return;
	}
	/* Leading zeroes are the only other spelling of a number. */
	snprintf(digits, sizeof(digits), "%" PRIu32, value);
	text += strspn(text, "0");
	INSIST(!strcmp(*text ? text : "0", digits));
	INSIST(xsp_parse_domid(digits, &domid) == (value <= UINT16_MAX));
	INSIST(value == 0 || !xsp_parse_u32(digits, value - 1, &value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *cursor = (const char *)data, *end = cursor + size, *string;
	static struct xsp_body body;
	size_t n = 0;

	xsp_body_reset(&body);
	while ((string = xsp_next_string(&cursor, end))) {
		INSIST(string + strlen(string) + 1 == cursor);
		check_number(string);
		if (!body.is_over)
			xsp_body_string(&body, string);
		n++;
	}
	INSIST(n == xsp_count_strings((const char *)data, size));
	INSIST(!memchr(cursor, '\0', (size_t)(end - cursor)) || cursor == end);
	if (!body.is_over) {
		xsp_body_bytes(&body, cursor, (size_t)(end - cursor));
		INSIST(body.is_over == (size > XSP_PAYLOAD_MAX));
	}
	INSIST(body.is_over || (body.len == size && !memcmp(body.bytes, data, size)));
	return 0;
}
