/* SPDX-License-Identifier: MIT
 *
 * What a connection remembers of TCP Fast Open (RFC 7413) while it opens; it hangs off the
 * connection and goes away once the SYNs are exchanged.
 *
 * The client's side: what its first SYN says (a cookie, a request for one, or neither) and whether
 * data rides on it; then what the answer taught, which the stack puts into its cache. The server's
 * side: the cookie that the first SYN-ACK hands out.
 */
#ifndef TCP_FAST_OPEN_H
#define TCP_FAST_OPEN_H

#include "tcp_conn.h"

/* RFC 7413 4.2.1: SYN leaves room for all the options there are, and for a middlebox's own. */
#define TCP_FAST_OPEN_HEADROOM TCP_OPTIONS_MAX_BYTES

/* What became of a SYN that asked for Fast Open or used it (4.1.3). */
enum tcp_fast_open_news {
    TCP_FAST_OPEN_NO_NEWS,
    TCP_FAST_OPEN_ANSWERED, /* by a SYN-ACK: cookie, MSS and losses below */
    TCP_FAST_OPEN_LOST      /* by nobody, or by ICMP */
};

/* Linux's tcp_fastopen_client_fail. */
enum tcp_fast_open_failure {
    TCP_FAST_OPEN_NO_FAILURE,
    TCP_FAST_OPEN_NO_COOKIE,
    TCP_FAST_OPEN_NOT_ACKED,
    TCP_FAST_OPEN_SYN_REPEATED
};

struct tcp_fast_open {
    uint8_t cookie[TCP_FAST_OPEN_COOKIE_MAX];
    uint8_t cookie_length; /* 0: a request */
    bool experimental;     /* kind 254 */
    bool option;           /* the option goes with the first SYN or SYN-ACK */
    bool data;             /* and data with the SYN */
    bool sent;             /* that segment has left */
    uint16_t mss;          /* the peer's, as it was the last time; 0: not known */
    uint32_t data_bytes;   /* rode on the SYN */
    /* What the stack is to remember. */
    enum tcp_fast_open_news news;
    bool got_cookie, got_experimental, data_refused, syn_dropped;
    bool other_kind; /* asked for a cookie in vain: the other kind of option may do better */
    uint8_t got_length;
    uint8_t got[TCP_FAST_OPEN_COOKIE_MAX];
    uint16_t got_mss; /* 0: none */
};

/* NULL: no memory. */
struct tcp_fast_open *tcp_fast_open_new(struct tcp_conn *conn, struct tcp_host *host);
void tcp_fast_open_free(struct tcp_conn *conn, struct tcp_host *host);
/* How many bytes the first SYN can carry; 0 without a cookie. */
uint32_t tcp_fast_open_room(const struct tcp_conn *conn);
/* Active: the SYN waits for data, or goes without any longer. */
void tcp_fast_open_hold(struct tcp_conn *conn);
void tcp_fast_open_release(struct tcp_conn *conn);
/* The first SYN or SYN-ACK is being built: adds option and data. True: there is data. */
bool tcp_fast_open_build(struct tcp_conn *conn, struct tcp_host *host, struct tcp_segment *segment);
/* SYN-SENT, a SYN has come; with an ACK, which is acceptable, or without. */
void tcp_fast_open_answered(struct tcp_conn *conn, struct tcp_host *host,
                            const struct tcp_segment *segment);
/* A router says that what the SYN carried makes it too big. */
void tcp_fast_open_too_big(struct tcp_conn *conn);
/* A passive opening in SYN-RECEIVED whose SYN-ACK has not left: takes the SYN's text, which fits
 * the window, and lets the SYN-ACK and data go (4.2.2). False: no memory for the text. */
bool tcp_fast_open_passive(struct tcp_conn *conn, struct tcp_host *host,
                           const struct tcp_segment *segment);
/* Is the handshake behind a Fast Open connection of a listener still under way? */
static inline bool tcp_fast_open_unproven(const struct tcp_conn *conn)
{
    return conn->fast_open_child && seq_eq(conn->snd.una, conn->iss);
}
/* The client's SYN again: our SYN-ACK was lost. True: it was, and goes again. */
bool tcp_fast_open_repeated_syn(struct tcp_conn *conn, const struct tcp_segment *segment);
/* Our SYN-ACK is acknowledged, after a timeout: what followed it is taken as lost with it. */
void tcp_fast_open_proven(struct tcp_conn *conn, struct tcp_host *host);
/* The retransmission timer ran out `conn->backoff` + 1 times in a row; `expired`: the last time. */
void tcp_fast_open_timeout(struct tcp_conn *conn, struct tcp_host *host, bool expired);

#endif
