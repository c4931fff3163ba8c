/* SPDX-License-Identifier: MIT
 *
 * The chapter on moving data: numbers, cumulative acknowledgement, loss found by duplicate ACKs
 * and by time, and the window that lets a slow reader slow the sender.
 */
#include "demo_scenario.h"

static const struct demo_step transfer_steps[] = {
    {DEMO_LISTEN, DEMO_B, 0, NULL},
    {DEMO_CONNECT, DEMO_A, 0, NULL},
    {DEMO_RUN, 0, 100, NULL},
    {DEMO_SAY, 0, 0,
     "Three segments of 1000 bytes, and nothing goes wrong. SEQ is the number of "
     "a segment's first byte; ACK is the number of the byte awaited next."},
    {DEMO_SEND, DEMO_A, 3000, NULL},
    {DEMO_RUN, 0, 200, NULL},
    {DEMO_RECEIVED, DEMO_B, 3000, NULL},
    {DEMO_SAY, 0, 0,
     "Eight segments; the third is lost. What comes behind it is kept, but cannot be "
     "acknowledged: ACK can only name the first byte that is missing. So the same ACK comes again "
     "and again. One that offers another window than the last is no duplicate; the third that is "
     "makes the client send again."},
    {DEMO_LOSE_THIRD, DEMO_A, DEMO_PACKET_DATA, NULL},
    {DEMO_SEND, DEMO_A, 8000, NULL},
    {DEMO_RUN, 0, 300, NULL},
    {DEMO_RECEIVED, DEMO_B, 11000, NULL},
    {DEMO_GAVE, DEMO_A, HF_REASON_RETRANSMIT_FAST, NULL},
    {DEMO_SAY, 0, 0,
     "One segment, and it is lost. Nothing follows that could cause an ACK: only "
     "the clock can tell, when no answer came within the RTO."},
    {DEMO_LOSE, DEMO_A, DEMO_PACKET_DATA, NULL},
    {DEMO_SEND, DEMO_A, 1000, NULL},
    {DEMO_RUN, 0, 1000, NULL},
    {DEMO_RECEIVED, DEMO_B, 12000, NULL},
    {DEMO_GAVE, DEMO_A, HF_REASON_RETRANSMIT_TIMEOUT, NULL},
    {DEMO_SAY, 0, 0,
     "The server's program stops reading. Its buffer holds 8000 bytes; the client "
     "has 10000 to send. Watch WIN fall to 0."},
    {DEMO_READING, DEMO_B, 0, NULL},
    {DEMO_SEND, DEMO_A, 10000, NULL},
    {DEMO_RUN, 0, 1200, NULL},
    {DEMO_RECEIVED, DEMO_B, 12000, NULL},
    {DEMO_GAVE, DEMO_A, HF_REASON_SEND_PROBE, NULL},
    {DEMO_SAY, 0, 0,
     "The client asked from time to time whether the window is still closed, for "
     "the news that it is open could be lost. Now the program reads."},
    {DEMO_READING, DEMO_B, 1, NULL},
    {DEMO_RUN, 0, 2000, NULL},
    {DEMO_RECEIVED, DEMO_B, 22000, NULL},
    {DEMO_STATE, DEMO_A, HF_ESTABLISHED, NULL},
    {DEMO_STATE, DEMO_B, HF_ESTABLISHED, NULL},
};

const struct demo_scenario demo_transfer = {
    .name = "transfer",
    .summary = "how every byte arrives: numbers, loss, the window",
    .question = "How does every byte arrive, once and in order, though packets are lost?",
    .before =
        "A client sends to a server in segments of 1000 bytes (so that the numbers are easy to "
        "read). First all goes well; then one segment of eight is lost; then the only one; then "
        "the server's program stops reading.\n\n"
        "Look for: ACK numbers that name what is missing, not what came last; the single "
        "retransmission after three equal ACKs, and the one ACK afterwards that jumps over all "
        "that had been kept; the wait before the other retransmission; and WIN.",
    .answer =
        "Every byte has a number, so that the receiver can put segments in order, drop what comes "
        "twice, and say what it lacks. An ACK is cumulative: it says that everything before its "
        "number has arrived, so the loss of an ACK matters little; the next one says it too.\n\n"
        "A loss shows in two ways. If later segments still arrive, each causes the same ACK again: "
        "after three, the sender sends the missing segment without waiting (fast retransmit). If "
        "nothing arrives, only the retransmission timer is left. It is set from the round trip "
        "times that were measured, and doubled each time it runs out.\n\n"
        "The window is how much the receiver has room for. It moves with ACK: the sender may send "
        "up to ACK + WIN and no further. When it is 0, the sender probes it.",
    .sections = "RFC 9293 3.4 (sequence numbers), 3.8.6 (the window; 3.8.6.1 probes); RFC 5681 3.2 "
                "(fast retransmit); RFC 6298 (the retransmission timer).",
    .casting = {.host_names = {"client", "server"},
                .link = DEMO_PLAIN_LINK,
                .receive_buffer_bytes = 8000,
                .max_segment_bytes = 1000},
    DEMO_STEPS(transfer_steps),
};
