/* SPDX-License-Identifier: MIT
 *
 * The bench: time, the two directions of the wire, and the rules every packet of the stack is held
 * to whatever the scenario. The script language is in script.c, the program's calls in user.c.
 */
#include "harness_internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct hf_address stack_address_of(enum hf_family family)
{
    static const uint8_t ipv6[16] = {0xfd, 0, [15] = 1};
    return family == HF_IPV4 ? hf_address_ipv4(10, 0, 0, 1) : hf_address_ipv6(ipv6);
}

static struct hf_address peer_address_of(enum hf_family family)
{
    static const uint8_t ipv6[16] = {0xfd, 0, [15] = 2};
    return family == HF_IPV4 ? hf_address_ipv4(10, 0, 0, 2) : hf_address_ipv6(ipv6);
}

void world_restart(struct world *w)
{
    hf_stack_free(w->stack);
    w->stack = hf_stack_new(&w->config);
    assert_non_null(w->stack);
    assert_int_equal(hf_stack_add_address(w->stack, &w->stack_address), HF_OK);
    w->flow_count = 0;
    w->event_count = 0;
    w->queue_head = w->queue_tail = 0;
    w->listener = HF_NO_HANDLE;
    use_flow(w, PEER_PORT);
}

static int world_setup(void **state, enum hf_family family)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->queue = calloc(PACKET_QUEUE_LIMIT, sizeof *w->queue);
    assert_non_null(w->queue);
    w->family = family;
    w->config = hf_config_default();
    w->config.ecn = 0; /* its flags are looked at by check_header: none may be set */
    /* Windows in these tests are worked out by RFC 5681's arithmetic. */
    w->config.congestion_control = hf_congestion_control("reno");
    memset(w->config.seed, 0x5c, sizeof w->config.seed);
    /* Of a fixed size, so that windows are known; what follows the flow has tests of its own. */
    w->config.receive_buffer_bytes = w->config.send_buffer_bytes = 1 << 20;
    w->config.receive_buffer_max_bytes = w->config.send_buffer_max_bytes = 0;
    w->now = 1000 * HF_SECOND;
    w->peer_iss = 0xffffff00u;
    w->stack_address = stack_address_of(family);
    w->peer_address = peer_address_of(family);
    world_restart(w);
    *state = w;
    return 0;
}

int world_setup_v4(void **state)
{
    return world_setup(state, HF_IPV4);
}

int world_setup_v6(void **state)
{
    return world_setup(state, HF_IPV6);
}

int world_teardown(void **state)
{
    struct world *w = *state;
    int left = (int)waiting_packets(w);

    if (left > 0) {
        char text[SEGMENT_TEXT];
        describe(w, &w->queue[w->queue_head], text, sizeof text);
        print_error("the test ended with %d packet(s) nobody named; the first: %s\n", left, text);
    }
    hf_stack_free(w->stack);
    free(w->queue);
    free(w);
    return left > 0 ? -1 : 0;
}

uint32_t own_mss(const struct world *w)
{
    return w->family == HF_IPV4 ? 1460 : 1440;
}

static void flow_forget(struct world *w, struct flow *flow, uint32_t peer_iss)
{
    uint16_t peer_port = flow->peer_port, stack_port = flow->stack_port;

    memset(flow, 0, sizeof *flow);
    flow->peer_port = peer_port;
    flow->stack_port = stack_port;
    flow->peer_iss = peer_iss;
    flow->peer_mss = w->family == HF_IPV4 ? 536 : 1220;
}

struct flow *use_flow(struct world *w, uint16_t peer_port)
{
    for (unsigned i = 0; i < w->flow_count; i++) {
        if (w->flows[i].peer_port == peer_port) {
            w->flow = &w->flows[i];
            return w->flow;
        }
    }
    assert_true(w->flow_count < FLOW_LIMIT);
    w->flow = &w->flows[w->flow_count++];
    w->flow->peer_port = peer_port;
    w->flow->stack_port = STACK_PORT;
    flow_forget(w, w->flow, w->peer_iss);
    return w->flow;
}

void aim_stack_iss(struct world *w, uint32_t iss)
{
    const struct captured *syn;
    hf_time ticks;

    user_connect(w);
    syn = sends(w, "S seq=0");
    /* MUST-8: a tick of 4 microseconds. */
    ticks = (uint32_t)(iss - syn->segment.seq);
    w->now += ticks * 4 * HF_MICROSECOND;
    world_restart(w);
    user_connect(w);
    syn = sends(w, "S seq=0");
    assert_int_equal(syn->segment.seq, iss);
    world_restart(w);
}

void new_incarnation(struct world *w, uint32_t peer_iss)
{
    flow_forget(w, w->flow, peer_iss);
}

uint8_t pattern_byte(int from_stack, uint32_t relative_seq)
{
    uint32_t mixed = (relative_seq + (from_stack ? 0x9e3779b9u : 0)) * 2654435761u;
    return (uint8_t)(mixed >> 24);
}

static struct flow *flow_of(struct world *w, const struct segment *segment)
{
    for (unsigned i = 0; i < w->flow_count; i++) {
        if (w->flows[i].peer_port == segment->destination_port &&
            w->flows[i].stack_port == segment->source_port) {
            return &w->flows[i];
        }
    }
    return NULL;
}

/* What holds for flags and header fields of any segment. */
static const char *check_header(const struct world *w, const struct segment *segment)
{
    unsigned flags = segment->flags;

    if (segment->reserved != 0) {
        return "reserved bits are set (RFC 9293 3.1)";
    }
    if (flags & (HF_ECE | HF_CWR | HF_AE)) {
        return "an ECN flag without ECN (RFC 3168 6.1)";
    }
    if (segment->ttl != w->config.ttl) {
        return "TTL or hop limit differs from the configuration (MUST-49)";
    }
    if (!(flags & (HF_SYN | HF_ACK | HF_RST))) {
        return "neither SYN nor ACK nor RST (RFC 9293 3.1: once established, ACK is always set)";
    }
    if ((flags & HF_SYN) && (flags & (HF_FIN | HF_RST))) {
        return "SYN with FIN or RST";
    }
    if ((flags & HF_RST) && (flags & HF_FIN)) {
        return "RST with FIN";
    }
    if (!(flags & HF_URG) && segment->urgent != 0) {
        return "urgent pointer without URG";
    }
    if (!(flags & HF_SYN) && (segment->has_mss || segment->has_ws || segment->has_sackok)) {
        return "an option of SYNs on a segment that is none (MUST-65, RFC 7323 2.2, RFC 2018 2)";
    }
    if ((flags & HF_SYN) && !segment->has_mss) {
        return "SYN without MSS (RFC 9293 3.7.1 SHLD-5)";
    }
    if ((flags & (HF_SYN | HF_RST)) && segment->sack_count > 0) {
        return "SACK blocks on SYN or RST";
    }
    return NULL;
}

/* A SYN-ACK offers only what the SYN offered (RFC 7323 2.2, 3.2; RFC 2018 2). */
static const char *check_syn(const struct world *w, struct flow *flow,
                             const struct segment *segment)
{
    uint32_t headers = segment->destination.family == HF_IPV4 ? 40 : 60;

    if (segment->mss > w->config.mtu - headers) {
        return "MSS larger than the MTU allows (MUST-67)";
    }
    if (segment->flags & HF_ACK) {
        if (segment->has_ws && !flow->peer_ws) {
            return "SYN-ACK offers window scale that the SYN did not (RFC 7323 2.2)";
        }
        if (segment->has_ts && !flow->peer_ts) {
            return "SYN-ACK carries timestamps that the SYN did not (RFC 7323 3.2)";
        }
        if (segment->has_sackok && !flow->peer_sackok) {
            return "SYN-ACK permits SACK that the SYN did not";
        }
    }
    if (!flow->stack_iss_known) {
        flow->stack_iss = segment->seq;
        flow->stack_iss_known = 1;
    }
    flow->stack_syn_seen = 1;
    flow->stack_ts = segment->has_ts;
    flow->stack_sackok = segment->has_sackok;
    flow->stack_ws = segment->has_ws;
    flow->stack_shift = segment->has_ws ? (int)segment->ws : 0;
    if (segment->flags & HF_ACK) {
        flow->stack_right_edge = segment->ack + segment->window - flow->peer_iss;
        flow->stack_right_edge_known = 1;
    }
    return NULL;
}

/* The rules of options and of the payload once both SYNs have been seen. */
static const char *check_synchronized(struct flow *flow, const struct segment *segment)
{
    int both_ts = flow->peer_ts && flow->stack_ts;
    size_t room = flow->peer_mss;

    if (segment->has_ts && !both_ts) {
        return "timestamps that were not negotiated (RFC 7323 3.2)";
    }
    if (!segment->has_ts && both_ts && !(segment->flags & HF_RST)) {
        return "no timestamps though they were negotiated (RFC 7323 3.2)";
    }
    if (segment->sack_count > 0 && !(flow->peer_sackok && flow->stack_sackok)) {
        return "SACK blocks that were not negotiated (RFC 2018 3)";
    }
    if (segment->payload_bytes + segment->option_bytes > room) {
        return "payload and options exceed the peer's MSS (MUST-16)";
    }
    for (size_t i = 0; i < segment->payload_bytes; i++) {
        uint32_t at = segment->seq + (uint32_t)i - flow->stack_iss;
        if (segment->payload[i] != pattern_byte(1, at)) {
            return "the payload is not what the program sent";
        }
    }
    return NULL;
}

/* Neither side's window is overrun or taken back. */
static const char *check_windows(struct flow *flow, const struct segment *segment)
{
    int shift = flow->peer_ws && flow->stack_ws ? flow->stack_shift : 0;
    uint32_t end = segment->seq + (uint32_t)segment->payload_bytes - flow->stack_iss;
    uint32_t edge = segment->ack + ((uint32_t)segment->window << shift) - flow->peer_iss;

    /* One byte beyond it is a window probe's right (RFC 9293 3.8.6.1). */
    if (segment->payload_bytes > 0 && flow->peer_right_edge_known &&
        (int32_t)(end - flow->peer_right_edge) > 1) {
        return "data beyond every window the peer ever offered";
    }
    if (!(segment->flags & HF_ACK)) {
        return "no ACK on a synchronized segment";
    }
    if (flow->stack_right_edge_known &&
        (int32_t)(edge - flow->stack_right_edge) <= -(int32_t)(1u << shift)) {
        return "the right window edge moved left (SHLD-14)";
    }
    if (!flow->stack_right_edge_known || (int32_t)(edge - flow->stack_right_edge) > 0) {
        flow->stack_right_edge = edge;
        flow->stack_right_edge_known = 1;
    }
    return NULL;
}

static const char *check_ts_value(struct flow *flow, const struct segment *segment)
{
    if (!segment->has_ts) {
        return NULL;
    }
    if (flow->stack_ts_value_known && (int32_t)(segment->ts_value - flow->stack_ts_value) < 0) {
        return "TSval went back (RFC 7323 5.4)";
    }
    if (!(segment->flags & HF_ACK) && segment->ts_echo != 0) {
        return "TSecr without ACK is not zero (RFC 7323 3.2)";
    }
    flow->stack_ts_value = segment->ts_value;
    flow->stack_ts_value_known = 1;
    return NULL;
}

/* The rules every packet is held to; NULL or the one it breaks. */
static const char *check_invariants(struct world *w, const struct segment *segment)
{
    struct flow *flow = flow_of(w, segment);
    const char *wrong;

    if (!w->any_source && (!hf_address_equal(&segment->source, &w->stack_address) ||
                           !hf_address_equal(&segment->destination, &w->peer_address))) {
        return "it is not between the two addresses of the test";
    }
    wrong = check_header(w, segment);
    if (wrong != NULL || flow == NULL) {
        return wrong;
    }
    wrong = check_ts_value(flow, segment);
    if (wrong != NULL) {
        return wrong;
    }
    if (segment->flags & HF_SYN) {
        wrong = check_syn(w, flow, segment);
        return wrong;
    }
    if (segment->flags & HF_RST) {
        return segment->payload_bytes > 0 ? "RST with payload" : NULL;
    }
    if (!flow->stack_iss_known || !flow->peer_syn_seen) {
        return "a segment of a connection that was never opened";
    }
    wrong = check_synchronized(flow, segment);
    return wrong != NULL ? wrong : check_windows(flow, segment);
}

static void capture(struct world *w, const uint8_t *bytes, size_t length)
{
    struct captured *captured;
    uint8_t protocol = 0;
    const char *wrong;

    if (w->queue_tail == PACKET_QUEUE_LIMIT) {
        assert_true(w->queue_head > 0);
        memmove(w->queue, w->queue + w->queue_head,
                (w->queue_tail - w->queue_head) * sizeof *w->queue);
        for (unsigned i = 0; i < w->queue_tail - w->queue_head; i++) {
            size_t payload_bytes = w->queue[i].segment.payload_bytes;
            w->queue[i].segment.payload = w->queue[i].bytes + w->queue[i].length - payload_bytes;
        }
        w->queue_tail -= w->queue_head;
        w->queue_head = 0;
    }
    captured = &w->queue[w->queue_tail++];
    assert_true(length <= sizeof captured->bytes);
    memcpy(captured->bytes, bytes, length);
    captured->length = length;
    captured->time = w->now;
    wrong = segment_parse(captured->bytes, length, &captured->segment, &protocol);
    if (wrong == NULL && protocol == 6) {
        wrong = check_invariants(w, &captured->segment);
    } else if (wrong == NULL && !w->icmp_allowed) {
        wrong = "it is not TCP";
    }
    if (wrong != NULL) {
        char text[SEGMENT_TEXT];
        describe(w, captured, text, sizeof text);
        fail_msg("the stack sent a bad packet: %s\n  %s", wrong, text);
    }
}

void drain(struct world *w)
{
    uint8_t bytes[2048];
    struct hf_event event;
    ptrdiff_t length;

    while ((length = hf_stack_output(w->stack, bytes, sizeof bytes, w->now)) > 0) {
        capture(w, bytes, (size_t)length);
    }
    assert_int_equal(length, 0);
    while (hf_stack_next_event(w->stack, &event)) {
        assert_true(w->event_count < sizeof w->events / sizeof w->events[0]);
        w->events[w->event_count++] = event;
    }
    if (hf_stack_next_deadline(w->stack) <= w->now) {
        fail_msg("the stack has nothing to send and yet asks to be called at once, for ever");
    }
}

void run_for(struct world *w, hf_time time, int until_packet)
{
    hf_time end = w->now + time;

    while (!(until_packet && waiting_packets(w) > 0)) {
        hf_time deadline = hf_stack_next_deadline(w->stack);
        if (deadline > end) {
            w->now = end;
            return;
        }
        w->now = deadline > w->now ? deadline : w->now;
        drain(w);
    }
}

void inject(struct world *w, const void *packet, size_t length)
{
    /* A copy of the exact size, so that a sanitizer sees a read past the end. */
    uint8_t *copy = malloc(length > 0 ? length : 1);
    assert_non_null(copy);
    memcpy(copy, packet, length);
    w->reason = hf_stack_input(w->stack, copy, length, w->now);
    memset(copy, 0xee, length);
    free(copy);
    drain(w);
}

unsigned waiting_packets(const struct world *w)
{
    return w->queue_tail - w->queue_head;
}

const struct captured *next_packet(struct world *w)
{
    return w->queue_head < w->queue_tail ? &w->queue[w->queue_head++] : NULL;
}
