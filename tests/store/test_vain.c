/* SPDX-License-Identifier: MIT */
#include "xenstored/store/vain.h"

#include <stdio.h>

#include "tests/support/check.h"

TEST(a_path_has_the_place_it_was_given)
{
	struct vains vains;

	vains_init(&vains, 7);
	CHECK_UINT(vain_place(&vains, "/a/b", 4), 0);
	CHECK_INT(vain_add(&vains, "/a/b", 4, 1), 0);
	CHECK_INT(vain_add(&vains, "/a/b/c", 6, 2), 0);
	CHECK_UINT(vain_place(&vains, "/a/b", 4), 1);
	CHECK_UINT(vain_place(&vains, "/a/b/c", 4), 1);
	CHECK_UINT(vain_place(&vains, "/a/b/c", 6), 2);
	CHECK_UINT(vain_place(&vains, "/a", 2), 0);
	vains_fini(&vains);
}

TEST(many_paths_are_apart)
{
	struct vains vains;
	char path[32];

	vains_init(&vains, 8);
	for (unsigned i = 1; i <= 5000; i++)
		CHECK_INT(vain_add(&vains, path, (size_t)sprintf(path, "/many/%u", i), i), 0);
	for (unsigned i = 1; i <= 5000; i++)
		CHECK_UINT(vain_place(&vains, path, (size_t)sprintf(path, "/many/%u", i)), i);
	vains_fini(&vains);
}
