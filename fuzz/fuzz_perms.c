/* SPDX-License-Identifier: MIT */
/*
 * Permission entries: what is read is written again, and read again, as the same.
 */
#include <string.h>

#include "fuzz/insist.h"
#include "protocol/perms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[256], shown[XSP_PERM_TEXT_MAX];
	struct xsp_perm perm = { .domid = 77, .rights = 99, .flags = 88 }, again = { 0 };

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (!xsp_perm_parse(text, &perm)) {
		INSIST(perm.domid == 77 && perm.rights == 99 && perm.flags == 88);
		return 0;
	}
	INSIST(strchr("nrwb", text[0]) && text[0]);
	INSIST(!(perm.rights & ~(XSP_PERM_READ | XSP_PERM_WRITE)));
	INSIST(xsp_perm_format(&perm, shown) == strlen(shown));
	INSIST(shown[0] == text[0]);
	INSIST(xsp_perm_parse(shown, &again));
	INSIST(again.domid == perm.domid && again.rights == perm.rights);
	return 0;
}
