/* SPDX-License-Identifier: MIT
 *
 * The retransmission timeout (RFC 6298), in microseconds.
 *
 * One segment at a time is timed exactly (tcp_send.c starts, tcp_ack.c ends), which is the one
 * sample a round trip that RFC 6298 section 3 asks for; a retransmission cancels it (Karn). After
 * one, timestamps still give samples (RFC 7323 4), and what is SACKed and was sent once.
 *
 * DEVIATION: RFC 6298 2.4 asks for a floor of 1 s. As Linux does, the variance term has a floor of
 * config.min_rto_ns instead, RTO = SRTT + max(min_rto, 4*RTTVAR): that is section 2.3's G made
 * large enough to cover a peer's delayed acknowledgement.
 */
#include "tcp_internal.h"

/* A sample of more than this is a clock gone wrong. */
#define RTT_SAMPLE_MAX_US (600u * 1000000u)

static uint32_t to_us(hf_time ns)
{
    return (uint32_t)(ns / HF_MICROSECOND);
}

/* RFC 6298 2.1: no sample yet.
 * Keeps RFC6298-2.1-a. */
void tcp_rtt_init(struct tcp_conn *conn, const struct tcp_host *host)
{
    conn->srtt_us = 0;
    conn->rttvar_us = 0;
    conn->rtt_measured = false;
    conn->rtt_timing = false;
    conn->rto_us = to_us(host->config->initial_rto_ns);
}

/* RFC 6298 2.2 and 2.3.
 * Keeps MUST-18, RFC6298-2.2-a, RFC6298-2.3-a, RFC6298-2.3-b. */
void tcp_rtt_sample(struct tcp_conn *conn, struct tcp_host *host, hf_time sample_ns)
{
    uint32_t sample_us;
    uint32_t spread_us;
    uint32_t max_us = to_us(host->config->max_rto_ns);
    if (sample_ns < 0 || sample_ns / HF_MICROSECOND > RTT_SAMPLE_MAX_US) {
        return;
    }
    sample_us = max_u32(to_us(sample_ns), 1);
    conn->rack.probe_unmeasured = false;
    if (conn->sender != NULL) {
        conn->sender->ack.rtt_us = sample_us;
    }
    if (!conn->rtt_measured) {
        conn->rtt_measured = true;
        conn->srtt_us = sample_us;
        conn->rttvar_us = sample_us / 2;
    } else {
        uint32_t error_us =
            sample_us > conn->srtt_us ? sample_us - conn->srtt_us : conn->srtt_us - sample_us;
        conn->rttvar_us = conn->rttvar_us - conn->rttvar_us / 4 + error_us / 4;
        conn->srtt_us = conn->srtt_us - conn->srtt_us / 8 + sample_us / 8;
    }
    spread_us = max_u32(4 * conn->rttvar_us, to_us(host->config->min_rto_ns));
    conn->rto_us = min_u32(conn->srtt_us + spread_us, max_us);
    tcp_trace(conn, host, HF_TRACE_RTT, HF_REASON_RTT_SAMPLE, sample_ns);
}

/* What a SACK reports for the first time, and was sent once, tells a round trip. */
void tcp_rtt_note_sacked(const struct tcp_conn *conn, const struct tcp_sent_record *record,
                         struct tcp_ack_news *news)
{
    if (record->flags & TCP_SENT_REPEATED) {
        return; /* Karn */
    }
    if (!news->sacked_once || record->sent < news->sacked_sent) {
        news->sacked_once = true;
        news->sacked_sent = record->sent;
    }
    news->sacked_timed |= conn->rtt_timing && seq_ge(tcp_sent_end(record), conn->rtt_seq);
}

/* 5.3 starts the retransmission timer anew for what SND.UNA moves over, and for nothing else; but
 * 5: what is out must not go again sooner than one RTO after it left, so the timer is put off by
 * what the RTO has grown. */
static void sample_beside(struct tcp_conn *conn, struct tcp_host *host, hf_time sent)
{
    hf_time before = tcp_backed_off_rto(conn, host);
    hf_time grown;
    tcp_rtt_sample(conn, host, host->now - sent);
    if (conn->backoff > 0) {
        conn->backoff = 0;
        conn->backoff_reverted = true;
    }
    grown = tcp_backed_off_rto(conn, host) - before;
    if (grown > 0 && conn->deadlines[TCP_TIMER_RETRANSMIT] != HF_TIME_NEVER) {
        conn->deadlines[TCP_TIMER_RETRANSMIT] += grown;
    }
}

/* RFC 6298 3 asks for a sample in each round trip, and while a hole keeps SND.UNA where it is only
 * SACKs can give one. As in Linux they do, where the ACK field has not: once the segment that is
 * timed is SACKed, or what lies above it, for then its own round trip would come to include the
 * time that the hole takes to be mended; where none is timed, in recovery, by the earliest that is
 * reported. What was doubled is replaced by what is measured; how often the timer ran out is told
 * by time from then on (reverted_too_long).
 * Keeps RFC6298-3-b, RFC6298-5-a, RFC6298-5-b. */
void tcp_rtt_sample_by_sack(struct tcp_conn *conn, struct tcp_host *host,
                            const struct tcp_ack_news *news)
{
    if (news->measured || !news->sacked_once || (conn->rtt_timing && !news->sacked_timed)) {
        return;
    }
    conn->rtt_timing = false;
    sample_beside(conn, host, news->sacked_sent);
}

/* A tail loss probe sends the last segment again. What was timed then, and lies below it, was sent
 * once, and an ACK of it alone still tells its round trip; one that covers the probe, too, may have
 * waited for it. (What is timed since then lies beyond the probe.) */
void tcp_rtt_sample_beside_probe(struct tcp_conn *conn, struct tcp_host *host,
                                 const struct tcp_ack_news *news)
{
    if (!conn->rack.probe_timed || seq_lt(conn->snd.una, conn->rtt_seq)) {
        return;
    }
    conn->rack.probe_timed = false;
    if (!news->measured) {
        sample_beside(conn, host, conn->rtt_start);
    }
}

/* RFC 6298 5.5: doubled for each timeout in a row, up to the ceiling of 2.5.
 * Keeps MUST-19, RFC6298-2.5-a, RFC6298-5.5-a. */
hf_time tcp_backed_off_rto(const struct tcp_conn *conn, const struct tcp_host *host)
{
    hf_time rto = conn->rto_us * HF_MICROSECOND;
    for (unsigned i = 0; i < conn->backoff && rto < host->config->max_rto_ns; i++) {
        rto *= 2;
    }
    return rto < host->config->max_rto_ns ? rto : host->config->max_rto_ns;
}
