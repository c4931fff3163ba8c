/* SPDX-License-Identifier: MIT
 *
 * Options of a connection (handfast/stack.h, enum hf_option): each by itself, its range to the last
 * value, and what a buffer's size means when it changes while it is in use.
 */
#include "harness.h"

/* The range that stack.h gives each option; `set` is a value that is nobody's default. */
static const struct option {
    enum hf_option option;
    int64_t low, high, set;
} options[] = {
    {HF_OPTION_NAGLE, 0, 1, 0},
    {HF_OPTION_CORK, 0, 1, 1},
    {HF_OPTION_KEEPALIVE, 0, 1, 1},
    {HF_OPTION_KEEPALIVE_IDLE_NS, HF_SECOND, 32767 * HF_SECOND, 11 * HF_SECOND},
    {HF_OPTION_KEEPALIVE_INTERVAL_NS, HF_SECOND, 32767 * HF_SECOND, 12 * HF_SECOND},
    {HF_OPTION_KEEPALIVE_PROBES, 1, 127, 13},
    {HF_OPTION_USER_TIMEOUT_NS, 0, INT64_MAX / 4, 14 * HF_SECOND},
    {HF_OPTION_RETRIES_R2, 0, 255, 17},
    {HF_OPTION_SYN_RETRIES, 0, 127, 18},
    {HF_OPTION_RECEIVE_BUFFER, 256, 1 << 30, 19000},
    {HF_OPTION_SEND_BUFFER, 256, 1 << 30, 20000},
    {HF_OPTION_MAX_SEGMENT, 88, 65495, 500},
    {HF_OPTION_TTL, 1, 255, 21},
    {HF_OPTION_TRAFFIC_CLASS, 0, 255, 0x58},
    {HF_OPTION_QUICK_ACK, 0, 1, 1},
    {HF_OPTION_SOFT_ERRORS, 0, 1, 0},
    {HF_OPTION_FIN_WAIT_2_NS, -1, 86400 * HF_SECOND, 22 * HF_SECOND},
    {HF_OPTION_RECEIVE_SHUTDOWN, 0, 1, 1},
    {HF_OPTION_CONGESTION, 0, 0, 1}, /* its range is the host's table */
    {HF_OPTION_MAX_PACING_RATE, 0, INT64_MAX / 4, 25000},
    {HF_OPTION_FAST_OPEN_NO_COOKIE, 0, 1, 1},
    {HF_OPTION_DEFER_ACCEPT, 0, 255, 23},
    {HF_OPTION_SAVE_SYN, 0, 1, 1},
    {HF_OPTION_WINDOW_CLAMP, 256, 1 << 30, 26000},
    {HF_OPTION_NOT_SENT_LOW_WATER, 0, UINT32_MAX, 27000},
    {HF_OPTION_PATH_MTU_DISCOVERY, HF_PATH_MTU_DONT, HF_PATH_MTU_OMIT, HF_PATH_MTU_PROBE},
};
enum { COUNT = sizeof options / sizeof options[0] };

static int64_t get(struct world *w, hf_handle handle, enum hf_option option)
{
    int64_t value = INT64_MIN;
    assert_int_equal(hf_get_option(w->stack, handle, option, &value), HF_OK);
    return value;
}

static int set(struct world *w, hf_handle handle, enum hf_option option, int64_t value)
{
    return hf_set_option(w->stack, handle, option, value, w->now);
}

/* No option is missing above, but for three that the host answers for and two that are requests
 * more than values, see stack.h. */
static void all_are_known(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000");
    for (int option = 0; option < 1000; option++) {
        int64_t value;
        bool known = option == HF_OPTION_BACKLOG || option == HF_OPTION_FAST_OPEN_QUEUE ||
                     option == HF_OPTION_FAST_OPEN_CONNECT || option == HF_OPTION_WANT_WRITABLE ||
                     option == HF_OPTION_RECEIVE_LEAST;
        for (unsigned i = 0; i < COUNT; i++) {
            known = known || (int)options[i].option == option;
        }
        assert_true(known == (hf_get_option(w->stack, w->flow->connection, (enum hf_option)option,
                                            &value) != HF_ENOPROTOOPT));
    }
}

/* An option that is set answers what was set, and no other option has changed with it. */
static void alone(struct world *w, hf_handle handle)
{
    int64_t values[COUNT];

    for (unsigned i = 0; i < COUNT; i++) {
        values[i] = get(w, handle, options[i].option);
        assert_int_not_equal(values[i], options[i].set);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        assert_int_equal(set(w, handle, options[i].option, options[i].set), HF_OK);
        values[i] = options[i].set;
        for (unsigned j = 0; j < COUNT; j++) {
            assert_int_equal(get(w, handle, options[j].option), values[j]);
        }
    }
}

static void each_alone(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000");
    alone(w, w->flow->connection);
}

static void each_alone_on_listener(void **state)
{
    struct world *w = *state;

    user_listen(w);
    alone(w, w->listener);
}

/* Both ends of a range belong to it; what lies next to them is refused and changes nothing. */
static void ranges(void **state)
{
    struct world *w = *state;
    hf_handle handle;
    int64_t value;

    establish_passive(w, 65535, "mss=1000");
    handle = w->flow->connection;
    for (unsigned i = 0; i < COUNT; i++) {
        const struct option *o = &options[i];
        if (o->option == HF_OPTION_CONGESTION) {
            assert_int_equal(set(w, handle, o->option, INT32_MAX), HF_EINVAL);
            assert_int_equal(set(w, handle, o->option, -1), HF_EINVAL);
            continue;
        }
        assert_int_equal(set(w, handle, o->option, o->high), HF_OK);
        if (o->option != HF_OPTION_TRAFFIC_CLASS) { /* its ECN bits are ignored */
            assert_int_equal(get(w, handle, o->option), o->high);
        }
        if (o->high < INT64_MAX) {
            assert_int_equal(set(w, handle, o->option, o->high + 1), HF_EINVAL);
        }
        assert_int_equal(set(w, handle, o->option, o->low), HF_OK);
        assert_int_equal(set(w, handle, o->option, o->low - 1), HF_EINVAL);
        assert_int_equal(get(w, handle, o->option), o->low);
    }
    assert_int_equal(set(w, handle, HF_OPTION_WINDOW_CLAMP, 1), HF_EINVAL);
    assert_int_equal(set(w, handle, HF_OPTION_WINDOW_CLAMP, 0), HF_OK); /* none */
    assert_int_equal(set(w, handle, HF_OPTION_MAX_SEGMENT, 1), HF_EINVAL);
    assert_int_equal(set(w, handle, HF_OPTION_MAX_SEGMENT, 0), HF_OK); /* no limit */
    assert_int_equal(set(w, handle, HF_OPTION_MAX_SEGMENT, -1), HF_EINVAL);
    assert_int_equal(set(w, handle, (enum hf_option)(HF_OPTION_BACKLOG + 1000), 1), HF_ENOPROTOOPT);
    assert_int_equal(
        hf_get_option(w->stack, handle, (enum hf_option)(HF_OPTION_BACKLOG + 1000), &value),
        HF_ENOPROTOOPT);
    assert_int_equal(hf_get_option(w->stack, handle, HF_OPTION_BACKLOG, &value), HF_EOPNOTSUPP);
    run_for(w, HF_MILLISECOND, 0); /* a wider receive buffer may be told of */
    while (next_packet(w) != NULL) {
    }
}

/* A send buffer made smaller than what it holds: nothing is lost, and nothing more is taken until
 * there is room by the new size; one made larger has room at once. */
static void send_buffer_shrinks(void **state)
{
    struct world *w = *state;
    uint8_t bytes[3000] = {0};
    hf_handle handle;

    establish_passive(w, 65535, "mss=1000");
    handle = w->flow->connection;
    user_send(w, 3000);
    sends(w, ". seq=1 ack=1 len=1000");
    sends(w, ". seq=1001 ack=1 len=1000");
    sends(w, "P. seq=2001 ack=1 len=1000");
    user_option(w, HF_OPTION_SEND_BUFFER, 2000);
    assert_int_equal(status_of(w).send_room_bytes, 0);
    assert_int_equal(hf_send(w->stack, handle, bytes, 10, 0, w->now), HF_EAGAIN);
    no_event(w, HF_EVENT_WRITABLE);
    peer(w, ". seq=1 ack=1001"); /* 2000 of 2000: still full */
    assert_int_equal(hf_send(w->stack, handle, bytes, 10, 0, w->now), HF_EAGAIN);
    no_event(w, HF_EVENT_WRITABLE);
    user_option(w, HF_OPTION_SEND_BUFFER, 2000); /* as full as before */
    no_event(w, HF_EVENT_WRITABLE);
    user_option(w, HF_OPTION_SEND_BUFFER, 2001);
    event(w, HF_EVENT_WRITABLE, HF_OK);
    assert_int_equal(status_of(w).send_room_bytes, 1);
    peer(w, ". seq=1 ack=3001");
    no_event(w, HF_EVENT_WRITABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(all_are_known), BOTH(each_alone),          BOTH(each_alone_on_listener),
        BOTH(ranges),        BOTH(send_buffer_shrinks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
