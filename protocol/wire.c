/* SPDX-License-Identifier: MIT */
#include "protocol/wire.h"

#include <stddef.h>
#include <string.h>

static const char *const names[XSP_TYPE_COUNT] = {
	[XSP_CONTROL] = "CONTROL",
	[XSP_DIRECTORY] = "DIRECTORY",
	[XSP_READ] = "READ",
	[XSP_GET_PERMS] = "GET_PERMS",
	[XSP_WATCH] = "WATCH",
	[XSP_UNWATCH] = "UNWATCH",
	[XSP_TRANSACTION_START] = "TRANSACTION_START",
	[XSP_TRANSACTION_END] = "TRANSACTION_END",
	[XSP_INTRODUCE] = "INTRODUCE",
	[XSP_RELEASE] = "RELEASE",
	[XSP_GET_DOMAIN_PATH] = "GET_DOMAIN_PATH",
	[XSP_WRITE] = "WRITE",
	[XSP_MKDIR] = "MKDIR",
	[XSP_RM] = "RM",
	[XSP_SET_PERMS] = "SET_PERMS",
	[XSP_WATCH_EVENT] = "WATCH_EVENT",
	[XSP_ERROR] = "ERROR",
	[XSP_IS_DOMAIN_INTRODUCED] = "IS_DOMAIN_INTRODUCED",
	[XSP_RESUME] = "RESUME",
	[XSP_SET_TARGET] = "SET_TARGET",
	[XSP_RESET_WATCHES] = "RESET_WATCHES",
	[XSP_DIRECTORY_PART] = "DIRECTORY_PART",
	[XSP_GET_FEATURE] = "GET_FEATURE",
	[XSP_SET_FEATURE] = "SET_FEATURE",
	[XSP_GET_QUOTA] = "GET_QUOTA",
	[XSP_SET_QUOTA] = "SET_QUOTA",
};

_Static_assert(sizeof(struct xsp_header) == XSP_HEADER_SIZE, "the header has no padding");

const char *xsp_type_name(uint32_t type)
{
	return type < XSP_TYPE_COUNT ? names[type] : NULL;
}

void xsp_header_get(struct xsp_header *out_header, const void *bytes)
{
	memcpy(out_header, bytes, sizeof(*out_header));
}

void xsp_header_put(void *out_bytes, const struct xsp_header *header)
{
	memcpy(out_bytes, header, sizeof(*header));
}
