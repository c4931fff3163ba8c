/* SPDX-License-Identifier: MIT
 *
 * What a client remembers of its peers for TCP Fast Open (RFC 7413 4.1.3): by the pair of
 * addresses the cookie, the MSS, the kind of option that the peer answers, and how often a Fast
 * Open SYN got lost. At most config.max_fast_open_peers; the one that was used longest ago makes
 * room.
 *
 * 4.1.3.1: what fails is remembered too. Two Fast Open SYNs in a row that were lost, or whose data
 * was refused without a new cookie, and the peer gets ordinary SYNs for a while: 60 s times two to
 * the number of failures, no more than about an hour and a quarter.
 */
#include "fast_open.h"

#define HOLD_OFF (60 * HF_SECOND)
#define FAILURES_BEFORE_HOLD_OFF 2u
#define MOST_FAILURES 6u
/* A pause after a black hole doubles with each one in a row, this often. */
#define MOST_PAUSE_DOUBLINGS 6u

struct fast_open_peer {
    struct peer peer;
    uint16_t mss;
    uint8_t failures; /* in a row */
    uint8_t cookie_length;
    bool experimental; /* the kind of option that the cookie came in */
    uint8_t try_kind;  /* without a cookie: 0 kind 34, 1 kind 254, 2 kind 34 again, for good */
    uint8_t cookie[TCP_FAST_OPEN_COOKIE_MAX];
    hf_time failed; /* the last time */
};

void fast_open_peers_init(struct hf_stack *stack)
{
    peer_table_init(&stack->fast_open_peers, &stack->memory, &stack->keys.flow,
                    sizeof(struct fast_open_peer), stack->config.max_fast_open_peers, false);
}

void fast_open_peers_deinit(struct hf_stack *stack)
{
    peer_table_deinit(&stack->fast_open_peers);
}

/* The peer's entry, now the one used last; NULL: there is none. */
static struct fast_open_peer *find(struct hf_stack *stack, const struct flow_tuple *tuple)
{
    struct fast_open_peer *peer = peer_table_find(&stack->fast_open_peers, tuple);
    if (peer != NULL) {
        peer_table_touch(&stack->fast_open_peers, &peer->peer);
    }
    return peer;
}

/* ---- before the SYN */

/* Keeps RFC7413-4.1.3-b. */
static bool held_off(const struct hf_stack *stack, const struct fast_open_peer *peer)
{
    return peer != NULL && peer->failures >= FAILURES_BEFORE_HOLD_OFF &&
           stack->host.now < peer->failed + (HOLD_OFF << peer->failures);
}

static bool paused(const struct hf_stack *stack)
{
    uint32_t times = stack->host.fast_open_pauses;
    if (times == 0 || stack->config.fast_open_blackhole_ns == 0) {
        return false;
    }
    times = times - 1 < MOST_PAUSE_DOUBLINGS ? times - 1 : MOST_PAUSE_DOUBLINGS;
    return stack->host.now <
           stack->host.fast_open_paused + (stack->config.fast_open_blackhole_ns << times);
}

static void trace_avoided(struct hf_stack *stack, const struct tcp_conn *conn)
{
    stack_trace_state(stack, &conn->tuple, HF_REASON_FAST_OPEN_AVOIDED, HF_SYN_SENT, HF_SYN_SENT,
                      conn->iss, seq_make(0));
}

/* RFC 7413 4.2.1 and 4.1.3: with a cookie, asking for one, or neither.
 * Keeps RFC7413-4.2.1-a. */
static void plan(struct hf_stack *stack, struct tcp_conn *conn, struct tcp_fast_open *fast_open)
{
    const struct fast_open_peer *peer = find(stack, &conn->tuple);
    if (peer != NULL) {
        fast_open->mss = peer->mss;
    }
    conn->fast_open_failure = TCP_FAST_OPEN_NO_FAILURE;
    if (paused(stack) || held_off(stack, peer)) {
        trace_avoided(stack, conn);
    } else if ((stack->config.fast_open & HF_FAST_OPEN_CLIENT_NO_COOKIE) ||
               conn->fast_open_no_cookie) {
        fast_open->data = true;
    } else if (peer != NULL && peer->cookie_length > 0) {
        fast_open->option = true;
        fast_open->data = true;
        fast_open->experimental = peer->experimental;
        fast_open->cookie_length = peer->cookie_length;
        memcpy(fast_open->cookie, peer->cookie, peer->cookie_length);
    } else {
        fast_open->option = true;
        fast_open->experimental = peer != NULL && peer->try_kind == 1;
        conn->fast_open_failure = TCP_FAST_OPEN_NO_COOKIE;
    }
}

int fast_open_connect(struct hf_stack *stack, struct stack_connection *connection, int64_t value)
{
    struct tcp_conn *conn = &connection->tcp;
    struct tcp_fast_open *fast_open;
    if (value < 0 || value > 2) {
        return HF_EINVAL;
    }
    if (conn->state != HF_SYN_SENT || !seq_eq(conn->snd.nxt, conn->iss)) {
        return HF_EISCONN;
    }
    if (!(stack->config.fast_open & HF_FAST_OPEN_CLIENT)) {
        return HF_EOPNOTSUPP;
    }
    if (value < 2) {
        tcp_fast_open_release(conn);
    }
    if (value == 0) {
        tcp_fast_open_free(conn, &stack->host);
        return HF_OK;
    }
    if (conn->fast_open != NULL) {
        return HF_OK; /* planned already */
    }
    fast_open = tcp_fast_open_new(conn, &stack->host);
    if (fast_open == NULL) {
        return HF_ENOMEM;
    }
    plan(stack, conn, fast_open);
    if (value == 2 && fast_open->data) {
        tcp_fast_open_hold(conn);
    }
    return HF_OK;
}

/* ---- after the answer */

static void count_failure(struct hf_stack *stack, struct fast_open_peer *peer)
{
    peer->failed = stack->host.now;
    if (peer->failures < MOST_FAILURES) {
        peer->failures++;
    }
}

/* Keeps RFC7413-4.1.3-a. */
static void take_answer(struct hf_stack *stack, struct fast_open_peer *peer,
                        const struct tcp_conn *conn)
{
    const struct tcp_fast_open *fast_open = conn->fast_open;
    if (fast_open->got_mss != 0) {
        peer->mss = fast_open->got_mss;
    }
    if (fast_open->got_cookie) {
        peer->cookie_length = fast_open->got_length;
        peer->experimental = fast_open->got_experimental;
        memcpy(peer->cookie, fast_open->got, fast_open->got_length);
        stack_trace_state(stack, &conn->tuple, HF_REASON_FAST_OPEN_LEARNT, conn->state, conn->state,
                          conn->iss, conn->irs);
    } else if (fast_open->other_kind && peer->cookie_length == 0 && peer->try_kind < 2) {
        peer->try_kind = fast_open->experimental ? 2 : 1;
    }
    if (!fast_open->got_cookie && (fast_open->syn_dropped || fast_open->data_refused)) {
        count_failure(stack, peer);
    } else {
        peer->failures = 0;
    }
}

void fast_open_remember(struct hf_stack *stack, const struct stack_connection *connection)
{
    const struct tcp_conn *conn = &connection->tcp;
    struct fast_open_peer *peer = find(stack, &conn->tuple);
    if (peer == NULL) {
        peer = peer_table_add(&stack->fast_open_peers, &conn->tuple);
    }
    if (peer == NULL) {
        return;
    }
    switch (conn->fast_open->news) {
    case TCP_FAST_OPEN_ANSWERED:
        take_answer(stack, peer, conn);
        break;
    case TCP_FAST_OPEN_LOST:
        if (conn->fast_open->option || conn->fast_open->data) {
            count_failure(stack, peer);
        }
        break;
    case TCP_FAST_OPEN_NO_NEWS:
        break;
    }
}
