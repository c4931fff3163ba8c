/* SPDX-License-Identifier: MIT
 *
 * Sent records: one for each transmitted run, what became of it and when it last left. Only kept
 * while something is in flight and SACK is agreed; RACK, TLP, PRR and SACK all read this one
 * structure. In sequence order it is a ring; a list through it keeps the order of transmission.
 *
 *     SND.UNA                                             SND.NXT
 *        | sacked | lost | lost, repeated | in flight | ... |
 *
 * Several transmissions may share a nanosecond; each has an ordinal besides its time, and "sent
 * later" means by that.
 *
 * A record is in the transmission list while it may still arrive: not when it is SACKed. When it is
 * lost and waits to be sent again it is in the list of those, in the order they were lost; so that
 * taking a loss back costs what finding it cost, however much else is in flight.
 *
 * A receiver repeats its SACK blocks in every ACK, and a hostile one shifts them each time; so a
 * run of SACKed records is stepped over, not walked: each of them points ahead, and the pointers
 * grow longer with use (path halving). An ACK costs what it newly tells, and logarithms.
 *
 * What was told can be taken back, and told again: losses by an undo, SACKs by reneging, sizes by a
 * router. A hostile peer has us look at every record each time, for a packet or two of its own. So
 * transmissions pay for it (tcp_sent_pay): what each of them has us look at again is bounded, and
 * where there were too few of them nothing more is taken back.
 */
#ifndef TCP_SENT_H
#define TCP_SENT_H

#include "memory.h"
#include "seq32.h"
#include "tcp_sender.h"

#include <handfast/types.h>
#include <stdbool.h>

#define TCP_SENT_NONE UINT32_MAX

enum tcp_sent_flag {
    TCP_SENT_SACKED = 1,
    TCP_SENT_LOST = 2,
    TCP_SENT_REPEATED = 4,   /* it was sent more than once */
    TCP_SENT_REPEAT_OUT = 8, /* lost, and its repetition is in flight */
    TCP_SENT_PUSHED = 16,    /* it left with PSH, and does so again */
    TCP_SENT_TWICE = 32      /* sent again without being lost: both copies are in flight */
};

struct tcp_sent_record {
    seq32 seq;
    uint32_t length;         /* of sequence space: a FIN counts one */
    hf_time sent;            /* the last time */
    uint32_t earlier, later; /* ids in its list; SACKed: later is an id ahead */
    uint32_t order;          /* of the last transmission, among all of them: `sent` may tie */
    uint8_t flags;
    struct tcp_rate_mark rate; /* how things stood when it last left */
};

struct tcp_sent_list {
    uint32_t oldest, newest; /* ids */
};

/* RFC 6675's IsLost (tcp_rfc6675.c): what is not SACKed below this is lost. */
struct tcp_sent_edge {
    seq32 seq;
    uint32_t sacked_bytes, sacked_runs; /* at or above it */
    bool on;                            /* it is kept up */
};

struct tcp_sent {
    uint32_t capacity; /* a power of two */
    uint32_t first;    /* the id of the oldest; id modulo capacity is its place */
    uint32_t count;
    struct tcp_sent_list flying;  /* in the order of transmission */
    struct tcp_sent_list waiting; /* lost, and not sent again */
    uint32_t last_order;          /* of the latest transmission; counts from 1 */
    uint32_t sacked_count, repeat_out_count;
    uint32_t sacked_bytes, lost_bytes, repeat_out_bytes;
    uint32_t newly_lost_bytes; /* since tcp_rate.c looked */
    uint32_t twice_bytes;      /* of the records that are in flight twice */
    uint32_t lost_count;       /* records taken as lost, sent again or not */
    uint32_t twice_count;
    uint32_t paid_order; /* transmissions up to this one have paid for what was taken back */
    /* The peer has reneged too often: no SACK is believed before SND.UNA is here. */
    seq32 doubted_until;
    bool doubted;
    bool repeat_stamped, set_back_told;
    uint32_t repeat_stamp; /* the newest TSval of what was sent again (tcp_repeat_stamp.c) */
    /* RFC 6675's: HighRxt, whether the rescue went, duplicate ACKs with news of SACK. */
    struct tcp_sent_edge edge;
    seq32 high_rxt;
    seq32 rescue_from; /* SND.UNA has to be beyond this before there is a rescue */
    bool rescued;
    uint32_t sack_duplicates;
    struct tcp_sent_record records[]; /* and behind them a place_set of those that wait */
};
#define TCP_SENT_MAX_RECORDS (1u << 20)
#define TCP_SENT_RENUMBER (1u << 30) /* when `first` has come so far, ids begin anew */

/* Room for one more record, growing at need; ids may change. False: no memory or the limit. `sent`
 * may be NULL; then so many are expected, 0 or what tcp_sent_needed said. */
bool tcp_sent_reserve(struct tcp_sent **sent, struct memory *memory, uint32_t expected);
/* Of a flight that is over: room for how many records the next one may need. Grown anew for each
 * flight, from 16, the records of bulk data took 70 instructions a segment more. */
uint32_t tcp_sent_needed(const struct tcp_sent *sent);
void tcp_sent_free(struct tcp_sent **sent, struct memory *memory);
/* The record with this id: first <= id < first + count. */
static inline struct tcp_sent_record *tcp_sent_at(struct tcp_sent *sent, uint32_t id)
{
    return &sent->records[id & (sent->capacity - 1)];
}
static inline seq32 tcp_sent_end(const struct tcp_sent_record *record)
{
    return seq_add(record->seq, record->length);
}
/* Appends what is sent for the first time. Room was reserved. */
void tcp_sent_add(struct tcp_sent *sent, seq32 seq, uint32_t length, hf_time now);
/* The record leaves again, now. */
void tcp_sent_repeat(struct tcp_sent *sent, uint32_t id, hf_time now);
void tcp_sent_mark_sacked(struct tcp_sent *sent, uint32_t id);
void tcp_sent_mark_lost(struct tcp_sent *sent, uint32_t id);
/* One that was sent again though it was not lost. */
void tcp_sent_mark_twice(struct tcp_sent *sent, uint32_t id);
/* The same, if it is lost now: the repetition is out already. */
void tcp_sent_mark_lost_repeated(struct tcp_sent *sent, uint32_t id);
/* May so many records be looked at once more, for marks that are taken back? A few may always be;
 * for more, TCP_SENT_LOOKS for each transmission since those that have paid already, of as many as
 * there are records. False: there were not enough, and nothing is paid. */
#define TCP_SENT_LOOKS 2u
#define TCP_SENT_FREE_LOOKS 64u
bool tcp_sent_pay(struct tcp_sent *sent, uint32_t looks);
/* Everything SACKed is in doubt again (RFC 2018 8); and if that was too often, what the peer SACKs
 * is, until all up to `next` is acknowledged. */
void tcp_sent_forget_sacks(struct tcp_sent *sent, seq32 next);
/* The losses were none: whatever was taken as lost is in flight, as it was last sent. */
void tcp_sent_unmark_lost(struct tcp_sent *sent);
/* Takes off what lies wholly before `ack`; a record that straddles it is cut. */
void tcp_sent_drop_first(struct tcp_sent *sent);
/* How many records from the oldest on, there is one, are before `ack` and differ in nothing but
 * their places: in plain flight, of the same instant, and next to each other in the order of
 * transmission, too. They can be taken off at once. */
uint32_t tcp_sent_run(struct tcp_sent *sent, seq32 ack);
void tcp_sent_drop_run(struct tcp_sent *sent, uint32_t count);
void tcp_sent_cut_first(struct tcp_sent *sent, seq32 ack);
/* The first record that begins at or after `seq`: an id up to first + count. */
uint32_t tcp_sent_find(struct tcp_sent *sent, seq32 seq);
/* The first record that is not SACKed, from `id` on: up to first + count. */
uint32_t tcp_sent_skip_sacked(struct tcp_sent *sent, uint32_t id);
/* The first lost record that waits to be sent again, or TCP_SENT_NONE. */
uint32_t tcp_sent_next_lost(struct tcp_sent *sent);
/* Cuts every record to at most `most` bytes, for a smaller path MTU. Those that were larger are
 * lost from now on if `lost` says so, and `join` that neighbours of them may be cut as one, so that
 * no small rest stands between them; else all stay as they are. False: no memory; nothing changed.
 */
bool tcp_sent_recut(struct tcp_sent **sent, struct memory *memory, uint32_t most, bool lost,
                    bool join);
/* Bytes that are neither SACKed nor lost, repetitions included (RFC 6675's pipe). */
static inline uint32_t tcp_sent_pipe(const struct tcp_sent *sent, uint32_t flight)
{
    return flight - sent->sacked_bytes - sent->lost_bytes + sent->repeat_out_bytes +
           sent->twice_bytes;
}

#endif
