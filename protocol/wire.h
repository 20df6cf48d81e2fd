/* SPDX-License-Identifier: MIT */
/*
 * The wire: message types and their names, the 16-byte header, every numeric limit.
 *
 * Integers are in host byte order (both ends share a machine). This header is self-contained:
 * the values are facts of the protocol, checked against <xen/io/xs_wire.h> by a test.
 */
#ifndef XSP_WIRE_H
#define XSP_WIRE_H

#include <stdbool.h>
#include <stdint.h>

enum xsp_type {
	XSP_CONTROL = 0,
	XSP_DIRECTORY = 1,
	XSP_READ = 2,
	XSP_GET_PERMS = 3,
	XSP_WATCH = 4,
	XSP_UNWATCH = 5,
	XSP_TRANSACTION_START = 6,
	XSP_TRANSACTION_END = 7,
	XSP_INTRODUCE = 8,
	XSP_RELEASE = 9,
	XSP_GET_DOMAIN_PATH = 10,
	XSP_WRITE = 11,
	XSP_MKDIR = 12,
	XSP_RM = 13,
	XSP_SET_PERMS = 14,
	XSP_WATCH_EVENT = 15, /* server to client only */
	XSP_ERROR = 16,       /* server to client only */
	XSP_IS_DOMAIN_INTRODUCED = 17,
	XSP_RESUME = 18,
	XSP_SET_TARGET = 19,
	/* 20 was RESTRICT and stays a hole. */
	XSP_RESET_WATCHES = 21,
	XSP_DIRECTORY_PART = 22,
	XSP_GET_FEATURE = 23,
	XSP_SET_FEATURE = 24,
	XSP_GET_QUOTA = 25,
	XSP_SET_QUOTA = 26,
	XSP_TYPE_COUNT = 27,
};

/* The fixed head of every message, both ways. */
struct xsp_header {
	uint32_t type;
	uint32_t req_id; /* chosen by the client, copied into the reply, 0 in events */
	uint32_t tx_id;  /* 0: no transaction */
	uint32_t len;    /* payload bytes that follow */
};

enum {
	XSP_HEADER_SIZE = 16,
	XSP_PAYLOAD_MAX = 4096, /* both directions */
	XSP_MESSAGE_MAX = XSP_HEADER_SIZE + XSP_PAYLOAD_MAX,
	XSP_PATH_ABS_MAX = 3072, /* bytes, without the final NUL */
	XSP_PATH_REL_MAX = 2048,
};

/* Domain numbers with a meaning of their own. */
enum {
	XSP_DOMID_SELF = 0x7ff0,
	XSP_DOMID_FIRST_RESERVED = 0x7ff0,
	XSP_DOMID_INVALID = 0x7ff4,
	XSP_DOMID_ANY = 0x7ff5,
};

/* Bits of the ring page's server feature word, and of GET_FEATURE. */
enum {
	XSP_FEATURE_RECONNECT = 1,
	XSP_FEATURE_ERROR = 2,
	XSP_FEATURE_WATCH_DEPTH = 4,
	XSP_FEATURE_DOMID_ANY = 8,
	XSP_FEATURES_ALL = 15,
};

/* The name of a type ("READ", "WATCH_EVENT" ...), or NULL for a type that has none. */
const char *xsp_type_name(uint32_t type);

/* Copies between the 16 bytes on the wire and the struct; `bytes` may be unaligned. */
void xsp_header_get(struct xsp_header *out_header, const void *bytes);
void xsp_header_put(void *out_bytes, const struct xsp_header *header);

#endif
