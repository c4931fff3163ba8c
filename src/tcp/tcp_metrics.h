/* SPDX-License-Identifier: MIT
 *
 * What one connection learnt of its path that the next one to the same peer begins with (RFC 9040):
 * round trip, ssthresh, cwnd, how far the path reorders. By Linux's rules (its tcp_metrics): see
 * tcp_metrics.c. Where they are kept between connections is the stack's business.
 */
#ifndef TCP_METRICS_H
#define TCP_METRICS_H

#include "tcp_conn.h"

/* 0: not known. */
struct tcp_metrics {
    uint32_t srtt_us, rttvar_us;
    uint32_t ssthresh_bytes, cwnd_bytes;
    uint16_t reordering; /* in segments */
};

/* Has the connection learnt anything worth an entry of its own? Else it only corrects one that is
 * there. */
bool tcp_metrics_known(const struct tcp_conn *conn);
/* The connection ends in order: what it learnt goes into `metrics`. */
void tcp_metrics_save(const struct tcp_conn *conn, const struct tcp_host *host,
                      struct tcp_metrics *metrics);
/* The connection has just been synchronized: it begins with what others learnt. True: something
 * changed. */
bool tcp_metrics_use(struct tcp_conn *conn, const struct tcp_host *host,
                     const struct tcp_metrics *metrics);

#endif
