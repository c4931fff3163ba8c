/* SPDX-License-Identifier: MIT
 *
 * What an ACE field says of marks (RFC 9768 A.2), against a host that counts without wrapping.
 */
#include "tcp_accecn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { MSS = 1000, BEFORE_MAX = 24, SEGMENTS_MAX = 64 };

/* The receiver's field once so many have come marked. */
static uint8_t shown_by(unsigned marked)
{
    static const uint8_t cycle[] = {5, 6, 7, 0, 1, 2, 3, 4};
    return cycle[marked % 8];
}

static struct accecn_ack ack_of(unsigned before, unsigned segments, unsigned marked)
{
    return (struct accecn_ack){.ace = shown_by(before + marked),
                               .marked = before,
                               .segments = segments,
                               .bytes = segments * MSS,
                               .mss_bytes = MSS};
}

/* Up to seven segments nothing can have wrapped: each count is told exactly. */
static void few_segments_are_exact(void **state)
{
    (void)state;
    for (unsigned before = 0; before < BEFORE_MAX; before++)
        for (unsigned segments = 0; segments <= 7; segments++)
            for (unsigned marked = 0; marked <= segments; marked++) {
                struct accecn_ack ack = ack_of(before, segments, marked);
                assert_int_equal(accecn_newly_marked(&ack), marked);
            }
}

/* Beyond, the largest count that shows the same field and is possible. */
static void without_option_the_safest(void **state)
{
    (void)state;
    for (unsigned before = 0; before < BEFORE_MAX; before++)
        for (unsigned segments = 8; segments <= SEGMENTS_MAX; segments++)
            for (unsigned marked = 0; marked <= segments; marked++) {
                struct accecn_ack ack = ack_of(before, segments, marked);
                unsigned most = segments;
                while (shown_by(before + most) != ack.ace)
                    most--;
                assert_int_equal(accecn_newly_marked(&ack), most);
            }
}

/* The option's bytes tell which of the counts it was, where segments are full. */
static void with_option_exact(void **state)
{
    (void)state;
    for (unsigned before = 0; before < BEFORE_MAX; before++)
        for (unsigned segments = 0; segments <= SEGMENTS_MAX; segments++)
            for (unsigned marked = 0; marked <= segments; marked++) {
                struct accecn_ack ack = ack_of(before, segments, marked);
                ack.option = true;
                ack.marked_bytes = marked * MSS;
                assert_int_equal(accecn_newly_marked(&ack), marked);
            }
}

/* RFC 9768 table 2 and table 3: AE, CWR, ECE for Not-ECT, ECT(1), ECT(0), CE. */
static void handshake_codes(void **state)
{
    static const uint16_t flags[] = {HF_CWR, HF_CWR | HF_ECE, HF_AE, HF_AE | HF_CWR};
    (void)state;
    for (uint8_t codepoint = 0; codepoint < 4; codepoint++)
        assert_int_equal(accecn_flags(accecn_handshake_ace(codepoint)), flags[codepoint]);
    for (uint8_t ace = 0; ace < 8; ace++)
        assert_int_equal(accecn_ace(accecn_flags(ace)), ace);
}

/* 3.2.3.3: where nothing else asks for the option, at least each 2^22 bytes of a counter do, and a
 * counter of 24 bits cannot wrap unseen.
 * Holds: RFC9768-3.2.3.3-d */
static void option_for_each_four_megabytes(void **state)
{
    static struct tcp_conn conn;
    struct tcp_segment segment = {.payload_length = 60000, .ecn = ECN_ECT_0};
    uint64_t sent = 0;
    unsigned asked = 0;
    (void)state;
    memset(&conn, 0, sizeof conn);
    conn.ecn.last_codepoint = ECN_ECT_0;
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t before = sent;
        sent += segment.payload_length;
        accecn_arrived(&conn, &segment);
        assert_int_equal(conn.ecn.option_demand, before / 4194304 != sent / 4194304);
        asked += conn.ecn.option_demand;
        conn.ecn.option_demand = 0;
    }
    assert_int_equal(asked, 14); /* 60,000,000 / 4,194,304 */
    assert_int_equal(conn.ecn.received_bytes[0], 60000000);
}

/* RFC 3168 6.1.2: a mark is answered once for what was in flight when cwnd was reduced, and again
 * for what came after, be that a segment or gigabytes.
 * Holds: RFC3168-6.1.2-b, RFC3168-6.1.2-f */
static void answered_once_a_window(void **state)
{
    static struct tcp_conn conn;
    static struct tcp_host host;
    static struct tcp_sender sender;
    const uint64_t flight = 1000000, until = 5000000000;
    (void)state;
    for (uint64_t una = until - flight; una < until + 4290000000u; una += 99991) {
        memset(&conn, 0, sizeof conn);
        conn.sender = &sender;
        conn.ecn.mode = TCP_ECN_CLASSIC;
        conn.snd.nxt = seq_make((uint32_t)until);
        tcp_ecn_reduced(&conn);
        conn.ecn.echoed = true;
        conn.snd.una = seq_make((uint32_t)una);
        conn.snd.nxt = seq_make((uint32_t)(una + flight));
        assert_int_equal(tcp_ecn_reacts(&conn), una > until);
        assert_true(tcp_ecn_holds_cwnd(&conn, &host)); /* answered or not */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_segments_are_exact),
        cmocka_unit_test(without_option_the_safest),
        cmocka_unit_test(with_option_exact),
        cmocka_unit_test(handshake_codes),
        cmocka_unit_test(option_for_each_four_megabytes),
        cmocka_unit_test(answered_once_a_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
