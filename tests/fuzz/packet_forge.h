/* SPDX-License-Identifier: MIT
 *
 * Forged packets for the storm and the fuzzers: written byte by byte here, with a plain checksum
 * that shares nothing with the one under test.
 */
#ifndef PACKET_FORGE_H
#define PACKET_FORGE_H

#include <handfast/handfast.h>
#include <stddef.h>
#include <stdint.h>

#define FORGE_MAX_BYTES 2048

/* splitmix64: small, and good enough to make noise. */
struct forge_random {
    uint64_t state;
};
uint64_t forge_next(struct forge_random *random);
/* 0 .. bound-1; bound > 0. */
uint32_t forge_below(struct forge_random *random, uint32_t bound);

struct forge_segment {
    struct hf_endpoint from, to;
    uint32_t seq, ack;
    uint16_t flags, window, urgent_pointer;
    const uint8_t *options; /* option_length bytes, a multiple of 4, at most 40 */
    size_t option_length;
    const uint8_t *payload;
    size_t payload_length;
};
/* An IP packet with right checksums; returns its length, at most FORGE_MAX_BYTES. */
size_t forge_tcp(const struct forge_segment *segment, uint8_t packet[FORGE_MAX_BYTES]);
/* An ICMP error (v4 or v6 by the family of `from`) about `quoted`. */
size_t forge_icmp(const struct hf_address *from, const struct hf_address *to, uint8_t type,
                  uint8_t code, uint32_t rest, const uint8_t *quoted, size_t quoted_length,
                  uint8_t packet[FORGE_MAX_BYTES]);
/* Makes the checksums of a damaged packet right again as far as its headers can be followed, so
 * that the damage reaches the code behind the checksum. */
void forge_mend_checksums(uint8_t *packet, size_t length);

#endif
