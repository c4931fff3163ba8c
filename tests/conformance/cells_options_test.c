/* SPDX-License-Identifier: MIT
 *
 * Options that are strange, wrong or missing, and the MSS (RFC 9293 3.2, 3.7.1).
 */
#include "harness.h"

/* opt-len-zero, opt-len-overrun: an option whose length is nonsense does no harm: the segment is
 * dropped (or the rest ignored), and the next one is served (3.1 MUST-7).
 * Holds: MUST-7 */
static void illegal_option_length(void **state)
{
    struct world *w = *state;
    static const char *const illegal[] = {"0200",             /* MSS of length 0 */
                                          "0201",             /* of length 1 */
                                          "01010200",         /* the same at the end */
                                          "010102ff",         /* far past the header */
                                          "0101010102",       /* kind without length */
                                          "fd00",             /* unknown, length 0 */
                                          "fd01fd01",         /* unknown, length 1 */
                                          "fd05000000fd0900", /* the second overruns */
                                          "08090000000000000000",
                                          "080affffffff"};

    user_listen(w);
    for (unsigned i = 0; i < sizeof illegal / sizeof illegal[0]; i++) {
        use_flow(w, (uint16_t)(50000 + i));
        peer(w, "S seq=0 raw=%s", illegal[i]);
        if (waiting_packets(w) > 0) {
            sends(w, "S. seq=0 ack=1 nots nows nosackok"); /* taken without options: as good */
            peer(w, "R seq=1");
        }
        silent(w);
        in_state(w, HF_CLOSED);
    }
    use_flow(w, PEER_PORT);
    establish_passive(w, 1000, "mss=1000");
    for (unsigned i = 0; i < sizeof illegal / sizeof illegal[0]; i++) {
        peer(w, ". seq=1 ack=1 raw=%s", illegal[i]);
        silent(w);
    }
    peer(w, "P. seq=1 ack=1 len=10");
    sends(w, ". seq=1 ack=11");
    in_state(w, HF_ESTABLISHED);
}

/* Known options of a wrong length are not taken at their word: MSS of 3 or 6 octets, a window
 * scale of 4, timestamps of 8 (3.2: lengths are fixed). The defaults hold. */
static void wrong_length_of_known_option(void **state)
{
    struct world *w = *state;

    user_listen(w);
    peer(w, "S seq=0 raw=02030503040100080800000000000001");
    if (waiting_packets(w) == 0) {
        return; /* dropping the SYN is allowed too */
    }
    sends(w, "S. seq=0 ack=1 nots");
    peer(w, ". seq=1 ack=1");
    user_accept(w);
    assert_int_equal(status_of(w).mss_bytes, w->family == HF_IPV4 ? 536 : 1220);
}

/* opt-unknown, opt-unaligned, opt-after-eol: unknown options are skipped by their length (MUST-6),
 * options begin anywhere (MUST-64), and what follows the end of the list is not looked at
 * (MUST-69).
 * Holds: MUST-4, MUST-6, MUST-64, MUST-68, MUST-69 */
static void strange_options(void **state)
{
    struct world *w = *state;

    user_listen(w);
    peer(w, "S seq=0 raw=fd07aabbccddee010204038401fe02030305");
    sends(w, "S. seq=0 ack=1 ws nosackok nots");
    peer(w, ". seq=1 ack=1 raw=1d0200");
    user_accept(w);
    assert_int_equal(status_of(w).mss_bytes, 0x0384);
    use_flow(w, 40001);
    peer(w, "S seq=0 raw=02040384000303070402");
    sends(w, "S. seq=0 ack=1 nows nosackok nots");
    peer(w, ". seq=1 ack=1 raw=0002ff");
    user_accept(w);
    in_state(w, HF_ESTABLISHED);
}

/* Unaligned timestamps in the middle of others, on every segment (MUST-64).
 * Holds: MUST-5, MUST-64 */
static void unaligned_timestamps(void **state)
{
    struct world *w = *state;

    user_listen(w);
    peer(w, "S seq=0 mss=1000 ts=100 sackok");
    sends(w, "S. seq=0 ack=1 ts ecr=100 sackok");
    peer(w, ". seq=1 ack=1 raw=fe0311080a0000006500000000");
    silent(w);
    user_accept(w);
    peer(w, "P. seq=1 ack=1 len=10 raw=01080a0000006600000000");
    sends(w, ". seq=1 ack=11 ts ecr=102");
}

/* Forty octets of options, the most there can be (3.1). */
static void longest_options(void **state)
{
    struct world *w = *state;

    user_listen(w);
    peer(w, "S seq=0 mss=1000 raw=%s",
         "fd22000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f0101");
    sends(w, "S. seq=0 ack=1");
    peer(w, "P. seq=1 ack=1 len=10 raw=%s",
         "fd28000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425");
    sends(w, ". seq=1 ack=11");
}

/* mss-default: a SYN without MSS means 536 octets (IPv4) or 1220 (IPv6) (3.7.1 MUST-15).
 * Holds: MUST-15 */
static void mss_default(void **state)
{
    struct world *w = *state;
    unsigned mss = w->family == HF_IPV4 ? 536 : 1220;

    establish_passive(w, 65535, "");
    user_send(w, 3 * mss);
    sends(w, ". seq=1 ack=1 len=%u", mss);
    sends(w, ". seq=%u ack=1 len=%u", mss + 1, mss);
    sends(w, "P. seq=%u ack=1 len=%u", 2 * mss + 1, mss);
    peer(w, ". seq=1 ack=%u", 3 * mss + 1);
}

/* The same in an active opening, and with an MSS of 0, which means nothing.
 * Holds: MUST-15 */
static void mss_default_active(void **state)
{
    struct world *w = *state;
    unsigned mss = w->family == HF_IPV4 ? 536 : 1220;

    establish_active(w, 65535, "");
    user_send(w, mss + 1);
    sends(w, ". seq=1 ack=1 len=%u", mss);
    sends_between(w, 0, 0, "P. seq=%u ack=1 len=1", mss + 1);

    use_flow(w, 40001);
    user_connect(w);
    sends(w, "S seq=0");
    peer(w, "S. seq=0 ack=1 raw=02040000");
    sends(w, ". seq=1 ack=1");
    user_send(w, mss + 1);
    sends(w, ". seq=1 ack=1 len=%u", mss);
    sends_between(w, 0, 0, "P. seq=%u ack=1 len=1", mss + 1);
}

/* mss-effective: payload and options together keep to the peer's MSS (3.7.1 MUST-16): with
 * timestamps it is 12 octets less; and to what our own MTU carries, however much the peer
 * offers.
 * Holds: MUST-14, MUST-16 */
static void mss_effective(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=700 ts=5");
    user_send(w, 1400);
    sends(w, ". seq=1 ack=1 len=688 ts");
    sends(w, ". seq=689 ack=1 len=688 ts");
    sends(w, "P. seq=1377 ack=1 len=24 ts");
    peer(w, ". seq=1 ack=1401 ts=7");
    use_flow(w, 40001);
    establish_passive(w, 65535, "mss=9000");
    user_send(w, 2 * own_mss(w));
    sends(w, ". seq=1 ack=1 len=%u", own_mss(w));
    sends(w, "P. seq=%u ack=1 len=%u", own_mss(w) + 1, own_mss(w));
    peer(w, ". seq=1 ack=%u", 2 * own_mss(w) + 1);
}

/* SACK blocks take their room out of the payload as well (MUST-16: options are counted).
 * Holds: MUST-16 */
static void mss_with_sack_blocks(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=700 sackok");
    peer(w, ". seq=101 ack=1 len=100");
    sends(w, ". seq=1 ack=1 sack=101-201");
    user_send(w, 1400);
    sends(w, ". seq=1 ack=1 len=688 sack=101-201");
    sends(w, ". seq=689 ack=1 len=688 sack=101-201");
    sends(w, "P. seq=1377 ack=1 len=24 sack=101-201");
    peer(w, ". seq=1 ack=1401 len=100");
    sends(w, ". seq=1401 ack=201 nosack");
}

/* mss-only-syn: MSS, window scale and SACK-permitted are never sent but on SYNs (MUST-65; the
 * harness checks every packet), and mean nothing when they come later.
 * Holds: MUST-65, RFC2018-2-a, RFC7323-2.2-c */
static void options_of_syn_later(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=700");
    peer(w, ". seq=1 ack=1 mss=100 ws=3 sackok");
    silent(w);
    user_send(w, 700);
    sends(w, "P. seq=1 ack=1 len=700");
    peer(w, ". seq=1 ack=701 win=100");
    user_send(w, 100);
    sends(w, "P. seq=701 ack=1 len=100");
    user_send(w, 100); /* a scale of 3 would have made the window 800 */
    silent(w);
    peer(w, ". seq=101 ack=701 len=10 win=100");
    sends(w, ". seq=801 ack=1 nosack");
}

/* Timestamps that were not agreed on are ignored (RFC 7323 3.2), and not sent.
 * Holds: RFC7323-3.2-e */
static void timestamps_later(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=700");
    peer(w, "P. seq=1 ack=1 len=10 ts=100 ecr=5");
    sends(w, ". seq=1 ack=11 nots");
    peer(w, "P. seq=11 ack=1 len=10 ts=3000000000 ecr=5");
    sends(w, ". seq=1 ack=21 nots");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(illegal_option_length), BOTH(wrong_length_of_known_option),
        BOTH(strange_options),       BOTH(unaligned_timestamps),
        BOTH(longest_options),       BOTH(mss_default),
        BOTH(mss_default_active),    BOTH(mss_effective),
        BOTH(mss_with_sack_blocks),  BOTH(options_of_syn_later),
        BOTH(timestamps_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
