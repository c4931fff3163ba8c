/* SPDX-License-Identifier: MIT
 *
 * The chapter on breaking: one end forgets, one end gives up, and RST is how the other hears of it.
 */
#include "demo_scenario.h"

static const struct demo_step half_open_steps[] = {
    {DEMO_LISTEN, DEMO_B, 0, NULL},
    {DEMO_CONNECT, DEMO_A, 0, NULL},
    {DEMO_RUN, 0, 100, NULL},
    {DEMO_SAY, 0, 0,
     "The client's host loses power and starts again. It remembers nothing; the "
     "server knows nothing of it: the connection is half-open. Then the client "
     "connects anew, from the same port."},
    {DEMO_CRASH, DEMO_A, 0, NULL},
    {DEMO_STATE, DEMO_A, HF_CLOSED, NULL},
    {DEMO_STATE, DEMO_B, HF_ESTABLISHED, NULL},
    {DEMO_CONNECT, DEMO_A, 0, NULL},
    {DEMO_RUN, 0, 25, NULL},
    {DEMO_STATE, DEMO_A, HF_SYN_SENT, NULL},
    {DEMO_STATE, DEMO_B, HF_ESTABLISHED, NULL},
    {DEMO_RUN, 0, 20, NULL},
    {DEMO_STATE, DEMO_A, HF_SYN_SENT, NULL},
    {DEMO_STATE, DEMO_B, HF_LISTEN, NULL},
    {DEMO_ERROR, DEMO_B, -HF_ECONNRESET, NULL},
    {DEMO_SAY, 0, 0,
     "The server asked by an ACK, the client answered with RST, and the server's "
     "old connection is gone. The SYN is sent again after one second, and now it "
     "is welcome."},
    {DEMO_RUN, 0, 1500, NULL},
    {DEMO_STATE, DEMO_A, HF_ESTABLISHED, NULL},
    {DEMO_STATE, DEMO_B, HF_ESTABLISHED, NULL},
    {DEMO_ACT, 0, 0, "The client crashes again, and this time the server speaks first"},
    {DEMO_LISTEN, DEMO_B, 0, NULL},
    {DEMO_CONNECT, DEMO_A, 0, NULL},
    {DEMO_RUN, 0, 100, NULL},
    {DEMO_CRASH, DEMO_A, 0, NULL},
    {DEMO_SEND, DEMO_B, 10, NULL},
    {DEMO_RUN, 0, 100, NULL},
    {DEMO_STATE, DEMO_A, HF_CLOSED, NULL},
    {DEMO_STATE, DEMO_B, HF_LISTEN, NULL},
    {DEMO_ERROR, DEMO_B, -HF_ECONNRESET, NULL},
    {DEMO_ACT, 0, 0, "Two hosts that listen, and an old SYN between them"},
    {DEMO_LISTEN, DEMO_B, 0, NULL},
    {DEMO_HOLD, DEMO_A, 300, NULL},
    {DEMO_CONNECT, DEMO_A, 0, NULL},
    {DEMO_RUN, 0, 100, NULL},
    {DEMO_SAY, 0, 0,
     "The SYN is held up; the client's program gives up, and listens instead. "
     "Now both ends listen, and nobody wants to connect."},
    {DEMO_ABORT, DEMO_A, 0, NULL},
    {DEMO_HOLD, DEMO_A, 0, NULL},
    {DEMO_LISTEN, DEMO_A, 0, NULL},
    {DEMO_RUN, 0, 400, NULL},
    {DEMO_STATE, DEMO_A, HF_LISTEN, NULL},
    {DEMO_STATE, DEMO_B, HF_LISTEN, NULL},
    {DEMO_PATH, DEMO_B, 0, "CLOSED LISTEN SYN-RECEIVED LISTEN"},
};

const struct demo_scenario demo_half_open = {
    .name = "half-open",
    .summary = "what if one end crashes and forgets",
    .question = "What if one end crashes and forgets that there was a connection?",
    .before =
        "A host that lost its memory answers nothing by itself, and the other end has no way to "
        "see it: it is ESTABLISHED with nobody. Three ways in which it comes out.\n\n"
        "Look for: who sends the RST, and where its SEQ comes from. Numbers are shown as on the "
        "wire.",
    .answer =
        "Whoever speaks first finds out. If the host that forgot sends SYN, the other answers with "
        "an ACK of what it expects (a challenge ACK: RFC 5961 sends it for every SYN, so that a "
        "forged SYN cannot end a connection); this ACK fits nothing that the newcomer sent, so it "
        "answers with RST, and that clears the way. If the one that remembers sends data, the RST "
        "comes at once. And if neither says a word, the connection stays half-open for ever: that "
        "is what keep-alive is for.\n\n"
        "The RST takes its SEQ from the ACK that it answers, and so it is exactly what the "
        "receiver waits for. That is how the receiver knows it for real. Two hosts that only "
        "listen get rid of an old SYN in the same way, and neither program hears of it.",
    .sections = "RFC 9293 3.5.1 (figures 9, 10 and 11), 3.5.2 (reset generation); RFC 5961 4.2 "
                "(challenge ACK); RFC 9293 3.8.4 (keep-alive).",
    .casting = {.host_names = {"client", "server"}, .link = DEMO_PLAIN_LINK, .absolute = true},
    DEMO_STEPS(half_open_steps),
};

static const struct demo_step reset_steps[] = {
    {DEMO_SAY, 0, 0, "Nobody listens at the server. The client connects."},
    {DEMO_CONNECT, DEMO_A, 0, NULL},
    {DEMO_RUN, 0, 100, NULL},
    {DEMO_STATE, DEMO_A, HF_CLOSED, NULL},
    {DEMO_ERROR, DEMO_A, -HF_ECONNREFUSED, NULL},
    {DEMO_PATH, DEMO_A, 0, "CLOSED SYN-SENT CLOSED"},
    {DEMO_SAY, 0, 0,
     "The SYN carried no ACK from which the RST could take its number: so it "
     "has SEQ 0, and proves itself by acknowledging the SYN."},
    {DEMO_ACT, 0, 0, "A program gives up in the middle"},
    {DEMO_LISTEN, DEMO_B, 0, NULL},
    {DEMO_CONNECT, DEMO_A, 0, NULL},
    {DEMO_RUN, 0, 100, NULL},
    {DEMO_SEND, DEMO_A, 500, NULL},
    {DEMO_RUN, 0, 200, NULL},
    {DEMO_SAY, 0, 0,
     "The client's program aborts: no FIN, no waiting. What was sent may or may "
     "not have been read; nothing more will come, and nobody will ask."},
    {DEMO_ABORT, DEMO_A, 0, NULL},
    {DEMO_STATE, DEMO_A, HF_CLOSED, NULL},
    {DEMO_RUN, 0, 100, NULL},
    {DEMO_STATE, DEMO_A, HF_CLOSED, NULL},
    {DEMO_STATE, DEMO_B, HF_LISTEN, NULL},
    {DEMO_ERROR, DEMO_B, -HF_ECONNRESET, NULL},
    {DEMO_ACT, 0, 0, "Old segments turn up where nobody knows them"},
    {DEMO_SAY, 0, 0,
     "Both hosts have started anew and have nothing open. A copy of that RST "
     "reaches the server."},
    {DEMO_REPLAY, DEMO_A, DEMO_PACKET_RST, NULL},
    {DEMO_RUN, 0, 100, NULL},
    {DEMO_SAY, 0, 0, "Silence. Then a copy of one of the server's ACKs reaches the client."},
    {DEMO_REPLAY, DEMO_B, DEMO_PACKET_ACK, NULL},
    {DEMO_RUN, 0, 100, NULL},
    {DEMO_SAY, 0, 0, "That was answered with RST, and the RST again with silence."},
    {DEMO_STATE, DEMO_A, HF_CLOSED, NULL},
    {DEMO_STATE, DEMO_B, HF_CLOSED, NULL},
};

const struct demo_scenario demo_reset = {
    .name = "reset",
    .summary = "when RST is sent, and when it is not",
    .question = "When is a connection reset, and who must not be answered?",
    .before =
        "RST ends a connection without agreement. Here it is sent because nobody listens; because "
        "a program aborts; and because a segment belongs to no connection.\n\n"
        "Look for: the numbers in each RST, which are what makes it believable; no TIME-WAIT "
        "anywhere; and the one segment that gets no answer at all.",
    .answer =
        "A segment that fits no connection is answered with RST, so that its sender need not wait "
        "in vain: for a SYN this is \"connection refused\". A program that aborts sends RST "
        "instead of FIN, and the other program is told \"connection reset by peer\", which is not "
        "the same as the end of the data (MUST-12).\n\n"
        "A RST itself is never answered. Two hosts that each know nothing of the connection would "
        "otherwise answer RST with RST for ever. Nor does it leave a TIME-WAIT: there is nothing "
        "to repeat.",
    .sections = "RFC 9293 3.5.2 (reset generation), 3.5.3 (reset processing), 3.10.5 (ABORT), "
                "3.10.7.1; RFC 5961 3.2 (which RST is believed).",
    .casting = {.host_names = {"client", "server"}, .link = DEMO_PLAIN_LINK},
    DEMO_STEPS(reset_steps),
};
