/* SPDX-License-Identifier: MIT
 *
 * The tiny profile's connection without its optional parts (meson -Dprofile=tiny): what the rest
 * sees of Fast Open, Accurate ECN, recovery by RFC 6675 and runs of segments when tcp_fast_open.c,
 * tcp_accecn.c, tcp_rfc6675.c and tcp_run.c are not built. A configuration that asks for one of
 * them is refused (stack_config.c), so most of what stands here is asked and never answers yes;
 * what can be reached at all only by such a configuration asserts.
 */
#include "hf_assert.h"
#include "tcp_accecn.h"
#include "tcp_fast_open.h"
#include "tcp_internal.h"

/* ---- tcp_fast_open.c: no connection has a struct tcp_fast_open */

void tcp_fast_open_free(struct tcp_conn *conn, struct tcp_host *host)
{
    (void)host;
    HF_ASSERT(conn->fast_open == NULL);
}

uint32_t tcp_fast_open_room(const struct tcp_conn *conn)
{
    (void)conn;
    return 0;
}

void tcp_fast_open_release(struct tcp_conn *conn)
{
    (void)conn;
}

bool tcp_fast_open_build(struct tcp_conn *conn, struct tcp_host *host, struct tcp_segment *segment)
{
    (void)conn;
    (void)host;
    (void)segment;
    return false;
}

void tcp_fast_open_answered(struct tcp_conn *conn, struct tcp_host *host,
                            const struct tcp_segment *segment)
{
    (void)conn;
    (void)host;
    (void)segment;
}

void tcp_fast_open_too_big(struct tcp_conn *conn)
{
    (void)conn;
}

bool tcp_fast_open_repeated_syn(struct tcp_conn *conn, const struct tcp_segment *segment)
{
    (void)conn;
    (void)segment;
    return false;
}

void tcp_fast_open_proven(struct tcp_conn *conn, struct tcp_host *host)
{
    (void)conn;
    (void)host;
}

void tcp_fast_open_timeout(struct tcp_conn *conn, struct tcp_host *host, bool expired)
{
    (void)conn;
    (void)host;
    (void)expired;
}

/* ---- tcp_accecn.c: no handshake agrees to it (config.ecn is at most 2) */

uint8_t accecn_handshake_ace(uint8_t codepoint)
{
    (void)codepoint;
    HF_ASSERT(false);
    return 0;
}

uint32_t accecn_newly_marked(const struct accecn_ack *ack)
{
    (void)ack;
    HF_ASSERT(false);
    return 0;
}

uint32_t accecn_take_option(struct tcp_conn *conn, struct tcp_host *host,
                            const struct tcp_options *options, bool *valid)
{
    (void)conn;
    (void)host;
    (void)options;
    HF_ASSERT(false);
    *valid = false;
    return 0;
}

void accecn_arrived(struct tcp_conn *conn, const struct tcp_segment *segment)
{
    (void)conn;
    (void)segment;
    HF_ASSERT(false);
}

void accecn_first_ace(struct tcp_conn *conn, struct tcp_host *host,
                      const struct tcp_segment *segment)
{
    (void)conn;
    (void)host;
    (void)segment;
    HF_ASSERT(false);
}

void accecn_inconsistent(struct tcp_conn *conn, struct tcp_host *host)
{
    (void)conn;
    (void)host;
    HF_ASSERT(false);
}

void accecn_take_syn_ack(struct tcp_conn *conn, struct tcp_host *host,
                         const struct tcp_segment *segment)
{
    (void)conn;
    (void)host;
    (void)segment;
    HF_ASSERT(false);
}

void tcp_ecn_fill_option(const struct tcp_conn *conn, const struct tcp_host *host,
                         struct tcp_options *options, size_t room)
{
    (void)conn;
    (void)host;
    (void)options;
    (void)room;
}

void tcp_ecn_first_option(const struct tcp_host *host, struct tcp_options *options)
{
    (void)host;
    (void)options;
}

/* ---- tcp_rfc6675.c: RACK is on */

void tcp_rfc6675_before_ack(struct tcp_conn *conn)
{
    (void)conn;
}

uint32_t tcp_rfc6675_detect_loss(struct tcp_conn *conn, struct tcp_host *host,
                                 const struct tcp_ack_news *news)
{
    (void)conn;
    (void)host;
    (void)news;
    HF_ASSERT(false);
    return 0;
}

void tcp_rfc6675_begin_recovery(struct tcp_conn *conn)
{
    (void)conn;
}

uint32_t tcp_rfc6675_next(struct tcp_conn *conn, const struct tcp_host *host,
                          enum hf_reason *reason)
{
    (void)conn;
    (void)host;
    (void)reason;
    return TCP_SENT_NONE;
}

void tcp_rfc6675_repeated(struct tcp_conn *conn, uint32_t id, enum hf_reason reason)
{
    (void)conn;
    (void)id;
    (void)reason;
}

/* ---- tcp_run.c: each segment is chosen by itself */

uint32_t tcp_run_sure(const struct tcp_conn *conn, const struct tcp_host *host,
                      const struct tcp_segment *segment)
{
    (void)conn;
    (void)host;
    (void)segment;
    return 0;
}

uint32_t tcp_next_run(struct tcp_conn *conn, struct tcp_host *host,
                      const struct tcp_segment *segment, uint32_t most)
{
    (void)conn;
    (void)host;
    (void)segment;
    (void)most;
    return 0;
}
