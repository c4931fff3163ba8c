/* SPDX-License-Identifier: MIT
 *
 * The contract of stack.h that a program leans on: handles that go stale, events that are edges,
 * the walk over everything, counters.
 */
#include "round_trip.h"
#include <string.h>

/* Every call on this handle says HF_EBADF, and changes nothing. */
static void is_bad(struct world *w, hf_handle handle)
{
    uint8_t bytes[8] = {0};
    struct hf_status status;
    struct hf_counters before = counters_of(w), after;
    hf_handle other;
    int64_t value;

    assert_int_equal(hf_send(w->stack, handle, bytes, 8, 0, w->now), HF_EBADF);
    assert_int_equal(hf_send(w->stack, handle, bytes, 0, 0, w->now), HF_EBADF);
    assert_int_equal(hf_recv(w->stack, handle, bytes, 8, 0, w->now), HF_EBADF);
    assert_int_equal(hf_recv(w->stack, handle, bytes, 8, HF_RECV_PEEK, w->now), HF_EBADF);
    assert_int_equal(hf_shutdown(w->stack, handle, w->now), HF_EBADF);
    assert_int_equal(hf_close(w->stack, handle, w->now), HF_EBADF);
    assert_int_equal(hf_abort(w->stack, handle, w->now), HF_EBADF);
    assert_int_equal(hf_accept(w->stack, handle, &other, NULL), HF_EBADF);
    assert_int_equal(hf_status(w->stack, handle, &status), HF_EBADF);
    assert_int_equal(hf_set_option(w->stack, handle, HF_OPTION_NAGLE, 0, w->now), HF_EBADF);
    assert_int_equal(hf_get_option(w->stack, handle, HF_OPTION_NAGLE, &value), HF_EBADF);
    after = counters_of(w);
    assert_memory_equal(&before, &after, sizeof before);
    run_for(w, 0, 0);
    silent(w);
}

/* A handle is stale from hf_close or hf_abort on, whatever the connection still does. */
static void stale_after_close(void **state)
{
    struct world *w = *state;
    hf_handle handle;

    establish_passive(w, 65535, "mss=1000");
    handle = w->flow->connection;
    user_close(w);
    sends(w, "F. seq=1 ack=1");
    is_bad(w, handle); /* FIN-WAIT-1, an orphan */
    peer(w, ". seq=1 ack=2");
    is_bad(w, handle);
    peer(w, "F. seq=1 ack=2");
    sends(w, ". seq=2 ack=2");
    is_bad(w, handle); /* TIME-WAIT */
    run_for(w, 61 * HF_SECOND, 0);
    is_bad(w, handle);
}

static void stale_after_abort(void **state)
{
    struct world *w = *state;
    hf_handle first, listener;

    establish_passive(w, 65535, "mss=1000");
    first = w->flow->connection;
    user_abort(w);
    sends(w, "R. seq=1 ack=1");
    is_bad(w, first);
    new_incarnation(w, 99);
    establish_passive(w, 65535, "mss=1000"); /* likely the same slot */
    assert_true(w->flow->connection != first);
    is_bad(w, first);
    listener = w->listener;
    assert_int_equal(hf_close(w->stack, listener, w->now), HF_OK);
    is_bad(w, listener);
    w->listener = HF_NO_HANDLE;
    user_listen(w);
    assert_true(w->listener != listener);
    is_bad(w, listener);
    in_state(w, HF_ESTABLISHED);
}

/* After the end by the peer's doing the handle lives until the program lets go: it tells why. */
static void alive_after_reset(void **state)
{
    struct world *w = *state;
    struct hf_status status;

    establish_passive(w, 65535, "mss=1000");
    peer(w, ". seq=1 ack=1 len=10");
    run_for(w, HF_SECOND, 0);
    while (next_packet(w) != NULL) {
    }
    peer(w, "R seq=11");
    event(w, HF_EVENT_ERROR, HF_ECONNRESET);
    status = status_of(w);
    assert_int_equal(status.state, HF_CLOSED);
    assert_int_equal(status.error, HF_ECONNRESET);
    assert_int_equal(hf_send(w->stack, w->flow->connection, "x", 1, 0, w->now), HF_EPIPE);
    user_recv(w, 10); /* what had arrived, then the error for ever */
    user_recv_error(w, HF_ECONNRESET);
    user_recv_error(w, HF_ECONNRESET);
    user_close(w);
    is_bad(w, w->flow->connection);
    assert_int_equal(counters_of(w).connections, 0);
}

/* Numbers that never were handles, and those of the other kind. */
static void foreign_handles(void **state)
{
    struct world *w = *state;
    hf_handle handle, other;
    uint8_t byte;

    establish_passive(w, 65535, "mss=1000");
    handle = w->flow->connection;
    is_bad(w, HF_NO_HANDLE);
    is_bad(w, UINT64_MAX);
    is_bad(w, 1);
    for (unsigned bit = 0; bit < 64; bit++) {
        is_bad(w, handle ^ UINT64_C(1) << bit);
    }
    assert_int_equal(hf_accept(w->stack, handle, &other, NULL), HF_EBADF);
    assert_int_equal(hf_send(w->stack, w->listener, &byte, 1, 0, w->now), HF_EOPNOTSUPP);
    assert_int_equal(hf_recv(w->stack, w->listener, &byte, 1, 0, w->now), HF_EOPNOTSUPP);
    assert_int_equal(hf_shutdown(w->stack, w->listener, w->now), HF_EOPNOTSUPP);
    assert_int_equal(hf_abort(w->stack, w->listener, w->now), HF_EOPNOTSUPP);
    in_state(w, HF_ESTABLISHED);
}

/* A connection that waits in the accept queue has no handle yet: guessing it does not help, and no
 * event speaks of it before it is accepted; then all that happened is told. */
static void events_wait_for_accept(void **state)
{
    struct world *w = *state;

    user_listen(w);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    peer(w, ". seq=1 ack=1 len=10");
    while (waiting_packets(w) > 0) {
        next_packet(w);
    }
    peer(w, "F. seq=11 ack=1");
    sends(w, ". seq=1 ack=12");
    event(w, HF_EVENT_ACCEPTABLE, HF_OK);
    assert_int_equal(w->event_count, 0);
    user_accept(w);
    event(w, HF_EVENT_READABLE, HF_OK);
    event(w, HF_EVENT_PEER_CLOSED, HF_OK);
    assert_int_equal(w->event_count, 0);
    user_recv(w, 10);
    user_recv_error(w, 0);
}

/* No call reaches it before hf_accept, not even with the handle that it will have: the same run
 * twice gives the same handles, so the second run knows it. */
static void no_handle_before_accept(void **state)
{
    struct world *w = *state;
    hf_handle known = HF_NO_HANDLE;

    for (unsigned run = 0; run < 2; run++) {
        world_restart(w);
        user_listen(w);
        peer(w, "S seq=0 mss=1000");
        sends(w, "S. seq=0 ack=1");
        peer(w, ". seq=1 ack=1");
        if (run == 1) {
            is_bad(w, known);
            in_state(w, HF_ESTABLISHED);
        }
        user_accept(w);
        assert_true(run == 0 || w->flow->connection == known);
        known = w->flow->connection;
    }
}

/* The same when it was reset meanwhile: it is accepted, and tells. */
static void reset_before_accept(void **state)
{
    struct world *w = *state;

    user_listen(w);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    peer(w, ". seq=1 ack=1");
    peer(w, "R seq=1");
    user_accept(w);
    event(w, HF_EVENT_ERROR, HF_ECONNRESET);
    user_recv_error(w, HF_ECONNRESET);
    user_close(w);
    assert_int_equal(counters_of(w).connections, 0);
}

/* Events are edges, and equal ones not yet taken are one. */
static void events_are_edges(void **state)
{
    struct world *w = *state;
    struct hf_event taken;
    uint8_t packet[200];
    unsigned readable = 0;

    establish_passive(w, 65535, "mss=1000");
    assert_int_equal(hf_stack_next_event(w->stack, &taken), 0);
    for (unsigned i = 0; i < 5; i++) {
        size_t length = build(w, packet, sizeof packet, ". seq=%u ack=1 len=10", 1 + 10 * i);
        hf_stack_input(w->stack, packet, length, w->now);
    }
    while (hf_stack_next_event(w->stack, &taken)) {
        assert_int_equal(taken.type, HF_EVENT_READABLE);
        assert_int_equal(taken.handle, w->flow->connection);
        readable++;
    }
    assert_int_equal(readable, 1);
    run_for(w, 0, 0);
    while (next_packet(w) != NULL) {
    }
    run_for(w, HF_SECOND, 0);
    while (next_packet(w) != NULL) {
    }
    assert_int_equal(w->event_count, 0); /* unread bytes are no new edge */
    peer(w, ". seq=51 ack=1 len=10");
    while (next_packet(w) != NULL) {
    }
    event(w, HF_EVENT_READABLE, HF_OK);
    run_for(w, HF_SECOND, 0);
    while (next_packet(w) != NULL) {
    }
}

/* An orderly end: PEER_CLOSED and, when both directions are done, CLOSED, once each; nothing of a
 * connection comes after the program has let it go. */
static void closing_events(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000");
    user_shutdown(w);
    sends(w, "F. seq=1 ack=1");
    peer(w, ". seq=1 ack=2");
    no_event(w, HF_EVENT_CLOSED);
    peer(w, "F. seq=1 ack=2");
    sends(w, ". seq=2 ack=2");
    event(w, HF_EVENT_PEER_CLOSED, HF_OK);
    event(w, HF_EVENT_CLOSED, HF_OK);
    assert_int_equal(w->event_count, 0);
    user_recv_error(w, 0);
    user_close(w);
    run_for(w, 61 * HF_SECOND, 0);
    assert_int_equal(w->event_count, 0);
    new_incarnation(w, 77);
    establish_passive(w, 65535, "mss=1000");
    user_close(w);
    sends(w, "F. seq=1 ack=1");
    peer(w, "R. seq=1 ack=2");
    run_for(w, HF_SECOND, 0);
    assert_int_equal(w->event_count, 0);
}

/* Events that wait for a handle that is let go are not delivered. */
static void no_event_for_stale_handles(void **state)
{
    struct world *w = *state;
    struct hf_event taken;
    uint8_t packet[200];
    size_t length;

    establish_passive(w, 65535, "mss=1000");
    length = build(w, packet, sizeof packet, "R seq=1");
    hf_stack_input(w->stack, packet, length, w->now); /* the ERROR event waits */
    assert_int_equal(hf_close(w->stack, w->flow->connection, w->now), HF_OK);
    assert_int_equal(hf_stack_next_event(w->stack, &taken), 0);
    new_incarnation(w, 9);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    length = build(w, packet, sizeof packet, ". seq=1 ack=1");
    hf_stack_input(w->stack, packet, length, w->now); /* ACCEPTABLE waits */
    assert_int_equal(hf_close(w->stack, w->listener, w->now), HF_OK);
    assert_int_equal(hf_stack_next_event(w->stack, &taken), 0);
    run_for(w, 0, 0);
    sends(w, "R. seq=1 ack=1");
}

/* hf_stack_list shows each listener, connection, half-open record and TIME-WAIT once, and ends. */
static void list_walks_everything(void **state)
{
    struct world *w = *state;
    struct hf_status status;
    unsigned seen[HF_TIME_WAIT + 1] = {0}, orphans = 0, total = 0;
    uint64_t cursor = 0;

    user_listen(w);
    for (unsigned i = 0; i < 12; i++) {
        use_flow(w, (uint16_t)(41000 + i));
        if (i >= 9) {
            peer(w, "S seq=0 mss=1000");
            sends(w, "S. seq=0 ack=1");
            continue;
        }
        establish_passive(w, 65535, "mss=1000");
        if (i < 3) {
            user_close(w);
            sends(w, "F. seq=1 ack=1");
            if (i < 2) {
                peer(w, "F. seq=1 ack=2");
                sends(w, ". seq=2 ack=2");
            }
        }
    }
    while (hf_stack_list(w->stack, &cursor, &status)) {
        assert_true(total++ < 100);
        assert_in_range(status.state, HF_LISTEN, HF_TIME_WAIT);
        seen[status.state]++;
        orphans += status.orphan;
        if (status.handle != HF_NO_HANDLE) {
            struct hf_status again;
            assert_int_equal(hf_status(w->stack, status.handle, &again), HF_OK);
            assert_int_equal(again.state, status.state);
            assert_int_equal(again.remote.port, status.remote.port);
        }
        assert_true(
            (status.handle == HF_NO_HANDLE) ==
            (status.state == HF_SYN_RECEIVED || status.state == HF_TIME_WAIT || status.orphan));
        if (status.state != HF_LISTEN) {
            assert_true(hf_address_equal(&status.remote.address, &w->peer_address));
            assert_true(hf_address_equal(&status.local.address, &w->stack_address));
        }
    }
    assert_int_equal(hf_stack_list(w->stack, &cursor, &status), 0); /* stays at the end */
    assert_int_equal(seen[HF_LISTEN], 1);
    assert_int_equal(seen[HF_ESTABLISHED], 6);
    assert_int_equal(seen[HF_FIN_WAIT_1], 1);
    assert_int_equal(seen[HF_SYN_RECEIVED], 3);
    assert_int_equal(seen[HF_TIME_WAIT], 2);
    assert_int_equal(orphans, 1);
    assert_int_equal(total, 13);
    cursor = UINT64_MAX; /* nonsense ends, too */
    assert_int_equal(hf_stack_list(w->stack, &cursor, &status), 0);
    for (unsigned i = 9; i < 12; i++) {
        use_flow(w, (uint16_t)(41000 + i));
        peer(w, "R seq=1");
    }
    use_flow(w, 41002);
    peer(w, "R seq=1");
}

/* The numbers of hf_counters and hf_status say what happened. */
static void counters(void **state)
{
    struct world *w = *state;
    struct hf_counters c;
    struct hf_status status;

    establish_passive(w, 65535, "mss=1000");
    c = counters_of(w);
    assert_int_equal(c.packets_received, 2);
    assert_int_equal(c.packets_sent, 1);
    assert_int_equal(c.connections_accepted, 1);
    assert_int_equal(c.connections, 1);
    assert_int_equal(c.listeners, 1);
    assert_int_equal(c.syn_records, 0);
    peer(w, ". seq=1 ack=1 len=100 bad");
    peer(w, ". seq=1 ack=1 len=100 bad");
    assert_int_equal(counters_of(w).dropped[HF_REASON_TCP_CHECKSUM], 2);
    user_send(w, 300);
    sends(w, "P. seq=1 ack=1 len=300");
    sends_between(w, 0, 2 * HF_SECOND, "P. seq=1 ack=1 len=300");
    peer(w, ". seq=1 ack=301 len=50");
    run_for(w, HF_SECOND, 0);
    while (next_packet(w) != NULL) {
    }
    status = status_of(w);
    assert_int_equal(status.bytes_sent, 600);
    assert_int_equal(status.bytes_acked, 300);
    assert_int_equal(status.bytes_received, 50);
    assert_int_equal(status.receive_queue_bytes, 50);
    assert_int_equal(status.retransmits, 1);
    assert_int_equal(counters_of(w).segments_retransmitted, 1);
    peer(w, "S seq=500");
    sends(w, ". seq=301 ack=51");
    assert_int_equal(counters_of(w).challenge_acks_sent, 1);
    peer(w, "R seq=51");
    c = counters_of(w);
    assert_int_equal(c.connections_reset, 1);
    assert_int_equal(c.resets_sent, 0);
    assert_true(c.memory_used_bytes <= c.memory_peak_bytes);
    use_flow(w, 41000);
    user_connect(w);
    sends(w, "S seq=0");
    assert_int_equal(counters_of(w).connections_opened_actively, 1);
    assert_int_equal(counters_of(w).connections, 2);
    user_close(w);
    assert_int_equal(counters_of(w).connections, 1);
}

/* hf_recv with PEEK leaves what it shows. */
static void peek(void **state)
{
    struct world *w = *state;
    uint8_t first[10], second[10];

    establish_passive(w, 65535, "mss=1000");
    assert_int_equal(hf_recv(w->stack, w->flow->connection, first, 10, HF_RECV_PEEK, w->now),
                     HF_EAGAIN);
    peer(w, ". seq=1 ack=1 len=10");
    run_for(w, HF_SECOND, 0);
    while (next_packet(w) != NULL) {
    }
    assert_int_equal(hf_recv(w->stack, w->flow->connection, first, 10, HF_RECV_PEEK, w->now), 10);
    assert_int_equal(hf_recv(w->stack, w->flow->connection, second, 10, HF_RECV_PEEK, w->now), 10);
    assert_memory_equal(first, second, 10);
    user_recv(w, 10);
    user_recv_error(w, HF_EAGAIN);
}

/* What hf_connect refuses (MUST-46 and stack.h), without a packet and without a trace.
 * Holds: MUST-46 */
static void connect_refuses(void **state)
{
    struct world *w = *state;
    struct hf_endpoint remote = {w->peer_address, 80}, local = {w->stack_address, 0}, bad;
    hf_handle handle = 12345;
    uint8_t six[16] = {0x20, 0x01, [15] = 1};

    bad = remote;
    bad.port = 0;
    assert_int_equal(hf_connect(w->stack, NULL, &bad, w->now, &handle), HF_EINVAL);
    bad = remote;
    memset(bad.address.bytes, 0, 16);
    assert_int_equal(hf_connect(w->stack, NULL, &bad, w->now, &handle), HF_EINVAL);
    bad = remote;
    bad.address.bytes[0] = w->family == HF_IPV4 ? 239 : 0xff;
    assert_int_equal(hf_connect(w->stack, NULL, &bad, w->now, &handle), HF_EINVAL);
    if (w->family == HF_IPV4) {
        memset(bad.address.bytes, 0xff, 4);
        assert_int_equal(hf_connect(w->stack, NULL, &bad, w->now, &handle), HF_EINVAL);
    }
    bad = remote;
    bad.address = w->family == HF_IPV4 ? hf_address_ipv6(six) : hf_address_ipv4(10, 9, 8, 7);
    assert_int_equal(hf_connect(w->stack, NULL, &bad, w->now, &handle), HF_ENETUNREACH);
    assert_int_equal(hf_connect(w->stack, &local, &bad, w->now, &handle), HF_EINVAL);
    local.address.bytes[3] = local.address.bytes[15] = 66;
    assert_int_equal(hf_connect(w->stack, &local, &remote, w->now, &handle), HF_EADDRNOTAVAIL);
    assert_int_equal(counters_of(w).connections, 0);
    assert_true(hf_stack_next_deadline(w->stack) == HF_TIME_NEVER);
    silent_for(w, HF_SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(stale_after_close),
        BOTH(stale_after_abort),
        BOTH(alive_after_reset),
        BOTH(foreign_handles),
        BOTH(events_wait_for_accept),
        BOTH(no_handle_before_accept),
        BOTH(reset_before_accept),
        BOTH(events_are_edges),
        BOTH(closing_events),
        BOTH(no_event_for_stale_handles),
        BOTH(list_walks_everything),
        BOTH(counters),
        BOTH(peek),
        BOTH(connect_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
