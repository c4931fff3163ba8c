/* SPDX-License-Identifier: MIT
 *
 * See packet_watch.h.
 */
#include "packet_watch.h"

#define FLAG_SYN 2u
#define FLAG_ACK 16u
#define OPTION_END 0
#define OPTION_PADDING 1
#define OPTION_WINDOW_SCALE 3

static uint32_t read_16(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 8 | bytes[1];
}

static uint32_t read_32(const uint8_t *bytes)
{
    return read_16(bytes) << 16 | read_16(bytes + 2);
}

static bool is_after(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) > 0;
}

static uint8_t shift_in(const uint8_t *options, size_t length)
{
    size_t at = 0;
    while (at < length && options[at] != OPTION_END) {
        if (options[at] == OPTION_PADDING) {
            at++;
        } else if (options[at] == OPTION_WINDOW_SCALE) {
            return options[at + 2];
        } else {
            at += options[at + 1];
        }
    }
    return 0;
}

static void watch_edge(struct packet_watch *watch, const uint8_t *tcp, bool syn)
{
    uint32_t acknowledged = read_32(tcp + 8);
    uint32_t window = read_16(tcp + 14) << (syn ? 0 : watch->window_shift);
    uint32_t edge = acknowledged + window;
    if (watch->edge_known && is_after(watch->right_edge, edge) &&
        !is_after(watch->acknowledged, acknowledged)) {
        uint32_t left = watch->right_edge - edge;
        watch->most_moved_left = left > watch->most_moved_left ? left : watch->most_moved_left;
    }
    if (!watch->edge_known || is_after(edge, watch->right_edge)) {
        watch->right_edge = edge;
    }
    if (!watch->edge_known || is_after(acknowledged, watch->acknowledged)) {
        watch->acknowledged = acknowledged;
    }
    watch->edge_known = true;
    watch->largest_window = window > watch->largest_window ? window : watch->largest_window;
}

static void watch_payload(struct packet_watch *watch, uint32_t seq, uint32_t length)
{
    watch->data_packets++;
    watch->payload_bytes += length;
    if (watch->next_known && is_after(watch->next, seq)) {
        watch->repeated_packets++;
    }
    if (!watch->next_known || is_after(seq + length, watch->next)) {
        watch->next = seq + length;
    }
    watch->next_known = true;
}

int packet_watch(void *context, const uint8_t *packet, size_t length, uint64_t number, hf_time now)
{
    struct packet_watch *watch = context;
    size_t ip_header = (packet[0] & 15u) * 4u;
    const uint8_t *tcp = packet + ip_header;
    size_t tcp_header = (tcp[12] >> 4) * 4u;
    uint32_t payload = (uint32_t)(length - ip_header - tcp_header);
    bool syn = (tcp[13] & FLAG_SYN) != 0;
    bool lose = number >= watch->lose_from && number <= watch->lose_to;
    (void)now;
    if (watch->only_port != 0 && read_16(tcp) != watch->only_port &&
        read_16(tcp + 2) != watch->only_port) {
        return 0;
    }
    watch->packets++;
    if (syn) {
        watch->window_shift = shift_in(tcp + 20, tcp_header - 20);
        if (payload > 0) {
            watch->syn_data_packets++;
            lose = lose || watch->lose_data_on_syn;
        }
    }
    if (tcp[13] & FLAG_ACK) {
        watch_edge(watch, tcp, syn);
    }
    if (payload > 0) {
        watch_payload(watch, read_32(tcp + 4) + syn, payload);
    }
    watch->lost += lose;
    return lose;
}
