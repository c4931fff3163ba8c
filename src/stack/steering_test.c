/* SPDX-License-Identifier: MIT
 *
 * Whose a packet is: the same in both directions, by whichever core asks, with options and
 * extension headers or without, quoted by a router or not; spread evenly; and ports of active
 * connections are such that the answers come home. Packets are those that a stack sends, changed
 * where the network would change them.
 */
#include "checksum.h"
#include "icmp_message.h"
#include "stack_test.h"
#include "wire_bytes.h"

#include <handfast/cores.h>
#include <stdbool.h>

enum { CORES = 5, MTU = 1500, CONNECTIONS = 400 };

static const uint8_t own6[16] = {0xfd, [15] = 1};
static const uint8_t peer6[16] = {0xfd, [7] = 9, [15] = 2};

static struct hf_address own_address(bool ipv6)
{
    return ipv6 ? hf_address_ipv6(own6) : hf_address_ipv4(10, 0, 0, 1);
}

static struct hf_address peer_address(bool ipv6)
{
    return ipv6 ? hf_address_ipv6(peer6) : hf_address_ipv4(10, 0, 0, 2);
}

static struct hf_stack *make_core(unsigned core, unsigned cores, bool ipv6)
{
    struct hf_address address = own_address(ipv6);
    struct hf_config config = stack_test_config(3, 0);
    config.core = (uint8_t)core;
    config.cores = (uint8_t)cores;
    config.mtu = MTU;
    return stack_test_host(&config, &address);
}

/* A SYN of this core's, by hf_connect. Its length. */
static size_t open_one(struct hf_stack *stack, bool ipv6, uint16_t port, uint8_t packet[MTU],
                       hf_handle *handle)
{
    struct hf_endpoint remote = {peer_address(ipv6), port};
    ptrdiff_t length;
    assert_int_equal(hf_connect(stack, NULL, &remote, 0, handle), HF_OK);
    length = hf_stack_output(stack, packet, MTU, 0);
    assert_true(length > 40);
    return (size_t)length;
}

/* As the peer would answer: the other way round. Nobody verifies its checksums here. */
static void turn_round(uint8_t *packet, bool ipv6)
{
    uint8_t kept[16];
    size_t each = ipv6 ? 16 : 4;
    uint8_t *source = packet + (ipv6 ? 8 : 12);
    uint8_t *ports = packet + (ipv6 ? 40 : 20);
    memcpy(kept, source, each);
    memcpy(source, source + each, each);
    memcpy(source + each, kept, each);
    memcpy(kept, ports, 2);
    memcpy(ports, ports + 2, 2);
    memcpy(ports + 2, kept, 2);
}

static void mend_ipv4(uint8_t *packet, size_t header, size_t length)
{
    uint16_t field = 0;
    packet[0] = (uint8_t)(0x40 | header / 4);
    wire_write_16(packet + 2, (uint16_t)length);
    memcpy(packet + 10, &field, 2);
    field = checksum_finish(checksum_add(0, packet, header));
    memcpy(packet + 10, &field, 2);
}

static void expect_core(struct hf_stack *const stacks[CORES], const uint8_t *packet, size_t length,
                        uint32_t core)
{
    for (int asks = 0; asks < CORES; asks++)
        assert_int_equal(hf_stack_core_of(stacks[asks], packet, length), core);
}

/* With IP options, or a destination options header: the slow way says the same. */
static void check_with_options(struct hf_stack *const stacks[CORES], const uint8_t *packet,
                               size_t length, bool ipv6, uint32_t core)
{
    uint8_t longer[MTU];
    size_t header = ipv6 ? 40 : 20;
    memcpy(longer, packet, header);
    memset(longer + header, ipv6 ? 0 : 1, 8); /* IPv4: no-operations */
    memcpy(longer + header + 8, packet + header, length - header);
    if (ipv6) {
        longer[6] = 60;
        longer[header] = 6;
        longer[header + 2] = 1; /* PadN of four */
        longer[header + 3] = 4;
        wire_write_16(longer + 4, (uint16_t)(length - header + 8));
    } else {
        mend_ipv4(longer, header + 8, length + 8);
    }
    expect_core(stacks, longer, length + 8, core);
}

/* A router on the way says that the packet could not go on. */
static void check_quoted(struct hf_stack *const stacks[CORES], const uint8_t *packet, size_t length,
                         bool ipv6, uint32_t core)
{
    struct hf_address router = peer_address(ipv6);
    struct hf_address own = own_address(ipv6);
    struct ip_header ip = {.source = router, .destination = own, .ttl = 64};
    uint8_t error[MTU];
    size_t header;
    size_t icmp;
    router.bytes[2] = 77;
    ip.source = router;
    ip.protocol = ipv6 ? IP_PROTOCOL_ICMPV6 : IP_PROTOCOL_ICMP;
    header = ip_header_bytes(router.family);
    icmp = icmp_emit_error(ipv6 ? 1 : 3, 0, 0, &router, &own, packet, length, error + header,
                           MTU - header);
    assert_true(icmp > 0);
    ip.payload_length = (uint32_t)icmp;
    ip_emit(&ip, error);
    expect_core(stacks, error, header + icmp, core);
}

static void check_answers_come_home(bool ipv6)
{
    struct hf_stack *stacks[CORES];
    for (unsigned core = 0; core < CORES; core++)
        stacks[core] = make_core(core, CORES, ipv6);
    for (unsigned core = 0; core < CORES; core++) {
        for (unsigned i = 0; i < CONNECTIONS; i++) {
            uint8_t packet[MTU];
            hf_handle handle;
            size_t length = open_one(stacks[core], ipv6, (uint16_t)(1 + i % 7), packet, &handle);
            assert_int_equal(hf_handle_core(handle), core);
            check_with_options(stacks, packet, length, ipv6, core);
            check_quoted(stacks, packet, length, ipv6, core);
            expect_core(stacks, packet, length, core);
            turn_round(packet, ipv6);
            expect_core(stacks, packet, length, core);
        }
    }
    for (int core = 0; core < CORES; core++)
        hf_stack_free(stacks[core]);
}

static void test_answers_come_home(void **state)
{
    (void)state;
    check_answers_come_home(false);
    check_answers_come_home(true);
}

/* A port of the program's own choosing is as good as its answers' way. */
static void test_own_port(void **state)
{
    struct hf_stack *stack = make_core(1, 2, false);
    struct hf_endpoint local = {own_address(false), 0};
    struct hf_endpoint remote = {peer_address(false), 80};
    int refused = 0;
    (void)state;
    for (uint16_t port = 1; port <= 200; port++) {
        hf_handle handle;
        int result;
        local.port = port;
        result = hf_connect(stack, &local, &remote, 0, &handle);
        assert_true(result == HF_OK || result == HF_EADDRNOTAVAIL);
        refused += result != HF_OK;
    }
    assert_in_range(refused, 60, 140);
    hf_stack_free(stack);
}

/* Flows of one client, port by port, as a load generator has them. */
static void test_spread(void **state)
{
    struct hf_stack *stack = make_core(2, CORES, false);
    struct hf_stack *single = make_core(0, 1, false);
    uint8_t packet[MTU];
    uint32_t counts[CORES] = {0};
    hf_handle handle;
    size_t length = open_one(stack, false, 80, packet, &handle);
    (void)state;
    for (uint32_t port = 1024; port < 65536; port++) {
        wire_write_16(packet + 20, (uint16_t)port);
        counts[hf_stack_core_of(stack, packet, length)]++;
        assert_int_equal(hf_stack_core_of(single, packet, length), 0);
    }
    /* A fifth of 64,512 is 12,902; a binomial's deviation would be 102. */
    for (int core = 0; core < CORES; core++)
        assert_in_range(counts[core], 12902 - 900, 12902 + 900);
    hf_stack_free(stack);
    hf_stack_free(single);
}

/* What belongs to no flow stays where it came. */
static void test_of_no_flow(void **state)
{
    struct hf_stack *stack = make_core(3, CORES, false);
    uint8_t packet[MTU];
    hf_handle handle;
    size_t length = open_one(stack, false, 80, packet, &handle);
    (void)state;
    for (size_t shorter = 0; shorter < 24; shorter++)
        assert_int_equal(hf_stack_core_of(stack, packet, shorter), 3);
    wire_write_16(packet + 6, 0x2000); /* a first fragment */
    mend_ipv4(packet, 20, length);
    assert_int_equal(hf_stack_core_of(stack, packet, length), 3);
    wire_write_16(packet + 6, 0x0005); /* and a later one */
    mend_ipv4(packet, 20, length);
    assert_int_equal(hf_stack_core_of(stack, packet, length), 3);
    hf_stack_free(stack);
}

/* A handle means something to its own core alone. */
static void test_handles(void **state)
{
    struct hf_stack *one = make_core(0, 2, false);
    struct hf_stack *other = make_core(1, 2, false);
    struct hf_endpoint local = {own_address(false), 80};
    struct hf_status status;
    uint8_t packet[MTU];
    hf_handle first;
    hf_handle second;
    hf_handle listeners[2];
    (void)state;
    (void)open_one(one, false, 80, packet, &first);
    (void)open_one(other, false, 80, packet, &second);
    assert_true(first != second);
    assert_int_equal(hf_status(one, first, &status), HF_OK);
    assert_true(status.handle == first);
    assert_int_equal(hf_status(other, second, &status), HF_OK);
    assert_int_equal(hf_status(one, second, &status), HF_EBADF);
    assert_int_equal(hf_status(other, first, &status), HF_EBADF);
    assert_int_equal(hf_send(other, first, "x", 1, 0, 0), HF_EBADF);
    assert_int_equal(hf_listen(one, &local, 1, &listeners[0]), HF_OK);
    assert_int_equal(hf_listen(other, &local, 1, &listeners[1]), HF_OK);
    assert_int_equal(hf_handle_core(listeners[1]), 1);
    assert_int_equal(hf_close(one, listeners[1], 0), HF_EBADF);
    assert_int_equal(hf_close(other, listeners[1], 0), HF_OK);
    assert_int_equal(hf_close(other, listeners[0], 0), HF_EBADF);
    hf_stack_free(one);
    hf_stack_free(other);
}

static void test_config(void **state)
{
    struct hf_config config = stack_test_config(3, 0);
    (void)state;
    config.cores = 0;
    assert_null(hf_stack_new(&config));
    config.cores = HF_CORES_MAX + 1;
    assert_null(hf_stack_new(&config));
    config.cores = 2;
    config.core = 2;
    assert_null(hf_stack_new(&config));
    config.core = 1;
    config.max_connections = 1u << 26;
    assert_null(hf_stack_new(&config));
    config.max_connections = (1u << 26) - 1;
    config.max_listeners = 1u << 26;
    assert_null(hf_stack_new(&config));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_come_home),
        cmocka_unit_test(test_own_port),
        cmocka_unit_test(test_spread),
        cmocka_unit_test(test_of_no_flow),
        cmocka_unit_test(test_handles),
        cmocka_unit_test(test_config),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
