/* SPDX-License-Identifier: MIT
 *
 * The checksum against the RFCs' worked examples and against a naive model over every length to
 * 3000 at every alignment. This file is built twice: with the machine's own path and with the
 * portable one.
 */
#include "checksum.h"

#include "wire_test.h"

#define GUARD 0xa5u
#define LENGTH_MAX 3000u

/* RFC 1071 3: 00 01 f2 03 f4 f5 f6 f7 sums to ddf2. */
static void rfc_1071_example(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    assert_int_equal(test_field_value(checksum_finish(checksum_add(0, bytes, sizeof bytes))),
                     0xffff - 0xddf2);
    /* The same, broken where the RFC breaks it: after an odd number of bytes. */
    checksum_sum first = checksum_add(0, bytes, 3);
    checksum_sum second = checksum_swap(checksum_add(0, bytes + 3, 5));
    assert_int_equal(test_field_value(checksum_finish(first + second)), 0xffff - 0xddf2);
}

/* RFC 1624 4: HC dd2f, m 5555, m' 3285 must give 0000, and not ffff as RFC 1141 did. */
static void rfc_1624_example(void **state)
{
    (void)state;
    uint16_t updated =
        checksum_update(test_field_of(0xdd2f), test_field_of(0x5555), test_field_of(0x3285));
    assert_int_equal(updated, 0x0000);
}

static void zeros_of_ones_complement(void **state)
{
    (void)state;
    static const uint8_t zero[130];
    uint8_t ones[130];
    memset(ones, 0xff, sizeof ones);
    for (size_t length = 0; length <= sizeof zero; length++) {
        assert_int_equal(checksum_finish(checksum_add(0, zero, length)), 0xffff);
    }
    for (size_t length = 2; length <= sizeof ones; length += 2) {
        assert_int_equal(checksum_finish(checksum_add(0, ones, length)), 0);
    }
    assert_int_equal(checksum_finish(0), 0xffff);
    assert_int_equal(checksum_finish(UINT64_MAX), 0);
}

/* 16 guard bytes stand on each side of the copy. */
static void check_copy(const uint8_t *source, size_t length, size_t alignment, uint16_t expected)
{
    static uint8_t block[16 + 16 + LENGTH_MAX + 16];
    uint8_t *destination = block + 16 + alignment;
    memset(block, GUARD, 32);
    memset(destination + length, GUARD, 16);
    uint16_t field = checksum_finish(checksum_add_copy(0, destination, source, length));
    assert_int_equal(test_field_value(field), expected);
    assert_true(length == 0 || memcmp(destination, source, length) == 0);
    for (size_t i = 1; i <= 16; i++) {
        assert_int_equal(destination[-(ptrdiff_t)i], GUARD);
        assert_int_equal(destination[length + i - 1], GUARD);
    }
}

static void every_length_and_alignment(void **state)
{
    (void)state;
    struct test_random random = {.state = 1071};
    static uint8_t block[16 + LENGTH_MAX];
    for (size_t alignment = 0; alignment < 16; alignment++) {
        test_random_fill(&random, block, sizeof block);
        const uint8_t *bytes = block + alignment;
        for (size_t length = 0; length <= LENGTH_MAX; length++) {
            uint16_t expected = test_naive_checksum(bytes, length);
            uint16_t field = checksum_finish(checksum_add(0, bytes, length));
            assert_int_equal(test_field_value(field), expected);
            check_copy(bytes, length, (alignment * 7 + length) % 16, expected);
        }
    }
}

/* Neither reads nor writes a byte too many: blocks of exactly the size. */
static void exact_blocks(void **state)
{
    (void)state;
    struct test_random random = {.state = 5};
    for (size_t length = 0; length <= 300; length++) {
        uint8_t bytes[300];
        test_random_fill(&random, bytes, length);
        uint8_t *source = test_exact_copy(bytes, length);
        uint8_t *destination = test_exact_copy(bytes, length);
        uint16_t expected = test_naive_checksum(bytes, length);
        assert_int_equal(test_field_value(checksum_finish(checksum_add(0, source, length))),
                         expected);
        uint16_t field = checksum_finish(checksum_add_copy(0, destination, source, length));
        assert_int_equal(test_field_value(field), expected);
        free(source);
        free(destination);
    }
}

/* Long enough for many runs, of the bytes that drive every lane furthest up and down. */
static void long_and_extreme(void **state)
{
    (void)state;
    static const uint8_t patterns[][2] = {{0x00, 0x00}, {0xff, 0xff}, {0x00, 0x80}, {0x80, 0x00},
                                          {0xff, 0x7f}, {0x7f, 0xff}, {0x80, 0x80}, {0x01, 0x00}};
    const size_t size = 1200 * 1024 + 77;
    uint8_t *source = malloc(size);
    uint8_t *destination = malloc(size);
    assert_non_null(source);
    assert_non_null(destination);
    for (size_t p = 0; p < sizeof patterns / sizeof patterns[0]; p++) {
        for (size_t i = 0; i < size; i++) {
            source[i] = patterns[p][i % 2];
        }
        for (size_t cut = 0; cut < 3; cut++) {
            uint16_t expected = test_naive_checksum(source + cut, size - cut);
            uint16_t field = checksum_finish(checksum_add(0, source + cut, size - cut));
            assert_int_equal(test_field_value(field), expected);
            field = checksum_finish(checksum_add_copy(0, destination, source + cut, size - cut));
            assert_int_equal(test_field_value(field), expected);
            assert_memory_equal(destination, source + cut, size - cut);
        }
    }
    free(source);
    free(destination);
}

/* Any cutting, the pieces added front to back or back to front, those at odd offsets turned round,
 * gives the sum of the whole; and so does starting from the other zero, a sum as large as can be.
 */
static void pieces(void **state)
{
    (void)state;
    struct test_random random = {.state = 1624};
    for (unsigned round = 0; round < 20000; round++) {
        uint8_t bytes[400];
        size_t length = 1 + test_random_below(&random, sizeof bytes);
        test_random_fill(&random, bytes, length);
        bytes[0] |= 1u; /* a sum that is not zero has one form only */
        checksum_sum forwards = 0;
        checksum_sum backwards = UINT64_MAX;
        for (size_t at = 0, piece; at < length; at += piece) {
            piece = 1 + test_random_below(&random, (uint32_t)(length - at));
            checksum_sum sum = checksum_add(0, bytes + at, piece);
            forwards += at % 2 ? checksum_swap(sum) : sum;
        }
        for (size_t end = length, piece; end > 0; end -= piece) {
            piece = 1 + test_random_below(&random, (uint32_t)end);
            size_t at = end - piece;
            if (at % 2) {
                backwards =
                    checksum_swap(checksum_add(checksum_swap(backwards), bytes + at, piece));
            } else {
                backwards = checksum_add(backwards, bytes + at, piece);
            }
        }
        uint16_t expected = test_naive_checksum(bytes, length);
        assert_int_equal(test_field_value(checksum_finish(forwards)), expected);
        assert_int_equal(test_field_value(checksum_finish(backwards)), expected);
    }
}

static void incremental_update(void **state)
{
    (void)state;
    struct test_random random = {.state = 3};
    static const uint16_t corners[] = {0x0000, 0xffff, 0x0001, 0xfffe, 0x8000, 0x7fff};
    for (unsigned round = 0; round < 200000; round++) {
        uint8_t bytes[20];
        test_random_fill(&random, bytes, sizeof bytes);
        bytes[0] = 0x45; /* never all zero, as no header is */
        uint16_t field = checksum_finish(checksum_add(0, bytes, sizeof bytes));
        size_t at = 2 + 2 * (size_t)test_random_below(&random, 9);
        uint16_t before;
        uint16_t after = (uint16_t)test_random_next(&random);
        if (round % 4 == 0) {
            after = corners[test_random_below(&random, 6)];
        }
        if (round % 4 == 1) {
            after = (uint16_t)~field; /* often leads to the 0 and 0xffff corner */
        }
        memcpy(&before, bytes + at, 2);
        memcpy(bytes + at, &after, 2);
        assert_int_equal(test_field_value(checksum_update(field, before, after)),
                         test_naive_checksum(bytes, sizeof bytes));
    }
}

static void verifies_to_zero(void **state)
{
    (void)state;
    struct test_random random = {.state = 4};
    for (size_t length = 2; length < 200; length++) {
        uint8_t bytes[200];
        test_random_fill(&random, bytes, length);
        bytes[0] = 0;
        bytes[1] = 0;
        uint16_t field = checksum_finish(checksum_add(0, bytes, length));
        memcpy(bytes, &field, 2);
        assert_int_equal(checksum_finish(checksum_add(0, bytes, length)), 0);
        assert_int_equal(test_naive_checksum(bytes, length), 0);
    }
}

/* RFC 9293 3.1 figure 2 and RFC 8200 8.1, laid out byte by byte. */
static void pseudo_headers(void **state)
{
    (void)state;
    struct test_random random = {.state = 6};
    for (unsigned round = 0; round < 5000; round++) {
        uint8_t addresses[32];
        test_random_fill(&random, addresses, sizeof addresses);
        uint8_t protocol = (uint8_t)test_random_next(&random);
        uint32_t length = (uint32_t)test_random_next(&random);
        uint8_t four[12] = {0};
        memcpy(four, addresses, 4);
        memcpy(four + 4, addresses + 16, 4);
        four[9] = protocol;
        four[10] = (uint8_t)(length >> 8);
        four[11] = (uint8_t)length;
        checksum_sum sum =
            checksum_pseudo_ipv4(addresses, addresses + 16, protocol, (uint16_t)length);
        assert_int_equal(test_field_value(checksum_finish(sum)), test_naive_checksum(four, 12));

        uint8_t six[40] = {0};
        memcpy(six, addresses, 32);
        six[32] = (uint8_t)(length >> 24);
        six[33] = (uint8_t)(length >> 16);
        six[34] = (uint8_t)(length >> 8);
        six[35] = (uint8_t)length;
        six[39] = protocol;
        sum = checksum_pseudo_ipv6(addresses, addresses + 16, protocol, length);
        assert_int_equal(test_field_value(checksum_finish(sum)), test_naive_checksum(six, 40));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_1071_example),
        cmocka_unit_test(rfc_1624_example),
        cmocka_unit_test(zeros_of_ones_complement),
        cmocka_unit_test(every_length_and_alignment),
        cmocka_unit_test(exact_blocks),
        cmocka_unit_test(long_and_extreme),
        cmocka_unit_test(pieces),
        cmocka_unit_test(incremental_update),
        cmocka_unit_test(verifies_to_zero),
        cmocka_unit_test(pseudo_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
