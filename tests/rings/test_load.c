/* SPDX-License-Identifier: MIT */
/*
 * Many guests: quotas hold each to its own, idle ones cost nothing, and one look at thousands of
 * domains is not thousands of calls.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/rings/rig.h"
#include "tests/support/check.h"

/* How often the daemon has gone to sleep: every wake-up is followed by one. */
static unsigned long count_sleeps(const struct rig *rig)
{
	static const char key[] = "voluntary_ctxt_switches:";
	char path[64], line[256];
	unsigned long n = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)rig->daemon.pid);
	file = fopen(path, "r");
	CHECK(file != NULL);
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, key, sizeof(key) - 1))
			n = strtoul(line + sizeof(key) - 1, NULL, 10);
	}
	fclose(file);
	return n;
}

static uint64_t count_calls(const struct rig *rig)
{
	return rig->host->host->calls[FAKEHOST_ASKED_ONE] +
	       rig->host->host->calls[FAKEHOST_ASKED_MANY];
}

static void introduce_many(struct scene *scene, uint32_t first, uint32_t n)
{
	for (uint32_t domid = first; domid < first + n; domid++) {
		CHECK_INT(fakehost_create(scene->rig.host, domid), 0);
		peer_introduce(&scene->dom0, domid);
	}
}

/* Two seconds, in which the slow timers may fire once at most. */
TEST(an_idle_server_sleeps)
{
	struct scene scene;
	unsigned long before;

	scene_begin(&scene);
	introduce_many(&scene, 100, 100);
	peer_ask(&scene.guest, XSP_WATCH, "x|t|", "OK|");
	peer_event(&scene.guest, "x|t|");
	before = count_sleeps(&scene.rig);
	sleep(2);
	CHECK(count_sleeps(&scene.rig) - before <= 2);
	scene_end(&scene);
}

TEST(one_look_at_many_domains_is_a_few_calls)
{
	struct scene scene;
	uint64_t before;

	scene_begin(&scene);
	introduce_many(&scene, 100, 1000);
	before = count_calls(&scene.rig);
	fakehost_set(scene.rig.host, 500, 0, 0);
	fakehost_tell(scene.rig.host);
	peer_ask(&scene.dom0, XSP_IS_DOMAIN_INTRODUCED, "500|", "F|");
	peer_ask(&scene.dom0, XSP_IS_DOMAIN_INTRODUCED, "501|", "T|");
#ifdef RIG_HAS_UNIQUE_IDS
	/* The domains that changed, and the answer that there are no more: here, all new ones. */
	CHECK(count_calls(&scene.rig) - before <= 1003);
	before = count_calls(&scene.rig);
	fakehost_set(scene.rig.host, 501, 0, 0);
	fakehost_tell(scene.rig.host);
	peer_ask(&scene.dom0, XSP_IS_DOMAIN_INTRODUCED, "501|", "F|");
	CHECK_UINT(count_calls(&scene.rig) - before, 2);
#else
	CHECK(count_calls(&scene.rig) - before <= 5);
#endif
	scene_end(&scene);
}

/* The 25th of these is not even read, while those they are for do not read what came before. */
TEST(requests_whose_events_nobody_reads_are_outstanding)
{
	enum { N = 24, OUTSTANDING = 20 };
	struct scene scene;
	struct peer six;
	char token[200], text[256], value[16];
	uint32_t id, taken;

	rig_make(&scene.rig);
	rig_start(&scene.rig, "--timeout", "watch-event=1", NULL);
	peer_connect(&scene.rig, &scene.dom0);
	scene_add(&scene, &scene.guest, 5);
	scene_add(&scene, &six, 6);
	peer_ask(&scene.dom0, XSP_SET_PERMS, "/local/domain/5|n5|r6|", "OK|");
	memset(token, 't', sizeof(token));
	token[sizeof(token) - 1] = '\0';
	for (int i = 0; i < N; i++) {
		snprintf(text, sizeof(text), "x%02d|", i);
		peer_ask(&scene.guest, XSP_WRITE, text, "OK|");
		snprintf(text, sizeof(text), "/local/domain/5/x%02d|%s|", i, token);
		peer_ask(&six, XSP_WATCH, text, "OK|");
		peer_event(&six, text);
	}
	for (int i = 0; i < N; i++) {
		struct xsp_header header = { .type = XSP_WRITE, .req_id = (uint32_t)i, .len = 5 };
		char bytes[XSP_HEADER_SIZE + 5];

		xsp_header_put(bytes, &header);
		snprintf(value, sizeof(value), "x%02d", i);
		memcpy(bytes + XSP_HEADER_SIZE, value, 4);
		bytes[XSP_HEADER_SIZE + 4] = '1';
		CHECK_UINT(fakeguest_write(&scene.guest.guest, bytes, sizeof(bytes)),
			   sizeof(bytes));
	}
	/* As many as may be outstanding, and those whose events have found room in the ring of 6. */
	for (id = 0; id < OUTSTANDING; id++) {
		scene.guest.last_id = id;
		peer_expect(&scene.guest, XSP_WRITE, "OK|");
	}
	taken = six.guest.page->rsp_prod - six.guest.page->rsp_cons;
	CHECK_UINT(taken, XSP_RING_SIZE);
	/* The events time out, and the rest is served. */
	for (; id < N; id++) {
		scene.guest.last_id = id;
		peer_expect(&scene.guest, XSP_WRITE, "OK|");
	}
	peer_quiet(&scene.guest);
	/* What was in the ring is still there, to the end of a message; then it is quiet. */
	for (int i = 0; i < 5; i++) {
		snprintf(text, sizeof(text), "/local/domain/5/x%02d|%s|", i, token);
		if (i < 4 || inbox_rest(&six.inbox))
			peer_event(&six, text);
	}
	peer_quiet(&six);
	peer_close(&six);
	scene_end(&scene);
}

/* Somebody else's reading is what lets a guest go on: it has to be found out. */
TEST(a_guest_goes_on_when_others_read_what_it_caused)
{
	enum { N = 60 };
	struct scene scene;
	struct peer six;
	char token[200], text[256];

	scene_begin(&scene);
	scene_add(&scene, &six, 6);
	peer_ask(&scene.dom0, XSP_SET_PERMS, "/local/domain/5|n5|r6|", "OK|");
	memset(token, 't', sizeof(token));
	token[sizeof(token) - 1] = '\0';
	for (int i = 0; i < N; i++) {
		snprintf(text, sizeof(text), "x%02d|", i);
		peer_ask(&scene.guest, XSP_WRITE, text, "OK|");
		snprintf(text, sizeof(text), "/local/domain/5/x%02d|%s|", i, token);
		peer_ask(&six, XSP_WATCH, text, "OK|");
		peer_event(&six, text);
	}
	for (int i = 0; i < N; i++) {
		snprintf(text, sizeof(text), "x%02d|1", i);
		peer_say(&scene.guest, XSP_WRITE, 0, text);
		/* Only every now and then does it read; before, the writer has to wait. */
		if (i % 20 == 19) {
			for (int j = i - 19; j <= i; j++) {
				snprintf(text, sizeof(text), "/local/domain/5/x%02d|%s|", j, token);
				peer_event(&six, text);
			}
		}
	}
	for (uint32_t i = N; i > 0; i--) {
		struct message message = peer_hear(&scene.guest);

		CHECK_UINT(message.header.type, XSP_WRITE);
	}
	peer_quiet(&scene.guest);
	peer_quiet(&six);
	peer_close(&six);
	scene_end(&scene);
}

/* As many as a large host may have, through one waker; each is served. */
TEST(thousands_of_guests_are_served)
{
	enum { N = 4000, FIRST = 10 };
	struct scene scene;
	struct fakewaker waker;
	static struct fakeguest guests[N];
	struct xsp_header header = { .type = XSP_GET_DOMAIN_PATH, .req_id = 7, .len = 2 };
	char bytes[XSP_HEADER_SIZE + 2], answer[64];
	uint32_t domids[256];
	size_t n, n_answered = 0;

	scene_begin(&scene);
	CHECK_INT(fakewaker_open(scene.rig.host, &waker), 0);
	introduce_many(&scene, FIRST, N);
	xsp_header_put(bytes, &header);
	memcpy(bytes + XSP_HEADER_SIZE, "0", 2);
	for (uint32_t i = 0; i < N; i++) {
		CHECK_INT(fakeguest_open(&guests[i], scene.rig.host, FIRST + i, &waker), 0);
		CHECK_UINT(fakeguest_write(&guests[i], bytes, sizeof(bytes)), sizeof(bytes));
	}
	while (n_answered < N) {
		n = fakewaker_wait(&waker, 20000, domids, 256);
		CHECK(n > 0);
		for (size_t i = 0; i < n; i++) {
			struct fakeguest *guest = &guests[domids[i] - FIRST];

			fakeguest_heard(guest);
			CHECK_UINT(fakeguest_read(guest, answer, sizeof(answer)),
				   XSP_HEADER_SIZE + 16);
			n_answered++;
		}
	}
	for (uint32_t i = 0; i < N; i++) {
		CHECK_UINT(fakeguest_count(&guests[i]), 1);
		fakeguest_close(&guests[i]);
	}
	fakewaker_close(&waker);
	scene_end(&scene);
}
