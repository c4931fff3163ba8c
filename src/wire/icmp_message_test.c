/* SPDX-License-Identifier: MIT
 *
 * ICMP messages as they lie on the wire: every type and code, quotes of every length and with
 * options or extension headers in front of the segment, and what is written in answer.
 */
#include "icmp_message.h"

#include "wire_test.h"

static const struct hf_address router4 = {HF_IPV4, {192, 0, 2, 1}};
static const struct hf_address host4 = {HF_IPV4, {198, 51, 100, 7}};
static const struct hf_address router6 = {HF_IPV6,
                                          {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
static const struct hf_address host6 = {HF_IPV6,
                                        {0x20, 1, 0xd, 0xb8, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}};

/* From 198.51.100.7:40000 to 203.0.113.9:443, sequence number 0xfedcba98. */
static const uint8_t quoted4[40] = {0x45, 0,    0x05, 0xdc, 0x12, 0x34, 0x40, 0,    55,  6,
                                    0xde, 0xad, 198,  51,   100,  7,    203,  0,    113, 9,
                                    0x9c, 0x40, 0x01, 0xbb, 0xfe, 0xdc, 0xba, 0x98, 0,   0,
                                    0,    1,    0x50, 0x10, 0xff, 0xff, 0,    0,    0,   0};
static const uint8_t quoted6[60] = {
    0x60, 0,    0,    0, 0x05, 0xb4, 6, 55,   0x20, 1,    0xd,  0xb8, 0,    7,    0,
    0,    0,    0,    0, 0,    0,    0, 0,    2,    0x20, 1,    0xd,  0xb8, 0,    9,
    0,    0,    0,    0, 0,    0,    0, 0,    0,    9,    0x9c, 0x40, 0x01, 0xbb, 0xfe,
    0xdc, 0xba, 0x98, 0, 0,    0,    1, 0x50, 0x10, 0xff, 0xff, 0,    0,    0,    0};

/* By the naive model, over the pseudo-header laid out here for ICMPv6 (RFC 4443 2.3). */
static uint16_t naive_icmp_checksum(const struct hf_address *source,
                                    const struct hf_address *destination, const uint8_t *message,
                                    size_t length)
{
    uint8_t *whole = calloc(1, 40 + length + 1);
    assert_non_null(whole);
    memcpy(whole, source->bytes, 16);
    memcpy(whole + 16, destination->bytes, 16);
    whole[34] = (uint8_t)(length >> 8);
    whole[35] = (uint8_t)length;
    whole[39] = 58;
    memcpy(whole + 40, message, length);
    size_t skip = source->family == HF_IPV6 ? 0 : 40;
    uint16_t checksum = test_naive_checksum(whole + skip, 40 + length - skip);
    free(whole);
    return checksum;
}

/* Parses a message, its checksum filled in first, from a block of exactly its size. */
static enum hf_reason parse_message(bool ipv6, uint8_t *bytes, size_t length,
                                    struct icmp_message *message)
{
    struct ip_header ip = {.source = ipv6 ? router6 : router4,
                           .destination = ipv6 ? host6 : host4,
                           .protocol = ipv6 ? IP_PROTOCOL_ICMPV6 : IP_PROTOCOL_ICMP};
    if (length >= 4) {
        bytes[2] = bytes[3] = 0;
        uint16_t checksum = naive_icmp_checksum(&ip.source, &ip.destination, bytes, length);
        bytes[2] = (uint8_t)(checksum >> 8);
        bytes[3] = (uint8_t)checksum;
    }
    uint8_t *copy = test_exact_copy(bytes, length);
    ip.payload = copy;
    ip.payload_length = (uint32_t)length;
    enum hf_reason reason = icmp_parse(&ip, message);
    if (reason == HF_REASON_NONE) {
        assert_ptr_equal(message->payload, copy + 8);
        assert_int_equal(message->payload_length, length - 8);
    }
    free(copy);
    return reason;
}

/* What the network may say by IPv4, and what each means: RFC 9293 3.9.2.2, RFC 1122 3.2.2.1, RFC
 * 1812 5.2.7.1. */
static const struct {
    uint8_t type, code;
    enum icmp_kind kind;
    enum icmp_severity severity;
    int error;
} ipv4_meanings[] =
    {
        {3, 0, ICMP_KIND_UNREACHABLE, ICMP_SEVERITY_SOFT, -101},
        {3, 1, ICMP_KIND_UNREACHABLE, ICMP_SEVERITY_SOFT, -113},
        {3, 2, ICMP_KIND_UNREACHABLE, ICMP_SEVERITY_HARD, -92},
        {3, 3, ICMP_KIND_UNREACHABLE, ICMP_SEVERITY_HARD, -111},
        {3, 4, ICMP_KIND_TOO_BIG, ICMP_SEVERITY_NONE, -90},
        {3, 5, ICMP_KIND_UNREACHABLE, ICMP_SEVERITY_SOFT, -95},
        {3, 6, ICMP_KIND_UNREACHABLE, ICMP_SEVERITY_HARD, -101},
        {3, 7, ICMP_KIND_UNREACHABLE, ICMP_SEVERITY_HARD, -113},
        {3, 8, ICMP_KIND_UNREACHABLE, ICMP_SEVERITY_HARD, -113},
        {3, 9, ICMP_KIND_UNREACHABLE, ICMP_SEVERITY_HARD, -101},
        {3, 10, ICMP_KIND_UNREACHABLE, ICMP_SEVERITY_HARD, -113},
        {3, 11, ICMP_KIND_UNREACHABLE, ICMP_SEVERITY_SOFT, -101},
        {3, 12, ICMP_KIND_UNREACHABLE, ICMP_SEVERITY_SOFT, -113},
        {3, 13, ICMP_KIND_UNREACHABLE, ICMP_SEVERITY_HARD, -113},
        {3, 14, ICMP_KIND_UNREACHABLE, ICMP_SEVERITY_HARD, -113},
        {3, 15, ICMP_KIND_UNREACHABLE, ICMP_SEVERITY_HARD, -113},
        {3, 16, ICMP_KIND_UNREACHABLE, ICMP_SEVERITY_NONE, 0},
        {3, 255, ICMP_KIND_UNREACHABLE, ICMP_SEVERITY_NONE, 0},
        {4, 0, ICMP_KIND_SOURCE_QUENCH, ICMP_SEVERITY_NONE, 0},
        {5, 0, ICMP_KIND_UNKNOWN, ICMP_SEVERITY_NONE, 0},
        {11, 0, ICMP_KIND_TIME_EXCEEDED, ICMP_SEVERITY_SOFT, -113},
        {11, 1, ICMP_KIND_TIME_EXCEEDED, ICMP_SEVERITY_SOFT, -113},
        {12, 0, ICMP_KIND_PARAMETER_PROBLEM, ICMP_SEVERITY_SOFT, -71},
        {12, 1, ICMP_KIND_PARAMETER_PROBLEM, ICMP_SEVERITY_SOFT, -71},
        {13, 0, ICMP_KIND_UNKNOWN, ICMP_SEVERITY_NONE, 0},
        {128, 0, ICMP_KIND_UNKNOWN, ICMP_SEVERITY_NONE, 0},
        {255, 0, ICMP_KIND_UNKNOWN, ICMP_SEVERITY_NONE, 0},
},
  ipv6_meanings[] = {
      {1, 0, ICMP_KIND_UNREACHABLE, ICMP_SEVERITY_SOFT, -101},
      {1, 1, ICMP_KIND_UNREACHABLE, ICMP_SEVERITY_HARD, -13},
      {1, 2, ICMP_KIND_UNREACHABLE, ICMP_SEVERITY_SOFT, -113},
      {1, 3, ICMP_KIND_UNREACHABLE, ICMP_SEVERITY_SOFT, -113},
      {1, 4, ICMP_KIND_UNREACHABLE, ICMP_SEVERITY_HARD, -111},
      {1, 5, ICMP_KIND_UNREACHABLE, ICMP_SEVERITY_HARD, -13},
      {1, 6, ICMP_KIND_UNREACHABLE, ICMP_SEVERITY_HARD, -13},
      {1, 7, ICMP_KIND_UNREACHABLE, ICMP_SEVERITY_NONE, 0},
      {1, 255, ICMP_KIND_UNREACHABLE, ICMP_SEVERITY_NONE, 0},
      {2, 0, ICMP_KIND_TOO_BIG, ICMP_SEVERITY_NONE, -90},
      {3, 0, ICMP_KIND_TIME_EXCEEDED, ICMP_SEVERITY_SOFT, -113},
      {3, 1, ICMP_KIND_TIME_EXCEEDED, ICMP_SEVERITY_SOFT, -113},
      {4, 0, ICMP_KIND_PARAMETER_PROBLEM, ICMP_SEVERITY_SOFT, -71},
      {4, 1, ICMP_KIND_PARAMETER_PROBLEM, ICMP_SEVERITY_SOFT, -71},
      {4, 2, ICMP_KIND_PARAMETER_PROBLEM, ICMP_SEVERITY_SOFT, -71},
      {8, 0, ICMP_KIND_UNKNOWN, ICMP_SEVERITY_NONE, 0},
      {11, 0, ICMP_KIND_UNKNOWN, ICMP_SEVERITY_NONE, 0},
      {135, 0, ICMP_KIND_UNKNOWN, ICMP_SEVERITY_NONE, 0},
};

static void check_meaning(bool ipv6, uint8_t type, uint8_t code, enum icmp_kind kind,
                          enum icmp_severity severity, int error)
{
    uint8_t bytes[8 + 60] = {type, code, 0, 0, 0x00, 0x01, 0x05, 0x14};
    struct icmp_message message;
    size_t quote = ipv6 ? sizeof quoted6 : sizeof quoted4;
    memcpy(bytes + 8, ipv6 ? quoted6 : quoted4, quote);
    assert_int_equal(parse_message(ipv6, bytes, 8 + quote, &message), HF_REASON_NONE);
    assert_int_equal(message.type, type);
    assert_int_equal(message.code, code);
    assert_int_equal(message.kind, kind);
    assert_int_equal(message.severity, severity);
    assert_int_equal(message.error, error);
    uint32_t mtu = ipv6 ? 0x10514 : 0x514;
    assert_int_equal(message.mtu, kind == ICMP_KIND_TOO_BIG ? mtu : 0);
    assert_int_equal(message.has_quote, kind != ICMP_KIND_UNKNOWN);
    if (!message.has_quote) {
        return;
    }
    assert_int_equal(message.quoted_source.port, 40000);
    assert_int_equal(message.quoted_destination.port, 443);
    assert_int_equal(message.quoted_seq.value, 0xfedcba98);
    assert_int_equal(message.quoted_source.address.family, ipv6 ? HF_IPV6 : HF_IPV4);
    assert_int_equal(message.quoted_destination.address.family, ipv6 ? HF_IPV6 : HF_IPV4);
    assert_memory_equal(message.quoted_source.address.bytes, ipv6 ? quoted6 + 8 : quoted4 + 12,
                        ipv6 ? 16 : 4);
    assert_memory_equal(message.quoted_destination.address.bytes,
                        ipv6 ? quoted6 + 24 : quoted4 + 16, ipv6 ? 16 : 4);
}

static void every_meaning(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ipv4_meanings / sizeof ipv4_meanings[0]; i++) {
        check_meaning(false, ipv4_meanings[i].type, ipv4_meanings[i].code, ipv4_meanings[i].kind,
                      ipv4_meanings[i].severity, ipv4_meanings[i].error);
    }
    for (size_t i = 0; i < sizeof ipv6_meanings / sizeof ipv6_meanings[0]; i++) {
        check_meaning(true, ipv6_meanings[i].type, ipv6_meanings[i].code, ipv6_meanings[i].kind,
                      ipv6_meanings[i].severity, ipv6_meanings[i].error);
    }
}

/* No type or code but these is an error that asks something of TCP. */
static void no_other_meaning(void **state)
{
    (void)state;
    for (unsigned ipv6 = 0; ipv6 < 2; ipv6++) {
        for (unsigned value = 0; value < 65536; value++) {
            uint8_t bytes[8] = {(uint8_t)(value >> 8), (uint8_t)value};
            struct icmp_message message;
            unsigned type = value >> 8;
            unsigned code = value & 255;
            assert_int_equal(parse_message(ipv6, bytes, sizeof bytes, &message), HF_REASON_NONE);
            bool asks = ipv6 ? (type == 1 && code <= 6) || type == 3 || type == 4
                             : (type == 3 && code <= 15 && code != 4) || type == 11 || type == 12;
            bool too_big = ipv6 ? type == 2 : type == 3 && code == 4;
            assert_int_equal(message.severity != ICMP_SEVERITY_NONE, asks);
            assert_int_equal(message.kind == ICMP_KIND_TOO_BIG, too_big);
            assert_int_equal(message.error != HF_OK, asks || too_big);
            assert_false(message.has_quote);
        }
    }
}

static void every_prefix(void **state)
{
    (void)state;
    for (unsigned ipv6 = 0; ipv6 < 2; ipv6++) {
        size_t header = ipv6 ? 40 : 20;
        for (size_t length = 0; length <= 8 + header + 20; length++) {
            uint8_t bytes[68] = {ipv6 ? 1 : 3, 1};
            struct icmp_message message;
            memcpy(bytes + 8, ipv6 ? quoted6 : quoted4, header + 20);
            enum hf_reason reason = parse_message(ipv6, bytes, length, &message);
            assert_int_equal(reason, length < 8 ? HF_REASON_ICMP_TOO_SHORT : HF_REASON_NONE);
            /* RFC 792: the header and 8 bytes, which hold the ports and the sequence number. */
            assert_int_equal(message.has_quote, length >= 8 + header + 8);
            if (message.has_quote) {
                assert_int_equal(message.quoted_seq.value, 0xfedcba98);
            }
        }
    }
}

static void flipped_bits(void **state)
{
    (void)state;
    for (unsigned ipv6 = 0; ipv6 < 2; ipv6++) {
        uint8_t bytes[68] = {ipv6 ? 1 : 3, 1};
        size_t length = 8 + (ipv6 ? sizeof quoted6 : sizeof quoted4);
        struct icmp_message message;
        memcpy(bytes + 8, ipv6 ? quoted6 : quoted4, length - 8);
        assert_int_equal(parse_message(ipv6, bytes, length, &message), HF_REASON_NONE);
        struct ip_header ip = {.source = ipv6 ? router6 : router4,
                               .destination = ipv6 ? host6 : host4,
                               .protocol = ipv6 ? IP_PROTOCOL_ICMPV6 : IP_PROTOCOL_ICMP,
                               .payload = bytes,
                               .payload_length = (uint32_t)length};
        for (size_t bit = 0; bit < length * 8; bit++) {
            bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ 1u << bit % 8);
            assert_int_equal(icmp_parse(&ip, &message), HF_REASON_ICMP_CHECKSUM);
            bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ 1u << bit % 8);
        }
        /* ICMPv6 covers the addresses too. */
        ip.source.bytes[3] ^= 1;
        assert_int_equal(icmp_parse(&ip, &message),
                         ipv6 ? HF_REASON_ICMP_CHECKSUM : HF_REASON_NONE);
    }
}

/* Options before the quoted segment, of every length, cut after 8 bytes of TCP. */
static void quotes_with_ipv4_options(void **state)
{
    (void)state;
    for (unsigned words = 0; words <= 10; words++) {
        uint8_t bytes[8 + 60 + 8] = {11, 0};
        struct icmp_message message;
        uint8_t *quote = bytes + 8;
        memcpy(quote, quoted4, 20);
        memset(quote + 20, 1, words * 4);
        memcpy(quote + 20 + words * 4, quoted4 + 20, 8);
        quote[0] = (uint8_t)(0x45 + words);
        assert_int_equal(parse_message(false, bytes, 8 + 20 + words * 4 + 8, &message),
                         HF_REASON_NONE);
        assert_true(message.has_quote);
        assert_int_equal(message.quoted_source.port, 40000);
        assert_int_equal(message.quoted_seq.value, 0xfedcba98);
        assert_int_equal(parse_message(false, bytes, 8 + 20 + words * 4 + 7, &message),
                         HF_REASON_NONE);
        assert_false(message.has_quote);
    }
}

static void quotes_with_ipv6_extensions(void **state)
{
    (void)state;
    static const uint8_t extensions[] = {
        43, 0, 1, 4, 0, 0, 0, 0,                        /* hop-by-hop, padded */
        44, 0, 0, 1, 0, 0, 0, 0,                        /* routing, one place left */
        60, 0, 0, 1, 0, 0, 0, 7,                        /* a first fragment */
        6,  1, 1, 4, 0, 0, 0, 0, 1, 6, 0, 0, 0, 0, 0, 0 /* destination options */
    };
    uint8_t bytes[8 + 40 + sizeof extensions + 8] = {2, 0, 0, 0, 0, 0, 0x05, 0};
    struct icmp_message message;
    memcpy(bytes + 8, quoted6, 40);
    bytes[8 + 6] = 0;
    memcpy(bytes + 48, extensions, sizeof extensions);
    memcpy(bytes + 48 + sizeof extensions, quoted6 + 40, 8);
    for (size_t length = 8; length <= sizeof bytes; length++) {
        assert_int_equal(parse_message(true, bytes, length, &message), HF_REASON_NONE);
        assert_int_equal(message.mtu, 1280);
        assert_int_equal(message.has_quote, length == sizeof bytes);
    }
    assert_int_equal(message.quoted_destination.port, 443);
    assert_int_equal(message.quoted_seq.value, 0xfedcba98);
}

/* What is quoted but is no TCP segment of the same IP version, or not its first fragment. */
static void quotes_of_something_else(void **state)
{
    (void)state;
    uint8_t bytes[68] = {3, 3};
    struct icmp_message message;
    memcpy(bytes + 8, quoted4, 40);
    bytes[8 + 9] = 17; /* UDP */
    assert_int_equal(parse_message(false, bytes, 48, &message), HF_REASON_NONE);
    assert_false(message.has_quote);
    bytes[8 + 9] = 6;
    bytes[8 + 7] = 1; /* a later fragment */
    assert_int_equal(parse_message(false, bytes, 48, &message), HF_REASON_NONE);
    assert_false(message.has_quote);
    bytes[8 + 7] = 0;
    bytes[8 + 6] = 0x20; /* the first */
    assert_int_equal(parse_message(false, bytes, 48, &message), HF_REASON_NONE);
    assert_true(message.has_quote);
    memcpy(bytes + 8, quoted6, 60);
    assert_int_equal(parse_message(false, bytes, 68, &message), HF_REASON_NONE);
    assert_false(message.has_quote);
    bytes[0] = 1;
    assert_int_equal(parse_message(true, bytes, 68, &message), HF_REASON_NONE);
    assert_true(message.has_quote);
    memcpy(bytes + 8, quoted4, 40);
    assert_int_equal(parse_message(true, bytes, 48, &message), HF_REASON_NONE);
    assert_false(message.has_quote);
}

static void echo(void **state)
{
    (void)state;
    struct test_random random = {.state = 792};
    for (unsigned round = 0; round < 3000; round++) {
        bool ipv6 = round % 2;
        uint8_t bytes[8 + 1500] = {ipv6 ? 128 : 8, 0};
        size_t data = test_random_below(&random, 1501);
        struct icmp_message request;
        test_random_fill(&random, bytes + 4, 4 + data);
        struct ip_header ip = {.source = ipv6 ? router6 : router4,
                               .destination = ipv6 ? host6 : host4,
                               .protocol = ipv6 ? IP_PROTOCOL_ICMPV6 : IP_PROTOCOL_ICMP,
                               .payload = bytes,
                               .payload_length = (uint32_t)(8 + data)};
        uint16_t checksum = naive_icmp_checksum(&ip.source, &ip.destination, bytes, 8 + data);
        bytes[2] = (uint8_t)(checksum >> 8);
        bytes[3] = (uint8_t)checksum;
        assert_int_equal(icmp_parse(&ip, &request), HF_REASON_NONE);
        assert_int_equal(request.kind, ICMP_KIND_ECHO_REQUEST);
        assert_int_equal(request.identifier, bytes[4] * 256 + bytes[5]);
        assert_int_equal(request.number, bytes[6] * 256 + bytes[7]);
        assert_int_equal(request.severity, ICMP_SEVERITY_NONE);

        uint8_t *out = malloc(8 + data);
        assert_non_null(out);
        assert_int_equal(icmp_emit_echo_reply(&request, &ip.destination, &ip.source, out, 7 + data),
                         0);
        assert_int_equal(icmp_emit_echo_reply(&request, &ip.destination, &ip.source, out, 0), 0);
        assert_int_equal(icmp_emit_echo_reply(&request, &ip.destination, &ip.source, out, 8 + data),
                         8 + data);
        assert_int_equal(out[0], ipv6 ? 129 : 0);
        assert_int_equal(out[1], 0);
        assert_memory_equal(out + 4, bytes + 4, 4 + data);
        assert_int_equal(naive_icmp_checksum(&ip.destination, &ip.source, out, 8 + data), 0);
        struct icmp_message reply;
        ip.payload = out;
        assert_int_equal(icmp_parse(&ip, &reply), HF_REASON_NONE);
        assert_int_equal(reply.kind, ICMP_KIND_ECHO_REPLY);
        assert_int_equal(reply.identifier, request.identifier);
        assert_int_equal(reply.number, request.number);
        free(out);
    }
}

static void emitted_errors(void **state)
{
    (void)state;
    struct test_random random = {.state = 4443};
    static uint8_t packet[2000];
    test_random_fill(&random, packet, sizeof packet);
    for (unsigned ipv6 = 0; ipv6 < 2; ipv6++) {
        const struct hf_address *source = ipv6 ? &host6 : &host4;
        const struct hf_address *destination = ipv6 ? &router6 : &router4;
        size_t most = ipv6 ? 1280 - 40 : 576 - 20;
        for (size_t length = 0; length < sizeof packet; length += 13) {
            for (size_t capacity = 0; capacity < 1600; capacity += capacity < 10 ? 1 : 37) {
                uint8_t *out = malloc(capacity);
                assert_true(out != NULL || capacity == 0);
                size_t written = icmp_emit_error(ipv6 ? 2 : 3, ipv6 ? 0 : 4, 70000, source,
                                                 destination, packet, length, out, capacity);
                size_t expected = 8 + length;
                expected = expected < most ? expected : most;
                expected = expected < capacity ? expected : capacity;
                expected = capacity < 8 ? 0 : expected;
                assert_int_equal(written, expected);
                if (written > 0) {
                    static const uint8_t rest4[] = {0, 0, 0xff, 0xff};
                    static const uint8_t rest6[] = {0, 1, 0x11, 0x70};
                    assert_memory_equal(out + 4, ipv6 ? rest6 : rest4, 4);
                    assert_true(written == 8 || memcmp(out + 8, packet, written - 8) == 0);
                    assert_int_equal(naive_icmp_checksum(source, destination, out, written), 0);
                }
                free(out);
            }
        }
        uint8_t out[64];
        assert_int_equal(icmp_emit_error(ipv6 ? 1 : 3, ipv6 ? 4 : 3, 1400, source, destination,
                                         packet, 20, out, sizeof out),
                         28);
        assert_int_equal(out[0], ipv6 ? 1 : 3);
        assert_int_equal(out[1], ipv6 ? 4 : 3);
        assert_int_equal(out[4] | out[5] | out[6] | out[7], 0); /* an MTU only where it belongs */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_meaning),
        cmocka_unit_test(no_other_meaning),
        cmocka_unit_test(every_prefix),
        cmocka_unit_test(flipped_bits),
        cmocka_unit_test(quotes_with_ipv4_options),
        cmocka_unit_test(quotes_with_ipv6_extensions),
        cmocka_unit_test(quotes_of_something_else),
        cmocka_unit_test(echo),
        cmocka_unit_test(emitted_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
