/* SPDX-License-Identifier: MIT
 *
 * LISTEN (RFC 9293 3.10.7.2) and the SYN cache (RFC 4987 3.4): a half-open connection costs a small
 * record, not a connection. When the cache is full, SYN-ACKs carry cookies and nothing is kept
 * (syn_cookie.c), or, with config.syn_cookies off, the oldest record makes room: a flood of SYNs
 * can neither hold memory nor keep others out.
 *
 * A record is in SYN-RECEIVED and follows 3.10.7.4 for that state. When the acknowledgement of its
 * SYN-ACK comes, it becomes a connection in SYN-RECEIVED and the same segment goes through the
 * ordinary eight steps there, with its data or FIN.
 */
#include "fast_open.h"
#include "hf_assert.h"

/* Challenge ACKs that one record sends. */
#define RECORD_CHALLENGES 10

static void start_segment(struct hf_stack *stack, const struct syn_record *record,
                          struct tcp_segment *segment, seq32 seq, uint16_t flags)
{
    memset(segment, 0, sizeof *segment);
    segment->source_port = record->tuple.local_port;
    segment->destination_port = record->tuple.remote_port;
    segment->seq = seq;
    segment->ack = seq_add(record->irs, 1);
    segment->flags = flags;
    segment->window = (uint16_t)syn_record_window(stack, record);
    if (record->timestamps) {
        segment->options.has_timestamps = true;
        segment->options.ts_value = (uint32_t)(stack->host.now / HF_MILLISECOND) +
                                    stack_timestamp_offset(stack, &record->tuple);
        segment->options.ts_echo = record->ts_recent;
        if (record->cookie) {
            segment->options.ts_value = syn_cookie_timestamp(record, segment->options.ts_value);
        }
    }
}

/* SYN-ACK: only what the SYN offered is answered (RFC 7323 2.2, 3.2; RFC 2018 2).
 * Keeps RFC9768-3.2.3.2.2-a. */
static void send_syn_ack(struct hf_stack *stack, const struct syn_record *record,
                         const struct fast_open_answer *answer, enum hf_reason reason)
{
    struct tcp_segment segment;
    start_segment(stack, record, &segment, record->iss, HF_SYN | HF_ACK);
    segment.flags |= tcp_ecn_answer_flags(record->ecn, record->syn_codepoint, record->retries);
    if (record->ecn == TCP_ECN_CLASSIC) {
        segment.ecn =
            tcp_ecn_handshake_codepoint(syn_record_prototype(stack, record)->cc, record->ecn);
    }
    segment.options.has_mss = true;
    segment.options.mss = syn_record_mss(stack, record);
    segment.options.has_sack_permitted = record->sack;
    segment.options.has_window_scale = record->window_scaling;
    segment.options.window_scale = syn_record_shift(stack, record);
    if (answer != NULL && answer->option) {
        fast_open_fill(answer, &segment.options);
    }
    if (record->ecn == TCP_ECN_ACCURATE && !record->repeated && record->retries == 0) {
        tcp_ecn_first_option(&stack->host, &segment.options);
    }
    reply_segment(stack, &record->tuple, &segment, reason, HF_SYN_RECEIVED, record);
}

/* It goes once more; RFC 9768 3.1.4.2: without agreeing to anything, for the first time? */
static void tell_fallback(struct hf_stack *stack, const struct syn_record *record)
{
    if (tcp_ecn_answer_flags(record->ecn, record->syn_codepoint, record->retries) == 0 &&
        tcp_ecn_answer_flags(record->ecn, record->syn_codepoint, record->retries - 1u) != 0) {
        stack_trace_record(stack, &record->tuple, HF_REASON_ECN_SYN_ACK_FALLBACK);
    }
}

static void challenge(struct hf_stack *stack, struct syn_record *record)
{
    struct tcp_segment segment;
    if (record->challenges >= RECORD_CHALLENGES) {
        return;
    }
    record->challenges++;
    stack->counters.challenge_acks_sent++;
    start_segment(stack, record, &segment, seq_add(record->iss, 1), HF_ACK);
    segment.flags |= tcp_ecn_first_ace(record->ecn);
    segment.window = (uint16_t)(segment.window >> syn_record_shift(stack, record));
    reply_segment(stack, &record->tuple, &segment, HF_REASON_SEND_CHALLENGE, HF_SYN_RECEIVED,
                  record);
}

/* ---- records */

static void drop_record(struct hf_stack *stack, uint32_t index)
{
    struct syn_record *record = pool_at(&stack->syn_records, index);
    index_list_remove(&stack->syn_stages[syn_record_stage(record)], &stack->syn_records, index);
    saved_syn_free(stack, &record->saved_syn);
    record->live = false;
    pool_release(&stack->syn_records, index);
    stack->counters.syn_records--;
}

void syn_cache_remove(struct hf_stack *stack, uint32_t index)
{
    struct syn_record *record = pool_at(&stack->syn_records, index);
    flow_remove(stack, record->hash, flow_reference(FLOW_SYN, index));
    drop_record(stack, index);
}

void syn_cache_remove_listener(struct hf_stack *stack, uint32_t listener)
{
    for (uint32_t index = 0; index < pool_extent(&stack->syn_records); index++) {
        struct syn_record *record = pool_at(&stack->syn_records, index);
        if (record->live && record->listener == listener) {
            stack_trace_state(stack, &record->tuple, HF_REASON_USER_CLOSE, HF_SYN_RECEIVED,
                              HF_CLOSED, record->iss, record->irs);
            syn_cache_remove(stack, index);
        }
    }
}

/* The one that has waited longest: at the head of the latest stage. */
static void evict_oldest(struct hf_stack *stack)
{
    for (unsigned stage = SYN_STAGES; stage > 0; stage--) {
        uint32_t index = stack->syn_stages[stage - 1].head;
        if (index != POOL_NONE) {
            struct syn_record *record = pool_at(&stack->syn_records, index);
            stack_trace_state(stack, &record->tuple, HF_REASON_SYN_CACHE_FULL, HF_SYN_RECEIVED,
                              HF_LISTEN, record->iss, record->irs);
            stack->counters.syn_records_evicted++;
            syn_cache_remove(stack, index);
            return;
        }
    }
}

static struct syn_record *allocate_record(struct hf_stack *stack, uint32_t *index)
{
    struct syn_record *record = pool_allocate(&stack->syn_records, index);
    if (record == NULL) {
        evict_oldest(stack);
        record = pool_allocate(&stack->syn_records, index);
    }
    return record;
}

/* Keeps RFC7323-2.2-a, RFC7323-2.3-a, RFC7323-3.2-f. */
static void fill_record(struct hf_stack *stack, struct syn_record *record,
                        const struct stack_listener *listener, const struct arrival *arrival,
                        const seq32 *above)
{
    const struct tcp_options *options = &arrival->segment->options;
    memset(record, 0, sizeof *record);
    record->live = true;
    record->tuple = arrival->tuple;
    record->hash = arrival->hash;
    record->listener = listener->index;
    record->irs = arrival->segment->seq;
    record->iss = stack_isn(stack, &arrival->tuple);
    if (above != NULL && seq_le(record->iss, *above)) {
        /* MAY-2: beyond whatever the old connection may have used. */
        record->iss = seq_add(*above, 65536);
    }
    record->snd_wnd = arrival->segment->window;
    record->peer_mss = arrival->tuple.family == HF_IPV4 ? 536 : 1220; /* MUST-15 */
    if (options->has_mss && options->mss != 0) {
        record->peer_mss = options->mss;
    }
    record->window_scaling = stack->config.window_scaling && options->has_window_scale;
    record->snd_wind_shift = options->window_scale < 14 ? options->window_scale : 14;
    record->timestamps = stack->config.timestamps && options->has_timestamps;
    record->ts_recent = options->ts_value;
    record->sack = stack->config.sack && options->has_sack_permitted;
    record->ecn = tcp_ecn_answer(&stack->host, listener->prototype.cc, arrival->segment);
    record->syn_codepoint = arrival->segment->ecn;
    record->deadline = stack->host.now + syn_stage_interval(stack, 0);
}

/* The cache is full: the SYN-ACK goes out, and nothing is kept (RFC 4987 3.6). */
static enum hf_reason send_cookie(struct hf_stack *stack, struct stack_listener *listener,
                                  const struct arrival *arrival)
{
    struct syn_record record;
    fill_record(stack, &record, listener, arrival, NULL);
    syn_cookie_make(stack, &record);
    send_syn_ack(stack, &record, NULL, HF_REASON_SYN_COOKIE);
    return HF_REASON_SYN_COOKIE;
}

/* RFC 7413 4.2.2: the SYN is all that is needed. False: no memory, and the ordinary way is open. */
static bool open_at_once(struct hf_stack *stack, struct stack_listener *listener,
                         const struct arrival *arrival, const seq32 *above,
                         const struct fast_open_answer *answer)
{
    struct syn_record record;
    struct stack_connection *connection =
        stack_connection_new(stack, &arrival->tuple, arrival->hash);
    if (connection == NULL) {
        return false;
    }
    fill_record(stack, &record, listener, arrival, above);
    syn_record_open(stack, &connection->tcp, &record);
    if (!fast_open_begin(stack, listener, connection, answer, arrival->segment)) {
        stack_connection_free(stack, connection);
        return false;
    }
    if (!flow_insert(stack, arrival->hash, flow_reference(FLOW_CONNECTION, connection->index))) {
        fast_open_abandon(stack, connection);
        stack_connection_free(stack, connection);
        return false;
    }
    connection->in_table = true;
    connection->saved_syn = saved_syn_take(stack, listener, arrival);
    stack_trace_state(stack, &record.tuple, answer->reason, HF_LISTEN, HF_SYN_RECEIVED, record.iss,
                      record.irs);
    listener_enqueue(stack, listener, connection);
    stack_settle(stack, connection);
    return true;
}

enum hf_reason syn_cache_add(struct hf_stack *stack, struct stack_listener *listener,
                             const struct arrival *arrival, const seq32 *above)
{
    uint32_t index;
    struct syn_record *record;
    struct fast_open_answer answer;
    if (listener->accept_count >= listener->backlog) {
        return HF_REASON_LISTEN_BACKLOG;
    }
    if (stack->config.syn_cookies && stack->counters.syn_records >= stack->config.max_syn_records) {
        return send_cookie(stack, listener, arrival);
    }
    answer = fast_open_judge(stack, listener, arrival);
    if (answer.accept && open_at_once(stack, listener, arrival, above, &answer)) {
        return answer.reason;
    }
    if (answer.accept) { /* no memory: the ordinary way, which needs less */
        answer.reason = HF_REASON_ACCEPTED;
        stack->counters.fast_open_passive_failed++;
    }
    record = allocate_record(stack, &index);
    if (record == NULL) {
        return HF_REASON_MEMORY_LIMIT;
    }
    if (!flow_insert(stack, arrival->hash, flow_reference(FLOW_SYN, index))) {
        record->live = false;
        pool_release(&stack->syn_records, index);
        return HF_REASON_MEMORY_LIMIT;
    }
    fill_record(stack, record, listener, arrival, above);
    record->saved_syn = saved_syn_take(stack, listener, arrival);
    index_list_append(&stack->syn_stages[0], &stack->syn_records, index);
    if (record->deadline < stack->syn_quiet_until) {
        stack->syn_quiet_until = record->deadline;
    }
    stack->counters.syn_records++;
    stack_trace_state(stack, &record->tuple, HF_REASON_SYN_ARRIVED, HF_LISTEN, HF_SYN_RECEIVED,
                      record->iss, record->irs);
    send_syn_ack(stack, record, &answer, HF_REASON_SEND_SYN_ACK);
    return answer.reason;
}

/* ---- 3.10.7.2: LISTEN */

static enum hf_reason listen_verdict(struct hf_stack *stack, struct stack_listener *listener,
                                     const struct arrival *arrival)
{
    const struct tcp_segment *segment = arrival->segment;
    struct tcp_segment reset;
    /* First, RST; second, ACK; third, SYN; fourth, anything else. */
    if (segment->flags & HF_RST) {
        return HF_REASON_LISTEN_RST;
    }
    if (segment->flags & HF_ACK) {
        if (tcp_reset_for(segment, &reset)) {
            stack->counters.resets_sent++;
            reply_segment(stack, &arrival->tuple, &reset, HF_REASON_SEND_RST, HF_LISTEN, NULL);
        }
        return HF_REASON_LISTEN_ACK;
    }
    if (!(segment->flags & HF_SYN)) {
        return HF_REASON_LISTEN_NOT_SYN;
    }
    if (segment->flags & HF_FIN) {
        return HF_REASON_LISTEN_SYN_FIN;
    }
    /* Text on the SYN is not kept: the peer sends it again (RFC 9293 3.10.7.2 allows either). */
    return syn_cache_add(stack, listener, arrival, NULL);
}

/* ---- 3.10.7.4: SYN-RECEIVED */

/* Whether the peer has our SYN-ACK or not, it believes this RST. */
static void reset_record(struct hf_stack *stack, struct syn_record *record, uint32_t index,
                         enum hf_reason reason)
{
    struct tcp_segment reset;
    start_segment(stack, record, &reset, seq_add(record->iss, 1), HF_RST | HF_ACK);
    reset.window = 0;
    stack->counters.resets_sent++;
    reply_segment(stack, &record->tuple, &reset, HF_REASON_SEND_RST, HF_SYN_RECEIVED, record);
    stack_trace_state(stack, &record->tuple, reason, HF_SYN_RECEIVED, HF_LISTEN, record->iss,
                      record->irs);
    syn_cache_remove(stack, index);
}

/* The SYN came again: so does the answer, without the option of the first (RFC 9768 3.2.3.2.2). */
static enum hf_reason take_repeated_syn(struct hf_stack *stack, struct syn_record *record,
                                        uint32_t index, const struct tcp_segment *segment)
{
    unsigned stage = syn_record_stage(record);
    enum hf_reason reason = HF_REASON_SYN_CACHE_DUPLICATE;
    if (tcp_ecn_syn_contradicts(record->ecn, segment->flags)) {
        reset_record(stack, record, index, HF_REASON_ACCECN_CONTRADICTED);
        return HF_REASON_ACCECN_CONTRADICTED;
    }
    record->repeated = true;
    record->syn_codepoint = segment->ecn; /* RFC9768-3.1.5-d: that of the latest */
    /* RFC 3168 6.1.1: "if a host has received at least one non-ECN-setup SYN, then it SHOULD NOT
     * set ECT". Its first SYN-ACK may be the one that arrives, so the answer stays. */
    if (!record->no_ect && tcp_ecn_answer(&stack->host, syn_record_prototype(stack, record)->cc,
                                          segment) != record->ecn) {
        record->no_ect = true;
        reason = record->ecn != TCP_ECN_OFF ? HF_REASON_ECN_SYN_PLAIN : reason;
    }
    /* The timer starts anew, as in Linux: what was just answered is not asked again at once. */
    index_list_remove(&stack->syn_stages[stage], &stack->syn_records, index);
    index_list_append(&stack->syn_stages[stage], &stack->syn_records, index);
    record->deadline = stack->host.now + syn_stage_interval(stack, stage);
    send_syn_ack(stack, record, NULL, HF_REASON_RETRANSMIT_SYN_ACK);
    return reason;
}

/* True when the segment is what completes the opening; otherwise *reason says what became of it. */
static bool record_check(struct hf_stack *stack, struct syn_record *record, uint32_t index,
                         const struct tcp_segment *segment, enum hf_reason *reason)
{
    seq32 rcv_nxt = seq_add(record->irs, 1);
    if ((segment->flags & (HF_SYN | HF_ACK | HF_RST)) == HF_SYN &&
        seq_eq(segment->seq, record->irs)) {
        *reason = take_repeated_syn(stack, record, index, segment);
        return false;
    }
    *reason = tcp_sequence_verdict(rcv_nxt, syn_record_window(stack, record), segment);
    if (record->timestamps && segment->options.has_timestamps && !(segment->flags & HF_RST) &&
        (int32_t)(segment->options.ts_value - record->ts_recent) < 0) {
        *reason = HF_REASON_PAWS; /* RFC 7323 5.3 R1 */
    }
    if (*reason != HF_REASON_NONE) {
        if (segment->flags & HF_RST) {
            *reason = HF_REASON_RST_OUTSIDE;
        } else {
            challenge(stack, record);
        }
        return false;
    }
    if (segment->flags & HF_RST) {
        if (seq_eq(segment->seq, rcv_nxt)) {
            *reason = HF_REASON_RST_BACK_TO_LISTEN;
            stack_trace_state(stack, &record->tuple, *reason, HF_SYN_RECEIVED, HF_LISTEN,
                              record->iss, record->irs);
            syn_cache_remove(stack, index);
        } else {
            *reason = HF_REASON_RST_CHALLENGED;
            challenge(stack, record);
        }
        return false;
    }
    if (segment->flags & HF_SYN) {
        *reason = HF_REASON_SYN_CHALLENGED;
        challenge(stack, record);
        return false;
    }
    if (!(segment->flags & HF_ACK)) {
        *reason = HF_REASON_NO_ACK_BIT;
        return false;
    }
    if (!seq_eq(segment->ack, seq_add(record->iss, 1))) {
        struct tcp_segment reset;
        *reason = HF_REASON_SYN_RECEIVED_BAD_ACK;
        tcp_reset_for(segment, &reset);
        stack->counters.resets_sent++;
        reply_segment(stack, &record->tuple, &reset, HF_REASON_SEND_RST, HF_SYN_RECEIVED, record);
        return false;
    }
    if (record->retries < syn_record_prototype(stack, record)->defer_accept &&
        seq_eq(seq_add(segment->seq, tcp_segment_length(segment)), rcv_nxt)) {
        *reason = HF_REASON_DEFER_ACCEPT;
        record->bare_ack = true;
        return false;
    }
    return true;
}

/* The record becomes a connection, and the segment goes through the eight steps. `from` is the
 * record's reference in the flow table, or FLOW_NONE when it never had one (a cookie). */
static enum hf_reason promote(struct hf_stack *stack, const struct syn_record *record,
                              uint32_t from, const struct arrival *arrival, bool *promoted)
{
    struct stack_listener *listener = pool_at(&stack->listeners, record->listener);
    struct stack_connection *connection;
    struct hf_trace_numbers numbers;
    uint32_t reference;
    enum hf_reason reason;
    if (listener->accept_count >= listener->backlog) {
        return HF_REASON_LISTEN_BACKLOG;
    }
    connection = stack_connection_new(stack, &record->tuple, record->hash);
    if (connection == NULL) {
        return HF_REASON_RESOURCES;
    }
    reference = flow_reference(FLOW_CONNECTION, connection->index);
    if (from != FLOW_NONE) {
        flow_replace(stack, record->hash, from, reference);
    } else if (!flow_insert(stack, record->hash, reference)) {
        stack_connection_free(stack, connection);
        return HF_REASON_MEMORY_LIMIT;
    }
    *promoted = true;
    connection->in_table = true;
    syn_record_open(stack, &connection->tcp, record);
    connection->saved_syn = record->saved_syn;
    reason = tcp_segment_arrives(&connection->tcp, &stack->host, arrival->segment);
    HF_ASSERT(connection->tcp.state != HF_SYN_RECEIVED); /* record_check saw to it */
    listener_enqueue(stack, listener, connection);
    if (stack_tracing(stack)) {
        tcp_trace_numbers(&connection->tcp, &numbers);
        stack_trace_received(stack, arrival, reason, HF_SYN_RECEIVED, connection->tcp.state,
                             connection->tcp.handle, &numbers);
    }
    stack_settle(stack, connection);
    return reason;
}

/* RFC 4987 3.6: an ACK for which there is no record may bring back a cookie. False: it is none of
 * ours. */
static bool take_cookie(struct hf_stack *stack, struct stack_listener *listener,
                        const struct arrival *arrival, enum hf_reason *reason)
{
    struct syn_record record;
    bool promoted = false;
    if (!syn_cookie_read(stack, arrival, &record)) {
        return false;
    }
    record.listener = listener->index;
    stack_trace_state(stack, &record.tuple, HF_REASON_SYN_COOKIE, HF_LISTEN, HF_SYN_RECEIVED,
                      record.iss, record.irs);
    *reason = promote(stack, &record, FLOW_NONE, arrival, &promoted);
    if (!promoted) {
        stack_trace_received(stack, arrival, *reason, HF_LISTEN, HF_LISTEN, HF_NO_HANDLE, NULL);
    }
    return true;
}

enum hf_reason arrives_listen(struct hf_stack *stack, struct stack_listener *listener,
                              const struct arrival *arrival)
{
    enum hf_reason reason;
    if ((arrival->segment->flags & (HF_SYN | HF_ACK | HF_RST)) == HF_ACK &&
        take_cookie(stack, listener, arrival, &reason)) {
        return reason;
    }
    reason = listen_verdict(stack, listener, arrival);
    if (!stack_tracing(stack)) {
        return reason;
    }
    stack_trace_received(
        stack, arrival, reason, HF_LISTEN,
        flow_find(stack, &arrival->tuple, arrival->hash) != FLOW_NONE ? HF_SYN_RECEIVED : HF_LISTEN,
        HF_NO_HANDLE, NULL);
    return reason;
}

enum hf_reason syn_record_arrives(struct hf_stack *stack, uint32_t index,
                                  const struct arrival *arrival)
{
    struct syn_record *record = pool_at(&stack->syn_records, index);
    struct hf_trace_numbers numbers;
    enum hf_reason reason = HF_REASON_NONE;
    enum hf_state after = HF_SYN_RECEIVED;
    memset(&numbers, 0, sizeof numbers);
    numbers.iss = record->iss.value;
    numbers.irs = record->irs.value;
    numbers.snd_nxt = record->iss.value + 1;
    numbers.rcv_nxt = record->irs.value + 1;
    if (record_check(stack, record, index, arrival->segment, &reason)) {
        struct syn_record copy = *record;
        bool promoted = false;
        reason = promote(stack, &copy, flow_reference(FLOW_SYN, index), arrival, &promoted);
        if (promoted) {
            record->saved_syn = NULL; /* the connection has it */
            drop_record(stack, index);
            return reason;
        }
    } else if (reason == HF_REASON_RST_BACK_TO_LISTEN) {
        after = HF_LISTEN;
    }
    stack_trace_received(stack, arrival, reason, HF_SYN_RECEIVED, after, HF_NO_HANDLE, &numbers);
    return reason;
}

enum hf_reason syn_cache_icmp(struct hf_stack *stack, uint32_t index, seq32 quoted_seq, bool hard)
{
    struct syn_record *record = pool_at(&stack->syn_records, index);
    if (!seq_eq(quoted_seq, record->iss)) {
        return HF_REASON_ICMP_SEQUENCE;
    }
    if (!hard) {
        return HF_REASON_ICMP_SOFT;
    }
    stack_trace_state(stack, &record->tuple, HF_REASON_ICMP_HARD, HF_SYN_RECEIVED, HF_LISTEN,
                      record->iss, record->irs);
    syn_cache_remove(stack, index);
    return HF_REASON_ICMP_HARD;
}

/* ---- time */

hf_time syn_cache_next_deadline(const struct hf_stack *stack)
{
    hf_time earliest = HF_TIME_NEVER;
    for (unsigned stage = 0; stack->counters.syn_records > 0 && stage < SYN_STAGES; stage++) {
        uint32_t index = stack->syn_stages[stage].head;
        if (index != POOL_NONE) {
            const struct syn_record *record = pool_at(&stack->syn_records, index);
            earliest = record->deadline < earliest ? record->deadline : earliest;
        }
    }
    return earliest;
}

/* As in Linux, what a program says of its listener's SYNs is about its SYN-ACKs. */
static uint32_t most_retries(struct hf_stack *stack, const struct tcp_conn *prototype)
{
    uint32_t most = stack->config.syn_ack_retries;
    if (prototype->syn_retries_set) {
        most = prototype->syn_retries;
    }
    return most < SYN_STAGES ? most : SYN_STAGES - 1;
}

static void record_timeout(struct hf_stack *stack, uint32_t index)
{
    struct syn_record *record = pool_at(&stack->syn_records, index);
    const struct tcp_conn *prototype = syn_record_prototype(stack, record);
    uint8_t defer = prototype->defer_accept;
    bool resend;
    /* HF_OPTION_DEFER_ACCEPT: who has answered is not asked again until the time for its data is
     * nearly over; then once more, and the ACK of that opens. */
    if (record->retries >= most_retries(stack, prototype) &&
        (!record->bare_ack || record->retries >= defer)) {
        stack_trace_state(stack, &record->tuple, HF_REASON_TIMEOUT_SYN, HF_SYN_RECEIVED, HF_LISTEN,
                          record->iss, record->irs);
        stack->counters.connections_timed_out++;
        syn_cache_remove(stack, index);
        return;
    }
    resend = !record->bare_ack || record->retries + 1u >= defer;
    index_list_remove(&stack->syn_stages[syn_record_stage(record)], &stack->syn_records, index);
    record->retries++;
    index_list_append(&stack->syn_stages[syn_record_stage(record)], &stack->syn_records, index);
    record->deadline = stack->host.now + syn_stage_interval(stack, syn_record_stage(record));
    if (resend) {
        stack->counters.segments_retransmitted++;
        tell_fallback(stack, record);
        send_syn_ack(stack, record, NULL, HF_REASON_RETRANSMIT_SYN_ACK);
    }
}

void syn_cache_run_due(struct hf_stack *stack)
{
    /* From the last stage down, so that what moves up a stage is not looked at again. */
    for (unsigned stage = SYN_STAGES; stack->counters.syn_records > 0 && stage > 0; stage--) {
        uint32_t index;
        while ((index = stack->syn_stages[stage - 1].head) != POOL_NONE) {
            const struct syn_record *record = pool_at(&stack->syn_records, index);
            if (record->deadline > stack->host.now) {
                break;
            }
            record_timeout(stack, index);
        }
    }
    stack->syn_quiet_until = syn_cache_next_deadline(stack);
}
