/* SPDX-License-Identifier: MIT
 *
 * What the ladder says: literal lines of the scripted conversation, and scenes of a few events.
 */
#include "ladder_drawing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- The scripted conversation */

static const char opening[] =
    "SEQ and ACK count from the sender's ISS (@: as on the wire); WIN is in bytes.\n"
    "0.000000                                    b: listen on 0.0.0.0:80 LISTEN\n"
    "                         why: The program listens. (RFC 9293 3.10.1)\n"
    " seconds a                                                                     b\n"
    "         10.0.0.1:49152                                              10.0.0.2:80\n"
    "0.000000 SYN-SENT     a: connect to 10.0.0.2:80                     LISTEN\n"
    "                         why: The program asked to connect. (RFC 9293 3.10.1)\n"
    "0.000000 SYN-SENT     -- SYN SEQ=0 LEN=0 WIN=65535 ISS=1000 ------> LISTEN\n"
    "                         mss=1460 ws=7 sackOK TS\n"
    "                         why: Asking to open. (RFC 9293 3.5)\n"
    "0.010000 SYN-SENT                             SYN SEQ=0 arrives --> SYN-RECEIVED\n"
    "                         why: A SYN arrived: its sender wants to talk. (RFC 9293\n"
    "                              3.10.7.2)\n"
    "0.010000 SYN-SENT     <-- SYN,ACK SEQ=0 ACK=1 LEN=0 WIN=65535 ----- SYN-RECEIVED\n"
    "                         ISS=4294967290 mss=1460 ws=7 sackOK TS\n"
    "                         why: Answering a SYN with our own. (RFC 9293 3.5)\n"
    "0.020000 ESTABLISHED  <-- SYN,ACK SEQ=0 ACK=1 arrives               SYN-RECEIVED\n"
    "                         why: Our SYN is acknowledged: both sides know both\n"
    "                              numbers. (RFC 9293 3.10.7.4 fifth)\n"
    "0.020000 ESTABLISHED  -- ACK SEQ=1 ACK=1 LEN=0 WIN=65536 ---------> SYN-RECEIVED\n"
    "0.020000 ESTABLISHED  a: send 3000 bytes                            SYN-RECEIVED\n"
    "0.020000 ESTABLISHED  -- ACK SEQ=1 ACK=1 LEN=1460 WIN=65536 ------> SYN-RECEIVED\n"
    "                      -- lost --x\n"
    "                         why: The link lost it. (link)\n"
    "0.020000 ESTABLISHED  -- ACK SEQ=1461 ACK=1 LEN=1460 WIN=65536 ---> SYN-RECEIVED\n"
    "0.020000 ESTABLISHED  -- PSH,ACK SEQ=2921 ACK=1 LEN=80 WIN=65536 -> SYN-RECEIVED\n"
    "0.030000 ESTABLISHED                    ACK SEQ=1 ACK=1 arrives --> ESTABLISHED\n";

static void the_opening_reads_as_in_the_rfc(void **state)
{
    struct hf_ladder_options options = {.plain_ascii = 1};
    char *text = drawing_of_script(&options);

    (void)state;
    assert_true(strlen(text) > sizeof(opening));
    text[sizeof(opening) - 1] = '\0';
    assert_string_equal(text, opening);
    free(text);
}

static void loss_and_closing_are_explained(void **state)
{
    struct hf_ladder_options options = {.plain_ascii = 1};
    char *text = drawing_of_script(&options);

    (void)state;
    assert_contains(text, "0.030000 ESTABLISHED        ACK SEQ=1461 ACK=1 LEN=1460 arrives --> "
                          "ESTABLISHED\n"
                          "                         why: There is a hole before it: kept for "
                          "reassembly.\n"
                          "                              (RFC 9293 3.10.7.4 SHLD-31)\n"
                          "0.030000 ESTABLISHED  <-- ACK SEQ=1 ACK=1 LEN=0 WIN=65536 --------- "
                          "ESTABLISHED\n"
                          "                         SACK=1461-2921\n");
    assert_contains(text, "0.220000 ESTABLISHED  -- ACK SEQ=1 ACK=1 LEN=1460 WIN=65536 ------> "
                          "ESTABLISHED\n"
                          "                         why: No ACK within the RTO: sent again. (RFC "
                          "6298 5.4)\n"
                          "0.230000 ESTABLISHED  <-- ACK SEQ=1 ACK=3001 LEN=0 WIN=65536 ------ "
                          "ESTABLISHED\n"
                          "0.240000 FIN-WAIT-1   a: close ");
    assert_contains(text, "0.260000 TIME-WAIT    <-- FIN,ACK SEQ=1 ACK=3002 arrives            "
                          "LAST-ACK\n");
    assert_contains(text, "0.270000 TIME-WAIT                   ACK SEQ=3002 ACK=2 arrives --> "
                          "CLOSED\n");
    assert_contains(text, "60.26000 CLOSED       was TIME-WAIT                                 "
                          "CLOSED\n"
                          "                         why: 2 MSL have passed: no old segment can be "
                          "left.\n");
    free(text);
}

static void every_segment_is_there(void **state)
{
    struct hf_ladder_options options = {.columns = 200, .absolute = 1, .plain_ascii = 1};
    char *text = drawing_of_script(&options);
    unsigned sent = 0;

    (void)state;
    for (size_t i = 0; i < script_length(); i++) {
        struct script_event event;
        char words[160];
        const struct hf_trace_segment *segment = &event.segment;

        script_make(i, &event);
        if (event.event.kind != HF_TRACE_SENT)
            continue;
        sent++;
        snprintf(words, sizeof(words), " SEQ=%u ", segment->seq);
        assert_contains(text, words);
        snprintf(words, sizeof(words), " LEN=%u WIN=%u", segment->length,
                 (unsigned)segment->window << (segment->flags & HF_SYN ? 0 : 7));
        assert_contains(text, words);
        snprintf(words, sizeof(words), " TS=%u/0", segment->ts_value);
        assert_contains(text, words);
    }
    assert_int_equal(sent, 14);
    assert_int_equal(script_count(text, "WIN="), sent); /* and once each */
    free(text);
}

static void verbose_tells_of_timers_and_samples(void **state)
{
    struct hf_ladder_options options = {.columns = 110, .verbose = 1};
    char *text = drawing_of_script(&options), *brief;

    (void)state;
    assert_contains(text, "RTT 20 ms, SRTT 20 ms, RTO 200 ms\n");
    assert_contains(text, "0.220000 ESTABLISHED  timer-retransmit next in 400 ms ");
    assert_contains(text, "cwnd 14600 to 1460 ssthresh 2920 ");
    assert_contains(text, " TS=220/0 ");
    options.verbose = 0;
    brief = drawing_of_script(&options);
    assert_lacks(brief, "RTT");
    assert_lacks(brief, "cwnd");
    assert_lacks(brief, "timer");
    assert_lacks(brief, "TS=");
    free(text);
    free(brief);
}

/* ---- Other scenes */

static struct script_event segment_of(uint32_t host, enum hf_trace_kind kind, enum hf_reason reason,
                                      enum hf_state state, unsigned flags)
{
    struct script_event event;

    script_blank(&event, host, HF_SECOND, kind, reason);
    event.event.state = event.event.state_before = state;
    event.segment.flags = (uint16_t)flags;
    return event;
}

static void show(struct drawing *drawing, struct script_event *event)
{
    script_packet(event);
    script_send(drawing->sink, event);
}

static void numbers_out_of_place_are_shown_whole(void **state)
{
    struct drawing drawing = drawing_begin(&(struct hf_ladder_options){.plain_ascii = 1});
    struct script_event event =
        segment_of(0, HF_TRACE_RECEIVED, HF_REASON_SYN_SENT_BAD_ACK, HF_SYN_SENT, HF_ACK);
    char *text;

    (void)state;
    event.event.numbers.iss = 400;
    event.event.numbers.snd_nxt = 401;
    event.segment.seq = 3000000000u;
    event.segment.ack = 401; /* is near */
    show(&drawing, &event);
    event.segment.ack = 2000000000u;
    show(&drawing, &event);
    event.segment.ack = 390; /* before the ISS: an old duplicate */
    show(&drawing, &event);
    text = drawing_finish(&drawing);
    assert_contains(text, "SEQ=@3000000000 ACK=1 ");
    assert_contains(text, "SEQ=@3000000000 ACK=@2000000000 ");
    assert_contains(text, "SEQ=@3000000000 ACK=-10 ");
    assert_contains(text, "why: The ACK does not acknowledge our SYN: answered\n");
    free(text);
}

static void one_watched_host_is_enough(void **state)
{
    struct drawing drawing = drawing_begin(&(struct hf_ladder_options){.plain_ascii = 1});
    struct script_event event =
        segment_of(0, HF_TRACE_SENT, HF_REASON_SEND_SYN, HF_SYN_SENT, HF_SYN);
    char *text;

    (void)state;
    event.event.numbers.iss = 7;
    event.event.numbers.snd_nxt = 8;
    event.segment.seq = 7;
    show(&drawing, &event);
    event = segment_of(0, HF_TRACE_RECEIVED, HF_REASON_ACCEPTED, HF_ESTABLISHED, HF_SYN | HF_ACK);
    event.event.numbers = (struct hf_trace_numbers){.iss = 7, .snd_nxt = 8, .irs = 90};
    event.event.numbers.rcv_nxt = 91;
    event.segment.seq = 90;
    event.segment.ack = 8;
    event.segment.mss = 1400;
    show(&drawing, &event);
    text = drawing_finish(&drawing);
    assert_contains(text, " seconds a");
    assert_contains(text, "(not watched)\n");
    assert_contains(text,
                    "0.000000 SYN-SENT     -- SYN SEQ=0 LEN=0 WIN=65535 ISS=7 ---------> ?\n");
    assert_contains(text, "<-- SYN,ACK SEQ=0 ACK=1 LEN=0 WIN=65535 ----- ?\n"
                          "                         ISS=90 mss=1400\n");
    assert_lacks(text, "arrives");
    assert_lacks(text, "note:");
    free(text);
}

static void the_lower_host_stands_left(void **state)
{
    struct drawing drawing = drawing_begin(&(struct hf_ladder_options){.plain_ascii = 1});
    struct script_event event;
    char *text;

    (void)state;
    /* Ids 5 and 3: 5 speaks first and is put right by a guess that turns out right. */
    script_blank(&event, 5, 0, HF_TRACE_CALL, HF_REASON_OPEN_PASSIVE);
    event.event.host_name = "five";
    event.event.state = HF_LISTEN;
    event.event.remote = (struct hf_endpoint){{0, {0}}, 0};
    script_send(drawing.sink, &event);
    event = segment_of(0, HF_TRACE_SENT, HF_REASON_SEND_SYN, HF_SYN_SENT, HF_SYN);
    event.event.host = 3;
    event.event.host_name = "three";
    show(&drawing, &event);
    text = drawing_finish(&drawing);
    assert_contains(text, "five: listen on 10.0.0.2:80 LISTEN\n");
    assert_contains(text, " seconds three ");
    assert_contains(text, " five\n         10.0.0.1:49152 ");
    assert_contains(text, "> LISTEN\n");
    free(text);

    /* Ids 1 and 2: the guess was wrong, they change places. */
    drawing = drawing_begin(&(struct hf_ladder_options){.plain_ascii = 1});
    event = segment_of(0, HF_TRACE_SENT, HF_REASON_SEND_SYN, HF_SYN_SENT, HF_SYN);
    event.event.host = 1;
    event.event.host_name = "one";
    show(&drawing, &event);
    event = segment_of(1, HF_TRACE_RECEIVED, HF_REASON_ACCEPTED, HF_SYN_RECEIVED, HF_SYN);
    event.event.host = 2;
    event.event.host_name = "two";
    show(&drawing, &event);
    text = drawing_finish(&drawing);
    assert_contains(text, " seconds (not watched)                                                 "
                          "      one\n"
                          "         10.0.0.2:80                                              "
                          "10.0.0.1:49152\n"
                          "0.000000 ?            <-- SYN ");
    assert_contains(text, " seconds one                                                           "
                          "      two\n"
                          "         10.0.0.1:49152                                              "
                          "10.0.0.2:80\n"
                          "0.000000 SYN-SENT                             SYN SEQ=0 arrives --> "
                          "SYN-RECEIVED\n");
    free(text);
}

static void a_refusal_ends_in_an_x(void **state)
{
    struct drawing drawing = drawing_begin(&(struct hf_ladder_options){.plain_ascii = 1});
    struct script_event sent =
        segment_of(0, HF_TRACE_SENT, HF_REASON_SEND_RST, HF_CLOSED, HF_RST | HF_ACK);
    struct script_event got =
        segment_of(1, HF_TRACE_RECEIVED, HF_REASON_RST_CHALLENGED, HF_ESTABLISHED, HF_RST | HF_ACK);
    char *text;

    (void)state;
    show(&drawing, &sent);
    show(&drawing, &got);
    text = drawing_finish(&drawing);
    assert_contains(text, "refused --x ESTABLISHED\n");
    assert_contains(text, "why: The RST is in the window but not exact: a\n"
                          "                              challenge ACK asks again. (RFC 5961 "
                          "3.2)\n");
    assert_contains(text, "why: Resetting. (RFC 9293 3.5.2)\n");
    free(text);
}

static void a_forgery_is_drawn_whole(void **state)
{
    struct drawing drawing = drawing_begin(&(struct hf_ladder_options){.plain_ascii = 1});
    struct script_event event =
        segment_of(0, HF_TRACE_SENT, HF_REASON_SEND_ACK, HF_ESTABLISHED, HF_ACK);
    char *text;

    (void)state;
    show(&drawing, &event);
    event = segment_of(1, HF_TRACE_SENT, HF_REASON_SEND_ACK, HF_ESTABLISHED, HF_ACK);
    show(&drawing, &event);
    event = segment_of(1, HF_TRACE_RECEIVED, HF_REASON_ACCEPTED, HF_ESTABLISHED, HF_ACK);
    event.segment.length = 9;
    show(&drawing, &event);
    text = drawing_finish(&drawing);
    assert_contains(text, "LEN=9 WIN=65535 ");
    assert_contains(text, "note: Neither host was seen sending this.\n");
    free(text);
}

static void what_the_link_does_stands_below_the_arrow(void **state)
{
    struct drawing drawing = drawing_begin(&(struct hf_ladder_options){.plain_ascii = 1});
    struct script_event event =
        segment_of(1, HF_TRACE_SENT, HF_REASON_SEND_ACK, HF_ESTABLISHED, HF_ACK);
    char *text;

    (void)state;
    show(&drawing, &event);
    event.event.kind = HF_TRACE_LINK;
    event.event.reason = HF_REASON_LINK_REORDER;
    event.event.value = 5 * HF_MILLISECOND;
    show(&drawing, &event);
    event.event.reason = HF_REASON_LINK_LOSS_CHOSEN;
    show(&drawing, &event);
    event.event.reason = HF_REASON_LINK_DELAYED_DUPLICATE;
    event.event.value = 0;
    show(&drawing, &event);
    event.event.reason = HF_REASON_LINK_QUEUE; /* later, of a packet sent before */
    event.event.time += HF_MILLISECOND;
    show(&drawing, &event);
    text = drawing_finish(&drawing);
    assert_contains(text, "link: The link holds it back: later ones overtake it.\n"
                          "                               (link)\n"
                          "                         held: 5 ms\n"
                          "                                                        x-- lost --\n"
                          "                         why: The link was told to lose this one.");
    assert_contains(text, "link: An old copy that the network held back turns up.");
    assert_contains(text, "0.001000 ?                 x-- ACK SEQ=@0 ACK=@0 LEN=0 WIN=65535 -- "
                          "ESTABLISHED\n");
    assert_int_equal(script_count(text, "WIN=65535"), 3);
    free(text);
}

static void several_changes_by_one_segment_are_told_apart(void **state)
{
    struct drawing drawing = drawing_begin(&(struct hf_ladder_options){.plain_ascii = 1});
    struct script_event event;
    char *text;

    (void)state;
    script_blank(&event, 0, 0, HF_TRACE_STATE, HF_REASON_SYN_ACKED);
    event.event.state_before = HF_SYN_RECEIVED;
    event.event.state = HF_ESTABLISHED;
    script_send(drawing.sink, &event);
    event.event.reason = HF_REASON_RST_ARRIVED;
    event.event.state_before = HF_ESTABLISHED;
    event.event.state = HF_CLOSED;
    script_send(drawing.sink, &event);
    event.event.kind = HF_TRACE_ERROR;
    event.event.value = HF_ECONNRESET;
    script_send(drawing.sink, &event);
    event = segment_of(0, HF_TRACE_RECEIVED, HF_REASON_RST_ARRIVED, HF_CLOSED, HF_RST);
    event.event.time = 0;
    show(&drawing, &event);
    text = drawing_finish(&drawing);
    assert_contains(text, "why ESTABLISHED: Our SYN is acknowledged");
    assert_contains(text, "why CLOSED: The peer reset the connection.");
    assert_contains(text, "program is told: connection reset by peer\n");
    assert_int_equal(script_count(text, "0.000000 "), 1);
    free(text);
}

static void a_long_reason_given_just_before_is_not_repeated(void **state)
{
    struct drawing drawing = drawing_begin(&(struct hf_ladder_options){.plain_ascii = 1});
    char *text;

    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        struct script_event event = segment_of(
            1, HF_TRACE_SENT, i >= 4 && i < 15 ? HF_REASON_SEND_ACK : HF_REASON_SEND_ACK_DUPLICATE,
            HF_ESTABLISHED, HF_ACK);

        show(&drawing, &event);
    }
    for (unsigned i = 0; i < 3; i++) { /* fits on a line: no need to shorten it */
        struct script_event event =
            segment_of(1, HF_TRACE_SENT, HF_REASON_SEND_CHALLENGE, HF_ESTABLISHED, HF_ACK);

        show(&drawing, &event);
    }
    text = drawing_finish(&drawing);
    assert_int_equal(script_count(text, "why: Out of order: the duplicate ACK"), 2);
    assert_int_equal(script_count(text, "why: as above (send-ack-duplicate)\n"), 3 + 4);
    assert_int_equal(script_count(text, "why: A challenge ACK. (RFC 5961)\n"), 3);
    free(text);
}

static void the_window_stays_scaled_in_time_wait(void **state)
{
    struct drawing drawing = drawing_begin(&(struct hf_ladder_options){.plain_ascii = 1});
    struct script_event event =
        segment_of(0, HF_TRACE_SENT, HF_REASON_SEND_DATA, HF_ESTABLISHED, HF_ACK);
    char *text;

    (void)state;
    event.segment.window = 100;
    event.event.numbers = (struct hf_trace_numbers){.iss = 1, .snd_nxt = 2, .rcv_wind_shift = 7};
    show(&drawing, &event);
    event.segment.window = 200;
    event.event.state = HF_TIME_WAIT;
    event.event.numbers.rcv_wind_shift = 0; /* forgotten */
    show(&drawing, &event);
    event.segment.window = 300;
    event.segment.flags = HF_SYN; /* anew, and never scaled in a SYN */
    event.event.state = HF_SYN_SENT;
    show(&drawing, &event);
    event.segment.window = 400;
    event.segment.flags = HF_ACK; /* no scaling was agreed */
    event.event.state = HF_ESTABLISHED;
    show(&drawing, &event);
    text = drawing_finish(&drawing);
    assert_contains(text, " WIN=12800 ");
    assert_contains(text, " WIN=25600 ");
    assert_contains(text, " WIN=300 ");
    assert_contains(text, " WIN=400 ");
    free(text);
}

static void a_close_that_waited_is_part_of_the_arrival(void **state)
{
    struct drawing drawing = drawing_begin(&(struct hf_ladder_options){.plain_ascii = 1});
    struct script_event event;
    char *text;

    (void)state;
    script_blank(&event, 0, 0, HF_TRACE_CALL, HF_REASON_USER_CLOSE); /* changes nothing yet */
    event.event.state = event.event.state_before = HF_SYN_RECEIVED;
    script_send(drawing.sink, &event);
    script_blank(&event, 0, 5, HF_TRACE_STATE, HF_REASON_SYN_ACKED);
    event.event.state_before = HF_SYN_RECEIVED;
    event.event.state = HF_ESTABLISHED;
    script_send(drawing.sink, &event);
    event.event.reason = HF_REASON_USER_CLOSE;
    event.event.state_before = HF_ESTABLISHED;
    event.event.state = HF_FIN_WAIT_1;
    script_send(drawing.sink, &event);
    event = segment_of(0, HF_TRACE_RECEIVED, HF_REASON_ACCEPTED, HF_FIN_WAIT_1, HF_ACK);
    event.event.time = 5;
    show(&drawing, &event);
    text = drawing_finish(&drawing);
    assert_contains(text, "0.000000 SYN-RECEIVED a: close ");
    assert_contains(text, "0.000000 FIN-WAIT-1   <-- ACK ");
    assert_contains(text, "why ESTABLISHED: Our SYN is acknowledged");
    assert_contains(text, "why FIN-WAIT-1: The program has no more to send.");
    assert_int_equal(script_count(text, "0.000000 "), 2);
    free(text);
}

static void effects_without_a_segment_have_rows(void **state)
{
    struct drawing drawing = drawing_begin(&(struct hf_ladder_options){.plain_ascii = 1});
    struct script_event event;
    char *text;

    (void)state;
    script_blank(&event, 0, 0, HF_TRACE_TIMER, HF_REASON_TIMEOUT_R2);
    event.event.state = HF_ESTABLISHED;
    script_send(drawing.sink, &event);
    event.event.kind = HF_TRACE_STATE;
    event.event.state_before = HF_ESTABLISHED;
    event.event.state = HF_CLOSED;
    script_send(drawing.sink, &event);
    event.event.kind = HF_TRACE_ERROR;
    event.event.value = HF_ETIMEDOUT;
    script_send(drawing.sink, &event);
    for (unsigned i = 0; i < 40; i++) { /* more than are kept */
        script_blank(&event, 0, HF_SECOND, HF_TRACE_LIMIT, HF_REASON_MEMORY_LIMIT);
        script_send(drawing.sink, &event);
    }
    text = drawing_finish(&drawing);
    assert_contains(text, "0.000000 CLOSED       was ESTABLISHED");
    assert_contains(text, "why: R2 reached: the connection is given up.");
    assert_contains(text, "program is told: connection timed out");
    assert_int_equal(script_count(text, "limit: memory-limit"), 40);
    free(text);
}

static void connections_are_told_apart(void **state)
{
    struct drawing drawing = drawing_begin(&(struct hf_ladder_options){.plain_ascii = 1});
    char *text;

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct script_event event =
            segment_of(0, HF_TRACE_SENT, HF_REASON_SEND_DATA, HF_ESTABLISHED, HF_ACK);

        event.event.local.port = (uint16_t)(1000 + i / 2);
        show(&drawing, &event);
    }
    text = drawing_finish(&drawing);
    assert_int_equal(script_count(text, "         10.0.0.1:1000 "), 1);
    assert_int_equal(script_count(text, "         10.0.0.1:1001 "), 1);
    free(text);
}

static void a_third_host_is_said_in_text(void **state)
{
    struct drawing drawing = drawing_begin(&(struct hf_ladder_options){.plain_ascii = 1});
    struct hf_endpoint third = {{HF_IPV4, {10, 0, 0, 3}}, 5000};
    struct script_event event;
    char *text;

    (void)state;
    script_play(drawing.sink);
    event = segment_of(2, HF_TRACE_SENT, HF_REASON_SEND_SYN, HF_SYN_SENT, HF_SYN);
    event.event.local = third;
    event.event.remote = (struct hf_endpoint){{HF_IPV4, {10, 0, 0, 1}}, 80};
    show(&drawing, &event);
    event = segment_of(0, HF_TRACE_RECEIVED, HF_REASON_NO_CONNECTION, HF_CLOSED, HF_SYN);
    event.event.local.port = 80;
    event.event.remote = third;
    show(&drawing, &event);
    text = drawing_finish(&drawing);
    assert_contains(text,
                    "1.000000 c (SYN-SENT, with 10.0.0.1:80): sent SYN SEQ=@0 LEN=0 WIN=65535\n"
                    "                         why: Asking to open. (RFC 9293 3.5)\n"
                    "1.000000 a (CLOSED, with 10.0.0.3:5000): received SYN SEQ=@0 LEN=0 "
                    "WIN=65535\n");
    assert_tidy(text, 80, false, true);
    free(text);
}

static void packets_that_are_not_tcp_have_rows(void **state)
{
    struct drawing drawing = drawing_begin(&(struct hf_ladder_options){.plain_ascii = 1});
    static const uint8_t icmp[28] = {0x45, [3] = 28, [9] = 1};
    struct script_event event;
    char *text;

    (void)state;
    script_blank(&event, 0, 0, HF_TRACE_RECEIVED, HF_REASON_ICMP_ECHO);
    event.event.local.port = event.event.remote.port = 0;
    event.event.packet = icmp;
    event.event.packet_length = sizeof(icmp);
    script_send(drawing.sink, &event);
    event.event.reason = HF_REASON_IP_TOO_SHORT;
    event.event.packet_length = 3;
    script_send(drawing.sink, &event);
    text = drawing_finish(&drawing);
    assert_contains(text, "<-- ICMP of 28 bytes");
    assert_contains(text, "x-- packet of 3 bytes --");
    assert_contains(text, "why: The packet ends inside its IP header. (RFC 791\n");
    free(text);
}

static void urgent_data_is_marked(void **state)
{
    struct drawing drawing = drawing_begin(&(struct hf_ladder_options){.plain_ascii = 1});
    struct script_event event =
        segment_of(0, HF_TRACE_SENT, HF_REASON_SEND_DATA, HF_ESTABLISHED, HF_PSH | HF_ACK | HF_URG);
    char *text;

    (void)state;
    event.segment.length = 3;
    event.segment.urgent_pointer = 2;
    show(&drawing, &event);
    event = segment_of(1, HF_TRACE_CALL, HF_REASON_URGENT_ARRIVED, HF_ESTABLISHED, 0);
    script_send(drawing.sink, &event);
    text = drawing_finish(&drawing);
    assert_contains(text, "PSH,ACK,URG SEQ=@0 ACK=@0 LEN=3 URG=2 ");
    assert_contains(text, "b: program is told of urgent data");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_opening_reads_as_in_the_rfc),
        cmocka_unit_test(loss_and_closing_are_explained),
        cmocka_unit_test(every_segment_is_there),
        cmocka_unit_test(verbose_tells_of_timers_and_samples),
        cmocka_unit_test(numbers_out_of_place_are_shown_whole),
        cmocka_unit_test(one_watched_host_is_enough),
        cmocka_unit_test(the_lower_host_stands_left),
        cmocka_unit_test(a_refusal_ends_in_an_x),
        cmocka_unit_test(a_forgery_is_drawn_whole),
        cmocka_unit_test(what_the_link_does_stands_below_the_arrow),
        cmocka_unit_test(several_changes_by_one_segment_are_told_apart),
        cmocka_unit_test(a_long_reason_given_just_before_is_not_repeated),
        cmocka_unit_test(the_window_stays_scaled_in_time_wait),
        cmocka_unit_test(a_close_that_waited_is_part_of_the_arrival),
        cmocka_unit_test(effects_without_a_segment_have_rows),
        cmocka_unit_test(connections_are_told_apart),
        cmocka_unit_test(a_third_host_is_said_in_text),
        cmocka_unit_test(packets_that_are_not_tcp_have_rows),
        cmocka_unit_test(urgent_data_is_marked),
    };

    return cmocka_run_group_tests_name("ladder", tests, NULL, NULL);
}
