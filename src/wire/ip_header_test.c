/* SPDX-License-Identifier: MIT
 *
 * IP headers against packets set down by hand, every prefix of them, and chains of extension
 * headers built here option by option.
 */
#include "ip_header.h"

#include "wire_test.h"

static enum hf_reason parse_exact(const uint8_t *bytes, size_t length, bool quoted,
                                  struct ip_header *header)
{
    uint8_t *copy = test_exact_copy(bytes, length);
    enum hf_reason reason =
        quoted ? ip_parse_quoted(copy, length, header) : ip_parse(copy, length, header);
    if (reason == HF_REASON_NONE) {
        assert_ptr_equal(header->payload, copy + header->header_length);
        assert_in_range(header->payload_length, 0, length - header->header_length);
    }
    free(copy);
    return reason;
}

/* A UDP packet from 192.168.0.1 to 192.168.0.199, whose header checksum b861 is worked out in many
 * a textbook. */
static const uint8_t textbook[20] = {0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
                                     0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};

static void ipv4_fields(void **state)
{
    (void)state;
    uint8_t packet[0x73 + 6] = {0};
    struct ip_header header;
    memcpy(packet, textbook, sizeof textbook);
    /* Six bytes of Ethernet padding are cut off. */
    assert_int_equal(parse_exact(packet, sizeof packet, false, &header), HF_REASON_NONE);
    assert_int_equal(header.source.family, HF_IPV4);
    assert_memory_equal(header.source.bytes, textbook + 12, 4);
    assert_memory_equal(header.destination.bytes, textbook + 16, 4);
    static const uint8_t zero[12];
    assert_memory_equal(header.source.bytes + 4, zero, 12);
    assert_memory_equal(header.destination.bytes + 4, zero, 12);
    assert_int_equal(header.protocol, 17);
    assert_int_equal(header.ttl, 64);
    assert_int_equal(header.traffic_class, 0);
    assert_true(header.dont_fragment);
    assert_int_equal(header.identification, 0);
    assert_int_equal(header.header_length, 20);
    assert_int_equal(header.payload_length, 0x73 - 20);
}

static void ipv4_every_prefix(void **state)
{
    (void)state;
    uint8_t packet[0x73] = {0};
    memcpy(packet, textbook, sizeof textbook);
    for (size_t length = 0; length <= sizeof packet; length++) {
        struct ip_header header;
        enum hf_reason reason = parse_exact(packet, length, false, &header);
        enum hf_reason quoted = parse_exact(packet, length, true, &header);
        if (length < 20) {
            assert_int_equal(reason, HF_REASON_IP_TOO_SHORT);
            assert_int_equal(quoted, HF_REASON_IP_TOO_SHORT);
        } else {
            assert_int_equal(reason, length < 0x73 ? HF_REASON_IP_TOTAL_LENGTH : HF_REASON_NONE);
            assert_int_equal(quoted, HF_REASON_NONE);
            assert_int_equal(header.payload_length, length - 20);
        }
    }
}

/* One flipped bit anywhere in the header is found, but for the one that makes the version 6. */
static void ipv4_flipped_bits(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 160; bit++) {
        uint8_t packet[0x73] = {0};
        struct ip_header header;
        memcpy(packet, textbook, sizeof textbook);
        packet[bit / 8] = (uint8_t)(packet[bit / 8] ^ 1u << bit % 8);
        enum hf_reason reason = parse_exact(packet, sizeof packet, false, &header);
        if (bit >= 8) {
            assert_int_equal(reason, HF_REASON_IP_CHECKSUM);
        } else if (bit >= 4) {
            assert_int_equal(reason, packet[0] == 0x65 ? HF_REASON_NONE : HF_REASON_IP_VERSION);
        } else {
            assert_true(reason == HF_REASON_IP_HEADER_LENGTH || reason == HF_REASON_IP_CHECKSUM);
        }
    }
}

/* Writes an IPv4 header with options and its checksum by the naive model; returns its length. */
static size_t build_ipv4(uint8_t *out, const uint8_t *options, size_t options_length,
                         uint16_t fragment, uint16_t total)
{
    size_t length = 20 + options_length;
    memcpy(out, textbook, 20);
    out[0] = (uint8_t)(0x40 + length / 4);
    out[1] = 0xba;
    out[2] = (uint8_t)(total >> 8);
    out[3] = (uint8_t)total;
    out[4] = 0x12;
    out[5] = 0x34;
    out[6] = (uint8_t)(fragment >> 8);
    out[7] = (uint8_t)fragment;
    out[9] = IP_PROTOCOL_TCP;
    memset(out + 10, 0, 2);
    if (options_length > 0) {
        memcpy(out + 20, options, options_length);
    }
    uint16_t checksum = test_naive_checksum(out, length);
    out[10] = (uint8_t)(checksum >> 8);
    out[11] = (uint8_t)checksum;
    return length;
}

static void ipv4_lengths(void **state)
{
    (void)state;
    for (unsigned words = 0; words < 16; words++) {
        for (size_t length = 20; length < 80; length++) {
            uint8_t packet[80] = {0};
            struct ip_header header;
            build_ipv4(packet, NULL, 0, 0, (uint16_t)length);
            packet[0] = (uint8_t)(0x40 + words);
            packet[10] = packet[11] = 0;
            if (words >= 5 && words * 4 <= length) {
                uint16_t checksum = test_naive_checksum(packet, words * 4);
                packet[10] = (uint8_t)(checksum >> 8);
                packet[11] = (uint8_t)checksum;
            }
            enum hf_reason reason = parse_exact(packet, length, false, &header);
            bool good = words >= 5 && words * 4 <= length;
            assert_int_equal(reason, good ? HF_REASON_NONE : HF_REASON_IP_HEADER_LENGTH);
        }
    }
    for (unsigned total = 0; total < 100; total++) {
        uint8_t packet[60] = {0};
        struct ip_header header;
        build_ipv4(packet, NULL, 0, 0, (uint16_t)total);
        enum hf_reason reason = parse_exact(packet, sizeof packet, false, &header);
        enum hf_reason quoted = parse_exact(packet, sizeof packet, true, &header);
        bool good = total >= 20 && total <= 60;
        assert_int_equal(reason, good ? HF_REASON_NONE : HF_REASON_IP_TOTAL_LENGTH);
        assert_int_equal(quoted, total >= 20 ? HF_REASON_NONE : HF_REASON_IP_TOTAL_LENGTH);
        if (total >= 20) {
            assert_int_equal(header.payload_length, (total < 60 ? total : 60) - 20);
        }
    }
}

/* MUST-50: options are ignored, known or not, as long as they can be walked.
 * Holds: MUST-50 */
static void ipv4_options(void **state)
{
    (void)state;
    for (unsigned type = 2; type < 256; type++) {
        for (unsigned length = 0; length < 48; length++) {
            for (size_t at = 0; at < 8; at++) {
                uint8_t options[40];
                uint8_t packet[64];
                struct ip_header header;
                memset(options, 1, sizeof options);
                options[at] = (uint8_t)type;
                options[at + 1] = (uint8_t)length;
                size_t header_length = build_ipv4(packet, options, sizeof options, 0x4000, 64);
                memset(packet + header_length, 7, 4);
                enum hf_reason reason = parse_exact(packet, 64, false, &header);
                bool good = length >= 2 && length <= 40 - at;
                assert_int_equal(reason, good ? HF_REASON_NONE : HF_REASON_IP_OPTION);
                if (good) {
                    assert_int_equal(header.header_length, 60);
                    assert_int_equal(header.payload_length, 4);
                    assert_int_equal(header.traffic_class, 0xba);
                    assert_int_equal(header.identification, 0x1234);
                }
            }
        }
    }
    struct ip_header header;
    uint8_t packet[64];
    /* After the end nothing is looked at; a type as the last byte has no length. */
    build_ipv4(packet, (uint8_t[]){1, 0, 7, 0}, 4, 0, 24);
    assert_int_equal(parse_exact(packet, 24, false, &header), HF_REASON_NONE);
    build_ipv4(packet, (uint8_t[]){1, 1, 7, 2}, 4, 0, 24);
    assert_int_equal(parse_exact(packet, 24, false, &header), HF_REASON_NONE);
    build_ipv4(packet, (uint8_t[]){1, 1, 1, 7}, 4, 0, 24);
    assert_int_equal(parse_exact(packet, 24, false, &header), HF_REASON_IP_OPTION);
}

static void ipv4_fragments(void **state)
{
    (void)state;
    uint8_t packet[40] = {0};
    struct ip_header header;
    for (unsigned bit = 0; bit < 16; bit++) {
        build_ipv4(packet, NULL, 0, (uint16_t)(1u << bit), 40);
        enum hf_reason reason = parse_exact(packet, 40, false, &header);
        enum hf_reason quoted = parse_exact(packet, 40, true, &header);
        assert_int_equal(reason, bit >= 14 ? HF_REASON_NONE : HF_REASON_IP_FRAGMENT);
        /* A first fragment that is quoted has the ports. */
        assert_int_equal(quoted, bit >= 13 ? HF_REASON_NONE : HF_REASON_IP_FRAGMENT);
        assert_int_equal(header.dont_fragment, bit == 14);
    }
}

static void versions(void **state)
{
    (void)state;
    for (unsigned version = 0; version < 16; version++) {
        uint8_t packet[60] = {0};
        struct ip_header header;
        packet[0] = (uint8_t)(version << 4 | 5);
        enum hf_reason reason = parse_exact(packet, sizeof packet, true, &header);
        assert_int_equal(reason == HF_REASON_IP_VERSION, version != 4 && version != 6);
    }
}

/* --- IPv6 --- */

struct chain {
    uint8_t bytes[40 + 9 * 2048 + 64];
    size_t length;
    size_t next_at; /* where the next header's number goes */
};

static void chain_start(struct chain *chain)
{
    static const uint8_t fixed[40] = {
        0x6a, 0xb9, 0x23, 0x45, 0,    0,    59, 63, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0,    0,    0,    1,    0xfd, 0x11, 0,  0,  0,    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
    memcpy(chain->bytes, fixed, sizeof fixed);
    chain->length = sizeof fixed;
    chain->next_at = 6;
}

static void chain_length(struct chain *chain)
{
    chain->bytes[4] = (uint8_t)((chain->length - 40) >> 8);
    chain->bytes[5] = (uint8_t)(chain->length - 40);
}

/* An extension header of 8 * (1 + extra) bytes: its body follows the two first bytes. */
static void chain_add(struct chain *chain, uint8_t kind, unsigned extra, const uint8_t *body,
                      size_t body_length)
{
    uint8_t *header = chain->bytes + chain->length;
    chain->bytes[chain->next_at] = kind;
    memset(header, 0, 8 * (1 + (size_t)extra));
    header[0] = 59;
    header[1] = (uint8_t)extra;
    if (body_length > 0) {
        memcpy(header + 2, body, body_length);
    }
    chain->next_at = chain->length;
    chain->length += 8 * (1 + (size_t)extra);
    chain_length(chain);
}

static void chain_end(struct chain *chain, uint8_t protocol, size_t payload_length)
{
    chain->bytes[chain->next_at] = protocol;
    memset(chain->bytes + chain->length, 0x77, payload_length);
    chain->length += payload_length;
    chain_length(chain);
}

static enum hf_reason chain_parse(const struct chain *chain, struct ip_header *header)
{
    return parse_exact(chain->bytes, chain->length, false, header);
}

static void ipv6_fields(void **state)
{
    (void)state;
    static struct chain chain;
    struct ip_header header;
    chain_start(&chain);
    chain_end(&chain, IP_PROTOCOL_TCP, 24);
    memset(chain.bytes + chain.length, 0, 6); /* padding behind it */
    assert_int_equal(parse_exact(chain.bytes, chain.length + 6, false, &header), HF_REASON_NONE);
    assert_int_equal(header.source.family, HF_IPV6);
    assert_int_equal(header.destination.family, HF_IPV6);
    assert_memory_equal(header.source.bytes, chain.bytes + 8, 16);
    assert_memory_equal(header.destination.bytes, chain.bytes + 24, 16);
    assert_int_equal(header.traffic_class, 0xab);
    assert_int_equal(header.flow_label, 0x92345);
    assert_int_equal(header.ttl, 63);
    assert_int_equal(header.protocol, IP_PROTOCOL_TCP);
    assert_int_equal(header.header_length, 40);
    assert_int_equal(header.payload_length, 24);
    assert_true(header.dont_fragment);
}

/* Hop-by-hop, destination options, routing with nothing left, atomic fragment: all in one. */
static void build_all_extensions(struct chain *chain)
{
    chain_start(chain);
    /* Router alert, then PadN of 0 bytes: RFC 2711. */
    chain_add(chain, 0, 0, (uint8_t[]){5, 2, 0, 0, 1, 0}, 6);
    chain_add(chain, 60, 1, (uint8_t[]){1, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 14);
    chain_add(chain, 43, 2, (uint8_t[]){0, 0}, 2);
    chain_add(chain, 44, 0, (uint8_t[]){0, 0, 1, 2, 3, 4}, 6);
    chain_add(chain, 60, 0, (uint8_t[]){0x1e, 4, 9, 9, 9, 9}, 6);
    chain_end(chain, IP_PROTOCOL_TCP, 20);
}

static void ipv6_every_prefix(void **state)
{
    (void)state;
    static struct chain chain;
    struct ip_header header;
    build_all_extensions(&chain);
    const size_t headers = 40 + 8 + 16 + 24 + 8 + 8;
    assert_int_equal(chain.length, headers + 20);
    for (size_t length = 0; length <= chain.length; length++) {
        enum hf_reason reason = parse_exact(chain.bytes, length, false, &header);
        enum hf_reason quoted = parse_exact(chain.bytes, length, true, &header);
        if (length < 40) {
            assert_int_equal(reason, HF_REASON_IP_TOO_SHORT);
            assert_int_equal(quoted, HF_REASON_IP_TOO_SHORT);
            continue;
        }
        assert_int_equal(reason,
                         length < chain.length ? HF_REASON_IP_TOTAL_LENGTH : HF_REASON_NONE);
        if (length < headers) {
            assert_int_equal(quoted, HF_REASON_IP_EXTENSION);
        } else {
            assert_int_equal(quoted, HF_REASON_NONE);
            assert_int_equal(header.protocol, IP_PROTOCOL_TCP);
            assert_int_equal(header.header_length, headers);
            assert_int_equal(header.payload_length, length - headers);
        }
    }
    /* The same, cut by the length field instead. */
    for (size_t length = 40; length < chain.length; length++) {
        static struct chain cut;
        cut = chain;
        cut.length = length;
        chain_length(&cut);
        assert_int_equal(chain_parse(&cut, &header),
                         length < headers ? HF_REASON_IP_EXTENSION : HF_REASON_NONE);
    }
}

static void ipv6_chain_ends(void **state)
{
    (void)state;
    static struct chain chain;
    for (unsigned protocol = 0; protocol < 256; protocol++) {
        struct ip_header header;
        if (protocol == 0 || protocol == 43 || protocol == 44 || protocol == 60) {
            continue;
        }
        chain_start(&chain);
        chain_add(&chain, 60, 0, (uint8_t[]){1, 4, 0, 0, 0, 0}, 6);
        chain_end(&chain, (uint8_t)protocol, 12);
        /* ESP, authentication header, no next header and the unknown are the packet's protocol. */
        assert_int_equal(chain_parse(&chain, &header), HF_REASON_NONE);
        assert_int_equal(header.protocol, protocol);
        assert_int_equal(header.payload_length, 12);
    }
}

static void ipv6_options(void **state)
{
    (void)state;
    static struct chain chain;
    static const uint8_t kinds[] = {0, 60};
    for (size_t k = 0; k < 2; k++) {
        for (unsigned type = 0; type < 256; type++) {
            for (unsigned length = 0; length < 20; length++) {
                struct ip_header header;
                uint8_t body[14] = {0, (uint8_t)type, (uint8_t)length};
                chain_start(&chain);
                chain_add(&chain, kinds[k], 1, body, sizeof body);
                chain_end(&chain, IP_PROTOCOL_TCP, 20);
                enum hf_reason reason = chain_parse(&chain, &header);
                bool good = type < 0x40 && length <= 11;
                if (type == 0) { /* Pad1 has no length: what follows is the next option's type */
                    good = length < 0x40;
                }
                assert_int_equal(reason, good ? HF_REASON_NONE : HF_REASON_IP_EXTENSION);
                /* What this host sent itself is not refused for its options' types. */
                reason = parse_exact(chain.bytes, chain.length, true, &header);
                assert_int_equal(reason, type == 0 || length <= 11 ? HF_REASON_NONE
                                                                   : HF_REASON_IP_EXTENSION);
            }
        }
    }
    /* An option's type as the last byte. */
    struct ip_header header;
    chain_start(&chain);
    chain_add(&chain, 60, 0, (uint8_t[]){1, 3, 0, 0, 0, 5}, 6);
    chain_end(&chain, IP_PROTOCOL_TCP, 20);
    assert_int_equal(chain_parse(&chain, &header), HF_REASON_IP_EXTENSION);
}

static void ipv6_routing(void **state)
{
    (void)state;
    static struct chain chain;
    for (unsigned type = 0; type < 256; type++) {
        for (unsigned left = 0; left < 256; left += 51) {
            struct ip_header header;
            chain_start(&chain);
            chain_add(&chain, 43, 2, (uint8_t[]){(uint8_t)type, (uint8_t)left}, 2);
            chain_end(&chain, IP_PROTOCOL_TCP, 20);
            assert_int_equal(chain_parse(&chain, &header),
                             left == 0 ? HF_REASON_NONE : HF_REASON_IP_EXTENSION);
            assert_int_equal(parse_exact(chain.bytes, chain.length, true, &header), HF_REASON_NONE);
        }
    }
}

static void ipv6_fragments(void **state)
{
    (void)state;
    static struct chain chain;
    for (unsigned bit = 0; bit < 17; bit++) {
        struct ip_header header;
        unsigned word = bit == 16 ? 0 : 1u << bit;
        uint8_t body[] = {(uint8_t)(word >> 8), (uint8_t)word, 0, 0, 0, 1};
        chain_start(&chain);
        chain_add(&chain, 44, 0, body, sizeof body);
        chain.bytes[41] = 0xff; /* reserved: not a length */
        chain_end(&chain, IP_PROTOCOL_TCP, 20);
        bool offset = word >= 8 && bit < 16;
        bool more = word == 1;
        assert_int_equal(chain_parse(&chain, &header),
                         offset || more ? HF_REASON_IP_FRAGMENT : HF_REASON_NONE);
        assert_int_equal(parse_exact(chain.bytes, chain.length, true, &header),
                         offset ? HF_REASON_IP_FRAGMENT : HF_REASON_NONE);
    }
}

static void ipv6_bounded_chain(void **state)
{
    (void)state;
    static struct chain chain;
    struct ip_header header;
    static const uint8_t pad[] = {1, 4, 0, 0, 0, 0};
    for (unsigned count = 0; count < 20; count++) {
        chain_start(&chain);
        for (unsigned i = 0; i < count; i++) {
            chain_add(&chain, 60, 0, pad, sizeof pad);
        }
        chain_end(&chain, IP_PROTOCOL_TCP, 20);
        assert_int_equal(chain_parse(&chain, &header),
                         count <= 8 ? HF_REASON_NONE : HF_REASON_IP_EXTENSION);
    }
    /* Eight of the largest there are: 2048 bytes each. */
    static uint8_t large[2046];
    chain_start(&chain);
    for (unsigned i = 0; i < 8; i++) {
        chain_add(&chain, 60, 255, large, sizeof large);
    }
    chain_end(&chain, IP_PROTOCOL_TCP, 20);
    assert_int_equal(chain_parse(&chain, &header), HF_REASON_NONE);
    assert_int_equal(header.header_length, 40 + 8 * 2048);
    assert_int_equal(header.payload_length, 20);
    /* Hop-by-hop is only ever the first (RFC 8200 4.1). */
    chain_start(&chain);
    chain_add(&chain, 60, 0, pad, sizeof pad);
    chain_add(&chain, 0, 0, pad, sizeof pad);
    chain_end(&chain, IP_PROTOCOL_TCP, 20);
    assert_int_equal(chain_parse(&chain, &header), HF_REASON_IP_EXTENSION);
}

/* --- Writing --- */

static void emit_ipv4(void **state)
{
    (void)state;
    struct ip_header header = {.source = {HF_IPV4, {192, 168, 0, 1}},
                               .destination = {HF_IPV4, {192, 168, 0, 199}},
                               .protocol = 17,
                               .ttl = 64,
                               .dont_fragment = true,
                               .payload_length = 0x73 - 20};
    uint8_t *out = malloc(20);
    assert_non_null(out);
    assert_int_equal(ip_emit(&header, out), 20);
    assert_memory_equal(out, textbook, 20);
    header.dont_fragment = false;
    header.traffic_class = 3;
    header.identification = 0xbeef;
    header.payload_length = 65515;
    assert_int_equal(ip_emit(&header, out), 20);
    static const uint8_t expected[] = {0x45, 3, 0xff, 0xff, 0xbe, 0xef, 0, 0, 64, 17};
    assert_memory_equal(out, expected, sizeof expected);
    assert_int_equal(test_naive_checksum(out, 20), 0);
    free(out);
    assert_int_equal(ip_header_bytes(HF_IPV4), 20);
}

static void emit_ipv6(void **state)
{
    (void)state;
    struct ip_header header = {
        .source = {HF_IPV6, {0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}},
        .destination = {HF_IPV6, {0xfd, 0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}},
        .protocol = 59,
        .ttl = 63,
        .traffic_class = 0xab,
        .flow_label = 0xfff92345, /* twenty bits are sent */
        .payload_length = 0x1234};
    static struct chain chain;
    uint8_t *out = malloc(40);
    assert_non_null(out);
    assert_int_equal(ip_emit(&header, out), 40);
    chain_start(&chain);
    chain.bytes[4] = 0x12;
    chain.bytes[5] = 0x34;
    assert_memory_equal(out, chain.bytes, 40);
    free(out);
    assert_int_equal(ip_header_bytes(HF_IPV6), 40);
}

static void pseudo_sum(void **state)
{
    (void)state;
    const struct hf_address four = {HF_IPV4, {10, 0, 0, 1}};
    const struct hf_address other = {HF_IPV4, {10, 255, 0, 2}};
    static const uint8_t bytes[12] = {10, 0, 0, 1, 10, 255, 0, 2, 0, 6, 0x12, 0x34};
    uint64_t sum = ip_pseudo_sum(&four, &other, 6, 0x1234);
    uint16_t naive = test_field_of((uint16_t)~test_naive_checksum(bytes, 12));
    assert_int_equal(sum % 65535u, naive % 65535u);
    struct hf_address six = {HF_IPV6, {0}};
    struct hf_address last = {HF_IPV6, {0}};
    uint8_t long_bytes[40] = {0};
    memset(six.bytes, 0x9c, 16);
    memset(last.bytes, 0x47, 16);
    memset(long_bytes, 0x9c, 16);
    memset(long_bytes + 16, 0x47, 16);
    long_bytes[33] = 1;
    long_bytes[34] = 0x12;
    long_bytes[35] = 0x34;
    long_bytes[39] = 58;
    sum = ip_pseudo_sum(&six, &last, 58, 0x11234);
    naive = test_field_of((uint16_t)~test_naive_checksum(long_bytes, 40));
    assert_int_equal(sum % 65535u, naive % 65535u);
}

static void address_kinds(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        struct hf_address four = {HF_IPV4, {(uint8_t)first, 255, 255, 255}};
        struct hf_address six = {HF_IPV6, {(uint8_t)first, 255, 255, 255}};
        assert_int_equal(ip_is_multicast(&four), first >= 224 && first <= 239);
        assert_int_equal(ip_is_multicast(&six), first == 255);
        assert_int_equal(ip_is_broadcast(&four), first == 255);
        assert_false(ip_is_broadcast(&six));
        four.bytes[3] = 254;
        assert_false(ip_is_broadcast(&four));
    }
    struct hf_address none = {HF_FAMILY_ANY, {255, 255, 255, 255}};
    assert_false(ip_is_multicast(&none) || ip_is_broadcast(&none));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipv4_fields),       cmocka_unit_test(ipv4_every_prefix),
        cmocka_unit_test(ipv4_flipped_bits), cmocka_unit_test(ipv4_lengths),
        cmocka_unit_test(ipv4_options),      cmocka_unit_test(ipv4_fragments),
        cmocka_unit_test(versions),          cmocka_unit_test(ipv6_fields),
        cmocka_unit_test(ipv6_every_prefix), cmocka_unit_test(ipv6_chain_ends),
        cmocka_unit_test(ipv6_options),      cmocka_unit_test(ipv6_routing),
        cmocka_unit_test(ipv6_fragments),    cmocka_unit_test(ipv6_bounded_chain),
        cmocka_unit_test(emit_ipv4),         cmocka_unit_test(emit_ipv6),
        cmocka_unit_test(pseudo_sum),        cmocka_unit_test(address_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
