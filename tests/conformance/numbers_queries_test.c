/* SPDX-License-Identifier: MIT
 *
 * Questions a program may ask of a host, and options that decide what becomes of a connection that
 * nobody reads or waits for.
 */
#include "harness.h"

#include <string.h>

static struct hf_endpoint own(const struct world *w)
{
    return (struct hf_endpoint){w->stack_address, STACK_PORT};
}

static struct hf_endpoint peers(const struct world *w)
{
    return (struct hf_endpoint){w->peer_address, PEER_PORT};
}

static enum hf_state found(struct world *w)
{
    struct hf_endpoint local = own(w), remote = peers(w);
    struct hf_status status;

    if (hf_find(w->stack, &local, &remote, &status) != HF_OK)
        return HF_CLOSED;
    assert_int_equal(status.local.port, STACK_PORT);
    assert_int_equal(status.remote.port, PEER_PORT);
    return status.state;
}

/* Two endpoints lead to whoever owns them, whichever form that has: nobody, a SYN record, a
 * connection, a TIME-WAIT record. */
static void find_in_each_form(void **state)
{
    struct world *w = *state;

    assert_int_equal(found(w), HF_CLOSED);
    user_listen(w);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    assert_int_equal(found(w), HF_SYN_RECEIVED);
    peer(w, ". seq=1 ack=1");
    assert_int_equal(found(w), HF_ESTABLISHED);
    user_accept(w);
    user_close(w);
    sends(w, "F. seq=1 ack=1");
    peer(w, ". seq=1 ack=2");
    assert_int_equal(found(w), HF_FIN_WAIT_2);
    peer(w, "F. seq=1 ack=2");
    sends(w, ". seq=2 ack=2");
    assert_int_equal(found(w), HF_TIME_WAIT);
}

static void addresses_and_configuration(void **state)
{
    struct world *w = *state;
    struct hf_address any = {.family = (uint8_t)w->family};

    assert_int_equal(hf_stack_has_address(w->stack, &w->stack_address), 1);
    assert_int_equal(hf_stack_has_address(w->stack, &w->peer_address), 0);
    assert_int_equal(hf_stack_has_address(w->stack, &any), 0);
    assert_int_equal(hf_stack_config(w->stack)->mtu, w->config.mtu);
}

/* Looking ahead takes nothing away, and sees only what is in order. */
static void peek_at_offsets(void **state)
{
    struct world *w = *state;
    uint8_t ahead[64], whole[64];

    establish_passive(w, 65535, "mss=1000");
    peer(w, "P. seq=1 ack=1 len=30");
    sends(w, ". seq=1 ack=31");
    peer(w, "P. seq=41 ack=1 len=10");
    sends(w, ". seq=1 ack=31");
    assert_int_equal(hf_peek(w->stack, w->flow->connection, 0, whole, sizeof whole), 30);
    assert_int_equal(hf_peek(w->stack, w->flow->connection, 10, ahead, 5), 5);
    assert_memory_equal(ahead, whole + 10, 5);
    assert_int_equal(hf_peek(w->stack, w->flow->connection, 25, ahead, sizeof ahead), 5);
    assert_int_equal(hf_peek(w->stack, w->flow->connection, 30, ahead, sizeof ahead), 0);
    assert_int_equal(hf_peek(w->stack, HF_NO_HANDLE, 0, ahead, sizeof ahead), HF_EBADF);
    user_recv(w, 30);
}

/* FIN-WAIT-2 after hf_close: as long as the program said, or not at all. */
static void fin_wait_2_by_option(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000");
    user_option(w, HF_OPTION_FIN_WAIT_2_NS, 5 * HF_SECOND);
    user_close(w);
    sends(w, "F. seq=1 ack=1");
    peer(w, ". seq=1 ack=2");
    run_for(w, 5 * HF_SECOND - 1, 0);
    in_state(w, HF_FIN_WAIT_2);
    run_for(w, 1, 0);
    in_state(w, HF_CLOSED);

    new_incarnation(w, 5000);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    peer(w, ". seq=1 ack=1");
    user_accept(w);
    user_option(w, HF_OPTION_FIN_WAIT_2_NS, -1);
    user_close(w);
    sends(w, "F. seq=1 ack=1");
    peer(w, ". seq=1 ack=2");
    sends(w, "R. seq=2 ack=1");
    in_state(w, HF_CLOSED);
}

/* SHLD-3 for a program that keeps its handle but has said that it reads no more.
 * Holds: SHLD-3 */
static void data_after_receive_shutdown(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000");
    user_option(w, HF_OPTION_RECEIVE_SHUTDOWN, 1);
    peer(w, "P. seq=1 ack=1 len=10");
    sends(w, ". seq=1 ack=11");
    user_shutdown(w);
    sends(w, "F. seq=1 ack=11");
    peer(w, ". seq=11 ack=2");
    peer(w, "P. seq=11 ack=2 len=10");
    sends(w, "R seq=2");
    event(w, HF_EVENT_ERROR, HF_ECONNRESET);
    in_state(w, HF_CLOSED);
}

/* listen() again: only the backlog changes. */
static void backlog_changes(void **state)
{
    struct world *w = *state;
    int64_t backlog = 0;

    user_listen_backlog(w, 1);
    assert_int_equal(hf_set_option(w->stack, w->listener, HF_OPTION_BACKLOG, 0, w->now), HF_EINVAL);
    assert_int_equal(hf_set_option(w->stack, w->listener, HF_OPTION_BACKLOG, 65536, w->now),
                     HF_EINVAL);
    assert_int_equal(hf_set_option(w->stack, w->listener, HF_OPTION_BACKLOG, 2, w->now), HF_OK);
    assert_int_equal(hf_get_option(w->stack, w->listener, HF_OPTION_BACKLOG, &backlog), HF_OK);
    assert_int_equal(backlog, 2);
    for (unsigned i = 0; i < 3; i++) {
        use_flow(w, (uint16_t)(41000 + i));
        peer(w, "S seq=0 mss=1000");
        if (i == 2) {
            silent(w); /* two wait already */
            break;
        }
        sends(w, "S. seq=0 ack=1");
        peer(w, ". seq=1 ack=1");
        in_state(w, HF_ESTABLISHED);
    }
    assert_int_equal(w->reason, HF_REASON_LISTEN_BACKLOG);
    /* A connection has no backlog. */
    use_flow(w, 41000);
    user_accept(w);
    assert_int_equal(hf_set_option(w->stack, w->flow->connection, HF_OPTION_BACKLOG, 5, w->now),
                     HF_EOPNOTSUPP);
}

/* The end of time: a clock at HF_TIME_NEVER runs every timer there is, and nothing breaks. */
static void end_of_time(void **state)
{
    struct world *w = *state;
    uint8_t packet[1500];

    establish_passive(w, 65535, "mss=1000");
    user_close(w);
    sends(w, "F. seq=1 ack=1");
    peer(w, "F. seq=1 ack=2");
    sends(w, ". seq=2 ack=2");
    in_state(w, HF_TIME_WAIT);
    assert_int_equal(hf_stack_output(w->stack, packet, sizeof packet, HF_TIME_NEVER), 0);
    in_state(w, HF_CLOSED);
    assert_true(hf_stack_next_deadline(w->stack) == HF_TIME_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(find_in_each_form), BOTH(addresses_and_configuration),
        BOTH(peek_at_offsets),   BOTH(fin_wait_2_by_option),
        BOTH(backlog_changes),   BOTH(data_after_receive_shutdown),
        BOTH(end_of_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
