/* SPDX-License-Identifier: MIT
 *
 * The retransmission timeout: RFC 6298 and the thresholds of RFC 9293 3.8.3, against a model of the
 * two formulas written here from the RFC. The one documented deviation is in the model, too:
 * RTO = SRTT + max(min_rto, 4 * RTTVAR).
 */
#include "round_trip.h"

/* RFC 6298 2, in nanoseconds. */
struct rto_model {
    hf_time srtt, rttvar, rto;
    int measured;
};

static void model_sample(struct rto_model *model, hf_time sample)
{
    hf_time error = model->srtt > sample ? model->srtt - sample : sample - model->srtt;
    if (model->measured) {
        model->rttvar = (3 * model->rttvar + error) / 4;
        model->srtt = (7 * model->srtt + sample) / 8;
    } else {
        model->measured = 1;
        model->srtt = sample;
        model->rttvar = sample / 2;
    }
    model->rto = model->srtt + (4 * model->rttvar > 200 * MS ? 4 * model->rttvar : 200 * MS);
}

/* What integer microseconds may lose over a few samples. */
#define SLACK (100 * HF_MICROSECOND)

static void agrees(struct world *w, const struct rto_model *model)
{
    struct hf_trace_numbers numbers = status_of(w).numbers;
    assert_in_range(numbers.srtt_ns, model->srtt - SLACK, model->srtt + SLACK);
    assert_in_range(numbers.rttvar_ns, model->rttvar < SLACK ? 0 : model->rttvar - SLACK,
                    model->rttvar + SLACK);
}

/* rto-init: the first sample R gives SRTT = R and RTTVAR = R/2; each later one moves RTTVAR by a
 * quarter and SRTT by an eighth, RTTVAR first (RFC 6298 2.2, 2.3). The timeout that follows is the
 * model's.
 * Holds: MUST-18, RFC6298-2.2-a, RFC6298-2.3-a, RFC6298-2.3-b, RFC6298-3-b */
static void rto_follows_the_samples(void **state)
{
    static const hf_time samples[] = {100 * MS, 120 * MS, 90 * MS,  400 * MS, 80 * MS,
                                      80 * MS,  80 * MS,  700 * MS, 10 * MS,  10 * MS};
    struct world *w = *state;
    struct rto_model model = {0};
    unsigned seq = 1;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1000");
    model_sample(&model, 100 * MS);
    agrees(w, &model);
    for (unsigned i = 0; i < sizeof samples / sizeof samples[0]; i++, seq += 10) {
        user_send(w, 10);
        sends(w, "P. seq=%u ack=1 len=10", seq);
        if (samples[i] >= model.rto) {
            sends_between(w, model.rto - SLACK, model.rto + SLACK, "P. seq=%u ack=1 len=10", seq);
            peer(w, ". seq=1 ack=%u", seq + 10); /* of a segment sent twice: no sample */
            agrees(w, &model);
            continue;
        }
        silent_for(w, samples[i]);
        peer(w, ". seq=1 ack=%u", seq + 10);
        model_sample(&model, samples[i]);
        agrees(w, &model);
    }
    silent_for(w, 10 * HF_SECOND);
    user_send(w, 10);
    sends(w, "P. seq=%u ack=1 len=10", seq);
    sends_between(w, model.rto - SLACK, model.rto + SLACK, "P. seq=%u ack=1 len=10", seq);
    peer(w, ". seq=1 ack=%u", seq + 10);
}

/* rto-backoff-karn, r2-abort: each timeout doubles the RTO (RFC 6298 5.5) up to a ceiling of at
 * least 60 s (2.5); at R1 the program is told softly, at R2, more than 100 s after the first
 * transmission, the connection is closed with ETIMEDOUT (RFC 9293 3.8.3, MUST-20, SHLD-9..11).
 * Holds: MUST-19, MUST-20, SHLD-9, SHLD-10, SHLD-11, RFC6298-2.5-a, RFC6298-5.5-a, RFC6298-5.6-a */
static void backoff_to_r2(void **state)
{
    struct world *w = *state;
    hf_time interval = 300 * MS, start;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1000");
    user_send(w, 10);
    start = w->now;
    sends(w, "P. seq=1 ack=1 len=10");
    for (unsigned i = 1; i <= 15; i++) {
        no_event(w, HF_EVENT_ERROR);
        if (i <= 3) {
            no_event(w, HF_EVENT_SOFT_ERROR);
        }
        sends_between(w, interval - SLACK, interval + SLACK, "P. seq=1 ack=1 len=10");
        interval = 2 * interval < 120 * HF_SECOND ? 2 * interval : 120 * HF_SECOND;
        if (i == 3) {
            event(w, HF_EVENT_SOFT_ERROR, HF_ETIMEDOUT);
        }
    }
    silent_for(w, interval - SLACK);
    in_state(w, HF_ESTABLISHED);
    silent_for(w, 2 * SLACK);
    in_state(w, HF_CLOSED);
    event(w, HF_EVENT_ERROR, HF_ETIMEDOUT);
    user_recv_error(w, HF_ETIMEDOUT);
    assert_true(w->now - start >= 100 * HF_SECOND);
    assert_int_equal(counters_of(w).connections_timed_out, 1);
}

/* MUST-21: R2 is the program's to set, to "for ever" even.
 * Holds: MUST-21 */
static void r2_is_settable(void **state)
{
    struct world *w = *state;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1000");
    user_option(w, HF_OPTION_RETRIES_R2, 2);
    user_send(w, 10);
    sends(w, "P. seq=1 ack=1 len=10");
    sends_between(w, 0, HF_SECOND, "P. seq=1 ack=1 len=10");
    sends_between(w, 0, HF_SECOND, "P. seq=1 ack=1 len=10");
    user_option(w, HF_OPTION_RETRIES_R2, 255);
    for (unsigned i = 0; i < 300; i++) {
        sends_between(w, 0, 121 * HF_SECOND, "P. seq=1 ack=1 len=10");
    }
    in_state(w, HF_ESTABLISHED);
    peer(w, ". seq=1 ack=11");
    user_option(w, HF_OPTION_RETRIES_R2, 0);
    user_send(w, 10);
    sends(w, "P. seq=11 ack=1 len=10");
    silent_for(w, 121 * HF_SECOND);
    event(w, HF_EVENT_ERROR, HF_ETIMEDOUT);
}

/* rto-backoff-karn, MUST-18: an ACK of a segment that was sent twice says nothing of the round
 * trip, and the doubled RTO is kept until a segment that was sent once is acknowledged (RFC 6298 3
 * and the end of 5).
 * Holds: MUST-18, RFC6298-3-a */
static void karn_keeps_the_backoff(void **state)
{
    struct world *w = *state;
    struct rto_model model = {0};

    establish_with_rtt(w, 100 * MS, 65535, "mss=1000");
    model_sample(&model, 100 * MS);
    user_send(w, 10);
    sends(w, "P. seq=1 ack=1 len=10");
    sends_between(w, 300 * MS - SLACK, 300 * MS + SLACK, "P. seq=1 ack=1 len=10");
    silent_for(w, 50 * MS);
    peer(w, ". seq=1 ack=11");
    agrees(w, &model);
    user_send(w, 10);
    sends(w, "P. seq=11 ack=1 len=10");
    sends_between(w, 600 * MS - SLACK, 600 * MS + SLACK, "P. seq=11 ack=1 len=10");
    peer(w, ". seq=1 ack=21");
    user_send(w, 10);
    sends(w, "P. seq=21 ack=1 len=10");
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=31"); /* sent once: a sample, and the backoff is over */
    model_sample(&model, 100 * MS);
    agrees(w, &model);
    user_send(w, 10);
    sends(w, "P. seq=31 ack=1 len=10");
    sends_between(w, model.rto - SLACK, model.rto + SLACK, "P. seq=31 ack=1 len=10");
    peer(w, ". seq=1 ack=41");
}

/* rto-backoff-karn: with timestamps the ACK of a retransmission tells by its echo which copy it
 * answers, so it is a sample (RFC 7323 4.1) and ends the backoff at once. */
static void timestamps_sample_retransmissions(void **state)
{
    struct world *w = *state;
    struct rto_model model = {0};

    user_listen(w);
    peer(w, "S seq=0 mss=1000 ts=1000");
    sends(w, "S. seq=0 ack=1 ts ecr=1000");
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=1 ts=1100");
    silent(w);
    user_accept(w);
    model_sample(&model, 100 * MS);
    user_send(w, 10);
    sends(w, "P. seq=1 ack=1 len=10 ts");
    sends_between(w, 300 * MS - SLACK, 300 * MS + SLACK, "P. seq=1 ack=1 len=10 ts");
    silent_for(w, 60 * MS);
    peer(w, ". seq=1 ack=11 ts=1460"); /* echoes the newest: the second copy */
    {
        struct hf_trace_numbers numbers = status_of(w).numbers;
        model_sample(&model, 60 * MS);
        assert_in_range(numbers.srtt_ns, model.srtt - MS, model.srtt + MS);
    }
    user_send(w, 10);
    sends(w, "P. seq=11 ack=1 len=10 ts");
    sends_between(w, model.rto - 5 * MS, model.rto + 5 * MS, "P. seq=11 ack=1 len=10 ts");
    peer(w, ". seq=1 ack=21 ts=1800");
}

/* rto-restart-rules: when new data is acknowledged the timer starts anew (RFC 6298 5.3); when all
 * is, it stops (5.2).
 * Holds: RFC6298-5.2-a, RFC6298-5.3-a */
static void timer_restarts_on_progress(void **state)
{
    struct world *w = *state;
    struct rto_model model = {0};

    establish_with_rtt(w, 100 * MS, 65535, "mss=1000");
    model_sample(&model, 100 * MS);
    user_send(w, 1000);
    sends(w, "P. seq=1 ack=1 len=1000");
    silent_for(w, 90 * MS);
    user_send(w, 1000);
    sends(w, "P. seq=1001 ack=1 len=1000");
    silent_for(w, 60 * MS);
    peer(w, ". seq=1 ack=1001");
    model_sample(&model, 150 * MS);
    sends_between(w, model.rto - SLACK, model.rto + SLACK, "P. seq=1001 ack=1 len=1000");
    peer(w, ". seq=1 ack=2001");
    assert_true(status_of(w).timer_deadline == HF_TIME_NEVER);
    silent_for(w, 600 * HF_SECOND);
}

/* rto-restart-rules: a running timer is left alone when more is sent (RFC 6298 5.1) and by ACKs
 * that acknowledge nothing new.
 * Holds: RFC6298-5-a, RFC6298-5.1-a */
static void timer_is_not_pushed_back(void **state)
{
    struct world *w = *state;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1000");
    user_send(w, 1000);
    sends(w, "P. seq=1 ack=1 len=1000");
    silent_for(w, 100 * MS);
    user_send(w, 1000);
    sends(w, "P. seq=1001 ack=1 len=1000");
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=1");
    peer(w, ". seq=1 ack=1 win=3000");
    sends_between(w, 100 * MS - SLACK, 100 * MS + SLACK, ". seq=1 ack=1 len=1000");
    peer(w, ". seq=1 ack=2001");
    silent_for(w, 600 * HF_SECOND);
}

/* RFC 6298 5.5, 5.7: only an ACK of new data ends the backoff: one that acknowledges nothing but
 * widens the window does not.
 * Holds: RFC6298-5.5-a */
static void window_update_keeps_the_backoff(void **state)
{
    struct world *w = *state;

    establish_with_rtt(w, 100 * MS, 20000, "mss=1000");
    user_send(w, 10);
    sends(w, "P. seq=1 ack=1 len=10");
    sends_between(w, 300 * MS - SLACK, 300 * MS + SLACK, "P. seq=1 ack=1 len=10");
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=1 win=30000");
    sends_between(w, 500 * MS - SLACK, 500 * MS + SLACK, "P. seq=1 ack=1 len=10");
    sends_between(w, 1200 * MS - SLACK, 1200 * MS + SLACK, "P. seq=1 ack=1 len=10");
    peer(w, ". seq=1 ack=11");
}

/* RFC 5681 3.1: each ACK of new data in slow start opens the window; the one that ends the
 * timeout's recovery, too. */
static void grows_after_timeout(void **state)
{
    struct world *w = *state;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1000");
    user_send(w, 1000);
    sends(w, "P. seq=1 ack=1 len=1000");
    sends_between(w, 0, HF_SECOND, "P. seq=1 ack=1 len=1000");
    peer(w, ". seq=1 ack=1001");
    assert_int_equal(cwnd_of(w), 2000);
}

/* rto-syn-3s: the SYN was sent twice and there is no sample, so data begins with an RTO of 3 s
 * (RFC 6298 5.7), and with a window of one segment (RFC 5681 3.1).
 * Holds: RFC5681-3.1-a, RFC6298-5.7-a */
static void syn_lost_then_3s(void **state)
{
    struct world *w = *state;

    user_connect(w);
    sends(w, "S seq=0");
    sends_after(w, HF_SECOND, "S seq=0");
    silent_for(w, 500 * MS);
    peer(w, "S. seq=0 ack=1 mss=1000");
    sends(w, ". seq=1 ack=1");
    user_send(w, 3000);
    sends(w, ". seq=1 ack=1 len=1000");
    silent(w);
    sends_after(w, 3 * HF_SECOND, ". seq=1 ack=1 len=1000");
    peer(w, ". seq=1 ack=1001");
    sends(w, ". seq=1001 ack=1 len=1000");
    sends(w, "P. seq=2001 ack=1 len=1000");
    peer(w, ". seq=1 ack=3001");
}

/* The same for a SYN-ACK that was lost.
 * Holds: RFC5681-3.1-a, RFC6298-5.7-a */
static void syn_ack_lost_then_3s(void **state)
{
    struct world *w = *state;

    user_listen(w);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    sends_after(w, HF_SECOND, "S. seq=0 ack=1");
    silent_for(w, 500 * MS);
    peer(w, ". seq=1 ack=1");
    silent(w);
    user_accept(w);
    user_send(w, 3000);
    sends(w, ". seq=1 ack=1 len=1000");
    silent(w);
    sends_after(w, 3 * HF_SECOND, ". seq=1 ack=1 len=1000");
    peer(w, ". seq=1 ack=1001");
    sends(w, ". seq=1001 ack=1 len=1000");
    sends(w, "P. seq=2001 ack=1 len=1000");
    peer(w, ". seq=1 ack=3001");
}

/* RFC 6298 3: a SYN-ACK that went out twice because the SYN came twice is a retransmission as well:
 * its acknowledgement gives no sample without timestamps.
 * Holds: RFC6298-3-a */
static void syn_ack_repeated_no_sample(void **state)
{
    struct world *w = *state;

    user_listen(w);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    silent_for(w, 900 * MS);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    silent_for(w, 20 * MS);
    peer(w, ". seq=1 ack=1");
    silent(w);
    user_accept(w);
    assert_int_equal(status_of(w).numbers.srtt_ns, 0);
}

/* rto-cwnd: a timeout sets ssthresh to half of what is in flight, once for the same data, and the
 * window to one segment (RFC 5681 3.1). What was in flight follows in slow start, which after a
 * timeout grows by one segment for an ACK at most (RFC 3465 2.3).
 * Holds: MUST-19, RFC5681-3.1-c, RFC5681-3.1-d, RFC5681-3.1-e, RFC3465-2.3-a */
static void timeout_window(void **state)
{
    struct world *w = *state;

    w->config.frto = 0; /* what follows a loss, not how it is told from a delay */
    world_restart(w);
    establish_with_rtt(w, 100 * MS, 65535, "mss=1000");
    user_send(w, 30000);
    sends_segments(w, 1, 1000, 10);
    sends_between(w, 300 * MS - SLACK, 300 * MS + SLACK, ". seq=1 ack=1 len=1000");
    silent(w);
    assert_int_equal(ssthresh_of(w), 5000);
    assert_int_equal(cwnd_of(w), 1000);
    sends_between(w, 600 * MS - SLACK, 600 * MS + SLACK, ". seq=1 ack=1 len=1000");
    silent(w);
    assert_int_equal(ssthresh_of(w), 5000);
    assert_int_equal(cwnd_of(w), 1000);
    peer(w, ". seq=1 ack=1001");
    assert_int_equal(cwnd_of(w), 2000);
    sends_segments(w, 1001, 1000, 2);
    peer(w, ". seq=1 ack=4001"); /* 3000 at once: 4001 had arrived before */
    assert_int_equal(cwnd_of(w), 3000);
    sends_segments(w, 4001, 1000, 3);
    peer(w, ". seq=1 ack=5001");
    assert_int_equal(cwnd_of(w), 4000);
    sends_segments(w, 7001, 1000, 2);
    peer(w, ". seq=1 ack=10001");
    assert_int_equal(cwnd_of(w), 5000); /* ssthresh: avoidance from here */
    sends_segments(w, 10001, 1000, 5);
}

/* RFC 5681 3.1: ssthresh never goes under two segments.
 * Holds: RFC5681-3.1-c */
static void timeout_small_flight(void **state)
{
    struct world *w = *state;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1000");
    user_send(w, 1000);
    sends(w, "P. seq=1 ack=1 len=1000");
    sends_between(w, 0, HF_SECOND, "P. seq=1 ack=1 len=1000");
    assert_int_equal(ssthresh_of(w), 2000);
    assert_int_equal(cwnd_of(w), 1000);
    peer(w, ". seq=1 ack=1001");
}

/* rst-on-lowat-shrink: the peer takes its window back below what is in flight: nothing new is sent
 * (SHLD-15), what is old is sent again as usual (SHLD-16), and as long as the peer answers the
 * connection does not time out (SHLD-17, MUST-34).
 * Holds: MUST-34, SHLD-15, SHLD-16, SHLD-17, MAY-7 */
static void window_shrinks_under_flight(void **state)
{
    struct world *w = *state;

    establish_with_rtt(w, 100 * MS, 5000, "mss=1000");
    user_send(w, 8000);
    sends_segments(w, 1, 1000, 5);
    peer(w, ". seq=1 ack=1 win=0");
    silent(w);
    for (unsigned i = 0; i < 40; i++) {
        sends_between(w, 200 * MS, 121 * HF_SECOND, ". seq=1 ack=1 len=1000");
        peer(w, ". seq=1 ack=1 win=0");
        no_event(w, HF_EVENT_ERROR);
    }
    in_state(w, HF_ESTABLISHED);
    peer(w, ". seq=1 ack=1001 win=2000"); /* the edge is now 3001, 5001 was sent */
    while (waiting_packets(w) > 0) {
        const struct captured *captured = next_packet(w);
        unsigned end =
            captured->segment.seq - w->flow->stack_iss + (unsigned)captured->segment.payload_bytes;
        assert_true(end <= 5001);
    }
    peer(w, ". seq=1 ack=5001 win=65535");
    for (unsigned seq = 5001; seq < 8001; seq += 1000) {
        sends(w, "%s seq=%u ack=1 len=1000", seq == 7001 ? "P." : ".", seq);
        if (waiting_packets(w) == 0) {
            peer(w, ". seq=1 ack=%u win=65535", seq + 1000);
        }
    }
}

/* SHLD-17 with a user timeout: while the window is shut and the peer answers, the timer goes on
 * doubling; it does not run wild once the data is older than the user timeout.
 * Holds: SHLD-17 */
static void window_shrinks_with_user_timeout(void **state)
{
    struct world *w = *state;
    unsigned sent = 0;

    establish_with_rtt(w, 100 * MS, 5000, "mss=1000");
    user_option(w, HF_OPTION_USER_TIMEOUT_NS, 5 * HF_SECOND);
    user_send(w, 1000);
    sends(w, "P. seq=1 ack=1 len=1000");
    for (unsigned i = 0; i < 20; i++) {
        peer(w, ". seq=1 ack=1 win=0");
        run_for(w, HF_SECOND, 0);
        while (next_packet(w) != NULL) {
            sent++;
        }
    }
    assert_true(sent <= 12);
    in_state(w, HF_ESTABLISHED);
    no_event(w, HF_EVENT_ERROR);
    peer(w, ". seq=1 ack=1001 win=5000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(rto_follows_the_samples),
        BOTH(backoff_to_r2),
        BOTH(r2_is_settable),
        BOTH(karn_keeps_the_backoff),
        BOTH(timestamps_sample_retransmissions),
        BOTH(timer_restarts_on_progress),
        BOTH(timer_is_not_pushed_back),
        BOTH(syn_lost_then_3s),
        BOTH(syn_ack_lost_then_3s),
        BOTH(syn_ack_repeated_no_sample),
        BOTH(timeout_window),
        BOTH(timeout_small_flight),
        BOTH(window_update_keeps_the_backoff),
        BOTH(grows_after_timeout),
        BOTH(window_shrinks_under_flight),
        BOTH(window_shrinks_with_user_timeout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
