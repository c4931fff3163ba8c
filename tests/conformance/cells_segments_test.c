/* SPDX-License-Identifier: MIT
 *
 * State by event: every state of figure 5 meets every kind of segment. The tables below are
 * written from RFC 9293 3.10.7 (with RFC 5961 3.2, 4.2 and 5.2, and RFC 7323 5.3); each cell is a
 * test of its own, under both families.
 *
 * A row's segment is a script of peer() in which @R stands for RCV.NXT (in SYN-SENT: the peer's
 * ISS), @W for the right edge of the window we offered, @U for SND.UNA and @N for SND.NXT.
 *
 * A cell is one letter:
 *     .  no answer, and the state is the same
 *     A  <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, same state
 *     D  the text is taken and acknowledged, same state
 *     R  <SEQ=SEG.ACK><CTL=RST>, same state
 *     Y  our SYN-ACK, SYN-RECEIVED
 *     e  ESTABLISHED, no answer           E  the same with an ACK
 *     d  ESTABLISHED, the text is taken and acknowledged
 *     w  CLOSE-WAIT, the FIN acknowledged   c  CLOSING, likewise   t  TIME-WAIT, likewise
 *     2  FIN-WAIT-2, no answer            q  the same, and the text is taken and acknowledged
 *     T  TIME-WAIT, no answer
 *     x  over: "connection reset"         f  over: "connection refused"
 *     z  over, nothing to complain of     L  over; the listener listens
 *     -  does not apply
 */
#include "cells_states.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
    const char *name;
    const char *segment;
    const char *cells; /* a letter a column, in the order of enum column */
    unsigned taken;    /* bytes of text that are new and in order */
};

static const struct row rows[] = {
    /* Columns: SYN-SENT, SYN-RECEIVED by listener and crossed, ESTABLISHED, FIN-WAIT-1 and 2,
     * CLOSE-WAIT, CLOSING, LAST-ACK, TIME-WAIT. */

    /* SYN: 3.10.7.3 fourth opens simultaneously; RFC 5961 4.2 challenges in every synchronized
     * state whatever the number; the listener's SYN-RECEIVED answers a repeated SYN again. */
    {"SYN at RCV.NXT", "S seq=@R mss=1000", "YAAAAAAAAA", 0},
    {"SYN repeated", "S seq=0 mss=1000", "-YAAAAAAAA", 0},
    {"SYN in the window", "S seq=@R+500 mss=1000", "-AAAAAAAAA", 0},
    {"SYN beyond the window", "S seq=@W+100000 mss=1000", "-AAAAAAAAA", 0},
    {"SYN before the window", "S seq=@R-100000 mss=1000", "-AAAAAAAAA", 0},
    {"SYN with text", "S seq=@R len=10 mss=1000", "YAAAAAAAAA", 0},
    {"SYN with FIN", "SF seq=@R mss=1000", "YAAAAAAAAA", 0},
    /* SYN-ACK: establishes in SYN-SENT and, crossing, in SYN-RECEIVED (figure 7); else a
     * retransmission or a forgery, and challenged. */
    {"SYN-ACK of our SYN", "S. seq=0 ack=1 mss=1000", "EAEAAAAAAA", 0},
    {"SYN-ACK of more", "S. seq=0 ack=@N+1 mss=1000", "RAAAAAAAAA", 0},
    {"SYN-ACK at RCV.NXT", "S. seq=@R ack=@N mss=1000", "EAAAAAAAAA", 0},
    /* ACK: fifth. In SYN-RECEIVED anything but SND.UNA < SEG.ACK =< SND.NXT gets a RST; later what
     * was not sent yet is answered with an ACK, an old duplicate ignored, and one older than
     * SND.UNA - MAX.SND.WND challenged (RFC 5961 5.2). */
    {"ACK of everything", ". seq=@R ack=@N", ".ee.2..Tz.", 0},
    {"ACK of SND.UNA", ". seq=@R ack=@U", "RRR.......", 0},
    {"ACK one before SND.UNA", ". seq=@R ack=@U-1", "RRR.......", 0},
    {"ACK as old as the largest window", ". seq=@R ack=@U-65535", "RRR.......", 0},
    {"ACK older than the largest window", ". seq=@R ack=@U-65536", "RRRAAAAAA.", 0},
    {"ACK of what was not sent", ". seq=@R ack=@N+1", "RRRAAAAAA.", 0},
    {"ACK far ahead", ". seq=@R ack=@N+1000000000", "RRRAAAAAA.", 0},
    /* First: an unacceptable number is answered with an ACK and nothing else of it counts. */
    {"ACK one before RCV.NXT", ". seq=@R-1 ack=@N", ".AAAAAAAAA", 0},
    {"ACK far before RCV.NXT", ". seq=@R-1000000 ack=@N", ".AAAAAAAAA", 0},
    {"ACK in the window", ". seq=@R+1000 ack=@N", ".ee.2..Tz-", 0},
    {"ACK at the right edge", ". seq=@W ack=@N", ".AAAAAAAAA", 0},
    {"ACK beyond the right edge", ". seq=@W+5000 ack=@N", ".AAAAAAAAA", 0},
    /* FIN: eighth. */
    {"FIN that acknowledges all", "F. seq=@R ack=@N", ".wwwtt----", 0},
    {"FIN that acknowledges nothing new", "F. seq=@R ack=@U", "RRRwct----", 0},
    {"FIN repeated", "F. seq=@R-1 ack=@U", "RAAAAAAAAA", 0},
    {"FIN with text", "PF. seq=@R ack=@U len=100", "RRRwctAAAA", 100},
    {"FIN above a hole", "F. seq=@R+100 ack=@U", "RRRAAA----", 0},
    {"FIN at the right edge", "F. seq=@W ack=@N", ".AAAAAAAAA", 0},
    /* RST: second, with RFC 5961 3.2: exact, inside, outside; in TIME-WAIT ignored (RFC 1337). */
    {"RST at RCV.NXT", "R seq=@R", ".Lfxxxxzz.", 0},
    {"RST with ACK at RCV.NXT", "R. seq=@R ack=@N", "fLfxxxxzz.", 0},
    {"RST with a wild ACK", "R. seq=@R ack=@N+70000", ".Lfxxxxzz.", 0},
    {"RST with text", "R. seq=@R ack=@N len=50", "fLfxxxxzz.", 0}, /* SHLD-2 */
    {"RST one past RCV.NXT", "R seq=@R+1", ".AAAAAAAA.", 0},
    {"RST at the end of the window", "R seq=@W-1", ".AAAAAAAA.", 0},
    {"RST at the right edge", "R seq=@W", "..........", 0},
    {"RST one before RCV.NXT", "R seq=@R-1", "..........", 0},
    {"RST far away", "R. seq=@R+1000000000 ack=@N", "f.........", 0},
    /* Text: seventh; trimmed to the window; ignored after the peer's FIN. */
    {"text", "P. seq=@R ack=@U len=100", "RRRDDDAAAA", 100},
    {"text that acknowledges all", "P. seq=@R ack=@N len=100", ".ddDqDATzA", 100},
    {"text received before", "P. seq=@R-100 ack=@U len=100", "RAAAAAAAAA", 0},
    {"text partly received before", "P. seq=@R-50 ack=@U len=100", "RRRDDDAAAA", 50},
    {"text above a hole", ". seq=@R+100 ack=@U len=100", "RRRAAAAAAA", 0},
    {"text across the right edge", ". seq=@W-50 ack=@U len=100", "RRRAAAAAAA", 0},
    {"text beyond the window", ". seq=@W ack=@U len=100", "RAAAAAAAAA", 0},
    {"text with an ACK of what was not sent", "P. seq=@R ack=@N+1 len=100", "RRRAAAAAA-", 0},
    {"text with an old ACK", "P. seq=@R ack=@U-1 len=100", "RRRDDDAAAA", 100},
    {"text with a too old ACK", "P. seq=@R ack=@U-65536 len=100", "RRRAAAAAA-", 0},
    {"urgent text", "PU. seq=@R ack=@U len=100 urg=50", "RRRDDDAAAA", 100},
    /* No ACK bit: fifth, dropped; but the first check comes before it. */
    {"text without ACK", "P seq=@R len=100", "..........", 0},
    {"FIN without ACK", "F seq=@R", "..........", 0},
    {"no flag at all", "- seq=@R", "..........", 0},
    {"URG alone", "U seq=@R urg=9", "..........", 0},
    {"old text without ACK", "- seq=@R-100 len=10", ".AAAAAAAAA", 0},
    /* MUST-3. */
    {"SYN with a bad checksum", "S seq=@R mss=1000 bad", "..........", 0},
    {"ACK with a bad checksum", ". seq=@R ack=@N bad", "..........", 0},
    {"SYN-ACK with a bad checksum", "S. seq=0 ack=1 bad", "..........", 0},
    {"FIN with a bad checksum", "F. seq=@R ack=@N bad", "..........", 0},
    {"RST with a bad checksum", "R. seq=@R ack=@N bad", "..........", 0},
    {"text with a bad checksum", "P. seq=@R ack=@U len=100 bad", "..........", 0},
};

/* The same with timestamps: TS.Recent is 5000. RFC 7323 5.3 R1: an older one is answered with an
 * ACK and dropped, except on a RST (5.2). */
enum { TS_RECENT = 5000 };
static const struct row timestamp_rows[] = {
    {"text with a newer timestamp", "P. seq=@R ack=@N len=100 ts=5001", "-ddDqDATzA", 100},
    {"text with the same timestamp", "P. seq=@R ack=@N len=100 ts=5000", "-ddDqDATzA", 100},
    {"text with an old timestamp", "P. seq=@R ack=@N len=100 ts=4999", "-AAAAAAAAA", 0},
    {"ACK with an old timestamp", ". seq=@R ack=@N ts=4999", "-AAAAAAAAA", 0},
    {"FIN with an old timestamp", "F. seq=@R ack=@N ts=4999", "-AAAAAAAAA", 0},
    {"SYN with an old timestamp", "S seq=@R+9 mss=1000 ts=4999", "-AAAAAAAAA", 0},
    {"RST with an old timestamp", "R seq=@R ts=4999", "-Lfxxxxzz.", 0},
    {"RST without timestamp", "R seq=@R", "-Lfxxxxzz.", 0},
    {"RST in the window, old timestamp", "R seq=@R+1 ts=4999", "-AAAAAAAA.", 0},
};

struct cell {
    const struct row *row;
    enum column column;
    enum way way;
    enum hf_family family;
    uint32_t timestamps;
    unsigned variation;
    struct world *world;
    char name[120];
};

/* Both sides' numbers wrap, or cross the half of the space, at the SYN, right after it or in the
 * first text. */
static void vary_numbers(struct world *w, unsigned variation)
{
    static const uint32_t starts[] = {0xffffff00, 0xffffffff, 0xfffffffe, 0,
                                      0x7fffffff, 0x80000000, 0x7fffffce, 0xffffffce};
    const unsigned count = sizeof starts / sizeof starts[0];

    w->peer_iss = starts[variation % count];
    if (variation / count % (count + 1) < count) {
        aim_stack_iss(w, starts[variation / count % (count + 1)]);
    } else {
        world_restart(w);
    }
}

static int cell_setup(void **state)
{
    struct cell *cell = *state;
    void *world = NULL;
    int failed = cell->family == HF_IPV4 ? world_setup_v4(&world) : world_setup_v6(&world);

    cell->world = world;
    if (failed == 0) {
        vary_numbers(cell->world, cell->variation);
    }
    return failed;
}

static int cell_teardown(void **state)
{
    struct cell *cell = *state;
    void *world = cell->world;

    return world_teardown(&world);
}

static void expand(const struct world *w, enum column column, const char *text, char *out,
                   size_t capacity)
{
    struct position at = position_of(column);
    size_t length = 0;

    while (*text != 0 && length + 16 < capacity) {
        long base, offset = 0;
        if (*text != '@') {
            out[length++] = *text++;
            continue;
        }
        base = text[1] == 'R'   ? at.rcv_nxt
               : text[1] == 'U' ? at.una
               : text[1] == 'N' ? at.nxt
                                : (long)w->flow->stack_right_edge;
        text += 2;
        if (*text == '+' || *text == '-') {
            char *end;
            offset = strtol(text, &end, 10);
            text = end;
        }
        length += (size_t)snprintf(out + length, capacity - length, "%ld", base + offset);
    }
    out[length] = 0;
}

static void acknowledges(struct world *w, const struct position *at, unsigned more)
{
    sends_between(w, 0, w->config.delayed_ack_ns, ". seq=%d ack=%d", at->nxt,
                  at->rcv_nxt + (int)more);
}

static void listens_again(struct world *w)
{
    in_state(w, HF_CLOSED);
    new_incarnation(w, 77);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
}

/* The letters that leave a connection. */
static void check_alive(struct world *w, char letter, const struct position *at, unsigned taken,
                        const char *segment)
{
    enum hf_state state = at->state;
    const char *ack;

    switch (letter) {
    case '.':
        break;
    case 'A':
        acknowledges(w, at, 0);
        break;
    case 'D':
        acknowledges(w, at, taken);
        break;
    case 'R':
        ack = strstr(segment, "ack=");
        assert_non_null(ack);
        sends(w, "R seq=%ld", strtol(ack + 4, NULL, 10));
        break;
    case 'Y':
        sends(w, "S. seq=0 ack=1");
        state = HF_SYN_RECEIVED;
        break;
    case 'E':
        acknowledges(w, &(struct position){.nxt = 1, .rcv_nxt = 1}, 0);
        state = HF_ESTABLISHED;
        break;
    case 'e':
        state = HF_ESTABLISHED;
        break;
    case 'd':
        acknowledges(w, at, taken);
        state = HF_ESTABLISHED;
        break;
    case 'w':
        acknowledges(w, at, taken + 1);
        state = HF_CLOSE_WAIT;
        break;
    case 'c':
        acknowledges(w, at, taken + 1);
        state = HF_CLOSING;
        break;
    case 't':
        acknowledges(w, at, taken + 1);
        state = HF_TIME_WAIT;
        break;
    case '2':
        state = HF_FIN_WAIT_2;
        break;
    case 'q':
        acknowledges(w, at, taken);
        state = HF_FIN_WAIT_2;
        break;
    case 'T':
        state = HF_TIME_WAIT;
        break;
    default:
        fail_msg("the table has a letter that means nothing: %c", letter);
    }
    silent_for(w, 100 * HF_MILLISECOND);
    in_state(w, state);
    no_event(w, HF_EVENT_ERROR);
}

/* Holds: MUST-3, SHLD-2, MAY-12, RFC5961-3.2-a, RFC5961-3.2-b, RFC5961-3.2-c, RFC5961-4.2-a,
 * RFC5961-5.2-a, RFC5961-5.2-b */
static void run_cell(void **state)
{
    struct cell *cell = *state;
    struct world *w = cell->world;
    struct position at = position_of(cell->column);
    char segment[200];

    reach(w, cell->column, cell->way, cell->timestamps);
    expand(w, cell->column, cell->row->segment, segment, sizeof segment);
    peer(w, "%s", segment);
    switch (cell->row->cells[cell->column]) {
    case 'x':
        if (cell->way == ORPHANED) {
            no_event(w, HF_EVENT_ERROR);
        } else {
            event(w, HF_EVENT_ERROR, HF_ECONNRESET);
        }
        in_state(w, HF_CLOSED);
        break;
    case 'f':
        event(w, HF_EVENT_ERROR, HF_ECONNREFUSED);
        in_state(w, HF_CLOSED);
        break;
    case 'z':
        no_event(w, HF_EVENT_ERROR);
        in_state(w, HF_CLOSED);
        break;
    case 'L':
        no_event(w, HF_EVENT_ERROR);
        listens_again(w);
        break;
    default:
        check_alive(w, cell->row->cells[cell->column], &at, cell->row->taken, segment);
        return;
    }
    silent_for(w, 100 * HF_MILLISECOND);
}

/* Does the row say something else, or nothing, when the state was reached this way? */
static int exempt(const struct row *row, enum column column, enum way way)
{
    switch (way) {
    case OPENED_ACTIVELY:
        return 0;
    case OPENED_PASSIVELY:
        /* The opening states have a column for each way. With a listener there a SYN may open
         * anew in TIME-WAIT: closing_time_wait_test.c. */
        return column < ESTABLISHED || (column == TIME_WAIT && row->segment[0] == 'S');
    case ORPHANED:
        /* Only these are the program's to leave; and new text is reset there (SHLD-3):
         * closing_abandon_test.c. */
        return column < FIN_WAIT_1 || column == CLOSE_WAIT ||
               (column <= FIN_WAIT_2 && strstr(row->segment, "len=") != NULL);
    }
    return 1;
}

static size_t add_cells(const struct row *row, enum way way, uint32_t timestamps,
                        struct cell *cells, struct CMUnitTest *tests)
{
    size_t count = 0;
    unsigned salt = (unsigned)(strlen(row->name) * 7 + strlen(row->segment) * 13);

    assert_int_equal(strlen(row->cells), COLUMN_COUNT);
    for (unsigned i = 0; i < COLUMN_COUNT * 2; i++) {
        enum column column = (enum column)(i / 2);
        struct cell *cell = &cells[count];
        if (row->cells[column] == '-' || exempt(row, column, way)) {
            continue;
        }
        *cell = (struct cell){.row = row,
                              .column = column,
                              .way = way,
                              .family = i % 2 ? HF_IPV6 : HF_IPV4,
                              .timestamps = timestamps,
                              .variation = salt + i * 29 + (unsigned)way * 5};
        snprintf(cell->name, sizeof cell->name, "%s in %s%s (IPv%d)", row->name,
                 position_of(column).name, way_name(way), (int)cell->family);
        tests[count++] = (struct CMUnitTest){cell->name, run_cell, cell_setup, cell_teardown, cell};
    }
    return count;
}

int main(void)
{
    size_t plain = sizeof rows / sizeof rows[0];
    size_t stamped = sizeof timestamp_rows / sizeof timestamp_rows[0];
    size_t limit = (plain + stamped) * COLUMN_COUNT * 2 * 3;
    struct cell *cells = calloc(limit, sizeof *cells);
    struct CMUnitTest *tests = calloc(limit, sizeof *tests);
    size_t count = 0;
    int failed;

    if (cells == NULL || tests == NULL) {
        free(tests);
        free(cells);
        return 1;
    }
    for (unsigned way = OPENED_ACTIVELY; way <= ORPHANED; way++) {
        for (size_t i = 0; i < plain; i++) {
            count += add_cells(&rows[i], (enum way)way, 0, cells + count, tests + count);
        }
        for (size_t i = 0; i < stamped; i++) {
            count += add_cells(&timestamp_rows[i], (enum way)way, TS_RECENT, cells + count,
                               tests + count);
        }
    }
    failed = _cmocka_run_group_tests("cells", tests, count, NULL, NULL);
    free(tests);
    free(cells);
    return failed;
}
