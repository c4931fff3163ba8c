/* SPDX-License-Identifier: MIT
 *
 * Between a connection and its congestion control (<handfast/congestion.h>): choosing one, giving
 * it memory, telling it what happened; and the two rules that hold for every algorithm: a window
 * that is not used does not grow, and one that has not been used for long is not there any more.
 *
 * Both rules are Linux's, which follow RFC 2861. DEVIATION: RFC 5681 4.1 goes back to the restart
 * window after one RTO of idling; here cwnd is halved for each RTO that passed, down to that
 * window, and ssthresh remembers three quarters of what it was (RFC 2861 3.2).
 */
#include "tcp_internal.h"

/* ---- choosing */

const struct hf_cc_ops *tcp_cc_at(const struct hf_config *config, int index)
{
    if (index < 0 || index >= CC_BUILTIN_COUNT + HF_CONFIG_CONGESTION_CONTROLS) {
        return NULL;
    }
    return index < CC_BUILTIN_COUNT ? cc_builtin((unsigned)index)
                                    : config->congestion_controls[index - CC_BUILTIN_COUNT];
}

int tcp_cc_index(const struct hf_config *config, const struct hf_cc_ops *ops)
{
    int index = 0;
    while (tcp_cc_at(config, index) != NULL && tcp_cc_at(config, index) != ops) {
        index++;
    }
    return index;
}

static void release_private(struct tcp_conn *conn, struct tcp_host *host)
{
    if (conn->congestion.private_state != NULL) {
        memory_release(host->memory, conn->congestion.private_state, conn->cc->private_bytes);
        conn->congestion.private_state = NULL;
    }
}

static bool begin(struct tcp_conn *conn, struct tcp_host *host, const struct hf_cc_ops *ops)
{
    struct hf_cc_sample sample;
    void *memory = NULL;
    if (ops->private_bytes > 0) {
        memory = memory_allocate(host->memory, ops->private_bytes);
        if (memory == NULL) {
            return false;
        }
        memset(memory, 0, ops->private_bytes);
    }
    release_private(conn, host);
    conn->cc = ops;
    conn->congestion.private_state = memory;
    conn->congestion.pacing_rate = 0;
    sample = tcp_cc_sample(conn, host, 0);
    ops->init(&conn->congestion, &sample);
    tcp_cc_bound(conn, sample.mss_bytes);
    return true;
}

int tcp_cc_choose(struct tcp_conn *conn, struct tcp_host *host, int index)
{
    const struct hf_cc_ops *ops = tcp_cc_at(host->config, index);
    if (ops == NULL) {
        return HF_EINVAL;
    }
    if (ops == conn->cc) {
        return HF_OK;
    }
    if (conn->sender == NULL) {
        conn->cc = ops; /* it begins when there is something to send */
        return HF_OK;
    }
    return begin(conn, host, ops) ? HF_OK : HF_ENOMEM;
}

/* ---- a connection that sends */

bool tcp_sender_reserve(struct tcp_conn *conn, struct tcp_host *host)
{
    if (conn->sender != NULL) {
        return true;
    }
    conn->sender = memory_allocate(host->memory, sizeof *conn->sender);
    if (conn->sender == NULL) {
        return false;
    }
    memset(conn->sender, 0, sizeof *conn->sender);
    conn->sender->used_stamp = host->now;
    if (!begin(conn, host, conn->cc)) {
        tcp_sender_free(conn, host);
        return false;
    }
    return true;
}

void tcp_sender_free(struct tcp_conn *conn, struct tcp_host *host)
{
    release_private(conn, host);
    if (conn->sender != NULL) {
        memory_release(host->memory, conn->sender, sizeof *conn->sender);
        conn->sender = NULL;
    }
}

/* RFC 6928 2: IW = min(10*MSS, max(2*MSS, 14600)). A configured other count of segments wins; RFC
 * 5681 3.1: one segment after a lost SYN or SYN-ACK.
 * Keeps RFC6928-2-a. */
static uint32_t initial_window_of(const struct tcp_conn *conn, const struct tcp_host *host,
                                  uint32_t mss)
{
    uint32_t segments = conn->syn_retransmitted ? 1 : host->config->initial_window_segments;
    return segments == 10 ? min_u32(10 * mss, max_u32(2 * mss, 14600)) : segments * mss;
}

static uint32_t initial_window(const struct tcp_conn *conn, const struct tcp_host *host)
{
    return initial_window_of(conn, host, tcp_effective_mss(conn));
}

void tcp_cc_open(struct tcp_conn *conn, struct tcp_host *host)
{
    conn->congestion.cwnd_bytes = initial_window(conn, host);
    /* RFC 5681 3.1: the initial ssthresh should be arbitrarily high. */
    conn->congestion.ssthresh_bytes = HF_CC_INFINITE;
    conn->metrics_wanted = true;
}

/* ---- telling it, and hearing from it */

static void tell(const struct hf_cc_sample *sample, enum hf_reason reason)
{
    const struct tcp_conn *conn = sample->connection;
    const struct tcp_host *host = sample->host;
    if (reason == HF_REASON_HYSTART_CSS || reason == HF_REASON_HYSTART_TRAIN) {
        host->counters->slow_starts_slowed++;
    } else if (reason == HF_REASON_HYSTART_OVER) {
        host->counters->slow_starts_ended_by_delay++;
    }
    tcp_trace(conn, host, HF_TRACE_CWND, reason, conn->congestion.cwnd_bytes);
}

static void fill_delivery(const struct tcp_sender *sender, struct hf_cc_sample *sample)
{
    const struct tcp_rate_mark *mark = &sender->ack.mark;
    sample->app_limited_now = sender->app_limited_until != 0;
    sample->rtt_us = sender->ack.rtt_us;
    sample->ece = sender->ack.ece;
    sample->ce_bytes = sender->ack.ce_bytes;
    sample->delivered_bytes = sender->ack.delivered_bytes;
    sample->lost_bytes = sender->ack.lost_bytes;
    sample->total_delivered_bytes = sender->delivered_bytes;
    sample->total_lost_bytes = sender->lost_bytes;
    sample->rate = sender->ack.rate;
    if (sender->ack.rate == 0) {
        return;
    }
    sample->app_limited = sender->ack.rate_app_limited;
    sample->rate_bytes = sender->ack.rate_bytes;
    sample->rate_interval_us = sender->ack.rate_interval_us;
    sample->prior_pipe_bytes = mark->pipe_bytes;
    /* Marks count modulo 2^32, a flight is far smaller. */
    sample->prior_delivered_bytes =
        sender->delivered_bytes -
        (uint32_t)((uint32_t)sender->delivered_bytes - mark->delivered_bytes);
    sample->prior_lost_bytes =
        sender->lost_bytes - (uint32_t)((uint32_t)sender->lost_bytes - mark->lost_bytes);
}

/* Member by member, in place: what an initializer makes is first built elsewhere and then copied.
 */
void tcp_cc_fill_sample(const struct tcp_conn *conn, const struct tcp_host *host,
                        struct hf_cc_sample *sample)
{
    const struct tcp_sender *sender = conn->sender;
    uint32_t mss = tcp_effective_mss(conn);
    memset(sample, 0, sizeof *sample);
    sample->now = host->now;
    sample->mss_bytes = mss;
    sample->flight_bytes = tcp_flight(conn);
    sample->pipe_bytes = tcp_pipe(conn);
    sample->initial_window_bytes = initial_window_of(conn, host, mss);
    sample->snd_una = conn->snd.una.value;
    sample->snd_nxt = conn->snd.nxt.value;
    sample->after_timeout = conn->after_timeout;
    sample->cwnd_limited = tcp_cwnd_limited(conn);
    sample->window_limited = conn->tally.limited == HF_LIMITED_RECEIVER;
    sample->in_recovery = conn->recovery != TCP_RECOVERY_NONE || conn->ecn.reducing;
    sample->srtt_us = conn->srtt_us;
    sample->min_rtt_us = tcp_min_rtt_us(&conn->rack.min_rtt);
    sample->tell = tell;
    sample->connection = conn;
    sample->host = host;
    if (sender != NULL) {
        fill_delivery(sender, sample);
    }
}

void tcp_cc_delivered(struct tcp_conn *conn, struct tcp_host *host)
{
    struct tcp_sender *sender = conn->sender;
    uint32_t before = tcp_cwnd_bytes(conn);
    struct hf_cc_sample sample;
    tcp_rate_take_losses(conn);
    if (sender == NULL || (sender->ack.delivered_bytes == 0 && sender->ack.lost_bytes == 0)) {
        return;
    }
    tcp_rate_sample(conn);
    if (conn->cc->on_delivery == NULL ||
        (conn->cc->delivery_past_slow_start_only &&
         conn->congestion.cwnd_bytes < conn->congestion.ssthresh_bytes)) {
        return;
    }
    sample = tcp_cc_sample(conn, host, 0);
    conn->cc->on_delivery(&conn->congestion, &sample);
    tcp_cc_bound(conn, sample.mss_bytes);
    if (conn->cc->governs_recovery && tcp_cwnd_bytes(conn) != before) {
        tcp_trace(conn, host, HF_TRACE_CWND, HF_REASON_CWND_MODEL, before);
    }
}

/* ---- is the window used? (RFC 2861, RFC 7661 1) */

/* Keeps RFC2861-3.2-c, RFC7661-4.3-a. */
bool tcp_cwnd_limited(const struct tcp_conn *conn)
{
    if (conn->cwnd_limited) {
        return true;
    }
    /* In slow start half of it in use is enough: the next round may take twice as much. */
    return conn->sender != NULL && conn->congestion.cwnd_bytes < conn->congestion.ssthresh_bytes &&
           conn->congestion.cwnd_bytes < 2ull * conn->sender->max_flight_bytes;
}

/* RFC 2861 3.2: for a whole RTO no more than used_bytes were needed; half of what is too much goes,
 * and ssthresh remembers.
 * Keeps RFC2861-3.2-d. */
static void give_up_unused(struct tcp_conn *conn, struct tcp_host *host)
{
    struct tcp_sender *sender = conn->sender;
    struct hf_cc_state *state = &conn->congestion;
    uint32_t used = max_u32(sender->used_bytes, initial_window(conn, host));
    uint32_t before = state->cwnd_bytes;
    if (conn->recovery == TCP_RECOVERY_NONE && !conn->send_blocked && used < before) {
        state->ssthresh_bytes = max_u32(state->ssthresh_bytes, before / 4 * 3);
        state->cwnd_bytes = (uint32_t)(((uint64_t)before + used) / 2);
        tcp_trace(conn, host, HF_TRACE_CWND, HF_REASON_CWND_UNUSED, before);
    }
    sender->used_bytes = 0;
    sender->used_stamp = host->now;
}

void tcp_cc_validate(struct tcp_conn *conn, struct tcp_host *host, bool limited)
{
    struct tcp_sender *sender = conn->sender;
    uint32_t flight = tcp_flight(conn);
    if (sender == NULL) {
        return;
    }
    /* The strongest sign of one window's time counts. */
    if (limited || seq_ge(conn->snd.una, conn->snd.limited_until) ||
        (!conn->cwnd_limited && flight > sender->max_flight_bytes)) {
        conn->cwnd_limited = limited;
        sender->max_flight_bytes = flight;
        conn->snd.limited_until = conn->snd.nxt;
    }
    if (tcp_cwnd_limited(conn)) {
        sender->used_bytes = 0;
        sender->used_stamp = host->now;
        return;
    }
    sender->used_bytes = max_u32(sender->used_bytes, flight);
    if (host->config->slow_start_after_idle && conn->cc->on_idle_restart == NULL &&
        host->now - sender->used_stamp >= conn->rto_us * HF_MICROSECOND) {
        give_up_unused(conn, host);
    }
}

static void tell_sent(struct tcp_conn *conn, const struct tcp_host *host, uint32_t sent_bytes)
{
    struct hf_cc_sample sample;
    if (conn->cc->on_unused != NULL) {
        if (tcp_flight(conn) == sent_bytes) {
            conn->cc->on_unused(&conn->congestion, host->now);
            tcp_cc_bound(conn, tcp_effective_mss(conn));
        }
    } else if (conn->cc->on_sent != NULL) {
        sample = tcp_cc_sample(conn, host, 0);
        sample.sent_bytes = sent_bytes;
        conn->cc->on_sent(&conn->congestion, &sample);
        tcp_cc_bound(conn, sample.mss_bytes);
    }
}

void tcp_cc_sent(struct tcp_conn *conn, struct tcp_host *host, uint32_t sent_bytes)
{
    tcp_pacing_sent(conn, host, sent_bytes);
    tcp_cc_validate(conn, host,
                    (uint64_t)tcp_pipe(conn) + tcp_effective_mss(conn) > tcp_cwnd_bytes(conn));
    tell_sent(conn, host, sent_bytes);
}

void tcp_cc_sent_run(struct tcp_conn *conn, struct tcp_host *host, uint32_t sent_bytes)
{
    tcp_cc_validate(conn, host, false);
    tell_sent(conn, host, sent_bytes);
}

/* ---- after idling */

/* Keeps RFC2861-3.2-a, RFC2861-3.2-b. */
static void halve_for_idle(struct tcp_conn *conn, const struct tcp_host *host, hf_time idle)
{
    struct hf_cc_state *state = &conn->congestion;
    uint32_t cwnd = state->cwnd_bytes;
    uint32_t restart = min_u32(initial_window(conn, host), cwnd);
    hf_time rto = conn->rto_us * HF_MICROSECOND;
    state->ssthresh_bytes = max_u32(state->ssthresh_bytes, cwnd / 4 * 3);
    for (idle -= rto; idle > 0 && cwnd > restart; idle -= rto) {
        cwnd /= 2;
    }
    state->cwnd_bytes = max_u32(cwnd, restart);
    conn->sender->used_bytes = 0;
    conn->sender->used_stamp = host->now;
}

/* Keeps RFC5681-4.1-a. */
void tcp_cc_restart_after_idle(struct tcp_conn *conn, struct tcp_host *host)
{
    hf_time idle = host->now - conn->last_sent;
    uint32_t before = conn->congestion.cwnd_bytes;
    uint32_t ssthresh = conn->congestion.ssthresh_bytes;
    if (tcp_flight(conn) > 0 || conn->last_sent == 0 || conn->sender == NULL ||
        idle <= conn->rto_us * HF_MICROSECOND) {
        return;
    }
    if (conn->cc->on_idle_restart != NULL) {
        struct hf_cc_sample sample = tcp_cc_sample(conn, host, 0);
        conn->cc->on_idle_restart(&conn->congestion, &sample);
        tcp_cc_bound(conn, sample.mss_bytes);
    } else if (host->config->slow_start_after_idle) {
        halve_for_idle(conn, host, idle);
    }
    if (before != conn->congestion.cwnd_bytes || ssthresh != conn->congestion.ssthresh_bytes) {
        tcp_trace(conn, host, HF_TRACE_CWND, HF_REASON_CWND_IDLE, before);
    }
}

void tcp_cc_status(const struct tcp_conn *conn, struct hf_status *status)
{
    const struct tcp_sender *sender = conn->sender;
    uint64_t rate = conn->congestion.pacing_rate;
    status->congestion_control = conn->cc->name;
    status->max_pacing_rate = conn->max_pacing_rate;
    rate = rate != 0 ? rate : tcp_window_rate(conn);
    if (conn->max_pacing_rate != 0 && rate > conn->max_pacing_rate) {
        rate = conn->max_pacing_rate;
    }
    status->pacing_rate = rate;
    if (sender == NULL) {
        return;
    }
    status->delivery_rate = sender->shown_rate;
    status->delivery_app_limited = sender->shown_app_limited;
    status->delivered_ce_segments = sender->delivered_ce_segments;
    if (conn->cc->info != NULL) {
        status->congestion_info_bytes =
            min_u32(conn->cc->info(&conn->congestion, status->congestion_info), HF_CC_INFO_BYTES);
    }
}
