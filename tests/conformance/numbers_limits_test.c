/* SPDX-License-Identifier: MIT
 *
 * Limits: every queue and table has one in hf_config, reaching it is a counter and never a crash,
 * and who was there before is none the worse.
 */
#include "round_trip.h"
#include <stdlib.h>
#include <string.h>

/* config.max_replies: answers that nobody fetches are bounded; what does not fit is counted. */
static void replies_are_bounded(void **state)
{
    struct world *w = *state;
    uint8_t packet[200];
    unsigned answers = 0;
    size_t length;

    w->config.max_replies = 10;
    world_restart(w);
    length = build(w, packet, sizeof packet, "S seq=0 mss=1000");
    for (unsigned i = 0; i < 1000; i++) {
        hf_stack_input(w->stack, packet, length, w->now);
    }
    run_for(w, 0, 0);
    while (next_packet(w) != NULL) {
        answers++;
    }
    assert_int_equal(answers, 10);
    assert_int_equal(counters_of(w).replies_dropped, 990);
    peer(w, "S seq=0"); /* and then it goes on */
    sends(w, "R. seq=#0 ack=1");
}

/* config.max_connections: hf_connect says HF_ENOBUFS; an opening by a peer waits in its record
 * until there is room, and completes then. */
static void connections_are_bounded(void **state)
{
    struct world *w = *state;
    struct hf_endpoint remote = {w->peer_address, 7777};
    hf_handle handle;

    w->config.max_connections = 3;
    world_restart(w);
    user_listen(w);
    for (unsigned i = 0; i < 3; i++) {
        use_flow(w, (uint16_t)(41000 + i));
        establish_passive(w, 65535, "mss=1000");
    }
    assert_int_equal(hf_connect(w->stack, NULL, &remote, w->now, &handle), HF_ENOBUFS);
    use_flow(w, 41003);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    peer(w, ". seq=1 ack=1");
    assert_int_equal(w->reason, HF_REASON_RESOURCES);
    silent(w);
    in_state(w, HF_SYN_RECEIVED);
    no_event(w, HF_EVENT_ACCEPTABLE);
    use_flow(w, 41000);
    user_abort(w);
    sends(w, "R. seq=1 ack=1");
    use_flow(w, 41003);
    sends_between(w, 0, HF_SECOND, "S. seq=0 ack=1");
    peer(w, ". seq=1 ack=1");
    event(w, HF_EVENT_ACCEPTABLE, HF_OK);
    user_accept(w);
    in_state(w, HF_ESTABLISHED);
    use_flow(w, 41001);
    user_send(w, 10);
    sends(w, "P. seq=1 ack=1 len=10");
    peer(w, ". seq=1 ack=11");
    assert_int_equal(counters_of(w).connections, 3);
}

/* What the program has let go is no connection any more, though an event of it was never taken. */
static void slot_is_free_at_once(void **state)
{
    struct world *w = *state;
    struct hf_endpoint remote = {w->peer_address, 7777};
    uint8_t packet[200];
    hf_handle handle;
    size_t length;

    w->config.max_connections = 1;
    w->config.max_listeners = 1;
    world_restart(w);
    establish_passive(w, 65535, "mss=1000");
    length = build(w, packet, sizeof packet, "R seq=1");
    hf_stack_input(w->stack, packet, length, w->now); /* the event waits */
    assert_int_equal(hf_close(w->stack, w->flow->connection, w->now), HF_OK);
    assert_int_equal(counters_of(w).connections, 0);
    assert_int_equal(hf_connect(w->stack, NULL, &remote, w->now, &handle), HF_OK);
    assert_int_equal(hf_abort(w->stack, handle, w->now), HF_OK);
    run_for(w, 0, 0);
    while (next_packet(w) != NULL) {
    }
}

/* config.max_time_wait: the oldest leaves early, and is counted. */
static void time_waits_are_bounded(void **state)
{
    struct world *w = *state;

    w->config.max_time_wait = 4;
    world_restart(w);
    user_listen(w);
    for (unsigned i = 0; i < 7; i++) {
        use_flow(w, (uint16_t)(41000 + i));
        establish_passive(w, 65535, "mss=1000");
        user_close(w);
        sends(w, "F. seq=1 ack=1");
        peer(w, "F. seq=1 ack=2");
        sends(w, ". seq=2 ack=2");
        in_state(w, HF_TIME_WAIT);
        run_for(w, HF_SECOND, 0);
    }
    assert_int_equal(counters_of(w).time_waits, 4);
    assert_int_equal(counters_of(w).time_wait_evicted, 3);
    for (unsigned i = 0; i < 7; i++) {
        use_flow(w, (uint16_t)(41000 + i));
        in_state(w, i < 3 ? HF_CLOSED : HF_TIME_WAIT);
        peer(w, "F. seq=1 ack=2");
        if (i < 3) {
            sends(w, "R seq=2");
        } else {
            sends(w, ". seq=2 ack=2");
        }
    }
    silent_for(w, 61 * HF_SECOND);
    assert_int_equal(counters_of(w).time_waits, 0);
}

struct account {
    uint64_t used, peak;
};

static void *counted_allocate(void *context, size_t size)
{
    struct account *account = context;
    account->used += size;
    account->peak = account->used > account->peak ? account->used : account->peak;
    return malloc(size);
}

static void counted_release(void *context, void *memory, size_t size)
{
    struct account *account = context;
    account->used -= size;
    free(memory);
}

/* A stack of `bytes` whose allocations are counted here, from outside. */
static void small_stack(struct world *w, struct account *account, uint64_t bytes)
{
    w->config.memory_bytes = bytes;
    w->config.allocator = (struct hf_allocator){counted_allocate, counted_release, account};
    hf_stack_free(w->stack);
    w->stack = NULL;
    memset(account, 0, sizeof *account);
    world_restart(w);
}

static void keep_within(struct world *w, const struct account *account)
{
    struct hf_counters c = counters_of(w);
    assert_true(account->peak <= w->config.memory_bytes);
    assert_true(c.memory_used_bytes == account->used);
    assert_true(c.memory_peak_bytes <= w->config.memory_bytes);
}

/* config.memory_bytes: a flood of data on one connection, in the worst order, is refused at the
 * limit; the connection survives, and once the program reads goes on. */
static void memory_limit_one_flood(void **state)
{
    struct world *w = *state;
    static struct account account;
    unsigned refused = 0, received = 0, seq;

    w->config.receive_buffer_bytes = 4 << 20;
    small_stack(w, &account, 700000);
    establish_passive(w, 65535, "mss=1400 ws=7 sackok");
    for (unsigned i = 0; i < 1000; i++) { /* far apart: a page each */
        peer(w, ". seq=%u ack=1 len=1", 10000 + i * 4096 % 60000);
        w->event_count = 0;
        refused += w->reason == HF_REASON_MEMORY_LIMIT;
        while (next_packet(w) != NULL) {
        }
    }
    keep_within(w, &account);
    for (seq = 1; seq < 1400 * 1000; seq += 1400) { /* in order, nobody reads */
        peer(w, ". seq=%u ack=1 len=1400", seq);
        w->event_count = 0;
        while (next_packet(w) != NULL) {
        }
        if (w->reason == HF_REASON_MEMORY_LIMIT) {
            refused++;
            break;
        }
    }
    assert_true(refused > 0);
    keep_within(w, &account);
    in_state(w, HF_ESTABLISHED);
    received = status_of(w).receive_queue_bytes;
    assert_in_range(received, 100000, 700000);
    user_recv(w, received);
    run_for(w, HF_SECOND, 0);
    while (next_packet(w) != NULL) {
    }
    seq = status_of(w).numbers.rcv_nxt - w->flow->peer_iss;
    peer(w, ". seq=%u ack=1 len=1000", seq);
    run_for(w, HF_SECOND, 0);
    while (next_packet(w) != NULL) {
    }
    assert_true(status_of(w).numbers.rcv_nxt - w->flow->peer_iss >= seq + 1000);
    user_send(w, 1000);
    assert_non_null(next_packet(w));
    peer(w, ". seq=%u ack=1001", status_of(w).numbers.rcv_nxt - w->flow->peer_iss);
    keep_within(w, &account);
}

/* The program's own data counts, too: hf_send says HF_ENOMEM or takes less, and works again when
 * the peer has acknowledged. */
static void memory_limit_sending(void **state)
{
    struct world *w = *state;
    static struct account account;
    static uint8_t bytes[100000];
    unsigned taken = 0;
    ptrdiff_t n;

    w->config.send_buffer_bytes = 4 << 20;
    small_stack(w, &account, 500000);
    establish_passive(w, 0, "mss=1000");
    while ((n = hf_send(w->stack, w->flow->connection, bytes, 10000, 0, w->now)) > 0) {
        taken += (unsigned)n;
        assert_true(taken < 4 << 20);
    }
    assert_int_equal(n, HF_ENOMEM);
    keep_within(w, &account);
    assert_true(taken >= 100000);
    in_state(w, HF_ESTABLISHED);
    assert_int_equal(hf_abort(w->stack, w->flow->connection, w->now), HF_OK);
    run_for(w, 0, 0);
    sends(w, "R. seq=1 ack=1");
    new_incarnation(w, 3);
    establish_passive(w, 65535, "mss=1000");
    user_send(w, 1000);
    sends(w, "P. seq=1 ack=1 len=1000");
    peer(w, ". seq=1 ack=1001");
    keep_within(w, &account);
}

/* A flood of SYNs and of segments for nobody, against a small stack: the limit holds, and the
 * connection that was there goes on. */
static void memory_limit_syn_flood(void **state)
{
    struct world *w = *state;
    static struct account account;
    uint8_t packet[200];

    w->config.syn_cookies = 0;
    w->config.max_syn_records = 1000;
    small_stack(w, &account, 400000);
    establish_passive(w, 65535, "mss=1000");
    for (unsigned i = 0; i < 20000; i++) {
        size_t length =
            build(w, packet, sizeof packet, "%s seq=%u mss=1000", i % 3 ? "S" : "-", i * 7919);
        size_t tcp = w->family == HF_IPV4 ? 20 : 40;
        packet[tcp] = (uint8_t)(i >> 8 | 0x40);
        packet[tcp + 1] = (uint8_t)i;
        if (i % 3 == 0) {
            packet[tcp + 3] = 99; /* no listener */
        }
        segment_fix_checksum(packet, length);
        hf_stack_input(w->stack, packet, length, w->now);
        if (i % 50 == 0) {
            uint8_t out[1500];
            while (hf_stack_output(w->stack, out, sizeof out, w->now) > 0) {
            }
        }
    }
    {
        uint8_t out[1500];
        while (hf_stack_output(w->stack, out, sizeof out, w->now) > 0) {
        }
    }
    keep_within(w, &account);
    user_send(w, 1000);
    sends(w, "P. seq=1 ack=1 len=1000");
    peer(w, ". seq=1 ack=1001 len=10");
    user_recv(w, 10);
    assert_true(counters_of(w).syn_records <= w->config.max_syn_records);
    keep_within(w, &account);
    assert_int_equal(hf_close(w->stack, w->listener, w->now), HF_OK);
    assert_int_equal(counters_of(w).syn_records, 0);
    while (next_packet(w) != NULL) {
    }
}

/* hf_connect without memory: HF_ENOMEM, and nothing is left behind. */
static void memory_limit_connecting(void **state)
{
    struct world *w = *state;
    static struct account account;
    struct hf_endpoint remote = {w->peer_address, 1};
    hf_handle handle[1000];
    unsigned count = 0;
    uint64_t used;
    int error;

    small_stack(w, &account, 300000);
    do {
        remote.port++;
        error = hf_connect(w->stack, NULL, &remote, w->now, &handle[count]);
        count += error == HF_OK;
    } while (error == HF_OK && count < 1000);
    assert_int_equal(error, HF_ENOMEM);
    assert_int_equal(counters_of(w).connections, count);
    keep_within(w, &account);
    used = account.used;
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(hf_connect(w->stack, NULL, &remote, w->now, &handle[count]), HF_ENOMEM);
    }
    assert_true(account.used == used);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(hf_abort(w->stack, handle[i], w->now), HF_OK);
    }
    assert_int_equal(counters_of(w).connections, 0);
    assert_int_equal(hf_connect(w->stack, NULL, &remote, w->now, &handle[0]), HF_OK);
}

/* All is given back: after hf_stack_free nothing of what was allocated is held. */
static void all_is_given_back(void **state)
{
    struct world *w = *state;
    static struct account account;

    small_stack(w, &account, 10000000);
    establish_passive(w, 65535, "mss=1000 sackok");
    user_send(w, 5000);
    while (next_packet(w) != NULL) {
    }
    peer(w, ". seq=1001 ack=1 len=1000");
    sends(w, ". seq=5001 ack=1");
    use_flow(w, 41000);
    peer(w, "S seq=0");
    sends(w, "S. seq=0 ack=1");
    use_flow(w, 41001);
    user_connect(w);
    sends(w, "S seq=0");
    hf_stack_free(w->stack);
    w->stack = NULL;
    assert_true(account.used == 0);
    world_restart(w);
}

/* RFC 5961 7: challenge ACKs are limited for each connection by itself, so one connection's flood
 * is not to be read off another's silence. */
static void challenges_are_limited(void **state)
{
    struct world *w = *state;
    unsigned answers = 0;

    establish_passive(w, 65535, "mss=1000");
    use_flow(w, 41000);
    establish_passive(w, 65535, "mss=1000");
    for (unsigned i = 0; i < 200; i++) {
        peer(w, "R seq=%u", 10 + i);
        while (next_packet(w) != NULL) {
            answers++;
        }
    }
    assert_in_range(answers, 1, 20);
    use_flow(w, PEER_PORT);
    peer(w, "R seq=10");
    sends(w, ". seq=1 ack=1");
    use_flow(w, 41000);
    run_for(w, 10 * HF_SECOND, 0);
    peer(w, "R seq=10");
    sends(w, ". seq=1 ack=1");
    in_state(w, HF_ESTABLISHED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(replies_are_bounded),    BOTH(connections_are_bounded), BOTH(slot_is_free_at_once),
        BOTH(time_waits_are_bounded), BOTH(memory_limit_one_flood),  BOTH(memory_limit_sending),
        BOTH(memory_limit_syn_flood), BOTH(memory_limit_connecting), BOTH(all_is_given_back),
        BOTH(challenges_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
