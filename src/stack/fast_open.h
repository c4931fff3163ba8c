/* SPDX-License-Identifier: MIT
 *
 * TCP Fast Open (RFC 7413) in the stack: who may open a connection with data on the SYN. The
 * server's part is in fast_open.c, the client's memory of its peers in fast_open_peers.c; what a
 * single connection does is in tcp/tcp_fast_open.c.
 */
#ifndef FAST_OPEN_H
#define FAST_OPEN_H

#include "stack_state.h"
#include "tcp_fast_open.h"

#define FAST_OPEN_COOKIE_BYTES 8u

/* What a SYN gets. */
struct fast_open_answer {
    enum hf_reason reason; /* HF_REASON_ACCEPTED: Fast Open has no part in it */
    bool accept;           /* the connection opens now */
    bool option;           /* a cookie goes with the SYN-ACK */
    bool experimental;
    uint8_t cookie[FAST_OPEN_COOKIE_BYTES];
};

/* ---- fast_open.c */

void fast_open_init(struct hf_stack *stack);
void fast_open_deinit(struct hf_stack *stack);
struct fast_open_answer fast_open_judge(struct hf_stack *stack, struct stack_listener *listener,
                                        const struct arrival *arrival);
/* The SYN of an answer to accept opens this connection, which is in SYN-RECEIVED. False: no
 * memory. */
bool fast_open_begin(struct hf_stack *stack, struct stack_listener *listener,
                     struct stack_connection *connection, const struct fast_open_answer *answer,
                     const struct tcp_segment *segment);
/* It is given up before it was known to anybody. */
void fast_open_abandon(struct hf_stack *stack, struct stack_connection *connection);
void fast_open_fill(const struct fast_open_answer *answer, struct tcp_options *options);
/* After every call into a connection: counts and remembers what has become of it. */
void fast_open_settle(struct hf_stack *stack, struct stack_connection *connection);

/* ---- fast_open_peers.c */

void fast_open_peers_init(struct hf_stack *stack);
void fast_open_peers_deinit(struct hf_stack *stack);
/* HF_OPTION_FAST_OPEN_CONNECT. */
int fast_open_connect(struct hf_stack *stack, struct stack_connection *connection, int64_t value);
/* Takes what tcp_fast_open has learnt. */
void fast_open_remember(struct hf_stack *stack, const struct stack_connection *connection);

/* ---- saved_syn.c: HF_OPTION_SAVE_SYN */

/* NULL: not wanted, or no memory. */
struct saved_syn *saved_syn_take(struct hf_stack *stack, const struct stack_listener *listener,
                                 const struct arrival *arrival);
void saved_syn_free(struct hf_stack *stack, struct saved_syn **saved);

#endif
