/* SPDX-License-Identifier: MIT
 *
 * Packets as bytes, both ways, written for the judge alone: nothing here is shared with the stack
 * under test, so a mistake of its parser or of its checksums cannot hide behind the same mistake
 * here.
 */
#ifndef DRILL_SEGMENT_H
#define DRILL_SEGMENT_H

#include "drill_syntax.h"

#include <handfast/types.h>

enum { DRILL_PROTOCOL_ICMP = 1, DRILL_PROTOCOL_TCP = 6, DRILL_PROTOCOL_ICMP6 = 58 };

/* One packet in host order. For ICMP only the addresses, `protocol` and icmp_* count. */
struct drill_segment {
    struct hf_endpoint source, destination;
    uint8_t protocol;
    uint8_t ttl, traffic_class;
    uint32_t flow_label;
    bool dont_fragment;
    uint32_t seq, ack;
    uint16_t flags; /* enum drill_flag */
    uint8_t reserved, data_offset;
    uint16_t window, urgent;
    uint8_t options[DRILL_OPTIONS_BYTES];
    uint8_t options_length;
    const uint8_t *payload; /* of TCP; of ICMP what follows the first eight bytes */
    uint32_t payload_length;
    uint8_t icmp_type, icmp_code;
    uint32_t icmp_rest; /* bytes 4 to 7 */
};

/* What is deliberately wrong with a packet that is built. */
struct drill_faults {
    bool bad_checksum, bad_ip_checksum;
    int data_offset; /* DRILL_UNSET: the true one */
};

/* 0: it does not fit. */
size_t drill_build(const struct drill_segment *segment, const struct drill_faults *faults,
                   uint8_t *packet, size_t capacity);

/* Takes a packet apart and verifies every length and checksum. False: `problem` says what is wrong
 * with it. The payload points into the packet. */
bool drill_dissect(const uint8_t *packet, size_t length, struct drill_segment *segment,
                   char problem[128]);

#endif
