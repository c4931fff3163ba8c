/* SPDX-License-Identifier: MIT
 *
 * The three samples against a list of all of them: never less than the least of the window, exactly
 * that while it is no older than the window allows, and never one that is too old. A host that has
 * been up for 49 days does not matter.
 */
#include "base_test_support.h"
#include "tcp_min_rtt.h"

enum { SAMPLES = 4000 };

struct sample {
    hf_time time;
    uint32_t rtt_us;
};

static uint32_t least_since(const struct sample *samples, unsigned count, hf_time since)
{
    uint32_t least = UINT32_MAX;
    for (unsigned i = 0; i < count; i++) {
        if (samples[i].time >= since && samples[i].rtt_us < least) {
            least = samples[i].rtt_us;
        }
    }
    return least;
}

static uint32_t least_at(const struct sample *samples, unsigned count, uint32_t rtt_us)
{
    for (unsigned i = count; i-- > 0;) {
        if (samples[i].rtt_us == rtt_us) {
            return i;
        }
    }
    return count;
}

static void like_a_list(void **state)
{
    static struct sample samples[SAMPLES];
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct test_random random = {seed};
        struct tcp_min_rtt least = {.samples = {{0}}};
        hf_time now = ((hf_time)UINT32_MAX - 1000000) * HF_MILLISECOND;
        uint32_t shown = 0;
        for (unsigned i = 0; i < SAMPLES; i++) {
            uint32_t exact, place;
            now += random_below(&random, 1u << random_below(&random, 13)) * HF_MILLISECOND;
            samples[i] = (struct sample){now, 1000 + random_below(&random, 100000) +
                                                  (i > SAMPLES / 2 ? 50000u : 0)};
            tcp_min_rtt_sample(&least, samples[i].rtt_us, now);
            exact = least_since(samples, i + 1, now - TCP_MIN_RTT_WINDOW);
            place = least_at(samples, i + 1, tcp_min_rtt_us(&least));
            assert_true(tcp_min_rtt_us(&least) >= exact);
            /* It was measured, and within the window. */
            assert_true(place <= i && samples[place].time >= now - TCP_MIN_RTT_WINDOW);
            /* A new least is shown at once, and as long as it is the least. */
            if (samples[i].rtt_us == exact || shown == exact) {
                assert_int_equal(tcp_min_rtt_us(&least), exact);
            }
            shown = tcp_min_rtt_us(&least);
            /* And nothing less came since. */
            assert_int_equal(tcp_min_rtt_us(&least),
                             least_since(samples, i + 1, samples[place].time));
        }
    }
}

/* A path that became longer: the old minimum is believed for 300 s, no more. */
static void a_longer_path(void **state)
{
    struct tcp_min_rtt least = {.samples = {{0}}};
    (void)state;
    assert_int_equal(tcp_min_rtt_us(&least), 0);
    tcp_min_rtt_sample(&least, 0, HF_SECOND);
    assert_int_equal(tcp_min_rtt_us(&least), 1);
    tcp_min_rtt_sample(&least, 20000, 100 * HF_SECOND);
    tcp_min_rtt_sample(&least, 50000, 300 * HF_SECOND);
    assert_int_equal(tcp_min_rtt_us(&least), 1);
    tcp_min_rtt_sample(&least, 50000, 302 * HF_SECOND);
    assert_int_equal(tcp_min_rtt_us(&least), 20000);
    tcp_min_rtt_sample(&least, 50000, 401 * HF_SECOND);
    assert_int_equal(tcp_min_rtt_us(&least), 50000);
    tcp_min_rtt_sample(&least, 90000, 2000 * HF_SECOND);
    assert_int_equal(tcp_min_rtt_us(&least), 90000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(like_a_list),
        cmocka_unit_test(a_longer_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
