/* SPDX-License-Identifier: MIT
 *
 * Losses that no ACK tells of, but RACK's reordering timer (RFC 8985 6.2 step 5, 6.3).
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(timer_sends_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
