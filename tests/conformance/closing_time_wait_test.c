/* SPDX-License-Identifier: MIT
 *
 * TIME-WAIT: how long it lasts and what may disturb it (RFC 9293 3.6.1, 3.10.7.4; RFC 6191; RFC
 * 1337).
 */
#include "harness.h"
#include <string.h>

/* A listener's connection, closed by us, in TIME-WAIT: SND.NXT is 2, RCV.NXT is 2. */
static void reach_time_wait(struct world *w, const char *options)
{
    const char *timestamps = strstr(options, "ts=") != NULL ? "ts=2000" : "";

    establish_passive(w, 1000, options);
    user_close(w);
    sends(w, "F. seq=1 ack=1");
    peer(w, ". seq=1 ack=2 %s", timestamps);
    peer(w, "F. seq=1 ack=2 %s", timestamps);
    sends(w, ". seq=2 ack=2");
    in_state(w, HF_TIME_WAIT);
}

/* tw-2msl: for 2 MSL the pair of endpoints cannot be used again; then it can (3.6.1 MUST-13).
 * Holds: MUST-13 */
static void two_msl(void **state)
{
    struct world *w = *state;
    struct hf_endpoint local = {w->stack_address, STACK_PORT};
    struct hf_endpoint remote = {w->peer_address, PEER_PORT};
    hf_handle handle;

    reach_time_wait(w, "mss=1000");
    silent_for(w, 60 * HF_SECOND - HF_MILLISECOND);
    in_state(w, HF_TIME_WAIT);
    assert_int_equal(hf_connect(w->stack, &local, &remote, w->now, &handle), HF_EADDRINUSE);
    silent_for(w, 2 * HF_MILLISECOND);
    in_state(w, HF_CLOSED);
    new_incarnation(w, 99);
    user_connect(w);
    sends(w, "S seq=0");
}

/* tw-2msl with an MSL of the configuration's.
 * Holds: MUST-13 */
static void two_msl_configured(void **state)
{
    struct world *w = *state;

    w->config.msl_ns = 1500 * HF_MILLISECOND;
    world_restart(w);
    reach_time_wait(w, "mss=1000");
    silent_for(w, 2999 * HF_MILLISECOND);
    in_state(w, HF_TIME_WAIT);
    silent_for(w, 2 * HF_MILLISECOND);
    in_state(w, HF_CLOSED);
}

/* tw-fin-restart: the peer's FIN again means that our ACK was lost: ACK, and 2 MSL anew (3.10.7.4
 * eighth). */
static void fin_restarts(void **state)
{
    struct world *w = *state;

    reach_time_wait(w, "mss=1000");
    silent_for(w, 50 * HF_SECOND);
    peer(w, "F. seq=1 ack=2");
    sends(w, ". seq=2 ack=2");
    silent_for(w, 60 * HF_SECOND - HF_MILLISECOND);
    in_state(w, HF_TIME_WAIT);
    silent_for(w, 2 * HF_MILLISECOND);
    in_state(w, HF_CLOSED);
}

/* tw-old-data: old data is acknowledged and does not restart the clock; a plain ACK of everything
 * is not answered at all, or two TIME-WAITs would talk for ever. */
static void old_data_does_not_restart(void **state)
{
    struct world *w = *state;

    reach_time_wait(w, "mss=1000 ts=1000");
    silent_for(w, 50 * HF_SECOND);
    peer(w, "P. seq=-99 ack=1 len=100 ts=2000");
    sends(w, ". seq=2 ack=2 ts ecr=2000");
    peer(w, ". seq=2 ack=2 ts=2001");
    silent_for(w, 10 * HF_SECOND - HF_MILLISECOND);
    in_state(w, HF_TIME_WAIT);
    silent_for(w, 2 * HF_MILLISECOND);
    in_state(w, HF_CLOSED);
}

/* An old FIN (its timestamp says so, RFC 7323 5.3) is acknowledged but restarts nothing. */
static void old_fin_does_not_restart(void **state)
{
    struct world *w = *state;

    reach_time_wait(w, "mss=1000 ts=1000");
    silent_for(w, 50 * HF_SECOND);
    peer(w, "F. seq=1 ack=2 ts=1999");
    sends(w, ". seq=2 ack=2 ts ecr=2000");
    silent_for(w, 10 * HF_SECOND - HF_MILLISECOND);
    in_state(w, HF_TIME_WAIT);
    silent_for(w, 2 * HF_MILLISECOND);
    in_state(w, HF_CLOSED);
}

static void reopen(struct world *w, uint32_t peer_iss, const char *options)
{
    uint32_t old_next = w->flow->stack_iss + 2;

    new_incarnation(w, peer_iss);
    peer(w, "S seq=0 win=1000 %s", options);
    const struct captured *syn_ack = sends(w, "S. seq=0 ack=1");
    /* MAY-2 (1): a number beyond all that the old connection used. */
    assert_true((int32_t)(syn_ack->segment.seq - old_next) > 0);
    in_state(w, HF_SYN_RECEIVED);
}

/* tw-syn-higher-seq: a SYN beyond RCV.NXT may open anew, with an ISS above the old SND.NXT (3.6.1
 * MAY-2).
 * Holds: MAY-2, RFC6191-2-f */
static void syn_of_higher_number(void **state)
{
    struct world *w = *state;

    reach_time_wait(w, "mss=1000");
    reopen(w, w->flow->peer_iss + 3, "mss=1000");
    peer(w, ". seq=1 ack=1");
    silent(w);
    in_state(w, HF_ESTABLISHED);
    silent_for(w, 100 * HF_SECOND);
    in_state(w, HF_ESTABLISHED);
}

/* tw-syn-ts: with timestamps, a newer one is enough, whatever the number (RFC 6191 2, SHLD-4).
 * Holds: SHLD-4, RFC6191-2-a */
static void syn_of_newer_timestamp(void **state)
{
    struct world *w = *state;

    reach_time_wait(w, "mss=1000 ts=1000");
    reopen(w, w->flow->peer_iss - 100000, "mss=1000 ts=2001");
}

/* The same timestamp: then the number has to be higher (RFC 6191 2).
 * Holds: RFC6191-2-b */
static void syn_of_equal_timestamp(void **state)
{
    struct world *w = *state;

    reach_time_wait(w, "mss=1000 ts=1000");
    peer(w, "S seq=2 mss=1000 ts=2000");
    sends(w, ". seq=2 ack=2 ts ecr=2000");
    in_state(w, HF_TIME_WAIT);
    reopen(w, w->flow->peer_iss + 3, "mss=1000 ts=2000");
}

/* A SYN without timestamps after a connection with them: the number decides (RFC 6191 2).
 * Holds: RFC6191-2-d */
static void syn_without_timestamp(void **state)
{
    struct world *w = *state;

    reach_time_wait(w, "mss=1000 ts=1000");
    peer(w, "S seq=2 mss=1000");
    sends(w, ". seq=2 ack=2 ts");
    in_state(w, HF_TIME_WAIT);
    reopen(w, w->flow->peer_iss + 3, "mss=1000");
}

/* tw-syn-old: a SYN that is neither newer nor higher gets an ACK, and TIME-WAIT stays. */
static void syn_old(void **state)
{
    struct world *w = *state;

    reach_time_wait(w, "mss=1000");
    peer(w, "S seq=0 mss=1000");
    sends(w, ". seq=2 ack=2");
    peer(w, "S seq=2 mss=1000");
    sends(w, ". seq=2 ack=2");
    peer(w, "S seq=-90000 mss=1000");
    sends(w, ". seq=2 ack=2");
    in_state(w, HF_TIME_WAIT);
}

/* An older timestamp refuses even a higher number (RFC 6191 2).
 * Holds: RFC6191-2-c */
static void syn_of_older_timestamp(void **state)
{
    struct world *w = *state;

    reach_time_wait(w, "mss=1000 ts=1000");
    peer(w, "S seq=70000 mss=1000 ts=1999");
    sends(w, ". seq=2 ack=2 ts ecr=2000");
    in_state(w, HF_TIME_WAIT);
}

/* Where nobody listens a new SYN finds only TIME-WAIT, which acknowledges it (3.10.7.4 first). */
static void syn_without_listener(void **state)
{
    struct world *w = *state;

    reach_time_wait(w, "mss=1000");
    assert_int_equal(hf_close(w->stack, w->listener, w->now), HF_OK);
    peer(w, "S seq=5000 mss=1000");
    sends(w, ". seq=2 ack=2");
    in_state(w, HF_TIME_WAIT);
}

/* With the SYN cache full there is no record to give the new connection a chosen ISS; whatever is
 * done, a SYN-ACK that goes out for these ports has an ISS above the old SND.NXT (MAY-2), or else
 * the SYN finds TIME-WAIT as it was.
 * Holds: MAY-2 */
static void syn_with_full_cache(void **state)
{
    struct world *w = *state;

    for (uint8_t seed = 0; seed < 16; seed++) {
        w->config.max_syn_records = 1;
        w->config.seed[0] = seed;
        world_restart(w);
        reach_time_wait(w, "mss=1000");
        uint32_t old_next = w->flow->stack_iss + 2;
        use_flow(w, 40001);
        peer(w, "S seq=0 mss=1000");
        sends(w, "S. seq=0 ack=1");
        use_flow(w, PEER_PORT);
        uint8_t packet[200];
        inject(w, packet, build(w, packet, sizeof packet, "S seq=5000 mss=1000"));
        const struct captured *captured = next_packet(w);
        if (captured == NULL || captured->segment.flags == HF_ACK) {
            in_state(w, HF_TIME_WAIT);
        } else {
            assert_int_equal(captured->segment.flags, HF_SYN | HF_ACK);
            assert_true((int32_t)(captured->segment.seq - old_next) > 0);
        }
        silent(w);
    }
}

/* tw-rst-ignored: RST does not end TIME-WAIT, or old duplicates could (RFC 1337 3, fix F1).
 * Holds: RFC1337-3-a */
static void rst_ignored(void **state)
{
    struct world *w = *state;

    reach_time_wait(w, "mss=1000");
    peer(w, "R seq=2");
    silent(w);
    peer(w, "R. seq=2 ack=2");
    silent(w);
    peer(w, "R seq=3");
    silent(w);
    in_state(w, HF_TIME_WAIT);
    silent_for(w, 59 * HF_SECOND);
    in_state(w, HF_TIME_WAIT);
}

/* Without the fix RFC 9293 3.10.7.4 second holds: the RST at RCV.NXT closes, no other does. */
static void rst_closes_without_the_fix(void **state)
{
    struct world *w = *state;

    w->config.rfc1337 = 0;
    world_restart(w);
    reach_time_wait(w, "mss=1000");
    peer(w, "R seq=1");
    silent(w);
    in_state(w, HF_TIME_WAIT);
    peer(w, "R seq=2");
    silent(w);
    in_state(w, HF_CLOSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(two_msl),
        BOTH(two_msl_configured),
        BOTH(fin_restarts),
        BOTH(old_data_does_not_restart),
        BOTH(old_fin_does_not_restart),
        BOTH(syn_of_higher_number),
        BOTH(syn_of_newer_timestamp),
        BOTH(syn_of_equal_timestamp),
        BOTH(syn_without_timestamp),
        BOTH(syn_old),
        BOTH(syn_of_older_timestamp),
        BOTH(syn_without_listener),
        BOTH(syn_with_full_cache),
        BOTH(rst_ignored),
        BOTH(rst_closes_without_the_fix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
