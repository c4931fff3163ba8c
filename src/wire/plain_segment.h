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

#include "checksum.h"
#include "flow_tuple.h"
#include "tcp_segment.h"

/* False: it is not plain, or IPv4's checksum is wrong, and what was written means nothing. Else
 * tuple and segment are as the ordinary way would fill them, and *sum is of the pseudo header and
 * TCP's: the text, which may be going somewhere, is yet to be added. */
bool plain_segment_read(const uint8_t *packet, size_t length, struct flow_tuple *tuple,
                        struct tcp_segment *segment, checksum_sum *sum);
/* Is TCP's checksum right? `sum` as plain_segment_read left it. */
bool plain_segment_right(const struct tcp_segment *segment, checksum_sum sum);
/* What seems to be the tuple of a segment without IP options, as its receiver names it; nothing was
 * verified. */
bool plain_segment_glance(const uint8_t *packet, size_t length, struct flow_tuple *tuple);

/* The other way: over IPv4, with timestamps alone or no option. */
static inline bool plain_segment_fits(const struct flow_tuple *tuple,
                                      const struct tcp_segment *segment)
{
    return tuple->family == HF_IPV4 &&
           (tcp_options_only_timestamps(&segment->options) || tcp_options_none(&segment->options));
}
struct plain_fields {
    uint8_t ttl, traffic_class;
    uint16_t identification, fragment; /* fragment: flags and offset */
};
/* Writes both headers of a segment that fits; the TCP header's length. Its checksum field is 0, and
 * *sum is of it and the pseudo header. */
uint32_t plain_segment_write(const struct flow_tuple *tuple, const struct tcp_segment *segment,
                             const struct plain_fields *fields, uint8_t *packet, checksum_sum *sum);

#endif
