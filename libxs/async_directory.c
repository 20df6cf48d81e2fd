/* SPDX-License-Identifier: MIT */
/*
 * Directories of any size as one operation: DIRECTORY, and where the answer would not fit into a
 * message, DIRECTORY_PART after DIRECTORY_PART.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libxs/async.h"

struct directory {
	struct xsa *xsa; /* borrowed: no call of ours outlives it */
	xs_transaction_t t;
	xsa_done_fn done;
	void *arg;
	struct xsi_listing listing;
	char path[];
};

static void finish(struct directory *directory, int err, const char *names, size_t len)
{
	struct xsa *xsa = directory->xsa;
	xsa_done_fn done = directory->done;
	void *arg = directory->arg;
	struct xsi_listing listing = directory->listing;

	free(directory);
	xsa->n_listed -= listing.len;
	xsi_call_back(done, arg, err, names, len);
	xsi_listing_fini(&listing);
}

static void on_part(void *arg, const struct xsa_result *result);

static int ask_part(struct directory *directory)
{
	struct xsi_request request = xsi_request(XSP_DIRECTORY_PART, directory->t);
	char offset[MAX_STRLEN(size_t)];

	snprintf(offset, sizeof(offset), "%zu", directory->listing.len);
	xsi_add_string(&request, directory->path);
	xsi_add_string(&request, offset);
	return xsi_call_make(directory->xsa, &request, on_part, directory);
}

static int add_part(struct directory *directory, const struct xsa_result *part)
{
	struct xsi_listing *listing = &directory->listing;
	struct xsa *xsa = directory->xsa;
	int err;

	xsa->n_listed -= listing->len;
	err = xsi_listing_add(listing, part->data, part->len);
	xsa->n_listed += listing->len;
	return !err && xsa->n_listed > XSI_LISTING_MAX ? E2BIG : err;
}

static void on_part(void *arg, const struct xsa_result *result)
{
	struct directory *directory = arg;
	struct xsi_listing *listing = &directory->listing;
	int err = result->error == ENOSYS ? E2BIG : result->error;

	if (!err)
		err = add_part(directory, result);
	if (!err && !listing->is_whole) {
		err = ask_part(directory);
		if (!err)
			return;
	}
	if (err)
		finish(directory, err, "", 0);
	else
		finish(directory, 0, listing->names, listing->len);
}

static void on_directory(void *arg, const struct xsa_result *result)
{
	struct directory *directory = arg;
	int err = result->error;

	if (err == E2BIG) {
		err = ask_part(directory);
		if (!err)
			return;
	}
	finish(directory, err, result->data, result->len);
}

int xsi_async_directory(struct xsa *xsa, xs_transaction_t t, const char *path, xsa_done_fn done,
			void *arg)
{
	struct xsi_request request = xsi_request(XSP_DIRECTORY, t);
	size_t size = strlen(path) + 1;
	struct directory *directory = malloc(sizeof(*directory) + size);
	int err;

	if (!directory)
		return ENOMEM;
	*directory = (struct directory){ .xsa = xsa, .t = t, .done = done, .arg = arg };
	memcpy(directory->path, path, size);
	xsi_add_string(&request, path);
	err = xsi_call_make(xsa, &request, on_directory, directory);
	if (err)
		free(directory);
	return err;
}

int xsa_directory(struct xsa *xsa, xs_transaction_t t, const char *path, xsa_done_fn done,
		  void *arg)
{
	int err = xsi_call_admit(xsa);

	return err ? err : xsi_async_directory(xsa, t, path, done, arg);
}
