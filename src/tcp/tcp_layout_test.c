/* SPDX-License-Identifier: MIT
 *
 * Where the members of a connection stand: what a segment of bulk data touches, on either side of
 * it, keeps out of the cache lines of what it does not touch. Which is which was read off a trace
 * of all memory accesses of such a transfer (valgrind's lackey): those below that are hot had one
 * for each super-segment or more. Before they were put together they lay in all 16 lines; now three
 * are left alone.
 */
#include "tcp_conn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define LINE_BYTES 64u
#define HOT_LINES 12u
#define CONNECTION_LINES 16u

struct member {
    const char *name;
    size_t offset, size;
};

/* clang-format off */
#define MEMBER(name) \
    {#name, offsetof(struct tcp_conn, name), sizeof(((struct tcp_conn *)NULL)->name)}
/* clang-format on */

/* In the order in which they stand. */
static const struct member hot_before[] = {
    MEMBER(tuple),     MEMBER(snd),      MEMBER(iss),      MEMBER(rcv),         MEMBER(intents),
    MEMBER(events),    MEMBER(peer_mss), MEMBER(path_mtu), MEMBER(receive_mss), MEMBER(ts_recent),
    MEMBER(ts_offset), MEMBER(srtt_us),  MEMBER(rtt_seq),  MEMBER(sender),      MEMBER(notes),
    MEMBER(sent),      MEMBER(rack),     MEMBER(prr),      MEMBER(undo),        MEMBER(congestion),
    MEMBER(cc),        MEMBER(ecn.mode),
};
static const struct member cold[] = {
    MEMBER(ecn.counted_ce),
    MEMBER(ecn.received_bytes),
    MEMBER(ecn.received_ce),
    MEMBER(handle),
    MEMBER(irs),
    MEMBER(reset_seq),
    MEMBER(dsack),
    MEMBER(left_bytes),
    MEMBER(error),
    MEMBER(challenge_refill),
    MEMBER(path_mtu_lowered),
    MEMBER(keepalive_idle_ns),
    MEMBER(fin_wait_2_ns),
    MEMBER(retransmits),
    MEMBER(loss_probes),
    MEMBER(bytes_retransmitted),
    MEMBER(search.probe_start),
    MEMBER(search.silent_since),
};
static const struct member hot_behind[] = {
    MEMBER(search.low),
    MEMBER(search.on),
    MEMBER(deadlines),
    MEMBER(progress_time),
    MEMBER(last_sent),
    MEMBER(last_received),
    MEMBER(user_timeout_ns),
    MEMBER(max_pacing_rate),
    MEMBER(send_queue),
    MEMBER(send_bytes),
    MEMBER(receive_queue),
    MEMBER(receive_bytes),
    MEMBER(reassembly),
    MEMBER(window_clamp_bytes),
    MEMBER(tuning),
    MEMBER(soft_error),
    MEMBER(bytes_sent),
    MEMBER(segments_sent),
    MEMBER(tally.data_segments_sent),
    MEMBER(tally.limited),
    MEMBER(tally.last_data_received),
    MEMBER(tally.timeout_since),
};
#define COUNT(members) (sizeof(members) / sizeof *(members))

/* Each begins where the one before ends, or later; returns where the last one ends. */
static size_t walk(const char *temperature, const struct member *members, size_t count, size_t from)
{
    for (size_t i = 0; i < count; i++) {
        const struct member *member = &members[i];
        printf("%4zu line %2zu  %-4s %4zu  %s\n", member->offset, member->offset / LINE_BYTES,
               temperature, member->size, member->name);
        assert_true(member->offset >= from);
        from = member->offset + member->size;
    }
    return from;
}

static void hot_members_share_lines(void **state)
{
    size_t first_end, cold_end, second_end;
    (void)state;
    first_end = walk("hot", hot_before, COUNT(hot_before), 0);
    cold_end = walk("cold", cold, COUNT(cold), first_end);
    second_end = walk("hot", hot_behind, COUNT(hot_behind), cold_end);
    printf("%4zu bytes, %zu of them hot, in front of and behind %zu that are not\n",
           sizeof(struct tcp_conn), second_end - cold_end + first_end, cold_end - first_end);
    if (sizeof(void *) == 8) {
        assert_in_range(sizeof(struct tcp_conn), 1, CONNECTION_LINES * LINE_BYTES);
        assert_in_range(second_end - cold_end + first_end, 1, HOT_LINES * LINE_BYTES);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hot_members_share_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
