/* SPDX-License-Identifier: MIT
 *
 * Where PSH goes beside the end of what there is (MUST-61, which build_data keeps).
 *
 * RFC 9293 3.9.1.2 leaves a sender free to push earlier. Linux hands the device bursts of several
 * segments and pushes the last of each, so that a receiver that gathers segments before it hands
 * them on knows that no more of this burst will come. We have no such device, but the same
 * receivers, so segments are marked as Linux would mark them: a burst is what cwnd, the windows and
 * the data allow at this instant, but at most half of cwnd and about a millisecond's worth at the
 * rate that cwnd comes to - more where the round trip is so short that bursts do no harm - and no
 * fewer segments than the configuration says; if that says nothing, there are no bursts.
 */
#include "tcp_internal.h"

#define BURST_MAX_BYTES 65536u
#define RATE_SHIFT 10      /* of bytes a second: about those of a millisecond */
#define ROUND_TRIP_SHIFT 9 /* for each 512 us of round trip half as much is added */

static uint32_t most_segments(const struct tcp_conn *conn, const struct tcp_host *host,
                              uint32_t room)
{
    uint64_t rate = tcp_window_rate(conn);
    uint64_t bytes = rate == 0 ? BURST_MAX_BYTES : rate >> RATE_SHIFT;
    uint32_t least = tcp_min_rtt_us(&conn->rack.min_rtt);
    uint32_t round_trip = least != 0 ? least : conn->srtt_us;
    uint32_t halvings = round_trip >> ROUND_TRIP_SHIFT;
    if (conn->max_pacing_rate != 0 && conn->max_pacing_rate < rate) {
        bytes = conn->max_pacing_rate >> RATE_SHIFT;
    }
    if (round_trip != 0 && halvings < 32) {
        bytes += BURST_MAX_BYTES >> halvings;
    }
    bytes = bytes < BURST_MAX_BYTES ? bytes : BURST_MAX_BYTES;
    return max_u32((uint32_t)bytes / room, host->config->burst_segments);
}

uint32_t tcp_run_limit(const struct tcp_conn *conn, const struct tcp_host *host)
{
    return max_u32(most_segments(conn, host, tcp_effective_mss(conn)), 2);
}

/* What leaves together from SND.NXT on. */
static uint32_t burst_bytes(const struct tcp_conn *conn, const struct tcp_host *host,
                            const struct tcp_burst *burst)
{
    uint32_t half = max_u32(conn->congestion.cwnd_bytes / burst->room_bytes / 2, 1);
    uint32_t segments = min_u32(most_segments(conn, host, burst->room_bytes), half);
    uint32_t cwnd_segments = burst->cwnd_bytes / burst->room_bytes;
    uint32_t whole = min_u32(burst->unsent_bytes, burst->window_bytes);
    segments = max_u32(min_u32(segments, cwnd_segments), 1);
    if (segments < whole / burst->room_bytes) {
        return segments * burst->room_bytes;
    }
    whole = min_u32(whole, segments * burst->room_bytes);
    return burst->small_waits ? whole - whole % burst->room_bytes : whole;
}

bool tcp_push_due(struct tcp_conn *conn, const struct tcp_host *host, const struct tcp_burst *burst)
{
    struct tcp_sender *sender = conn->sender;
    bool under_way;
    if (host->config->burst_segments == 0) {
        return false;
    }
    under_way = sender->burst_time == host->now && seq_gt(sender->burst_end, conn->snd.nxt);
    if (!under_way) {
        uint32_t bytes = burst_bytes(conn, host, burst);
        sender->burst_end = seq_add(conn->snd.nxt, bytes);
        sender->burst_time = host->now;
        if (bytes <= burst->room_bytes) {
            return false; /* one segment */
        }
    }
    return seq_eq(sender->burst_end, seq_add(conn->snd.nxt, burst->length_bytes)) &&
           burst->length_bytes > 0 && under_way;
}
