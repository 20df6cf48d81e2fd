/* SPDX-License-Identifier: MIT */
#include "protocol/ring.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "tests/support/check.h"

static struct xsp_ring_page page;
static struct xsp_ring ring;

/* The guest's side, which moves its own words as it likes. */
static void guest_put(const void *bytes, size_t len)
{
	uint32_t prod = atomic_load(&page.req_prod);

	for (size_t i = 0; i < len; i++)
		page.req[(prod + i) % XSP_RING_SIZE] = ((const uint8_t *)bytes)[i];
	atomic_store(&page.req_prod, prod + (uint32_t)len);
}

static void guest_take(void *bytes, size_t len)
{
	uint32_t cons = atomic_load(&page.rsp_cons);

	for (size_t i = 0; i < len; i++)
		((uint8_t *)bytes)[i] = page.rsp[(cons + i) % XSP_RING_SIZE];
	atomic_store(&page.rsp_cons, cons + (uint32_t)len);
}

/* All four indices at `start`: nobody may assume that they begin at 0. */
static void connect_at(uint32_t start)
{
	memset(&page, 0, sizeof(page));
	atomic_store(&page.req_cons, start);
	atomic_store(&page.req_prod, start);
	atomic_store(&page.rsp_cons, start);
	atomic_store(&page.rsp_prod, start);
	xsp_ring_adopt(&ring, &page);
}

static void fill(uint8_t *bytes, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(seed + i * 7);
}

TEST(words_are_where_the_protocol_puts_them)
{
	CHECK_UINT(offsetof(struct xsp_ring_page, rsp), 1024);
	CHECK_UINT(offsetof(struct xsp_ring_page, req_cons), 2048);
	CHECK_UINT(offsetof(struct xsp_ring_page, req_prod), 2052);
	CHECK_UINT(offsetof(struct xsp_ring_page, rsp_cons), 2056);
	CHECK_UINT(offsetof(struct xsp_ring_page, rsp_prod), 2060);
	CHECK_UINT(offsetof(struct xsp_ring_page, features), 2064);
	CHECK_UINT(offsetof(struct xsp_ring_page, connection), 2068);
	CHECK_UINT(offsetof(struct xsp_ring_page, error), 2072);
	CHECK_UINT(offsetof(struct xsp_ring_page, evtchn_port), 2076);
	CHECK(sizeof(struct xsp_ring_page) <= XSP_RING_PAGE_SIZE);
}

TEST(reset_zeroes_all_four_indices)
{
	connect_at(77);
	atomic_store(&page.req_prod, 99);
	xsp_ring_reset(&ring, &page);
	CHECK_UINT(atomic_load(&page.req_cons), 0);
	CHECK_UINT(atomic_load(&page.req_prod), 0);
	CHECK_UINT(atomic_load(&page.rsp_cons), 0);
	CHECK_UINT(atomic_load(&page.rsp_prod), 0);
	CHECK_UINT(ring.req_cons, 0);
	CHECK_UINT(ring.rsp_prod, 0);
}

TEST(empty_ring_gives_nothing)
{
	uint8_t byte = 7;
	size_t count = 9;

	connect_at(5);
	CHECK_INT(xsp_ring_pending(&ring, &count), 0);
	CHECK_UINT(count, 0);
	count = 9;
	CHECK_INT(xsp_ring_read(&ring, &byte, 1, &count), 0);
	CHECK_UINT(count, 0);
	CHECK_UINT(byte, 7);
	CHECK_UINT(atomic_load(&page.req_cons), 5);
}

TEST(requests_come_out_as_they_went_in_wherever_the_ring_starts)
{
	static const uint32_t starts[] = {
		0, 1, 1000, 1023, 1024, UINT32_MAX - 1023, UINT32_MAX - 10, UINT32_MAX
	};
	uint8_t in[XSP_RING_SIZE], out[XSP_RING_SIZE];
	size_t count;

	for (size_t s = 0; s < sizeof(starts) / sizeof(starts[0]); s++) {
		for (size_t len = 1; len <= XSP_RING_SIZE; len += len < 20 ? 1 : 251) {
			connect_at(starts[s]);
			fill(in, len, (unsigned)len);
			guest_put(in, len);
			memset(out, 0, sizeof(out));
			CHECK_INT(xsp_ring_read(&ring, out, sizeof(out), &count), 0);
			CHECK_BYTES(out, count, in, len);
			CHECK_UINT(atomic_load(&page.req_cons), starts[s] + (uint32_t)len);
		}
	}
}

TEST(responses_come_out_as_they_went_in_wherever_the_ring_starts)
{
	static const uint32_t starts[] = {
		0, 1, 1000, 1023, 1024, UINT32_MAX - 1023, UINT32_MAX - 10, UINT32_MAX
	};
	uint8_t in[XSP_RING_SIZE], out[XSP_RING_SIZE];
	size_t count;

	for (size_t s = 0; s < sizeof(starts) / sizeof(starts[0]); s++) {
		for (size_t len = 1; len <= XSP_RING_SIZE; len += len < 20 ? 1 : 251) {
			connect_at(starts[s]);
			fill(in, len, (unsigned)len + 3);
			CHECK_INT(xsp_ring_write(&ring, in, len, &count), 0);
			CHECK_UINT(count, len);
			CHECK_UINT(atomic_load(&page.rsp_prod), starts[s] + (uint32_t)len);
			guest_take(out, len);
			CHECK_BYTES(out, len, in, len);
		}
	}
}

TEST(an_exactly_full_request_ring_is_served)
{
	uint8_t in[XSP_RING_SIZE], out[XSP_RING_SIZE + 1];
	size_t count;

	connect_at(3);
	fill(in, sizeof(in), 1);
	guest_put(in, sizeof(in));
	CHECK_INT(xsp_ring_pending(&ring, &count), 0);
	CHECK_UINT(count, XSP_RING_SIZE);
	CHECK_INT(xsp_ring_read(&ring, out, sizeof(out), &count), 0);
	CHECK_BYTES(out, count, in, sizeof(in));
}

TEST(a_full_response_ring_takes_nothing_more)
{
	uint8_t bytes[XSP_RING_SIZE + 100];
	size_t count;

	connect_at(1000);
	fill(bytes, sizeof(bytes), 1);
	CHECK_INT(xsp_ring_write(&ring, bytes, sizeof(bytes), &count), 0);
	CHECK_UINT(count, XSP_RING_SIZE);
	CHECK_INT(xsp_ring_write(&ring, bytes, 1, &count), 0);
	CHECK_UINT(count, 0);
	guest_take(bytes, 10);
	CHECK_INT(xsp_ring_write(&ring, bytes, 100, &count), 0);
	CHECK_UINT(count, 10);
}

TEST(impossible_request_indices_are_refused_and_consume_nothing)
{
	static const uint32_t ahead[] = { 1025,        2000,       0x7fffffff,
					  0x80000000U, UINT32_MAX, UINT32_MAX - 1023 };
	uint8_t bytes[XSP_RING_SIZE] = { 0 };

	for (size_t i = 0; i < sizeof(ahead) / sizeof(ahead[0]); i++) {
		size_t count = 9;

		connect_at(500);
		atomic_store(&page.req_prod, 500 + ahead[i]);
		CHECK_INT(xsp_ring_pending(&ring, &count), EBADMSG);
		CHECK_INT(xsp_ring_read(&ring, bytes, sizeof(bytes), &count), EBADMSG);
		CHECK_UINT(count, 9);
		CHECK_UINT(ring.req_cons, 500);
		CHECK_UINT(atomic_load(&page.req_cons), 500);
	}
}

TEST(impossible_response_indices_are_refused_and_produce_nothing)
{
	static const uint32_t behind[] = { 1025, 2000, 0x7fffffff, 0x80000000U, UINT32_MAX };
	uint8_t bytes[16] = { 1 };

	for (size_t i = 0; i < sizeof(behind) / sizeof(behind[0]); i++) {
		size_t count = 9;

		connect_at(500);
		atomic_store(&page.rsp_cons, 500 - behind[i]);
		CHECK_INT(xsp_ring_write(&ring, bytes, sizeof(bytes), &count), EBADMSG);
		CHECK_UINT(count, 9);
		CHECK_UINT(ring.rsp_prod, 500);
		CHECK_UINT(atomic_load(&page.rsp_prod), 500);
	}
}

TEST(the_guests_copy_of_our_indices_is_never_believed)
{
	uint8_t in[64], out[64];
	size_t count;

	connect_at(0);
	fill(in, sizeof(in), 5);
	guest_put(in, sizeof(in));
	/* The guest overwrites both words that are the server's. */
	atomic_store(&page.req_cons, 12345);
	atomic_store(&page.rsp_prod, 54321);
	CHECK_INT(xsp_ring_read(&ring, out, sizeof(out), &count), 0);
	CHECK_BYTES(out, count, in, sizeof(in));
	CHECK_UINT(atomic_load(&page.req_cons), 64);
	CHECK_INT(xsp_ring_write(&ring, in, sizeof(in), &count), 0);
	CHECK_UINT(count, 64);
	CHECK_UINT(atomic_load(&page.rsp_prod), 64);
	guest_take(out, sizeof(out));
	CHECK_BYTES(out, sizeof(out), in, sizeof(in));
}

TEST(adopting_takes_over_a_conversation_in_the_middle)
{
	uint8_t in[40], out[40];
	size_t count;

	connect_at(UINT32_MAX - 20);
	fill(in, sizeof(in), 9);
	guest_put(in, sizeof(in));
	CHECK_INT(xsp_ring_read(&ring, out, 25, &count), 0);
	CHECK_UINT(count, 25);
	xsp_ring_adopt(&ring, &page);
	CHECK_INT(xsp_ring_read(&ring, out + 25, 15, &count), 0);
	CHECK_UINT(count, 15);
	CHECK_BYTES(out, sizeof(out), in, sizeof(in));
}

TEST(a_message_larger_than_the_ring_passes_in_pieces)
{
	uint8_t in[4112], out[4112];
	size_t sent = 0, taken = 0, count;

	connect_at(UINT32_MAX - 2000);
	fill(in, sizeof(in), 2);
	while (taken < sizeof(in)) {
		size_t room = XSP_RING_SIZE - (atomic_load(&page.req_prod) - ring.req_cons);
		size_t n = sizeof(in) - sent < room ? sizeof(in) - sent : room;

		guest_put(in + sent, n);
		sent += n;
		CHECK_INT(xsp_ring_read(&ring, out + taken, 333, &count), 0);
		CHECK(count > 0);
		taken += count;
	}
	CHECK_BYTES(out, sizeof(out), in, sizeof(in));
}

struct flipper {
	_Atomic int stop;
	unsigned n_flips;
};

static void *flip(void *arg)
{
	struct flipper *flipper = arg;
	static const uint32_t values[] = { 0, 1024, 1025, 0x80000000U, UINT32_MAX, 7, 513 };
	unsigned n = 0;

	while (!atomic_load(&flipper->stop)) {
		uint32_t value = values[n % (sizeof(values) / sizeof(values[0]))];

		atomic_store(&page.req_prod, value);
		atomic_store(&page.rsp_cons, value + 3);
		atomic_store(&page.req_cons, ~value);
		n++;
	}
	flipper->n_flips = n;
	return NULL;
}

TEST(indices_that_change_under_our_hands_never_break_the_bounds)
{
	struct {
		uint8_t bytes[256];
		uint8_t guard[8];
	} place;
	struct flipper flipper = { 0 };
	pthread_t thread;
	uint32_t cons = 0;

	connect_at(0);
	memset(place.guard, 0x5a, sizeof(place.guard));
	CHECK_INT(pthread_create(&thread, NULL, flip, &flipper), 0);
	for (unsigned i = 0; i < 200000; i++) {
		size_t count = 0;
		int err = xsp_ring_read(&ring, place.bytes, sizeof(place.bytes), &count);

		CHECK(err == 0 || err == EBADMSG);
		if (!err) {
			CHECK(count <= sizeof(place.bytes));
			cons += (uint32_t)count;
		}
		CHECK_UINT(ring.req_cons, cons);
		count = 0;
		err = xsp_ring_write(&ring, place.bytes, sizeof(place.bytes), &count);
		CHECK(err == 0 || err == EBADMSG);
		CHECK(count <= sizeof(place.bytes));
	}
	atomic_store(&flipper.stop, 1);
	pthread_join(thread, NULL);
	for (size_t i = 0; i < sizeof(place.guard); i++)
		CHECK_UINT(place.guard[i], 0x5a);
}
