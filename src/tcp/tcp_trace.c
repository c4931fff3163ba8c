/* SPDX-License-Identifier: MIT
 *
 * Events about a connection. Nothing is computed unless somebody listens.
 */
#include "tcp_internal.h"

void tcp_trace_numbers(const struct tcp_conn *conn, struct hf_trace_numbers *numbers)
{
    memset(numbers, 0, sizeof *numbers);
    numbers->iss = conn->iss.value;
    numbers->irs = conn->irs.value;
    numbers->snd_una = conn->snd.una.value;
    numbers->snd_nxt = conn->snd.nxt.value;
    numbers->snd_wnd = conn->snd.wnd;
    numbers->rcv_nxt = conn->rcv.nxt.value;
    numbers->rcv_wnd = conn->rcv.wnd;
    numbers->cwnd_bytes = tcp_cwnd_bytes(conn);
    numbers->ssthresh_bytes = conn->congestion.ssthresh_bytes;
    numbers->flight_bytes = tcp_flight(conn);
    numbers->srtt_ns = conn->srtt_us * HF_MICROSECOND;
    numbers->rttvar_ns = conn->rttvar_us * HF_MICROSECOND;
    numbers->rto_ns = conn->rto_us * HF_MICROSECOND;
    numbers->snd_wind_shift = conn->snd_wind_shift;
    numbers->rcv_wind_shift = conn->rcv_wind_shift;
}

void tcp_trace(const struct tcp_conn *conn, const struct tcp_host *host, enum hf_trace_kind kind,
               enum hf_reason reason, int64_t value)
{
    struct hf_trace_event event;
    if (!tcp_tracing(host)) {
        return;
    }
    memset(&event, 0, sizeof event);
    event.time = host->now;
    event.kind = kind;
    event.reason = reason;
    event.host_name = host->config->host_name != NULL ? host->config->host_name : "";
    event.host = host->config->host_id;
    event.connection = conn->handle;
    event.local = flow_tuple_local(&conn->tuple);
    event.remote = flow_tuple_remote(&conn->tuple);
    event.state_before = conn->state;
    event.state = conn->state;
    event.value = value;
    if (kind == HF_TRACE_STATE) {
        event.state_before = (enum hf_state)value;
        event.value = 0;
    }
    tcp_trace_numbers(conn, &event.numbers);
    host->config->trace.event(host->config->trace.context, &event);
}
