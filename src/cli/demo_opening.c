/* SPDX-License-Identifier: MIT
 *
 * The chapter on opening: why three steps, what the third is for, and what happens when both ends
 * call at once.
 */
#include "demo_scenario.h"

static const struct demo_step handshake_steps[] = {
    {DEMO_LISTEN, DEMO_B, 0, NULL},
    {DEMO_CONNECT, DEMO_A, 0, NULL},
    {DEMO_RUN, 0, 100, NULL},
    {DEMO_STATE, DEMO_A, HF_ESTABLISHED, NULL},
    {DEMO_STATE, DEMO_B, HF_ESTABLISHED, NULL},
    {DEMO_PATH, DEMO_A, 0, "CLOSED SYN-SENT ESTABLISHED"},
    {DEMO_PATH, DEMO_B, 0, "CLOSED LISTEN SYN-RECEIVED ESTABLISHED"},
    {DEMO_SAY, 0, 0,
     "Both ends are ESTABLISHED: ten bytes follow. They are numbered from where "
     "the SYN left off, for the SYN itself took one number."},
    {DEMO_SEND, DEMO_A, 10, NULL},
    {DEMO_RUN, 0, 200, NULL},
    {DEMO_RECEIVED, DEMO_B, 10, NULL},
};

const struct demo_scenario demo_handshake = {
    .name = "handshake",
    .summary = "why three segments open a connection",
    .question = "Why do three segments open a connection?",
    .before =
        "A server listens and a client connects to it. Each segment below shows its flags, SEQ "
        "(the "
        "number of its first byte), ACK (the number of the byte it waits for next), LEN (its bytes "
        "of data) and the window it offers; at the edges stand the states of both ends.\n\n"
        "Look for: each side naming a number of its own with SYN, and the other side repeating it, "
        "plus one, as ACK. Only when both have been repeated are both ends ESTABLISHED. The "
        "numbers are counted from where each side began; --absolute shows what is on the wire.",
    .answer =
        "TCP numbers every byte, and each side starts at a number that the other cannot know: so "
        "each must tell its own and must hear that it was understood. That makes four messages: my "
        "number, yours understood; my number, yours understood. The server sends its two in one "
        "segment (SYN,ACK), which leaves three.\n\n"
        "The client knows after two segments that both numbers have arrived. The server knows it "
        "only after the third. Why it cannot simply trust the first: `handfast demo "
        "old-duplicate`.",
    .sections = "RFC 9293 3.5 (figure 6); 3.4.1 on choosing the numbers; RFC 6528 on making them "
                "hard to guess.",
    .casting = {.host_names = {"client", "server"},
                .link = DEMO_PLAIN_LINK,
                .timestamps = true,
                .sack = true},
    DEMO_STEPS(handshake_steps),
};

static const struct demo_step old_duplicate_steps[] = {
    {DEMO_LISTEN, DEMO_B, 0, NULL},
    {DEMO_SAY, 0, 0,
     "The client asks to connect. Its SYN takes a detour somewhere in the network."},
    {DEMO_HOLD, DEMO_A, 300, NULL},
    {DEMO_CONNECT, DEMO_A, 0, NULL},
    {DEMO_RUN, 0, 100, NULL},
    {DEMO_SAY, 0, 0,
     "The program gives up, and tries again from the same port. This is a new "
     "connection with a new number; its SYN is slow too."},
    {DEMO_ABORT, DEMO_A, 0, NULL},
    {DEMO_CONNECT, DEMO_A, 0, NULL},
    {DEMO_HOLD, DEMO_A, 0, NULL},
    {DEMO_RUN, 0, 205, NULL},
    {DEMO_SAY, 0, 0, "Now the OLD SYN arrives, first. To the server it looks like any other."},
    {DEMO_RUN, 0, 10, NULL},
    {DEMO_STATE, DEMO_A, HF_SYN_SENT, NULL},
    {DEMO_STATE, DEMO_B, HF_SYN_RECEIVED, NULL},
    {DEMO_RUN, 0, 25, NULL},
    {DEMO_STATE, DEMO_A, HF_SYN_SENT, NULL},
    {DEMO_STATE, DEMO_B, HF_LISTEN, NULL},
    {DEMO_SAY, 0, 0,
     "The client saw an ACK of a number that it is not using, and said so with "
     "RST. The server is back in LISTEN. Then the real SYN arrives."},
    {DEMO_RUN, 0, 300, NULL},
    {DEMO_STATE, DEMO_A, HF_ESTABLISHED, NULL},
    {DEMO_STATE, DEMO_B, HF_ESTABLISHED, NULL},
    {DEMO_PATH, DEMO_A, 0, "CLOSED SYN-SENT CLOSED SYN-SENT ESTABLISHED"},
    {DEMO_PATH, DEMO_B, 0, "CLOSED LISTEN SYN-RECEIVED LISTEN SYN-RECEIVED ESTABLISHED"},
};

const struct demo_scenario demo_old_duplicate = {
    .name = "old-duplicate",
    .summary = "why three steps and not two",
    .question = "Why three steps, and not two?",
    .before =
        "Networks delay packets, and a packet that is late can arrive after its connection is "
        "forgotten. Here the SYN of a first attempt is so late that the client has given up and is "
        "already trying anew when it reaches the server.\n\n"
        "Look for: the ACK in the server's answer to the old SYN, which is not the new SYN's "
        "number plus one; the client's RST, which takes its SEQ from that ACK; and the server's "
        "way back to LISTEN. Numbers are shown as on the wire, because telling old from new by "
        "their numbers is what this is about.",
    .answer =
        "The server cannot tell an old SYN from a new one: nothing in it says when it was sent. "
        "Only the client knows which number it is using now. The third step is where it is asked. "
        "When the server's SYN,ACK repeats a number that the client is not using, the client "
        "answers RST instead of ACK, and the server forgets what never was.\n\n"
        "With two steps the server would have been ESTABLISHED as soon as the old SYN came: it "
        "would have told its program of a connection that nobody asked for, would have sent data "
        "into it, and would have refused the real SYN as one that does not fit. The client's "
        "numbers and the server's would never have agreed.",
    .sections = "RFC 9293 3.5 (figure 8), 3.10.7.3 (SYN-SENT, first: check the ACK bit), 3.10.7.4 "
                "(SYN-RECEIVED, second: check the RST bit, MUST-11).",
    .casting = {.host_names = {"client", "server"}, .link = DEMO_PLAIN_LINK, .absolute = true},
    DEMO_STEPS(old_duplicate_steps),
};

static const struct demo_step simultaneous_open_steps[] = {
    {DEMO_CONNECT, DEMO_A, 0, NULL},
    {DEMO_CONNECT, DEMO_B, 0, NULL},
    {DEMO_RUN, 0, 12, NULL},
    {DEMO_STATE, DEMO_A, HF_SYN_RECEIVED, NULL},
    {DEMO_STATE, DEMO_B, HF_SYN_RECEIVED, NULL},
    {DEMO_SAY, 0, 0,
     "Each end has the other's SYN, and neither has an answer to its own: both "
     "are in SYN-RECEIVED, and both send SYN again, now with an ACK."},
    {DEMO_RUN, 0, 100, NULL},
    {DEMO_STATE, DEMO_A, HF_ESTABLISHED, NULL},
    {DEMO_STATE, DEMO_B, HF_ESTABLISHED, NULL},
    {DEMO_PATH, DEMO_A, 0, "CLOSED SYN-SENT SYN-RECEIVED ESTABLISHED"},
    {DEMO_PATH, DEMO_B, 0, "CLOSED SYN-SENT SYN-RECEIVED ESTABLISHED"},
    {DEMO_SAY, 0, 0, "It is one connection, not two, and an ordinary one."},
    {DEMO_SEND, DEMO_A, 100, NULL},
    {DEMO_SEND, DEMO_B, 100, NULL},
    {DEMO_RUN, 0, 200, NULL},
    {DEMO_RECEIVED, DEMO_A, 100, NULL},
    {DEMO_RECEIVED, DEMO_B, 100, NULL},
};

const struct demo_scenario demo_simultaneous_open = {
    .name = "simultaneous-open",
    .summary = "what if both ends connect at once",
    .question = "What if both ends connect at the same moment?",
    .before =
        "Two programs connect to each other, each from the port that the other connects to. Nobody "
        "listens. The two SYNs pass each other on the way.\n\n"
        "Look for: no client and no server; both ends going from SYN-SENT to SYN-RECEIVED; and the "
        "second SYN of each end carrying the same SEQ as its first.",
    .answer =
        "The rules of opening never say who is the client. A SYN that arrives where a SYN was sent "
        "is as good as any: it tells the other side's number, and the answer repeats it. Four "
        "segments are needed instead of three, because neither side could put its number and its "
        "acknowledgement into one. (The two ACKs behind them say only that the second SYN of each "
        "had been received before.) Programs that must meet through two firewalls open like this "
        "on purpose.",
    .sections = "RFC 9293 3.5 (figure 7), 3.10.7.3 (SYN-SENT, fourth: check the SYN bit), MUST-10.",
    .casting = {.host_names = {"peer A", "peer B"}, .link = DEMO_PLAIN_LINK},
    DEMO_STEPS(simultaneous_open_steps),
};
