/* SPDX-License-Identifier: MIT
 *
 * How fast recovery goes on: Proportional Rate Reduction (RFC 9937), against a model written from
 * the RFC's text. The model knows what the peer got and what it said, nothing of the stack: on
 * every ACK it says which segments must leave, holes first and in order, then new ones.
 */
#include "round_trip.h"
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { SEGMENTS = 200, SIZE = 1000, FLIGHT = 20, BASE = 10000, STEP_MS = 1 };

/* In segments, counted from the first of the flight that suffers; bytes where it says so. */
struct prr_model {
    bool sacked[SEGMENTS + 1], lost[SEGMENTS + 1]; /* lost: and not sent again */
    bool judged[SEGMENTS + 1];
    unsigned una, next, recover;
    unsigned order[2 * SEGMENTS], ordered; /* what left in recovery, in order... */
    hf_time left_at[2 * SEGMENTS];         /* ...and when */
    unsigned delivered_bytes, out_bytes, recover_fs_bytes, cwnd_bytes, ssthresh_bytes;
    bool recovering;
};

static unsigned model_pipe(const struct prr_model *model)
{
    unsigned segments = 0;

    for (unsigned i = model->una; i < model->next; i++) {
        segments += !model->sacked[i] && !model->lost[i];
    }
    return segments * SIZE;
}

/* RFC 9937 6.1, on every ACK in recovery. */
static void model_ack(struct prr_model *model, unsigned delivered_bytes, bool safe)
{
    long long pipe = model_pipe(model), ssthresh = model->ssthresh_bytes, count;

    model->delivered_bytes += delivered_bytes;
    if (pipe > ssthresh) {
        long long product = (long long)model->delivered_bytes * ssthresh;
        count = product / model->recover_fs_bytes + (product % model->recover_fs_bytes > 0);
        count -= model->out_bytes;
        /* Section 8's example: a part of a segment lets one leave. */
        count = (count + SIZE - 1) / SIZE * SIZE;
    } else {
        count = (long long)model->delivered_bytes - model->out_bytes;
        if (count < delivered_bytes) {
            count = delivered_bytes;
        }
        if (safe) {
            count += SIZE;
        }
        if (count > ssthresh - pipe) {
            count = ssthresh - pipe;
        }
    }
    if (model->out_bytes == 0 && count <= 0) {
        count = SIZE;
    }
    model->cwnd_bytes = (unsigned)(pipe + (count > 0 ? count : 0));
}

/* What must leave now, compared with what does: holes first and in order, then what is new. The
 * first repetition leaves whatever the sum says. */
static void model_sends(struct world *w, struct prr_model *model, bool forced)
{
    for (;; forced = false) {
        unsigned pipe = model_pipe(model);
        unsigned i = model->una;
        while (i < model->next && !model->lost[i]) {
            i++;
        }
        if (i < model->next && (pipe < model->cwnd_bytes || forced)) {
            model->lost[i] = false;
        } else if (model->cwnd_bytes >= pipe + SIZE && model->next < SEGMENTS) {
            i = model->next++;
        } else {
            break;
        }
        model->out_bytes += SIZE;
        model->left_at[model->ordered] = w->now;
        model->order[model->ordered++] = i;
        sends(w, "%s seq=%u ack=1 len=1000", i == SEGMENTS - 1 ? "P." : ".", BASE + 1 + i * SIZE);
    }
    silent(w);
}

/* Tells what the peer has: the run with the newest first, then the others from below. */
static void peer_acks(struct world *w, const struct prr_model *model, unsigned newest)
{
    char blocks[200] = "";
    size_t length = 0;
    unsigned count = 0;

    for (int pass = 0; pass < 2; pass++) {
        for (unsigned left = model->una; left < model->next && count < 4; left++) {
            unsigned right = left;
            while (model->sacked[right]) {
                right++;
            }
            if (right > left && (newest >= left && newest < right) == (pass == 0)) {
                length += (size_t)snprintf(blocks + length, sizeof blocks - length, "%s%u-%u",
                                           count == 0 ? " sack=" : ",", BASE + 1 + left * SIZE,
                                           BASE + 1 + right * SIZE);
                count++;
            }
            left = right;
        }
    }
    peer(w, ". seq=1 ack=%u win=4000%s", BASE + 1 + model->una * SIZE, blocks);
}

/* All of the flight left together: once three are SACKed, what is below the highest is lost. */
static unsigned model_judges(struct prr_model *model)
{
    unsigned highest = 0, count = 0, lost = 0;

    for (unsigned i = model->una; i < FLIGHT; i++) {
        count += model->sacked[i];
        highest = model->sacked[i] ? i : highest;
    }
    for (unsigned i = model->una; i < highest && (count >= 3 || model->recovering); i++) {
        if (!model->sacked[i] && !model->judged[i]) {
            model->lost[i] = true;
            model->judged[i] = true;
            lost++;
        }
    }
    return lost;
}

static void model_enters(struct prr_model *model, unsigned newly_sacked)
{
    unsigned sacked = 0;

    for (unsigned i = model->una; i < model->next; i++) {
        sacked += model->sacked[i];
    }
    model->recovering = true;
    model->recover = model->next;
    model->ssthresh_bytes = FLIGHT * SIZE / 2; /* limited transmit's do not count */
    model->recover_fs_bytes = (model->next - model->una - (sacked - newly_sacked)) * SIZE;
}

/* The peer gets these and acknowledges them with one ACK. False: recovery is over. */
static bool deliver(struct world *w, struct prr_model *model, const unsigned *got, unsigned count,
                    bool first_round)
{
    unsigned before = model->una, lost = 0;
    bool entered = false;

    for (unsigned i = 0; i < count; i++) {
        model->sacked[got[i]] = true;
    }
    while (model->sacked[model->una]) {
        model->una++;
    }
    if (first_round) {
        lost = model_judges(model);
    }
    if (!model->recovering && lost > 0) {
        entered = true;
        model_enters(model, count);
    }
    peer_acks(w, model, got[count - 1]);
    if (!model->recovering) {
        model->cwnd_bytes = FLIGHT * SIZE; /* limited transmit: what is SACKed makes room */
        model_sends(w, model, false);
        model->out_bytes = 0;
        return true;
    }
    if (model->una >= model->recover) {
        return false;
    }
    model_ack(model, count * SIZE, model->una > before && lost == 0);
    assert_int_equal(ssthresh_of(w), model->ssthresh_bytes);
    model_sends(w, model, entered);
    assert_int_equal(cwnd_of(w), model->cwnd_bytes);
    return true;
}

/* A cwnd of 20 segments, all in flight, and more to come. */
static void fill(struct world *w, struct prr_model *model)
{
    memset(model, 0, sizeof *model);
    model->next = FLIGHT;
    establish_with_rtt(w, 100 * MS, 65535, "mss=1000 sackok ws=4");
    user_send(w, BASE);
    sends_segments(w, 1, SIZE, BASE / SIZE);
    silent_for(w, 100 * MS);
    for (unsigned ack = SIZE; ack <= BASE; ack += SIZE) {
        peer(w, ". seq=1 ack=%u win=4000", 1 + ack);
    }
    assert_int_equal(cwnd_of(w), FLIGHT * SIZE);
    user_send(w, SEGMENTS * SIZE);
    sends_segments(w, BASE + 1, SIZE, FLIGHT);
}

/* `losses`: one character for each of the flight, x is lost. `stretch` segments to an ACK. */
static void recover(struct world *w, const char *losses, unsigned stretch)
{
    static struct prr_model model;
    unsigned got[SEGMENTS], count = 0, retransmits = 0;
    bool recovering = true;

    fill(w, &model);
    silent_for(w, 100 * MS);
    for (unsigned i = 0; i < FLIGHT; i++) {
        silent_for(w, STEP_MS * MS);
        retransmits += losses[i] == 'x';
        if (losses[i] != 'x') {
            got[count++] = i;
        }
        if (count == stretch || (i == FLIGHT - 1 && count > 0)) {
            assert_true(deliver(w, &model, got, count, true));
            count = 0;
        }
    }
    assert_true(model.recovering);
    for (unsigned at = 0; recovering; at++) {
        assert_true(at < model.ordered);
        if (model.left_at[at] + 100 * MS > w->now) {
            silent_for(w, model.left_at[at] + 100 * MS - w->now);
        }
        got[count++] = model.order[at];
        if (count == stretch || at + 1 == model.ordered) {
            recovering = deliver(w, &model, got, count, false);
            count = 0;
        }
    }
    /* Over: cwnd is ssthresh, and each hole went again once. */
    assert_int_equal(cwnd_of(w), FLIGHT * SIZE / 2);
    assert_int_equal(ssthresh_of(w), FLIGHT * SIZE / 2);
    assert_int_equal(status_of(w).retransmits, retransmits);
    while (next_packet(w) != NULL) {
    }
}

/* One hole: the flight stays above ssthresh and comes down in proportion.
 * Holds: RFC9937-6-a */
static void one_hole(void **state)
{
    recover(*state, "x...................", 1);
}

/* Several holes go in order, between them what is new. */
static void several_holes(void **state)
{
    recover(*state, "x..x....x.....x.....", 1);
}

/* Half is lost: the pipe falls below ssthresh, and slow start back up needs ACKs that make
 * progress (section 6: PRR-SSRB), packet for packet without (PRR-CRB).
 * Holds: RFC9937-6-b */
static void half_lost(void **state)
{
    recover(*state, "xxxxxxxxxx..........", 1);
}

static void nearly_all_lost(void **state)
{
    recover(*state, "xxxxxxxx.xxxx.xxxx..", 1);
}

static void every_other_lost(void **state)
{
    recover(*state, "x.x.x.x.x.x.x.x.x.x.", 1);
}

/* ACKs were lost or stretched: more is delivered by each. */
static void stretched_acks(void **state)
{
    recover(*state, "x..x....x.....x.....", 3);
}

static void stretched_acks_half_lost(void **state)
{
    recover(*state, "x.xxxxxxxx.x........", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(one_hole),
        BOTH(several_holes),
        BOTH(half_lost),
        BOTH(nearly_all_lost),
        BOTH(every_other_lost),
        BOTH(stretched_acks),
        BOTH(stretched_acks_half_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
