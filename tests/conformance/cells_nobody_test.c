/* SPDX-License-Identifier: MIT
 *
 * CLOSED and LISTEN, where no connection answers (RFC 9293 3.10.7.1, 3.10.7.2), and segments that
 * are not what they should be (3.1, 3.2).
 */
#include "harness.h"
#include <string.h>

/* closed-{ack,fin-ack,syn-ack}: with ACK: <SEQ=SEG.ACK><CTL=RST> (3.10.7.1). */
static void closed_with_ack(void **state)
{
    struct world *w = *state;

    peer(w, ". seq=#100 ack=#7000");
    sends(w, "R seq=#7000");
    peer(w, "F. seq=#100 ack=#7000");
    sends(w, "R seq=#7000");
    peer(w, "S. seq=#100 ack=#7000 mss=1000");
    sends(w, "R seq=#7000");
    peer(w, "P. seq=#100 ack=#4294967295 len=50");
    sends(w, "R seq=#4294967295");
    peer(w, "PUF. seq=#100 ack=#0 len=50 urg=4 ts=9 ecr=8");
    sends(w, "R seq=#0 nots");
}

/* closed-{syn,syn-fin,fin}: without ACK: <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>; SYN and FIN
 * count in SEG.LEN. */
static void closed_without_ack(void **state)
{
    struct world *w = *state;

    peer(w, "S seq=#100 mss=1000 ts=9");
    sends(w, "R. seq=#0 ack=#101 nots");
    peer(w, "SF seq=#100");
    sends(w, "R. seq=#0 ack=#102");
    peer(w, "F seq=#4294967295");
    sends(w, "R. seq=#0 ack=#0");
    peer(w, "S seq=#100 len=20");
    sends(w, "R. seq=#0 ack=#121");
    peer(w, "- seq=#100");
    sends(w, "R. seq=#0 ack=#100");
    peer(w, "P seq=#100 len=30");
    sends(w, "R. seq=#0 ack=#130");
}

/* closed-rst: a RST is never answered (3.10.7.1). */
static void closed_rst(void **state)
{
    struct world *w = *state;

    peer(w, "R seq=#100");
    silent(w);
    peer(w, "R. seq=#100 ack=#5");
    silent(w);
    peer(w, "SR seq=#100");
    silent(w);
    peer(w, "FR. seq=#100 ack=#5 len=9");
    silent_for(w, 10 * HF_SECOND);
}

/* listen-rst ignored; listen-ack and listen-syn-ack: RST; listen-fin and everything else: dropped
 * (3.10.7.2 first, second, fourth). */
static void listen_no_syn(void **state)
{
    struct world *w = *state;

    user_listen(w);
    peer(w, "R seq=#100");
    silent(w);
    peer(w, "R. seq=#100 ack=#100");
    silent(w);
    peer(w, "SR seq=#100");
    silent(w);
    peer(w, ". seq=#100 ack=#7000");
    sends(w, "R seq=#7000");
    peer(w, "S. seq=#100 ack=#7000");
    sends(w, "R seq=#7000");
    peer(w, "F. seq=#100 ack=#7000 len=9");
    sends(w, "R seq=#7000");
    peer(w, "F seq=#100");
    silent(w);
    peer(w, "P seq=#100 len=10");
    silent(w);
    peer(w, "- seq=#100");
    silent(w);
    peer(w, "U seq=#100 urg=1");
    silent_for(w, 10 * HF_SECOND);
    assert_int_equal(counters_of(w).syn_records, 0);
}

/* listen-syn-fin: dropped, as Linux does; no state is made of it. */
static void listen_syn_fin(void **state)
{
    struct world *w = *state;

    user_listen(w);
    peer(w, "SF seq=0 mss=1000");
    silent_for(w, 10 * HF_SECOND);
    assert_int_equal(counters_of(w).syn_records, 0);
}

/* listen-syn-data: text on a SYN may be left for the peer to send again (3.10.7.2 third): we
 * acknowledge the SYN alone, and take the text when it comes. */
static void listen_syn_with_data(void **state)
{
    struct world *w = *state;

    user_listen(w);
    peer(w, "S seq=0 mss=1000 len=100");
    sends(w, "S. seq=0 ack=1");
    peer(w, "P. seq=1 ack=1 len=100");
    sends(w, ". seq=1 ack=101");
    user_accept(w);
    user_recv(w, 100);
}

/* bad-doff: a header that claims to be shorter than 20 octets, or longer than the segment, is
 * dropped in every state (3.1). */
static void bad_data_offset(void **state)
{
    struct world *w = *state;

    for (int doff = 0; doff < 5; doff++) {
        peer(w, "S seq=0 doff=%d", doff);
        silent(w);
    }
    peer(w, "S seq=0 doff=15");
    silent(w);
    user_listen(w);
    peer(w, "S seq=0 doff=6");
    peer(w, "S seq=0 doff=0");
    silent_for(w, 10 * HF_SECOND);
    establish_passive(w, 1000, "mss=1000");
    for (int doff = 0; doff < 5; doff++) {
        peer(w, "P. seq=1 ack=1 len=1 doff=%d", doff);
        peer(w, "R. seq=1 ack=1 doff=%d", doff);
    }
    peer(w, "R. seq=1 ack=1 doff=6");
    silent(w);
    in_state(w, HF_ESTABLISHED);
}

/* Truncated at every length: dropped, without a read past the end. */
static void truncated(void **state)
{
    struct world *w = *state;
    uint8_t packet[400];
    size_t ip = w->family == HF_IPV4 ? 20 : 40;
    size_t length;

    user_listen(w);
    length = build(w, packet, sizeof packet, "S seq=0 mss=1000 ws=3 ts=5 sackok");
    for (size_t keep = 0; keep < length; keep++) {
        inject(w, packet, keep);
        silent(w);
    }
    /* The same, with IP agreeing to the shorter length and a right checksum. */
    for (size_t keep = ip; keep < length; keep++) {
        uint8_t copy[400];
        struct segment segment = {.source = w->peer_address, .destination = w->stack_address};
        memcpy(copy, packet, length);
        ip_build(&segment.source, &segment.destination, 6, 64, keep - ip, copy);
        if (keep >= ip + 20) {
            segment_fix_checksum(copy, keep);
        }
        inject(w, copy, keep);
        silent(w);
    }
    assert_int_equal(counters_of(w).syn_records, 0);
}

/* reserved-bits: ignored when received (3.1); the harness checks that they are zero in all we
 * send. */
static void reserved_bits(void **state)
{
    struct world *w = *state;

    user_listen(w);
    peer(w, "S seq=0 mss=1000 reserved=7");
    sends(w, "S. seq=0 ack=1");
    peer(w, "P. seq=1 ack=1 len=10 reserved=5");
    sends(w, ". seq=1 ack=11");
    peer(w, "F. seq=11 ack=1 reserved=2");
    sends(w, ". seq=1 ack=12");
    in_state(w, HF_CLOSE_WAIT);
}

/* ECN's flags without an ECN agreement are ignored too (RFC 3168 6.1): where config.ecn is 0 a SYN
 * that offers ECN gets a plain SYN-ACK; the harness refuses any other. */
static void ecn_flags_ignored(void **state)
{
    struct world *w = *state;

    user_listen(w);
    peer(w, "SEW seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    peer(w, "PE. seq=1 ack=1 len=10");
    sends(w, ". seq=1 ack=11");
    peer(w, "PWA. seq=11 ack=1 len=10");
    sends(w, ". seq=1 ack=21");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(closed_with_ack),   BOTH(closed_without_ack), BOTH(closed_rst),
        BOTH(listen_no_syn),     BOTH(listen_syn_fin),     BOTH(listen_syn_with_data),
        BOTH(bad_data_offset),   BOTH(truncated),          BOTH(reserved_bits),
        BOTH(ecn_flags_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
