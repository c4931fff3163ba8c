/* SPDX-License-Identifier: MIT
 *
 * SipHash-2-4 as the paper gives it: two rounds for each 8-byte word of input, the last word
 * carrying the length in its top byte, then four rounds to finish. Words are little-endian on
 * every machine, so that a seed gives the same run everywhere.
 */
#include "siphash.h"

struct sip_state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate_left(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

static inline uint64_t load_little_endian(const uint8_t bytes[8])
{
    return (uint64_t)bytes[0] | (uint64_t)bytes[1] << 8 | (uint64_t)bytes[2] << 16 |
           (uint64_t)bytes[3] << 24 | (uint64_t)bytes[4] << 32 | (uint64_t)bytes[5] << 40 |
           (uint64_t)bytes[6] << 48 | (uint64_t)bytes[7] << 56;
}

static inline void sip_round(struct sip_state *state)
{
    state->v0 += state->v1;
    state->v1 = rotate_left(state->v1, 13) ^ state->v0;
    state->v0 = rotate_left(state->v0, 32);
    state->v2 += state->v3;
    state->v3 = rotate_left(state->v3, 16) ^ state->v2;
    state->v0 += state->v3;
    state->v3 = rotate_left(state->v3, 21) ^ state->v0;
    state->v2 += state->v1;
    state->v1 = rotate_left(state->v1, 17) ^ state->v2;
    state->v2 = rotate_left(state->v2, 32);
}

static inline void absorb(struct sip_state *state, uint64_t word)
{
    state->v3 ^= word;
    sip_round(state);
    sip_round(state);
    state->v0 ^= word;
}

static inline struct sip_state begin(const struct siphash_key *key)
{
    return (struct sip_state){
        .v0 = key->k0 ^ UINT64_C(0x736f6d6570736575),
        .v1 = key->k1 ^ UINT64_C(0x646f72616e646f6d),
        .v2 = key->k0 ^ UINT64_C(0x6c7967656e657261),
        .v3 = key->k1 ^ UINT64_C(0x7465646279746573),
    };
}

/* `last` has the length in its top byte. */
static inline uint64_t finish(struct sip_state *state, uint64_t last)
{
    absorb(state, last);
    state->v2 ^= 0xff;
    sip_round(state);
    sip_round(state);
    sip_round(state);
    sip_round(state);
    return state->v0 ^ state->v1 ^ state->v2 ^ state->v3;
}

struct siphash_key siphash_key_from_bytes(const uint8_t bytes[16])
{
    return (struct siphash_key){load_little_endian(bytes), load_little_endian(bytes + 8)};
}

uint64_t siphash(const struct siphash_key *key, const void *data, size_t length)
{
    const uint8_t *bytes = data;
    struct sip_state state = begin(key);
    size_t whole = length & ~(size_t)7;
    for (size_t i = 0; i < whole; i += 8)
        absorb(&state, load_little_endian(bytes + i));
    uint64_t last = (uint64_t)(length & 0xff) << 56;
    for (size_t i = whole; i < length; i++)
        last |= (uint64_t)bytes[i] << 8 * (i - whole);
    return finish(&state, last);
}

uint64_t siphash_40(const struct siphash_key *key, const uint8_t bytes[40])
{
    struct sip_state state = begin(key);
    absorb(&state, load_little_endian(bytes));
    absorb(&state, load_little_endian(bytes + 8));
    absorb(&state, load_little_endian(bytes + 16));
    absorb(&state, load_little_endian(bytes + 24));
    absorb(&state, load_little_endian(bytes + 32));
    return finish(&state, UINT64_C(40) << 56);
}

uint64_t siphash_12(const struct siphash_key *key, const uint8_t bytes[12])
{
    struct sip_state state = begin(key);
    absorb(&state, load_little_endian(bytes));
    uint64_t rest = (uint64_t)bytes[8] | (uint64_t)bytes[9] << 8 | (uint64_t)bytes[10] << 16 |
                    (uint64_t)bytes[11] << 24;
    return finish(&state, rest | UINT64_C(12) << 56);
}
