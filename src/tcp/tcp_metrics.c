/* SPDX-License-Identifier: MIT
 *
 * TCP control block interdependence (RFC 9040): temporal sharing, by the rules of Linux's
 * tcp_metrics, so that what scripts and programs see there holds here.
 *
 * RTT and its variance: the larger value is taken over at once, a smaller one draws the old down by
 * an eighth, a quarter; an overestimate costs little, an underestimate costs a spurious timeout.
 *
 * cwnd and ssthresh mean something where slow start has found its end. What is still in the initial
 * slow start raises them only; congestion avoidance sets ssthresh to half of cwnd at least and cwnd
 * to the mean; what follows a loss and is not over yet has nothing but its ssthresh.
 *
 * What is used: ssthresh (where hf_config wants it), reordering, and the RTT for the first RTO,
 * which is then three round trips of the old ones, if those were longer than the handshake's; the
 * estimator itself begins with samples of its own. DEVIATION: RFC 9040 6.2 lets a new connection
 * begin with the cached cwnd; as in Linux it does not: the path's state at that time says too
 * little of what it takes now.
 */
#include "tcp_metrics.h"

#include "tcp_internal.h"

bool tcp_metrics_known(const struct tcp_conn *conn)
{
    return conn->backoff == 0 && conn->rtt_measured;
}

static void save_rtt(const struct tcp_conn *conn, struct tcp_metrics *metrics)
{
    uint32_t before = metrics->srtt_us;
    uint32_t spread = before > conn->srtt_us ? before - conn->srtt_us : conn->srtt_us - before;
    spread = max_u32(spread, conn->rttvar_us);
    if (before <= conn->srtt_us) {
        metrics->srtt_us = conn->srtt_us;
    } else {
        metrics->srtt_us -= (before - conn->srtt_us) / 8;
    }
    if (spread >= metrics->rttvar_us) {
        metrics->rttvar_us = spread;
    } else {
        metrics->rttvar_us -= (metrics->rttvar_us - spread) / 4;
    }
}

static void save_window(const struct tcp_conn *conn, const struct tcp_host *host,
                        struct tcp_metrics *metrics)
{
    uint32_t cwnd = conn->congestion.cwnd_bytes;
    uint32_t ssthresh = conn->congestion.ssthresh_bytes;
    bool keep = host->config->ssthresh_metrics_save != 0;
    if (ssthresh == HF_CC_INFINITE) {
        /* The initial slow start: the path took this much, and may take more. */
        if (keep && metrics->ssthresh_bytes != 0) {
            metrics->ssthresh_bytes = max_u32(metrics->ssthresh_bytes, cwnd / 2);
        }
        metrics->cwnd_bytes = max_u32(metrics->cwnd_bytes, cwnd);
    } else if (cwnd >= ssthresh && conn->recovery == TCP_RECOVERY_NONE && !conn->ecn.reducing) {
        if (keep) {
            metrics->ssthresh_bytes = max_u32(cwnd / 2, ssthresh);
        }
        metrics->cwnd_bytes = (uint32_t)(((uint64_t)metrics->cwnd_bytes + cwnd) / 2);
    } else {
        metrics->cwnd_bytes = (uint32_t)(((uint64_t)metrics->cwnd_bytes + ssthresh) / 2);
        if (keep && metrics->ssthresh_bytes != 0) {
            metrics->ssthresh_bytes = max_u32(metrics->ssthresh_bytes, ssthresh);
        }
        if (conn->reordering != host->config->duplicate_threshold &&
            conn->reordering > metrics->reordering) {
            metrics->reordering = conn->reordering;
        }
    }
}

/* Keeps RFC9040-6-a. */
void tcp_metrics_save(const struct tcp_conn *conn, const struct tcp_host *host,
                      struct tcp_metrics *metrics)
{
    if (!tcp_metrics_known(conn)) {
        metrics->srtt_us = 0; /* no answers in time: what was known of it holds no more */
    } else {
        save_rtt(conn, metrics);
        save_window(conn, host, metrics);
    }
    tcp_trace(conn, host, HF_TRACE_CWND, HF_REASON_METRICS_SAVED, conn->congestion.cwnd_bytes);
}

/* RTO = 3 * RTT, or RTT and the least variance.
 * Keeps RFC9040-6.2-a. */
static bool use_rtt(struct tcp_conn *conn, const struct tcp_host *host, uint32_t rtt_us)
{
    uint64_t least_us = (uint64_t)(host->config->min_rto_ns / HF_MICROSECOND);
    uint64_t most_us = (uint64_t)(host->config->max_rto_ns / HF_MICROSECOND);
    uint64_t rto_us;
    if (rtt_us == 0 || (conn->rtt_measured && rtt_us <= conn->srtt_us)) {
        return false;
    }
    rto_us = 2 * (uint64_t)rtt_us;
    rto_us = rtt_us + (rto_us > least_us ? rto_us : least_us);
    conn->rto_us = (uint32_t)(rto_us < most_us ? rto_us : most_us);
    return true;
}

/* Keeps RFC9040-6.2-b, RFC9040-6.2-c. */
bool tcp_metrics_use(struct tcp_conn *conn, const struct tcp_host *host,
                     const struct tcp_metrics *metrics)
{
    bool window = false, rtt;
    if (host->config->ssthresh_metrics_save != 0 && metrics->ssthresh_bytes != 0) {
        conn->congestion.ssthresh_bytes =
            max_u32(metrics->ssthresh_bytes, 2 * tcp_effective_mss(conn));
        window = true;
    }
    if (metrics->reordering != 0) {
        conn->reordering = metrics->reordering;
        window = true;
    }
    rtt = use_rtt(conn, host, metrics->srtt_us);
    if (window) {
        tcp_trace(conn, host, HF_TRACE_CWND, HF_REASON_METRICS_USED, conn->congestion.cwnd_bytes);
    }
    if (rtt) {
        tcp_trace(conn, host, HF_TRACE_RTT, HF_REASON_METRICS_RTT,
                  (hf_time)metrics->srtt_us * HF_MICROSECOND);
    }
    return window || rtt;
}
