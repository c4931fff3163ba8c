/* SPDX-License-Identifier: MIT
 *
 * Opening actively: what RFC 9293 3.5 and 3.10.7.3 ask of the side that sends the first SYN.
 */
#include "harness.h"

/* hs-active: the SYN-ACK of our SYN is acknowledged with seq ISS+1, ack IRS+1, and both ends are
 * synchronized (RFC 9293 3.10.7.3, fourth check). */
static void hs_active(void **state)
{
    struct world *w = *state;

    user_connect(w);
    sends(w, "S seq=0 mss=%u ws sackok ts", own_mss(w));
    in_state(w, HF_SYN_SENT);
    peer(w, "S. seq=0 ack=1 win=1000 mss=1000");
    sends(w, ". seq=1 ack=1 nots");
    event(w, HF_EVENT_CONNECTED, HF_OK);
    in_state(w, HF_ESTABLISHED);
    silent_for(w, 200 * HF_SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {BOTH(hs_active)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
