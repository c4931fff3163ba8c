/* SPDX-License-Identifier: MIT
 *
 * Segments of any size in any order, against the plainest model of a receiver there is: one flag a
 * byte. What the model says was received must be what is acknowledged (RFC 9293 3.4, 3.10.7.4
 * first and seventh), what SACK reports (RFC 2018 3, 4) and what the program reads; each segment
 * is answered once at most (RFC 5681 4.2), and the window's right edge is believed.
 */
#include "harness.h"
#include <string.h>

enum { STREAM = 6000, SEEDS = 60, STEPS = 400 };

struct receiver {
    uint8_t got[STREAM + 2]; /* by relative sequence number: 1..STREAM, and FIN at STREAM + 1 */
    uint32_t next;           /* RCV.NXT */
    uint32_t random;
    uint32_t newest; /* the first byte of the segment just taken above a hole; 0: none */
    int fin_possible;
};

static uint32_t chance(struct receiver *receiver, uint32_t limit)
{
    receiver->random ^= receiver->random << 13;
    receiver->random ^= receiver->random >> 17;
    receiver->random ^= receiver->random << 5;
    return receiver->random % limit;
}

static void advance(struct receiver *receiver)
{
    while (receiver->next <= STREAM + 1 && receiver->got[receiver->next]) {
        receiver->next++;
    }
}

/* What of [left, right), FIN included, lies in the window is received. */
static void model_takes(struct receiver *receiver, const struct world *w, uint32_t left,
                        uint32_t right)
{
    uint32_t edge = w->flow->stack_right_edge;

    for (uint32_t at = left; at < right; at++) {
        if (at >= receiver->next && at < edge) {
            receiver->got[at] = 1;
        }
        /* A FIN right at the edge, with nothing of it inside, may be taken or left. */
        receiver->fin_possible |= at == STREAM + 1 && at == edge;
    }
    advance(receiver);
}

static unsigned islands(const struct receiver *receiver)
{
    unsigned count = 0;

    for (uint32_t at = receiver->next + 1; at <= STREAM + 1; at++) { /* the FIN has a number, too */
        count += receiver->got[at] && !receiver->got[at - 1];
    }
    return count;
}

static void check_sack(struct receiver *receiver, const struct segment *segment,
                       const struct flow *flow)
{
    unsigned count;

    for (unsigned i = 0; i < segment->sack_count; i++) {
        if (receiver->fin_possible && segment->sack[i][1] - flow->peer_iss == STREAM + 2) {
            receiver->got[STREAM + 1] = 1;
        }
    }
    count = islands(receiver);

    if (flow->peer_sackok) {
        /* As many blocks as there are, or as fit: four without timestamps (RFC 2018 3, 4). */
        assert_int_equal(segment->sack_count, count < 4 ? count : 4);
    }
    if (receiver->newest != 0) {
        /* The first block holds the segment that caused this ACK (RFC 2018 4). */
        uint32_t left = segment->sack[0][0] - flow->peer_iss;
        uint32_t right = segment->sack[0][1] - flow->peer_iss;
        assert_true(left <= receiver->newest && receiver->newest < right);
    }
    for (unsigned i = 0; i < segment->sack_count; i++) {
        uint32_t left = segment->sack[i][0] - flow->peer_iss;
        uint32_t right = segment->sack[i][1] - flow->peer_iss;
        assert_true(left > segment->ack - flow->peer_iss);
        assert_true(left < right && right <= STREAM + 2);
        for (uint32_t at = left; at < right; at++) {
            assert_int_equal(receiver->got[at], 1);
        }
        /* A block is a whole island: its neighbours are missing (RFC 2018 3). */
        assert_int_equal(receiver->got[left - 1], 0);
        assert_true(right == STREAM + 2 || receiver->got[right] == 0);
    }
}

/* Takes what was sent; returns how many packets. The last one acknowledges all, if `settled`. */
static unsigned check_answers(struct receiver *receiver, struct world *w, int settled)
{
    const struct captured *captured;
    unsigned count = 0;
    uint32_t ack = 0;

    while ((captured = next_packet(w)) != NULL) {
        ack = captured->segment.ack - w->flow->peer_iss;
        assert_int_equal(captured->segment.flags, HF_ACK);
        assert_int_equal(captured->segment.payload_bytes, 0);
        if (receiver->fin_possible && ack == STREAM + 2 && receiver->next == STREAM + 1) {
            receiver->got[STREAM + 1] = 1;
            advance(receiver);
        }
        assert_true(ack <= receiver->next);
        check_sack(receiver, &captured->segment, w->flow);
        count++;
    }
    if (settled && count > 0) {
        assert_int_equal(ack, receiver->next);
    }
    return count;
}

static void send_random(struct receiver *receiver, struct world *w)
{
    uint8_t packet[1000];
    uint32_t span = w->flow->stack_right_edge - receiver->next + 600;
    uint32_t low = receiver->next > 300 ? receiver->next - 300 : 1;
    uint32_t left = low + chance(receiver, span);
    uint32_t length = chance(receiver, 4) == 0 ? 0 : 1 + chance(receiver, 500);
    int fin = 0, in_order;

    if (chance(receiver, 3) == 0) {
        left = receiver->next; /* or hardly anything would ever be in order */
    }
    if (chance(receiver, 2) == 0) {
        left = left / 50 * 50 + 1; /* so that islands touch */
        length = length / 50 * 50;
    }
    if (left > STREAM + 1) {
        left = STREAM + 1;
    }
    if (left + length >= STREAM + 1) {
        length = STREAM + 1 - left;
        fin = chance(receiver, 2) == 0;
    }
    in_order = left <= receiver->next && left + length > receiver->next &&
               receiver->next < w->flow->stack_right_edge;
    receiver->newest = w->flow->peer_sackok && length > 0 && left > receiver->next &&
                               left < w->flow->stack_right_edge
                           ? left
                           : 0;
    model_takes(receiver, w, left, left + length + (uint32_t)fin);
    inject(
        w, packet,
        build(w, packet, sizeof packet, "%s seq=%u ack=1 len=%u", fin ? "F." : ".", left, length));
    if (length > 0 && !in_order) {
        /* Out of order, or not acceptable: an ACK at once, and one. */
        assert_int_equal(check_answers(receiver, w, 1), 1);
    } else {
        assert_true(check_answers(receiver, w, 1) <= 1);
    }
    receiver->newest = 0;
}

static void read_some(struct receiver *receiver, struct world *w)
{
    uint32_t text = receiver->next > STREAM + 1 ? STREAM + 1 : receiver->next;
    uint32_t unread = text - 1 - w->flow->user_received_bytes;

    assert_int_equal(status_of(w).receive_queue_bytes, unread);
    if (unread > 0) {
        user_recv(w, 1 + chance(receiver, unread));
        assert_true(check_answers(receiver, w, 1) <= 1);
    }
}

static void finish(struct receiver *receiver, struct world *w)
{
    uint8_t packet[1000];

    while (receiver->next < STREAM + 2) {
        uint32_t left = receiver->next;
        uint32_t length = STREAM + 1 - left < 300 ? STREAM + 1 - left : 300;
        int fin = left + length == STREAM + 1;
        model_takes(receiver, w, left, left + length + (uint32_t)fin);
        inject(w, packet,
               build(w, packet, sizeof packet, "%s seq=%u ack=1 len=%u", fin ? "F." : ".", left,
                     length));
        run_for(w, w->config.delayed_ack_ns, 0);
        (void)check_answers(receiver, w, 1);
        read_some(receiver, w);
    }
    while (w->flow->user_received_bytes < STREAM) {
        read_some(receiver, w);
    }
    user_recv_error(w, 0);
    silent_for(w, HF_SECOND);
    in_state(w, HF_CLOSE_WAIT);
    assert_int_equal(status_of(w).out_of_order_bytes, 0);
    assert_int_equal(status_of(w).bytes_received, STREAM);
}

static void random_segments(struct world *w, const char *options)
{
    for (uint32_t seed = 1; seed <= SEEDS; seed++) {
        struct receiver receiver = {.next = 1, .random = seed * 2654435761u};
        w->config.dsack = 0; /* only what is there, not what came twice */
        w->config.receive_buffer_bytes = 256 + chance(&receiver, 3000);
        w->peer_iss = chance(&receiver, 2) ? 0xfffff000u + chance(&receiver, 8192)
                                           : 0x7ffff000u + chance(&receiver, 8192);
        world_restart(w);
        establish_passive(w, 1000, options);
        for (int step = 0; step < STEPS && receiver.next < STREAM + 2; step++) {
            send_random(&receiver, w);
            if (chance(&receiver, 3) == 0) {
                read_some(&receiver, w);
            }
            if (chance(&receiver, 5) == 0) {
                run_for(w, w->config.delayed_ack_ns, 0);
                (void)check_answers(&receiver, w, 1);
            }
        }
        finish(&receiver, w);
    }
}

/* trim-left, trim-right, fin-out-of-order in every mixture. */
static void segments_in_any_order(void **state)
{
    random_segments(*state, "mss=1000");
}

static void segments_in_any_order_with_sack(void **state)
{
    random_segments(*state, "mss=1000 sackok");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(segments_in_any_order),
        BOTH(segments_in_any_order_with_sack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
