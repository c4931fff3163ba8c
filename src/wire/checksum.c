/* SPDX-License-Identifier: MIT
 *
 * The internet checksum, wide.
 *
 * RFC 1071 sums 16-bit words in ones' complement, that is modulo 65535. Three of its properties
 * carry this file:
 *   - 2^16, 2^32 and 2^64 are all 1 modulo 65535, so words may be added 32 or 64 bits at a time and
 *     the carries folded in at the end (RFC 1071 2(C), "deferred carries");
 *   - the sum does not care about byte order: summing byte-swapped words gives the byte-swapped sum
 *     (2(B)), so bytes are loaded as the machine likes, and only a piece that starts at an odd
 *     offset needs its sum turned round;
 *   - the order of the words does not matter (2(A)), so several sums run side by side.
 *
 * A partial sum is 0 only if every byte was zero: folding brings 65535 to 65535, never to 0. That
 * matters at the end, where 0 and 65535 are the two zeros of ones' complement, and where the
 * complement of a sum that includes a right checksum field must be 0 (RFC 1624 3).
 *
 * On x86 the long stretches go 16 bytes a step: words less 32768 are signed, and one instruction
 * multiplies them by 1 and adds them in pairs to 32 bits; what was taken off is put back at the
 * end. On 64-bit ARM one instruction adds pairs of words without that. Everywhere else, and for the
 * ends, 64-bit loads are split into 32-bit halves, which never overflow a 64-bit sum.
 *
 * A processor with AVX2 goes 32 bytes a step (checksum_avx2.c). Which of the two it is, the loader
 * asks once, before the program begins, and binds the names below to the answer (an ELF "indirect
 * function"): nothing is looked up later, and no memory can change. Where there are none
 * (CHECKSUM_INDIRECT is not defined), what all processors can is what is used; and where the whole
 * program is built for AVX2, that.
 */
#include "checksum_variants.h"

#include "wire_bytes.h"

#if defined(__SSE2__) && !defined(CHECKSUM_PORTABLE)
#define CHECKSUM_SSE2 1
#define CHECKSUM_NEON 0
#include <emmintrin.h>
#elif defined(__aarch64__) && defined(__ARM_NEON) && !defined(CHECKSUM_PORTABLE)
#define CHECKSUM_SSE2 0
#define CHECKSUM_NEON 1
#include <arm_neon.h>
#else
#define CHECKSUM_SSE2 0
#define CHECKSUM_NEON 0
#endif

/* Below this the vector's setting up costs more than it saves. */
#define BLOCK_BYTES 64u

#if CHECKSUM_SSE2 || CHECKSUM_NEON

#define RUN_BYTES (16384u * 16u)
#define STEP_BYTES 16u

#if CHECKSUM_SSE2

typedef __m128i vector;
#define NOTHING _mm_setzero_si128()

/* Each step adds to a 32-bit lane at most 2^16 in size: 16384 of them stay within 2^30. */
static ALWAYS_INLINE vector add_step(vector total, uint8_t *destination, const uint8_t *source,
                                     bool copy)
{
    vector words;
    memcpy(&words, source, STEP_BYTES);
    if (copy) {
        memcpy(destination, &words, STEP_BYTES);
    }
    vector less_half = _mm_xor_si128(words, _mm_set1_epi16(INT16_MIN));
    return _mm_add_epi32(total, _mm_madd_epi16(less_half, _mm_set1_epi16(1)));
}

/* 32768 was taken off each of length / 2 words; with it back the sum is not negative. */
static ALWAYS_INLINE uint64_t add_lanes(vector first, vector second, size_t length)
{
    int32_t lanes[4];
    vector total = _mm_add_epi32(first, second);
    memcpy(lanes, &total, sizeof lanes);
    int64_t sum = (int64_t)lanes[0] + lanes[1] + lanes[2] + lanes[3];
    return (uint64_t)(sum + (int64_t)length / 2 * 32768);
}

#else

typedef uint32x4_t vector;
#define NOTHING vdupq_n_u32(0)

/* Each step adds to a 32-bit lane at most 2 * 65535: 16384 of them stay within 2^31. */
static ALWAYS_INLINE vector add_step(vector total, uint8_t *destination, const uint8_t *source,
                                     bool copy)
{
    uint8x16_t bytes = vld1q_u8(source);
    if (copy) {
        vst1q_u8(destination, bytes);
    }
    return vpadalq_u16(total, vreinterpretq_u16_u8(bytes));
}

static ALWAYS_INLINE uint64_t add_lanes(vector first, vector second, size_t length)
{
    (void)length;
    return vaddlvq_u32(first) + vaddlvq_u32(second);
}

#endif

/* `length` is a multiple of STEP_BYTES, at most RUN_BYTES. */
static ALWAYS_INLINE uint64_t add_run(uint8_t *destination, const uint8_t *source, size_t length,
                                      bool copy)
{
    vector first = NOTHING;
    vector second = NOTHING;
    size_t at = 0;
    for (; at + BLOCK_BYTES <= length; at += BLOCK_BYTES) {
        uint8_t *to = copy ? destination + at : NULL;
        first = add_step(first, to, source + at, copy);
        second = add_step(second, copy ? to + 16 : NULL, source + at + 16, copy);
        first = add_step(first, copy ? to + 32 : NULL, source + at + 32, copy);
        second = add_step(second, copy ? to + 48 : NULL, source + at + 48, copy);
    }
    for (; at < length; at += STEP_BYTES) {
        first = add_step(first, copy ? destination + at : NULL, source + at, copy);
    }
    return add_lanes(first, second, length);
}

#else

/* 32-bit halves in 64-bit sums: 2^31 blocks fit, and a run is far under that. */
#define RUN_BYTES (UINT32_C(1) << 30)
#define STEP_BYTES BLOCK_BYTES

static ALWAYS_INLINE uint64_t add_run(uint8_t *destination, const uint8_t *source, size_t length,
                                      bool copy)
{
    uint64_t low[4] = {0};
    uint64_t high[4] = {0};
    for (size_t at = 0; at < length; at += BLOCK_BYTES) {
        for (size_t half = 0; half < BLOCK_BYTES; half += 32) {
            uint64_t words[4];
            memcpy(words, source + at + half, sizeof words);
            if (copy) {
                memcpy(destination + at + half, words, sizeof words);
            }
            for (size_t i = 0; i < 4; i++) {
                low[i] += words[i] & 0xffffffffu;
                high[i] += words[i] >> 32;
            }
        }
    }
    uint64_t sum = 0;
    for (size_t i = 0; i < 4; i++) {
        sum = add_with_carry(sum, low[i]);
        sum = add_with_carry(sum, high[i]);
    }
    return sum;
}

#endif

static ALWAYS_INLINE checksum_sum add(checksum_sum sum, uint8_t *destination, const uint8_t *source,
                                      size_t length, bool copy)
{
    while (length >= BLOCK_BYTES) {
        size_t run = length < RUN_BYTES ? length - length % STEP_BYTES : RUN_BYTES;
        sum = add_with_carry(sum, add_run(destination, source, run, copy));
        source += run;
        length -= run;
        if (copy) {
            destination += run;
        }
    }
    return length == 0 ? sum : add_with_carry(sum, add_end(destination, source, length, copy));
}

checksum_sum checksum_add_base(checksum_sum sum, const void *data, size_t length)
{
    return add(sum, NULL, data, length, false);
}

checksum_sum checksum_add_copy_base(checksum_sum sum, void *destination, const void *source,
                                    size_t length)
{
    return add(sum, destination, source, length, true);
}

/* ---- which of them it is */

#if CHECKSUM_HAS_AVX2 && defined(CHECKSUM_INDIRECT) && !defined(__AVX2__)

typedef checksum_sum add_function(checksum_sum, const void *, size_t);
typedef checksum_sum add_copy_function(checksum_sum, void *, const void *, size_t);

static __attribute__((used)) add_function *choose_add(void)
{
    return checksum_avx2_usable() ? checksum_add_avx2 : checksum_add_base;
}

static __attribute__((used)) add_copy_function *choose_add_copy(void)
{
    return checksum_avx2_usable() ? checksum_add_copy_avx2 : checksum_add_copy_base;
}

checksum_sum checksum_add(checksum_sum sum, const void *data, size_t length)
    __attribute__((ifunc("choose_add")));
checksum_sum checksum_add_copy(checksum_sum sum, void *destination, const void *source,
                               size_t length) __attribute__((ifunc("choose_add_copy")));

#else

checksum_sum checksum_add(checksum_sum sum, const void *data, size_t length)
{
#if CHECKSUM_HAS_AVX2 && defined(__AVX2__)
    return checksum_add_avx2(sum, data, length);
#else
    return checksum_add_base(sum, data, length);
#endif
}

checksum_sum checksum_add_copy(checksum_sum sum, void *destination, const void *source,
                               size_t length)
{
#if CHECKSUM_HAS_AVX2 && defined(__AVX2__)
    return checksum_add_copy_avx2(sum, destination, source, length);
#else
    return checksum_add_copy_base(sum, destination, source, length);
#endif
}

#endif

checksum_sum checksum_swap(checksum_sum sum)
{
    unsigned folded = checksum_fold(sum);
    return (folded >> 8 | folded << 8) & 0xffffu;
}

checksum_sum checksum_pseudo_ipv6(const uint8_t source[16], const uint8_t destination[16],
                                  uint8_t protocol, uint32_t length)
{
    uint8_t rest[8] = {0, 0, 0, 0, 0, 0, 0, protocol};
    wire_write_32(rest, length);
    checksum_sum sum = checksum_add(0, source, 16);
    return checksum_add(checksum_add(sum, destination, 16), rest, sizeof rest);
}

/* RFC 1624 3, equation 3: HC' = ~(~HC + ~m + m'). Unlike RFC 1141's shorter form it never turns a
 * field into 0xffff where a fresh computation gives 0. */
uint16_t checksum_update(uint16_t field, uint16_t before, uint16_t after)
{
    return (uint16_t)~checksum_fold((uint64_t)(uint16_t)~field + (uint16_t)~before + after);
}
