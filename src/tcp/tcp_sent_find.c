/* SPDX-License-Identifier: MIT
 *
 * Looking through the sent records, and what that may cost.
 */
#include "tcp_sent.h"

uint32_t tcp_sent_run(struct tcp_sent *sent, seq32 ack)
{
    hf_time left = tcp_sent_at(sent, sent->first)->sent;
    uint32_t count = 0;
    while (count < sent->count) {
        uint32_t id = sent->first + count;
        const struct tcp_sent_record *record = tcp_sent_at(sent, id);
        if ((record->flags & (uint8_t)~TCP_SENT_PUSHED) != 0 || record->sent != left ||
            seq_gt(tcp_sent_end(record), ack)) {
            break;
        }
        count++;
        if (record->later != id + 1) {
            break;
        }
    }
    return count;
}

uint32_t tcp_sent_find(struct tcp_sent *sent, seq32 seq)
{
    uint32_t low = 0;
    uint32_t high = sent->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (seq_lt(tcp_sent_at(sent, sent->first + middle)->seq, seq)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return sent->first + low;
}

uint32_t tcp_sent_skip_sacked(struct tcp_sent *sent, uint32_t id)
{
    uint32_t end = sent->first + sent->count;
    while (id != end) {
        struct tcp_sent_record *record = tcp_sent_at(sent, id);
        const struct tcp_sent_record *next;
        if (!(record->flags & TCP_SENT_SACKED) || record->later == end) {
            return record->flags & TCP_SENT_SACKED ? end : id;
        }
        next = tcp_sent_at(sent, record->later);
        if (next->flags & TCP_SENT_SACKED) {
            record->later = next->later;
        }
        id = record->later;
    }
    return end;
}

bool tcp_sent_pay(struct tcp_sent *sent, uint32_t looks)
{
    uint32_t price = (looks + TCP_SENT_LOOKS - 1) / TCP_SENT_LOOKS;
    if (looks <= TCP_SENT_FREE_LOOKS) {
        return true;
    }
    if (sent->last_order - sent->paid_order > sent->count) {
        sent->paid_order = sent->last_order - sent->count; /* what is long gone pays no more */
    }
    if (price > sent->last_order - sent->paid_order) {
        return false;
    }
    sent->paid_order += price;
    return true;
}
