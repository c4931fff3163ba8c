/* SPDX-License-Identifier: MIT
 *
 * Rates and lines for transfers whose course is known.
 */
#include "progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MIB (UINT64_C(1) << 20)

/* Reads the progress of a steady transfer every `step_ns`. */
static void run_steadily(struct progress *progress, uint64_t from, uint64_t rate, hf_time start,
                         hf_time step_ns, int steps)
{
    for (int i = 1; i <= steps; i++) {
        hf_time passed = step_ns * i;

        progress_update(progress, from + (uint64_t)(passed / HF_MILLISECOND) * rate / 1000,
                        start + passed);
    }
}

static void steady_rate(void **state)
{
    struct progress progress;

    (void)state;
    progress_start(&progress, "sent", 100 * MIB, 0);
    run_steadily(&progress, 0, MIB, 0, 100 * HF_MILLISECOND, 50);
    assert_true(progress.rate > 0.99 * (double)MIB && progress.rate < 1.01 * (double)MIB);
    assert_true(progress.updated_bytes == 5 * MIB);
}

/* After a change of speed, the rate is near the new one within some time constants, however often
 * it is read. */
static void rate_follows(void **state)
{
    const hf_time steps_ns[] = {50 * HF_MILLISECOND, 100 * HF_MILLISECOND, 500 * HF_MILLISECOND};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct progress progress;

        progress_start(&progress, "sent", 0, 0);
        run_steadily(&progress, 0, 10 * MIB, 0, steps_ns[i], (int)(10 * HF_SECOND / steps_ns[i]));
        run_steadily(&progress, 100 * MIB, MIB, 10 * HF_SECOND, steps_ns[i],
                     (int)(10 * HF_SECOND / steps_ns[i]));
        assert_true(progress.rate > 0.9 * (double)MIB && progress.rate < 1.2 * (double)MIB);
    }
}

static void lines(void **state)
{
    struct progress progress;
    char text[PROGRESS_TEXT_BYTES];

    (void)state;
    progress_start(&progress, "sent", 8 * MIB, 0);
    assert_non_null(strstr(progress_format(&progress, 79, text), "ETA -:--"));
    run_steadily(&progress, 0, MIB, 0, 100 * HF_MILLISECOND, 20);
    assert_string_equal(progress_format(&progress, 79, text),
                        "sent  25% [======>                    ] 2.0 MiB of 8.0 MiB  1.0 MiB/s  "
                        "ETA 0:06");
    assert_int_equal(strlen(text), 79);
    assert_string_equal(progress_format(&progress, 55, text),
                        "sent  25% 2.0 MiB of 8.0 MiB  1.0 MiB/s  ETA 0:06");
    progress_update(&progress, 8 * MIB, 8 * HF_SECOND);
    assert_non_null(strstr(progress_format(&progress, 79, text), "sent 100% [======"));
    assert_non_null(strstr(text, "ETA 0:00"));

    progress_start(&progress, "received", 0, 0);
    progress_update(&progress, 512, HF_SECOND);
    assert_string_equal(progress_format(&progress, 79, text), "received 512 B  512 B/s");
}

/* Never wider than the terminal, whatever the numbers. */
static void fits(void **state)
{
    struct progress progress;
    char text[PROGRESS_TEXT_BYTES];

    (void)state;
    for (unsigned shift = 0; shift < 63; shift++) {
        progress_start(&progress, "received", UINT64_C(1) << shift, 0);
        progress_update(&progress, (UINT64_C(1) << shift) / 3, 3 * HF_SECOND + shift);
        for (int columns = 1; columns < 400; columns++) {
            progress_format(&progress, columns, text);
            assert_true(strlen(text) <= (size_t)columns);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steady_rate),
        cmocka_unit_test(rate_follows),
        cmocka_unit_test(lines),
        cmocka_unit_test(fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
