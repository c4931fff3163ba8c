/* SPDX-License-Identifier: MIT
 *
 * A connection that rests and wakes is the same to the bit, whatever is in it: random bytes, times
 * and numbers at their ends, models that have much in common with it or nothing.
 */
#include "tcp_rest.h"

#include "base_test_support.h"

struct whole {
    struct tcp_conn conn;
    struct tcp_sender sender;
    uint8_t private_state[TCP_REST_PRIVATE_BYTES];
};

static void random_bytes(struct test_random *random, void *memory, size_t size, uint32_t density)
{
    uint8_t *bytes = memory;
    for (size_t i = 0; i < size; i++) {
        if (random_below(random, 100) < density) {
            bytes[i] = (uint8_t)random_next(random);
        }
    }
}

static hf_time odd_time(struct test_random *random)
{
    static const hf_time odd[] = {0, 1, HF_TIME_NEVER, HF_TIME_NEVER - 1, INT64_MIN, -1};
    if (random_chance(random, 3)) {
        return odd[random_below(random, 6)];
    }
    return (hf_time)random_of_any_scale(random, 1);
}

static uint32_t odd_number(struct test_random *random)
{
    static const uint32_t odd[] = {0, 1, UINT32_MAX, INT32_MAX, (uint32_t)INT32_MIN};
    return random_chance(random, 3) ? odd[random_below(random, 5)] : (uint32_t)random_next(random);
}

/* Only pointers have to be what they are; and what others are measured from is at its worst. */
static void scramble(struct test_random *random, struct whole *whole, uint32_t density)
{
    bool sender = random_chance(random, 2);
    bool private_state = random_chance(random, 2);
    random_bytes(random, whole, sizeof *whole, density);
    if (random_chance(random, 2)) {
        struct tcp_conn *conn = &whole->conn;
        conn->last_received = odd_time(random);
        conn->last_sent = odd_time(random);
        conn->snd.nxt = seq_make(odd_number(random));
        conn->rcv.nxt = seq_make(odd_number(random));
        conn->ts_offset = odd_number(random);
        conn->snd.una = seq_make(odd_number(random));
        conn->irs = seq_make(odd_number(random));
        conn->progress_time = odd_time(random);
        conn->rack.sent = odd_time(random);
        for (unsigned i = 0; i < TCP_TIMER_COUNT; i++) {
            conn->deadlines[i] = odd_time(random);
        }
        conn->tuning.rtt_echo = odd_number(random);
    }
    whole->conn.cc = cc_builtin(random_below(random, CC_BUILTIN_COUNT));
    whole->conn.sender = sender ? &whole->sender : NULL;
    whole->conn.congestion.private_state = private_state ? whole->private_state : NULL;
}

static bool wakes_as_it_was(const struct whole *before, const struct tcp_rest_model *model)
{
    static uint8_t packed[16384];
    static struct whole after;
    struct tcp_rest_parts parts = tcp_rest_parts(&before->conn);
    uint32_t length = tcp_rest_pack(&before->conn, model, packed, sizeof packed);
    struct tcp_conn expected;
    memset(&after, 0xee, sizeof after);
    after.conn.tuple = before->conn.tuple;
    after.conn.handle = before->conn.handle;
    tcp_rest_unpack(&after.conn, parts.sender ? &after.sender : NULL,
                    parts.private_state ? after.private_state : NULL, model, packed, length);
    memcpy(&expected, &before->conn, sizeof expected);
    expected.sender = parts.sender ? &after.sender : NULL;
    expected.congestion.private_state = parts.private_state ? after.private_state : NULL;
    assert_memory_equal(&after.conn, &expected, sizeof expected);
    if (parts.sender) {
        assert_memory_equal(&after.sender, &before->sender, sizeof after.sender);
    }
    if (parts.private_state) {
        assert_memory_equal(after.private_state, before->private_state, parts.private_bytes);
    }
    /* Exactly so much is needed, and less does not do. */
    return tcp_rest_pack(&before->conn, model, packed, length) == length &&
           (length == 0 ||
            tcp_rest_pack(&before->conn, model, packed, length - 1) == TCP_REST_TOO_LARGE);
}

static void all_of_it_comes_back(void **state)
{
    static struct whole model_of, whole;
    static struct tcp_rest_model model;
    (void)state;
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        struct test_random random = {seed};
        memset(&model_of, 0, sizeof model_of);
        scramble(&random, &model_of, random_below(&random, 101));
        tcp_rest_model_init(&model, &model_of.conn);
        memcpy(&whole, &model_of, sizeof whole);
        scramble(&random, &whole, random_below(&random, random_chance(&random, 2) ? 5 : 101));
        assert_true(wakes_as_it_was(&whole, &model));
    }
}

/* Every byte by itself: none is forgotten. */
static void each_byte_counts(void **state)
{
    static struct whole model_of, whole;
    static struct tcp_rest_model model;
    (void)state;
    for (size_t i = 0; i < sizeof whole; i++) {
        memset(&model_of, 0, sizeof model_of);
        model_of.conn.cc = &cc_bbr;
        model_of.conn.sender = &model_of.sender;
        model_of.conn.congestion.private_state = model_of.private_state;
        tcp_rest_model_init(&model, &model_of.conn);
        memcpy(&whole, &model_of, sizeof whole);
        ((uint8_t *)&whole)[i] ^= 0x80;
        whole.conn.cc = &cc_bbr;
        whole.conn.sender = &whole.sender;
        whole.conn.congestion.private_state = whole.private_state;
        assert_true(wakes_as_it_was(&whole, &model));
    }
}

/* Two that are as far along, at different times and numbers, differ in those alone. */
static void what_is_common_costs_nothing(void **state)
{
    static struct whole first, second;
    static struct tcp_rest_model model;
    uint8_t packed[64];
    struct tcp_conn *conn = &second.conn;
    (void)state;
    memset(&first, 0, sizeof first);
    first.conn.cc = &cc_cubic;
    first.conn.last_received = 1000 * HF_SECOND;
    first.conn.progress_time = 999 * HF_SECOND;
    first.conn.snd.nxt = first.conn.snd.una = first.conn.snd.front = seq_make(100000);
    first.conn.iss = seq_make(99900);
    first.conn.irs = seq_make(69900);
    first.conn.rcv.nxt = seq_make(70000);
    for (unsigned i = 0; i < TCP_TIMER_COUNT; i++) {
        first.conn.deadlines[i] = HF_TIME_NEVER;
    }
    tcp_rest_model_init(&model, &first.conn);
    memcpy(&second, &first, sizeof second);
    assert_int_equal(tcp_rest_pack(conn, &model, packed, sizeof packed), 0);
    conn->last_received = 2000 * HF_SECOND;
    conn->progress_time = 1999 * HF_SECOND;
    conn->snd.nxt = conn->snd.una = conn->snd.front = seq_make(50077);
    conn->iss = seq_make(49977);
    conn->rcv.nxt = seq_make(60000);
    conn->irs = seq_make(59900);
    /* SND.NXT, RCV.NXT, the time; before each a byte, or two where many words are skipped. */
    assert_in_range(tcp_rest_pack(conn, &model, packed, sizeof packed), 10, 3 * 2 + 2 + 2 + 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_it_comes_back),
        cmocka_unit_test(each_byte_counts),
        cmocka_unit_test(what_is_common_costs_nothing),
    };
    return cmocka_run_group_tests_name("tcp_rest", tests, NULL, NULL);
}
