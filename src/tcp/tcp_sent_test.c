/* SPDX-License-Identifier: MIT
 *
 * Sent records against a plain array: whatever a sender may do to them, in random order, both must
 * tell the same of every record, of the order of transmission, of the first loss that waits and of
 * the pipe. The array keeps no counters, lists or hints: it looks at everything each time.
 */
#include "base_test_support.h"
#include "tcp_sent.h"

#define MODEL_MAX 4096

struct model_record {
    uint32_t seq, length;
    hf_time sent;
    uint64_t stamp; /* of the last transmission */
    bool sacked, lost, waits, repeated;
};

struct model {
    struct model_record records[MODEL_MAX];
    uint32_t count;
    uint64_t stamps;
    uint32_t next_seq;
};

struct bench {
    struct test_random random;
    struct test_heap heap;
    struct hf_allocator allocator;
    struct memory memory;
    struct tcp_sent *sent;
    struct model model;
    hf_time now;
    uint32_t longest_run;
};

static void compare_list(struct bench *bench)
{
    struct tcp_sent *sent = bench->sent;
    const struct model *model = &bench->model;
    uint32_t listed = 0, walked = 0, waiting = 0, earlier = TCP_SENT_NONE;
    uint64_t stamp = 0;

    for (uint32_t i = 0; i < model->count; i++) {
        listed += !model->records[i].sacked && !model->records[i].waits;
    }
    for (uint32_t id = sent->flying.oldest; id != TCP_SENT_NONE;
         id = tcp_sent_at(sent, id)->later) {
        uint32_t place = id - sent->first;
        assert_in_range(place, 0, model->count - 1);
        assert_false(model->records[place].sacked || model->records[place].waits);
        assert_true(model->records[place].stamp >= stamp); /* equal: pieces of one */
        stamp = model->records[place].stamp;
        assert_int_equal(tcp_sent_at(sent, id)->earlier, earlier);
        earlier = id;
        walked++;
        assert_true(walked <= listed);
    }
    assert_int_equal(sent->flying.newest, earlier);
    assert_int_equal(walked, listed);
    for (uint32_t i = 0; i < model->count; i++) {
        waiting += model->records[i].waits;
    }
    earlier = TCP_SENT_NONE;
    for (uint32_t id = sent->waiting.oldest; id != TCP_SENT_NONE; waiting--) {
        assert_true(waiting > 0 && model->records[id - sent->first].waits);
        assert_int_equal(tcp_sent_at(sent, id)->earlier, earlier);
        earlier = id;
        id = tcp_sent_at(sent, id)->later;
    }
    assert_int_equal(sent->waiting.newest, earlier);
    assert_int_equal(waiting, 0);
}

static void compare(struct bench *bench)
{
    struct tcp_sent *sent = bench->sent;
    const struct model *model = &bench->model;
    uint32_t pipe = 0, sacked = 0, flight = 0, waiting = TCP_SENT_NONE, next_unsacked;

    assert_int_equal(sent->count, model->count);
    next_unsacked = sent->first + sent->count;
    for (uint32_t i = model->count; i-- > 0;) {
        const struct model_record *expected = &model->records[i];
        const struct tcp_sent_record *record = tcp_sent_at(sent, sent->first + i);
        assert_int_equal(record->seq.value, expected->seq);
        assert_int_equal(record->length, expected->length);
        assert_true(record->sent == expected->sent);
        assert_int_equal(!!(record->flags & TCP_SENT_SACKED), expected->sacked);
        assert_int_equal(!!(record->flags & TCP_SENT_LOST), expected->lost);
        assert_int_equal(!!(record->flags & TCP_SENT_REPEATED), expected->repeated);
        assert_int_equal(!!(record->flags & TCP_SENT_REPEAT_OUT),
                         expected->lost && !expected->waits);
        flight += expected->length;
        pipe += expected->sacked || expected->waits ? 0 : expected->length;
        sacked += expected->sacked;
        waiting = expected->waits ? sent->first + i : waiting;
        next_unsacked = expected->sacked ? next_unsacked : sent->first + i;
        if (random_chance(&bench->random, 4)) {
            assert_int_equal(tcp_sent_skip_sacked(sent, sent->first + i), next_unsacked);
        }
    }
    assert_int_equal(tcp_sent_pipe(sent, flight), pipe);
    assert_int_equal(sent->sacked_count, sacked);
    assert_int_equal(tcp_sent_next_lost(sent), waiting);
    compare_list(bench);
}

static void add(struct bench *bench, uint32_t length)
{
    struct model *model = &bench->model;
    if (model->count == MODEL_MAX || !tcp_sent_reserve(&bench->sent, &bench->memory, 0)) {
        return;
    }
    tcp_sent_add(bench->sent, seq_make(model->next_seq), length, bench->now);
    model->records[model->count++] = (struct model_record){
        .seq = model->next_seq, .length = length, .sent = bench->now, .stamp = ++model->stamps};
    model->next_seq += length;
}

static void repeat(struct bench *bench, uint32_t place)
{
    struct model_record *record = &bench->model.records[place];
    if (record->sacked) {
        return; /* nobody does */
    }
    tcp_sent_repeat(bench->sent, bench->sent->first + place, bench->now);
    record->sent = bench->now;
    record->stamp = ++bench->model.stamps;
    record->repeated = true;
    record->waits = false;
}

static void sack(struct bench *bench, uint32_t place, uint32_t run)
{
    for (; run > 0 && place < bench->model.count; place++, run--) {
        struct model_record *record = &bench->model.records[place];
        if (!record->sacked) {
            tcp_sent_mark_sacked(bench->sent, bench->sent->first + place);
            record->sacked = true;
            record->lost = false;
            record->waits = false;
        }
    }
}

static void lose(struct bench *bench, uint32_t place)
{
    struct model_record *record = &bench->model.records[place];
    if (!record->sacked) {
        tcp_sent_mark_lost(bench->sent, bench->sent->first + place);
        record->lost = true;
        record->waits = true;
    }
}

/* How many of the first `count` are in plain flight and left at the same instant. */
static uint32_t plain_alike(const struct model *model, uint32_t count)
{
    uint32_t alike = 0;
    while (alike < count && !model->records[alike].sacked && !model->records[alike].lost &&
           !model->records[alike].repeated &&
           model->records[alike].sent == model->records[0].sent) {
        alike++;
    }
    return alike;
}

/* Taken off at once, if there is a run; how many. Where nothing was sent again, all that are alike
 * make one. */
static uint32_t drop_run(struct bench *bench, const struct model *model, uint32_t count)
{
    const struct model_record *last = &model->records[count - 1];
    uint32_t alike = plain_alike(model, count);
    uint32_t run = tcp_sent_run(bench->sent, seq_make(last->seq + last->length));
    assert_in_range(run, alike > 0, alike);
    for (uint32_t i = 1; i < run; i++) {
        assert_true(model->records[i].stamp >= model->records[i - 1].stamp);
    }
    if (run > 0) {
        tcp_sent_drop_run(bench->sent, run);
        bench->longest_run = run > bench->longest_run ? run : bench->longest_run;
    }
    return run;
}

static void drop(struct bench *bench, uint32_t count)
{
    struct model *model = &bench->model;
    count = count < model->count ? count : model->count;
    if (count > 0 && random_chance(&bench->random, 2)) {
        count = drop_run(bench, model, count);
    } else {
        for (uint32_t i = 0; i < count; i++) {
            tcp_sent_drop_first(bench->sent);
        }
    }
    model->count -= count;
    memmove(model->records, model->records + count, model->count * sizeof model->records[0]);
}

static void cut(struct bench *bench)
{
    struct model_record *record = &bench->model.records[0];
    if (record->length > 1) {
        uint32_t off = 1 + random_below(&bench->random, record->length - 1);
        tcp_sent_cut_first(bench->sent, seq_make(record->seq + off));
        record->seq += off;
        record->length -= off;
    }
}

/* What the sender does after a timeout when the peer went back on its SACKs. */
static void forget(struct bench *bench)
{
    tcp_sent_forget_sacks(bench->sent, seq_make(0));
    for (uint32_t i = 0; i < bench->model.count; i++) {
        struct model_record *record = &bench->model.records[i];
        record->sacked = false;
    }
}

/* The losses were none: all that waited is in flight again, at its place by transmission. */
static void unmark(struct bench *bench)
{
    tcp_sent_unmark_lost(bench->sent);
    for (uint32_t i = 0; i < bench->model.count; i++) {
        struct model_record *record = &bench->model.records[i];
        record->lost = false;
        record->waits = false;
    }
}

/* `lost`: what was larger is lost, and waits; the rest, and else everything, stays as it is.
 * `join`: neighbours that are too large count as one. */
static void recut(struct bench *bench, uint32_t most, bool lost, bool join)
{
    static struct model_record pieces[MODEL_MAX];
    struct model *model = &bench->model;
    uint32_t count = 0;
    for (uint32_t i = 0; i < model->count; i++) {
        count += (model->records[i].length + most - 1) / most;
    }
    if (count > MODEL_MAX || !tcp_sent_recut(&bench->sent, &bench->memory, most, lost, join)) {
        return;
    }
    count = 0;
    for (uint32_t i = 0; i < model->count; i++) {
        struct model_record rest = model->records[i];
        if (lost && rest.length > most && !rest.sacked) {
            rest.lost = true;
            rest.waits = true;
            while (join && i + 1 < model->count && model->records[i + 1].length > most &&
                   !model->records[i + 1].sacked) {
                i++;
                rest.length += model->records[i].length;
                rest.repeated = rest.repeated || model->records[i].repeated;
            }
        }
        while (rest.length > 0) {
            uint32_t take = rest.length < most ? rest.length : most;
            pieces[count] = rest;
            pieces[count++].length = take;
            rest.seq += take;
            rest.length -= take;
        }
    }
    memcpy(model->records, pieces, count * sizeof pieces[0]);
    model->count = count;
}

static void find(struct bench *bench)
{
    const struct model *model = &bench->model;
    uint32_t around = random_below(&bench->random, model->next_seq - model->records[0].seq + 20);
    uint32_t seq = model->records[0].seq - 10 + around;
    uint32_t place = 0;
    while (place < model->count && (int32_t)(model->records[place].seq - seq) < 0) {
        place++;
    }
    assert_int_equal(tcp_sent_find(bench->sent, seq_make(seq)), bench->sent->first + place);
}

static void step(struct bench *bench)
{
    uint32_t what = random_below(&bench->random, 100);
    uint32_t place;
    bench->now += (hf_time)random_below(&bench->random, 3);
    if (what < 35 || bench->model.count == 0) {
        add(bench, 1 + random_below(&bench->random, random_chance(&bench->random, 3) ? 3000 : 10));
        return;
    }
    place = random_below(&bench->random, bench->model.count);
    if (what < 50) {
        sack(bench, place, 1 + random_below(&bench->random, 6));
    } else if (what < 65) {
        lose(bench, place);
    } else if (what < 78) {
        uint32_t lost = tcp_sent_next_lost(bench->sent);
        repeat(bench, lost != TCP_SENT_NONE ? lost - bench->sent->first : place);
    } else if (what < 80) {
        repeat(bench, bench->model.count - 1); /* a probe */
    } else if (what < 88) {
        drop(bench, random_below(&bench->random, 8));
    } else if (what < 92) {
        cut(bench);
    } else if (what < 93) {
        forget(bench);
    } else if (what < 94) {
        unmark(bench);
    } else if (what < 95) {
        recut(bench, 1 + random_below(&bench->random, 2000), random_chance(&bench->random, 2),
              random_chance(&bench->random, 2));
    } else {
        find(bench);
    }
}

static void set_up(struct bench *bench, uint64_t seed)
{
    memset(bench, 0, sizeof *bench);
    bench->random.state = seed;
    bench->heap = test_heap_make();
    bench->allocator = test_heap_allocator(&bench->heap);
    memory_init(&bench->memory, &bench->allocator, UINT64_C(1) << 20);
    bench->model.next_seq = (uint32_t)random_next(&bench->random);
    add(bench, 1);
    assert_non_null(bench->sent);
}

static void tear_down(struct bench *bench)
{
    tcp_sent_free(&bench->sent, &bench->memory);
    assert_null(bench->sent);
    assert_int_equal(bench->memory.used_bytes, 0);
    assert_int_equal(bench->heap.blocks, 0);
}

static void like_a_plain_array(void **state)
{
    static struct bench bench;
    uint32_t longest_run = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        set_up(&bench, seed);
        if (seed % 3 == 0) {
            bench.heap.fail_some = &bench.random; /* growth and recutting refused now and then */
        }
        if (seed % 4 == 0) {
            bench.model.next_seq = UINT32_MAX - 5000; /* numbers wrap early */
            drop(&bench, 1);
        }
        for (unsigned i = 0; i < 1500; i++) {
            step(&bench);
            compare(&bench);
        }
        longest_run = bench.longest_run > longest_run ? bench.longest_run : longest_run;
        tear_down(&bench);
    }
    assert_true(longest_run >= 3);
}

/* Room as the last flight needed it: for what left in it, and not for ever. */
static void room_as_before(void **state)
{
    static struct bench bench;
    uint32_t expected;
    (void)state;
    set_up(&bench, 13);
    while (bench.model.count < 40) {
        add(&bench, 1);
    }
    expected = tcp_sent_needed(bench.sent);
    assert_int_equal(expected, 64);
    tcp_sent_free(&bench.sent, &bench.memory);
    assert_true(tcp_sent_reserve(&bench.sent, &bench.memory, expected));
    assert_int_equal(bench.sent->capacity, 64);
    tcp_sent_add(bench.sent, seq_make(1), 1, 0);
    assert_int_equal(tcp_sent_needed(bench.sent), 16);
    tcp_sent_free(&bench.sent, &bench.memory);
    bench.memory.limit_bytes = 2048; /* too little for so many */
    assert_true(tcp_sent_reserve(&bench.sent, &bench.memory, expected));
    assert_int_equal(bench.sent->capacity, 16);
    tear_down(&bench);
}

/* Ids begin anew before they reach TCP_SENT_NONE, with everything in its place. */
static void ids_begin_anew(void **state)
{
    static struct bench bench;
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        uint32_t before;
        set_up(&bench, seed);
        /* As though so many had come and gone: places stay, for the step is a multiple of the
         * capacity. */
        drop(&bench, 1);
        before = TCP_SENT_RENUMBER - bench.sent->capacity * (1 + (uint32_t)seed % 4);
        bench.sent->first = before;
        for (unsigned i = 0; i < 3000; i++) {
            step(&bench);
            compare(&bench);
            if (bench.model.count > 200) {
                drop(&bench, 150);
            }
        }
        assert_true(bench.sent->first < before);
        tear_down(&bench);
    }
}

/* A refusal changes nothing, and the next attempt may succeed. */
static void refusals_change_nothing(void **state)
{
    static struct bench bench;
    (void)state;
    set_up(&bench, 7);
    while (bench.model.count < 16) {
        add(&bench, 100);
    }
    sack(&bench, 3, 4);
    lose(&bench, 1);
    bench.heap.fail_all_from = bench.heap.allocations;
    assert_false(tcp_sent_reserve(&bench.sent, &bench.memory, 0));
    compare(&bench);
    assert_false(tcp_sent_recut(&bench.sent, &bench.memory, 50, true, true));
    compare(&bench);
    drop(&bench, 1);
    assert_true(tcp_sent_reserve(&bench.sent, &bench.memory, 0)); /* an ACK made room */
    add(&bench, 100);
    compare(&bench);
    bench.heap.fail_all_from = TEST_NEVER_FAILS;
    assert_true(tcp_sent_reserve(&bench.sent, &bench.memory, 0));
    bench.sent->repeat_stamped = true; /* what no repetition may be older than stays */
    bench.sent->repeat_stamp = 4711;
    bench.sent->set_back_told = true;
    recut(&bench, 50, true, false);
    compare(&bench);
    assert_int_equal(bench.model.count, 32);
    assert_true(bench.sent->repeat_stamped && bench.sent->set_back_told);
    assert_int_equal(bench.sent->repeat_stamp, 4711);
    tear_down(&bench);
}

/* The limit holds: no more than TCP_SENT_MAX_RECORDS, whatever memory there is. */
static void limit_of_records(void **state)
{
    static struct bench bench;
    uint32_t count;
    (void)state;
    set_up(&bench, 9);
    bench.memory.limit_bytes = UINT64_C(1) << 30;
    for (count = 1; tcp_sent_reserve(&bench.sent, &bench.memory, 0); count++) {
        assert_true(count < TCP_SENT_MAX_RECORDS);
        tcp_sent_add(bench.sent, seq_make(count), 1, 0);
    }
    assert_int_equal(count, TCP_SENT_MAX_RECORDS);
    assert_false(
        tcp_sent_recut(&bench.sent, &bench.memory, 1, true, false)); /* one more than is allowed */
    assert_int_equal(bench.sent->count, TCP_SENT_MAX_RECORDS);
    tear_down(&bench);
}

/* Blocks that all start elsewhere, over a window that is SACKed already: a million look-ups through
 * twenty thousand records are quick only if runs are stepped over. No clock is looked at: walking
 * would be 10^10 steps and the test would be stopped. */
static void shifting_blocks_are_cheap(void **state)
{
    static struct bench bench;
    const uint32_t records = 20000;
    (void)state;
    set_up(&bench, 11);
    bench.memory.limit_bytes = UINT64_C(1) << 30;
    drop(&bench, 1);
    for (uint32_t i = 0; i < records; i++) {
        assert_true(tcp_sent_reserve(&bench.sent, &bench.memory, 0));
        tcp_sent_add(bench.sent, seq_make(i * 48), 48, 0);
    }
    for (uint32_t i = records; i-- > 1;) {
        tcp_sent_mark_sacked(bench.sent, bench.sent->first + i);
    }
    for (uint32_t i = 0; i < 1000000; i++) {
        uint32_t id = tcp_sent_find(bench.sent, seq_make(1 + i % (records * 48 - 48)));
        assert_int_equal(tcp_sent_skip_sacked(bench.sent, id), bench.sent->first + records);
    }
    assert_int_equal(tcp_sent_skip_sacked(bench.sent, bench.sent->first), bench.sent->first);
    tear_down(&bench);
}

/* What was sent pays for two looks at each record, and no more until more is sent; a few cost
 * nothing; one reneging too many is for SACKs to be doubted. */
static void transmissions_pay(void **state)
{
    static struct bench bench;
    const uint32_t records = 1000;
    (void)state;
    set_up(&bench, 13);
    bench.memory.limit_bytes = UINT64_C(1) << 30;
    drop(&bench, 1);
    for (uint32_t i = 0; i < records; i++) {
        add(&bench, 48);
    }
    for (uint32_t i = 0; i < 3 * records; i++) {
        tcp_sent_repeat(bench.sent, bench.sent->first, 1); /* that one flight has sent so much */
    }
    for (int i = 0; i < 2; i++) {
        assert_true(tcp_sent_pay(bench.sent, bench.sent->count));
    }
    assert_false(tcp_sent_pay(bench.sent, TCP_SENT_FREE_LOOKS + 1));
    assert_true(tcp_sent_pay(bench.sent, TCP_SENT_FREE_LOOKS));
    for (uint32_t i = 0; i < records / 2; i++) {
        tcp_sent_repeat(bench.sent, bench.sent->first, 1);
    }
    assert_true(
        tcp_sent_pay(bench.sent, records - 1)); /* a part of a transmission is a whole one */
    assert_false(tcp_sent_pay(bench.sent, TCP_SENT_FREE_LOOKS + 1));

    for (uint32_t i = 0; i < records; i++) {
        tcp_sent_repeat(bench.sent, bench.sent->first, 1);
    }
    tcp_sent_forget_sacks(bench.sent, seq_make(48));
    assert_false(bench.sent->doubted);
    tcp_sent_forget_sacks(bench.sent, seq_make(49));
    assert_true(bench.sent->doubted);
    assert_int_equal(bench.sent->doubted_until.value, 49);
    tear_down(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(like_a_plain_array),        cmocka_unit_test(ids_begin_anew),
        cmocka_unit_test(refusals_change_nothing),   cmocka_unit_test(limit_of_records),
        cmocka_unit_test(shifting_blocks_are_cheap), cmocka_unit_test(room_as_before),
        cmocka_unit_test(transmissions_pay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
