/* SPDX-License-Identifier: MIT
 *
 * Who takes a SYN: exact and wildcard binds, several addresses, the backlog, and the SYN cache with
 * its records and their timers.
 */
#include "round_trip.h"
#include <string.h>

static struct hf_address second_address(const struct world *w)
{
    struct hf_address address = w->stack_address;
    address.bytes[w->family == HF_IPV4 ? 3 : 15] = 44;
    return address;
}

static hf_handle listen_at(struct world *w, struct hf_address address, uint16_t port)
{
    struct hf_endpoint local = {address, port};
    hf_handle listener;
    assert_int_equal(hf_listen(w->stack, &local, 8, &listener), HF_OK);
    return listener;
}

/* The peer opens from `port` to this address of ours; the listener that can accept is returned. */
static hf_handle who_accepts(struct world *w, struct hf_address address, uint16_t port)
{
    struct hf_address usual = w->stack_address;
    hf_handle found = HF_NO_HANDLE;
    struct hf_status status;

    w->stack_address = address;
    use_flow(w, port);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    peer(w, ". seq=1 ack=1");
    for (unsigned i = 0; i < w->event_count; i++) {
        if (w->events[i].type == HF_EVENT_ACCEPTABLE) {
            found = w->events[i].handle;
        }
    }
    w->event_count = 0;
    assert_int_equal(hf_accept(w->stack, found, &w->flow->connection, NULL), HF_OK);
    status = status_of(w);
    assert_true(hf_address_equal(&status.local.address, &address));
    w->stack_address = usual;
    return found;
}

/* An exact bind wins over its family's wildcard, and that over the wildcard of both, whatever the
 * order they were made in (MUST-41: each open stands alone).
 * Holds: MUST-41 */
static void exact_before_wildcard(void **state)
{
    struct world *w = *state;
    struct hf_address second = second_address(w), both = {0}, family = {0};
    hf_handle any, wildcard, exact;

    family.family = (uint8_t)w->family;
    assert_int_equal(hf_stack_add_address(w->stack, &second), HF_OK);
    w->any_source = 1;
    any = listen_at(w, both, STACK_PORT);
    assert_true(who_accepts(w, w->stack_address, 41000) == any);
    wildcard = listen_at(w, family, STACK_PORT);
    exact = listen_at(w, second, STACK_PORT);
    assert_true(who_accepts(w, w->stack_address, 41001) == wildcard);
    assert_true(who_accepts(w, second, 41002) == exact);
    assert_int_equal(hf_close(w->stack, wildcard, w->now), HF_OK);
    assert_true(who_accepts(w, w->stack_address, 41003) == any);
    assert_true(who_accepts(w, second, 41004) == exact);
    assert_int_equal(hf_close(w->stack, exact, w->now), HF_OK);
    assert_true(who_accepts(w, second, 41005) == any);
    assert_int_equal(hf_close(w->stack, any, w->now), HF_OK);
    use_flow(w, 41006);
    peer(w, "S seq=0");
    sends(w, "R. seq=#0 ack=1");
    use_flow(w, 41000);
    in_state(w, HF_ESTABLISHED); /* a listener's end is not its connections' */
}

/* passive-open-isolated: a second listener at the same endpoint is refused, the first is none the
 * worse (MUST-41); endpoints that are only alike are others.
 * Holds: MUST-41 */
static void listen_refuses(void **state)
{
    struct world *w = *state;
    struct hf_endpoint local = {w->stack_address, STACK_PORT};
    hf_handle listener, other;

    assert_int_equal(hf_listen(w->stack, &local, 1, &listener), HF_OK);
    assert_int_equal(hf_listen(w->stack, &local, 1, &other), HF_EADDRINUSE);
    local.port++;
    assert_int_equal(hf_listen(w->stack, &local, 1, &other), HF_OK);
    local.address.bytes[3] = local.address.bytes[15] = 77;
    assert_int_equal(hf_listen(w->stack, &local, 1, &other), HF_EADDRNOTAVAIL);
    memset(&local.address, 0, sizeof local.address);
    local.port = STACK_PORT;
    assert_int_equal(hf_listen(w->stack, &local, 1, &other), HF_OK);
    assert_int_equal(hf_listen(w->stack, &local, 1, &other), HF_EADDRINUSE);
    local.address.family = (uint8_t)w->family;
    assert_int_equal(hf_listen(w->stack, &local, 0, &other), HF_EINVAL);
    assert_int_equal(hf_listen(w->stack, &local, 65536, &other), HF_EINVAL);
    assert_int_equal(hf_listen(w->stack, &local, 65535, &other), HF_OK);
    local.port = 0;
    assert_int_equal(hf_listen(w->stack, &local, 1, &other), HF_EINVAL);
    local.port = 99;
    local.address.family = 99;
    assert_int_equal(hf_listen(w->stack, &local, 1, &other), HF_EINVAL);
    assert_int_equal(counters_of(w).listeners, 4);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    peer(w, ". seq=1 ack=1");
    assert_int_equal(hf_accept(w->stack, listener, &other, NULL), HF_OK);
    w->event_count = 0;
}

/* config.max_listeners. */
static void listeners_are_limited(void **state)
{
    struct world *w = *state;
    struct hf_endpoint local = {w->stack_address, 0};
    hf_handle listeners[4];

    w->config.max_listeners = 3;
    world_restart(w);
    for (unsigned i = 0; i < 3; i++) {
        local.port = (uint16_t)(100 + i);
        assert_int_equal(hf_listen(w->stack, &local, 1, &listeners[i]), HF_OK);
    }
    local.port = 200;
    assert_int_equal(hf_listen(w->stack, &local, 1, &listeners[3]), HF_ENOBUFS);
    assert_int_equal(hf_close(w->stack, listeners[1], w->now), HF_OK);
    assert_int_equal(hf_listen(w->stack, &local, 1, &listeners[3]), HF_OK);
}

/* Local addresses: what may be one, how many, and no more than once. */
static void addresses(void **state)
{
    struct world *w = *state;
    struct hf_address address = w->stack_address, odd = address;

    w->config.max_addresses = 3;
    world_restart(w);
    assert_int_equal(hf_stack_add_address(w->stack, &address), HF_EADDRINUSE);
    memset(odd.bytes, 0, 16);
    assert_int_equal(hf_stack_add_address(w->stack, &odd), HF_EINVAL);
    odd.bytes[0] = w->family == HF_IPV4 ? 224 : 0xff;
    assert_int_equal(hf_stack_add_address(w->stack, &odd), HF_EINVAL);
    if (w->family == HF_IPV4) {
        odd = hf_address_ipv4(255, 255, 255, 255);
        assert_int_equal(hf_stack_add_address(w->stack, &odd), HF_EINVAL);
    }
    odd = address;
    odd.family = 5;
    assert_int_equal(hf_stack_add_address(w->stack, &odd), HF_EINVAL);
    for (unsigned i = 0; i < 3; i++) {
        odd = address;
        odd.bytes[1] = (uint8_t)(100 + i);
        assert_int_equal(hf_stack_add_address(w->stack, &odd), i < 2 ? HF_OK : HF_ENOBUFS);
    }
    assert_int_equal(hf_stack_remove_address(w->stack, &odd, w->now), HF_EADDRNOTAVAIL);
    odd.bytes[1] = 100;
    assert_int_equal(hf_stack_remove_address(w->stack, &odd, w->now), HF_OK);
    assert_int_equal(hf_stack_remove_address(w->stack, &odd, w->now), HF_EADDRNOTAVAIL);
    assert_int_equal(hf_stack_add_address(w->stack, &odd), HF_OK);
    if (w->family == HF_IPV6) {
        w->config.mtu = 1279; /* RFC 8200 5 */
        hf_stack_free(w->stack);
        w->stack = hf_stack_new(&w->config);
        assert_non_null(w->stack);
        assert_int_equal(hf_stack_add_address(w->stack, &address), HF_EINVAL);
    }
}

/* MUST-44: of several addresses the stack speaks from the one nearest to the peer; MUST-43: or the
 * program says which.
 * Holds: MUST-43, MUST-44 */
static void source_address_choice(void **state)
{
    struct world *w = *state;
    struct hf_address near_peer = w->peer_address, far = w->peer_address;
    struct hf_endpoint remote = {w->peer_address, 80}, local = {w->stack_address, 0};
    hf_handle handle;
    struct hf_status status;
    size_t last = w->family == HF_IPV4 ? 3 : 15;

    near_peer.bytes[last] = (uint8_t)(w->peer_address.bytes[last] ^ 1);
    far.bytes[1] = 0x55;
    assert_int_equal(hf_stack_add_address(w->stack, &far), HF_OK);
    assert_int_equal(hf_stack_add_address(w->stack, &near_peer), HF_OK);
    assert_int_equal(hf_connect(w->stack, NULL, &remote, w->now, &handle), HF_OK);
    assert_int_equal(hf_status(w->stack, handle, &status), HF_OK);
    assert_true(hf_address_equal(&status.local.address, &near_peer));
    assert_int_equal(hf_connect(w->stack, &local, &remote, w->now, &handle), HF_OK);
    assert_int_equal(hf_status(w->stack, handle, &status), HF_OK);
    assert_true(hf_address_equal(&status.local.address, &w->stack_address));
    remote.address.bytes[1] = 0x54;
    assert_int_equal(hf_connect(w->stack, NULL, &remote, w->now, &handle), HF_OK);
    assert_int_equal(hf_status(w->stack, handle, &status), HF_OK);
    assert_true(hf_address_equal(&status.local.address, &far));
}

/* Opened by the peer, closed by us, in TIME-WAIT. */
static void establish_passive_closed(struct world *w, uint16_t port)
{
    hf_handle waiting;

    use_flow(w, port);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    peer(w, ". seq=1 ack=1");
    /* Another one waits before it. */
    assert_int_equal(hf_accept(w->stack, w->listener, &waiting, NULL), HF_OK);
    assert_int_equal(hf_accept(w->stack, w->listener, &w->flow->connection, NULL), HF_OK);
    user_close(w);
    sends(w, "F. seq=1 ack=1");
    peer(w, "F. seq=1 ack=2");
    sends(w, ". seq=2 ack=2");
    in_state(w, HF_TIME_WAIT);
}

/* hf_stack_remove_address: what uses it is gone at once and in silence: connections, half-open
 * ones, TIME-WAIT; what uses another stays. */
static void address_is_removed(void **state)
{
    struct world *w = *state;
    struct hf_address second = second_address(w), first = w->stack_address;
    hf_handle on_second, on_first;
    uint8_t byte;

    assert_int_equal(hf_stack_add_address(w->stack, &second), HF_OK);
    w->any_source = 1;
    user_listen(w);
    who_accepts(w, first, 41000);
    on_first = w->flow->connection;
    who_accepts(w, second, 41001);
    on_second = w->flow->connection;
    w->stack_address = second;
    use_flow(w, 41002); /* half open */
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    use_flow(w, 41003);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    peer(w, ". seq=1 ack=1");
    establish_passive_closed(w, 41004);
    use_flow(w, 41005); /* waits for accept */
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    peer(w, ". seq=1 ack=1");
    assert_int_equal(counters_of(w).time_waits, 1);
    assert_int_equal(hf_stack_remove_address(w->stack, &second, w->now), HF_OK);
    run_for(w, 0, 0);
    silent_for(w, 100 * HF_SECOND);
    assert_int_equal(counters_of(w).syn_records, 0);
    assert_int_equal(counters_of(w).time_waits, 0);
    assert_int_equal(hf_recv(w->stack, on_second, &byte, 1, 0, w->now), HF_EADDRNOTAVAIL);
    assert_int_equal(hf_recv(w->stack, on_first, &byte, 1, 0, w->now), HF_EAGAIN);
    assert_int_equal(hf_close(w->stack, on_second, w->now), HF_OK);
    use_flow(w, 41001);
    peer(w, ". seq=1 ack=1 len=1"); /* nobody's address any more */
    assert_int_equal(w->reason, HF_REASON_IP_DESTINATION);
    silent(w);
    w->stack_address = first;
    use_flow(w, 41000);
    peer(w, "P. seq=1 ack=1 len=1");
    sends_between(w, 0, HF_SECOND, ". seq=1 ack=2");
    w->event_count = 0;
}

/* backlog-full: with the accept queue full a SYN is dropped without a word, so that the peer tries
 * again (as Linux; a RST would end its attempt), and so is the ACK that would complete an opening:
 * it completes after hf_accept made room. */
static void backlog_full(void **state)
{
    struct world *w = *state;

    user_listen_backlog(w, 2);
    use_flow(w, 41000);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    use_flow(w, 41001);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    use_flow(w, 41002);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    for (unsigned i = 0; i < 3; i++) {
        use_flow(w, (uint16_t)(41000 + i));
        peer(w, ". seq=1 ack=1");
        silent(w);
    }
    assert_int_equal(w->reason, HF_REASON_LISTEN_BACKLOG);
    in_state(w, HF_SYN_RECEIVED);
    use_flow(w, 41003);
    peer(w, "S seq=0 mss=1000");
    assert_int_equal(w->reason, HF_REASON_LISTEN_BACKLOG);
    silent(w);
    use_flow(w, 41000); /* first come, first accepted */
    user_accept(w);
    use_flow(w, 41002);
    sends_between(w, 0, HF_SECOND, "S. seq=0 ack=1");
    peer(w, ". seq=1 ack=1");
    in_state(w, HF_ESTABLISHED);
    use_flow(w, 41001);
    user_accept(w);
    use_flow(w, 41003);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    use_flow(w, 41002);
    user_accept(w);
    use_flow(w, 41003);
    peer(w, ". seq=1 ack=1");
    user_accept(w);
    assert_int_equal(hf_accept(w->stack, w->listener, &w->flow->connection, NULL), HF_EAGAIN);
    w->event_count = 0;
}

/* A listener's end resets what waited for accept, forgets what was half open, and later segments
 * are for nobody. */
static void listener_closes(void **state)
{
    struct world *w = *state;

    user_listen(w);
    use_flow(w, 41000);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    peer(w, ". seq=1 ack=1");
    use_flow(w, 41001);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    assert_int_equal(hf_close(w->stack, w->listener, w->now), HF_OK);
    w->event_count = 0;
    run_for(w, 0, 0);
    use_flow(w, 41000);
    sends(w, "R. seq=1 ack=1");
    use_flow(w, 41001);
    in_state(w, HF_CLOSED);
    peer(w, ". seq=1 ack=1");
    sends(w, "R seq=1");
    silent_for(w, 100 * HF_SECOND);
    assert_int_equal(counters_of(w).connections, 0);
    assert_int_equal(counters_of(w).syn_records, 0);
}

/* hs-synack-rexmt, many at once: each half-open record has its own times, 1 s, 3 s, 7 s... after
 * its own SYN (RFC 6298 2.1, 5.5), and is forgotten after the last. */
static void records_keep_their_times(void **state)
{
    struct world *w = *state;
    hf_time opened[5], due[5];
    unsigned retries[5] = {0}, total = 0;

    user_listen(w);
    for (unsigned i = 0; i < 5; i++) {
        use_flow(w, (uint16_t)(41000 + i));
        peer(w, "S seq=0 mss=1000");
        sends(w, "S. seq=0 ack=1");
        opened[i] = w->now;
        due[i] = w->now + HF_SECOND;
        run_for(w, 137 * MS, 0);
    }
    while (total < 25) {
        const struct captured *captured;
        unsigned i;
        run_for(w, 40 * HF_SECOND, 1);
        captured = next_packet(w);
        assert_non_null(captured);
        i = captured->segment.destination_port - 41000u;
        assert_true(captured->time == due[i]);
        assert_int_equal(captured->segment.flags, HF_SYN | HF_ACK);
        due[i] += HF_SECOND << ++retries[i];
        total++;
    }
    for (unsigned i = 0; i < 5; i++) {
        assert_true(due[i] - opened[i] == 63 * HF_SECOND);
        use_flow(w, (uint16_t)(41000 + i));
        in_state(w, HF_SYN_RECEIVED);
    }
    silent_for(w, 40 * HF_SECOND);
    assert_int_equal(counters_of(w).syn_records, 0);
    assert_int_equal(counters_of(w).connections_timed_out, 5);
}

/* config.max_syn_records with cookies off: the one that waited longest makes room (RFC 4987 3.4):
 * its ACK finds nobody, the others' open. */
static void oldest_record_makes_room(void **state)
{
    struct world *w = *state;

    w->config.max_syn_records = 4;
    w->config.syn_cookies = 0;
    world_restart(w);
    user_listen(w);
    for (unsigned i = 0; i < 6; i++) {
        use_flow(w, (uint16_t)(41000 + i));
        peer(w, "S seq=0 mss=1000");
        sends(w, "S. seq=0 ack=1");
        if (i == 2) {
            /* The first three are sent again: older than those that come. */
            run_for(w, 1100 * MS, 0);
            while (next_packet(w) != NULL) {
            }
        } else {
            run_for(w, 10 * MS, 0);
        }
    }
    assert_int_equal(counters_of(w).syn_records, 4);
    assert_int_equal(counters_of(w).syn_records_evicted, 2);
    for (unsigned i = 0; i < 6; i++) {
        use_flow(w, (uint16_t)(41000 + i));
        peer(w, ". seq=1 ack=1");
        if (i < 2) {
            sends(w, "R seq=1");
            in_state(w, HF_CLOSED);
        } else {
            in_state(w, HF_ESTABLISHED);
        }
    }
    assert_int_equal(counters_of(w).syn_records, 0);
    w->event_count = 0;
}

/* syncookie-accept, syncookie-bad: with cookies a full cache still answers and keeps nothing; the
 * right ACK opens, a forged one gets a RST (RFC 4987 3.6); so does one that comes far too late. */
static void cookies_when_full(void **state)
{
    struct world *w = *state;

    w->config.max_syn_records = 2;
    world_restart(w);
    user_listen(w);
    for (unsigned i = 0; i < 10; i++) {
        use_flow(w, (uint16_t)(41000 + i));
        peer(w, "S seq=0 mss=1000");
        sends(w, "S. seq=0 ack=1");
    }
    assert_int_equal(counters_of(w).syn_records, 2);
    for (unsigned i = 2; i < 6; i++) {
        use_flow(w, (uint16_t)(41000 + i));
        peer(w, ". seq=1 ack=2");
        sends(w, "R seq=2");
        peer(w, ". seq=2 ack=1");
        sends(w, "R seq=1");
        in_state(w, HF_CLOSED);
        peer(w, ". seq=1 ack=1 len=10");
        while (waiting_packets(w) > 0) {
            assert_int_equal(next_packet(w)->segment.flags, HF_ACK);
        }
        in_state(w, HF_ESTABLISHED);
        user_accept(w);
        user_recv(w, 10);
        assert_in_range(status_of(w).mss_bytes, 88, 1000);
        user_send(w, 10);
        sends(w, "P. seq=1 ack=11 len=10");
        peer(w, ". seq=11 ack=11");
    }
    w->event_count = 0;
    run_for(w, 600 * HF_SECOND, 0);
    while (next_packet(w) != NULL) {
    }
    use_flow(w, 41007);
    peer(w, ". seq=1 ack=1");
    sends(w, "R seq=1");
    in_state(w, HF_CLOSED);
}

/* syncookie-opts: with timestamps the scale and SACK survive (as on Linux), without they are given
 * up; our TSval does not run ahead of itself for it (the bench checks). Over a second, so that each
 * value of the low bits comes up. */
static void cookies_keep_options(void **state)
{
    struct world *w = *state;

    w->config.max_syn_records = 1;
    world_restart(w);
    user_listen_backlog(w, 100);
    use_flow(w, 41000);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    for (unsigned i = 1; i < 50; i++) {
        run_for(w, 17 * MS, 0);
        use_flow(w, (uint16_t)(41000 + i));
        peer(w, "S seq=0 mss=1460 ws=7 sackok ts=%u", 1000 + i);
        sends(w, "S. seq=0 ack=1 ws sackok ts ecr=%u", 1000 + i);
        peer(w, ". seq=1 ack=1 win=100 ts=%u", 1001 + i);
        user_accept(w);
        assert_int_equal(status_of(w).window_scaling, 1);
        assert_int_equal(status_of(w).sack, 1);
        assert_int_equal(status_of(w).timestamps, 1);
        assert_int_equal(status_of(w).numbers.snd_wnd, 100 << 7);
        user_send(w, 5);
        sends(w, "P. seq=1 ack=1 len=5 ts ecr=%u", 1001 + i);
        peer(w, ". seq=1 ack=6 win=100 ts=%u", 1002 + i);
    }
    use_flow(w, 41100);
    peer(w, "S seq=0 mss=1460 ws=7 sackok");
    sends(w, "S. seq=0 ack=1 nows nosackok nots");
    peer(w, ". seq=1 ack=1 win=100");
    user_accept(w);
    assert_int_equal(status_of(w).numbers.snd_wnd, 100);
    w->event_count = 0;
    run_for(w, HF_SECOND, 0);
    while (next_packet(w) != NULL) {
    }
}

/* A port both listened at and connected from: each segment finds its own (MUST-42).
 * Holds: MUST-42 */
static void listen_and_connect_from_one_port(void **state)
{
    struct world *w = *state;

    user_listen(w);
    use_flow(w, 41000);
    user_connect(w);
    sends(w, "S seq=0");
    use_flow(w, 41001);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    use_flow(w, 41000);
    peer(w, "S. seq=0 ack=1 mss=1000");
    sends(w, ". seq=1 ack=1");
    use_flow(w, 41001);
    peer(w, ". seq=1 ack=1");
    user_accept(w);
    in_state(w, HF_ESTABLISHED);
    use_flow(w, 41000);
    in_state(w, HF_ESTABLISHED);
    user_send(w, 1);
    sends(w, "P. seq=1 ack=1 len=1");
    peer(w, ". seq=1 ack=2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(exact_before_wildcard),
        BOTH(listen_refuses),
        BOTH(listeners_are_limited),
        BOTH(addresses),
        BOTH(source_address_choice),
        BOTH(address_is_removed),
        BOTH(backlog_full),
        BOTH(listener_closes),
        BOTH(records_keep_their_times),
        BOTH(oldest_record_makes_room),
        BOTH(cookies_when_full),
        BOTH(cookies_keep_options),
        BOTH(listen_and_connect_from_one_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
