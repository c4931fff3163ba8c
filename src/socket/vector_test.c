/* SPDX-License-Identifier: MIT
 *
 * The walk visits every byte once and in order, whatever steps it is taken in.
 */
#include "vector.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void every_byte_once(void **state)
{
    char memory[] = "abcdefghijklmnopqrstuvwxyz";
    const struct iovec pieces[] = {{memory, 0},     {memory, 3},      {memory + 3, 1},
                                   {memory + 9, 0}, {memory + 4, 10}, {memory + 14, 12},
                                   {memory + 26, 0}};
    (void)state;
    for (size_t step = 1; step < 30; step++) {
        struct vector vector;
        char seen[sizeof memory] = "";
        size_t count = 0;
        void *data;
        size_t length;
        assert_int_equal(vector_of_pieces(pieces, 7, &vector), 0);
        assert_int_equal(vector.left, 26);
        while (vector_next(&vector, step, &data, &length)) {
            assert_true(length > 0 && length <= step);
            memcpy(seen + count, data, length);
            count += length;
            vector_advance(&vector, length);
            assert_int_equal(vector.left, 26 - count);
        }
        assert_string_equal(seen, memory);
    }
}

static void refusals(void **state)
{
    struct iovec negative = {NULL, SIZE_MAX};
    struct vector vector;
    (void)state;
    assert_int_equal(vector_of_pieces(NULL, 1, &vector), -EFAULT);
    assert_int_equal(vector_of_pieces(NULL, 0, &vector), 0);
    assert_int_equal(vector.left, 0);
    assert_int_equal(vector_of_pieces(&negative, 1, &vector), -EINVAL);
}

/* No call moves more than Linux's MAX_RW_COUNT, however much it is given. */
static void never_too_much(void **state)
{
    const struct iovec pieces[] = {{NULL, VECTOR_MOST_BYTES - 5}, {NULL, 100}, {NULL, 100}};
    struct iovec piece;
    struct vector vector;
    void *data;
    size_t length;
    (void)state;
    assert_int_equal(vector_of_pieces(pieces, 3, &vector), 0);
    assert_int_equal(vector.left, VECTOR_MOST_BYTES);
    vector_advance(&vector, VECTOR_MOST_BYTES - 5);
    assert_true(vector_next(&vector, SIZE_MAX, &data, &length));
    assert_int_equal(length, 5);
    vector_advance(&vector, 5);
    assert_false(vector_next(&vector, SIZE_MAX, &data, &length));
    vector = vector_of_buffer(&piece, NULL, SIZE_MAX);
    assert_int_equal(vector.left, VECTOR_MOST_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_once),
        cmocka_unit_test(refusals),
        cmocka_unit_test(never_too_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
