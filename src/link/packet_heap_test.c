/* SPDX-License-Identifier: MIT
 *
 * The heap against a model that cannot be wrong: an unsorted array searched from end to end.
 */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "packet_heap.h"

#include <stdlib.h>
#include <string.h>

#define MODEL_MAX 3000

struct model {
    struct {
        hf_time time;
        uint32_t label;
    } items[MODEL_MAX];
    size_t count;
};

/* The earliest; of equals the one added first, which has the smaller label. */
static size_t model_earliest(const struct model *model)
{
    size_t best = 0;

    for (size_t i = 1; i < model->count; i++) {
        if (model->items[i].time < model->items[best].time ||
            (model->items[i].time == model->items[best].time &&
             model->items[i].label < model->items[best].label))
            best = i;
    }
    return best;
}

static uint32_t random_next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void take_and_compare(struct packet_heap *heap, struct model *model)
{
    size_t best = model_earliest(model);
    struct packet_under_way *packet;
    uint32_t label;

    assert_int_equal(packet_heap_next_time(heap), model->items[best].time);
    packet = packet_heap_take(heap);
    assert_non_null(packet);
    assert_int_equal(packet->length, sizeof label);
    memcpy(&label, packet->bytes, sizeof label);
    assert_int_equal(label, model->items[best].label);
    assert_int_equal(packet->to, label & 1);
    assert_false(packet->injected);
    free(packet);
    model->items[best] = model->items[--model->count];
}

static void order_is_that_of_the_model(void **state)
{
    static struct model model;
    struct packet_heap heap = {0};
    uint32_t random = 7, label = 0;

    (void)state;
    model.count = 0;
    for (int round = 0; round < 20000; round++) {
        /* Grows for a while, then shrinks; times from a small range, so that many are equal. */
        uint32_t add_of_8 = round < 10000 ? 5 : 3;
        if (model.count < MODEL_MAX && random_next(&random) % 8 < add_of_8) {
            hf_time time = (hf_time)(random_next(&random) % 50) + round / 100;
            assert_non_null(packet_heap_add(&heap, time, label & 1, &label, sizeof label));
            model.items[model.count].time = time;
            model.items[model.count++].label = label++;
        } else if (model.count > 0) {
            take_and_compare(&heap, &model);
        }
        assert_int_equal(heap.count, model.count);
    }
    assert_true(label > 5000);
    while (model.count > 0)
        take_and_compare(&heap, &model);
    assert_int_equal(packet_heap_next_time(&heap), HF_TIME_NEVER);
    assert_null(packet_heap_take(&heap));
    packet_heap_clear(&heap);
}

static void clearing_frees_what_is_left(void **state)
{
    struct packet_heap heap = {0};
    uint8_t byte = 1;

    (void)state;
    for (hf_time time = 500; time > 0; time--)
        assert_non_null(packet_heap_add(&heap, time, 0, &byte, 1));
    packet_heap_clear(&heap);
    assert_int_equal(heap.count, 0);
    assert_null(heap.entries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_is_that_of_the_model),
        cmocka_unit_test(clearing_frees_what_is_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
