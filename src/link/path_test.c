/* SPDX-License-Identifier: MIT
 *
 * A path for real packets: times, limits, managed queues, and the ICMP that goes back. The packets
 * are IPv4 and IPv6 headers with a number in them; what comes out is read by offsets of the RFCs.
 */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <handfast/path.h>
#include <string.h>

#define MILLISECOND HF_MILLISECOND

static uint8_t packet[65536], taken[65536];

static void make_packet(size_t length, uint8_t traffic_class, bool ipv6)
{
    memset(packet, 0, length);
    if (ipv6) {
        packet[0] = (uint8_t)(0x60 | traffic_class >> 4);
        packet[1] = (uint8_t)(traffic_class << 4);
        packet[6] = 6;
        memset(packet + 8, 1, 16);
        memset(packet + 24, 2, 16);
        return;
    }
    packet[0] = 0x45;
    packet[1] = traffic_class;
    packet[2] = (uint8_t)(length >> 8);
    packet[3] = (uint8_t)length;
    packet[6] = 0x40; /* DF */
    packet[9] = 6;
    memset(packet + 12, 1, 4);
    memset(packet + 16, 2, 4);
}

static struct hf_path *open_path(const struct hf_sim_direction *rules)
{
    struct hf_path *path = hf_path_new(rules, 7);

    assert_non_null(path);
    return path;
}

static void check_sum_of_counts(const struct hf_path *path, uint64_t injected)
{
    struct hf_sim_statistics did = hf_path_statistics(path);

    assert_int_equal(did.sent + did.duplicated + injected, did.delivered + did.lost +
                                                               did.queue_drops + did.aqm_drops +
                                                               did.mtu_drops + did.in_flight);
}

/* 1,000 bytes at 8 Mbit/s take 1 ms each; the delay comes on top. */
static void rate_and_delay_are_exact(void **state)
{
    const struct hf_sim_direction plain = {.rate_bits_per_second = 8000000,
                                           .delay_ns = 20 * MILLISECOND};
    const struct hf_sim_direction by_bytes = {
        .rate_bits_per_second = 8000000, .delay_ns = 20 * MILLISECOND, .queue_bytes = 1000000};
    const struct hf_sim_direction *both[] = {&plain, &by_bytes};

    (void)state;
    make_packet(1000, 0, false);
    for (int kind = 0; kind < 2; kind++) {
        struct hf_path *path = open_path(both[kind]);
        hf_time now = 0;

        assert_int_equal(hf_path_next_time(path), HF_TIME_NEVER);
        for (int i = 0; i < 10; i++)
            assert_int_equal(hf_path_send(path, packet, 1000, 0), HF_OK);
        for (int i = 1; i <= 10; i++) {
            while (hf_path_take(path, taken, sizeof taken, now) == 0)
                now = hf_path_next_time(path);
            assert_int_equal(now, (20 + i) * MILLISECOND);
        }
        assert_int_equal(hf_path_next_time(path), HF_TIME_NEVER);
        assert_int_equal(hf_path_statistics(path).queue_ns, 45 * MILLISECOND);
        assert_int_equal(hf_path_statistics(path).queue_ns_max, 9 * MILLISECOND);
        assert_int_equal(hf_path_statistics(path).bytes_delivered, 10000);
        check_sum_of_counts(path, 0);
        hf_path_free(path);
    }
}

/* One is on the wire, so 3,000 bytes hold three more of 1,000. */
static void bytes_limit_the_queue(void **state)
{
    struct hf_path *path =
        open_path(&(struct hf_sim_direction){.rate_bits_per_second = 8000000, .queue_bytes = 3000});

    (void)state;
    make_packet(1000, 0, false);
    for (int i = 0; i < 10; i++)
        hf_path_send(path, packet, 1000, 0);
    assert_int_equal(hf_path_statistics(path).queue_drops, 6);
    /* A millisecond later there is room for one. */
    hf_path_send(path, packet, 1000, MILLISECOND);
    hf_path_send(path, packet, 1000, MILLISECOND);
    assert_int_equal(hf_path_statistics(path).queue_drops, 7);
    check_sum_of_counts(path, 0);
    hf_path_free(path);
}

/* Offers 1.25 times the rate for four seconds. Returns the statistics. */
static struct hf_sim_statistics overload(const struct hf_sim_direction *rules, uint8_t class)
{
    struct hf_path *path = open_path(rules);
    struct hf_sim_statistics did;
    uint64_t marked = 0;
    ptrdiff_t length;

    make_packet(1000, class, false);
    for (hf_time now = 0; now < 4 * HF_SECOND; now += 800 * HF_MICROSECOND) {
        hf_path_send(path, packet, 1000, now);
        while ((length = hf_path_take(path, taken, sizeof taken, now)) > 0)
            marked += (taken[1] & 3) == 3;
    }
    did = hf_path_statistics(path);
    check_sum_of_counts(path, 0);
    assert_true(marked <= did.marked && did.marked <= marked + did.in_flight);
    hf_path_free(path);
    return did;
}

static void managed_queues_drop_or_mark(void **state)
{
    struct hf_sim_direction rules = {
        .rate_bits_per_second = 8000000, .queue_packets = 5000, .management = HF_SIM_CODEL};
    struct hf_sim_statistics did;

    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        did = overload(&rules, 1);
        assert_true(did.aqm_drops > 50);
        assert_int_equal(did.marked, 0);
        rules.mark = true;
        did = overload(&rules, 1);
        assert_true(did.marked > 50);
        did = overload(&rules, 0); /* Not-ECT */
        assert_true(did.aqm_drops > 50);
        assert_int_equal(did.marked, 0);
        rules = (struct hf_sim_direction){.rate_bits_per_second = 8000000,
                                          .queue_packets = 5000,
                                          .management = HF_SIM_RED,
                                          .red_minimum_bytes = 10000,
                                          .red_maximum_bytes = 30000,
                                          .red_maximum_ppm = 100000};
    }
}

static uint32_t ones_sum(uint32_t sum, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        sum += i % 2 == 0 ? bytes[i] * 256u : bytes[i];
    while (sum > 0xffff)
        sum = sum % 0x10000 + sum / 0x10000;
    return sum;
}

static void who_sends_too_much_is_told(void **state)
{
    struct hf_sim_direction rules = {.mtu = 1400, .too_big = true};
    struct hf_path *there, *back;
    ptrdiff_t length;

    (void)state;
    rules.router[0] = (struct hf_address){.family = HF_IPV4, .bytes = {192, 0, 2, 9}};
    there = open_path(&rules);
    back = open_path(&(struct hf_sim_direction){.delay_ns = 5 * MILLISECOND});
    hf_path_set_back(there, back);
    make_packet(1500, 0, false);
    hf_path_send(there, packet, 1500, 0);
    assert_int_equal(hf_path_next_time(back), 5 * MILLISECOND);
    length = hf_path_take(back, taken, sizeof taken, 5 * MILLISECOND);
    assert_int_equal(length, 576);
    assert_memory_equal(taken + 12, "\xc0\x00\x02\x09\x01\x01\x01\x01", 8);
    assert_memory_equal(taken + 20, "\x03\x04", 2);
    assert_memory_equal(taken + 26, "\x05\x78", 2); /* 1400 */
    assert_memory_equal(taken + 28, packet, 548);
    assert_int_equal(ones_sum(0, taken, 20), 0xffff);
    assert_int_equal(ones_sum(0, taken + 20, 556), 0xffff);
    /* DF is off: nobody is told. */
    packet[6] = 0;
    hf_path_send(there, packet, 1500, 0);
    /* It is itself an ICMP error: neither. */
    make_packet(1500, 0, false);
    packet[9] = 1;
    packet[20] = 3;
    hf_path_send(there, packet, 1500, 0);
    assert_int_equal(hf_path_next_time(back), HF_TIME_NEVER);
    make_packet(1500, 0, true);
    hf_path_send(there, packet, 1500, 6 * MILLISECOND);
    length = hf_path_take(back, taken, sizeof taken, 11 * MILLISECOND);
    assert_int_equal(length, 1280);
    assert_memory_equal(taken + 8, packet + 24, 16); /* no IPv6 router: the destination */
    assert_memory_equal(taken + 40, "\x02\x00", 2);
    assert_memory_equal(taken + 44, "\x00\x00\x05\x78", 4);
    assert_int_equal(ones_sum(ones_sum(1240 + 58, taken + 8, 32), taken + 40, 1240), 0xffff);
    assert_int_equal(hf_path_statistics(there).mtu_drops, 4);
    assert_int_equal(hf_path_statistics(there).too_big, 2);
    check_sum_of_counts(there, 0);
    check_sum_of_counts(back, 2);
    hf_path_free(there);
    hf_path_free(back);
}

static void wrong_values_are_refused(void **state)
{
    struct hf_path *path = open_path(&(struct hf_sim_direction){.delay_ns = 1});
    const struct hf_sim_direction wrong[] = {
        {.loss_ppm = 1000001},
        {.delay_ns = -1},
        {.management = HF_SIM_RED},
        {.management = HF_SIM_RED,
         .red_minimum_bytes = 5,
         .red_maximum_bytes = 5,
         .red_maximum_ppm = 1},
        {.management = HF_SIM_CODEL, .codel_target_ns = -1},
        {.management = HF_SIM_CODEL, .codel_interval_ns = 1001 * HF_SECOND},
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_null(hf_path_new(&wrong[i], 1));
        assert_int_equal(hf_path_set_rules(path, &wrong[i]), HF_EINVAL);
    }
    assert_null(hf_path_new(NULL, 1));
    assert_int_equal(hf_path_send(path, packet, 0, 0), HF_EINVAL);
    assert_int_equal(hf_path_send(path, packet, 65536, 0), HF_EINVAL);
    assert_int_equal(hf_path_send(path, packet, 10, -1), HF_EINVAL);
    assert_int_equal(hf_path_send(path, packet, 10, 0), HF_OK);
    assert_int_equal(hf_path_take(path, taken, 9, 1), HF_EMSGSIZE);
    assert_int_equal(hf_path_take(path, taken, 10, 1), 10);
    hf_path_free(path);
    hf_path_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rate_and_delay_are_exact),    cmocka_unit_test(bytes_limit_the_queue),
        cmocka_unit_test(managed_queues_drop_or_mark), cmocka_unit_test(who_sends_too_much_is_told),
        cmocka_unit_test(wrong_values_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
