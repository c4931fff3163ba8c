/* SPDX-License-Identifier: MIT
 *
 * What a peer can do to a sender. Each function is a step: a packet or two, with as much time
 * between as suits it. SACK blocks name what lies where they say, from w->una on; the flight is
 * whole segments at first.
 */
#include "hostile.h"

#include <string.h>

static void quiet(struct hostile *w)
{
    w->now += 1 + below(w, 20000);
}

static void hit_and_take(struct hostile *w, const struct hostile_segment *segment)
{
    (void)hostile_hit(w, segment);
    quiet(w);
    hostile_take(w);
}

/* Where segment `k` begins. */
static uint32_t place(const struct hostile *w, uint32_t k)
{
    return w->una + k * w->mss;
}

/* ---- nothing hostile: what the others are measured by */

static void two_acknowledged(struct hostile *w, uint32_t i)
{
    (void)i;
    w->now += 10 * HF_MILLISECOND / (segments(w) / 2 + 1);
    hostile_acknowledge(w, 2 * w->mss);
    hostile_take(w);
}

/* Nothing waits any more: ACKs release nothing. Of what is written at most once as much as fits a
 * flight is left, and that is in flight; what is paced has to be waited for. */
static void no_more_data(struct hostile *w)
{
    w->refill = false;
    for (uint32_t i = 0; w->next - w->iss - 1 != w->written; i++) {
        uint32_t before = w->next;
        hostile_wait(w, HF_MILLISECOND);
        if (w->next == before) {
            hostile_acknowledge(w, 2 * w->mss); /* a window is full */
            hostile_take(w);
        }
    }
}

/* With all that there is in flight; not counted is what fills it again when there is none. */
static void two_acknowledged_only(struct hostile *w, uint32_t i)
{
    if (w->counting && in_flight(w) < 2 * w->mss) {
        w->counting = false;
        w->refill = true;
        hostile_honest(w, 3);
        no_more_data(w);
        w->counting = true;
    }
    two_acknowledged(w, i);
}

/* ---- SACK blocks */

static void sack_random(struct hostile *w, uint32_t i)
{
    struct hostile_segment ack = hostile_ack(w);
    (void)i;
    for (uint32_t count = 1 + below(w, 4); count > 0; count--) {
        uint32_t left = place(w, below(w, segments(w)));
        hostile_block(&ack, left, left + w->mss * (1 + below(w, 1u << below(w, 10))));
    }
    hit_and_take(w, &ack);
}

static void sack_odd_edges(struct hostile *w, uint32_t i)
{
    struct hostile_segment ack = hostile_ack(w);
    (void)i;
    for (uint32_t count = 0; count < 4; count++) {
        uint32_t left = w->una + below(w, in_flight(w) + 1);
        hostile_block(&ack, left, left + 1 + below(w, 4 * w->mss));
    }
    hit_and_take(w, &ack);
}

/* Every second byte. */
static void sack_byte_holes(struct hostile *w, uint32_t i)
{
    struct hostile_segment ack = hostile_ack(w);
    for (uint32_t k = 0; k < 4; k++) {
        uint32_t left = w->una + 1 + 2 * (i + k);
        hostile_block(&ack, left, left + 1);
    }
    hit_and_take(w, &ack);
}

/* Every second segment, upwards, and round again a place further. */
static void sack_every_second(struct hostile *w, uint32_t i)
{
    struct hostile_segment ack = hostile_ack(w);
    for (uint32_t k = 0; k < 3; k++) {
        uint32_t left = place(w, (1 + 2 * (i + 2 - k)) % segments(w));
        hostile_block(&ack, left, left + w->mss);
    }
    hit_and_take(w, &ack);
}

static void sack_descending(struct hostile *w, uint32_t i)
{
    struct hostile_segment ack = hostile_ack(w);
    for (uint32_t k = 0; k < 3; k++) {
        uint32_t down = (2 * i + 2 * k + 1) % segments(w);
        uint32_t left = w->next - (down + 1) * w->mss;
        hostile_block(&ack, left, left + w->mss);
    }
    hit_and_take(w, &ack);
}

/* Each block reaches over the one before by half. */
static void sack_overlapping(struct hostile *w, uint32_t i)
{
    struct hostile_segment ack = hostile_ack(w);
    uint32_t left = place(w, 1 + (7 * i) % segments(w));
    for (uint32_t k = 0; k < 4; k++) {
        hostile_block(&ack, left + k * w->mss, left + (k + 3) * w->mss);
    }
    hit_and_take(w, &ack);
}

/* First every second segment, then the same three blocks again and again. */
static void every_second_sacked(struct hostile *w)
{
    for (uint32_t i = 0; i < segments(w) / 2; i += 3) {
        sack_every_second(w, i);
    }
}

static void sack_repeated(struct hostile *w, uint32_t i)
{
    struct hostile_segment ack = hostile_ack(w);
    (void)i;
    for (uint32_t k = 0; k < 3; k++) {
        uint32_t left = place(w, 1 + 2 * k * (segments(w) / 8));
        hostile_block(&ack, left, left + w->mss);
    }
    hit_and_take(w, &ack);
}

/* Across all that every_second_sacked left, shifting a byte each time. */
static void sack_shifting(struct hostile *w, uint32_t i)
{
    struct hostile_segment ack = hostile_ack(w);
    uint32_t quarter = in_flight(w) / 4 + 1;
    for (uint32_t k = 0; k < 4; k++) {
        hostile_block(&ack, place(w, 1) + (4 * i + k) % quarter,
                      w->next - (4 * i + k) * 7 % quarter);
    }
    hit_and_take(w, &ack);
}

static void sack_impossible(struct hostile *w, uint32_t i)
{
    struct hostile_segment ack = hostile_ack(w);
    uint32_t inside = w->una + below(w, in_flight(w) + 1);
    uint32_t outside = below(w, 1u << 31);
    (void)i;
    hostile_block(&ack, inside, inside);                                /* empty */
    hostile_block(&ack, w->next + outside, w->next + outside + w->mss); /* never sent */
    hostile_block(&ack, inside, w->next + 1 + below(w, 1000));
    hostile_block(&ack, inside + w->mss, inside); /* ends before it begins */
    hit_and_take(w, &ack);
}

/* Half way up segments are SACKed one after the other. All before them are lost, and each lets one
 * of those go again: so a quarter has gone again, and a quarter waits. */
static void quarter_repeated(struct hostile *w)
{
    w->mark[0] = w->mark[1] = place(w, segments(w) / 2);
    for (uint32_t k = segments(w) / 4; k > 0; k--) {
        struct hostile_segment ack = hostile_ack(w);
        w->mark[1] += w->mss;
        hostile_block(&ack, w->mark[0], w->mark[1]);
        hit_and_take(w, &ack);
    }
    w->now += 15 * HF_MILLISECOND;
}

/* One more half way up is SACKed, which makes room for one of those that wait. Then one that has
 * gone again is, so that the one before it is lost again: all that has gone again lies between that
 * and those that wait. In ACKs of their own, for the round trip that the last one tells is waited
 * for. */
static void sack_lost_again(struct hostile *w, uint32_t i)
{
    struct hostile_segment ack = hostile_ack(w);
    w->mark[1] += w->mss;
    hostile_block(&ack, w->mark[0], w->mark[1]);
    w->now += 100 * HF_MICROSECOND;
    hit_and_take(w, &ack);
    ack = hostile_ack(w);
    hostile_block(&ack, place(w, 1 + 2 * i), place(w, 2 + 2 * i));
    hit_and_take(w, &ack);
}

/* ---- reneging (RFC 2018 8) */

/* All but the first is SACKed, the first alone acknowledged, and silence. */
static void renege(struct hostile *w, uint32_t i)
{
    struct hostile_segment ack = hostile_ack(w);
    (void)i;
    hostile_block(&ack, place(w, 1), w->next);
    hit_and_take(w, &ack);
    hostile_acknowledge(w, w->mss);
    hostile_wait(w, 20 * HF_MILLISECOND);
}

/* One segment SACKed, the one before it acknowledged, and nothing said of it. */
static void renege_on_one(struct hostile *w, uint32_t i)
{
    struct hostile_segment ack = hostile_ack(w);
    (void)i;
    hostile_block(&ack, place(w, 1), place(w, 2));
    hit_and_take(w, &ack);
    hostile_acknowledge(w, w->mss);
    hostile_wait(w, 20 * HF_MILLISECOND);
}

/* ---- duplicates (RFC 2883) */

static void dsack_below(struct hostile *w, uint32_t i)
{
    struct hostile_segment ack = hostile_ack(w);
    uint32_t left = w->una - (1 + below(w, 100)) * w->mss;
    (void)i;
    hostile_block(&ack, left, left + w->mss * (1 + below(w, 40)));
    hit_and_take(w, &ack);
}

static void dsack_inside(struct hostile *w, uint32_t i)
{
    struct hostile_segment ack = hostile_ack(w);
    uint32_t left = place(w, 1 + below(w, segments(w)));
    (void)i;
    hostile_block(&ack, left, left + w->mss * (1 + below(w, 1u << below(w, 12))));
    hostile_block(&ack, place(w, 1), w->next);
    hit_and_take(w, &ack);
}

/* A loss that was none: some SACKed, then all acknowledged with an echo from before, or a DSACK. */
static void taken_back(struct hostile *w, uint32_t i)
{
    struct hostile_segment ack = hostile_ack(w);
    uint32_t first = w->una;
    uint32_t old = w->echo;
    hostile_block(&ack, place(w, 1), place(w, 4));
    w->now += HF_MILLISECOND;
    (void)hostile_hit(w, &ack);
    hostile_wait(w, 20 * HF_MILLISECOND);
    w->una += 4 * w->mss < in_flight(w) ? 4 * w->mss : in_flight(w);
    ack = hostile_ack(w);
    if (i % 2 == 0) {
        hostile_block(&ack, first, first + w->mss);
    } else {
        hostile_set_echo(&ack, old - 1);
    }
    hit_and_take(w, &ack);
}

/* What left last is SACKed, so that all before it is taken as lost; then an echo from before says
 * that nothing was. */
static void all_lost_taken_back(struct hostile *w, uint32_t i)
{
    struct hostile_segment ack = hostile_ack(w);
    uint32_t old = w->echo;
    hostile_block(&ack, w->next - (1 + i % 3) * w->mss, w->next);
    w->now += HF_MILLISECOND;
    hit_and_take(w, &ack);
    hostile_wait(w, 30 * HF_MILLISECOND);
    w->una += w->mss < in_flight(w) ? w->mss : 0;
    ack = hostile_ack(w);
    hostile_set_echo(&ack, old - 1);
    hit_and_take(w, &ack);
}

/* From one of our host's timers to the next, until it has waited in vain. */
static void until_timeout(struct hostile *w)
{
    struct hf_counters before;
    struct hf_counters after;
    hf_stack_counters(w->stack, &before);
    after = before;
    for (int i = 0; i < 8 && after.retransmit_timeouts == before.retransmit_timeouts; i++) {
        hf_time next = hf_stack_next_deadline(w->stack);
        if (next == HF_TIME_NEVER) {
            return;
        }
        w->now = next > w->now ? next : w->now + 1;
        hostile_take(w);
        hf_stack_counters(w->stack, &after);
    }
}

/* So that the connection does not end for silence. */
static void acknowledge_some(struct hostile *w)
{
    w->una += w->mss < in_flight(w) ? w->mss : (in_flight(w) + 1) / 2;
}

/* A timeout that was none: silence, then an ACK of the original. */
static void timeout_taken_back(struct hostile *w, uint32_t i)
{
    uint32_t old = w->echo;
    struct hostile_segment ack;
    (void)i;
    until_timeout(w);
    acknowledge_some(w);
    ack = hostile_ack(w);
    hostile_set_echo(&ack, old - 1);
    hit_and_take(w, &ack);
}

/* The same, shown by a SACK of what was sent once (RFC 5682 3). */
static void timeout_taken_back_by_sack(struct hostile *w, uint32_t i)
{
    struct hostile_segment ack;
    uint32_t left;
    until_timeout(w);
    acknowledge_some(w);
    ack = hostile_ack(w);
    left = place(w, 2 + 2 * i % segments(w));
    hostile_block(&ack, left, left + w->mss);
    hit_and_take(w, &ack);
}

/* ---- ACKs */

static void ack_divided(struct hostile *w, uint32_t i)
{
    (void)i;
    quiet(w);
    hostile_acknowledge(w, 1);
    hostile_take(w);
}

/* All that was sent, as soon as it was. */
static void ack_optimistic(struct hostile *w, uint32_t i)
{
    (void)i;
    quiet(w);
    hostile_acknowledge(w, in_flight(w));
    hostile_take(w);
}

static void ack_stretched(struct hostile *w, uint32_t i)
{
    (void)i;
    w->now += below(w, 1000000);
    hostile_acknowledge(w, below(w, in_flight(w) + 1));
    hostile_take(w);
}

static void ack_duplicate(struct hostile *w, uint32_t i)
{
    struct hostile_segment ack = hostile_ack(w);
    (void)i;
    hit_and_take(w, &ack);
}

/* Three duplicates and a little progress, over and over. */
static void ack_partial(struct hostile *w, uint32_t i)
{
    if (i % 4 == 3) {
        w->una += 1 + below(w, 2 * w->mss);
        w->una = in_flight(w) > 4u * w->flight * w->mss ? w->next : w->una;
    }
    ack_duplicate(w, i);
}

static void ack_old(struct hostile *w, uint32_t i)
{
    struct hostile_segment ack = hostile_ack(w);
    ack.ack -= 1 + below(w, i % 2 == 0 ? 5000 : 1u << 30);
    hostile_block(&ack, ack.ack + w->mss, ack.ack + 9 * w->mss);
    hit_and_take(w, &ack);
}

static void ack_of_nothing_sent(struct hostile *w, uint32_t i)
{
    struct hostile_segment ack = hostile_ack(w);
    (void)i;
    ack.ack = w->next + 1 + below(w, 1u << 30);
    hostile_block(&ack, ack.ack + w->mss, ack.ack + 9 * w->mss);
    hit_and_take(w, &ack);
}

/* ---- windows */

static void window_flaps(struct hostile *w, uint32_t i)
{
    struct hostile_segment ack;
    w->una += i % 8 == 0 && in_flight(w) > w->mss ? w->mss : 0;
    ack = hostile_ack(w);
    ack.window = (uint16_t)(i % 3 == 2 ? ack.window : i % 3);
    hit_and_take(w, &ack);
}

/* The edge goes back below what is in flight, and some is acknowledged meanwhile. */
static void window_shrinks(struct hostile *w, uint32_t i)
{
    struct hostile_segment ack;
    w->una += i % 4 == 0 && in_flight(w) > w->mss ? w->mss : 0;
    ack = hostile_ack(w);
    ack.window = (uint16_t)below(w, ack.window + 1u);
    if (i % 2 == 0) {
        hostile_block(&ack, place(w, 2), place(w, 3 + below(w, 8)));
    }
    hit_and_take(w, &ack);
}

/* ---- what RFC 5961 challenges */

static void reset_blindly(struct hostile *w, uint32_t i)
{
    struct hostile_segment segment = hostile_ack(w);
    segment.flags = i % 2 == 0 ? HF_RST : HF_RST | HF_ACK;
    segment.seq += 1 + below(w, 60000);
    hit_and_take(w, &segment);
}

static void syn_blindly(struct hostile *w, uint32_t i)
{
    struct hostile_segment segment = hostile_ack(w);
    segment.flags = i % 2 == 0 ? HF_SYN : HF_SYN | HF_ACK;
    segment.seq += below(w, 60000);
    hit_and_take(w, &segment);
}

/* ---- timestamps */

static void stamps_lie(struct hostile *w, uint32_t i)
{
    struct hostile_segment ack;
    w->una += i % 2 == 0 && in_flight(w) > w->mss ? w->mss : 0;
    ack = hostile_ack(w);
    hostile_set_echo(&ack, i % 3 == 0 ? 0 : w->echo - below(w, 1u << below(w, 31)));
    if (i % 4 == 3) {
        hostile_set_stamp(&ack, w->stamp - 1 - below(w, 1u << 30)); /* PAWS */
    }
    hit_and_take(w, &ack);
}

/* ---- congestion echoed */

static void echoes_marks(struct hostile *w, uint32_t i)
{
    struct hostile_segment ack;
    w->una += in_flight(w) > w->mss ? w->mss : 0;
    ack = hostile_ack(w);
    ack.flags |= (uint16_t)(below(w, 4) != 0 ? HF_ECE : 0);
    ack.flags |= (uint16_t)(i % 5 == 0 ? HF_CWR : 0);
    hit_and_take(w, &ack);
}

/* The three bits of the counter, and the option's three counters (RFC 9768 3.2), at random. */
static void counters_lie(struct hostile *w, uint32_t i)
{
    uint8_t option[11] = {i % 2 == 0 ? 172 : 174, 11};
    struct hostile_segment ack;
    w->una += i % 2 == 0 && in_flight(w) > w->mss ? w->mss : 0;
    ack = hostile_ack(w);
    ack.flags |= (uint16_t)(below(w, 8) << 6);
    for (int k = 2; k < 11; k++) {
        option[k] = (uint8_t)forge_next(&w->random);
    }
    hostile_option(&ack, (const uint8_t[]){1}, 1);
    hostile_option(&ack, option, sizeof option);
    if (i % 3 == 0) {
        hostile_block(&ack, place(w, 2), place(w, 3));
    }
    hit_and_take(w, &ack);
}

/* ---- options that are none */

static void options_broken(struct hostile *w, uint32_t i)
{
    struct hostile_segment ack = hostile_ack(w);
    static const uint8_t kinds[] = {2, 3, 4, 5, 8, 28, 34, 69, 172, 174, 253, 254};
    (void)i;
    while (ack.option_bytes + 4 <= sizeof ack.options) {
        uint8_t bytes[4] = {kinds[below(w, sizeof kinds)], (uint8_t)below(w, 12),
                            (uint8_t)below(w, 256), (uint8_t)below(w, 256)};
        hostile_option(&ack, bytes, sizeof bytes);
    }
    hit_and_take(w, &ack);
}

/* ---- ICMP */

static void icmp(struct hostile *w, uint32_t seq, unsigned type, unsigned code, uint32_t rest)
{
    uint8_t packet[FORGE_MAX_BYTES];
    uint8_t quoted[FORGE_MAX_BYTES];
    struct forge_segment segment = {
        .from = w->local, .to = w->peer, .seq = seq, .ack = w->seq, .flags = HF_ACK};
    size_t length = forge_tcp(&segment, quoted);
    length = forge_icmp(&w->peer.address, &w->local.address, (uint8_t)type, (uint8_t)code, rest,
                        quoted, length, packet);
    (void)hostile_hit_bytes(w, packet, length);
}

/* The right numbers, and a path that seems to become narrower by a byte each time. */
static void too_big(struct hostile *w, uint32_t i)
{
    bool v6 = (w->flags & HOSTILE_IPV6) != 0;
    uint32_t narrow = v6 ? 1500 - i % 221 : 1500 - i % 949;
    icmp(w, w->una + below(w, in_flight(w) + 1), v6 ? 2 : 3, v6 ? 0 : 4, narrow);
    quiet(w);
    hostile_take(w);
}

/* The same, many before anything of it can leave. */
static void too_big_in_bursts(struct hostile *w, uint32_t i)
{
    bool v6 = (w->flags & HOSTILE_IPV6) != 0;
    for (uint32_t k = 0; k < 50; k++) {
        uint32_t narrow = 1500 - (50 * i + k) % (v6 ? 221 : 949);
        icmp(w, w->una + below(w, in_flight(w) + 1), v6 ? 2 : 3, v6 ? 0 : 4, narrow);
    }
    quiet(w);
    hostile_take(w);
}

static void too_big_elsewhere(struct hostile *w, uint32_t i)
{
    bool v6 = (w->flags & HOSTILE_IPV6) != 0;
    uint32_t seq = i % 2 == 0 ? w->next + 1 + below(w, 1u << 30) : w->una - 1 - below(w, 1u << 30);
    icmp(w, seq, v6 ? 2 : 3, v6 ? 0 : 4, below(w, 1500));
    quiet(w);
    hostile_take(w);
}

/* Hard errors, which a synchronized connection takes for soft ones (RFC 5927 4, MUST-56). */
static void unreachable(struct hostile *w, uint32_t i)
{
    bool v6 = (w->flags & HOSTILE_IPV6) != 0;
    (void)i;
    icmp(w, w->una + below(w, in_flight(w) + 1), v6 ? 1 : 3, v6 ? below(w, 7) : below(w, 4), 0);
    quiet(w);
    hostile_take(w);
}

const struct family sender_families[] = {
    {"honest: two acknowledged, two sent", 0, two_acknowledged, NULL, 0},
    {"honest: two acknowledged", 0, two_acknowledged_only, no_more_data, 0},
    {"SACK: random blocks", 0, sack_random, NULL, 0},
    {"SACK: blocks that split segments", 0, sack_odd_edges, NULL, 0},
    {"SACK: every second byte", 0, sack_byte_holes, NULL, 0},
    {"SACK: every second segment", 0, sack_every_second, NULL, 0},
    {"SACK: every second segment, descending", 0, sack_descending, NULL, 0},
    {"SACK: blocks that overlap", 0, sack_overlapping, NULL, 0},
    {"SACK: the same again, every second held", 0, sack_repeated, every_second_sacked, 0},
    {"SACK: across all, shifting", 0, sack_shifting, every_second_sacked, 0},
    {"SACK: lost again below what waits", 0, sack_lost_again, quarter_repeated, 0},
    {"SACK: empty, inverted, never sent", 0, sack_impossible, NULL, 0},
    {"reneging on all", 0, renege, NULL, 0},
    {"reneging on one", 0, renege_on_one, NULL, 0},
    {"DSACK: below SND.UNA", 0, dsack_below, NULL, 0},
    {"DSACK: inside a block", 0, dsack_inside, NULL, 0},
    {"recoveries taken back", 0, taken_back, NULL, 0},
    {"recoveries of all taken back", 0, all_lost_taken_back, NULL, 0},
    {"timeouts taken back", 0, timeout_taken_back, NULL, 0},
    {"timeouts taken back by SACK", HOSTILE_NO_STAMPS, timeout_taken_back_by_sack, NULL, 0},
    {"ACK: each byte", 0, ack_divided, NULL, 0},
    {"ACK: optimistic", 0, ack_optimistic, NULL, 4},
    {"ACK: stretched", 0, ack_stretched, NULL, 8},
    {"ACK: duplicates", 0, ack_duplicate, NULL, 0},
    {"ACK: duplicates, no SACK", HOSTILE_NO_SACK | HOSTILE_NO_STAMPS, ack_duplicate, NULL, 0},
    {"ACK: partial, no SACK", HOSTILE_NO_SACK, ack_partial, NULL, 0},
    {"ACK: old", 0, ack_old, NULL, 0},
    {"ACK: of what was never sent", 0, ack_of_nothing_sent, NULL, 0},
    {"window: 0, 1, open", 0, window_flaps, NULL, 0},
    {"window: shrinking", 0, window_shrinks, NULL, 0},
    {"RST in the window", 0, reset_blindly, NULL, 0},
    {"SYN in the window", 0, syn_blindly, NULL, 0},
    {"timestamps that lie", 0, stamps_lie, NULL, 0},
    {"ECE and CWR at random", HOSTILE_ECN, echoes_marks, NULL, 0},
    {"AccECN counters at random", HOSTILE_ACCURATE, counters_lie, NULL, 0},
    {"options broken", 0, options_broken, NULL, 0},
    {"too big: a byte narrower each", 0, too_big, NULL, 8},
    {"too big: the same in bursts", 0, too_big_in_bursts, NULL, 4},
    {"too big: of another place", 0, too_big_elsewhere, NULL, 0},
    {"unreachable", 0, unreachable, NULL, 0},
    {NULL, 0, NULL, NULL, 0}};
