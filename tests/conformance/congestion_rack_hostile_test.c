/* SPDX-License-Identifier: MIT
 *
 * A peer that knows every number and lies: a window of 1 MiB in segments of 64 bytes, sixteen
 * thousand records, and 1.5 million ACKs whose SACK blocks shift, overlap, contradict each other or
 * name what never was, floods of duplicates, ACKs of single bytes and of data never sent, windows
 * that open and close, recoveries that are taken back as soon as they begin, SACKs gone back on.
 * Memory stays within the configured limit, no assertion fails, the connection works when the peer
 * turns honest, and at the end nothing of it is held.
 *
 * What a packet costs is counted, not timed: the compiler puts a call into every branch of the TCP
 * layer (-fsanitize-coverage=trace-pc), and this file counts the calls. A packet of an attack, in
 * or out, may take five times the steps that one takes when the peer is honest, on average.
 */
#include "round_trip.h"
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MSS = 64, WINDOW = 1 << 20, RECORDS = WINDOW / MSS };
enum { SHIFTING = 150000, RANDOM = 700000, OTHERS = 100000, DIVIDED = 200000, RENEGINGS = 50 };
enum { TIMES_HONEST = 5 };
#define MEMORY_LIMIT (UINT64_C(4) << 20)

static uint64_t steps;
void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
    steps++;
}

struct attack {
    struct world *w;
    bool stamped; /* timestamps are agreed */
    uint32_t stamp, echo;
    uint32_t mss;
    uint32_t una, next, recv_next; /* absolute: the sender's SND.UNA and SND.NXT; what it expects */
    uint64_t random, repeated, sent;
    uint64_t inputs, steps_before, honest_steps;
};

static uint32_t below(struct attack *attack, uint32_t bound)
{
    /* xorshift64 (Marsaglia, 2003) */
    attack->random ^= attack->random << 13;
    attack->random ^= attack->random >> 7;
    attack->random ^= attack->random << 17;
    return (uint32_t)((attack->random >> 20) % bound);
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
        assert_true(segment.payload_bytes <= attack->mss);
        attack->echo = segment.ts_value;
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

static void put_u32(struct segment *segment, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        segment->options[segment->option_bytes++] = (uint8_t)(value >> (24 - 8 * i));
    }
}

/* The option that comes last is SACK's; its length follows its kind. */
static void put_block(const struct attack *attack, struct segment *segment, uint32_t left,
                      uint32_t right)
{
    if (segment->option_bytes + 8 <= sizeof segment->options) {
        put_u32(segment, left);
        put_u32(segment, right);
        segment->options[attack->stamped ? 15 : 3] += 8;
    }
}

/* An ACK of attack->una with an empty SACK option, for put_block. */
static struct segment empty_ack(const struct attack *attack)
{
    static const uint8_t timestamps[] = {1, 1, 8, 10}, sack[] = {1, 1, 5, 2};
    struct segment segment = {.source = attack->w->peer_address,
                              .destination = attack->w->stack_address,
                              .source_port = attack->w->flow->peer_port,
                              .destination_port = STACK_PORT,
                              .seq = attack->recv_next,
                              .ack = attack->una,
                              .flags = HF_ACK,
                              .window = WINDOW >> 5,
                              .data_offset = -1,
                              .ttl = 64};
    if (attack->stamped) {
        memcpy(segment.options, timestamps, sizeof timestamps);
        segment.option_bytes = sizeof timestamps;
        put_u32(&segment, attack->stamp);
        put_u32(&segment, attack->echo);
    }
    memcpy(segment.options + segment.option_bytes, sack, sizeof sack);
    segment.option_bytes += sizeof sack;
    return segment;
}

static void hit(struct attack *attack, struct segment *segment)
{
    uint8_t packet[200];
    size_t length;

    if (segment->options[attack->stamped ? 15 : 3] == 2) {
        segment->option_bytes -= 4;
    }
    length = segment_build(segment, packet);
    (void)hf_stack_input(attack->w->stack, packet, length, attack->w->now);
    attack->inputs++;
    assert_true(counters_of(attack->w).memory_used_bytes <= MEMORY_LIMIT);
}

/* What a packet cost since the last call; `limit` of them at most, 0 for any. */
static uint64_t tell(struct attack *attack, const char *what, uint64_t limit)
{
    uint64_t each = (steps - attack->steps_before) / (attack->inputs + attack->sent);
    print_message("%-28s %8" PRIu64 " ACKs, %6" PRIu64 " segments sent, %" PRIu64 " again; %" PRIu64
                  " steps each\n",
                  what, attack->inputs, attack->sent, attack->repeated, each);
    assert_true(limit == 0 || each <= limit);
    attack->inputs = attack->sent = attack->repeated = 0;
    attack->steps_before = steps;
    return each;
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
            uint32_t two = 2 * attack->mss;
            uint32_t step = end - attack->una < two ? end - attack->una : two;
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
            put_block(attack, &ack, attack->una + MSS + (4 * i + block) % (flight / 4),
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
        put_block(attack, ack, below(attack, UINT32_MAX), below(attack, UINT32_MAX));
        break;
    case 1: /* across SND.UNA or SND.NXT */
        put_block(attack, ack, attack->una - below(attack, 5000), left);
        break;
    case 2:
        put_block(attack, ack, left, attack->next + below(attack, 5000));
        break;
    case 3: /* parts of segments */
        put_block(attack, ack, left, left + below(attack, 2 * MSS));
        break;
    case 4: /* from SND.UNA on: gone back on */
        put_block(attack, ack, attack->una, left);
        break;
    default: /* one segment or some, where they are */
        left -= (left - attack->una) % MSS;
        put_block(attack, ack, left, left + MSS * (1 + below(attack, 1u << below(attack, 14))));
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

/* The same duplicates again and again, below the ACK and inside a block above it (RFC 2883 4). */
static void duplicates(struct attack *attack)
{
    for (uint32_t i = 0; i < OTHERS; i++) {
        struct segment ack = empty_ack(attack);
        uint32_t left = attack->una - below(attack, 100) * MSS;
        if (below(attack, 2) == 0) {
            left = attack->una + MSS * (1 + below(attack, RECORDS / 2));
        }
        put_block(attack, &ack, left, left + MSS * (1 + below(attack, 1u << below(attack, 12))));
        put_block(attack, &ack, attack->una + MSS, attack->next);
        hit(attack, &ack);
        attack->w->now += below(attack, 1000);
        take_output(attack, 4);
    }
}

/* RFC 5961 5.2's ACKs: of what was never sent, and of what is long gone. */
static void impossible(struct attack *attack)
{
    for (uint32_t i = 0; i < OTHERS; i++) {
        struct segment ack = empty_ack(attack);
        ack.ack = i % 2 == 0 ? attack->next + 1 + below(attack, 1u << 30)
                             : attack->una - 1 - below(attack, 1u << 30);
        put_block(attack, &ack, ack.ack + MSS, ack.ack + 9 * MSS);
        hit(attack, &ack);
        attack->w->now += below(attack, 1000);
        take_output(attack, 4);
    }
}

/* Savage's ACK division: each byte by itself. */
static void divided(struct attack *attack)
{
    for (uint32_t i = 0; i < DIVIDED; i++) {
        struct segment ack;
        attack->una += attack->una != attack->next;
        ack = empty_ack(attack);
        hit(attack, &ack);
        take_output(attack, 4);
        attack->w->now += below(attack, 1000);
    }
}

/* The window shuts, opens by a byte, by all, and shrinks below what is in flight. */
static void windows(struct attack *attack)
{
    for (uint32_t i = 0; i < OTHERS; i++) {
        struct segment ack;
        attack->una += below(attack, 8) == 0 && attack->next - attack->una > MSS ? MSS : 0;
        ack = empty_ack(attack);
        ack.window = (uint16_t)(below(attack, 3) == 0   ? 0
                                : below(attack, 2) == 0 ? 1
                                                        : below(attack, (WINDOW >> 5) + 1));
        if (below(attack, 4) == 0) {
            put_block(attack, &ack, attack->una + 2 * MSS, attack->una + 9 * MSS);
        }
        hit(attack, &ack);
        attack->w->now += below(attack, 20000);
        take_output(attack, 4);
    }
}

/* A loss that is none: three later segments are SACKed, the first goes again, and the next ACK says
 * with an old timestamp or with a DSACK that it was needless; all of it is taken back. */
static void taken_back(struct attack *attack)
{
    uint32_t undos = status_of(attack->w).undos;
    for (uint32_t i = 0; i < OTHERS / 2; i++) {
        uint32_t mss = attack->mss;
        uint32_t first = attack->una;
        uint32_t old = attack->echo;
        struct segment ack = empty_ack(attack);
        put_block(attack, &ack, first + mss, first + 4 * mss);
        attack->w->now += MS;
        hit(attack, &ack);
        attack->w->now += 100 * MS; /* the first undo has shown reordering, which is waited for */
        take_output(attack, 4);
        attack->una += 4 * mss;
        ack = empty_ack(attack);
        if (i % 2 == 0) {
            put_block(attack, &ack, first, first + mss);
        } else {
            ack.options[8] = (uint8_t)((old - 1) >> 24);
            ack.options[9] = (uint8_t)((old - 1) >> 16);
            ack.options[10] = (uint8_t)((old - 1) >> 8);
            ack.options[11] = (uint8_t)(old - 1);
        }
        hit(attack, &ack);
        take_output(attack, 8);
    }
    /* Once the path is known to reorder three are not enough to fool it. */
    assert_true(status_of(attack->w).undos > undos);
}

/* All but the first is SACKed, then the first acknowledged and no more: the peer has gone back on
 * it. A timer of 10 ms at least looks at all records then, as after any timeout; what that costs a
 * record, once, is less than its segment did. Over and over that would be dear; so a peer that does
 * it more often than the flight was sent is not believed any more, and has to acknowledge. */
static void renegings(struct attack *attack)
{
    uint64_t before = counters_of(attack->w).sack_renegings;
    uint64_t all = steps;
    for (uint32_t i = 0; i < RENEGINGS; i++) {
        uint64_t start = steps;
        struct segment ack = empty_ack(attack);
        put_block(attack, &ack, attack->una + MSS, attack->next);
        hit(attack, &ack);
        attack->una += MSS;
        ack = empty_ack(attack);
        hit(attack, &ack);
        for (int timer = 0; timer < 10; timer++) {
            hf_time next = hf_stack_next_deadline(attack->w->stack);
            attack->w->now = next > attack->w->now ? next : attack->w->now;
            take_output(attack, UINT32_MAX);
        }
        assert_true(steps - start < attack->honest_steps * RECORDS);
    }
    assert_true(counters_of(attack->w).sack_renegings - before >= 2);
    assert_true(steps - all < 2 * attack->honest_steps * RECORDS);
}

static void open_attack(struct attack *attack, const char *options)
{
    struct world *w = attack->w;
    establish_with_rtt(w, 10 * MS, WINDOW >> 5, options);
    attack->una = attack->next = w->flow->stack_iss + 1;
    attack->recv_next = w->flow->peer_iss + 1;
    attack->sent = attack->inputs = attack->repeated = 0;
    attack->steps_before = steps;
}

/* Honest again: after one timeout or so all goes on, if slowly, for ssthresh is low. */
static void recovers(struct attack *attack)
{
    struct world *w = attack->w;
    uint32_t una;
    w->now += 10 * HF_SECOND;
    una = attack->una;
    honest(attack, 100);
    assert_true(attack->una - una > 100 * attack->mss);
    assert_int_equal(status_of(w).state, HF_ESTABLISHED);
    assert_true(status_of(w).segments_in_flight > 10);
    assert_int_equal(status_of(w).sacked_segments, 0);
}

/* What a host holds afterwards: pages and slabs that it keeps for the next connection. */
static uint64_t close_attack(struct attack *attack)
{
    struct world *w = attack->w;
    user_abort(w);
    while (next_packet(w) != NULL) {
    }
    w->event_count = 0;
    print_message("memory at most %" PRIu64 " bytes, %" PRIu64 " when it is over\n",
                  counters_of(w).memory_peak_bytes, counters_of(w).memory_used_bytes);
    assert_int_equal(counters_of(w).connections, 0);
    return counters_of(w).memory_used_bytes;
}

static void set_up(struct attack *attack)
{
    struct world *w = attack->w;
    w->config.memory_bytes = MEMORY_LIMIT;
    w->config.send_buffer_bytes = WINDOW;
    world_restart(w);
    user_listen(w);
}

static void lies(void **state)
{
    struct attack attack = {.w = *state, .random = 88172645463325252, .mss = MSS};
    uint64_t limit;

    set_up(&attack);
    open_attack(&attack, "mss=64 sackok ws=5");
    honest(&attack, 12);
    assert_int_equal(attack.next - attack.una, WINDOW);
    attack.honest_steps = tell(&attack, "honest, cwnd growing:", 0);
    assert_true(attack.honest_steps > 0);
    limit = TIMES_HONEST * attack.honest_steps;
    shifting(&attack);
    tell(&attack, "blocks that shift:", limit);
    honest(&attack, 20);
    tell(&attack, "honest:", limit);
    random_acks(&attack);
    tell(&attack, "random:", limit);
    recovers(&attack);
    tell(&attack, "honest:", limit);
    duplicates(&attack);
    tell(&attack, "duplicates:", limit);
    impossible(&attack);
    tell(&attack, "impossible:", limit);
    divided(&attack);
    tell(&attack, "divided:", limit);
    windows(&attack);
    tell(&attack, "windows:", limit);
    recovers(&attack);
    renegings(&attack);
    tell(&attack, "renegings:", 0);
    recovers(&attack);
    (void)close_attack(&attack);
}

/* Twice: what the first leaves behind is all that the second finds and leaves. */
static void lies_about_needless_repetitions(void **state)
{
    struct attack attack = {
        .w = *state, .random = 88172645463325252, .mss = MSS - 12, .stamped = true, .stamp = 1000};
    uint64_t held[2];

    set_up(&attack);
    for (unsigned i = 0; i < 2; i++) {
        (void)use_flow(attack.w, (uint16_t)(PEER_PORT + i));
        open_attack(&attack, "mss=64 sackok ws=5 ts=1000");
        honest(&attack, 14);
        attack.honest_steps = tell(&attack, "honest, timestamps:", 0);
        taken_back(&attack);
        tell(&attack, "taken back:", TIMES_HONEST * attack.honest_steps);
        recovers(&attack);
        held[i] = close_attack(&attack);
    }
    assert_int_equal(held[0], held[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {ONLY_V4(lies), ONLY_V4(lies_about_needless_repetitions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
