/* SPDX-License-Identifier: MIT
 *
 * What connections have learnt of paths, by pair of addresses (RFC 9040): see path_metrics.c.
 */
#ifndef PATH_METRICS_H
#define PATH_METRICS_H

#include "stack_state.h"
#include "tcp_metrics.h"

void path_metrics_init(struct hf_stack *stack);
void path_metrics_deinit(struct hf_stack *stack);
/* The connection has just been synchronized, or has just ended in order. */
void path_metrics_settle(struct hf_stack *stack, struct tcp_conn *conn);
static inline bool path_metrics_wanted(const struct tcp_conn *conn)
{
    return conn->metrics_wanted || conn->metrics_due;
}

#endif
