/* SPDX-License-Identifier: MIT */
#include "tcp_sent.h"

#include "hf_assert.h"
#include "place_set.h"

#include <string.h>

#define FIRST_CAPACITY 16u

/* A whole number of the steps in which memory is kept at hand; that of a short flight is known. */
static size_t set_size(uint32_t capacity)
{
    return capacity <= 32 ? MEMORY_STEP_BYTES
                          : (place_set_words(capacity) + 1) / 2 * (size_t)MEMORY_STEP_BYTES;
}
_Static_assert(MEMORY_STEP_BYTES == 2 * sizeof(uint32_t), "two words are a step");

static size_t sent_size(uint32_t capacity)
{
    return sizeof(struct tcp_sent) + capacity * sizeof(struct tcp_sent_record) + set_size(capacity);
}

/* The places of those that are lost and wait to be sent again. */
static uint32_t *waiting_places(struct tcp_sent *sent)
{
    return (uint32_t *)(void *)&sent->records[sent->capacity];
}

static void place_waits(struct tcp_sent *sent, uint32_t id)
{
    place_set_add(waiting_places(sent), sent->capacity, id & (sent->capacity - 1));
}

static void place_waits_no_more(struct tcp_sent *sent, uint32_t id)
{
    place_set_remove(waiting_places(sent), sent->capacity, id & (sent->capacity - 1));
}

static struct tcp_sent *allocate(struct memory *memory, uint32_t capacity)
{
    struct tcp_sent *sent = memory_allocate(memory, sent_size(capacity));
    if (sent != NULL) {
        memset(sent, 0, sizeof *sent);
        sent->capacity = capacity;
        memset(waiting_places(sent), 0, set_size(capacity));
        sent->flying = (struct tcp_sent_list){TCP_SENT_NONE, TCP_SENT_NONE};
        sent->waiting = sent->flying;
    }
    return sent;
}

void tcp_sent_free(struct tcp_sent **sent, struct memory *memory)
{
    if (*sent != NULL) {
        memory_release(memory, *sent, sent_size((*sent)->capacity));
        *sent = NULL;
    }
}

static uint32_t renumbered(uint32_t id)
{
    return id == TCP_SENT_NONE ? id : id - TCP_SENT_RENUMBER;
}

/* Ids never reach TCP_SENT_NONE, however long the connection is never idle. Their places, modulo a
 * capacity that divides the step, stay. */
static void renumber(struct tcp_sent *sent)
{
    for (uint32_t id = sent->first; id != sent->first + sent->count; id++) {
        struct tcp_sent_record *record = tcp_sent_at(sent, id);
        record->later = renumbered(record->later);
        record->earlier = record->flags & TCP_SENT_SACKED ? 0 : renumbered(record->earlier);
    }
    sent->first -= TCP_SENT_RENUMBER;
    sent->flying.oldest = renumbered(sent->flying.oldest);
    sent->flying.newest = renumbered(sent->flying.newest);
    sent->waiting.oldest = renumbered(sent->waiting.oldest);
    sent->waiting.newest = renumbered(sent->waiting.newest);
}

uint32_t tcp_sent_needed(const struct tcp_sent *sent)
{
    uint32_t capacity = sent->capacity;
    while (capacity / 2 >= FIRST_CAPACITY && capacity / 2 >= sent->last_order) {
        capacity /= 2;
    }
    return capacity;
}

bool tcp_sent_reserve(struct tcp_sent **sent, struct memory *memory, uint32_t expected)
{
    struct tcp_sent *old = *sent;
    struct tcp_sent *grown = NULL;
    uint32_t capacity;
    if (old != NULL && old->first >= TCP_SENT_RENUMBER) {
        renumber(old);
    }
    if (old != NULL && old->count < old->capacity) {
        return true;
    }
    if (old == NULL && expected > FIRST_CAPACITY) {
        grown = allocate(memory, expected);
    }
    if (grown == NULL) {
        capacity = old != NULL ? old->capacity * 2 : FIRST_CAPACITY;
        grown = capacity <= TCP_SENT_MAX_RECORDS ? allocate(memory, capacity) : NULL;
    }
    if (grown == NULL) {
        return false;
    }
    if (old != NULL) {
        capacity = grown->capacity;
        memcpy(grown, old, sizeof *grown);
        grown->capacity = capacity;
        for (uint32_t id = old->first; id != old->first + old->count; id++) {
            *tcp_sent_at(grown, id) = *tcp_sent_at(old, id);
        }
        for (uint32_t id = grown->waiting.oldest; id != TCP_SENT_NONE;
             id = tcp_sent_at(grown, id)->later) {
            place_waits(grown, id);
        }
        tcp_sent_free(sent, memory);
    }
    *sent = grown;
    return true;
}

/* ---- the lists */

static bool waits(const struct tcp_sent_record *record)
{
    return (record->flags & (TCP_SENT_LOST | TCP_SENT_REPEAT_OUT)) == TCP_SENT_LOST;
}

/* The list that a record with such flags is in; SACKed ones are in none. */
static struct tcp_sent_list *list_of(struct tcp_sent *sent, const struct tcp_sent_record *record)
{
    if (record->flags & TCP_SENT_SACKED) {
        return NULL;
    }
    return waits(record) ? &sent->waiting : &sent->flying;
}

static void list_append(struct tcp_sent *sent, struct tcp_sent_list *list, uint32_t id)
{
    struct tcp_sent_record *record = tcp_sent_at(sent, id);
    record->earlier = list->newest;
    record->later = TCP_SENT_NONE;
    if (list->newest == TCP_SENT_NONE) {
        list->oldest = id;
    } else {
        tcp_sent_at(sent, list->newest)->later = id;
    }
    list->newest = id;
}

/* Before its flags change. */
static void list_remove(struct tcp_sent *sent, uint32_t id)
{
    struct tcp_sent_record *record = tcp_sent_at(sent, id);
    struct tcp_sent_list *list = list_of(sent, record);
    if (list == NULL) {
        return;
    }
    if (list == &sent->waiting) {
        place_waits_no_more(sent, id);
    }
    if (record->earlier == TCP_SENT_NONE) {
        list->oldest = record->later;
    } else {
        tcp_sent_at(sent, record->earlier)->later = record->later;
    }
    if (record->later == TCP_SENT_NONE) {
        list->newest = record->earlier;
    } else {
        tcp_sent_at(sent, record->later)->earlier = record->earlier;
    }
}

/* The two lists merged into one, by the order of transmission; only `later` is kept up. */
static uint32_t merge(struct tcp_sent *sent, uint32_t left, uint32_t right)
{
    uint32_t head = TCP_SENT_NONE;
    uint32_t tail = TCP_SENT_NONE;
    while (left != TCP_SENT_NONE && right != TCP_SENT_NONE) {
        int32_t ahead = (int32_t)(tcp_sent_at(sent, right)->order - tcp_sent_at(sent, left)->order);
        uint32_t *first = ahead >= 0 ? &left : &right;
        if (tail == TCP_SENT_NONE) {
            head = *first;
        } else {
            tcp_sent_at(sent, tail)->later = *first;
        }
        tail = *first;
        *first = tcp_sent_at(sent, tail)->later;
    }
    left = left != TCP_SENT_NONE ? left : right;
    if (tail == TCP_SENT_NONE) {
        return left;
    }
    tcp_sent_at(sent, tail)->later = left;
    return head;
}

#define SORT_RUNS 32

/* Records have come into the list out of their order: a bottom-up merge sort puts them right.
 * runs[i] is a sorted list of 2^i records, or empty; the lower, the later they were listed. */
static void list_sort(struct tcp_sent *sent, struct tcp_sent_list *list)
{
    uint32_t runs[SORT_RUNS];
    uint32_t sorted = TCP_SENT_NONE;
    uint32_t earlier = TCP_SENT_NONE;
    for (unsigned i = 0; i < SORT_RUNS; i++) {
        runs[i] = TCP_SENT_NONE;
    }
    for (uint32_t id = list->oldest; id != TCP_SENT_NONE;) {
        uint32_t next = tcp_sent_at(sent, id)->later;
        uint32_t run = id;
        unsigned i = 0;
        tcp_sent_at(sent, id)->later = TCP_SENT_NONE;
        for (; runs[i] != TCP_SENT_NONE; i++) {
            run = merge(sent, runs[i], run);
            runs[i] = TCP_SENT_NONE;
        }
        runs[i] = run;
        id = next;
    }
    for (unsigned i = 0; i < SORT_RUNS; i++) {
        sorted = merge(sent, runs[i], sorted);
    }
    list->oldest = sorted;
    for (uint32_t id = sorted; id != TCP_SENT_NONE; id = tcp_sent_at(sent, id)->later) {
        tcp_sent_at(sent, id)->earlier = earlier;
        earlier = id;
    }
    list->newest = earlier;
}

/* Those that wait go back among those in flight, by the order of transmission. What is lost was the
 * oldest in flight, so their places are near the old end; the rest is not looked at. */
static void list_rejoin(struct tcp_sent *sent)
{
    uint32_t next = sent->flying.oldest;
    uint32_t id;
    list_sort(sent, &sent->waiting);
    id = sent->waiting.oldest;
    while (id != TCP_SENT_NONE) {
        struct tcp_sent_record *record = tcp_sent_at(sent, id);
        uint32_t after = record->later;
        place_waits_no_more(sent, id);
        while (next != TCP_SENT_NONE &&
               (int32_t)(record->order - tcp_sent_at(sent, next)->order) > 0) {
            next = tcp_sent_at(sent, next)->later;
        }
        if (next == TCP_SENT_NONE) {
            list_append(sent, &sent->flying, id);
        } else {
            struct tcp_sent_record *later = tcp_sent_at(sent, next);
            record->later = next;
            record->earlier = later->earlier;
            if (later->earlier == TCP_SENT_NONE) {
                sent->flying.oldest = id;
            } else {
                tcp_sent_at(sent, later->earlier)->later = id;
            }
            later->earlier = id;
        }
        id = after;
    }
    sent->waiting = (struct tcp_sent_list){TCP_SENT_NONE, TCP_SENT_NONE};
}

/* ---- marks */

void tcp_sent_add(struct tcp_sent *sent, seq32 seq, uint32_t length, hf_time now)
{
    uint32_t id = sent->first + sent->count;
    struct tcp_sent_record *record = tcp_sent_at(sent, id);
    HF_ASSERT(sent->count < sent->capacity);
    sent->count++;
    *record = (struct tcp_sent_record){
        .seq = seq, .length = length, .sent = now, .order = ++sent->last_order};
    list_append(sent, &sent->flying, id);
}

void tcp_sent_repeat(struct tcp_sent *sent, uint32_t id, hf_time now)
{
    struct tcp_sent_record *record = tcp_sent_at(sent, id);
    HF_ASSERT(!(record->flags & TCP_SENT_SACKED));
    list_remove(sent, id);
    if (waits(record)) {
        record->flags |= TCP_SENT_REPEAT_OUT;
        sent->repeat_out_bytes += record->length;
        sent->repeat_out_count++;
    }
    record->flags |= TCP_SENT_REPEATED;
    record->sent = now;
    record->order = ++sent->last_order;
    list_append(sent, &sent->flying, id);
}

/* ---- what lies SACKed above the edge */

static bool above_edge(const struct tcp_sent *sent, const struct tcp_sent_record *record)
{
    return (record->flags & TCP_SENT_SACKED) && seq_ge(record->seq, sent->edge.seq);
}

static bool next_is_sacked(struct tcp_sent *sent, uint32_t id)
{
    return id + 1 != sent->first + sent->count &&
           (tcp_sent_at(sent, id + 1)->flags & TCP_SENT_SACKED) != 0;
}

/* It is SACKed now. */
static void edge_gain(struct tcp_sent *sent, uint32_t id)
{
    const struct tcp_sent_record *record = tcp_sent_at(sent, id);
    if (!sent->edge.on || !above_edge(sent, record)) {
        return;
    }
    sent->edge.sacked_bytes += record->length;
    sent->edge.sacked_runs += 1u - next_is_sacked(sent, id) -
                              (id != sent->first && above_edge(sent, tcp_sent_at(sent, id - 1)));
}

/* `bytes` of it are acknowledged; all of it, if it goes. */
static void edge_loss(struct tcp_sent *sent, uint32_t id, uint32_t bytes)
{
    const struct tcp_sent_record *record = tcp_sent_at(sent, id);
    if (!sent->edge.on || !above_edge(sent, record)) {
        return;
    }
    sent->edge.sacked_bytes -= bytes;
    sent->edge.sacked_runs -= bytes == record->length && !next_is_sacked(sent, id);
}

/* ---- marks, again */

/* Neither lost nor repeated: what is left are the marks of a record in plain flight. */
static void clear_lost(struct tcp_sent *sent, struct tcp_sent_record *record)
{
    if (record->flags & TCP_SENT_REPEAT_OUT) {
        sent->repeat_out_bytes -= record->length;
        sent->repeat_out_count--;
    }
    if (record->flags & TCP_SENT_LOST) {
        sent->lost_bytes -= record->length;
        sent->lost_count--;
    }
    if (record->flags & TCP_SENT_TWICE) {
        sent->twice_bytes -= record->length;
        sent->twice_count--;
    }
    record->flags &= (uint8_t) ~(TCP_SENT_LOST | TCP_SENT_REPEAT_OUT | TCP_SENT_TWICE);
}

void tcp_sent_mark_sacked(struct tcp_sent *sent, uint32_t id)
{
    struct tcp_sent_record *record = tcp_sent_at(sent, id);
    list_remove(sent, id);
    clear_lost(sent, record);
    record->flags |= TCP_SENT_SACKED;
    record->later = id + 1;
    sent->sacked_bytes += record->length;
    sent->sacked_count++;
    edge_gain(sent, id);
}

void tcp_sent_mark_lost(struct tcp_sent *sent, uint32_t id)
{
    struct tcp_sent_record *record = tcp_sent_at(sent, id);
    HF_ASSERT(!(record->flags & TCP_SENT_SACKED));
    if (waits(record)) {
        return;
    }
    list_remove(sent, id);
    sent->newly_lost_bytes += record->length;
    clear_lost(sent, record);
    sent->lost_bytes += record->length;
    sent->lost_count++;
    record->flags |= TCP_SENT_LOST;
    list_append(sent, &sent->waiting, id);
    place_waits(sent, id);
}

void tcp_sent_mark_twice(struct tcp_sent *sent, uint32_t id)
{
    struct tcp_sent_record *record = tcp_sent_at(sent, id);
    if (!(record->flags & (TCP_SENT_LOST | TCP_SENT_SACKED | TCP_SENT_TWICE))) {
        record->flags |= TCP_SENT_TWICE;
        sent->twice_bytes += record->length;
        sent->twice_count++;
    }
}

void tcp_sent_mark_lost_repeated(struct tcp_sent *sent, uint32_t id)
{
    struct tcp_sent_record *record = tcp_sent_at(sent, id);
    HF_ASSERT(!(record->flags & (TCP_SENT_LOST | TCP_SENT_SACKED)));
    clear_lost(sent, record);
    record->flags |= TCP_SENT_LOST | TCP_SENT_REPEAT_OUT;
    sent->newly_lost_bytes += record->length;
    sent->lost_bytes += record->length;
    sent->repeat_out_bytes += record->length;
    sent->lost_count++;
    sent->repeat_out_count++;
}

void tcp_sent_forget_sacks(struct tcp_sent *sent, seq32 next)
{
    /* To be forgotten, and to be SACKed once more. */
    if (!tcp_sent_pay(sent, 2 * sent->count)) {
        sent->paid_order = sent->last_order;
        sent->doubted = true;
        sent->doubted_until = next;
    }
    sent->edge.on = false;
    for (uint32_t id = sent->first; id != sent->first + sent->count; id++) {
        struct tcp_sent_record *record = tcp_sent_at(sent, id);
        if (record->flags & TCP_SENT_SACKED) {
            record->flags &= (uint8_t)~TCP_SENT_SACKED;
            list_append(sent, &sent->flying, id);
        }
    }
    sent->sacked_bytes = 0;
    sent->sacked_count = 0;
    list_sort(sent, &sent->flying);
}

void tcp_sent_unmark_lost(struct tcp_sent *sent)
{
    sent->edge.on = false;
    for (uint32_t id = sent->waiting.oldest; id != TCP_SENT_NONE;) {
        struct tcp_sent_record *record = tcp_sent_at(sent, id);
        clear_lost(sent, record);
        id = record->later;
    }
    list_rejoin(sent);
    /* The repetitions are among the last that left. */
    for (uint32_t id = sent->flying.newest; sent->lost_bytes > 0;) {
        struct tcp_sent_record *record = tcp_sent_at(sent, id);
        clear_lost(sent, record);
        id = record->earlier;
    }
}

void tcp_sent_drop_first(struct tcp_sent *sent)
{
    struct tcp_sent_record *record = tcp_sent_at(sent, sent->first);
    list_remove(sent, sent->first);
    edge_loss(sent, sent->first, record->length);
    if (record->flags & TCP_SENT_SACKED) {
        sent->sacked_bytes -= record->length;
        sent->sacked_count--;
    }
    clear_lost(sent, record);
    sent->first++;
    sent->count--;
}

void tcp_sent_drop_run(struct tcp_sent *sent, uint32_t count)
{
    const struct tcp_sent_record *first = tcp_sent_at(sent, sent->first);
    const struct tcp_sent_record *last = tcp_sent_at(sent, sent->first + count - 1);
    if (first->earlier == TCP_SENT_NONE) {
        sent->flying.oldest = last->later;
    } else {
        tcp_sent_at(sent, first->earlier)->later = last->later;
    }
    if (last->later == TCP_SENT_NONE) {
        sent->flying.newest = first->earlier;
    } else {
        tcp_sent_at(sent, last->later)->earlier = first->earlier;
    }
    sent->first += count;
    sent->count -= count;
}

void tcp_sent_cut_first(struct tcp_sent *sent, seq32 ack)
{
    struct tcp_sent_record *record = tcp_sent_at(sent, sent->first);
    uint32_t cut = (uint32_t)seq_diff(ack, record->seq);
    edge_loss(sent, sent->first, cut);
    sent->twice_bytes -= record->flags & TCP_SENT_TWICE ? cut : 0;
    sent->sacked_bytes -= record->flags & TCP_SENT_SACKED ? cut : 0;
    sent->lost_bytes -= record->flags & TCP_SENT_LOST ? cut : 0;
    sent->repeat_out_bytes -= record->flags & TCP_SENT_REPEAT_OUT ? cut : 0;
    record->seq = ack;
    record->length -= cut;
}

/* A peer can have one lost again at the one end while many wait at the other: so neither end is
 * walked from. */
uint32_t tcp_sent_next_lost(struct tcp_sent *sent)
{
    uint32_t first = sent->first & (sent->capacity - 1);
    uint32_t place;
    if (sent->waiting.oldest == TCP_SENT_NONE) {
        return TCP_SENT_NONE; /* whatever is lost is on its way again */
    }
    place = place_set_next(waiting_places(sent), sent->capacity, first);
    if (place == PLACE_NONE) {
        place = place_set_next(waiting_places(sent), sent->capacity, 0);
    }
    HF_ASSERT(place != PLACE_NONE);
    return sent->first + ((place - first) & (sent->capacity - 1));
}

/* A piece of `record`, which is in the same state; or `lost`, and not sent again yet. */
static void add_piece(struct tcp_sent *cut, const struct tcp_sent_record *record, uint32_t done,
                      uint32_t length, bool lost)
{
    uint32_t id = cut->first + cut->count;
    struct tcp_sent_record *piece;
    bool sacked = (record->flags & TCP_SENT_SACKED) != 0;
    tcp_sent_add(cut, seq_add(record->seq, done), length, record->sent);
    piece = tcp_sent_at(cut, id);
    piece->flags = record->flags & TCP_SENT_REPEATED;
    piece->rate = record->rate;
    piece->order = record->order;
    if (done + length == record->length) {
        piece->flags |= record->flags & TCP_SENT_PUSHED;
    }
    if (sacked) {
        tcp_sent_mark_sacked(cut, id);
    } else if (lost || (record->flags & TCP_SENT_LOST)) {
        tcp_sent_mark_lost(cut, id);
        if (!lost && (record->flags & TCP_SENT_REPEAT_OUT)) {
            list_remove(cut, id);
            piece->flags |= TCP_SENT_REPEAT_OUT;
            cut->repeat_out_bytes += length;
            cut->repeat_out_count++;
            list_append(cut, &cut->flying, id);
        }
    }
}

/* The record and those behind it that are too large as well, up to where what was given to send
 * ended; `*id` becomes the last of them. */
static struct tcp_sent_record too_large(struct tcp_sent *sent, uint32_t *id, uint32_t most)
{
    struct tcp_sent_record whole = *tcp_sent_at(sent, *id);
    while (!(whole.flags & TCP_SENT_PUSHED) && *id + 1 != sent->first + sent->count) {
        const struct tcp_sent_record *next = tcp_sent_at(sent, *id + 1);
        if (next->length <= most || (next->flags & TCP_SENT_SACKED)) {
            break;
        }
        whole.length += next->length;
        whole.flags |= next->flags & (TCP_SENT_PUSHED | TCP_SENT_REPEATED);
        ++*id;
    }
    return whole;
}

bool tcp_sent_recut(struct tcp_sent **sent, struct memory *memory, uint32_t most, bool lost,
                    bool join)
{
    struct tcp_sent *old = *sent;
    struct tcp_sent *cut;
    uint32_t needed = 1;
    uint32_t capacity = FIRST_CAPACITY;
    for (uint32_t id = old->first; id != old->first + old->count; id++) {
        needed += (tcp_sent_at(old, id)->length + most - 1) / most;
    }
    while (capacity < needed) {
        capacity *= 2;
    }
    cut = capacity <= TCP_SENT_MAX_RECORDS ? allocate(memory, capacity) : NULL;
    if (cut == NULL) {
        return false;
    }
    for (uint32_t id = old->first; id != old->first + old->count; id++) {
        struct tcp_sent_record record = *tcp_sent_at(old, id);
        bool now_lost = lost && record.length > most;
        if (join && now_lost && !(record.flags & TCP_SENT_SACKED)) {
            record = too_large(old, &id, most);
        }
        for (uint32_t done = 0; done < record.length;) {
            uint32_t left = record.length - done;
            uint32_t take = left < most ? left : most;
            add_piece(cut, &record, done, take, now_lost);
            done += take;
        }
    }
    list_sort(cut, &cut->flying);
    cut->last_order = old->last_order;
    /* Too big is not lost to congestion. */
    cut->newly_lost_bytes = old->newly_lost_bytes;
    cut->high_rxt = old->high_rxt;
    cut->rescue_from = old->rescue_from;
    cut->rescued = old->rescued;
    cut->sack_duplicates = old->sack_duplicates;
    cut->paid_order = old->paid_order;
    cut->doubted = old->doubted;
    cut->doubted_until = old->doubted_until;
    cut->repeat_stamp = old->repeat_stamp;
    cut->repeat_stamped = old->repeat_stamped;
    cut->set_back_told = old->set_back_told;
    tcp_sent_free(sent, memory);
    *sent = cut;
    return true;
}
