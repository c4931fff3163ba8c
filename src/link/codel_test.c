/* SPDX-License-Identifier: MIT
 *
 * CoDel against RFC 8289 5's pseudo-code written out as it stands there, with its queue and its
 * loops and in floating point: both see the same arrivals and must drop the same packets.
 */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "codel.h"

#include <math.h>
#include <string.h>

#define PACKETS 20000
#define PACKET_BYTES 1500

/* ---- The RFC's text, in doubles of a second */

struct model {
    double entered[PACKETS];
    int head, tail;
    double first_above, drop_next, target, interval;
    int count, last_count;
    int dropping;
    int dropped[PACKETS];
};

/* The head leaves the queue; -1: empty. */
static int model_dodequeue(struct model *model, double now, int *ok_to_drop)
{
    int packet;
    double sojourn;

    *ok_to_drop = 0;
    if (model->head == model->tail) {
        model->first_above = 0;
        return -1;
    }
    packet = model->head++;
    sojourn = now - model->entered[packet];
    if (sojourn < model->target - 1e-12 || (model->tail - model->head) * PACKET_BYTES <= 1514)
        model->first_above = 0;
    else if (model->first_above == 0)
        model->first_above = now + model->interval;
    else if (now >= model->first_above - 1e-12)
        *ok_to_drop = 1;
    return packet;
}

static double model_law(const struct model *model, double time, int count)
{
    return time + model->interval / sqrt(count);
}

static int model_dequeue(struct model *model, double now)
{
    int ok, packet = model_dodequeue(model, now, &ok);

    if (packet < 0) {
        model->dropping = 0;
        return packet;
    }
    if (model->dropping) {
        if (!ok)
            model->dropping = 0;
        while (now >= model->drop_next - 1e-12 && model->dropping && packet >= 0) {
            model->dropped[packet] = 1;
            model->count++;
            packet = model_dodequeue(model, now, &ok);
            if (!ok)
                model->dropping = 0;
            else
                model->drop_next = model_law(model, model->drop_next, model->count);
        }
    } else if (ok) {
        int delta = model->count - model->last_count;

        model->dropped[packet] = 1;
        packet = model_dodequeue(model, now, &ok);
        model->dropping = 1;
        model->count = delta > 1 && now - model->drop_next < 16 * model->interval ? delta : 1;
        model->drop_next = model_law(model, now, model->count);
        model->last_count = model->count;
    }
    return packet;
}

/* ---- Ours, over the same arrivals */

struct play {
    struct codel codel;
    hf_time entered[PACKETS];
    int head, tail, dropped[PACKETS];
};

static int play_dequeue(struct play *play, hf_time now)
{
    while (play->head < play->tail) {
        int packet = play->head++;
        uint64_t behind = (uint64_t)(play->tail - play->head) * PACKET_BYTES;

        if (!codel_condemns(&play->codel, now, now - play->entered[packet], behind))
            return packet;
        play->dropped[packet] = 1;
    }
    return -1;
}

/* Packets come in `come_ns` or, in the second of each four seconds, `rush_ns`; one leaves each
 * millisecond. Returns how many were dropped. */
static int compare(hf_time come_ns, hf_time rush_ns)
{
    static struct model model;
    static struct play play;
    hf_time next_arrival = 0;
    int drops = 0, differences = 0;

    memset(&model, 0, sizeof model);
    memset(&play, 0, sizeof play);
    model.target = 0.005;
    model.interval = 0.1;
    play.codel.target_ns = CODEL_TARGET_NS;
    play.codel.interval_ns = CODEL_INTERVAL_NS;
    for (hf_time now = HF_MILLISECOND; play.tail < PACKETS; now += HF_MILLISECOND) {
        for (; next_arrival <= now && play.tail < PACKETS;
             next_arrival += now / HF_SECOND % 4 == 1 ? rush_ns : come_ns) {
            play.entered[play.tail++] = next_arrival;
            model.entered[model.tail++] = (double)next_arrival / 1e9;
        }
        play_dequeue(&play, now);
        model_dequeue(&model, (double)now / 1e9);
    }
    for (int i = 0; i < PACKETS; i++) {
        drops += play.dropped[i];
        differences += play.dropped[i] != model.dropped[i];
    }
    /* A nanosecond of rounding moves a drop to a neighbour now and then, and no more. */
    assert_true(differences * 20 <= drops);
    return drops;
}

static void it_drops_what_the_rfc_drops(void **state)
{
    (void)state;
    assert_true(compare(900 * HF_MICROSECOND, 700 * HF_MICROSECOND) > 50);
    assert_true(compare(1100 * HF_MICROSECOND, 500 * HF_MICROSECOND) > 50);
}

static void a_short_queue_is_left_alone(void **state)
{
    (void)state;
    assert_int_equal(compare(1100 * HF_MICROSECOND, 1050 * HF_MICROSECOND), 0);
}

/* 5.4: the second drop comes interval / sqrt(2) after the first is due, the third / sqrt(3)... */
static void drops_come_closer(void **state)
{
    struct codel codel = {CODEL_TARGET_NS, CODEL_INTERVAL_NS, 0, 0, 0, 0, false};
    hf_time last = 0;
    int drops = 0;

    (void)state;
    for (hf_time now = 0; now < 2 * HF_SECOND; now += 10 * HF_MICROSECOND) {
        if (!codel_condemns(&codel, now, 20 * HF_MILLISECOND, 100000))
            continue;
        if (drops == 0)
            assert_int_equal(now, CODEL_INTERVAL_NS);
        else
            assert_true(fabs((double)(now - last) - 1e8 / sqrt(drops)) < 15e3);
        last = now;
        drops++;
    }
    assert_true(drops > 80);
    /* One packet in time ends it. */
    assert_false(codel_condemns(&codel, 2 * HF_SECOND, CODEL_TARGET_NS - 1, 100000));
    assert_false(codel.dropping);
    assert_false(codel_condemns(&codel, 2 * HF_SECOND + 1, 20 * HF_MILLISECOND, 100000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_drops_what_the_rfc_drops),
        cmocka_unit_test(a_short_queue_is_left_alone),
        cmocka_unit_test(drops_come_closer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
