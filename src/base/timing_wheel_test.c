/* SPDX-License-Identifier: MIT
 *
 * The wheel against a plain table of armed timers, each with its deadline and the serial number of
 * its arming: what expires next is the least (deadline, serial) that is due. Deadlines lie from the
 * past to the end of time, times jump by nanoseconds and by years.
 */
#include "timing_wheel.h"

#include "base_test_support.h"

#define MODEL_NODES 120
#define YEAR_NS (INT64_C(365) * 24 * 3600 * HF_SECOND)

struct timer {
    struct wheel_node node; /* first: a node is its timer */
    hf_time deadline;
    uint64_t serial; /* 0: not armed */
};

struct model {
    struct timing_wheel wheel;
    struct timer timers[MODEL_NODES];
    uint64_t serial;
    hf_time now;
    struct test_random random;
    uint64_t expired, rearmed_while_expiring, early_answers;
};

static void model_init(struct model *model, uint64_t seed, hf_time now)
{
    memset(model, 0, sizeof *model);
    model->random.state = seed;
    model->now = now;
    wheel_init(&model->wheel, now);
}

static void arm(struct model *model, struct timer *timer, hf_time deadline)
{
    wheel_arm(&model->wheel, &timer->node, deadline);
    timer->deadline = deadline;
    timer->serial = deadline == HF_TIME_NEVER ? 0 : ++model->serial;
    assert_int_equal(wheel_armed(&timer->node), timer->serial != 0);
}

static void cancel(struct model *model, struct timer *timer)
{
    wheel_cancel(&model->wheel, &timer->node);
    timer->serial = 0;
    assert_false(wheel_armed(&timer->node));
}

/* What must expire next at this or any later time; NULL when nothing is armed. */
static struct timer *model_first(struct model *model)
{
    struct timer *first = NULL;
    for (int i = 0; i < MODEL_NODES; i++) {
        struct timer *timer = &model->timers[i];
        if (timer->serial == 0)
            continue;
        if (first == NULL || timer->deadline < first->deadline ||
            (timer->deadline == first->deadline && timer->serial < first->serial))
            first = timer;
    }
    return first;
}

static uint64_t model_count(const struct model *model)
{
    uint64_t count = 0;
    for (int i = 0; i < MODEL_NODES; i++)
        count += model->timers[i].serial != 0;
    return count;
}

static hf_time later(hf_time time, uint64_t distance)
{
    if (distance >= (uint64_t)(HF_TIME_NEVER - time))
        return HF_TIME_NEVER;
    return time + (hf_time)distance;
}

/* Every scale from 0 to 2^63 equally often, round numbers and neighbours of others too. */
static hf_time some_deadline(struct model *model)
{
    struct test_random *random = &model->random;
    hf_time near = model->timers[random_below(random, MODEL_NODES)].deadline;
    switch (random_below(random, 8)) {
    case 0:
        return near;
    case 1:
        return later(near, random_below(random, 3));
    case 2:
        return (hf_time)(random_next(random) % ((uint64_t)model->now + 1));
    case 3:
        return later(model->now, random_below(random, 4) * UINT64_C(200000000));
    case 4:
        return later(model->now, random_below(random, 100));
    case 5:
        return random_chance(random, 10) ? HF_TIME_NEVER - 1 : model->now;
    default:
        return later(model->now, random_of_any_scale(random, 0));
    }
}

static void check_next_deadline(struct model *model)
{
    const struct timer *first = model_first(model);
    hf_time answer = wheel_next_deadline(&model->wheel);
    if (first == NULL) {
        assert_true(answer == HF_TIME_NEVER);
        return;
    }
    assert_true(answer <= first->deadline);
    model->early_answers += answer < first->deadline;
}

/* Takes up to `most` that are due at model->now; some handlers arm anew, also for this very run. */
static void expire(struct model *model, uint64_t most)
{
    for (uint64_t i = 0; i < most; i++) {
        struct timer *expected = model_first(model);
        struct wheel_node *node = wheel_expire(&model->wheel, model->now);
        if (expected == NULL || expected->deadline > model->now) {
            assert_null(node);
            assert_true(wheel_next_deadline(&model->wheel) > model->now);
            return;
        }
        assert_ptr_equal(node, &expected->node);
        assert_false(wheel_armed(node));
        assert_true(node->deadline == expected->deadline);
        expected->serial = 0;
        model->expired++;
        if (random_chance(&model->random, 4)) {
            struct timer *other = &model->timers[random_below(&model->random, MODEL_NODES)];
            hf_time deadline = some_deadline(model);
            arm(model, random_chance(&model->random, 2) ? expected : other, deadline);
            model->rearmed_while_expiring++;
        }
        if (random_chance(&model->random, 8))
            cancel(model, &model->timers[random_below(&model->random, MODEL_NODES)]);
    }
}

static void advance(struct model *model)
{
    struct test_random *random = &model->random;
    hf_time next = wheel_next_deadline(&model->wheel);
    switch (random_below(random, 6)) {
    case 0:
        break;
    case 1:
    case 2:
        if (next > model->now && next != HF_TIME_NEVER)
            model->now = next;
        break;
    case 3:
        if (next > model->now && next != HF_TIME_NEVER)
            model->now += (hf_time)(random_next(random) % (uint64_t)(next - model->now));
        break;
    case 4:
        model->now = later(model->now, random_below(random, 1000));
        break;
    default:
        model->now = later(model->now, random_of_any_scale(random, 8));
        break;
    }
    if (model->now > HF_TIME_NEVER - 1)
        model->now = HF_TIME_NEVER - 1;
}

static void run_model(uint64_t seed, hf_time start, int steps)
{
    struct model *model = malloc(sizeof *model);
    assert_non_null(model);
    model_init(model, seed, start);
    for (int step = 0; step < steps; step++) {
        struct timer *timer = &model->timers[random_below(&model->random, MODEL_NODES)];
        uint32_t action = random_below(&model->random, 16);
        if (action < 9)
            arm(model, timer, some_deadline(model));
        else if (action < 11)
            cancel(model, timer);
        else if (action < 13)
            advance(model);
        else
            expire(model,
                   random_chance(&model->random, 2) ? UINT64_MAX : random_below(&model->random, 5));
        check_next_deadline(model);
        assert_true(model->wheel.count == model_count(model));
    }
    assert_true(model->expired > (uint64_t)steps / 100);
    assert_true(model->rearmed_while_expiring > (uint64_t)steps / 500);
    free(model);
}

/* Each run starts at another time, for time in a run soon comes to be counted in years. */
static void agrees_with_the_model(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 1500; seed++) {
        struct test_random random = {seed};
        run_model(seed, (hf_time)(random_next(&random) >> (1 + seed % 63)), 300);
    }
}

/* Nobody is cancelled, so "advance to the next deadline" names exact deadlines only, and every wake
 * takes somebody. */
static void next_deadline_is_exact_without_cancels(void **state)
{
    (void)state;
    struct model *model = malloc(sizeof *model);
    assert_non_null(model);
    for (uint64_t seed = 1; seed <= 300; seed++) {
        model_init(model, seed, (hf_time)(random_next(&(struct test_random){seed}) >> 20));
        for (int i = 0; i < MODEL_NODES; i++)
            arm(model, &model->timers[i],
                later(model->now, random_next(&model->random) >> (2 + seed % 60)));
        for (uint64_t i = 0; i < 4 * MODEL_NODES; i++) {
            struct timer *first = model_first(model);
            assert_true(wheel_next_deadline(&model->wheel) == first->deadline);
            model->now = first->deadline;
            assert_ptr_equal(wheel_expire(&model->wheel, model->now), &first->node);
            arm(model, first, later(model->now, random_next(&model->random) >> (2 + seed % 60)));
            if (model_first(model) == NULL)
                break;
        }
    }
    free(model);
}

/* After cancels the answer may be early, but each timer costs only so many vain wakes. */
static void advancing_by_next_deadline_reaches_every_node_at_its_deadline(void **state)
{
    (void)state;
    struct model *model = malloc(sizeof *model);
    assert_non_null(model);
    uint64_t early_answers = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        model_init(model, seed, 12345);
        for (int i = 0; i < 3 * MODEL_NODES; i++) {
            hf_time deadline =
                later(model->now + 1, random_next(&model->random) >> (2 + seed % 50));
            arm(model, &model->timers[random_below(&model->random, MODEL_NODES)], deadline);
        }
        for (int i = 0; i < MODEL_NODES / 2; i++)
            cancel(model, &model->timers[random_below(&model->random, MODEL_NODES)]);
        uint64_t armed = model_count(model);
        uint64_t wakes = 0;
        for (hf_time next; (next = wheel_next_deadline(&model->wheel)) != HF_TIME_NEVER; wakes++) {
            assert_true(next > model->now);
            model->now = next;
            check_next_deadline(model);
            struct timer *first = model_first(model);
            struct wheel_node *node;
            while ((node = wheel_expire(&model->wheel, model->now)) != NULL) {
                assert_ptr_equal(node, &first->node);
                assert_true(first->deadline == model->now);
                first->serial = 0;
                first = model_first(model);
            }
        }
        assert_null(model_first(model));
        assert_true(wakes <= armed * WHEEL_LEVELS);
        early_answers += model->early_answers;
    }
    assert_true(early_answers > 0);
    free(model);
}

static void equal_deadlines_expire_in_the_order_of_arming(void **state)
{
    (void)state;
    struct model *model = malloc(sizeof *model);
    assert_non_null(model);
    model_init(model, 7, 0);
    hf_time deadline = 5 * YEAR_NS + 17;
    /* The same deadline from ever nearer, so through every level that leads to it. */
    for (int i = 0; i < MODEL_NODES; i++) {
        arm(model, &model->timers[(i * 7) % MODEL_NODES], deadline);
        model->now += (deadline - model->now) / 2;
        assert_null(wheel_expire(&model->wheel, model->now));
    }
    assert_null(wheel_expire(&model->wheel, deadline - 1));
    for (int i = 0; i < MODEL_NODES; i++)
        assert_ptr_equal(wheel_expire(&model->wheel, deadline),
                         &model->timers[(i * 7) % MODEL_NODES].node);
    assert_null(wheel_expire(&model->wheel, deadline));
    free(model);
}

static void arming_in_the_past_is_due_at_once_and_in_order(void **state)
{
    (void)state;
    struct model *model = malloc(sizeof *model);
    assert_non_null(model);
    model_init(model, 8, 10 * HF_SECOND);
    static const hf_time deadlines[] = {7, 3, 3, 9, 0, 5, 7, 0, 3};
    static const int order[] = {4, 7, 1, 2, 8, 5, 0, 6, 3};
    for (int i = 0; i < 9; i++)
        arm(model, &model->timers[i], deadlines[i]);
    assert_true(wheel_next_deadline(&model->wheel) == 0);
    for (int i = 0; i < 9; i++)
        assert_ptr_equal(wheel_expire(&model->wheel, 10 * HF_SECOND),
                         &model->timers[order[i]].node);
    assert_null(wheel_expire(&model->wheel, 10 * HF_SECOND));
    free(model);
}

/* The stack's contract forbids it; the wheel then only waits. */
static void a_time_that_goes_back_expires_nothing_early(void **state)
{
    (void)state;
    struct model *model = malloc(sizeof *model);
    assert_non_null(model);
    model_init(model, 9, 1000);
    arm(model, &model->timers[0], 2000);
    arm(model, &model->timers[1], 2000);
    arm(model, &model->timers[2], 3000);
    assert_ptr_equal(wheel_expire(&model->wheel, 2500), &model->timers[0].node);
    assert_null(wheel_expire(&model->wheel, 1500));
    assert_ptr_equal(wheel_expire(&model->wheel, 2000), &model->timers[1].node);
    assert_null(wheel_expire(&model->wheel, 2500));
    assert_null(wheel_expire(&model->wheel, 1));
    assert_ptr_equal(wheel_expire(&model->wheel, 3000), &model->timers[2].node);
    /* With nothing due, the wheel still finds each node where it put it. */
    arm(model, &model->timers[0], 3001);
    assert_null(wheel_expire(&model->wheel, 1));
    cancel(model, &model->timers[0]);
    assert_true(wheel_next_deadline(&model->wheel) == HF_TIME_NEVER);
    arm(model, &model->timers[0], 3002);
    assert_ptr_equal(wheel_expire(&model->wheel, 3002), &model->timers[0].node);
    free(model);
}

static int by_deadline_then_serial(const void *left, const void *right)
{
    const struct timer *a = *(struct timer *const *)left;
    const struct timer *b = *(struct timer *const *)right;
    if (a->deadline != b->deadline)
        return a->deadline < b->deadline ? -1 : 1;
    return a->serial < b->serial ? -1 : 1;
}

#define CROWD 200000

static void a_crowd_expires_in_sorted_order(void **state)
{
    (void)state;
    struct timing_wheel *wheel = malloc(sizeof *wheel);
    struct timer *timers = calloc(CROWD, sizeof *timers);
    struct timer **sorted = calloc(CROWD, sizeof *sorted);
    assert_true(wheel != NULL && timers != NULL && sorted != NULL);
    wheel_init(wheel, 99);
    struct test_random random = {10};
    for (uint32_t i = 0; i < CROWD; i++) {
        timers[i].deadline = 99 + random_below(&random, i % 2 == 0 ? 20000 : 2000000000);
        timers[i].serial = i + 1;
        wheel_arm(wheel, &timers[i].node, timers[i].deadline);
        sorted[i] = &timers[i];
    }
    qsort(sorted, CROWD, sizeof(struct timer *), by_deadline_then_serial);
    for (uint32_t i = 0; i < CROWD; i++)
        assert_ptr_equal(wheel_expire(wheel, INT64_C(3000000000)), &sorted[i]->node);
    assert_null(wheel_expire(wheel, INT64_C(3000000000)));
    assert_true(wheel->count == 0);
    free(sorted);
    free(timers);
    free(wheel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_model),
        cmocka_unit_test(next_deadline_is_exact_without_cancels),
        cmocka_unit_test(advancing_by_next_deadline_reaches_every_node_at_its_deadline),
        cmocka_unit_test(equal_deadlines_expire_in_the_order_of_arming),
        cmocka_unit_test(arming_in_the_past_is_due_at_once_and_in_order),
        cmocka_unit_test(a_time_that_goes_back_expires_nothing_early),
        cmocka_unit_test(a_crowd_expires_in_sorted_order),
    };
    return cmocka_run_group_tests_name("timing_wheel", tests, NULL, NULL);
}
