/* SPDX-License-Identifier: MIT
 *
 * What becomes of what was sent, for those who asked: MSG_ZEROCOPY's completions and
 * SO_TIMESTAMPING's stamps. A send that is to be told of leaves a piece of work here and a mark in
 * the core at its last byte (hf_mark); the core's notes lead back to it.
 *
 * Zero copy: memory of the program is used until a completion says that it is free again. The core
 * takes references to it (hf_send_ref), or copies, where so many are not to be had, where the SYN
 * carries the data, or where config.zero_copy_bytes is 0; then the completion says so
 * (SO_EE_CODE_ZEROCOPY_COPIED), as Linux does where a device cannot send from there. Either way it
 * comes with the acknowledgement, for a program may take it as one. Sends are numbered from 0. A
 * send that joins bytes of the one before it which have not left yet shares its completion, up to
 * 512 KiB; completions of numbers that follow each other become one entry of the error queue.
 *
 * A socket that is closed cannot tell of anything any more, and its program will not keep its
 * memory for it: the core takes copies of what is left (hf_send_own).
 *
 * Memory: what is in use is counted in pages, as Linux does, and bounded. Each zero copy sets aside
 * what its entry will need, and there is a limit to how much (Linux's net.core.optmem_max), so a
 * completion is never lost. Stamps have no such claim.
 *
 * A segment of Linux holds 17 fragments; a zero copy of more pieces is cut there, with PSH, and so
 * is one here, pieces taken as they were given.
 */
#include "completions.h"

#include "stamping.h"

#include <handfast/zero_copy.h>

#include <errno.h>
#include <linux/net_tstamp.h>
#include <stdlib.h>

#ifndef MSG_ZEROCOPY
#define MSG_ZEROCOPY 0x4000000
#endif
#ifndef SO_EE_CODE_ZEROCOPY_COPIED
#define SO_EE_CODE_ZEROCOPY_COPIED 1
#endif

#define PIN_PAGE_BYTES 4096u
#define OPTION_MEMORY_BYTES 131072u
#define SHARED_BYTES (1u << 19)
#define SHARED_SENDS (UINT16_MAX - 1u)
#define MOST_FRAGMENTS 17u
#define SHARED_SEGMENTS 16u

struct sent_work {
    struct sent_work *next;
    uint32_t mark;
    uint32_t stamps; /* SOF_TIMESTAMPING_TX_... */
    uint32_t key;    /* of its last byte */
    bool grouped;    /* a segment ends there */
    /* NULL: no zero copy. Else its entry, ready to be queued: ee_info to ee_data. */
    struct queued_error *entry;
    uint64_t bytes;
    size_t pages;  /* of the program's memory in use, as Linux counts them */
    bool referred; /* the core has references to it */
    uint32_t end;  /* the sequence number after its last byte */
};

/* ---- sending */

/* For zero copies, told of or not. */
static size_t set_aside(const struct error_queue *queue)
{
    size_t bytes = 0;
    for (const struct queued_error *entry = queue->first; entry != NULL; entry = entry->next) {
        bytes += entry->error.ee_origin == SO_EE_ORIGIN_ZEROCOPY ? queued_error_charge(entry) : 0;
    }
    for (const struct sent_work *work = queue->work_first; work != NULL; work = work->next) {
        bytes += work->entry != NULL ? queued_error_charge(work->entry) : 0;
    }
    return bytes;
}

static struct sent_work *work_new(bool zero_copy)
{
    struct sent_work *work = calloc(1, sizeof *work);
    if (work == NULL || !zero_copy) {
        return work;
    }
    work->entry = queued_error_new(NULL, 0);
    if (work->entry == NULL) {
        free(work);
        return NULL;
    }
    return work;
}

static void work_free(struct hf_sockets *set, struct sent_work *work)
{
    if (work != NULL) {
        set->zero_copy_pages -= work->pages;
        free(work->entry);
        free(work);
    }
}

/* Linux's mm_account_pinned_pages: the page that it begins in, and the one that it ends in, more.
 */
static bool pin(struct hf_sockets *set, struct sent_work *work, size_t length)
{
    size_t pages = length / PIN_PAGE_BYTES + 2;
    size_t most = set->config.zero_copy_bytes / PIN_PAGE_BYTES;
    if (set->config.zero_copy_bytes == 0) {
        return true; /* nothing will be */
    }
    if (pages > most || set->zero_copy_pages > most - pages) {
        return false;
    }
    set->zero_copy_pages += pages;
    work->pages = pages;
    return true;
}

int completion_begin(struct socket *socket, size_t length, int flags, uint32_t stamps,
                     struct completion *completion)
{
    struct error_queue *queue;
    *completion = (struct completion){
        .zero_copy = (flags & MSG_ZEROCOPY) != 0 && socket->options.zero_copy && length > 0,
        .grouped = (flags & MSG_EOR) != 0,
        .stamps = stamps,
    };
    if (!completion->zero_copy && stamps == 0) {
        return 0;
    }
    queue = error_queue_of(socket);
    if (queue != NULL && (!completion->zero_copy || set_aside(queue) < OPTION_MEMORY_BYTES)) {
        completion->work = work_new(completion->zero_copy);
    }
    if (completion->work != NULL && completion->zero_copy &&
        !pin(socket->file.set, completion->work, length)) {
        work_free(socket->file.set, completion->work);
        completion->work = NULL;
    }
    return completion->work == NULL && completion->zero_copy ? -ENOBUFS : 0;
}

static void mark_boundary(struct socket *socket)
{
    struct hf_sockets *set = socket->file.set;
    (void)hf_mark(set->config.stack, socket->handle, 0, HF_MARK_BOUNDARY, sockets_now(set));
}

void completion_piece(struct socket *socket, struct completion *completion, bool more)
{
    if (completion->zero_copy && ++completion->pieces == MOST_FRAGMENTS && more) {
        completion->pieces = 0;
        mark_boundary(socket);
    }
}

ptrdiff_t completion_send(struct socket *socket, struct completion *completion, const void *data,
                          size_t length, unsigned flags)
{
    struct hf_sockets *set = socket->file.set;
    struct sent_work *work = completion->work;
    ptrdiff_t sent;
    if (completion->zero_copy && work->pages > 0) {
        sent = hf_send_ref(set->config.stack, socket->handle, data, length, NULL, flags,
                           sockets_now(set));
        if (sent != HF_ENOBUFS && sent != HF_ENOMEM) {
            work->referred |= sent > 0;
            return sent;
        }
    }
    sent = hf_send(set->config.stack, socket->handle, data, length, flags, sockets_now(set));
    if (completion->zero_copy && sent > 0) {
        work->entry->error.ee_code = SO_EE_CODE_ZEROCOPY_COPIED;
    }
    return sent;
}

/* The last send's completion is this one's too, if its last byte has not left. */
static void share(struct socket *socket, struct sent_work *last, struct sent_work *work,
                  uint32_t start)
{
    struct error_queue *queue = socket->error_queue;
    struct hf_status status;
    struct queued_error *entry = last != NULL ? last->entry : NULL;
    if (entry == NULL || last->end != start || last->bytes + work->bytes > SHARED_BYTES ||
        entry->error.ee_data - entry->error.ee_info + 1 >= SHARED_SENDS ||
        entry->error.ee_data + 1 != queue->next_zero_copy ||
        hf_status(socket->file.set->config.stack, socket->handle, &status) != HF_OK ||
        status.send_unsent_bytes <= work->end - start) {
        return;
    }
    work->entry->error.ee_info = entry->error.ee_info;
    work->entry->error.ee_code |= entry->error.ee_code;
    work->bytes += last->bytes;
    free(entry);
    last->entry = NULL;
}

static void number_zero_copy(struct socket *socket, struct sent_work *work, uint32_t start)
{
    struct error_queue *queue = socket->error_queue;
    struct sock_extended_err *error = &work->entry->error;
    error->ee_origin = SO_EE_ORIGIN_ZEROCOPY;
    error->ee_info = queue->next_zero_copy;
    share(socket, queue->work_last, work, start);
    error->ee_data = queue->next_zero_copy++;
}

/* Linux keeps stamps with packets, one for each, so a send that is joined by the next before it has
 * left loses its own. It fills packets to half of the peer's largest window; sixteen segments stand
 * for that here. */
static void take_stamps_over(struct socket *socket, struct sent_work *last,
                             const struct sent_work *work, size_t bytes)
{
    struct hf_status status;
    if (last == NULL || last->grouped || last->stamps == 0 || work->stamps == 0 ||
        last->end + (uint32_t)bytes != work->end ||
        hf_status(socket->file.set->config.stack, socket->handle, &status) != HF_OK) {
        return;
    }
    if (status.send_unsent_bytes > bytes &&
        status.send_unsent_bytes <= SHARED_SEGMENTS * status.mss_bytes) {
        last->stamps = 0;
    }
}

static void complete_zero_copy(struct socket *socket, struct sent_work *work);

/* The core gives up what it has of the program's memory. */
static void take_copies(struct socket *socket)
{
    struct hf_sockets *set = socket->file.set;
    if (hf_send_own(set->config.stack, socket->handle) == HF_ENOMEM) {
        (void)hf_abort(set->config.stack, socket->handle, sockets_now(set));
    }
}

/* Nothing will tell when it is acknowledged. */
static void complete_at_once(struct socket *socket, struct sent_work *work)
{
    if (work->referred) {
        take_copies(socket);
    }
    complete_zero_copy(socket, work);
    work_free(socket->file.set, work);
}

void completion_end(struct socket *socket, struct completion *completion, size_t by_syn,
                    size_t after)
{
    struct hf_sockets *set = socket->file.set;
    struct sent_work *work = completion->work;
    size_t sent = by_syn + after;
    unsigned kinds = HF_MARK_ACKED;
    if (completion->grouped && after > 0) {
        mark_boundary(socket);
    }
    if (work == NULL || sent == 0) {
        work_free(set, work);
        return;
    }
    if (work->entry != NULL && by_syn > 0) {
        work->entry->error.ee_code = SO_EE_CODE_ZEROCOPY_COPIED;
    }
    work->end = stamping_write_number(socket);
    work->bytes = sent;
    work->grouped = completion->grouped;
    if (work->entry != NULL) {
        number_zero_copy(socket, work, work->end - (uint32_t)sent);
    }
    if (after > 0) {
        work->stamps = completion->stamps;
        work->key = work->end - 1 - socket->options.stamping_base;
        take_stamps_over(socket, socket->error_queue->work_last, work, after);
        kinds |= work->stamps & (SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_SOFTWARE)
                     ? HF_MARK_SENT
                     : 0u;
    }
    work->mark = socket->error_queue->next_mark++;
    if (hf_mark(set->config.stack, socket->handle, work->mark, kinds, sockets_now(set)) != HF_OK) {
        complete_at_once(socket, work);
        return;
    }
    if (socket->error_queue->work_last != NULL) {
        socket->error_queue->work_last->next = work;
    } else {
        socket->error_queue->work_first = work;
    }
    socket->error_queue->work_last = work;
}

/* ---- what is told */

/* Linux's msg_zerocopy_complete: one that follows the last one's numbers makes that longer. */
static void complete_zero_copy(struct socket *socket, struct sent_work *work)
{
    struct error_queue *queue = socket->error_queue;
    struct queued_error *entry = work->entry;
    struct queued_error *tail = queue->last;
    if (entry == NULL) {
        return;
    }
    work->entry = NULL;
    if (tail != NULL && tail->error.ee_origin == SO_EE_ORIGIN_ZEROCOPY &&
        tail->error.ee_code == entry->error.ee_code &&
        tail->error.ee_data + 1 == entry->error.ee_info) {
        tail->error.ee_data = entry->error.ee_data;
        free(entry);
        file_wake(&socket->file, POLLERR);
        return;
    }
    queue->charged_bytes += queued_error_charge(entry);
    error_queue_put(socket, entry, false);
}

static void tell_stamp(struct socket *socket, const struct sent_work *work, uint32_t kind,
                       hf_time time)
{
    struct queued_error *entry = queued_error_new(NULL, 0);
    if (entry == NULL) {
        return;
    }
    entry->stamp_ns = time + socket->file.set->config.real_time_offset_ns;
    entry->error.ee_errno = ENOMSG;
    entry->error.ee_origin = SO_EE_ORIGIN_TIMESTAMPING;
    entry->error.ee_info = kind;
    if (socket->options.stamping & SOF_TIMESTAMPING_OPT_ID) {
        entry->error.ee_data = work->key;
    }
    if (!(socket->options.stamping & SOF_TIMESTAMPING_OPT_TSONLY)) {
        entry->payload_bytes = 1; /* there was a packet, of which nothing is kept */
    }
    error_queue_put(socket, entry, true);
}

static void take_sent(struct socket *socket, const struct hf_note *note)
{
    const struct sent_work *work = socket->error_queue->work_first;
    while (work != NULL && work->mark != note->mark) {
        work = work->next;
    }
    if (work != NULL && (work->stamps & SOF_TIMESTAMPING_TX_SCHED)) {
        tell_stamp(socket, work, SCM_TSTAMP_SCHED, note->time_ns);
    }
    if (work != NULL && (work->stamps & SOF_TIMESTAMPING_TX_SOFTWARE)) {
        tell_stamp(socket, work, SCM_TSTAMP_SND, note->time_ns);
    }
}

static struct sent_work *pop(struct error_queue *queue)
{
    struct sent_work *work = queue->work_first;
    queue->work_first = work->next;
    if (queue->work_first == NULL) {
        queue->work_last = NULL;
    }
    return work;
}

/* Acknowledged in order, so it is the first. */
static void take_acked(struct socket *socket, const struct hf_note *note)
{
    struct error_queue *queue = socket->error_queue;
    struct sent_work *work;
    if (queue->work_first == NULL || queue->work_first->mark != note->mark) {
        return;
    }
    work = pop(queue);
    if (work->stamps & SOF_TIMESTAMPING_TX_ACK) {
        tell_stamp(socket, work, SCM_TSTAMP_ACK, note->time_ns);
    }
    complete_zero_copy(socket, work);
    work_free(socket->file.set, work);
}

void completions_take_notes(struct socket *socket)
{
    struct hf_note note;
    while (hf_next_note(socket->file.set->config.stack, socket->handle, &note)) {
        switch (note.kind) {
        case HF_NOTE_SENT:
            if (socket->error_queue != NULL) {
                take_sent(socket, &note);
            }
            break;
        case HF_NOTE_ACKED:
            if (socket->error_queue != NULL) {
                take_acked(socket, &note);
            }
            break;
        case HF_NOTE_ICMP:
            error_queue_icmp(socket, &note);
            break;
        }
    }
}

void completions_abandon(struct socket *socket)
{
    struct error_queue *queue = socket->error_queue;
    while (queue != NULL && queue->work_first != NULL) {
        struct sent_work *work = pop(queue);
        complete_zero_copy(socket, work);
        work_free(socket->file.set, work);
    }
}

void completions_let_go(struct socket *socket)
{
    const struct error_queue *queue = socket->error_queue;
    const struct sent_work *work = queue != NULL ? queue->work_first : NULL;
    while (work != NULL && !work->referred) {
        work = work->next;
    }
    if (work != NULL) {
        take_copies(socket);
    }
}

void completions_free(struct socket *socket)
{
    struct error_queue *queue = socket->error_queue;
    while (queue != NULL && queue->work_first != NULL) {
        work_free(socket->file.set, pop(queue));
    }
}
