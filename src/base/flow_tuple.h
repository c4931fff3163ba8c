/* SPDX-License-Identifier: MIT
 *
 * What names a connection: both addresses and both ports. Padded with zeros, so that equal tuples
 * are equal bytes and can be hashed and compared as they lie.
 */
#ifndef FLOW_TUPLE_H
#define FLOW_TUPLE_H

#include <handfast/types.h>
#include <stdbool.h>
#include <string.h>

struct flow_tuple {
    uint8_t local[16], remote[16]; /* IPv4 in the first four bytes */
    uint16_t local_port, remote_port;
    uint8_t family; /* enum hf_family */
    uint8_t zero[3];
};

static inline bool flow_tuple_equal(const struct flow_tuple *a, const struct flow_tuple *b)
{
    uint64_t one[5], other[5];
    _Static_assert(sizeof one == sizeof *a, "a tuple is five words");
    memcpy(one, a, sizeof one);
    memcpy(other, b, sizeof other);
    return ((one[0] ^ other[0]) | (one[1] ^ other[1]) | (one[2] ^ other[2]) | (one[3] ^ other[3]) |
            (one[4] ^ other[4])) == 0;
}

static inline struct hf_endpoint flow_tuple_local(const struct flow_tuple *tuple)
{
    struct hf_endpoint endpoint = {.port = tuple->local_port};
    endpoint.address.family = tuple->family;
    memcpy(endpoint.address.bytes, tuple->local, sizeof tuple->local);
    return endpoint;
}

static inline struct hf_endpoint flow_tuple_remote(const struct flow_tuple *tuple)
{
    struct hf_endpoint endpoint = {.port = tuple->remote_port};
    endpoint.address.family = tuple->family;
    memcpy(endpoint.address.bytes, tuple->remote, sizeof tuple->remote);
    return endpoint;
}

static inline struct flow_tuple flow_tuple_make(const struct hf_endpoint *local,
                                                const struct hf_endpoint *remote)
{
    struct flow_tuple tuple;
    memset(&tuple, 0, sizeof tuple);
    tuple.family = local->address.family;
    memcpy(tuple.local, local->address.bytes, sizeof tuple.local);
    memcpy(tuple.remote, remote->address.bytes, sizeof tuple.remote);
    tuple.local_port = local->port;
    tuple.remote_port = remote->port;
    return tuple;
}

#endif
