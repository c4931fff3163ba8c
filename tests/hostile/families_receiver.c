/* SPDX-License-Identifier: MIT
 *
 * What a peer can do to a receiver: text out of its place, twice, in pieces, beyond the window;
 * FINs, urgent pointers and probes. The text is always the right one for its place, so what the
 * program reads must be right whatever way it came.
 */
#include "hostile.h"

static void text_at(struct hostile *w, uint32_t seq, uint32_t length)
{
    (void)hostile_text(w, seq, length);
    w->now += 1 + below(w, 20000);
    hostile_take(w);
}

/* What our host would take: from RCV.NXT to the edge it has told. */
static uint32_t room(const struct hostile *w)
{
    uint32_t bytes = w->told_edge - w->seq;
    return bytes > 2u * w->mss ? bytes : 2u * w->mss;
}

/* ---- nothing hostile */

static void in_order(struct hostile *w, uint32_t i)
{
    (void)i;
    text_at(w, w->mark[0] += w->mark[0] == 0 ? w->seq : w->mss, w->mss);
}

static void at_once(struct hostile *w)
{
    if (hf_set_option(w->stack, w->connection, HF_OPTION_QUICK_ACK, 1, w->now) != HF_OK) {
        hostile_fail(w, "no quick ACKs");
    }
}

/* ---- pieces out of order */

/* A byte, and a hole of one, upwards. */
static void bytes_with_gaps(struct hostile *w, uint32_t i)
{
    text_at(w, w->seq + 1 + 2 * i % room(w), 1);
}

static void bytes_descending(struct hostile *w, uint32_t i)
{
    text_at(w, w->told_edge - 1 - 2 * i % room(w), 1);
}

static void bytes_anywhere(struct hostile *w, uint32_t i)
{
    (void)i;
    text_at(w, w->seq + 1 + below(w, room(w) - 1), 1);
}

static void segments_with_gaps(struct hostile *w, uint32_t i)
{
    text_at(w, w->seq + w->mss * (1 + 2 * i % (room(w) / w->mss)), w->mss);
}

/* As many holes as there may be, a byte wide each, spread over the window. */
static void many_held(struct hostile *w)
{
    uint32_t apart = room(w) / 8192 > 2 ? room(w) / 8192 : 2;
    for (uint32_t at = 1; at < room(w); at += apart) {
        text_at(w, w->seq + at, 1);
    }
}

/* As few as still let the most recent ones be looked for. */
static void some_held(struct hostile *w)
{
    uint32_t apart = room(w) / 400;
    for (uint32_t at = apart; at < room(w); at += apart) {
        text_at(w, w->seq + at, 1);
    }
}

/* With holes all over the window: pieces of any size at any place. */
static void overlapping(struct hostile *w, uint32_t i)
{
    (void)i;
    text_at(w, w->seq + 1 + below(w, room(w) - 1), 1 + below(w, w->mss));
}

/* The two ends in turn. */
static void ends_in_turn(struct hostile *w, uint32_t i)
{
    uint32_t at = 1 + (i / 2) * 2 % (room(w) / 4);
    text_at(w, i % 2 == 0 ? w->seq + at : w->told_edge - at, 1);
}

/* With holes: the first one filled, a byte at a time. */
static void first_hole_filled(struct hostile *w, uint32_t i)
{
    (void)i;
    text_at(w, w->seq, 1);
}

/* The same, and what goes is put back at the far end. */
static void filled_and_opened(struct hostile *w, uint32_t i)
{
    if (i % 2 == 0) {
        text_at(w, w->seq, 1 + below(w, w->mss));
    } else {
        text_at(w, w->told_edge - 1 - below(w, w->mss), 1);
    }
}

/* ---- duplicates */

static void prelude(struct hostile *w)
{
    for (uint32_t i = 0; i < 40; i++) {
        text_at(w, w->seq, w->mss);
    }
}

static void old_text(struct hostile *w, uint32_t i)
{
    (void)i;
    text_at(w, w->seq - 1 - below(w, 30 * w->mss), 1 + below(w, w->mss));
}

static void held_text(struct hostile *w, uint32_t i)
{
    (void)i;
    text_at(w, w->seq + 1 + below(w, room(w) / 2), 1);
}

static void same_text(struct hostile *w, uint32_t i)
{
    (void)i;
    text_at(w, w->seq + w->mss, w->mss);
}

/* ---- text in order */

static void single_bytes(struct hostile *w, uint32_t i)
{
    (void)i;
    w->mark[0] = w->mark[0] == 0 ? w->seq : w->mark[0] + 1;
    text_at(w, w->mark[0], 1);
}

static void beyond(struct hostile *w, uint32_t i)
{
    (void)i;
    text_at(w, w->told_edge + below(w, 1u << 30), 1 + below(w, w->mss));
}

static void empty_out_of_place(struct hostile *w, uint32_t i)
{
    text_at(w, i % 2 == 0 ? w->seq - 1 : w->told_edge + 1 + below(w, 5000), 0);
}

/* ---- the window shut */

static void shut(struct hostile *w)
{
    w->reading = false;
    while (w->told_edge - w->seq >= w->mss) {
        text_at(w, w->seq, w->mss);
        hostile_wait(w, 50 * HF_MILLISECOND);
    }
    text_at(w, w->seq, w->told_edge - w->seq);
    hostile_wait(w, 50 * HF_MILLISECOND);
}

static void probes(struct hostile *w, uint32_t i)
{
    text_at(w, w->seq - i % 2, 1);
}

/* ---- FIN and URG */

static void flagged(struct hostile *w, uint32_t seq, uint32_t length, unsigned flags,
                    uint32_t pointer)
{
    struct hostile_segment segment = hostile_ack(w);
    segment.seq = seq;
    segment.length = length;
    segment.flags |= (uint16_t)flags;
    segment.urgent_pointer = (uint16_t)pointer;
    (void)hostile_hit(w, &segment);
    w->now += 1 + below(w, 20000);
    hostile_take(w);
}

/* FINs here and there behind a hole, each contradicting the one before, and text after them. */
static void fins(struct hostile *w, uint32_t i)
{
    uint32_t at = w->seq + 2 + below(w, room(w) - 2);
    if (i % 3 != 2) {
        flagged(w, at, i % 3 == 0 ? 0 : below(w, 100), HF_FIN, 0);
    } else {
        text_at(w, at, 1 + below(w, 100));
    }
}

static void urgent(struct hostile *w, uint32_t i)
{
    uint32_t at = i % 2 == 0 ? w->seq : w->seq + 1 + below(w, room(w) - 1);
    flagged(w, at, below(w, 3), HF_URG, below(w, 65536));
}

static void marked_text(struct hostile *w, uint32_t i)
{
    struct hostile_segment segment = hostile_ack(w);
    segment.seq = w->seq + i % 3 * w->mss;
    segment.length = w->mss;
    segment.marked = i % 2 == 0;
    segment.flags |= (uint16_t)(below(w, 2) == 0 ? HF_CWR : 0);
    (void)hostile_hit(w, &segment);
    w->now += 1 + below(w, 20000);
    hostile_take(w);
}

const struct family receiver_families[] = {
    {"honest: in order", 0, in_order, NULL, 0},
    {"honest: in order, each acknowledged", 0, in_order, at_once, 0},
    {"bytes with gaps", 0, bytes_with_gaps, NULL, 0},
    {"bytes with gaps, descending", 0, bytes_descending, NULL, 0},
    {"bytes anywhere", 0, bytes_anywhere, NULL, 0},
    {"bytes at both ends in turn", 0, ends_in_turn, NULL, 0},
    {"segments with gaps", 0, segments_with_gaps, NULL, 0},
    {"pieces that overlap, many held", 0, overlapping, many_held, 0},
    {"pieces that overlap, some held", 0, overlapping, some_held, 0},
    {"bytes anywhere, many held", 0, bytes_anywhere, many_held, 0},
    {"the first hole filled, many held", 0, first_hole_filled, many_held, 0},
    {"the first hole filled, some held", 0, first_hole_filled, some_held, 0},
    {"filled and opened, many held", 0, filled_and_opened, many_held, 0},
    {"filled and opened, some held", 0, filled_and_opened, some_held, 0},
    {"text of before", 0, old_text, prelude, 0},
    {"text that is held", 0, held_text, many_held, 0},
    {"the same text out of order", 0, same_text, NULL, 0},
    {"a byte at a time", 0, single_bytes, NULL, 0},
    {"beyond the window", 0, beyond, NULL, 0},
    {"nothing, out of place", 0, empty_out_of_place, NULL, 0},
    {"probes of a shut window", 0, probes, shut, 0},
    {"FINs that contradict", 0, fins, NULL, 0},
    {"urgent pointers", 0, urgent, NULL, 0},
    {"marked, and holes, classic ECN", HOSTILE_ECN, marked_text, NULL, 0},
    {"marked, and holes, AccECN", HOSTILE_ACCURATE, marked_text, NULL, 0},
    {"no SACK: bytes anywhere", HOSTILE_NO_SACK, bytes_anywhere, NULL, 0},
    {NULL, 0, NULL, NULL, 0}};
