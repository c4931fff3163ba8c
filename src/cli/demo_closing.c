/* SPDX-License-Identifier: MIT
 *
 * The chapter on closing: why four segments, why one end waits for two segment lifetimes, and what
 * happens when both ends close at once.
 */
#include "demo_scenario.h"

static const struct demo_step close_steps[] = {
    {DEMO_LISTEN, DEMO_B, 0, NULL},
    {DEMO_CONNECT, DEMO_A, 0, NULL},
    {DEMO_RUN, 0, 100, NULL},
    {DEMO_SAY, 0, 0, "The client's program has nothing more to send, and closes its direction."},
    {DEMO_CLOSE, DEMO_A, 0, NULL},
    {DEMO_RUN, 0, 100, NULL},
    {DEMO_STATE, DEMO_A, HF_FIN_WAIT_2, NULL},
    {DEMO_STATE, DEMO_B, HF_CLOSE_WAIT, NULL},
    {DEMO_SAY, 0, 0,
     "The connection is half closed: the server may go on sending as long as it "
     "likes, and the client still reads and acknowledges."},
    {DEMO_SEND, DEMO_B, 2000, NULL},
    {DEMO_RUN, 0, 200, NULL},
    {DEMO_RECEIVED, DEMO_A, 2000, NULL},
    {DEMO_STATE, DEMO_A, HF_FIN_WAIT_2, NULL},
    {DEMO_SAY, 0, 0, "Now the server's program closes too."},
    {DEMO_CLOSE, DEMO_B, 0, NULL},
    {DEMO_RUN, 0, 100, NULL},
    {DEMO_STATE, DEMO_A, HF_TIME_WAIT, NULL},
    {DEMO_STATE, DEMO_B, HF_LISTEN, NULL},
    {DEMO_SAY, 0, 0, "The server is done. The client, which closed first, waits for 2 MSL."},
    {DEMO_RUN_OUT, 0, 0, NULL},
    {DEMO_STATE, DEMO_A, HF_CLOSED, NULL},
    {DEMO_PATH, DEMO_A, 0, "CLOSED SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT CLOSED"},
    {DEMO_PATH, DEMO_B, 0, "CLOSED LISTEN SYN-RECEIVED ESTABLISHED CLOSE-WAIT LAST-ACK CLOSED"},
    {DEMO_ERROR, DEMO_A, 0, NULL},
    {DEMO_ERROR, DEMO_B, 0, NULL},
};

const struct demo_scenario demo_close = {
    .name = "close",
    .summary = "why four segments close a connection",
    .question = "Why do four segments close what three have opened?",
    .before =
        "A connection is two streams, one each way. FIN is the end of one of them: it says \"I "
        "have "
        "no more to send\", and nothing about what the other may still send.\n\n"
        "Look for: FIN taking a number of its own, like a byte, so that it can be acknowledged and "
        "sent again; the server's data after the client's FIN; and the different states of the two "
        "ends.",
    .answer =
        "Each direction closes on its own: one FIN each, one ACK each, makes four segments. They "
        "would be three if the server had nothing more to say and sent its FIN together with its "
        "ACK; opening needs only three for the same reason. Between the two FINs the connection is "
        "half closed, which is what `shutdown(SHUT_WR)` does: \"that was my whole question\", and "
        "the answer still comes.\n\n"
        "The end that closes first ends in TIME-WAIT. Why it must wait there: `handfast demo "
        "lost-last-ack`.",
    .sections = "RFC 9293 3.6 (figure 12), 3.10.4 (CLOSE), 3.10.7.4 (eighth: check the FIN bit).",
    .casting = {.host_names = {"client", "server"},
                .link = DEMO_PLAIN_LINK,
                .max_segment_bytes = 1000},
    DEMO_STEPS(close_steps),
};

static const struct demo_step lost_last_ack_steps[] = {
    {DEMO_LISTEN, DEMO_B, 0, NULL},
    {DEMO_CONNECT, DEMO_A, 0, NULL},
    {DEMO_RUN, 0, 100, NULL},
    {DEMO_CLOSE, DEMO_A, 0, NULL},
    {DEMO_RUN, 0, 100, NULL},
    {DEMO_SAY, 0, 0,
     "The client has closed; now the server does. The client's answer to its FIN, "
     "the last segment of all, is lost."},
    {DEMO_LOSE, DEMO_A, DEMO_PACKET_ACK, NULL},
    {DEMO_CLOSE, DEMO_B, 0, NULL},
    {DEMO_RUN, 0, 100, NULL},
    {DEMO_STATE, DEMO_A, HF_TIME_WAIT, NULL},
    {DEMO_STATE, DEMO_B, HF_LAST_ACK, NULL},
    {DEMO_SAY, 0, 0,
     "The client believes that all is said. The server cannot know: was its FIN "
     "lost, or the answer? It sends the FIN again."},
    {DEMO_RUN, 0, 1000, NULL},
    {DEMO_STATE, DEMO_A, HF_TIME_WAIT, NULL},
    {DEMO_STATE, DEMO_B, HF_LISTEN, NULL},
    {DEMO_GAVE, DEMO_B, HF_REASON_RETRANSMIT_FIN, NULL},
    {DEMO_GAVE, DEMO_A, HF_REASON_TIME_WAIT_RESTARTED, NULL},
    {DEMO_ERROR, DEMO_B, 0, NULL},
    {DEMO_SAY, 0, 0,
     "TIME-WAIT still knew the connection: it acknowledged once more, and its 2 "
     "MSL began anew."},
    {DEMO_RUN_OUT, 0, 0, NULL},
    {DEMO_PATH, DEMO_A, 0, "CLOSED SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT CLOSED"},
    {DEMO_PATH, DEMO_B, 0, "CLOSED LISTEN SYN-RECEIVED ESTABLISHED CLOSE-WAIT LAST-ACK CLOSED"},
    {DEMO_ACT, 0, 1, "The same, with a client that does not wait (an MSL of 1 ms)"},
    {DEMO_LISTEN, DEMO_B, 0, NULL},
    {DEMO_CONNECT, DEMO_A, 0, NULL},
    {DEMO_RUN, 0, 100, NULL},
    {DEMO_CLOSE, DEMO_A, 0, NULL},
    {DEMO_RUN, 0, 100, NULL},
    {DEMO_LOSE, DEMO_A, DEMO_PACKET_ACK, NULL},
    {DEMO_CLOSE, DEMO_B, 0, NULL},
    {DEMO_RUN, 0, 100, NULL},
    {DEMO_STATE, DEMO_A, HF_CLOSED, NULL},
    {DEMO_STATE, DEMO_B, HF_LAST_ACK, NULL},
    {DEMO_SAY, 0, 0,
     "The client has forgotten the connection already. The FIN comes again, to a "
     "host that knows nothing of it."},
    {DEMO_RUN, 0, 1000, NULL},
    {DEMO_STATE, DEMO_A, HF_CLOSED, NULL},
    {DEMO_STATE, DEMO_B, HF_LISTEN, NULL},
    {DEMO_GAVE, DEMO_B, HF_REASON_RST_ARRIVED, NULL},
    {DEMO_RUN_OUT, 0, 0, NULL},
};

const struct demo_scenario demo_lost_last_ack = {
    .name = "lost-last-ack",
    .summary = "why TIME-WAIT lasts 2 MSL",
    .question = "Why does the end that closed first wait for 2 MSL?",
    .before =
        "The last segment of a connection is an ACK, and no one acknowledges an ACK. So its sender "
        "never learns whether it arrived. Here it does not.\n\n"
        "Look for: the server in LAST-ACK, sending its FIN again when its timer runs out; and the "
        "client's two different answers to it, first with TIME-WAIT and then without.",
    .answer =
        "The one who sends the last ACK must stay to repeat it. In TIME-WAIT it can: the FIN that "
        "came again was acknowledged, and the server ended in order. Without TIME-WAIT the FIN met "
        "a host that knew nothing of it, and was answered with RST. To the server that looks the "
        "same as a client that crashed before it had read the last bytes: it cannot know that all "
        "is well. (In LAST-ACK the RFC lets this pass in silence; many systems tell the program "
        "\"connection reset by peer\".)\n\n"
        "MSL is the longest that a segment may live in the network. Two of them, because the ACK "
        "may be lost as late as one MSL after it was sent, and the FIN that comes again because of "
        "it may need one more. And when both have passed, no segment of this connection is left "
        "anywhere: a new connection between the same two ports cannot take an old segment for its "
        "own. TIME-WAIT is on the side that closed first, for that is the side that sends the last "
        "ACK.",
    .sections = "RFC 9293 3.6.1 (MUST-13), 3.10.7.4 (eighth, TIME-WAIT: acknowledge the FIN and "
                "restart the 2 MSL timeout), 3.4.3; RFC 1337 on what goes wrong without.",
    .casting = {.host_names = {"client", "server"}, .link = DEMO_PLAIN_LINK},
    DEMO_STEPS(lost_last_ack_steps),
};

static const struct demo_step simultaneous_close_steps[] = {
    {DEMO_LISTEN, DEMO_B, 0, NULL},
    {DEMO_CONNECT, DEMO_A, 0, NULL},
    {DEMO_RUN, 0, 100, NULL},
    {DEMO_SAY, 0, 0, "Both programs close at the same moment; the two FINs pass each other."},
    {DEMO_CLOSE, DEMO_A, 0, NULL},
    {DEMO_CLOSE, DEMO_B, 0, NULL},
    {DEMO_RUN, 0, 12, NULL},
    {DEMO_STATE, DEMO_A, HF_CLOSING, NULL},
    {DEMO_STATE, DEMO_B, HF_CLOSING, NULL},
    {DEMO_SAY, 0, 0,
     "A FIN arrived where an ACK of the own FIN was expected: CLOSING, at both "
     "ends. The ACKs are still on their way."},
    {DEMO_RUN, 0, 100, NULL},
    {DEMO_STATE, DEMO_A, HF_TIME_WAIT, NULL},
    {DEMO_STATE, DEMO_B, HF_TIME_WAIT, NULL},
    {DEMO_RUN_OUT, 0, 0, NULL},
    {DEMO_STATE, DEMO_A, HF_CLOSED, NULL},
    {DEMO_PATH, DEMO_A, 0, "CLOSED SYN-SENT ESTABLISHED FIN-WAIT-1 CLOSING TIME-WAIT CLOSED"},
    {DEMO_PATH, DEMO_B, 0,
     "CLOSED LISTEN SYN-RECEIVED ESTABLISHED FIN-WAIT-1 CLOSING TIME-WAIT CLOSED"},
    {DEMO_ERROR, DEMO_A, 0, NULL},
    {DEMO_ERROR, DEMO_B, 0, NULL},
};

const struct demo_scenario demo_simultaneous_close = {
    .name = "simultaneous-close",
    .summary = "what if both ends close at once",
    .question = "What if both ends close at the same moment?",
    .before =
        "Both programs close before either has heard of the other's closing.\n\n"
        "Look for: the state CLOSING, which appears nowhere else; each FIN being acknowledged by "
        "an ACK that says one more than the FIN's number; and TIME-WAIT at both ends.",
    .answer =
        "Four segments again, one FIN and one ACK each way, but crossed. FIN-WAIT-1 waits for two "
        "things, the ACK of its FIN and the other's FIN. If the ACK comes first the way leads "
        "through FIN-WAIT-2; if the FIN comes first, through CLOSING. Since each end has sent a "
        "last ACK and cannot know whether it arrived, each end waits in TIME-WAIT.",
    .sections = "RFC 9293 3.6 (figure 13), 3.3.2 (figure 5), 3.10.7.4 (fifth, CLOSING; eighth, "
                "FIN-WAIT-1).",
    .casting = {.host_names = {"peer A", "peer B"}, .link = DEMO_PLAIN_LINK},
    DEMO_STEPS(simultaneous_close_steps),
};
