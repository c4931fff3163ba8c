/* SPDX-License-Identifier: MIT
 *
 * A connection at rest: a few hundred bytes from which it can be made again as it was, to the bit.
 * The stack puts to rest what has been idle for a while and wakes it when anything touches it.
 *
 * No list of fields says what is kept: all of a connection is. Most of its bytes are the same in
 * every idle connection, and most others follow from two sequence numbers and two times; what
 * remains is what is written. So a field that is added to a connection is kept too, and one that
 * nobody described below merely takes more room where it differs.
 */
#ifndef TCP_REST_H
#define TCP_REST_H

#include "tcp_conn.h"

/* An algorithm's state travels with the connection if it is one of Handfast's own, and no larger
 * than this. That of others stays where it is: it may point into itself. */
#define TCP_REST_PRIVATE_BYTES 512u
/* What does not fit stays awake. */
#define TCP_REST_BYTES_MAX 1024u
#define TCP_REST_TOO_LARGE UINT32_MAX

/* A whole connection, and what hangs off it. */
struct tcp_rest_image {
    struct tcp_conn conn;
    struct tcp_sender sender;
    uint8_t private_state[TCP_REST_PRIVATE_BYTES];
};

/* Its bytes, once sequence numbers and times say only how far they are from each other. What others
 * have in common with the model is not written. */
struct tcp_rest_model {
    struct tcp_rest_image image;
};

/* What hangs off the connection when it rests. */
struct tcp_rest_parts {
    bool sender, private_state; /* each is there, and is packed */
    uint16_t private_bytes;
};

/* Nothing is queued, in flight, out of order, to be sent or to be told; so that it holds no memory
 * but itself and what is packed with it. */
bool tcp_rests_quietly(const struct tcp_conn *conn);
/* What hangs off it that is to be packed. */
struct tcp_rest_parts tcp_rest_parts(const struct tcp_conn *conn);
void tcp_rest_model_init(struct tcp_rest_model *model, const struct tcp_conn *conn);
/* The length, or TCP_REST_TOO_LARGE: it takes more than `capacity`. Tuple and handle are not in it.
 * The connection keeps what it has. */
uint32_t tcp_rest_pack(const struct tcp_conn *conn, const struct tcp_rest_model *model,
                       uint8_t *bytes, uint32_t capacity);
/* The connection as it was. `conn` has its tuple and handle; `sender` and `private_state` have room
 * for what tcp_rest_parts said there was, and are NULL where there was nothing. */
void tcp_rest_unpack(struct tcp_conn *conn, struct tcp_sender *sender, void *private_state,
                     const struct tcp_rest_model *model, const uint8_t *bytes, uint32_t length);
void tcp_trace_rest(const struct tcp_conn *conn, const struct tcp_host *host, enum hf_reason reason,
                    uint32_t bytes);

#endif
