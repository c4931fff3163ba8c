/* SPDX-License-Identifier: MIT
 *
 * TIME-WAIT (RFC 9293 3.6.1): after the last FIN was acknowledged, the addresses stay taken for
 * 2 MSL, so that our last ACK can be repeated if it was lost and no old segment can wander into a
 * new connection. A record of 64 bytes remembers enough for that; all wait equally long, so the
 * records stand in one queue in the order of their deadlines.
 */
#include "stack_state.h"

struct flow_tuple time_wait_tuple(const struct time_wait_record *record)
{
    struct flow_tuple tuple;
    memset(&tuple, 0, sizeof tuple);
    memcpy(tuple.local, record->local, sizeof tuple.local);
    memcpy(tuple.remote, record->remote, sizeof tuple.remote);
    tuple.local_port = record->local_port;
    tuple.remote_port = record->remote_port;
    tuple.family = record->family;
    return tuple;
}

bool time_wait_owns(const struct time_wait_record *record, const struct flow_tuple *tuple)
{
    return record->remote_port == tuple->remote_port && record->local_port == tuple->local_port &&
           record->family == tuple->family &&
           memcmp(record->local, tuple->local, sizeof record->local) == 0 &&
           memcmp(record->remote, tuple->remote, sizeof record->remote) == 0;
}

/* Milliseconds, rounded up: never early.
 * Keeps MUST-13. */
static uint32_t deadline_from(const struct hf_stack *stack)
{
    hf_time deadline = stack->host.now + 2 * stack->config.msl_ns;
    return (uint32_t)((deadline + HF_MILLISECOND - 1) / HF_MILLISECOND);
}

hf_time time_wait_deadline_of(const struct hf_stack *stack, const struct time_wait_record *record)
{
    hf_time now_ms = stack->host.now / HF_MILLISECOND;
    int32_t left = (int32_t)(record->deadline_ms - (uint32_t)now_ms);
    return (now_ms + left) * HF_MILLISECOND;
}

void time_wait_remove(struct hf_stack *stack, uint32_t index, enum hf_reason reason)
{
    struct time_wait_record *record = pool_at(&stack->time_waits, index);
    struct flow_tuple tuple = time_wait_tuple(record);
    stack_trace_state(stack, &tuple, reason, HF_TIME_WAIT, HF_CLOSED, seq_make(0), seq_make(0));
    flow_remove(stack, flow_hash(stack, &tuple), flow_reference(FLOW_TIME_WAIT, index));
    index_list_remove(&stack->time_wait_queue, &stack->time_waits, index);
    record->live = false;
    pool_release(&stack->time_waits, index);
    stack->counters.time_waits--;
}

static void fill_record(const struct hf_stack *stack, struct time_wait_record *record,
                        struct tcp_conn *conn)
{
    const struct flow_tuple *tuple = &conn->tuple;
    memset(record, 0, sizeof *record);
    memcpy(record->local, tuple->local, sizeof record->local);
    memcpy(record->remote, tuple->remote, sizeof record->remote);
    record->local_port = tuple->local_port;
    record->remote_port = tuple->remote_port;
    record->family = tuple->family;
    record->snd_nxt = conn->snd.nxt;
    record->rcv_nxt = conn->rcv.nxt;
    record->ts_recent = conn->ts_recent;
    record->timestamps = conn->timestamps;
    record->window =
        (uint16_t)((conn->rcv.wnd + (1u << conn->rcv_wind_shift) - 1) >> conn->rcv_wind_shift);
    record->deadline_ms = deadline_from(stack);
    record->live = true;
}

static void be_woken_for(struct hf_stack *stack, const struct time_wait_record *record)
{
    hf_time deadline = time_wait_deadline_of(stack, record);
    if (deadline < stack->time_wait_quiet_until) {
        stack->time_wait_quiet_until = deadline;
    }
}

void time_wait_enter(struct hf_stack *stack, struct stack_connection *connection)
{
    uint32_t index;
    uint32_t from = flow_reference(FLOW_CONNECTION, connection->index);
    struct time_wait_record *record = pool_allocate(&stack->time_waits, &index);
    if (record == NULL && stack->time_wait_queue.head != POOL_NONE) {
        stack->counters.time_wait_evicted++;
        time_wait_remove(stack, stack->time_wait_queue.head, HF_REASON_TIME_WAIT_FULL);
        record = pool_allocate(&stack->time_waits, &index);
    }
    if (record == NULL) {
        /* No memory even for this: the connection ends without its quiet time. */
        stack->counters.time_wait_evicted++;
        flow_remove(stack, connection->hash, from);
        stack_trace_state(stack, &connection->tcp.tuple, HF_REASON_TIME_WAIT_FULL, HF_TIME_WAIT,
                          HF_CLOSED, connection->tcp.iss, connection->tcp.irs);
        return;
    }
    fill_record(stack, record, &connection->tcp);
    flow_replace(stack, connection->hash, from, flow_reference(FLOW_TIME_WAIT, index));
    index_list_append(&stack->time_wait_queue, &stack->time_waits, index);
    be_woken_for(stack, record);
    stack->counters.time_waits++;
}

static void send_ack(struct hf_stack *stack, const struct time_wait_record *record)
{
    struct flow_tuple tuple = time_wait_tuple(record);
    struct tcp_segment segment;
    memset(&segment, 0, sizeof segment);
    segment.source_port = record->local_port;
    segment.destination_port = record->remote_port;
    segment.seq = record->snd_nxt;
    segment.ack = record->rcv_nxt;
    segment.flags = HF_ACK;
    segment.window = record->window;
    if (record->timestamps) {
        segment.options.has_timestamps = true;
        segment.options.ts_value =
            (uint32_t)(stack->host.now / HF_MILLISECOND) + stack_timestamp_offset(stack, &tuple);
        segment.options.ts_echo = record->ts_recent;
    }
    reply_segment(stack, &tuple, &segment, HF_REASON_SEND_TIME_WAIT_ACK, HF_TIME_WAIT, NULL);
}

static bool older_timestamp(const struct time_wait_record *record,
                            const struct tcp_segment *segment)
{
    return record->timestamps && segment->options.has_timestamps &&
           (int32_t)(segment->options.ts_value - record->ts_recent) < 0;
}

/* RFC 6191 2 (SHLD-4), MAY-2: may this SYN open the connection anew? With timestamps on both a
 * newer one is enough, an equal one needs a higher number; without, the number decides.
 * Keeps RFC6191-2-a, RFC6191-2-b, RFC6191-2-c, RFC6191-2-d, RFC6191-2-f. */
static bool reopens(const struct time_wait_record *record, const struct tcp_segment *segment)
{
    bool higher = seq_gt(segment->seq, record->rcv_nxt);
    if ((segment->flags & (HF_SYN | HF_ACK | HF_RST | HF_FIN)) != HF_SYN) {
        return false;
    }
    if (record->timestamps && segment->options.has_timestamps) {
        int32_t newer = (int32_t)(segment->options.ts_value - record->ts_recent);
        return newer > 0 || (newer == 0 && higher);
    }
    return higher;
}

/* Keeps RFC1337-3-a. */
static enum hf_reason time_wait_rst(struct hf_stack *stack, uint32_t index,
                                    const struct tcp_segment *segment)
{
    const struct time_wait_record *record = pool_at(&stack->time_waits, index);
    if (stack->config.rfc1337 || !seq_eq(segment->seq, record->rcv_nxt)) {
        return HF_REASON_TIME_WAIT_RST_IGNORED;
    }
    time_wait_remove(stack, index, HF_REASON_RST_ARRIVED);
    return HF_REASON_RST_ARRIVED;
}

static enum hf_reason repeat_ack(struct hf_stack *stack, uint32_t index,
                                 const struct tcp_segment *segment)
{
    struct time_wait_record *record = pool_at(&stack->time_waits, index);
    bool old = older_timestamp(record, segment);
    if ((segment->flags & HF_FIN) && !old) {
        /* "The only thing that can arrive in this state is a retransmission of the remote FIN.
         * Acknowledge it, and restart the 2 MSL timeout." */
        if (segment->options.has_timestamps) {
            record->ts_recent = segment->options.ts_value;
        }
        record->deadline_ms = deadline_from(stack);
        index_list_remove(&stack->time_wait_queue, &stack->time_waits, index);
        index_list_append(&stack->time_wait_queue, &stack->time_waits, index);
        be_woken_for(stack, record);
        send_ack(stack, record);
        return HF_REASON_TIME_WAIT_RESTARTED;
    }
    if (!old && tcp_segment_length(segment) == 0 && seq_eq(segment->seq, record->rcv_nxt)) {
        /* An acceptable ACK asks for nothing; answering it would make two TIME-WAITs talk for ever.
         */
        return HF_REASON_ACCEPTED;
    }
    send_ack(stack, record);
    return HF_REASON_TIME_WAIT_ACK;
}

static enum hf_reason time_wait_verdict(struct hf_stack *stack, uint32_t index,
                                        const struct arrival *arrival, enum hf_state *after)
{
    const struct time_wait_record *record = pool_at(&stack->time_waits, index);
    const struct tcp_segment *segment = arrival->segment;
    if (segment->flags & HF_RST) {
        return time_wait_rst(stack, index, segment);
    }
    if (reopens(record, segment)) {
        struct hf_endpoint local = flow_tuple_local(&arrival->tuple);
        struct stack_listener *listener = listener_find(stack, &local.address, local.port);
        /* Only where a record can hold the new number: a cookie could not be made larger than the
         * old connection's. */
        if (listener != NULL && listener->accept_count < listener->backlog &&
            stack->counters.syn_records < stack->config.max_syn_records) {
            seq32 above = record->snd_nxt;
            time_wait_remove(stack, index, HF_REASON_TIME_WAIT_REUSED);
            (void)syn_cache_add(stack, listener, arrival, &above);
            *after = HF_SYN_RECEIVED;
            return HF_REASON_TIME_WAIT_REUSED;
        }
    }
    if (!(segment->flags & (HF_ACK | HF_SYN)) &&
        tcp_sequence_verdict(record->rcv_nxt, record->window, segment) == HF_REASON_NONE) {
        /* Fifth: "if the ACK bit is off, drop the segment". The window here is the field, unscaled:
         * beyond it an ACK answers, which is harmless. */
        return HF_REASON_NO_ACK_BIT;
    }
    return repeat_ack(stack, index, segment);
}

enum hf_reason time_wait_arrives(struct hf_stack *stack, uint32_t index,
                                 const struct arrival *arrival)
{
    enum hf_state after = HF_TIME_WAIT;
    enum hf_reason reason = time_wait_verdict(stack, index, arrival, &after);
    if (reason == HF_REASON_RST_ARRIVED) {
        after = HF_CLOSED;
    }
    stack_trace_received(stack, arrival, reason, HF_TIME_WAIT, after, HF_NO_HANDLE, NULL);
    return reason;
}

hf_time time_wait_next_deadline(const struct hf_stack *stack)
{
    uint32_t index = stack->time_wait_queue.head;
    if (index == POOL_NONE) {
        return HF_TIME_NEVER;
    }
    return time_wait_deadline_of(stack, pool_at(&stack->time_waits, index));
}

/* Deadlines are kept modulo 2^32 ms, which tells past from future only within 24 days. After a
 * longer leap everything is over: no record is younger than the last look, and 2 MSL are at most 2
 * days. */
void time_wait_run_due(struct hf_stack *stack)
{
    bool leapt = stack->host.now - stack->time_wait_looked > 2 * stack->config.msl_ns + HF_SECOND;
    while (stack->time_wait_queue.head != POOL_NONE &&
           (leapt || time_wait_next_deadline(stack) <= stack->host.now)) {
        time_wait_remove(stack, stack->time_wait_queue.head, HF_REASON_TIME_WAIT_OVER);
    }
    stack->time_wait_quiet_until = time_wait_next_deadline(stack);
}
