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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_segments_are_exact),
        cmocka_unit_test(without_option_the_safest),
        cmocka_unit_test(with_option_exact),
        cmocka_unit_test(handshake_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
