/* SPDX-License-Identifier: MIT
 *
 * An opening whose answer comes when it was hardly expected any more, and calls that come after the
 * end.
 */
#include "harness.h"

/* The port that a packet of the stack goes to. */
static unsigned destination_port(const struct world *w, const uint8_t *packet)
{
    const uint8_t *tcp = packet + (w->family == HF_IPV4 ? 20 : 40);
    return tcp[2] * 256u + tcp[3];
}

/* RFC 9293 3.10.7.3, RFC 6298 5.2: the answer comes after the timer has expired but before its
 * repetition has left: a SYN that is acknowledged is not repeated. */
static void answer_before_repetition(void **state)
{
    struct world *w = *state;
    uint8_t packet[2048];
    ptrdiff_t length;
    unsigned late;

    for (uint16_t port = 40000; port < 40002; port++) {
        use_flow(w, port);
        user_connect(w);
        sends(w, "S seq=0");
    }
    /* Both timers expire; the host takes one packet, and then a packet arrives. */
    w->now += HF_SECOND;
    length = hf_stack_output(w->stack, packet, sizeof packet, w->now);
    assert_true(length > 0);
    late = destination_port(w, packet) == 40000 ? 40001 : 40000;
    use_flow(w, (uint16_t)late);
    peer(w, "S. seq=0 ack=1 mss=1000");
    sends(w, ". seq=1 ack=1");
    silent(w);
    event(w, HF_EVENT_CONNECTED, HF_OK);
    in_state(w, HF_ESTABLISHED);
}

/* RFC 9293 3.10.3: RECEIVE before there is a connection, in SYN-SENT and, where the openings cross,
 * in SYN-RECEIVED, says that there is none yet; after it, that there is nothing yet. */
static void receive_before_the_beginning(void **state)
{
    struct world *w = *state;

    user_connect(w);
    sends(w, "S seq=0");
    user_recv_error(w, HF_ENOTCONN);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    in_state(w, HF_SYN_RECEIVED);
    user_recv_error(w, HF_ENOTCONN);
    peer(w, "S. seq=0 ack=1 mss=1000");
    sends(w, ". seq=1 ack=1");
    in_state(w, HF_ESTABLISHED);
    user_recv_error(w, HF_EAGAIN);
}

/* RFC 9293 3.10.4: CLOSE on a connection that is gone is an error, even after a CLOSE that was
 * none. */
static void shutdown_after_the_end(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000");
    user_shutdown(w);
    sends(w, "F. seq=1 ack=1");
    user_shutdown(w); /* twice is harmless */
    silent(w);
    peer(w, "R seq=1");
    event(w, HF_EVENT_ERROR, HF_ECONNRESET);
    assert_int_equal(hf_shutdown(w->stack, w->flow->connection, w->now), HF_ENOTCONN);
    silent(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(answer_before_repetition),
        BOTH(receive_before_the_beginning),
        BOTH(shutdown_after_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
