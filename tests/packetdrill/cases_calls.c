/* SPDX-License-Identifier: MIT
 *
 * The table, and a conversation from each side over each version of IP.
 */
#include "driver.h"

#include <errno.h>
#include <string.h>

void case_slots(void)
{
    void *slots[33];
    load(NULL);
    _Static_assert(sizeof ifc == sizeof slots, "33 pointers");
    memcpy(slots, &ifc, sizeof slots);
    for (int i = 0; i < 33; i++)
        CHECK(slots[i] != NULL);
    ifc.free(ifc.u);
}

/* Opened by the peer: the answers leave at the very time of what they answer. */
void case_passive(void)
{
    struct connection connection;
    struct segment segment;
    char bytes[16];
    load("strict");
    connection = passive_open(100, 8080);
    at(1000);
    peer_says(&connection, ACK | PSH, "hello");
    SAME(receive_at(ACK, 1000).ack, connection.peer.seq); /* the first are acknowledged at once */
    memset(bytes, 0, sizeof bytes);
    SAME(ifc.read(ifc.u, connection.fd, bytes, sizeof bytes), 5);
    CHECK(memcmp(bytes, "hello", 5) == 0);
    at(2000);
    SAME(ifc.write(ifc.u, connection.fd, "good day", 8), 8);
    segment = receive_at(ACK | PSH, 2000);
    SAME(segment.ack, connection.peer.seq);
    SAME(segment.seq, connection.peer.ack);
    SAME(segment.payload_length, 8);
    connection.peer.ack += 8;
    at(3000);
    peer_says(&connection, ACK, "");
    SAME(ifc.close(ifc.u, connection.fd), 0);
    segment = receive_at(FIN | ACK, 3000);
    connection.peer.ack++;
    at(4000);
    peer_says(&connection, FIN | ACK, "");
    segment = receive_at(ACK, 4000);
    SAME(segment.ack, connection.peer.seq);
    SAME(ifc.close(ifc.u, connection.listener), 0);
    ifc.free(ifc.u);
}
