/* SPDX-License-Identifier: MIT
 *
 * The user calls of RFC 9293 3.9.1 and 3.10.2 to 3.10.6 on a connection: SEND, RECEIVE, CLOSE,
 * ABORT, STATUS, and options.
 */
#include "tcp_fast_open.h"
#include "tcp_internal.h"

/* How much of so much is taken now; 0 or an error: nothing. */
static ptrdiff_t take_of(struct tcp_conn *conn, size_t length)
{
    uint32_t room;
    if (conn->state == HF_CLOSED || conn->state == HF_TIME_WAIT || conn->fin_queued) {
        return HF_EPIPE;
    }
    if (length == 0) {
        return 0;
    }
    room = tcp_send_room(conn);
    if (room == 0) {
        conn->send_blocked = true;
        return HF_EAGAIN;
    }
    return (ptrdiff_t)(length < room ? length : room);
}

/* `take` bytes of `length` are in the queue. */
static void send_taken(struct tcp_conn *conn, uint32_t take, size_t length, unsigned flags)
{
    conn->send_bytes += take;
    tcp_fast_open_release(conn);
    conn->send_blocked = take < length;
    conn->more_follows = (flags & HF_SEND_MORE) != 0;
    if ((flags & HF_SEND_URGENT) && take == length) {
        conn->snd.up = tcp_fin_seq(conn);
        conn->urgent_sending = true;
        if (conn->snd.wnd <= tcp_flight(conn) && conn->state != HF_SYN_SENT) {
            /* MUST-66: urgency goes through a closed window. */
            tcp_ack_now(conn, HF_REASON_SEND_ACK);
        }
    }
}

/* SEND (3.10.2). */
ptrdiff_t tcp_send(struct tcp_conn *conn, struct tcp_host *host, const void *data, size_t length,
                   unsigned flags)
{
    ptrdiff_t take = take_of(conn, length);
    if (take <= 0) {
        return take;
    }
    if (!send_queue_write(&conn->send_queue, host->send_store, conn->send_bytes, data,
                          (uint32_t)take)) {
        return HF_ENOMEM;
    }
    send_taken(conn, (uint32_t)take, length, flags);
    return take;
}

ptrdiff_t tcp_send_reference(struct tcp_conn *conn, struct tcp_host *host, const void *data,
                             size_t length, void *context, unsigned flags)
{
    struct hf_returned returned = {.connection = conn->handle, .data = data, .context = context};
    ptrdiff_t take = take_of(conn, length);
    int error;
    if (take <= 0) {
        return take;
    }
    returned.length = (size_t)take;
    error = send_queue_refer(&conn->send_queue, host->send_store, conn->send_bytes, &returned);
    if (error == HF_ENOBUFS) {
        host->counters->references_refused++;
        tcp_trace(conn, host, HF_TRACE_CALL, HF_REASON_RESOURCES, take);
    }
    if (error != HF_OK) {
        return error;
    }
    send_taken(conn, (uint32_t)take, length, flags);
    return take;
}

bool tcp_send_own(struct tcp_conn *conn, struct tcp_host *host)
{
    return send_queue_own(&conn->send_queue, host->send_store, conn->send_bytes);
}

ptrdiff_t tcp_peek(const struct tcp_conn *conn, uint32_t offset, void *data, size_t length)
{
    uint32_t left = offset < conn->receive_bytes ? conn->receive_bytes - offset : 0;
    uint32_t take = length < left ? (uint32_t)length : left;
    if (take > 0) {
        bytequeue_read(&conn->receive_queue, offset, data, take);
    }
    return (ptrdiff_t)take;
}

static void urgent_read(struct tcp_conn *conn)
{
    seq32 read_to = seq_sub(conn->rcv.nxt, conn->receive_bytes + (conn->receive_eof ? 1u : 0u));
    if (conn->urgent_receiving && seq_ge(read_to, conn->rcv.up)) {
        conn->urgent_receiving = false;
    }
}

/* Nothing can be read: why. */
static ptrdiff_t nothing_to_read(const struct tcp_conn *conn)
{
    if (conn->receive_eof) {
        return 0;
    }
    switch (conn->state) {
    case HF_SYN_RECEIVED:
        return conn->fast_open_child ? HF_EAGAIN : HF_ENOTCONN;
    case HF_SYN_SENT:
    case HF_LISTEN:
        return HF_ENOTCONN;
    case HF_CLOSED:
        return conn->error;
    case HF_ESTABLISHED:
    case HF_FIN_WAIT_1:
    case HF_FIN_WAIT_2:
    case HF_CLOSE_WAIT:
    case HF_CLOSING:
    case HF_LAST_ACK:
    case HF_TIME_WAIT:
        break;
    }
    return HF_EAGAIN;
}

void tcp_release(struct tcp_conn *conn, struct tcp_host *host, uint32_t length)
{
    conn->receive_bytes -= length;
    if (conn->receive_bytes == 0 && conn->reassembly == NULL) {
        bytequeue_clear(&conn->receive_queue, host->pages);
    } else {
        bytequeue_drop(&conn->receive_queue, host->pages, length);
    }
    urgent_read(conn);
    tcp_buffers_read(conn, host);
    if (conn->state != HF_CLOSED && !tcp_fast_open_unproven(conn) && tcp_window_update_due(conn)) {
        tcp_ack_now(conn, HF_REASON_SEND_WINDOW_UPDATE);
    }
}

/* RECEIVE (3.10.3). */
ptrdiff_t tcp_receive(struct tcp_conn *conn, struct tcp_host *host, void *data, size_t length,
                      unsigned flags)
{
    uint32_t take;
    if (conn->receive_bytes == 0) {
        return nothing_to_read(conn);
    }
    take = length < conn->receive_bytes ? (uint32_t)length : conn->receive_bytes;
    if (take == 0) {
        return 0;
    }
    bytequeue_read(&conn->receive_queue, 0, data, take);
    if (!(flags & HF_RECV_PEEK)) {
        tcp_release(conn, host, take);
    }
    return (ptrdiff_t)take;
}

ptrdiff_t tcp_refer(const struct tcp_conn *conn, struct hf_piece *pieces, uint32_t *count)
{
    uint32_t room = *count;
    uint32_t done = 0;
    *count = 0;
    if (conn->receive_bytes == 0) {
        return nothing_to_read(conn);
    }
    while (done < conn->receive_bytes && *count < room) {
        uint32_t contiguous;
        const uint8_t *from = bytequeue_span(&conn->receive_queue, done, &contiguous);
        contiguous = min_u32(contiguous, conn->receive_bytes - done);
        pieces[(*count)++] = (struct hf_piece){from, contiguous};
        done += contiguous;
    }
    return (ptrdiff_t)done;
}

/* <SEQ=SND.NXT><ACK=RCV.NXT><CTL=RST,ACK> */
static void ask_reset(struct tcp_conn *conn)
{
    conn->intents |= TCP_INTENT_RESET;
    conn->reset_seq = conn->snd.nxt;
    conn->reset_ack = conn->rcv.nxt;
    conn->reset_has_ack = true;
}

void tcp_wait_abandoned(struct tcp_conn *conn, struct tcp_host *host)
{
    hf_time wait =
        conn->fin_wait_2_ns != 0 ? conn->fin_wait_2_ns : host->config->fin_wait_2_timeout_ns;
    if (wait < 0) {
        ask_reset(conn);
        tcp_finish(conn, host, HF_ECONNABORTED, HF_REASON_TIMEOUT_FIN_WAIT_2);
    } else {
        conn->deadlines[TCP_TIMER_FIN_WAIT_2] = host->now + wait;
    }
}

/* CLOSE (3.10.4): no more to send. FIN follows what is queued. */
static void queue_fin(struct tcp_conn *conn, struct tcp_host *host)
{
    if (conn->fin_queued) {
        return;
    }
    switch (conn->state) {
    case HF_SYN_RECEIVED:
        /* With nothing to send FIN goes at once, before our SYN is acknowledged; otherwise it waits
         * for ESTABLISHED, from where tcp_synchronized goes on to FIN-WAIT-1. */
        conn->fin_queued = true;
        if (conn->send_bytes == 0 || conn->fast_open_child) {
            tcp_set_state(conn, host, HF_FIN_WAIT_1, HF_REASON_USER_CLOSE);
        }
        break;
    case HF_ESTABLISHED:
        conn->fin_queued = true;
        tcp_set_state(conn, host, HF_FIN_WAIT_1, HF_REASON_USER_CLOSE);
        break;
    case HF_CLOSE_WAIT:
        conn->fin_queued = true;
        tcp_set_state(conn, host, HF_LAST_ACK, HF_REASON_USER_CLOSE);
        break;
    case HF_CLOSED:
    case HF_LISTEN:
    case HF_SYN_SENT:
    case HF_FIN_WAIT_1:
    case HF_FIN_WAIT_2:
    case HF_CLOSING:
    case HF_LAST_ACK:
    case HF_TIME_WAIT:
        break;
    }
}

int tcp_shutdown(struct tcp_conn *conn, struct tcp_host *host)
{
    if (conn->state == HF_CLOSED || conn->state == HF_SYN_SENT) {
        return HF_ENOTCONN;
    }
    tcp_trace(conn, host, HF_TRACE_CALL, HF_REASON_USER_CLOSE, 0);
    queue_fin(conn, host);
    return HF_OK;
}

/* SHLD-3: data that was never read is lost, and the peer is told, whatever the state: also in
 * CLOSING and LAST-ACK, where ABORT by itself would be silent. */
static void close_with_reset(struct tcp_conn *conn, struct tcp_host *host)
{
    ask_reset(conn);
    tcp_abort(conn, host, HF_REASON_CLOSE_UNREAD, HF_ECONNABORTED);
}

void tcp_close(struct tcp_conn *conn, struct tcp_host *host)
{
    if (conn->state == HF_CLOSED) {
        conn->orphan = true;
        return;
    }
    tcp_trace(conn, host, HF_TRACE_CALL, HF_REASON_USER_CLOSE, 0);
    if (conn->state == HF_SYN_SENT) {
        conn->orphan = true;
        tcp_finish(conn, host, HF_ECONNABORTED, HF_REASON_USER_CLOSE);
        return;
    }
    if (conn->receive_bytes > 0 && conn->state != HF_CLOSED) {
        close_with_reset(conn, host);
        return;
    }
    conn->orphan = true;
    conn->events = 0;
    queue_fin(conn, host);
    if (conn->state == HF_FIN_WAIT_2) {
        tcp_wait_abandoned(conn, host);
    }
    /* What is out of order will never be read. */
    tcp_reassembly_free(conn, host);
    bytequeue_clear(&conn->receive_queue, host->pages);
}

/* ABORT (3.10.5): RST only where the RFC's states have a peer that must know. */
void tcp_abort(struct tcp_conn *conn, struct tcp_host *host, enum hf_reason reason, int error)
{
    switch (conn->state) {
    case HF_SYN_RECEIVED:
    case HF_ESTABLISHED:
    case HF_FIN_WAIT_1:
    case HF_FIN_WAIT_2:
    case HF_CLOSE_WAIT:
        ask_reset(conn);
        break;
    case HF_CLOSED:
    case HF_LISTEN:
    case HF_SYN_SENT:
    case HF_CLOSING:
    case HF_LAST_ACK:
    case HF_TIME_WAIT:
        break;
    }
    conn->orphan = true;
    conn->events = 0;
    tcp_finish(conn, host, error, reason);
}

static void ecn_status(const struct tcp_conn *conn, struct hf_status *status)
{
    status->ecn = conn->ecn.mode;
    status->ecn_seen = conn->ecn.seen;
    status->ecn_option_seen = conn->ecn.option_bad       ? 3
                              : conn->ecn.option_counted ? 2
                                                         : conn->ecn.option_seen;
    memcpy(status->ecn_received_bytes, conn->ecn.received_bytes, sizeof conn->ecn.received_bytes);
    memcpy(status->ecn_delivered_bytes, conn->ecn.delivered_bytes,
           sizeof conn->ecn.delivered_bytes);
    status->received_ce_segments = conn->ecn.received_ce;
}

/* STATUS (3.10.6). */
void tcp_status(const struct tcp_conn *conn, struct hf_status *status)
{
    enum tcp_timer first = TCP_TIMER_COUNT;
    status->handle = conn->orphan ? HF_NO_HANDLE : conn->handle;
    status->state = conn->state;
    status->local = flow_tuple_local(&conn->tuple);
    status->remote = flow_tuple_remote(&conn->tuple);
    status->error = conn->error;
    status->reset_at_end = conn->reset_at_end;
    status->soft_error = conn->soft_error;
    status->send_queue_bytes = conn->send_bytes;
    status->send_unsent_bytes = tcp_unsent_bytes(conn);
    status->receive_queue_bytes = conn->receive_bytes;
    status->out_of_order_bytes = tcp_out_of_order_bytes(conn);
    status->send_room_bytes = tcp_send_room(conn);
    if (conn->urgent_receiving) {
        seq32 read_to = seq_sub(conn->rcv.nxt, conn->receive_bytes + (conn->receive_eof ? 1u : 0u));
        status->urgent_bytes = (uint32_t)seq_diff(conn->rcv.up, read_to);
    }
    status->mss_bytes = tcp_effective_mss(conn);
    status->retransmits = conn->retransmits;
    status->bytes_retransmitted = conn->bytes_retransmitted;
    status->dsacks_received = conn->dsacks_received;
    status->reorderings = conn->reorderings;
    status->timeouts = conn->timeouts;
    status->undos = conn->undos;
    status->loss_probes = conn->loss_probes;
    status->backoff = conn->backoff;
    status->bytes_sent = conn->bytes_sent;
    status->bytes_received = conn->bytes_received;
    status->bytes_acked = conn->bytes_acked;
    status->segments_sent = conn->segments_sent;
    status->segments_received = conn->segments_received;
    status->last_received_ns = conn->last_received;
    status->timer_deadline = tcp_earliest_deadline(conn);
    for (unsigned i = 0; i < TCP_TIMER_COUNT; i++) {
        if (status->timer_deadline != HF_TIME_NEVER &&
            conn->deadlines[i] == status->timer_deadline) {
            first = (enum tcp_timer)i;
            break;
        }
    }
    status->timer = tcp_timer_name(first);
    tcp_trace_numbers(conn, &status->numbers);
    status->timestamps = conn->timestamps;
    status->sack = conn->sack;
    status->window_scaling = conn->window_scaling;
    status->nagle = conn->nagle;
    status->keepalive = conn->keepalive;
    status->orphan = conn->orphan;
    status->path_mtu_bytes = conn->path_mtu;
    status->mtu_search_low_bytes = conn->search.on ? conn->search.low : 0;
    status->mtu_search_high_bytes = conn->search.on ? conn->search.high : 0;
    status->announced_mss_bytes = conn->own_mss;
    status->received_mss_bytes = conn->receive_mss;
    status->probes_out = conn->probes_out;
    status->recovery = conn->ecn.reducing ? HF_RECOVERY_MARKED : conn->recovery;
    ecn_status(conn, status);
    status->min_rtt_ns = tcp_min_rtt_us(&conn->rack.min_rtt) * HF_MICROSECOND;
    status->last_sent_ns = conn->last_sent;
    if (conn->sent != NULL) {
        status->segments_in_flight = conn->sent->count;
        status->sacked_segments = conn->sent->sacked_count;
        status->lost_bytes = conn->sent->lost_bytes - conn->sent->repeat_out_bytes;
    }
    status->syn_data_acked = conn->syn_data_acked;
    status->fast_open_failure = conn->fast_open_failure;
    status->fast_open_room_bytes = tcp_fast_open_room(conn);
    tcp_cc_status(conn, status);
    tcp_tally_status(conn, status);
}
