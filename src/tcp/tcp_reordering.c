/* SPDX-License-Identifier: MIT
 *
 * How far the path reorders, in segments, as Linux counts it: the threshold of duplicate ACKs (RFC
 * 5681 3.2's three, RFC 6675's DupThresh) of this connection. Where something sent once arrives
 * after what lies so many segments above it, fewer than that many show no loss on this path.
 *
 * RACK's reo_wnd (tcp_rack.c) is about time; this is what it begins with before any reordering was
 * seen, what recovery without it (config.rack = 0) goes by, and what the next connection to the
 * same peer is told (tcp_metrics.c).
 */
#include "tcp_internal.h"

#define MOST_SEGMENTS 300u /* Linux's tcp_max_reordering */

void tcp_reordering_seen(struct tcp_conn *conn, seq32 seq)
{
    uint32_t mss = tcp_effective_mss(conn);
    uint32_t distance = (uint32_t)seq_diff(conn->rack.fack, seq);
    if (distance > (uint64_t)conn->reordering * mss) {
        conn->reordering = (uint16_t)min_u32((distance + mss - 1) / mss, MOST_SEGMENTS);
    }
}

/* So many were SACKed, and yet no loss was seen before the timer ran out: the threshold was too
 * high. */
void tcp_reordering_on_timeout(struct tcp_conn *conn, const struct tcp_host *host)
{
    uint32_t usual = host->config->duplicate_threshold;
    if (conn->recovery == TCP_RECOVERY_NONE && conn->sent != NULL &&
        conn->sent->sacked_count >= usual) {
        conn->reordering = (uint16_t)min_u32(conn->reordering, usual);
    }
}
