/* SPDX-License-Identifier: MIT
 *
 * The table against a naive model: an array that is searched from end to end.
 */
#include "handle_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MOST 600
#define ROUNDS 20000

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Handles look like the core's: an index below, a generation above. */
static hf_handle make_handle(uint32_t random)
{
    return UINT64_C(1) << 62 | (uint64_t)(random % 7 + 1) << 32 | (random / 7 % MOST);
}

/* Never looked into: an address of its own for each. */
static struct socket *fake_socket(char places[ROUNDS], uint32_t number)
{
    return (struct socket *)(void *)&places[number];
}

static void behaves_like_an_array(void **state)
{
    struct handle_table table = {0};
    hf_handle handles[7 * MOST] = {0};
    struct socket *sockets[7 * MOST] = {0};
    char places[ROUNDS];
    size_t count = 0;
    uint32_t random = 1;
    (void)state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        hf_handle handle = make_handle(next_random(&random));
        size_t at = 0;
        while (at < count && handles[at] != handle) {
            at++;
        }
        assert_ptr_equal(handle_table_get(&table, handle), at < count ? sockets[at] : NULL);
        if (at == count && next_random(&random) % 3 != 0) {
            assert_true(handle_table_put(&table, handle, fake_socket(places, round)));
            handles[count] = handle;
            sockets[count++] = fake_socket(places, round);
        } else {
            handle_table_remove(&table, handle);
            if (at < count) {
                handles[at] = handles[--count];
                sockets[at] = sockets[count];
            }
        }
        assert_int_equal(table.used, count);
    }
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(handle_table_get(&table, handles[i]), sockets[i]);
    }
    handle_table_free(&table);
}

static void empty(void **state)
{
    struct handle_table table = {0};
    (void)state;
    assert_null(handle_table_get(&table, 5));
    assert_null(handle_table_get(&table, HF_NO_HANDLE));
    handle_table_remove(&table, 5);
    handle_table_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(behaves_like_an_array),
        cmocka_unit_test(empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
