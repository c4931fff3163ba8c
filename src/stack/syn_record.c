/* SPDX-License-Identifier: MIT
 *
 * What a record of the SYN cache stands for: what its SYN-ACK offers, how long it waits, and the
 * connection that it becomes. A record keeps only what the peer's SYN said; the rest is the
 * listener's prototype and the stack's configuration.
 */
#include "stack_state.h"

hf_time syn_stage_interval(const struct hf_stack *stack, unsigned stage)
{
    hf_time interval = stack->config.initial_rto_ns;
    for (unsigned i = 0; i < stage && interval < stack->config.max_rto_ns; i++) {
        interval *= 2;
    }
    return interval < stack->config.max_rto_ns ? interval : stack->config.max_rto_ns;
}

/* Where the record waits: after so many retries that the interval no longer grows, at the end. */
unsigned syn_record_stage(const struct syn_record *record)
{
    return record->retries < SYN_STAGES ? record->retries : SYN_STAGES - 1;
}

const struct tcp_conn *syn_record_prototype(const struct hf_stack *stack,
                                            const struct syn_record *record)
{
    const struct stack_listener *listener = pool_at(&stack->listeners, record->listener);
    return &listener->prototype;
}

uint8_t syn_record_shift(const struct hf_stack *stack, const struct syn_record *record)
{
    return record->window_scaling
               ? tcp_window_shift_of(syn_record_prototype(stack, record), &stack->config)
               : 0;
}

/* What the link takes, whatever the path may be known to take.
 * Keeps RFC1191-3.1-a, RFC8201-5.4-b. */
uint16_t syn_record_mss(const struct hf_stack *stack, const struct syn_record *record)
{
    const struct tcp_conn *prototype = syn_record_prototype(stack, record);
    uint32_t headers = (uint32_t)ip_header_bytes(record->tuple.family) + TCP_HEADER_BYTES;
    uint32_t mss = stack->config.mtu - headers;
    if (prototype->max_segment != 0 && prototype->max_segment < mss) {
        mss = prototype->max_segment;
    }
    return (uint16_t)mss;
}

/* The window that a SYN-ACK can offer, unscaled. */
uint32_t syn_record_window(const struct hf_stack *stack, const struct syn_record *record)
{
    return tcp_first_window(syn_record_prototype(stack, record));
}

static void inherit_options(struct tcp_conn *conn, const struct tcp_conn *prototype)
{
    conn->cc = prototype->cc;
    conn->max_pacing_rate = prototype->max_pacing_rate;
    conn->nagle = prototype->nagle;
    conn->cork = prototype->cork;
    conn->keepalive = prototype->keepalive;
    conn->quick_ack = prototype->quick_ack;
    conn->soft_errors = prototype->soft_errors;
    conn->fin_wait_2_ns = prototype->fin_wait_2_ns;
    conn->keepalive_idle_ns = prototype->keepalive_idle_ns;
    conn->keepalive_interval_ns = prototype->keepalive_interval_ns;
    conn->keepalive_probes = prototype->keepalive_probes;
    conn->user_timeout_ns = prototype->user_timeout_ns;
    conn->retries_r2 = prototype->retries_r2;
    conn->syn_retries = prototype->syn_retries;
    conn->receive_limit_bytes = prototype->receive_limit_bytes;
    conn->receive_tuned = prototype->receive_tuned;
    conn->send_limit_bytes = prototype->send_limit_bytes;
    conn->send_tuned = prototype->send_tuned;
    conn->window_clamp_bytes = prototype->window_clamp_bytes;
    conn->not_sent_low_water_bytes = prototype->not_sent_low_water_bytes;
    conn->path_mtu_discovery = prototype->path_mtu_discovery;
    conn->max_segment = prototype->max_segment;
    conn->ttl = prototype->ttl;
    conn->traffic_class = prototype->traffic_class;
}

/* Keeps RFC9768-3.1.5-b. */
void syn_record_open(struct hf_stack *stack, struct tcp_conn *conn, const struct syn_record *record)
{
    struct tcp_passive_open open = {
        .iss = record->iss,
        .irs = record->irs,
        .ts_offset = stack_timestamp_offset(stack, &record->tuple),
        .ts_recent = record->ts_recent,
        .rcv_wnd = syn_record_window(stack, record),
        .snd_wnd = record->snd_wnd,
        .peer_mss = record->peer_mss,
        .own_mss = syn_record_mss(stack, record),
        .snd_wind_shift = record->window_scaling ? record->snd_wind_shift : 0,
        .rcv_wind_shift = syn_record_shift(stack, record),
        .timestamps = record->timestamps,
        .sack = record->sack,
        .ecn = record->ecn,
        .syn_codepoint = record->syn_codepoint,
        .no_ect = record->no_ect ||
                  tcp_ecn_answer_flags(record->ecn, record->syn_codepoint, record->retries) == 0,
        .window_scaling = record->window_scaling,
        .syn_ack_retransmitted = record->retries > 0,
        .syn_ack_repeated = record->retries > 0 || record->repeated,
        .syn_ack_sent = record->deadline - syn_stage_interval(stack, syn_record_stage(record)),
    };
    inherit_options(conn, syn_record_prototype(stack, record));
    path_mtu_look_up(stack, conn);
    tcp_open_passive(conn, &stack->host, &open);
}
