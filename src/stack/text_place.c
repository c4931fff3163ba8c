/* SPDX-License-Identifier: MIT */
#include "text_place.h"

bool text_place_fits(const struct tcp_conn *conn, const struct tcp_segment *segment)
{
    return (segment->flags & (HF_FIN | HF_SYN | HF_RST | HF_URG | HF_ACK)) == HF_ACK &&
           conn->state == HF_ESTABLISHED && conn->reassembly == NULL && !conn->has_fin &&
           !conn->receive_eof && !conn->orphan && !conn->receive_shutdown &&
           seq_eq(segment->seq, conn->rcv.nxt) && segment->payload_length > 0 &&
           segment->payload_length <= conn->rcv.wnd && segment->options.sack_count == 0;
}

void text_place_begin(struct text_place *place, const struct stack_connection *connection)
{
    const struct stack_posted *posted = &connection->posted;
    place->room = 0;
    place->straight = connection->tcp.receive_bytes == 0 ? posted->length - posted->filled : 0;
}

/* The program's buffer, if it has posted one and nothing in front waits to be read, or the receive
 * queue. Asked once for a page: asked for each segment it took 140 instructions. */
static bool find(struct hf_stack *stack, struct stack_connection *connection,
                 struct text_place *place, uint32_t at)
{
    if (at < place->straight) {
        place->to = connection->posted.buffer + connection->posted.filled + at;
        place->room = place->straight - at;
        return true;
    }
    place->to = bytequeue_reserve_page(&connection->tcp.receive_queue, &stack->pages,
                                       connection->tcp.receive_bytes + at, &place->room);
    return place->to != NULL;
}

bool text_place_put(struct hf_stack *stack, struct stack_connection *connection,
                    struct text_place *place, uint32_t at, const uint8_t *text, uint32_t length,
                    checksum_sum *sum)
{
    for (uint32_t done = 0; done < length;) {
        uint32_t take;
        checksum_sum piece;
        if (place->room == 0 && !find(stack, connection, place, at + done)) {
            return false;
        }
        take = place->room < length - done ? place->room : length - done;
        piece = checksum_add_copy(0, place->to, text + done, take);
        *sum += done & 1 ? checksum_swap(piece) : (piece & 0xffffffff) + (piece >> 32);
        place->to += take;
        place->room -= take;
        done += take;
    }
    return true;
}

enum hf_reason text_place_arrives(struct hf_stack *stack, struct stack_connection *connection,
                                  const struct text_place *place, struct tcp_segment *segment)
{
    struct tcp_conn *conn = &connection->tcp;
    uint32_t length = segment->payload_length;
    enum hf_reason reason;
    segment->in_place = true;
    reason = tcp_segment_arrives(conn, &stack->host, segment);
    if (reason != HF_REASON_ACCEPTED) {
        tcp_forget_placed(conn, &stack->host, length);
    } else if (place->straight > 0) {
        posted_take(stack, connection, place->straight < length ? place->straight : length);
    }
    posted_fill(stack, connection);
    return reason;
}
