/* SPDX-License-Identifier: MIT
 *
 * The router's word to the sender of a packet that does not fit the next link: ICMP Destination
 * Unreachable "fragmentation needed" with the next hop's MTU (RFC 792, RFC 1191 4), and ICMPv6
 * Packet Too Big (RFC 4443 3.2).
 */
#ifndef TOO_BIG_H
#define TOO_BIG_H

#include <handfast/types.h>
#include <stddef.h>
#include <stdint.h>

#define TOO_BIG_MAX_BYTES 1280u /* RFC 4443 2.4 (c): at most IPv6's minimum MTU */

/* Writes the message about `packet` into `message` and returns its length; 0: there is none to be
 * sent (no IP packet; IPv4 that may be fragmented; itself an ICMP error, RFC 1122 3.2.2). `router`
 * sends it; when its family is not the packet's, the packet's destination does. */
size_t too_big(const uint8_t *packet, size_t length, uint32_t mtu, const struct hf_address *router,
               uint8_t message[TOO_BIG_MAX_BYTES]);

#endif
