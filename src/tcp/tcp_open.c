/* SPDX-License-Identifier: MIT
 *
 * OPEN (RFC 9293 3.10.1) and what the two SYNs agree on.
 */
#include "tcp_fast_open.h"
#include "tcp_internal.h"

/* The window of a SYN is never scaled (RFC 7323 2.2), so it is at most 65535. */
uint32_t tcp_first_window(const struct tcp_conn *conn)
{
    uint32_t window = min_u32(conn->receive_limit_bytes, UINT16_MAX);
    return conn->window_clamp_bytes != 0 ? min_u32(window, conn->window_clamp_bytes) : window;
}

uint8_t tcp_window_shift_of(const struct tcp_conn *conn, const struct hf_config *config)
{
    uint32_t buffer_bytes = conn->receive_limit_bytes;
    uint8_t shift = 0;
    if (conn->receive_tuned) {
        buffer_bytes = max_u32(buffer_bytes, config->receive_buffer_max_bytes);
    }
    if (conn->window_clamp_bytes != 0) {
        buffer_bytes = min_u32(buffer_bytes, conn->window_clamp_bytes);
    }
    if (buffer_bytes > UINT16_MAX) {
        shift = (uint8_t)(16 - __builtin_clz(buffer_bytes));
    }
    return shift < 14 ? shift : 14;
}

/* Keeps RFC6582-3.2-a. */
static void begin_send_sequence(struct tcp_conn *conn, seq32 iss)
{
    conn->iss = iss;
    conn->snd.una = iss;
    conn->snd.nxt = iss;
    conn->snd.front = seq_add(iss, 1);
    conn->snd.up = iss;
    conn->snd.retransmit_next = iss;
    conn->snd.recover = iss; /* RFC 6582 3.2: initially the ISS */
    conn->snd.small_end = iss;
}

/* Keeps SHLD-6. */
static uint16_t announced_mss(const struct tcp_conn *conn, const struct tcp_host *host)
{
    uint16_t mss = tcp_mss_of_mtu(conn, host->config->mtu); /* MUST-67 */
    return conn->max_segment != 0 ? (uint16_t)min_u32(mss, conn->max_segment) : mss;
}

void tcp_open_refresh(struct tcp_conn *conn, const struct tcp_host *host)
{
    if (conn->state != HF_SYN_SENT || !seq_eq(conn->snd.nxt, conn->iss)) {
        return;
    }
    conn->rcv.wnd = tcp_first_window(conn);
    conn->own_mss = announced_mss(conn, host);
    conn->rcv_wind_shift =
        host->config->window_scaling ? tcp_window_shift_of(conn, host->config) : 0;
}

void tcp_open_active(struct tcp_conn *conn, struct tcp_host *host, seq32 iss, uint32_t ts_offset)
{
    begin_send_sequence(conn, iss);
    conn->ts_offset = ts_offset;
    conn->intents |= TCP_INTENT_SYN;
    conn->progress_time = host->now;
    tcp_set_state(conn, host, HF_SYN_SENT, HF_REASON_OPEN_ACTIVE);
    tcp_open_refresh(conn, host);
}

/* Keeps MUST-14, RFC7323-2.2-a, RFC7323-2.3-a. */
void tcp_take_syn_options(struct tcp_conn *conn, struct tcp_host *host,
                          const struct tcp_segment *segment)
{
    const struct hf_config *config = host->config;
    const struct tcp_options *options = &segment->options;
    if (options->has_mss && options->mss != 0) {
        conn->peer_mss = options->mss;
    }
    /* RFC 7323 2.2: scaling only when both SYNs carry the option; 2.3: a shift of at most 14. */
    conn->window_scaling = config->window_scaling && options->has_window_scale;
    conn->snd_wind_shift = conn->window_scaling ? (uint8_t)min_u32(options->window_scale, 14) : 0;
    if (!conn->window_scaling) {
        conn->rcv_wind_shift = 0;
    }
    conn->timestamps = config->timestamps && options->has_timestamps;
    if (conn->timestamps) {
        conn->ts_recent = options->ts_value;
        conn->ts_recent_age_s = (uint32_t)(host->now / HF_SECOND);
    }
    conn->sack = config->sack && options->has_sack_permitted;
}

void tcp_open_passive(struct tcp_conn *conn, struct tcp_host *host,
                      const struct tcp_passive_open *open)
{
    begin_send_sequence(conn, open->iss);
    conn->snd.nxt = seq_add(open->iss, 1);
    conn->snd.retransmit_next = conn->snd.nxt;
    conn->snd.wnd = open->snd_wnd;
    conn->snd.max_wnd = open->snd_wnd;
    conn->snd.wl1 = open->irs;
    conn->snd.wl2 = open->iss;
    conn->irs = open->irs;
    conn->rcv.nxt = seq_add(open->irs, 1);
    conn->rcv.up = conn->rcv.nxt;
    conn->rcv.last_ack_sent = conn->rcv.nxt;
    conn->rcv.wnd = open->rcv_wnd;
    conn->peer_mss = open->peer_mss;
    conn->own_mss = open->own_mss;
    conn->snd_wind_shift = open->snd_wind_shift;
    conn->rcv_wind_shift = open->rcv_wind_shift;
    conn->window_scaling = open->window_scaling;
    conn->timestamps = open->timestamps;
    conn->sack = open->sack;
    conn->ecn.mode = open->ecn;
    conn->ecn.syn_codepoint = open->syn_codepoint;
    conn->ecn.no_ect = open->no_ect;
    tcp_ecn_opened_passively(conn, host);
    conn->ts_offset = open->ts_offset;
    conn->ts_recent = open->ts_recent;
    conn->ts_recent_age_s = (uint32_t)(host->now / HF_SECOND);
    conn->syn_retransmitted = open->syn_ack_retransmitted;
    conn->passive = true;
    if (!open->syn_ack_repeated) { /* Karn: RFC 6298 3 */
        conn->rtt_timing = true;
        conn->rtt_seq = conn->snd.nxt;
        conn->rtt_start = open->syn_ack_sent;
    }
    conn->progress_time = open->syn_ack_sent;
    conn->state = HF_SYN_RECEIVED; /* the SYN cache has told of this change already */
}

/* Our SYN is acknowledged.
 * Keeps RFC6298-5.7-a, RFC5681-3.1-a. */
void tcp_synchronized(struct tcp_conn *conn, struct tcp_host *host)
{
    if (conn->syn_retransmitted && !conn->rtt_measured) {
        /* RFC 6298 5.7: data transmission begins with an RTO of 3 s. */
        conn->rto_us = max_u32(conn->rto_us, 3u * 1000000u);
    }
    tcp_mtu_begin(conn, host);
    if (!conn->fast_open_child) { /* which has sent already, by its own initial window */
        tcp_cc_open(conn, host);
    }
    conn->backoff = 0;
    conn->probes_out = 0;
    conn->r1_reported = false;
    conn->receive_mss = (uint16_t)min_u32(conn->own_mss, 536);
    conn->snd.recover = conn->iss; /* RFC 6582 3.2 step 1 */
    conn->snd.limited_until = conn->snd.una;
    if (conn->state == HF_SYN_SENT || conn->state == HF_SYN_RECEIVED) {
        tcp_set_state(conn, host, HF_ESTABLISHED, HF_REASON_SYN_ACKED);
    }
    if (!conn->passive) {
        tcp_tell(conn, HF_EVENT_CONNECTED);
    }
    if (conn->fin_queued && conn->state == HF_ESTABLISHED) {
        tcp_set_state(conn, host, HF_FIN_WAIT_1, HF_REASON_USER_CLOSE);
    }
    if (conn->fast_open_child) {
        tcp_fast_open_proven(conn, host);
    }
    conn->tally.established = host->now;
    conn->tally.delivered_segments++; /* the SYN, whoever sent it first */
    tcp_buffers_begin(conn, host);
    tcp_restart_keepalive(conn);
}
