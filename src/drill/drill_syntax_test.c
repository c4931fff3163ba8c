/* SPDX-License-Identifier: MIT
 *
 * What scripts are read as, and what is said about those that are none: place and words of every
 * complaint are part of what is promised.
 */
#include "drill_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool read_with(struct drill_script *script, const char *text,
                      const struct drill_definition *definitions, size_t count)
{
    return drill_parse(script, "s.pkt", strdup(text), definitions, count) && drill_check(script);
}

static bool read(struct drill_script *script, const char *text)
{
    return read_with(script, text, NULL, 0);
}

/* The first event of a script of one line. */
static const struct drill_event *only(struct drill_script *script, const char *text)
{
    if (!read(script, text))
        fail_msg("%s", script->message);
    assert_non_null(script->events);
    assert_null(script->events->next);
    return script->events;
}

static void complains(const char *text, const char *message)
{
    struct drill_script script;
    assert_false(read(&script, text));
    assert_string_equal(script.message, message);
    drill_script_free(&script);
}

static void test_times(void **state)
{
    static const struct {
        const char *text;
        enum drill_time_kind kind;
        bool range, approximate;
        int64_t begin_ns, end_ns;
    } table[] = {
        {"0.100 ", DRILL_TIME_ABSOLUTE, false, false, 100000000, 100000000},
        {"7 ", DRILL_TIME_ABSOLUTE, false, false, 7000000000, 7000000000},
        {"+.01 ", DRILL_TIME_RELATIVE, false, false, 10000000, 10000000},
        {"+0 ", DRILL_TIME_RELATIVE, false, false, 0, 0},
        {"+0...0.2 ", DRILL_TIME_RELATIVE, true, false, 0, 200000000},
        {"+0....2 ", DRILL_TIME_RELATIVE, true, false, 0, 200000000},
        {"0.1...0.3 ", DRILL_TIME_ABSOLUTE, true, false, 100000000, 300000000},
        {"* ", DRILL_TIME_ANY, false, false, 0, 0},
        {"+.1~+.3 ", DRILL_TIME_RELATIVE, true, false, 100000000, 300000000},
        {"1~1.5 ", DRILL_TIME_ABSOLUTE, true, false, 1000000000, 1500000000},
        {"~+1.5 ", DRILL_TIME_RELATIVE, false, true, 1500000000, 1500000000},
        {"0.000000001 ", DRILL_TIME_ABSOLUTE, false, false, 1, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct drill_script script;
        char text[80];
        const struct drill_time *time;
        snprintf(text, sizeof text, "%s > . 1:1(0) ack 1", table[i].text);
        time = &only(&script, text)->time;
        assert_int_equal(time->kind, table[i].kind);
        assert_int_equal(time->range != DRILL_RANGE_NONE, table[i].range);
        assert_int_equal(time->approximate, table[i].approximate);
        assert_int_equal(time->begin_ns, table[i].begin_ns);
        assert_int_equal(time->end_ns, table[i].end_ns);
        drill_script_free(&script);
    }
}

/* RFC 9768's field as a number, ports, and the newer names of options. */
static void test_newer_words(void **state)
{
    static const struct {
        const char *text;
        uint16_t flags;
    } table[] = {
        {"+0 < P.5 1:2(1) ack 1", DRILL_PSH | DRILL_ACK | DRILL_AE | DRILL_ECE},
        {"+0 < .7 1:2(1) ack 1", DRILL_ACK | DRILL_AE | DRILL_CWR | DRILL_ECE},
        {"+0 < P2. 1:2(1) ack 1", DRILL_PSH | DRILL_ACK | DRILL_CWR},
        {"+0 < S.0 1:2(1) ack 1", DRILL_SYN | DRILL_ACK},
    };
    struct drill_script script;
    const struct drill_packet *packet;
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_int_equal(only(&script, table[i].text)->packet.flags, table[i].flags);
        drill_script_free(&script);
    }
    packet = &only(&script, "+0 > 8080>50000 S. 0:0(0) ack 1 <AccECN e1b 1 ceb 2 e0b 3,"
                            "exp-AccECN e0b 1,md5 invalid>")
                  ->packet;
    assert_int_equal(packet->ip.local_port, 8080);
    assert_int_equal(packet->ip.peer_port, 50000);
    assert_int_equal(packet->options->kind, DRILL_OPTION_ACCURATE_ECN);
    assert_int_equal(packet->options->value, 174);
    assert_int_equal(packet->options->next->value, 0xacc0);
    assert_int_equal(packet->options->next->next->count, 16);
    drill_script_free(&script);
}

static void test_segments(void **state)
{
    struct drill_script script;
    const struct drill_packet *packet;
    const struct drill_option *option;
    (void)state;
    packet = &only(&script, "+0 < [ect0, ttl 3] (tos 0x10) FPU. 1:1001(1000) ack 7 win 9 urg 2 "
                            "<mss 1460,sackOK,TS val 100 ecr 5,nop,wscale 7>")
                  ->packet;
    assert_true(packet->inbound);
    assert_int_equal(packet->flags, DRILL_FIN | DRILL_PSH | DRILL_URG | DRILL_ACK);
    assert_int_equal(packet->seq.value, 1);
    assert_int_equal(packet->length, 1000);
    assert_int_equal(packet->ack.value, 7);
    assert_int_equal(packet->window, 9);
    assert_int_equal(packet->urgent, 2);
    assert_int_equal(packet->ip.ecn, 2);
    assert_int_equal(packet->ip.ttl, 3);
    assert_int_equal(packet->ip.traffic_class, 16);
    option = packet->options;
    assert_int_equal(option->kind, DRILL_OPTION_MSS);
    assert_int_equal(option->value, 1460);
    option = option->next->next;
    assert_int_equal(option->kind, DRILL_OPTION_TIMESTAMP);
    assert_int_equal(option->value, 100);
    assert_int_equal(option->echo, 5);
    option = option->next->next;
    assert_int_equal(option->kind, DRILL_OPTION_WSCALE);
    assert_null(option->next);
    drill_script_free(&script);
    packet = &only(&script, "+0 > SEWA. @4294967295:@4294967295(0) ack @3 <...>")->packet;
    assert_int_equal(packet->flags, DRILL_SYN | DRILL_ECE | DRILL_CWR | DRILL_AE | DRILL_ACK);
    assert_true(packet->seq.absolute && packet->ack.absolute && packet->any_options);
    assert_false(packet->has_window);
    drill_script_free(&script);
}

static void test_options(void **state)
{
    struct drill_script script;
    const struct drill_option *option;
    (void)state;
    option = only(&script, "+0 < . 1:1(0) ack 1 win 5 <sack 1:2 3:4,FO abcd0123,FOEXP 12ab,FOEXP>")
                 ->packet.options;
    assert_int_equal(option->count, 2);
    assert_int_equal(option->sack[1][1], 4);
    option = option->next;
    assert_int_equal(option->kind, DRILL_OPTION_FAST_OPEN);
    assert_int_equal(option->count, 4);
    assert_memory_equal(option->data, "\xab\xcd\x01\x23", 4);
    option = option->next;
    assert_int_equal(option->kind, DRILL_OPTION_FAST_OPEN_EXP);
    assert_memory_equal(option->data, "\x12\xab", 2);
    assert_int_equal(option->next->count, 0);
    drill_script_free(&script);
    option = only(&script, "+0 < . 1:1(0) win 5 <0xfd0400ff,hex 4203aa,exp-1234 99,eol>")
                 ->packet.options;
    assert_int_equal(option->kind, DRILL_OPTION_RAW);
    assert_memory_equal(option->data, "\xfd\x04\x00\xff", 4);
    assert_int_equal(option->next->count, 3);
    assert_int_equal(option->next->next->value, 0x1234);
    drill_script_free(&script);
    option = only(&script, "+0 > . 1:1(0) ack 1 <ECN e1b 1 ceb 0 e0b 1001,nop>")->packet.options;
    assert_int_equal(option->kind, DRILL_OPTION_ACCURATE_ECN);
    assert_int_equal(option->value, 174);
    assert_memory_equal(option->data, "\0\0\1\0\0\0\0\3\xe9", 9);
    drill_script_free(&script);
}

static void test_icmp(void **state)
{
    struct drill_script script;
    const struct drill_packet *packet;
    (void)state;
    packet = &only(&script, "+0 < icmp unreachable frag_needed mtu 1400 [1:1461(1460)]")->packet;
    assert_int_equal(packet->kind, DRILL_ICMP);
    assert_string_equal(packet->icmp_code, "frag_needed");
    assert_int_equal(packet->icmp_mtu, 1400);
    assert_true(packet->has_quote);
    assert_int_equal(packet->length, 1460);
    drill_script_free(&script);
    /* What follows without a quote is the next event's time. */
    assert_true(read(&script, "0 < icmp echo_request\n5 > icmp echo_reply\n"));
    assert_int_equal(script.events->next->time.begin_ns, INT64_C(5000000000));
    drill_script_free(&script);
}

static void test_calls(void **state)
{
    struct drill_script script;
    const struct drill_call *call;
    (void)state;
    call = &only(&script, "+0 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLOUT}], 1, -1) = 1")
                ->call;
    assert_int_equal(call->argument_count, 3);
    assert_int_equal(call->arguments->kind, DRILL_LIST);
    assert_int_equal(call->arguments->first->kind, DRILL_STRUCTURE);
    assert_string_equal(call->arguments->first->first->next->text, "events");
    assert_int_equal(call->arguments->next->next->integer, -1);
    drill_script_free(&script);
    call = &only(&script, "+0...1 read(3, ..., 100) = -1 EAGAIN (Resource temporarily unavailable)")
                ->call;
    assert_int_equal(call->error_number, 11);
    drill_script_free(&script);
    call =
        &only(&script, "+0 fcntl(3, F_GETFL) = O_RDWR|O_NONBLOCK (flags O_RDWR|O_NONBLOCK)")->call;
    assert_int_equal(call->result->kind, DRILL_OR);
    drill_script_free(&script);
    call = &only(&script, "+0 sendmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 10}], msg_flags=0}, "
                          "MSG_DONTWAIT) = 10")
                ->call;
    assert_string_equal(call->arguments->next->first->next->text, "msg_iov");
    drill_script_free(&script);
    call = &only(&script, "+0 connect(3, {sa_family = AF_INET, sin_port = htons(80), sin_addr = "
                          "inet_addr(\"192.0.2.9\")}, 16) = 0")
                ->call;
    assert_int_equal(call->arguments->next->kind, DRILL_STRUCTURE);
    drill_script_free(&script);
}

static void test_head(void **state)
{
    struct drill_script script;
    (void)state;
    assert_true(read(&script, "// a comment\n--mtu=1400\n--ip_version=ipv6 /* another\n one */\n"
                              "`sysctl -w a=b\nsecond`\n# third\n0 close(3) = ...\n"
                              "+0 %{ assert {1: 2}[1] == 2 }%\n"));
    assert_string_equal(script.settings->text, "mtu=1400");
    assert_string_equal(script.settings->next->text, "ip_version=ipv6");
    assert_string_equal(script.commands->text, "sysctl -w a=b\nsecond");
    assert_string_equal(script.events->next->text, " assert {1: 2}[1] == 2 ");
    assert_int_equal(script.events->position.line, 8);
    drill_script_free(&script);
}

static void test_definitions(void **state)
{
    static const struct drill_definition given[] = {{"BYTES", "500"},
                                                    {"FLAGS", "MSG_MORE|MSG_OOB"}};
    struct drill_script script;
    const struct drill_call *call;
    (void)state;
    assert_true(read_with(&script,
                          "--define=BYTES=9\n-D OTHER=77\n"
                          "0 send(3, ..., BYTES, FLAGS) = OTHER\n"
                          "+0 close(3) = 0\n",
                          given, 2));
    call = &script.events->call;
    assert_int_equal(call->arguments->next->next->integer, 500); /* the caller's wins */
    assert_int_equal(call->arguments->next->next->next->kind, DRILL_OR);
    assert_int_equal(call->result->integer, 77);
    assert_int_equal(script.events->next->position.column, 4);
    drill_script_free(&script);
    complains("--define=A=B\n--define=B=A\n0 close(A) = 0\n",
              "s.pkt:3:9: 'A' is defined by itself");
}

/* Neither a long chain nor a deep nest costs the reader its stack. */
static void test_nested(void **state)
{
    static const char begin[] = "0 close(3";
    struct drill_script script;
    char *text = malloc(100000);
    size_t length = sizeof begin - 1;
    (void)state;
    assert_non_null(text);
    memcpy(text, begin, length);
    for (int i = 0; i < 20000; i++, length += 2)
        memcpy(text + length, "|1", 2);
    memcpy(text + length, ") = 0", 6);
    complains(text, "s.pkt:1:9: this is nested more than 100 deep");
    memset(text + 8, '[', 30000);
    text[30008] = '\0';
    assert_false(read(&script, text));
    assert_non_null(strstr(script.message, "this is nested too deeply"));
    drill_script_free(&script);
    free(text);
}

static void test_malformed(void **state)
{
    (void)state;
    complains("", "s.pkt:1:1: the script has no event");
    complains("0 close(3) = 0\n+0 clos(3) = 0", "s.pkt:2:4: there is no system call 'clos'");
    complains("0 close(3, 4) = 0", "s.pkt:1:3: close takes 1 argument, not 2");
    complains("0 close(3) 0", "s.pkt:1:12: '0' cannot stand here; expected '='");
    complains("0 close(3) = ",
              "s.pkt:1:14: the script ends in the middle of a line; expected ... or "
              "number or name or '-'");
    complains("0 setsockopt(3, SOL_SOCKET, SO_WARP, [1], 4) = 0",
              "s.pkt:1:29: the name 'SO_WARP' is not known");
    complains("0 close(3) = -1 EWHAT", "s.pkt:1:14: the error 'EWHAT' is not known");
    complains("0 close(3) = 0 EBADF", "s.pkt:1:14: an error comes with -1");
    complains("0 < X. 1:1(0) ack 1 win 5", "s.pkt:1:5: 'X.': 'X' is no TCP flag; they are F S R P "
                                           ". U E W A, 0 to 7 for ACE, or - for none");
    complains("0 < SS 1:1(0)", "s.pkt:1:5: 'SS': 'S' stands there twice");
    complains("0 < . 1:5(3) ack 1", "s.pkt:1:7: from 1 to 5 are 4 bytes, not 3");
    complains("0 < . 1:4294967297(0) ack 1", "s.pkt:1:9: a sequence number has 32 bits");
    complains("0 < . 1:1(0) ack 1 win 70000", "s.pkt:1:24: win 70000 is out of range: 0 to 65535");
    complains("0 < . 1:1(0) ack 1 wind 5",
              "s.pkt:1:20: 'wind' cannot stand here; a segment has ack, win and urg");
    complains("0 < S 0:0(0) win 5 <mss>", "s.pkt:1:21: a number is expected after 'mss'");
    complains("0 < S 0:0(0) win 5 <mss 1 2>", "s.pkt:1:27: '2' is too much for this option");
    complains("0 < . 0:0(0) win 5 <FO abc>",
              "s.pkt:1:24: 'abc': an even number of hexadecimal digits "
              "is expected, 80 at most");
    complains("0 < . 0:0(0) win 5 <TS 5>",
              "s.pkt:1:21: timestamps are written: TS val NUMBER ecr NUMBER");
    complains("0 < . 0:0(0) win 5 <sack 1:2 3:4 5:6 7:8 9:10>",
              "s.pkt:1:42: no more than four SACK blocks fit");
    complains("0 < . 0:0(0) win 5 <sack 1:2 3:4 5:6 7:8,TS val 1 ecr 2>",
              "s.pkt:1:3: TCP options have 40 bytes at most");
    complains("0 < [ect7] . 0:0(0) win 5",
              "s.pkt:1:6: 'ect7' is nothing of an IP header; there are ect0, ect1, ce, noecn, tos, "
              "ttl, flowlabel, df, nodf, peer, local, sock, from, to, doff, reserved, badsum and "
              "badipsum");
    complains("0 < icmp unreachable colour", "s.pkt:1:22: no ICMP message is called 'unreachable "
                                             "colour'");
    complains("0 < udp (9)", "s.pkt:1:5: 'udp': the stack has no UDP: nobody expects or answers "
                             "such a packet");
    complains("0 < gre: . 1:1(0)", "s.pkt:1:5: 'gre': packets within packets are not played: the "
                                   "stack takes bare IP packets");
    complains("0 < igmp query", "s.pkt:1:5: a packet is TCP flags and numbers, or 'icmp', not "
                                "'igmp'");
    complains("0 > . 1:1(0) ack 1 <...", "s.pkt:1:24: the script ends in the middle of a line; "
                                         "expected '>'");
    complains("/* never\nending", "s.pkt:1:1: this comment does not end");
    complains("0 close(3) = 0\n`sysctl", "s.pkt:2:1: what begins with ` here does not end");
    complains("0 close(3) = 0\n+0 %{ assert", "s.pkt:2:4: what begins with %{ here does not end");
    complains("0 close(\"a) = 0", "s.pkt:1:9: what begins with \" here does not end");
    complains("0 close(3) = 0 ?", "s.pkt:1:16: the character '?' (0x3f) has no meaning here");
    complains("0 < \x01", "s.pkt:1:5: the character ? (0x01) has no meaning here");
}

static void test_impossible_times(void **state)
{
    (void)state;
    complains("0.5...0.2 > . 1:1(0) ack 1", "s.pkt:1:1: this time ends before it begins");
    complains("1 close(3) = 0\n0.5 close(3) = 0",
              "s.pkt:2:5: this time is before that of an event above, 1.000000");
    complains("* < . 1:1(0) ack 1 win 5",
              "s.pkt:1:3: only an outbound packet may come at any time");
    complains("0...1 < . 1:1(0) ack 1 win 5",
              "s.pkt:1:7: only outbound packets and calls that wait have a range of time");
    complains("0x10 close(3) = 0", "s.pkt:1:1: a time is written in decimal seconds, not as 0x10");
    complains("99999999999 close(3) = 0", "s.pkt:1:1: 99999999999 seconds are too long a time");
    complains("0.1234567891 close(3) = 0",
              "s.pkt:1:1: a time has nine digits after the point at most");
}

static void test_wrong_direction(void **state)
{
    (void)state;
    complains("0 > [badsum] . 1:1(0) ack 1",
              "s.pkt:1:3: badsum, badipsum, doff, reserved, from and to are for inbound packets");
    complains("0 < . 1:1(0) ack 1 win 5 <...>", "s.pkt:1:3: <...> is for outbound packets");
    complains("0 > S 0:0(0) ack 1", "s.pkt:1:3: an acknowledgement number needs the flag '.'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_nested),
        cmocka_unit_test(test_newer_words),
        cmocka_unit_test(test_segments),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_icmp),
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_definitions),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_impossible_times),
        cmocka_unit_test(test_wrong_direction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
