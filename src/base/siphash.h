/* SPDX-License-Identifier: MIT
 *
 * SipHash-2-4 (Aumasson and Bernstein, 2012): the keyed hash behind ISNs, ports, timestamp offsets
 * and table positions. An outsider who sees outputs learns nothing of the key (MUST-9).
 */
#ifndef SIPHASH_H
#define SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
    uint64_t k0, k1;
};

/* The key from 16 bytes, little-endian as in the paper. */
struct siphash_key siphash_key_from_bytes(const uint8_t bytes[16]);
uint64_t siphash(const struct siphash_key *key, const void *data, size_t length);
/* The same of 12 bytes, an IPv4 4-tuple, which every packet that arrives is found by. */
uint64_t siphash_40(const struct siphash_key *key, const uint8_t bytes[40]); /* a whole tuple */
uint64_t siphash_12(const struct siphash_key *key, const uint8_t bytes[12]);

#endif
