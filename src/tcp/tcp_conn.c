/* SPDX-License-Identifier: MIT
 *
 * A connection's beginning and end, and what is asked of it from everywhere.
 */
#include "tcp_fast_open.h"
#include "tcp_internal.h"

#define TIMESTAMP_TICK HF_MILLISECOND
#define CHALLENGE_TOKENS 10u
/* The first segments of a connection are acknowledged at once: they pace the peer's slow start. */
#define QUICK_ACKS_AT_START 16u

static void stop_all_timers(struct tcp_conn *conn)
{
    for (unsigned i = 0; i < TCP_TIMER_COUNT; i++) {
        conn->deadlines[i] = HF_TIME_NEVER;
    }
}

/* Keeps MUST-25, MUST-28. */
void tcp_conn_init(struct tcp_conn *conn, const struct tcp_host *host,
                   const struct flow_tuple *tuple)
{
    const struct hf_config *config = host->config;
    memset(conn, 0, sizeof *conn);
    conn->tuple = *tuple;
    conn->state = HF_CLOSED;
    conn->nagle = config->nagle;
    conn->soft_errors = true;
    conn->ttl = config->ttl;
    conn->traffic_class = config->traffic_class;
    conn->syn_retries = (uint8_t)config->syn_retries;
    conn->retries_r2 = (uint8_t)config->retries_r2;
    conn->keepalive_probes = (uint8_t)config->keepalive_probes;
    conn->keepalive_idle_ns = config->keepalive_idle_ns;
    conn->keepalive_interval_ns = config->keepalive_interval_ns;
    conn->user_timeout_ns = config->user_timeout_ns;
    conn->send_limit_bytes = config->send_buffer_bytes;
    conn->send_tuned = config->send_buffer_max_bytes > config->send_buffer_bytes;
    conn->receive_limit_bytes = config->receive_buffer_bytes;
    conn->not_sent_low_water_bytes = config->not_sent_low_water_bytes;
    conn->receive_tuned = config->receive_buffer_max_bytes > config->receive_buffer_bytes;
    conn->path_mtu_discovery = HF_PATH_MTU_WANT;
    conn->path_mtu = (uint16_t)config->mtu;
    conn->peer_mss = tuple->family == HF_IPV4 ? 536 : 1220; /* MUST-15 */
    conn->receive_mss = 536;
    conn->quick_acks = QUICK_ACKS_AT_START;
    conn->challenge_tokens = CHALLENGE_TOKENS;
    conn->challenge_refill = host->now;
    conn->last_received = host->now;
    conn->progress_time = host->now;
    conn->cc = config->congestion_control;
    conn->rack.reo_wnd_mult = 1;
    conn->reordering = config->duplicate_threshold;
    stop_all_timers(conn);
    tcp_rtt_init(conn, host);
}

void tcp_conn_clear(struct tcp_conn *conn, struct tcp_host *host)
{
    send_queue_clear(&conn->send_queue, host->send_store, conn->error);
    bytequeue_clear(&conn->receive_queue, host->pages);
    conn->send_bytes = 0;
    conn->receive_bytes = 0;
    tcp_reassembly_free(conn, host);
    tcp_sent_free(&conn->sent, host->memory);
    tcp_sender_free(conn, host);
    tcp_fast_open_free(conn, host);
    tcp_notes_free(conn, host);
}

void tcp_tell(struct tcp_conn *conn, enum hf_event_type type)
{
    if (!conn->orphan) {
        conn->events = (tcp_event_set)(conn->events | (1u << type));
    }
}

void tcp_set_state(struct tcp_conn *conn, const struct tcp_host *host, enum hf_state state,
                   enum hf_reason reason)
{
    enum hf_state before = conn->state;
    if (state == before) {
        return;
    }
    conn->state = state;
    tcp_trace(conn, host, HF_TRACE_STATE, reason, (int64_t)before);
}

/* Keeps MUST-12. */
void tcp_finish(struct tcp_conn *conn, struct tcp_host *host, int error, enum hf_reason reason)
{
    if (conn->state == HF_CLOSED) {
        return;
    }
    conn->error = error;
    stop_all_timers(conn);
    conn->intents &= TCP_INTENT_RESET;
    conn->duplicate_acks_due = 0;
    conn->recovery = TCP_RECOVERY_NONE;
    /* What was to be sent is lost; what arrived in order can still be read. */
    send_queue_clear(&conn->send_queue, host->send_store, conn->error);
    conn->send_bytes = 0;
    conn->fin_queued = false;
    tcp_reassembly_free(conn, host);
    tcp_sent_free(&conn->sent, host->memory);
    tcp_sender_free(conn, host);
    tcp_set_state(conn, host, HF_CLOSED, reason);
    if (error != HF_OK) {
        if (tcp_tracing(host) && !conn->orphan) {
            tcp_trace(conn, host, HF_TRACE_ERROR, reason, error);
        }
        tcp_tell(conn, HF_EVENT_ERROR);
    } else {
        tcp_tell(conn, HF_EVENT_CLOSED);
    }
}

/* Keeps RFC7323-5.4-a. */
uint32_t tcp_timestamp(const struct tcp_conn *conn, hf_time now)
{
    return (uint32_t)(now / TIMESTAMP_TICK) + conn->ts_offset;
}
