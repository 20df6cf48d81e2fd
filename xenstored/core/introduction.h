/* SPDX-License-Identifier: MIT */
/*
 * The beginning of a domain's life with us: its ring is opened and watchers are told.
 */
#ifndef XSD_CORE_INTRODUCTION_H
#define XSD_CORE_INTRODUCTION_H

#include <stdint.h>

struct server;

/*
 * Introduces a domain; again, if it is introduced already: then its connection starts anew.
 * Returns the errno for the reply, or a negated one.
 */
int introduction_run(struct server *server, uint16_t domid, uint32_t port)
	__attribute__((warn_unused_result));

#endif
