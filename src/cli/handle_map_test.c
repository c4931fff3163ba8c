/* SPDX-License-Identifier: MIT
 *
 * The map against a naive model: an array that is searched from end to end.
 */
#include "handle_map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { KEYS = 700, STEPS = 200000 };

struct model {
    bool present[KEYS];
    int owners[KEYS];
};

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Handles as a stack makes them: index in the low bits, generation above. */
static hf_handle handle_of(size_t key)
{
    return (UINT64_C(1) << 56) | ((uint64_t)(key % 7) << 32) | (key + 1);
}

static void check_all(const struct handle_map *map, struct model *model)
{
    size_t used = 0;

    for (size_t key = 0; key < KEYS; key++) {
        void *found = handle_map_get(map, handle_of(key));

        assert_ptr_equal(found, model->present[key] ? &model->owners[key] : NULL);
        used += model->present[key];
    }
    assert_int_equal(map->used, used);
}

static void agrees_with_model(void **state)
{
    struct handle_map map = {.slots = NULL};
    struct model *model = calloc(1, sizeof *model);
    uint64_t random = 12345;

    (void)state;
    assert_non_null(model);
    for (int step = 0; step < STEPS; step++) {
        size_t key = (size_t)(next_random(&random) % KEYS);
        /* The first half fills, the second empties. */
        bool put = next_random(&random) % 100 < (step < STEPS / 2 ? 70u : 30u);

        if (put && !model->present[key]) {
            assert_true(handle_map_put(&map, handle_of(key), &model->owners[key]));
            model->present[key] = true;
        } else if (!put) {
            handle_map_remove(&map, handle_of(key));
            model->present[key] = false;
        }
        if (step % 1000 == 0)
            check_all(&map, model);
    }
    check_all(&map, model);
    handle_map_free(&map);
    free(model);
}

static void empty_map(void **state)
{
    struct handle_map map = {.slots = NULL};

    (void)state;
    assert_null(handle_map_get(&map, 5));
    assert_null(handle_map_get(&map, HF_NO_HANDLE));
    handle_map_remove(&map, 5);
    assert_int_equal(map.used, 0);
    handle_map_free(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_model),
        cmocka_unit_test(empty_map),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
