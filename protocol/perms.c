/* SPDX-License-Identifier: MIT */
#include "protocol/perms.h"

#include <string.h>

static const char letters[] = "nrwb"; /* indexed by rights */

static bool digit_value(char c, unsigned base, unsigned *out_value)
{
	unsigned value;

	if (c >= '0' && c <= '9')
		value = (unsigned)(c - '0');
	else if (c >= 'a' && c <= 'f')
		value = (unsigned)(c - 'a') + 10;
	else if (c >= 'A' && c <= 'F')
		value = (unsigned)(c - 'A') + 10;
	else
		return false;
	*out_value = value;
	return value < base;
}

static bool parse_number(const char *text, uint16_t *out_number)
{
	unsigned base = 10, digit;
	uint32_t number = 0;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
	} else if (text[0] == '0' && text[1] != '\0') {
		base = 8;
		text++;
	}
	if (*text == '\0')
		return false;
	for (; *text; text++) {
		if (!digit_value(*text, base, &digit))
			return false;
		number = number * base + digit;
		if (number > UINT16_MAX)
			return false;
	}
	*out_number = (uint16_t)number;
	return true;
}

bool xsp_perm_parse(const char *text, struct xsp_perm *out_perm)
{
	const char *letter;
	uint16_t domid;

	if (*text == '\0')
		return false;
	letter = strchr(letters, *text);
	if (!letter || !parse_number(text + 1, &domid))
		return false;
	*out_perm = (struct xsp_perm){ .domid = domid, .rights = (uint8_t)(letter - letters) };
	return true;
}

size_t xsp_perm_format(const struct xsp_perm *perm, char out_text[XSP_PERM_TEXT_MAX])
{
	char digits[8];
	unsigned rest = perm->domid;
	size_t n = 0, len = 0;

	do {
		digits[n++] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	out_text[len++] = letters[perm->rights & (XSP_PERM_READ | XSP_PERM_WRITE)];
	while (n)
		out_text[len++] = digits[--n];
	out_text[len] = '\0';
	return len;
}
