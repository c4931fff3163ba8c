/* SPDX-License-Identifier: MIT
 *
 * A peer that knows every number and lies in every SACK block: a window of 1 MiB in segments of 64
 * bytes, sixteen thousand records, and over a million ACKs whose blocks shift, overlap, contradict
 * each other or name what never was. Memory stays within the configured limit, no assertion fails,
 * and the connection works when the peer turns honest.
 *
 * Nothing here looks at how long it takes, but the time of one ACK of each kind is printed: the
 * blocks that cover the window anew each time must cost about what an ordinary ACK costs. Walking
 * the window for each would be 10^10 steps, and the test runner's limit ends that.
 */
#include "round_trip.h"
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MSS = 64, WINDOW = 1 << 20, SHIFTING = 300000, RANDOM = 1000000 };
#define MEMORY_LIMIT (UINT64_C(4) << 20)

struct attack {
    struct world *w;
    uint32_t una, next, recv_next; /* absolute: the sender's SND.UNA and SND.NXT; what it expects */
    uint64_t random, repeated, sent;
    uint64_t input_ns, inputs;
};

static uint32_t below(struct attack *attack, uint32_t bound)
{
    /* xorshift64 (Marsaglia, 2003) */
    attack->random ^= attack->random << 13;
    attack->random ^= attack->random >> 7;
    attack->random ^= attack->random << 17;
    return (uint32_t)((attack->random >> 20) % bound);
}

static uint64_t clock_ns(void)
{
    struct timespec now;
    timespec_get(&now, TIME_UTC);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Takes what the stack sends, up to `most` segments, and keeps its send buffer full. */
static void take_output(struct attack *attack, unsigned most)
{
    static const uint8_t zeros[65536];
    struct world *w = attack->w;
    uint8_t bytes[2048];
    struct hf_event ignored;
    ptrdiff_t length = 0;

    while (most-- > 0 && (length = hf_stack_output(w->stack, bytes, sizeof bytes, w->now)) > 0) {
        struct segment segment;
        uint8_t protocol;
        assert_null(segment_parse(bytes, (size_t)length, &segment, &protocol));
        assert_false(segment.flags & (HF_RST | HF_FIN | HF_SYN));
        assert_true(segment.payload_bytes <= MSS);
        if ((int32_t)(segment.seq + segment.payload_bytes - attack->next) > 0) {
            attack->next = segment.seq + (uint32_t)segment.payload_bytes;
        } else if (segment.payload_bytes > 0) {
            attack->repeated++;
        }
        attack->sent++;
        assert_true(attack->next - attack->una <= WINDOW);
    }
    assert_true(length >= 0);
    while (hf_stack_next_event(w->stack, &ignored)) {
        assert_int_not_equal(ignored.type, HF_EVENT_ERROR);
    }
    while (hf_send(w->stack, w->flow->connection, zeros, sizeof zeros, 0, w->now) > 0) {
    }
}

static void put_block(struct segment *segment, uint32_t left, uint32_t right)
{
    uint8_t *at = segment->options + segment->option_bytes;
    for (int i = 0; i < 4; i++) {
        at[i] = (uint8_t)(left >> (24 - 8 * i));
        at[4 + i] = (uint8_t)(right >> (24 - 8 * i));
    }
    segment->option_bytes += 8;
    segment->options[3] = (uint8_t)(segment->options[3] + 8);
}

/* An ACK of attack->una with an empty SACK option, for put_block. */
static struct segment empty_ack(const struct attack *attack)
{
    return (struct segment){.source = attack->w->peer_address,
                            .destination = attack->w->stack_address,
                            .source_port = PEER_PORT,
                            .destination_port = STACK_PORT,
                            .seq = attack->recv_next,
                            .ack = attack->una,
                            .flags = HF_ACK,
                            .window = WINDOW >> 5,
                            .data_offset = -1,
                            .ttl = 64,
                            .options = {1, 1, 5, 2},
                            .option_bytes = 4};
}

static void hit(struct attack *attack, struct segment *segment)
{
    uint8_t packet[200];
    size_t length;
    uint64_t start;

    if (segment->options[3] == 2) {
        segment->option_bytes = 0;
    }
    length = segment_build(segment, packet);
    start = clock_ns();
    (void)hf_stack_input(attack->w->stack, packet, length, attack->w->now);
    attack->input_ns += clock_ns() - start;
    attack->inputs++;
    assert_true(counters_of(attack->w).memory_used_bytes <= MEMORY_LIMIT);
}

static void tell(struct attack *attack, const char *what)
{
    print_message("%-28s %8" PRIu64 " ACKs, %5" PRIu64 " ns each; %" PRIu64
                  " segments sent, %" PRIu64 " again\n",
                  what, attack->inputs, attack->input_ns / attack->inputs, attack->sent,
                  attack->repeated);
    attack->inputs = attack->input_ns = attack->sent = attack->repeated = 0;
}

/* The peer acknowledges all there is, until the window is full and stays so. */
static void honest(struct attack *attack, unsigned flights)
{
    for (unsigned i = 0; i < flights; i++) {
        uint32_t end;
        take_output(attack, UINT32_MAX);
        attack->w->now += 10 * MS;
        end = attack->next;
        while (attack->una != end) {
            struct segment ack = empty_ack(attack);
            uint32_t step = end - attack->una < 2 * MSS ? end - attack->una : 2 * MSS;
            attack->una += step;
            ack.ack = attack->una;
            hit(attack, &ack);
            take_output(attack, UINT32_MAX);
        }
    }
    take_output(attack, UINT32_MAX);
}

/* First all but the first is SACKed, then blocks that cover the whole window, each a little
 * different from the ones before. No time passes: all of it is for the records' account. */
static void shifting(struct attack *attack)
{
    for (uint32_t i = 0; i < SHIFTING; i++) {
        struct segment ack = empty_ack(attack);
        uint32_t flight = attack->next - attack->una;
        for (uint32_t block = 0; block < 4; block++) {
            put_block(&ack, attack->una + MSS + (4 * i + block) % (flight / 4),
                      attack->next - (4 * i + block) * 7 % (flight / 4));
        }
        hit(attack, &ack);
        take_output(attack, 4);
    }
}

static void random_block(struct attack *attack, struct segment *ack)
{
    uint32_t flight = attack->next - attack->una + 1;
    uint32_t left = attack->una + below(attack, flight);
    switch (below(attack, 8)) {
    case 0: /* anything */
        put_block(ack, below(attack, UINT32_MAX), below(attack, UINT32_MAX));
        break;
    case 1: /* across SND.UNA or SND.NXT */
        put_block(ack, attack->una - below(attack, 5000), left);
        break;
    case 2:
        put_block(ack, left, attack->next + below(attack, 5000));
        break;
    case 3: /* parts of segments */
        put_block(ack, left, left + below(attack, 2 * MSS));
        break;
    case 4: /* from SND.UNA on: gone back on */
        put_block(ack, attack->una, left);
        break;
    default: /* one segment or some, where they are */
        left -= (left - attack->una) % MSS;
        put_block(ack, left, left + MSS * (1 + below(attack, 1u << below(attack, 14))));
        break;
    }
}

static void random_acks(struct attack *attack)
{
    for (uint32_t i = 0; i < RANDOM; i++) {
        struct segment ack;
        uint32_t blocks = below(attack, 5);
        if (below(attack, 4) == 0) {
            uint32_t most = attack->next - attack->una;
            most = below(attack, 1000) == 0 ? most : most < 4 * MSS ? most : 4 * MSS;
            attack->una += below(attack, most + 1);
        }
        ack = empty_ack(attack);
        if (below(attack, 50) == 0) {
            ack.ack += below(attack, 3 * WINDOW) - WINDOW; /* old, future */
            if ((int32_t)(ack.ack - attack->una) > 0 && (int32_t)(ack.ack - attack->next) <= 0) {
                attack->una = ack.ack;
            }
        }
        if (below(attack, 100) == 0) {
            ack.window = (uint16_t)below(attack, (WINDOW >> 5) + 1);
        }
        while (blocks-- > 0) {
            random_block(attack, &ack);
        }
        hit(attack, &ack);
        attack->w->now += below(attack, 100) == 0 ? 20 * MS : below(attack, 20000);
        take_output(attack, 20);
    }
}

static void lies(void **state)
{
    struct attack attack = {.w = *state, .random = 88172645463325252};
    struct world *w = *state;
    uint32_t una;

    w->config.memory_bytes = MEMORY_LIMIT;
    w->config.send_buffer_bytes = WINDOW;
    world_restart(w);
    establish_with_rtt(w, 10 * MS, WINDOW >> 5, "mss=64 sackok ws=5");
    attack.una = attack.next = w->flow->stack_iss + 1;
    attack.recv_next = w->flow->peer_iss + 1;
    honest(&attack, 12);
    assert_int_equal(attack.next - attack.una, WINDOW);
    tell(&attack, "honest, cwnd growing:");
    shifting(&attack);
    tell(&attack, "blocks that shift:");
    honest(&attack, 20);
    tell(&attack, "honest:");
    random_acks(&attack);
    tell(&attack, "random:");
    /* Honest again: after one timeout or so all goes on, if slowly, for ssthresh is low. */
    w->now += 10 * HF_SECOND;
    una = attack.una;
    honest(&attack, 100);
    assert_true(attack.una - una > 100 * MSS);
    assert_int_equal(status_of(w).state, HF_ESTABLISHED);
    assert_true(status_of(w).segments_in_flight > 10);
    assert_int_equal(status_of(w).sacked_segments, 0);
    user_abort(w);
    while (next_packet(w) != NULL) {
    }
    w->event_count = 0;
    print_message("memory at most %" PRIu64 " bytes, %" PRIu64 " when it is over\n",
                  counters_of(w).memory_peak_bytes, counters_of(w).memory_used_bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {ONLY_V4(lies)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
