/* SPDX-License-Identifier: MIT
 *
 * The bench's own reading and writing of IP and TCP, straight from RFC 791, 8200, 9293, 7323 and
 * 2018, sharing no code with the library under test.
 */
#ifndef CONFORMANCE_SEGMENT_H
#define CONFORMANCE_SEGMENT_H

#include <handfast/types.h>
#include <stddef.h>
#include <stdint.h>

enum { SEGMENT_OPTION_BYTES = 40, SEGMENT_TEXT = 400 };

/* A TCP segment with absolute numbers, in host order. */
struct segment {
    struct hf_address source, destination;
    uint16_t source_port, destination_port;
    uint32_t seq, ack;
    unsigned flags;    /* the low nine bits: HF_FIN... */
    unsigned reserved; /* the bits between the data offset and the flags that are no flag, 0..7 */
    uint16_t window, urgent;
    uint8_t options[SEGMENT_OPTION_BYTES]; /* as on the wire */
    size_t option_bytes;
    const uint8_t *payload;
    size_t payload_bytes;
    int data_offset;  /* build: -1 is the right one */
    int bad_checksum; /* build: 1 makes it wrong */
    uint8_t ttl, traffic_class;
    /* What the options say, filled by the parser. */
    int has_mss, has_ws, has_sackok, has_ts;
    uint32_t mss, ws, ts_value, ts_echo;
    unsigned sack_count;
    uint32_t sack[4][2];
};

/* RFC 1071, one 16-bit word at a time: the plainest way there is. */
uint32_t plain_sum(uint32_t sum, const uint8_t *bytes, size_t length);
uint16_t plain_fold(uint32_t sum);
/* The pseudo-header's share. */
uint32_t plain_pseudo_sum(const struct hf_address *source, const struct hf_address *destination,
                          uint8_t protocol, size_t length);

/* Writes an IP header of the addresses' family; returns its length. */
size_t ip_build(const struct hf_address *source, const struct hf_address *destination,
                uint8_t protocol, uint8_t ttl, size_t payload_bytes, uint8_t *packet);
/* The whole packet; its length. The caller gives room for 100 bytes more than the payload. */
size_t segment_build(const struct segment *segment, uint8_t *packet);
/* Makes the TCP checksum of a packet that was bent after segment_build right again. */
void segment_fix_checksum(uint8_t *packet, size_t length);

/* NULL, or what is wrong with the packet. `*protocol` is IP's; the segment is filled for TCP. */
const char *segment_parse(const uint8_t *packet, size_t length, struct segment *segment,
                          uint8_t *protocol);

#endif
