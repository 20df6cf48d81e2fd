/* SPDX-License-Identifier: MIT */
/* The name that <xenstore.h> had before 4.2. */
#warning "xs.h is an old name, include xenstore.h"
#include "xenstore.h"
