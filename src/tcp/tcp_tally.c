/* SPDX-License-Identifier: MIT
 *
 * What is counted for STATUS; only that the peer's window holds the sender back is also told to
 * congestion control.
 *
 * What holds a sender back is looked at when nothing more can leave, and the time until the next
 * look goes to the answer (Linux's tcp_chrono): a program that asks why its transfer is slow reads
 * there whether the network, the receiver or its own send buffer was it.
 */
#include "tcp_internal.h"

static enum hf_limited limited_by(const struct tcp_conn *conn)
{
    uint32_t unsent = tcp_unsent_bytes(conn);
    uint32_t whole;
    int64_t window;
    int64_t cwnd;
    if (conn->send_bytes == 0) {
        return HF_LIMITED_NOT;
    }
    if (unsent == 0 && !conn->send_blocked) {
        return HF_LIMITED_NETWORK;
    }
    whole = min_u32(unsent, tcp_effective_mss(conn));
    window = (int64_t)conn->snd.wnd - tcp_flight(conn);
    cwnd = (int64_t)tcp_send_allowance(conn) - tcp_pipe(conn);
    if (unsent > 0 && cwnd >= (int64_t)whole && window < (int64_t)whole) {
        return HF_LIMITED_RECEIVER;
    }
    if (unsent == 0 && conn->send_blocked && cwnd > 0) {
        return HF_LIMITED_SEND_BUFFER;
    }
    return HF_LIMITED_NETWORK;
}

void tcp_tally_limits(struct tcp_conn *conn, const struct tcp_host *host)
{
    struct tcp_tally *tally = &conn->tally;
    enum hf_limited limited = limited_by(conn);
    if (limited == (enum hf_limited)tally->limited) {
        return;
    }
    tally->limited_ns[tally->limited] += host->now - tally->limited_since;
    tally->limited = (uint8_t)limited;
    tally->limited_since = host->now;
}

void tcp_tally_timeout(struct tcp_conn *conn, const struct tcp_host *host)
{
    struct tcp_tally *tally = &conn->tally;
    if (tcp_first_timeout(conn)) {
        tally->timeout_recoveries++;
        tally->timeout_since = host->now;
    }
    tally->syn_timeouts += seq_eq(conn->snd.una, conn->iss);
}

void tcp_tally_progress(struct tcp_conn *conn, const struct tcp_host *host)
{
    struct tcp_tally *tally = &conn->tally;
    if (tally->timeout_since != 0 && conn->recovery != TCP_RECOVERY_TIMEOUT) {
        tally->timeout_ns += host->now - tally->timeout_since;
        tally->timeout_since = 0;
    }
}

/* Without SACK: after a timeout all that was in flight is lost, and what lies before
 * retransmit_next was sent again; in fast recovery it is the one at SND.UNA. */
static void losses_without_records(const struct tcp_conn *conn, uint32_t mss,
                                   struct hf_status *status)
{
    uint32_t repeated = seq_gt(conn->snd.retransmit_next, conn->snd.una)
                            ? (uint32_t)seq_diff(conn->snd.retransmit_next, conn->snd.una)
                            : 0;
    uint32_t lost = 0;
    if (conn->recovery == TCP_RECOVERY_TIMEOUT && seq_lt(conn->snd.una, conn->snd.recover)) {
        lost = (uint32_t)seq_diff(conn->snd.recover, conn->snd.una);
    } else if (conn->recovery == TCP_RECOVERY_FAST && !tcp_recovery_lingers(conn)) {
        lost = min_u32(mss, tcp_flight(conn));
    }
    status->lost_segments = (lost + mss - 1) / mss;
    status->retransmitted_segments = (min_u32(repeated, lost) + mss - 1) / mss;
}

void tcp_tally_status(const struct tcp_conn *conn, struct hf_status *status)
{
    const struct tcp_tally *tally = &conn->tally;
    uint32_t mss = tcp_effective_mss(conn);
    status->timestamp_offset = conn->ts_offset;
    status->established_ns = tally->established;
    status->last_data_received_ns = tally->last_data_received;
    status->receive_rtt_ns = conn->tuning.rtt_us * HF_MICROSECOND;
    status->receive_ssthresh_bytes = tcp_window_ceiling(conn);
    status->receive_space_bytes = conn->tuning.space_bytes;
    status->receive_buffer_bytes = conn->receive_limit_bytes;
    status->send_buffer_bytes = conn->send_limit_bytes;
    status->receive_memory_bytes = bytequeue_held_bytes(&conn->receive_queue);
    status->send_memory_bytes = send_queue_held_bytes(&conn->send_queue);
    status->data_segments_sent = tally->data_segments_sent;
    status->data_segments_received = tally->data_segments_received;
    status->out_of_order_segments = tally->out_of_order_segments;
    status->delivered_segments = tally->delivered_segments;
    status->timeouts += tally->syn_timeouts;
    status->timeout_recoveries = tally->timeout_recoveries;
    status->timeout_recovery_ns = tally->timeout_ns;
    memcpy(status->limited_ns, tally->limited_ns, sizeof status->limited_ns);
    status->limited_since_ns = tally->limited_since;
    status->limited = tally->limited;
    status->writable = tcp_writable(conn);
    if (conn->sent != NULL) {
        status->retransmitted_in_flight_bytes =
            conn->sent->repeat_out_bytes + conn->sent->twice_bytes;
        status->lost_segments = conn->sent->lost_count;
        status->retransmitted_segments = conn->sent->repeat_out_count + conn->sent->twice_count;
    } else {
        status->duplicate_acks = conn->recovery == TCP_RECOVERY_FAST
                                     ? (conn->left_bytes + mss - 1) / mss
                                     : conn->duplicate_acks;
        status->segments_in_flight = (tcp_flight(conn) + mss - 1) / mss;
        losses_without_records(conn, mss, status);
    }
}
