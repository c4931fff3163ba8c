/* SPDX-License-Identifier: MIT
 *
 * RACK's verdicts (RFC 8985 6.2) against a model of them that is as plain as the RFC's text: an
 * array of segments, looked through from end to end at every ACK. The peer behind a path that
 * loses and reorders at random acknowledges what it gets; the model knows what left and what the
 * peer said, nothing of the stack. After every step both must have the same bytes lost and not
 * sent again, and whatever goes again was lost, or is a tail loss probe (7.3).
 */
#include "round_trip.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { SEGMENTS = 400, SIZE = 1000, SEEDS = 60, STEPS = 6000, COPIES = 4 * SEGMENTS };
#define STEP (MS / 4) /* round trips are whole milliseconds, reo_wnd is a quarter of one */

struct model {
    struct {
        hf_time sent;
        unsigned order;
        bool sacked, retransmitted;
        bool lost, missed; /* lost: and not sent again; missed: taken as lost, not delivered yet */
    } segments[SEGMENTS];
    unsigned una, next, recover, fack, order, written;
    bool valid, reordering, recovering;
    hf_time rtt, min_rtt, xmit, timer;
    unsigned xmit_order;
    unsigned probes, repeats, verdicts;
    /* The path: what is under way, and what the peer has. */
    struct {
        hf_time arrives;
        unsigned segment;
    } copies[COPIES];
    unsigned copy_count;
    bool received[SEGMENTS + 1];
    uint64_t random;
};

static unsigned below(struct model *model, unsigned bound)
{
    /* xorshift64 (Marsaglia, 2003) */
    model->random ^= model->random << 13;
    model->random ^= model->random >> 7;
    model->random ^= model->random << 17;
    return (unsigned)((model->random >> 20) % bound);
}

/* Steps 1 to 3, for one segment that the ACK newly delivers. */
static void model_delivered(struct model *model, unsigned i, hf_time now)
{
    hf_time rtt = now - model->segments[i].sent;

    if (!model->valid || i > model->fack) {
        model->fack = i;
    } else if (i < model->fack && !model->segments[i].retransmitted) {
        model->reordering = true;
    }
    if (model->segments[i].retransmitted && rtt < model->min_rtt) {
        return;
    }
    if (!model->segments[i].retransmitted && rtt < model->min_rtt) {
        model->min_rtt = rtt;
    }
    model->rtt = rtt;
    if (!model->valid || model->segments[i].order > model->xmit_order) {
        model->xmit = model->segments[i].sent;
        model->xmit_order = model->segments[i].order;
        model->valid = true;
    }
}

/* Steps 4 and 5. */
static void model_detect(struct model *model, hf_time now)
{
    unsigned sacked = 0;
    hf_time window;

    for (unsigned i = model->una; i < model->next; i++) {
        sacked += model->segments[i].sacked;
    }
    window = !model->reordering && (model->recovering || sacked >= 3) ? 0 : model->min_rtt / 4;
    model->timer = HF_TIME_NEVER;
    for (unsigned i = model->una; model->valid && i < model->next; i++) {
        hf_time due = model->segments[i].sent + model->rtt + window;
        if (model->segments[i].sacked || model->segments[i].lost ||
            model->segments[i].order >= model->xmit_order) {
            continue;
        }
        if (due <= now) {
            model->segments[i].lost = model->segments[i].missed = true;
            model->verdicts++;
        } else if (due < model->timer) {
            model->timer = due;
        }
    }
}

static unsigned model_lost(const struct model *model)
{
    unsigned lost = 0;

    for (unsigned i = model->una; i < model->next; i++) {
        lost += model->segments[i].lost;
    }
    return lost;
}

/* What was sent after a recovery began and was lost is another one's, though it was sent again. */
static void model_recovery(struct model *model)
{
    bool missed = false;

    if (model->recovering && model->una >= model->recover) {
        model->recovering = false;
    }
    for (unsigned i = model->una; i < model->next; i++) {
        missed |= model->segments[i].missed;
    }
    if (!model->recovering && missed) {
        model->recovering = true;
        model->recover = model->next;
    }
}

/* The peer's ACK, with the newest run first and then the others from below; what it says, the model
 * hears. */
static void peer_acks(struct world *w, struct model *model, unsigned newest)
{
    bool said[SEGMENTS + 1] = {false};
    unsigned una = model->una, count = 0;
    char blocks[200] = "";
    size_t length = 0;

    while (model->received[una]) {
        una++;
    }
    for (int pass = 0; pass < 2; pass++) {
        for (unsigned left = una; left < model->next && count < 4; left++) {
            unsigned right = left;
            while (model->received[right]) {
                right++;
            }
            if (right > left && (newest >= left && newest < right) == (pass == 0)) {
                length += (size_t)snprintf(blocks + length, sizeof blocks - length, "%s%u-%u",
                                           count == 0 ? " sack=" : ",", 1 + left * SIZE,
                                           1 + right * SIZE);
                memset(said + left, true, right - left);
                count++;
            }
            left = right;
        }
    }
    for (unsigned i = model->una; i < model->next; i++) {
        if ((i < una || said[i]) && !model->segments[i].sacked) {
            model->segments[i].sacked = true;
            model->segments[i].lost = model->segments[i].missed = false;
            model_delivered(model, i, w->now);
        }
    }
    model->una = una;
    model_detect(model, w->now);
    model_recovery(model);
    peer(w, ". seq=1 ack=%u win=60000%s", 1 + una * SIZE, blocks);
}

/* What left goes on its way. False: it was the retransmission timer's, and the play is over. */
static bool take_output(struct world *w, struct model *model, unsigned loss, unsigned reorder)
{
    const struct captured *captured;

    if (status_of(w).timeouts > 0) {
        while (next_packet(w) != NULL) {
        }
        return false;
    }
    while ((captured = next_packet(w)) != NULL) {
        unsigned i = (captured->segment.seq - w->flow->stack_iss - 1) / SIZE;
        assert_int_equal(captured->segment.payload_bytes, SIZE);
        assert_in_range(i, model->una, model->next);
        if (i == model->next) {
            model->next++;
        } else if (model->segments[i].lost) {
            model->segments[i].lost = false;
            model->segments[i].retransmitted = true;
            model->repeats++;
        } else { /* 7.3: the last segment */
            assert_int_equal(i, model->next - 1);
            assert_false(model->recovering);
            assert_true(model->probes < status_of(w).loss_probes);
            model->segments[i].retransmitted = true;
        }
        model->probes = status_of(w).loss_probes;
        model->segments[i].sent = captured->time;
        model->segments[i].order = ++model->order;
        if (below(model, 100) >= loss && model->copy_count < COPIES) {
            hf_time late = below(model, 100) < reorder ? (1 + below(model, 30)) * MS : 0;
            model->copies[model->copy_count].arrives = captured->time + 40 * MS + late;
            model->copies[model->copy_count++].segment = i;
        }
    }
    return true;
}

/* The copy that arrives first, of those that arrive by now the one that left first. */
static unsigned next_arrival(const struct model *model, hf_time now)
{
    unsigned first = COPIES;

    for (unsigned c = 0; c < model->copy_count; c++) {
        if (model->copies[c].arrives <= now &&
            (first == COPIES || model->copies[c].arrives < model->copies[first].arrives)) {
            first = c;
        }
    }
    return first;
}

static bool arrivals(struct world *w, struct model *model, unsigned loss, unsigned reorder)
{
    unsigned c;

    while ((c = next_arrival(model, w->now)) != COPIES) {
        unsigned i = model->copies[c].segment;
        model->copy_count--;
        memmove(model->copies + c, model->copies + c + 1,
                (model->copy_count - c) * sizeof model->copies[0]);
        model->received[i] = true;
        if (i >= model->una) { /* an ACK of an old copy says nothing new */
            peer_acks(w, model, i);
            if (!take_output(w, model, loss, reorder)) {
                return false;
            }
        }
    }
    return true;
}

static void play(struct world *w, struct model *model, unsigned loss, unsigned reorder)
{
    w->config.dsack = 0;
    world_restart(w);
    establish_with_rtt(w, 40 * MS, 60000, "mss=1000 sackok");
    model->min_rtt = 40 * MS;
    model->timer = HF_TIME_NEVER;
    for (unsigned step = 0; step < STEPS && model->una < SEGMENTS; step++) {
        if (model->written < SEGMENTS && below(model, 40) == 0) {
            unsigned count = 1 + below(model, 20);
            count = count < SEGMENTS - model->written ? count : SEGMENTS - model->written;
            user_send(w, (size_t)count * SIZE);
            model->written += count;
        }
        if (!take_output(w, model, loss, reorder)) {
            return;
        }
        run_for(w, STEP, 0);
        if (model->timer <= w->now) {
            model_detect(model, w->now);
            model_recovery(model);
        }
        if (!take_output(w, model, loss, reorder)) {
            return;
        }
        if (!arrivals(w, model, loss, reorder)) {
            return;
        }
        assert_int_equal(status_of(w).lost_bytes, model_lost(model) * SIZE);
    }
}

/* Holds: RFC8985-6.2-a, RFC8985-6.2-b, RFC8985-6.2-e */
static void random_paths(void **state)
{
    static struct model model;
    struct world *w = *state;
    unsigned verdicts = 0, repeats = 0, reordered = 0, whole = 0;

    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        memset(&model, 0, sizeof model);
        model.random = seed * UINT64_C(0x9e3779b97f4a7c15);
        play(w, &model, seed % 4 * 3, seed % 3 * 4);
        verdicts += model.verdicts;
        repeats += model.repeats;
        reordered += model.reordering;
        whole += model.una == SEGMENTS;
    }
    print_message(
        "%u taken as lost, %u sent again, %u paths seen to reorder, %u played to the end\n",
        verdicts, repeats, reordered, whole);
    assert_true(verdicts > 500 && repeats > 500 && reordered > SEEDS / 4 && whole > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {BOTH(random_paths)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
