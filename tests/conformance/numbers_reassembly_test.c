/* SPDX-License-Identifier: MIT
 *
 * Receiving in any order: random segments, overlapping, repeated, partly old, partly beyond the
 * window, against the most naive model there is: one flag a byte. After each segment the ACK must
 * name the first missing byte, the SACK blocks must be runs of what the model holds, the first with
 * the segment just sent (RFC 2018 4), and what the program reads must be the stream. What came
 * before is reported once, in front of all blocks: the first run of it in the segment (RFC 2883 4).
 */
#include "round_trip.h"
#include <string.h>

enum { STREAM = 20000, BUFFER = 6000 };

struct receiver_model {
    unsigned char held[STREAM + BUFFER + 2]; /* by relative number */
    unsigned next;                           /* first missing */
    unsigned edge;                           /* furthest offered */
    unsigned read;                           /* first unread */
    unsigned twice_left, twice_right;        /* came before; to be reported; equal: nothing */
};

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static int came_before(const struct receiver_model *model, unsigned at)
{
    return at < model->next || (at < model->edge && model->held[at]);
}

static void model_takes(struct receiver_model *model, unsigned left, unsigned right)
{
    unsigned twice = left;
    while (twice < right && !came_before(model, twice)) {
        twice++;
    }
    if (twice < right) {
        model->twice_left = twice;
        while (twice < right && came_before(model, twice)) {
            twice++;
        }
        model->twice_right = twice;
    }
    for (unsigned at = left; at < right; at++) {
        if (at >= model->next && at < model->edge) {
            model->held[at] = 1;
        }
    }
    while (model->next <= STREAM && model->held[model->next]) {
        model->next++;
    }
}

static void check_ack(struct world *w, struct receiver_model *model, const struct segment *segment,
                      unsigned left, unsigned right)
{
    unsigned ack = segment->ack - w->flow->peer_iss;
    unsigned edge = ack + segment->window;
    unsigned first = model->twice_left < model->twice_right;

    assert_int_equal(ack, model->next);
    if (first) {
        assert_true(segment->sack_count > 0);
        assert_int_equal(segment->sack[0][0] - w->flow->peer_iss, model->twice_left);
        assert_int_equal(segment->sack[0][1] - w->flow->peer_iss, model->twice_right);
        model->twice_left = model->twice_right;
    }
    for (unsigned i = first; i < segment->sack_count; i++) {
        unsigned from = segment->sack[i][0] - w->flow->peer_iss;
        unsigned to = segment->sack[i][1] - w->flow->peer_iss;
        assert_true(from > model->next && from < to && to <= model->edge);
        for (unsigned at = from; at < to; at++) {
            assert_true(model->held[at]);
        }
        assert_false(model->held[from - 1]);
        assert_false(model->held[to]);
        if (i == first && left > model->next && right <= model->edge) {
            assert_true(from <= left && right <= to);
        }
    }
    if (edge > model->edge) {
        assert_true(edge - model->read <= BUFFER);
        model->edge = edge;
    }
}

static void one_run(struct world *w, uint32_t seed)
{
    static struct receiver_model model;
    unsigned rounds = 0;

    memset(&model, 0, sizeof model);
    model.next = 1;
    model.read = 1;
    model.edge = BUFFER + 1;
    while (model.read <= STREAM) {
        unsigned left, right, unread;
        assert_true(rounds++ < 100000);
        left = next_random(&seed) % 3 == 0 ? model.next : model.next + next_random(&seed) % BUFFER;
        left -= next_random(&seed) % 4 == 0 && left > 400 ? next_random(&seed) % 400 : 0;
        right = left + 1 + next_random(&seed) % 700;
        right = right < STREAM + 1 ? right : STREAM + 1;
        if (left < right) {
            peer(w, ". seq=%u ack=1 len=%u", left, right - left);
            model_takes(&model, left, right);
        }
        while (waiting_packets(w) > 0) {
            check_ack(w, &model, &next_packet(w)->segment, left, right);
        }
        unread = model.next - model.read;
        if (unread > 0 && next_random(&seed) % 4 == 0) {
            unsigned take = 1 + next_random(&seed) % unread;
            user_recv(w, take);
            model.read += take;
            while (waiting_packets(w) > 0) {
                check_ack(w, &model, &next_packet(w)->segment, 0, 0);
            }
        }
        if (next_random(&seed) % 8 == 0) {
            run_for(w, 50 * MS, 0);
            while (waiting_packets(w) > 0) {
                check_ack(w, &model, &next_packet(w)->segment, 0, 0);
            }
        }
        w->event_count = 0;
    }
    assert_int_equal(status_of(w).out_of_order_bytes, 0);
    assert_int_equal(status_of(w).receive_queue_bytes, 0);
    user_recv_error(w, HF_EAGAIN);
    run_for(w, HF_SECOND, 0);
    while (waiting_packets(w) > 0) {
        check_ack(w, &model, &next_packet(w)->segment, 0, 0);
    }
}

static void any_order(void **state)
{
    struct world *w = *state;

    w->config.receive_buffer_bytes = BUFFER;
    for (uint32_t seed = 1; seed <= 30; seed++) {
        world_restart(w);
        establish_passive(w, 65535, "mss=1000 sackok");
        one_run(w, seed * 2654435761u);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {BOTH(any_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
