/* SPDX-License-Identifier: MIT
 *
 * A host with very many connections, whose peers are a generator that keeps next to nothing of
 * them: a number each that the server chose, and how many requests it has made (255 at most). Every
 * connection is opened, exchanges one request of 64 bytes and a response of 128, and falls idle.
 *
 * Time is virtual: the connections open over so much of it that most have been put to rest before
 * the last are there, as they would be if people opened them.
 */
#ifndef IDLE_PEERS_H
#define IDLE_PEERS_H

#include "tcp_segment.h"

#include <handfast/handfast.h>

enum { IDLE_REQUEST_BYTES = 64, IDLE_RESPONSE_BYTES = 128, IDLE_PACKET_BYTES = 1600 };

struct idle_peers {
    struct hf_stack *stack; /* serves on 10.0.0.1, port 80 */
    hf_handle listener;
    uint32_t most, opened;
    uint32_t *first_numbers; /* of each connection the server's ISS */
    uint8_t *requests;       /* made on each connection */
    hf_time now;
    uint64_t random;
    uint8_t packet[IDLE_PACKET_BYTES];
    struct tcp_segment answer; /* the last that the server sent */
    uint64_t answers;
};

/* A host that may hold so many connections and so much memory. Ends the program on failure, as all
 * here does: a measurement that went wrong is none. `rest_after_ns` as in hf_config. */
struct idle_peers *idle_peers_new(uint32_t most, uint64_t memory_bytes, hf_time rest_after_ns);
void idle_peers_free(struct idle_peers *peers);
/* Opens more, until so many are open. */
void idle_peers_open(struct idle_peers *peers, uint32_t connections);
/* A SYN that is never followed up, from a peer beyond `most`. */
void idle_peers_half_open(struct idle_peers *peers, uint32_t number);
/* Until nothing more is to be done, as far as an hour from now. */
void idle_peers_settle(struct idle_peers *peers);
/* `count` of them, in random order, exchange a request each. Of each one two times in ns on the
 * wall: until the response has left, and until its ACK is taken. Either may be NULL. */
void idle_peers_wake(struct idle_peers *peers, uint32_t count, uint64_t *answered,
                     uint64_t *acknowledged);

#endif
