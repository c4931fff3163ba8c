/* SPDX-License-Identifier: MIT
 *
 * Losses that no ACK tells of, but a timer: RACK's for reordering (RFC 8985 6.2 step 5, 6.3), or
 * the retransmission timer.
 */
#include "round_trip.h"

/* RFC 9937 4.1 ("fast retransmit"): when the timer finds the loss, nothing has been delivered yet
 * that would allow PRR to send; the first repetition goes all the same, and at once. */
static void timer_sends_at_once(void **state)
{
    struct world *w = *state;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1000 sackok");
    user_send(w, 10000);
    sends_segments(w, 1, 1000, 10);
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=1 sack=1001-2001"); /* one is not enough to rule reordering out */
    sends_between(w, 24 * MS, 26 * MS, ". seq=1 ack=1 len=1000");
    silent(w);
    peer(w, ". seq=1 ack=10001");
}

/* RFC 3522 3.2: only the first ACK that acknowledges something new after the repetition can show by
 * its echo that the timeout was needless; one that acknowledges nothing, however old its echo,
 * shows nothing, and no reduction is taken back. */
static void old_echo_without_progress(void **state)
{
    struct world *w = *state;
    uint32_t echo;

    establish_passive(w, 65535, "mss=1012 ts=1000 sackok");
    user_send(w, 3000);
    sends(w, ". seq=1 ack=1 len=1000");
    sends(w, ". seq=1001 ack=1 len=1000");
    sends(w, "P. seq=2001 ack=1 len=1000");
    echo = w->flow->stack_ts_value;
    user_option(w, HF_OPTION_RETRIES_R2, 15);
    for (unsigned i = 0; i < 2; i++) { /* a loss probe, then the timeout */
        run_for(w, 3 * HF_SECOND, 1);
        assert_non_null(next_packet(w));
    }
    silent(w);
    assert_int_equal(cwnd_of(w), 1000);
    peer(w, ". seq=1 ack=1 ts=1001 ecr=%u", echo);
    assert_int_equal(cwnd_of(w), 1000);
    while (next_packet(w) != NULL) {
    }
    peer(w, ". seq=1 ack=3001 ts=9000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(timer_sends_at_once),
        BOTH(old_echo_without_progress),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
