/* SPDX-License-Identifier: MIT
 *
 * Sending to a peer that does everything at random: loses segments, acknowledges late, twice or in
 * part, opens, shuts and shrinks its window. Whatever it does: what is sent is the stream (the
 * bench compares each byte), nothing new leaves beyond the window or beyond cwnd and limited
 * transmit's two segments (RFC 5681 3.1, RFC 3042), timers never stop while something is
 * outstanding, and all arrives in the end.
 */
#include "round_trip.h"
#include <string.h>

enum { STREAM = 60000, MSS = 500 };

struct peer_model {
    unsigned char held[STREAM + 2];
    unsigned next;    /* first missing */
    unsigned highest; /* one past the highest number seen leaving */
    unsigned window;  /* what the last ACK offered */
    unsigned edge;    /* its right edge: may shrink */
    uint32_t seed;
};

static uint32_t dice(struct peer_model *model, uint32_t sides)
{
    model->seed ^= model->seed << 13;
    model->seed ^= model->seed >> 17;
    model->seed ^= model->seed << 5;
    return model->seed % sides;
}

/* Takes what waits; each segment is lost with a chance of 1 in `loss` (0: none). True: there was
 * any. */
static int take_all(struct world *w, struct peer_model *model, unsigned loss)
{
    int any = 0;
    while (waiting_packets(w) > 0) {
        const struct segment *segment = &next_packet(w)->segment;
        unsigned seq = segment->seq - w->flow->stack_iss;
        unsigned end = seq + (unsigned)segment->payload_bytes;
        if (segment->payload_bytes == 0) {
            any = 1; /* a probe */
            continue;
        }
        if (end > model->highest) {
            struct hf_trace_numbers numbers = status_of(w).numbers;
            assert_true(end <= model->edge);
            /* After a timeout what was in flight before it no longer counts as being there. */
            assert_true(end - 1 - (numbers.snd_una - w->flow->stack_iss) <
                            numbers.cwnd_bytes + 2 * MSS ||
                        status_of(w).recovery == HF_RECOVERY_TIMEOUT);
            model->highest = end;
        }
        any = 1;
        if (loss != 0 && dice(model, loss) == 0) {
            continue;
        }
        for (unsigned at = seq; at < end; at++) {
            model->held[at] = 1;
        }
    }
    return any;
}

static void acknowledge(struct world *w, struct peer_model *model, int honest)
{
    while (model->next <= STREAM && model->held[model->next]) {
        model->next++;
    }
    if (honest || dice(model, 4) == 0) {
        static const unsigned windows[] = {0, 1, 100, 499, 500, 1500, 5000, 20000, 60000};
        model->window = honest ? 20000 : windows[dice(model, 9)];
    }
    model->edge = model->next + model->window;
    peer(w, ". seq=1 ack=%u win=%u", model->next, model->window);
}

static void one_run(struct world *w, uint32_t seed, unsigned loss)
{
    static struct peer_model model;
    unsigned rounds = 0;

    memset(&model, 0, sizeof model);
    model.next = 1;
    model.highest = 1;
    model.window = 20000;
    model.edge = 20001;
    model.seed = seed;
    user_send(w, STREAM);
    while (model.next <= STREAM) {
        int honest = rounds > 3000;
        assert_true(rounds++ < 20000);
        if (!take_all(w, &model, honest ? 0 : loss)) {
            assert_true(hf_stack_next_deadline(w->stack) != HF_TIME_NEVER ||
                        model.next == STREAM + 1);
            run_for(w, 200 * HF_SECOND, 1); /* whatever timer comes next */
            take_all(w, &model, honest ? 0 : loss);
        }
        run_for(w, (hf_time)dice(&model, 60) * MS, 0);
        take_all(w, &model, honest ? 0 : loss);
        for (unsigned i = dice(&model, 5); i < 5; i++) {
            acknowledge(w, &model, honest);
            take_all(w, &model, honest ? 0 : loss);
            if (dice(&model, 2)) {
                break;
            }
        }
        w->event_count = 0;
        in_state(w, HF_ESTABLISHED);
    }
    acknowledge(w, &model, 1);
    assert_int_equal(status_of(w).send_queue_bytes, 0);
    run_for(w, 3 * HF_SECOND, 0); /* until it rests */
    assert_true(hf_stack_next_deadline(w->stack) == HF_TIME_NEVER);
}

static void any_peer(void **state)
{
    struct world *w = *state;
    uint64_t retransmitted = 0;

    for (uint32_t seed = 1; seed <= 40; seed++) {
        world_restart(w);
        establish_with_rtt(w, 30 * MS, 20000, "mss=500");
        user_option(w, HF_OPTION_RETRIES_R2, 255);
        one_run(w, seed * 2654435761u, seed % 4 == 0 ? 0 : 2 + seed % 15);
        user_abort(w);
        next_packet(w);
        retransmitted += counters_of(w).segments_retransmitted;
    }
    assert_true(retransmitted > 1000); /* or the peer was not what it says */
}

int main(void)
{
    const struct CMUnitTest tests[] = {BOTH(any_peer)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
