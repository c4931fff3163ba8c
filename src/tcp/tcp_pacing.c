/* SPDX-License-Identifier: MIT
 *
 * Pacing: segments leave at a rate instead of as ACKs and programs happen to come. An algorithm
 * asks for it (BBR), or a program sets a most (HF_OPTION_MAX_PACING_RATE, SO_MAX_PACING_RATE), or
 * the configuration asks for it everywhere.
 *
 * Each segment moves `pacing_next`, the time at which the one after it may leave, on by its length
 * over the rate. What was not used of the past counts for as much as a quantum: a millisecond's
 * worth, two segments at least, or what the configuration says. A sender that must wait waits until
 * it may send a whole quantum, so that one timer is enough for several segments.
 *
 * A host that looks at its timer late has sent too little by then. What the lateness cost, a
 * quarter of a round trip at most, is made up for afterwards: each segment then counts for as
 * little as half its length, so that the path sees twice the rate at most and no burst. Linux does
 * the same.
 *
 * Nothing holds back what loss recovery or a probe needs to have sent now, and, as in Linux, the
 * first ten segments of a connection.
 */
#include "tcp_internal.h"

#define FIRST_SEGMENTS 10u
#define QUANTUM_MAX_BYTES 65536u
#define CREDIT_LEAST HF_MILLISECOND /* what may be made up for on the shortest paths */

/* As Linux has it: twice what cwnd gives in slow start, 1.2 times later, for no round trip must
 * end with cwnd unused. 0: no RTT yet. */
uint64_t tcp_window_rate(const struct tcp_conn *conn)
{
    const struct hf_cc_state *state = &conn->congestion;
    uint64_t cwnd = max_u32(state->cwnd_bytes, tcp_flight(conn));
    uint64_t percent = state->cwnd_bytes < state->ssthresh_bytes / 2 ? 200 : 120;
    return conn->srtt_us == 0 ? 0 : cwnd * percent * 10000u / conn->srtt_us;
}

uint64_t tcp_pacing_rate(const struct tcp_conn *conn, const struct tcp_host *host)
{
    uint64_t rate = conn->congestion.pacing_rate;
    if (rate == 0 && (host->config->pacing || conn->max_pacing_rate != 0)) {
        rate = tcp_window_rate(conn);
    }
    if (conn->max_pacing_rate != 0 && (rate == 0 || rate > conn->max_pacing_rate)) {
        rate = conn->max_pacing_rate;
    }
    return rate;
}

static uint64_t quantum_bytes(const struct tcp_conn *conn, const struct tcp_host *host,
                              uint64_t rate)
{
    uint64_t quantum = rate / 1000;
    if (host->config->pacing_burst_bytes > 0) {
        return host->config->pacing_burst_bytes;
    }
    quantum = quantum < QUANTUM_MAX_BYTES ? quantum : QUANTUM_MAX_BYTES;
    return max_u32((uint32_t)quantum, 2 * tcp_effective_mss(conn));
}

/* bytes / rate, bounded so that nothing overflows: an hour is for ever here. */
static hf_time time_of(uint64_t bytes, uint64_t rate)
{
    const uint64_t longest = UINT64_C(3600) * (uint64_t)HF_SECOND;
    uint64_t time = bytes * (uint64_t)HF_SECOND / rate;
    return (hf_time)(time < longest ? time : longest);
}

void tcp_pacing_late(struct tcp_conn *conn, const struct tcp_host *host)
{
    struct tcp_sender *sender = conn->sender;
    hf_time late = host->now - conn->deadlines[TCP_TIMER_PACING];
    hf_time most = (hf_time)conn->srtt_us * HF_MICROSECOND / 4;
    if (sender == NULL || late <= 0) {
        return;
    }
    most = most > CREDIT_LEAST ? most : CREDIT_LEAST;
    late += sender->pacing_credit;
    sender->pacing_credit = late < most ? late : most;
}

bool tcp_pacing_waits(const struct tcp_conn *conn, const struct tcp_host *host)
{
    const struct tcp_sender *sender = conn->sender;
    return sender != NULL && sender->unpaced_segments >= FIRST_SEGMENTS &&
           sender->pacing_next > host->now && tcp_pacing_rate(conn, host) != 0;
}

bool tcp_pacing_holds(struct tcp_conn *conn, struct tcp_host *host)
{
    struct tcp_sender *sender = conn->sender;
    hf_time *deadline = &conn->deadlines[TCP_TIMER_PACING];
    uint64_t rate, quantum;
    if (!tcp_pacing_waits(conn, host)) {
        tcp_pacing_late(conn, host);
        *deadline = HF_TIME_NEVER;
        return false;
    }
    if (*deadline == HF_TIME_NEVER) {
        rate = tcp_pacing_rate(conn, host);
        quantum = quantum_bytes(conn, host, rate);
        *deadline = sender->pacing_next +
                    time_of(quantum - min_u32((uint32_t)quantum, tcp_effective_mss(conn)), rate);
        host->counters->pacing_holds++;
        tcp_trace(conn, host, HF_TRACE_TIMER, HF_REASON_PACING_HOLD, *deadline - host->now);
    }
    return true;
}

bool tcp_pacing_is_starting(const struct tcp_conn *conn)
{
    return conn->sender->unpaced_segments < FIRST_SEGMENTS;
}

void tcp_pacing_sent(struct tcp_conn *conn, struct tcp_host *host, uint32_t bytes)
{
    struct tcp_sender *sender = conn->sender;
    uint64_t rate = tcp_pacing_rate(conn, host);
    uint64_t quantum;
    hf_time earliest, length, made_up;
    if (sender->unpaced_segments < FIRST_SEGMENTS) {
        sender->unpaced_segments++;
        return;
    }
    if (rate == 0) {
        return;
    }
    quantum = quantum_bytes(conn, host, rate);
    earliest = host->now - time_of(quantum - (bytes < quantum ? bytes : quantum), rate);
    if (sender->pacing_next < earliest) {
        sender->pacing_next = earliest;
    }
    length = time_of(bytes, rate);
    made_up = sender->pacing_credit < length / 2 ? sender->pacing_credit : length / 2;
    sender->pacing_credit -= made_up;
    sender->pacing_next += length - made_up;
}
