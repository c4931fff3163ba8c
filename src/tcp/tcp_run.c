/* SPDX-License-Identifier: MIT
 *
 * Runs: full segments of new data that leave at the same instant, chosen and accounted for at once.
 *
 * tcp_next_segment weighs everything a connection might want to send before each segment: some 2000
 * instructions. In bulk data the answer is mostly the same as for the segment before. So when it
 * has just chosen a full segment of new data, and nothing at all but windows and data bounds what
 * follows, the bounds are divided by the segment's size; that many segments would be chosen one
 * after the other, and only what is kept for each of them, its sent record, is made for each: some
 * 30 instructions.
 *
 * What decides anything else about a segment is left to tcp_next_segment: the last one that cwnd or
 * the window lets go, the last one of the data or of a burst (PSH), retransmissions, probes, a
 * segment that pacing holds, RFC 9768's counters. So what leaves is the same, byte for byte.
 */
#include "tcp_internal.h"

/* Nothing but the bounds below may change what is sent next, or how. */
static bool undisturbed(const struct tcp_conn *conn)
{
    return conn->state == HF_ESTABLISHED && conn->sent != NULL && conn->sent->lost_bytes == 0 &&
           conn->recovery == TCP_RECOVERY_NONE && conn->frto == TCP_FRTO_OFF &&
           conn->intents == 0 && conn->duplicate_acks_due == 0 && conn->reassembly == NULL &&
           conn->notes == NULL && !conn->dsack_due && !conn->urgent_sending && !conn->search.on &&
           !conn->ecn.reducing && !conn->ecn.handshake_due && !conn->ecn.cwr_due &&
           conn->ecn.mode != TCP_ECN_ACCURATE;
}

/* Linux's bursts (tcp_push.c): of the one that is under way, all but its last segment. */
static uint32_t before_burst_ends(const struct tcp_conn *conn, const struct tcp_host *host)
{
    const struct tcp_sender *sender = conn->sender;
    if (host->config->burst_segments == 0) {
        return UINT32_MAX;
    }
    if (sender->burst_time != host->now || seq_le(sender->burst_end, conn->snd.nxt)) {
        return 0;
    }
    return (uint32_t)seq_diff(sender->burst_end, conn->snd.nxt) - 1;
}

/* How many full segments may leave with room, data and window for another one behind them. */
static uint32_t bounded(const struct tcp_conn *conn, const struct tcp_host *host, uint32_t length)
{
    uint32_t unsent = tcp_unsent_bytes(conn);
    uint32_t flight = tcp_flight(conn);
    uint32_t pipe = tcp_pipe(conn);
    uint32_t cwnd = tcp_cwnd_bytes(conn);
    uint32_t bytes = unsent > 0 ? unsent - 1 : 0;
    uint32_t segments;
    bytes = min_u32(bytes, conn->snd.wnd > flight ? conn->snd.wnd - flight : 0);
    bytes = min_u32(bytes, cwnd > pipe ? cwnd - pipe : 0);
    bytes = min_u32(bytes, before_burst_ends(conn, host));
    segments = bytes / length;
    return segments > 0 ? segments - 1 : 0;
}

/* What is kept for each of them: how many it was made for before memory ran out. */
static uint32_t record(struct tcp_conn *conn, struct tcp_host *host, uint32_t segments,
                       uint32_t length)
{
    uint32_t made = 0;
    while (made < segments && tcp_sent_reserve(&conn->sent, host->memory, 0)) {
        uint32_t count = min_u32(segments - made, conn->sent->capacity - conn->sent->count);
        for (uint32_t i = 0; i < count; i++) {
            tcp_sent_add(conn->sent, seq_add(conn->snd.nxt, i * length), length, host->now);
        }
        tcp_rate_sent_run(conn, count, length);
        conn->snd.nxt = seq_add(conn->snd.nxt, count * length);
        made += count;
    }
    return made;
}

/* The same one by one, for each moves on the time at which the next may leave. The first that has
 * to wait is left to tcp_next_segment, which sets the timer. */
static uint32_t record_paced(struct tcp_conn *conn, struct tcp_host *host, uint32_t segments,
                             uint32_t length)
{
    uint32_t made = 0;
    while (made < segments && !tcp_pacing_waits(conn, host) && record(conn, host, 1, length) == 1) {
        tcp_pacing_sent(conn, host, length);
        made++;
    }
    return made;
}

static void account(struct tcp_conn *conn, struct tcp_host *host, uint32_t segments,
                    uint32_t length)
{
    uint32_t bytes = segments * length;
    conn->snd.retransmit_next = conn->snd.nxt;
    conn->bytes_sent += bytes;
    conn->segments_sent += segments;
    conn->tally.data_segments_sent += segments;
    conn->prr.out_bytes += bytes;
    conn->quick_acks = (uint8_t)(conn->quick_acks - min_u32(conn->quick_acks, segments));
    tcp_cc_sent_run(conn, host, bytes);
    tcp_arm_loss_probe(conn, host);
    tcp_tell_writable(conn);
}

/* As tcp_next_run, but for pacing. */
static uint32_t run_bound(const struct tcp_conn *conn, const struct tcp_host *host,
                          const struct tcp_segment *segment)
{
    uint32_t length = segment->payload_length;
    if (!undisturbed(conn) || length != tcp_effective_mss(conn) ||
        !seq_eq(conn->snd.nxt, seq_add(segment->seq, length))) {
        return 0;
    }
    return bounded(conn, host, length);
}

static bool is_paced(const struct tcp_conn *conn, const struct tcp_host *host)
{
    return tcp_pacing_rate(conn, host) != 0 || tcp_pacing_is_starting(conn);
}

uint32_t tcp_run_sure(const struct tcp_conn *conn, const struct tcp_host *host,
                      const struct tcp_segment *segment)
{
    return tcp_pacing_rate(conn, host) != 0 ? 0 : run_bound(conn, host, segment);
}

uint32_t tcp_next_run(struct tcp_conn *conn, struct tcp_host *host,
                      const struct tcp_segment *segment, uint32_t most)
{
    uint32_t length = segment->payload_length;
    uint32_t made;
    most = min_u32(run_bound(conn, host, segment), most);
    made = is_paced(conn, host) ? record_paced(conn, host, most, length)
                                : record(conn, host, most, length);
    if (made > 0) {
        account(conn, host, made, length);
    }
    return made;
}
