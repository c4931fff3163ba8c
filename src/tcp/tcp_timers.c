/* SPDX-License-Identifier: MIT
 *
 * The timers (listed in English above enum tcp_timer) and the thresholds that they enforce: R1 and
 * R2 (RFC 9293 3.8.3), the user timeout (3.10.8), keep-alive (3.8.4).
 */
#include "tcp_fast_open.h"
#include "tcp_internal.h"

/* Of a connection nobody holds any more, no more than this many repetitions (Linux:
 * tcp_orphan_retries). */
#define ORPHAN_RETRIES 8u
#define RETRIES_FOR_EVER 255u
/* RFC 9293 3.8.6.2.1: the override timeout is 0.1 s to 1 s; a cork holds no longer either. */
#define OVERRIDE_NS (200 * HF_MILLISECOND)

const char *tcp_timer_name(enum tcp_timer timer)
{
    switch (timer) {
    case TCP_TIMER_REORDERING:
        return "reordering";
    case TCP_TIMER_LOSS_PROBE:
        return "loss-probe";
    case TCP_TIMER_RETRANSMIT:
        return "retransmit";
    case TCP_TIMER_PROBE:
        return "probe";
    case TCP_TIMER_DELAYED_ACK:
        return "delayed-ack";
    case TCP_TIMER_KEEPALIVE:
        return "keepalive";
    case TCP_TIMER_FIN_WAIT_2:
        return "fin-wait-2";
    case TCP_TIMER_PACING:
        return "pacing";
    case TCP_TIMER_COUNT:
        break;
    }
    return "";
}

/* An interval's end, cut short where the user timeout comes first. */
static hf_time bounded_deadline(const struct tcp_conn *conn, const struct tcp_host *host,
                                hf_time interval, hf_time since)
{
    hf_time deadline = host->now + interval;
    if (conn->user_timeout_ns != 0 && since + conn->user_timeout_ns < deadline) {
        deadline = since + conn->user_timeout_ns;
        return deadline > host->now ? deadline : host->now + 1;
    }
    return deadline;
}

/* What the thresholds measure from: while the window is shut the peer's answers count, not the
 * data's age (SHLD-17). */
static hf_time patience_since(const struct tcp_conn *conn)
{
    return conn->snd.wnd == 0 && conn->last_received > conn->progress_time ? conn->last_received
                                                                           : conn->progress_time;
}

/* Something is waiting for the peer's window or for silly-window avoidance, and nothing is in
 * flight whose ACK would bring news. */
static bool probe_needed(const struct tcp_conn *conn)
{
    bool fin_unsent = conn->fin_queued && seq_le(conn->snd.nxt, tcp_fin_seq(conn));
    if (conn->deadlines[TCP_TIMER_PACING] != HF_TIME_NEVER) {
        return false; /* it is pacing that it waits for */
    }
    switch (conn->state) {
    case HF_ESTABLISHED:
    case HF_CLOSE_WAIT:
    case HF_FIN_WAIT_1:
    case HF_CLOSING:
    case HF_LAST_ACK:
        return tcp_flight(conn) == 0 && (tcp_unsent_bytes(conn) > 0 || fin_unsent);
    case HF_CLOSED:
    case HF_LISTEN:
    case HF_SYN_SENT:
    case HF_SYN_RECEIVED:
    case HF_FIN_WAIT_2:
    case HF_TIME_WAIT:
        break;
    }
    return false;
}

/* Keeps MUST-36, RFC6298-5-a, RFC6298-5.1-a, RFC6298-5.6-a. */
void tcp_arm_retransmit_anew(struct tcp_conn *conn, struct tcp_host *host)
{
    hf_time *retransmit = &conn->deadlines[TCP_TIMER_RETRANSMIT];
    hf_time *probe = &conn->deadlines[TCP_TIMER_PROBE];
    if (tcp_flight(conn) > 0) {
        *probe = HF_TIME_NEVER;
        if (*retransmit == HF_TIME_NEVER) {
            *retransmit =
                bounded_deadline(conn, host, tcp_backed_off_rto(conn, host), patience_since(conn));
        }
        return;
    }
    *retransmit = HF_TIME_NEVER;
    if (!probe_needed(conn)) {
        *probe = HF_TIME_NEVER;
    } else if (*probe == HF_TIME_NEVER) {
        hf_time interval = tcp_backed_off_rto(conn, host);
        if (conn->snd.wnd > 0 && interval > OVERRIDE_NS) {
            interval = OVERRIDE_NS;
        }
        *probe = bounded_deadline(conn, host, interval,
                                  conn->probes_out > 0 ? conn->last_received : host->now);
    }
}

/* Keeps MUST-24, MUST-25, MUST-27, MAY-5. */
void tcp_start_keepalive(struct tcp_conn *conn)
{
    bool runs = false;
    switch (conn->state) {
    case HF_ESTABLISHED:
    case HF_CLOSE_WAIT:
    case HF_FIN_WAIT_1:
    case HF_FIN_WAIT_2:
    case HF_CLOSING:
    case HF_LAST_ACK:
        runs = true;
        break;
    case HF_CLOSED:
    case HF_LISTEN:
    case HF_SYN_SENT:
    case HF_SYN_RECEIVED:
    case HF_TIME_WAIT:
        break;
    }
    conn->deadlines[TCP_TIMER_KEEPALIVE] =
        runs ? conn->last_received + conn->keepalive_idle_ns : HF_TIME_NEVER;
}

static void give_up(struct tcp_conn *conn, struct tcp_host *host, enum hf_reason reason)
{
    int error = conn->soft_error != HF_OK ? conn->soft_error : HF_ETIMEDOUT;
    host->counters->connections_timed_out++;
    tcp_finish(conn, host, error, reason);
}

/* MUST-20, SHLD-9: at R1 the program is told that delivery is in trouble.
 * Keeps SHLD-10. */
static void report_r1(struct tcp_conn *conn, struct tcp_host *host)
{
    if (conn->r1_reported || conn->backoff < host->config->retries_r1) {
        return;
    }
    conn->r1_reported = true;
    if (conn->soft_error == HF_OK && !conn->orphan) {
        tcp_trace(conn, host, HF_TRACE_ERROR, HF_REASON_TIMEOUT_R1, HF_ETIMEDOUT);
    }
    if (conn->soft_errors) {
        conn->told_soft_error = conn->soft_error != HF_OK ? conn->soft_error : HF_ETIMEDOUT;
        tcp_tell(conn, HF_EVENT_SOFT_ERROR);
    }
}

/* Keeps MUST-20, MUST-21, SHLD-11. */
static bool retries_exhausted(const struct tcp_conn *conn, uint32_t tries)
{
    uint32_t limit = conn->retries_r2;
    if (conn->orphan) {
        limit = min_u32(limit, ORPHAN_RETRIES);
    }
    return limit != RETRIES_FOR_EVER && tries >= limit;
}

/* RFC 6069 7: where doublings were taken back their count no longer tells the time; it ends when
 * all of them would have passed. */
static bool reverted_too_long(const struct tcp_conn *conn, const struct tcp_host *host)
{
    hf_time rto = conn->rto_us * HF_MICROSECOND;
    hf_time patience = 0;
    uint32_t limit = conn->orphan ? min_u32(conn->retries_r2, ORPHAN_RETRIES) : conn->retries_r2;
    if (!conn->backoff_reverted || limit == RETRIES_FOR_EVER) {
        return false;
    }
    for (uint32_t i = 0; i <= limit; i++) {
        patience += rto;
        rto = 2 * rto < host->config->max_rto_ns ? 2 * rto : host->config->max_rto_ns;
    }
    return host->now - conn->progress_time >= patience;
}

static bool user_timeout_over(const struct tcp_conn *conn, const struct tcp_host *host,
                              hf_time since)
{
    return conn->user_timeout_ns != 0 && host->now - since >= conn->user_timeout_ns;
}

static void count_timeout(struct tcp_conn *conn, struct tcp_host *host, enum hf_reason reason)
{
    if (conn->backoff < UINT8_MAX) {
        conn->backoff++;
    }
    tcp_trace(conn, host, HF_TRACE_TIMER, reason, tcp_backed_off_rto(conn, host));
}

/* MUST-22, 23: a SYN has the same thresholds; config.syn_retries makes R2 over 3 minutes. */
static void syn_timeout(struct tcp_conn *conn, struct tcp_host *host)
{
    /* One more than the SYN cache gives, as in Linux: the program may have it already. */
    uint32_t most = conn->fast_open_child ? host->config->syn_ack_retries + 1 : conn->syn_retries;
    if (user_timeout_over(conn, host, conn->progress_time)) {
        give_up(conn, host, HF_REASON_TIMEOUT_USER);
        return;
    }
    if (conn->backoff >= most) {
        tcp_fast_open_timeout(conn, host, true);
        give_up(conn, host, HF_REASON_TIMEOUT_SYN);
        return;
    }
    tcp_fast_open_timeout(conn, host, false);
    tcp_tally_timeout(conn, host);
    count_timeout(conn, host, HF_REASON_TIMER_RETRANSMIT);
    conn->syn_retransmitted = true;
    conn->rtt_timing = false;
    conn->intents |= TCP_INTENT_SYN;
    report_r1(conn, host);
}

static void retransmit_timeout(struct tcp_conn *conn, struct tcp_host *host)
{
    uint32_t tries = conn->snd.wnd == 0 ? conn->probes_out : conn->backoff;
    if (seq_eq(conn->snd.una, conn->iss)) {
        syn_timeout(conn, host);
        return;
    }
    if (user_timeout_over(conn, host, patience_since(conn))) {
        give_up(conn, host, HF_REASON_TIMEOUT_USER);
        return;
    }
    if (retries_exhausted(conn, tries) || reverted_too_long(conn, host)) {
        give_up(conn, host, HF_REASON_TIMEOUT_R2);
        return;
    }
    tcp_fast_open_timeout(conn, host, false);
    tcp_tally_timeout(conn, host);
    tcp_mtu_on_timeout(conn, host);
    tcp_too_big_confirmed(conn, host);
    tcp_on_timeout(conn, host);
    count_timeout(conn, host, HF_REASON_TIMER_RETRANSMIT);
    if (conn->probes_out < UINT8_MAX) {
        conn->probes_out++;
    }
    report_r1(conn, host);
}

/* RFC 9293 3.8.6.1: zero-window probes, SHLD-30: doubling; and 3.8.6.2.1's override.
 * Keeps MUST-35, MUST-36, MUST-60. */
static void probe_timeout(struct tcp_conn *conn, struct tcp_host *host)
{
    uint32_t usable = conn->snd.wnd;
    if (!probe_needed(conn)) {
        return;
    }
    if (usable > 0) {
        /* Nobody holds it, and not even memory to send the rest is to be had: not for ever. */
        if (conn->orphan && retries_exhausted(conn, conn->probes_out++)) {
            give_up(conn, host, HF_REASON_TIMEOUT_R2);
            return;
        }
        conn->intents |= TCP_INTENT_FORCE_SMALL;
        tcp_trace(conn, host, HF_TRACE_TIMER, HF_REASON_TIMER_SWS, 0);
        return;
    }
    if (conn->probes_out > 0 && user_timeout_over(conn, host, conn->last_received)) {
        give_up(conn, host, HF_REASON_TIMEOUT_USER);
        return;
    }
    /* An orphan is given up even by a peer that answers: its window may stay shut for ever. */
    if (retries_exhausted(conn, conn->orphan ? conn->backoff : conn->probes_out)) {
        give_up(conn, host, HF_REASON_TIMEOUT_R2);
        return;
    }
    count_timeout(conn, host, HF_REASON_TIMER_PROBE);
    if (conn->probes_out < UINT8_MAX) {
        conn->probes_out++;
    }
    conn->intents |= TCP_INTENT_PROBE;
}

/* MUST-26: only when nothing is outstanding and nothing was heard for the idle interval; MUST-29:
 * one unanswered probe proves nothing. */
static void keepalive_timeout(struct tcp_conn *conn, struct tcp_host *host)
{
    hf_time idle = host->now - conn->last_received;
    hf_time *deadline = &conn->deadlines[TCP_TIMER_KEEPALIVE];
    if (tcp_flight(conn) > 0 || tcp_unsent_bytes(conn) > 0) {
        *deadline = host->now + conn->keepalive_idle_ns;
        return;
    }
    if (idle < conn->keepalive_idle_ns) {
        *deadline = conn->last_received + conn->keepalive_idle_ns;
        return;
    }
    /* A user timeout, where there is one, decides instead of the count (as in Linux). */
    if (conn->user_timeout_ns != 0
            ? conn->probes_out > 0 && user_timeout_over(conn, host, conn->last_received)
            : conn->probes_out >= conn->keepalive_probes) {
        conn->intents |= TCP_INTENT_RESET;
        conn->reset_seq = conn->snd.nxt;
        conn->reset_ack = conn->rcv.nxt;
        conn->reset_has_ack = true;
        give_up(conn, host, HF_REASON_TIMEOUT_KEEPALIVE);
        return;
    }
    conn->probes_out++;
    conn->intents |= TCP_INTENT_KEEPALIVE;
    *deadline = host->now + conn->keepalive_interval_ns;
    tcp_trace(conn, host, HF_TRACE_TIMER, HF_REASON_TIMER_KEEPALIVE, conn->keepalive_interval_ns);
}

static void run_timer(struct tcp_conn *conn, struct tcp_host *host, enum tcp_timer timer)
{
    switch (timer) {
    case TCP_TIMER_REORDERING:
        tcp_rack_timeout(conn, host);
        break;
    case TCP_TIMER_LOSS_PROBE:
        tcp_loss_probe_timeout(conn, host);
        break;
    case TCP_TIMER_RETRANSMIT:
        retransmit_timeout(conn, host);
        break;
    case TCP_TIMER_PROBE:
        probe_timeout(conn, host);
        break;
    case TCP_TIMER_DELAYED_ACK:
        tcp_trace(conn, host, HF_TRACE_TIMER, HF_REASON_TIMER_DELAYED_ACK, 0);
        conn->conversation = false; /* the answer did not come in time */
        tcp_ack_now(conn, HF_REASON_SEND_ACK_DELAYED);
        break;
    case TCP_TIMER_KEEPALIVE:
        keepalive_timeout(conn, host);
        break;
    case TCP_TIMER_FIN_WAIT_2:
        conn->metrics_due = true;
        tcp_finish(conn, host, HF_OK, HF_REASON_TIMEOUT_FIN_WAIT_2);
        break;
    case TCP_TIMER_PACING: /* the stack asks for segments after every timer */
    case TCP_TIMER_COUNT:
        break;
    }
}

void tcp_run_timers(struct tcp_conn *conn, struct tcp_host *host)
{
    for (unsigned timer = 0; timer < TCP_TIMER_COUNT && conn->state != HF_CLOSED; timer++) {
        if (conn->deadlines[timer] <= host->now) {
            if (timer == TCP_TIMER_PACING) {
                tcp_pacing_late(conn, host);
            }
            conn->deadlines[timer] = HF_TIME_NEVER;
            run_timer(conn, host, (enum tcp_timer)timer);
        }
    }
    if (conn->state != HF_CLOSED) {
        tcp_arm_retransmit(conn, host);
    }
}
