/* SPDX-License-Identifier: MIT */
/*
 * The ring page under a guest that writes anything anywhere between any two steps of ours.
 *
 * The input is a program: a byte chooses the step, the bytes behind it are its argument. Copies
 * stay within what was asked for, and the indices we own go on as we count them.
 */
#include <stdatomic.h>
#include <string.h>

#include "fuzz/insist.h"
#include "protocol/ring.h"

struct program {
	const uint8_t *at, *end;
};

static uint32_t next(struct program *program, size_t n_bytes)
{
	uint32_t value = 0;

	for (size_t i = 0; i < n_bytes && program->at < program->end; i++)
		value |= (uint32_t)*program->at++ << 8 * i;
	return value;
}

static void poke(struct xsp_ring_page *page, struct program *program)
{
	_Atomic uint32_t *const words[] = { &page->req_cons, &page->req_prod,   &page->rsp_cons,
					    &page->rsp_prod, &page->connection, &page->error };
	_Atomic uint32_t *word = words[next(program, 1) % 6];
	uint32_t how = next(program, 1);

	/* Near what is there, where the limits are, or anything. */
	if (how < 128)
		atomic_fetch_add(word, how < 64 ? how : (uint32_t)-1 * (how - 64));
	else if (how < 192)
		atomic_fetch_add(word, XSP_RING_SIZE - 160 + how);
	else
		atomic_store(word, next(program, 4));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct program program = { data, data + size };
	static struct xsp_ring_page page;
	struct xsp_ring ring;
	uint32_t cons, prod;

	memset(&page, 0, sizeof(page));
	if (next(&program, 1) & 1) {
		atomic_store(&page.req_cons, next(&program, 4));
		atomic_store(&page.req_prod, next(&program, 4));
		atomic_store(&page.rsp_cons, next(&program, 4));
		atomic_store(&page.rsp_prod, next(&program, 4));
		xsp_ring_adopt(&ring, &page);
	} else {
		xsp_ring_reset(&ring, &page);
	}
	cons = ring.req_cons;
	prod = ring.rsp_prod;
	while (program.at < program.end) {
		uint32_t step = next(&program, 1) % 4, len = next(&program, 2) % 3000;
		uint8_t bytes[3000] = { 0 };
		size_t count = 0, pending = 0;
		int err;

		switch (step) {
		case 0:
			err = xsp_ring_read(&ring, bytes, len, &count);
			INSIST(count <= len && count <= XSP_RING_SIZE);
			INSIST(!err || count == 0);
			cons += (uint32_t)count;
			break;
		case 1:
			err = xsp_ring_write(&ring, bytes, len, &count);
			INSIST(count <= len && count <= XSP_RING_SIZE);
			INSIST(!err || count == 0);
			prod += (uint32_t)count;
			break;
		case 2:
			err = xsp_ring_pending(&ring, &pending);
			INSIST(err || pending <= XSP_RING_SIZE);
			INSIST(err || pending == atomic_load(&page.req_prod) - cons);
			break;
		default:
			poke(&page, &program);
			break;
		}
		INSIST(ring.req_cons == cons && ring.rsp_prod == prod);
	}
	return 0;
}
