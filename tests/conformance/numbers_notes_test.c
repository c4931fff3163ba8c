/* SPDX-License-Identifier: MIT
 *
 * Marks in the stream of what is sent: when their notes come, in which order, how many there may
 * be, and that no segment reaches across a boundary, however it is sent.
 */
#include "harness.h"
#include <string.h>

static int mark(struct world *w, uint32_t id, unsigned kinds)
{
    return hf_mark(w->stack, w->flow->connection, id, kinds, w->now);
}

static void noted(struct world *w, enum hf_note_kind kind, uint32_t id)
{
    struct hf_note note;
    memset(&note, 0xff, sizeof note);
    assert_int_equal(hf_next_note(w->stack, w->flow->connection, &note), 1);
    assert_int_equal(note.kind, kind);
    assert_int_equal(note.mark, id);
    assert_int_equal(note.time_ns, w->now);
}

static void nothing_noted(struct world *w)
{
    struct hf_note note;
    assert_int_equal(hf_next_note(w->stack, w->flow->connection, &note), 0);
}

static void sent_and_acked(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000");
    user_option(w, HF_OPTION_CORK, 1);
    user_send(w, 1500);
    sends(w, ". seq=1 ack=1 len=1000");
    assert_int_equal(mark(w, 7, HF_MARK_SENT | HF_MARK_ACKED), HF_OK);
    nothing_noted(w);
    user_option(w, HF_OPTION_CORK, 0);
    sends(w, "P. seq=1001 ack=1 len=500");
    event(w, HF_EVENT_NOTED, HF_OK);
    noted(w, HF_NOTE_SENT, 7);
    nothing_noted(w);
    peer(w, ". seq=1 ack=1500"); /* all but one */
    nothing_noted(w);
    peer(w, ". seq=1 ack=1501");
    event(w, HF_EVENT_NOTED, HF_OK);
    noted(w, HF_NOTE_ACKED, 7);
    nothing_noted(w);
    /* Of what is acknowledged already the note is there at once. */
    assert_int_equal(mark(w, 8, HF_MARK_ACKED), HF_OK);
    noted(w, HF_NOTE_ACKED, 8);
}

static void sent_again(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000");
    user_option(w, HF_OPTION_CORK, 1);
    user_send(w, 100);
    assert_int_equal(mark(w, 1, HF_MARK_SENT), HF_OK);
    user_option(w, HF_OPTION_CORK, 0);
    sends(w, "P. seq=1 ack=1 len=100");
    noted(w, HF_NOTE_SENT, 1);
    sends_between(w, 0, 2 * HF_SECOND, "P. seq=1 ack=1 len=100");
    noted(w, HF_NOTE_SENT, 1);
    peer(w, ". seq=1 ack=101");
    nothing_noted(w);
}

static void no_segment_across(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000 sackok");
    user_option(w, HF_OPTION_NAGLE, 0);
    user_option(w, HF_OPTION_CORK, 1); /* so that all of it leaves together */
    user_send(w, 300);
    assert_int_equal(mark(w, 0, HF_MARK_BOUNDARY), HF_OK);
    user_send(w, 1200);
    assert_int_equal(mark(w, 0, HF_MARK_BOUNDARY), HF_OK);
    user_send(w, 50);
    user_option(w, HF_OPTION_CORK, 0);
    sends(w, "P. seq=1 ack=1 len=300");
    sends(w, ". seq=301 ack=1 len=1000");
    sends(w, "P. seq=1301 ack=1 len=200");
    sends(w, "P. seq=1501 ack=1 len=50");
    peer(w, ". seq=1 ack=1551");
    nothing_noted(w);
}

/* Without SACK a timeout sends again from the front, as much as fits: but not across. */
static void no_repetition_across(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000");
    user_option(w, HF_OPTION_NAGLE, 0);
    user_send(w, 100);
    assert_int_equal(mark(w, 0, HF_MARK_BOUNDARY), HF_OK);
    sends(w, "P. seq=1 ack=1 len=100");
    user_send(w, 100);
    sends(w, "P. seq=101 ack=1 len=100");
    sends_between(w, 0, 2 * HF_SECOND, "P. seq=1 ack=1 len=100");
    sends(w, "P. seq=101 ack=1 len=100");
    peer(w, ". seq=1 ack=201");
}

/* More marks than can be kept are refused, and those that were taken all have their notes. */
static void as_many_as_fit(void **state)
{
    struct world *w = *state;
    uint32_t taken = 0;

    establish_passive(w, 65535, "mss=1000");
    user_send(w, 10);
    while (taken < 5000 && mark(w, taken, HF_MARK_SENT | HF_MARK_ACKED) == HF_OK) {
        taken++;
    }
    assert_int_equal(taken, 1024);
    assert_int_equal(mark(w, taken, HF_MARK_SENT), HF_ENOBUFS);
    sends(w, "P. seq=1 ack=1 len=10");
    sends_between(w, 0, 2 * HF_SECOND, "P. seq=1 ack=1 len=10"); /* no room for these */
    peer(w, ". seq=1 ack=11");
    assert_int_equal(mark(w, taken, HF_MARK_ACKED), HF_ENOBUFS); /* nothing was taken yet */
    for (unsigned pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < taken; i++) {
            struct hf_note note;
            assert_int_equal(hf_next_note(w->stack, w->flow->connection, &note), 1);
            assert_int_equal(note.kind, pass == 0 ? HF_NOTE_SENT : HF_NOTE_ACKED);
            assert_int_equal(note.mark, i);
        }
    }
    nothing_noted(w);
    assert_int_equal(mark(w, 5, HF_MARK_ACKED), HF_OK);
    noted(w, HF_NOTE_ACKED, 5);
}

static void refused(void **state)
{
    struct world *w = *state;
    struct hf_note note;
    hf_handle handle;

    establish_passive(w, 65535, "mss=1000");
    assert_int_equal(mark(w, 0, 0), HF_EINVAL);
    assert_int_equal(mark(w, 0, 8), HF_EINVAL);
    assert_int_equal(hf_mark(w->stack, w->listener, 0, HF_MARK_SENT, w->now), HF_EOPNOTSUPP);
    assert_int_equal(hf_next_note(w->stack, w->listener, &note), 0);
    handle = w->flow->connection;
    user_send(w, 10);
    assert_int_equal(mark(w, 3, HF_MARK_ACKED), HF_OK);
    sends(w, "P. seq=1 ack=1 len=10");
    peer(w, "R. seq=1 ack=1");
    assert_int_equal(mark(w, 4, HF_MARK_ACKED), HF_ENOTCONN);
    nothing_noted(w); /* it was never acknowledged */
    user_close(w);
    assert_int_equal(hf_mark(w->stack, handle, 0, HF_MARK_SENT, w->now), HF_EBADF);
    assert_int_equal(hf_next_note(w->stack, handle, &note), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(sent_and_acked),       BOTH(sent_again),     BOTH(no_segment_across),
        BOTH(no_repetition_across), BOTH(as_many_as_fit), BOTH(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
