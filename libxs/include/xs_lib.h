/* SPDX-License-Identifier: MIT */
/* The name that <xenstore_lib.h> had before 4.2. */
#warning "xs_lib.h is an old name, include xenstore_lib.h"
#include "xenstore_lib.h"
