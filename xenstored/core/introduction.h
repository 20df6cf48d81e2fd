/* SPDX-License-Identifier: MIT */
/*
 * The beginning of a domain's life with us: it is named in a request, or it is introduced: its ring
 * is opened and watchers are told.
 */
#ifndef XSD_CORE_INTRODUCTION_H
#define XSD_CORE_INTRODUCTION_H

#include <stdint.h>

struct domain;
struct server;

/*
 * The record of an existing domain, put on the roster if it is new there. Another one that we knew
 * by its number is removed first. ENOENT: there is no such domain. ENOSPC: there is no room to
 * remember it.
 */
int introduction_name(struct server *server, uint16_t domid, struct domain **out_domain)
	__attribute__((warn_unused_result));

/*
 * Introduces a domain; again, if it is introduced already: then its connection starts anew.
 * Returns the errno for the reply, or a negated one.
 */
int introduction_run(struct server *server, uint16_t domid, uint32_t port)
	__attribute__((warn_unused_result));

#endif
