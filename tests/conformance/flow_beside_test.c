/* SPDX-License-Identifier: MIT
 *
 * Options and payload in one segment: together they keep to the peer's MSS (RFC 9293 3.7.1), and
 * what fits is used.
 */
#include "harness.h"

/* RFC 2018 4: SACK blocks are in every ACK that does not acknowledge the highest octet: also in one
 * that repeats data, if they fit beside it to the last octet; data that leaves no room keeps its
 * size, so that a repetition is what was sent before.
 * Holds: MUST-16 */
static void blocks_beside_repetition(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000 sackok");
    user_send(w, 988); /* NOP NOP and one block take 12 */
    sends(w, "P. seq=1 ack=1 len=988 nosack");
    peer(w, ". seq=101 ack=1 len=100");
    sends(w, ". seq=989 ack=1 sack=101-201");
    sends_between(w, 0, 3 * HF_SECOND, "P. seq=1 ack=1 len=988 sack=101-201");
    peer(w, ". seq=201 ack=989 len=100");
    sends(w, ". seq=989 ack=1 sack=101-301");
    user_send(w, 989);
    sends(w, ". seq=989 ack=1 len=988 sack=101-301");
    sends(w, "P. seq=1977 ack=1 len=1 sack=101-301");
    peer(w, ". seq=301 ack=1978");
    silent(w);
}

/* The same of data that was sent whole, before there was a hole to report. */
static void no_room_beside_repetition(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000 sackok");
    user_send(w, 989);
    sends(w, "P. seq=1 ack=1 len=989 nosack");
    peer(w, ". seq=101 ack=1 len=100");
    sends(w, ". seq=990 ack=1 sack=101-201");
    sends_between(w, 0, 3 * HF_SECOND, "P. seq=1 ack=1 len=989 nosack");
    peer(w, ". seq=201 ack=990");
}

/* RFC 2018 3: with timestamps three blocks fit, however many holes there are; new data leaves room
 * for exactly these.
 * Holds: MUST-16 */
static void three_blocks_with_timestamps(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000 sackok ts=1");
    for (unsigned i = 0; i < 5; i++) {
        peer(w, ". seq=%u ack=1 len=100 ts=2", 101 + i * 200);
        next_packet(w);
        silent(w);
    }
    user_send(w, 1001);
    /* Timestamps 12, three blocks 28. */
    sends(w, ". seq=1 ack=1 len=960 sack=901-1001,701-801,501-601");
    sends(w, "P. seq=961 ack=1 len=41 sack=901-1001,701-801,501-601");
    peer(w, ". seq=1001 ack=1002 ts=3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(blocks_beside_repetition),
        BOTH(no_room_beside_repetition),
        BOTH(three_blocks_with_timestamps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
