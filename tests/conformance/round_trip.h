/* SPDX-License-Identifier: MIT
 *
 * Openings that take time, and whole windows of segments: what the scenarios of timers and of
 * congestion control share. The openings of harness.h happen in an instant, which leaves a smoothed
 * round trip of nothing.
 */
#ifndef CONFORMANCE_ROUND_TRIP_H
#define CONFORMANCE_ROUND_TRIP_H

#include "harness.h"

#define MS HF_MILLISECOND

/* Passive opening; the third ACK comes `rtt` after the SYN-ACK. `options` without timestamps. */
static inline void establish_with_rtt(struct world *w, hf_time rtt, unsigned window,
                                      const char *options)
{
    if (w->listener == HF_NO_HANDLE) {
        user_listen(w);
    }
    peer(w, "S seq=0 win=%u %s", window, options);
    sends(w, "S. seq=0 ack=1");
    silent_for(w, rtt);
    peer(w, ". seq=1 ack=1 win=%u", window);
    silent(w);
    event(w, HF_EVENT_ACCEPTABLE, HF_OK);
    user_accept(w);
    in_state(w, HF_ESTABLISHED);
}

/* `count` full segments of `size` from `seq` must be waiting, one after the other. */
static inline void sends_segments(struct world *w, unsigned seq, unsigned size, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const struct captured *captured = next_packet(w);
        if (captured == NULL) {
            fail_msg("segment %u of %u (seq=%u) was not sent", i + 1, count, seq + i * size);
            return;
        }
        assert_int_equal(captured->segment.seq - w->flow->stack_iss, seq + i * size);
        assert_int_equal(captured->segment.payload_bytes, size);
        assert_int_equal(captured->time, w->now);
    }
    silent(w);
}

static inline unsigned cwnd_of(struct world *w)
{
    return status_of(w).numbers.cwnd_bytes;
}

static inline unsigned ssthresh_of(struct world *w)
{
    return status_of(w).numbers.ssthresh_bytes;
}

#endif
