/* SPDX-License-Identifier: MIT */
/*
 * Our facts about the wire against Xen's public header, where it is installed.
 *
 * The header is that of the installed Xen: facts younger than it (message types after
 * DIRECTORY_PART, two feature bits, the port in the page) are checked only where it has them.
 */
#if __has_include(<xen/io/xs_wire.h>)

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include <xen/io/xs_wire.h>

#include "protocol/errname.h"
#include "protocol/ring.h"
#include "protocol/wire.h"
#include "tests/support/check.h"

TEST(types_are_those_of_the_public_header)
{
	CHECK_UINT(XSP_CONTROL, XS_CONTROL);
	CHECK_UINT(XSP_DIRECTORY, XS_DIRECTORY);
	CHECK_UINT(XSP_READ, XS_READ);
	CHECK_UINT(XSP_GET_PERMS, XS_GET_PERMS);
	CHECK_UINT(XSP_WATCH, XS_WATCH);
	CHECK_UINT(XSP_UNWATCH, XS_UNWATCH);
	CHECK_UINT(XSP_TRANSACTION_START, XS_TRANSACTION_START);
	CHECK_UINT(XSP_TRANSACTION_END, XS_TRANSACTION_END);
	CHECK_UINT(XSP_INTRODUCE, XS_INTRODUCE);
	CHECK_UINT(XSP_RELEASE, XS_RELEASE);
	CHECK_UINT(XSP_GET_DOMAIN_PATH, XS_GET_DOMAIN_PATH);
	CHECK_UINT(XSP_WRITE, XS_WRITE);
	CHECK_UINT(XSP_MKDIR, XS_MKDIR);
	CHECK_UINT(XSP_RM, XS_RM);
	CHECK_UINT(XSP_SET_PERMS, XS_SET_PERMS);
	CHECK_UINT(XSP_WATCH_EVENT, XS_WATCH_EVENT);
	CHECK_UINT(XSP_ERROR, XS_ERROR);
	CHECK_UINT(XSP_IS_DOMAIN_INTRODUCED, XS_IS_DOMAIN_INTRODUCED);
	CHECK_UINT(XSP_RESUME, XS_RESUME);
	CHECK_UINT(XSP_SET_TARGET, XS_SET_TARGET);
	CHECK_UINT(XSP_RESET_WATCHES, XS_RESET_WATCHES);
	CHECK_UINT(XSP_DIRECTORY_PART, XS_DIRECTORY_PART);
	CHECK(!xsp_type_name(XS_INVALID));
}

TEST(every_type_of_the_public_header_is_known)
{
	for (uint32_t type = 0; type < XS_TYPE_COUNT; type++) {
		if (type != 20)
			CHECK(xsp_type_name(type) != NULL);
	}
}

TEST(header_has_the_public_layout)
{
	CHECK_UINT(sizeof(struct xsp_header), sizeof(struct xsd_sockmsg));
	CHECK_UINT(offsetof(struct xsp_header, type), offsetof(struct xsd_sockmsg, type));
	CHECK_UINT(offsetof(struct xsp_header, req_id), offsetof(struct xsd_sockmsg, req_id));
	CHECK_UINT(offsetof(struct xsp_header, tx_id), offsetof(struct xsd_sockmsg, tx_id));
	CHECK_UINT(offsetof(struct xsp_header, len), offsetof(struct xsd_sockmsg, len));
}

TEST(limits_are_those_of_the_public_header)
{
	CHECK_UINT(XSP_PAYLOAD_MAX, XENSTORE_PAYLOAD_MAX);
	CHECK_UINT(XSP_PATH_ABS_MAX, XENSTORE_ABS_PATH_MAX);
	CHECK_UINT(XSP_PATH_REL_MAX, XENSTORE_REL_PATH_MAX);
	CHECK_UINT(XSP_RING_SIZE, XENSTORE_RING_SIZE);
}

TEST(ring_page_has_the_public_layout)
{
#define SAME(ours, theirs)                                                                         \
	CHECK_UINT(offsetof(struct xsp_ring_page, ours),                                           \
		   offsetof(struct xenstore_domain_interface, theirs))
	SAME(req, req);
	SAME(rsp, rsp);
	SAME(req_cons, req_cons);
	SAME(req_prod, req_prod);
	SAME(rsp_cons, rsp_cons);
	SAME(rsp_prod, rsp_prod);
	SAME(features, server_features);
	SAME(connection, connection);
	SAME(error, error);
#undef SAME
}

TEST(ring_words_have_the_public_values)
{
	CHECK_UINT(XSP_RING_CONNECTED, XENSTORE_CONNECTED);
	CHECK_UINT(XSP_RING_RECONNECT, XENSTORE_RECONNECT);
	CHECK_UINT(XSP_RING_ERROR_NONE, XENSTORE_ERROR_NONE);
	CHECK_UINT(XSP_RING_ERROR_COMM, XENSTORE_ERROR_COMM);
	CHECK_UINT(XSP_RING_ERROR_INDEX, XENSTORE_ERROR_RINGIDX);
	CHECK_UINT(XSP_RING_ERROR_PROTOCOL, XENSTORE_ERROR_PROTO);
	CHECK_UINT(XSP_FEATURE_RECONNECT, XENSTORE_SERVER_FEATURE_RECONNECTION);
	CHECK_UINT(XSP_FEATURE_ERROR, XENSTORE_SERVER_FEATURE_ERROR);
#ifdef XENSTORE_SERVER_FEATURE_WATCHDEPTH
	CHECK_UINT(XSP_FEATURE_WATCH_DEPTH, XENSTORE_SERVER_FEATURE_WATCHDEPTH);
#endif
}

TEST(error_names_are_those_of_the_public_header)
{
	size_t n = sizeof(xsd_errors) / sizeof(xsd_errors[0]);

	CHECK_UINT(n, 16);
	for (size_t i = 0; i < n; i++) {
		CHECK_STR(xsp_errname(xsd_errors[i].errnum), xsd_errors[i].errstring);
		CHECK_INT(
			xsp_errname_parse(xsd_errors[i].errstring, strlen(xsd_errors[i].errstring)),
			xsd_errors[i].errnum);
	}
}

#else

#include "tests/support/check.h"

SKIP_ALL("<xen/io/xs_wire.h> is not installed (Debian: libxen-dev), nothing to compare with");

#endif
