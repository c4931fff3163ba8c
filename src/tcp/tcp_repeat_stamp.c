/* SPDX-License-Identifier: MIT
 *
 * The time stamp of what is sent again, on a path that reorders.
 *
 * TS.Recent follows the segment that fills the hole at the receiver's left edge (RFC 7323 4.3). If
 * that is a repetition its stamp is of now, and everything that left before it, was held up on the
 * way and comes after it has an older one: PAWS drops it (RFC 7323 5.3), and it must be sent again,
 * though it has arrived; and its repetition does the same to others. On a path of 100 Mbit/s and
 * 100 ms that overtakes 5 % of what it carries 0.1 % of loss becomes 4 %.
 *
 * DEVIATION: RFC 7323 3.2 has TSval be the current value of the clock of timestamps. Here, where
 * the path was seen to reorder, that of a repetition is set back by as much as RACK allows for that
 * (RFC 8985 6.2 step 4): what may still come of what left earlier is no older, and is taken. Linux
 * sends the current value.
 *
 * Set back too far the repetition itself would be dropped. TS.Recent, when it arrives, is the stamp
 * of something with a lower number, for nothing above the hole has SEG.SEQ =< Last.ACK.sent. That
 * was sent for the first time before the hole's original was, or it was a repetition or a probe of
 * a window. So a stamp that is newer than the original's, and no older than the last repetition's
 * or probe's, passes; and Eifel (RFC 3522) tells it from the original's, as ever.
 */
#include "tcp_internal.h"

/* 0: it says what the clock says. */
static hf_time set_back_ns(const struct tcp_conn *conn)
{
    return conn->rack.reordering_seen ? tcp_reordering_extent(conn) : 0;
}

static bool newer(uint32_t stamp, uint32_t than)
{
    return (int32_t)(stamp - than) > 0;
}

void tcp_repeat_stamp_left(struct tcp_conn *conn, uint32_t stamp)
{
    struct tcp_sent *sent = conn->sent;
    if (sent != NULL && (!sent->repeat_stamped || newer(stamp, sent->repeat_stamp))) {
        sent->repeat_stamp = stamp;
        sent->repeat_stamped = true;
    }
}

static uint32_t stamp_of(const struct tcp_conn *conn, const struct tcp_host *host,
                         const struct tcp_sent_record *record)
{
    uint32_t now = tcp_timestamp(conn, host->now);
    uint32_t stamp = tcp_timestamp(conn, host->now - set_back_ns(conn));
    uint32_t least = tcp_timestamp(conn, record->sent) + 1;
    if (newer(least, stamp)) {
        stamp = least;
    }
    if (conn->sent->repeat_stamped && newer(conn->sent->repeat_stamp, stamp)) {
        stamp = conn->sent->repeat_stamp;
    }
    return newer(stamp, now) ? now : stamp;
}

void tcp_repeat_stamp(struct tcp_conn *conn, struct tcp_host *host, struct tcp_segment *segment,
                      const struct tcp_sent_record *record)
{
    uint32_t stamp;
    if (!conn->timestamps) {
        return;
    }
    stamp = stamp_of(conn, host, record);
    if (newer(segment->options.ts_value, stamp) && !conn->sent->set_back_told) {
        conn->sent->set_back_told = true;
        tcp_trace(conn, host, HF_TRACE_RECOVERY, HF_REASON_STAMP_SET_BACK,
                  segment->options.ts_value - stamp);
    }
    segment->options.ts_value = stamp;
    tcp_repeat_stamp_left(conn, stamp);
}

bool tcp_repeat_stamp_is_newer(const struct tcp_conn *conn, hf_time sent, uint32_t echo)
{
    return newer(tcp_timestamp(conn, sent - set_back_ns(conn)), echo);
}

bool tcp_repeat_stamp_misleads(const struct tcp_conn *conn, uint32_t echo)
{
    return conn->sent != NULL && conn->sent->repeat_stamped && set_back_ns(conn) > 0 &&
           !newer(echo, conn->sent->repeat_stamp);
}
