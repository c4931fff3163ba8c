/* SPDX-License-Identifier: MIT
 *
 * IsLost () of RFC 6675, kept up by an edge that moves, against its definition: for each record,
 * what lies SACKed above it is counted anew. And the pipe that its rules leave.
 */
#include "tcp_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* needs what is above */
#include <cmocka.h>

#define LENGTHS 3u

struct bench {
    struct memory memory;
    struct hf_config config;
    struct tcp_host host;
    struct tcp_conn conn;
    uint64_t state; /* of the random numbers */
    uint32_t next;  /* the number that the next record begins with */
    bool lost[1u << 16];
    uint32_t first; /* what was taken off */
};

static void *take(void *context, size_t size)
{
    (void)context;
    return malloc(size);
}

static void give(void *context, void *memory, size_t size)
{
    (void)context;
    (void)size;
    free(memory);
}

static uint32_t draw(struct bench *bench, uint32_t below)
{
    bench->state = bench->state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(bench->state >> 33) % below;
}

static struct bench *bench_new(uint64_t seed, uint16_t threshold)
{
    static const struct hf_allocator allocator = {take, give, NULL};
    struct bench *bench = calloc(1, sizeof *bench);
    assert_non_null(bench);
    memory_init(&bench->memory, &allocator, 1u << 30);
    bench->host.config = &bench->config;
    bench->host.memory = &bench->memory;
    bench->conn.reordering = threshold;
    bench->conn.sack = true;
    bench->conn.tuple.family = HF_IPV4;
    bench->conn.peer_mss = 1000;
    bench->conn.path_mtu = 1500;
    bench->state = seed;
    return bench;
}

static void bench_free(struct bench *bench)
{
    tcp_sent_free(&bench->conn.sent, &bench->memory);
    assert_int_equal(bench->memory.used_bytes, 0);
    free(bench);
}

static void send_some(struct bench *bench)
{
    static const uint32_t lengths[LENGTHS] = {1000, 100, 1000};
    for (uint32_t left = draw(bench, 6); left > 0; left--) {
        uint32_t length = lengths[draw(bench, LENGTHS)];
        assert_true(tcp_sent_reserve(&bench->conn.sent, &bench->memory, 0));
        tcp_sent_add(bench->conn.sent, seq_make(bench->next), length, 1);
        bench->next += length;
        bench->conn.snd.nxt = seq_make(bench->next);
    }
}

static void take_some(struct bench *bench)
{
    struct tcp_sent *sent = bench->conn.sent;
    uint32_t drop = draw(bench, 4) == 0 ? draw(bench, 4) : 0;
    uint32_t at = draw(bench, sent->count);
    uint32_t run = draw(bench, 3);
    for (; drop > 0 && sent->count > 0; drop--) {
        bench->conn.snd.una = tcp_sent_end(tcp_sent_at(sent, sent->first));
        tcp_sent_drop_first(sent);
        bench->first++;
    }
    for (; run > 0 && at < sent->count; run--, at++) {
        if (!(tcp_sent_at(sent, sent->first + at)->flags & TCP_SENT_SACKED)) {
            tcp_sent_mark_sacked(sent, sent->first + at);
        }
    }
}

/* The definition, from the top down. */
static void compare(struct bench *bench)
{
    struct tcp_sent *sent = bench->conn.sent;
    uint32_t mss = tcp_effective_mss(&bench->conn);
    uint32_t bytes = 0, runs = 0;
    bool above = false;
    for (uint32_t place = sent->count; place > 0; place--) {
        const struct tcp_sent_record *record = tcp_sent_at(sent, sent->first + place - 1);
        bool *lost = &bench->lost[(bench->first + place - 1) % (1u << 16)];
        if (record->flags & TCP_SENT_SACKED) {
            bytes += record->length;
            runs += !above;
            above = true;
            continue;
        }
        above = false;
        *lost |= runs >= bench->conn.reordering || bytes > (bench->conn.reordering - 1u) * mss;
        assert_int_equal((record->flags & TCP_SENT_LOST) != 0, *lost);
    }
}

static void is_lost_as_defined(void **unused)
{
    (void)unused;
    for (uint16_t threshold = 1; threshold <= 7; threshold++) {
        struct bench *bench = bench_new(threshold * 77u, threshold);
        struct tcp_ack_news news = {.progress = true};
        uint32_t found = 0;
        for (unsigned round = 0; round < 4000; round++) {
            send_some(bench);
            if (bench->conn.sent == NULL || bench->conn.sent->count == 0) {
                continue;
            }
            tcp_rfc6675_before_ack(&bench->conn);
            take_some(bench);
            if (draw(bench, 50) == 0) {
                bench->conn.sent->edge.on = false; /* as an undo leaves it: counted anew */
                tcp_rfc6675_before_ack(&bench->conn);
            }
            if (bench->conn.sent->count > 0) {
                found += tcp_rfc6675_detect_loss(&bench->conn, &bench->host, &news);
                compare(bench);
            }
        }
        assert_true(found > 300);
        bench_free(bench);
    }
}

/* SetPipe () (b): what was sent again without being lost counts twice, until it is lost, SACKed or
 * acknowledged. */
static void in_flight_twice(void **unused)
{
    struct bench *bench = bench_new(1, 3);
    struct tcp_sent *sent;
    (void)unused;
    for (unsigned i = 0; i < 4; i++) {
        assert_true(tcp_sent_reserve(&bench->conn.sent, &bench->memory, 0));
        tcp_sent_add(bench->conn.sent, seq_make(1000 * i), 1000, 1);
    }
    sent = bench->conn.sent;
    for (uint32_t id = sent->first; id < sent->first + 4; id++) {
        tcp_sent_repeat(sent, id, 2);
        tcp_sent_mark_twice(sent, id);
        tcp_sent_mark_twice(sent, id); /* once only */
    }
    assert_int_equal(tcp_sent_pipe(sent, 4000), 8000);
    tcp_sent_mark_lost_repeated(sent, sent->first);
    assert_int_equal(tcp_sent_pipe(sent, 4000), 7000);
    assert_int_equal(tcp_sent_next_lost(sent), TCP_SENT_NONE); /* its repetition is out */
    tcp_sent_mark_sacked(sent, sent->first + 3);
    assert_int_equal(tcp_sent_pipe(sent, 4000), 5000);
    tcp_sent_mark_lost(sent, sent->first + 1);
    assert_int_equal(tcp_sent_pipe(sent, 4000), 3000);
    assert_int_equal(tcp_sent_next_lost(sent), sent->first + 1);
    tcp_sent_drop_first(sent);
    tcp_sent_drop_first(sent);
    assert_int_equal(tcp_sent_pipe(sent, 2000), 2000);
    tcp_sent_cut_first(sent, seq_make(2500));
    assert_int_equal(tcp_sent_pipe(sent, 1500), 1000);
    assert_int_equal(sent->lost_count, 0);
    assert_int_equal(sent->twice_count, 1);
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_lost_as_defined),
        cmocka_unit_test(in_flight_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
