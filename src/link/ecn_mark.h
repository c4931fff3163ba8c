/* SPDX-License-Identifier: MIT
 *
 * What a router does to a packet of an ECN-capable transport instead of dropping it (RFC 3168 5).
 */
#ifndef ECN_MARK_H
#define ECN_MARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sets CE in an IPv4 or IPv6 packet that carries ECT(0), ECT(1) or CE already. False, and nothing
 * changed: it is Not-ECT, or no IP packet. */
bool ecn_mark(uint8_t *packet, size_t length);

#endif
