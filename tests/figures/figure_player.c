/* SPDX-License-Identifier: MIT
 *
 * The player of the figures: see the header for what it holds the stacks to.
 */
#include "figure_player.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PACKET_MOST = 2000, PACKETS_MOST = 8, EVENTS_MOST = 64, CHUNK = 4096 };

#define PORT_A 40000u
#define PORT_B 80u
#define ROW_TIME (2 * HF_MILLISECOND)

struct packet {
    size_t length;
    uint8_t bytes[PACKET_MOST];
};

/* First in, first out. */
struct packets {
    unsigned count;
    struct packet items[PACKETS_MOST];
};

struct peer {
    struct hf_stack *stack;
    struct hf_address address;
    uint16_t port;
    hf_handle listener, connection;
    int error;
    uint64_t received_bytes;
    struct packets outbox;  /* sent by the stack, not yet looked at by a row */
    struct packets network; /* left, not yet arrived */
    enum hf_state traced_listener, traced_connection;
    /* What the trace said of the packets, to be held against their bytes. */
    unsigned sent_count, received_count;
    struct hf_trace_segment sent[EVENTS_MOST], received[EVENTS_MOST];
    enum hf_reason sent_reasons[EVENTS_MOST], received_reasons[EVENTS_MOST];
    unsigned sent_seen, received_seen;
};

struct player {
    const struct figure *figure;
    const struct figure_variant *variant;
    const struct figure_row *row;
    struct peer peers[PEERS];
    hf_time now;
    unsigned reboots;
    bool known[NUMBER_ORIGINS];
    uint32_t numbers[NUMBER_ORIGINS];
};

__attribute__((format(printf, 2, 3), noreturn)) static void differs(const struct player *player,
                                                                    const char *format, ...)
{
    const struct figure_variant *variant = player->variant;
    char what[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    print_error("%s, IPv%d, seed %d, timestamps %d, %s; row %d, line %u: %s\n",
                player->figure->name, variant->family, variant->seed, variant->timestamps,
                variant->whole_close ? "hf_close" : "hf_shutdown",
                (int)(player->row - player->figure->rows) + 1, player->row->line, what);
    fail();
    abort();
}

/* ---- What the stacks say of themselves */

static void traced(void *context, const struct hf_trace_event *event)
{
    struct peer *peer = &((struct player *)context)->peers[event->host];

    if (event->kind == HF_TRACE_STATE && event->remote.port == 0) {
        peer->traced_listener = event->state;
    } else if (event->kind == HF_TRACE_STATE) {
        peer->traced_connection = event->state;
    } else if (event->kind == HF_TRACE_SENT && event->segment != NULL) {
        assert_in_range(peer->sent_count, 0, EVENTS_MOST - 1);
        peer->sent_reasons[peer->sent_count] = event->reason;
        peer->sent[peer->sent_count++] = *event->segment;
    } else if (event->kind == HF_TRACE_RECEIVED && event->segment != NULL) {
        assert_in_range(peer->received_count, 0, EVENTS_MOST - 1);
        peer->received_reasons[peer->received_count] = event->reason;
        peer->received[peer->received_count++] = *event->segment;
    }
}

static enum hf_state traced_state(const struct peer *peer)
{
    if (peer->traced_connection == HF_CLOSED || peer->traced_connection == HF_LISTEN)
        return peer->traced_listener;
    return peer->traced_connection;
}

static enum hf_state listed_state(const struct peer *peer)
{
    enum hf_state state = HF_CLOSED;
    struct hf_status status;
    uint64_t cursor = 0;

    while (hf_stack_list(peer->stack, &cursor, &status) == 1) {
        if (status.state != HF_LISTEN || state == HF_CLOSED)
            state = status.state;
    }
    return state;
}

static void check_states(const struct player *player)
{
    for (unsigned i = 0; i < PEERS; i++) {
        enum hf_state wanted = player->row->states[i];
        enum hf_state listed = listed_state(&player->peers[i]);
        enum hf_state said = traced_state(&player->peers[i]);

        if (listed != wanted || said != wanted)
            differs(player, "peer %c: the figure says %s, the stack %s, its trace %s", "AB"[i],
                    hf_state_name(wanted), hf_state_name(listed), hf_state_name(said));
    }
}

/* ---- Stacks and programs */

static struct hf_stack *new_stack(struct player *player, unsigned i)
{
    struct hf_config config = hf_config_default();
    struct hf_stack *stack;

    for (unsigned k = 0; k < sizeof config.seed; k++)
        config.seed[k] = (uint8_t)(player->variant->seed * 31 + i * 7 + player->reboots * 13 + k);
    config.trace = (struct hf_trace_sink){traced, player};
    config.host_id = i;
    config.timestamps = player->variant->timestamps;
    config.sack = player->variant->timestamps;
    config.window_scaling = player->variant->timestamps;
    stack = hf_stack_new(&config);
    assert_non_null(stack);
    assert_int_equal(hf_stack_add_address(stack, &player->peers[i].address), HF_OK);
    return stack;
}

static void collect_output(struct player *player)
{
    for (unsigned i = 0; i < PEERS; i++) {
        struct packets *outbox = &player->peers[i].outbox;
        ptrdiff_t length;

        do {
            struct packet *packet = &outbox->items[outbox->count];

            if (outbox->count == PACKETS_MOST)
                differs(player, "peer %c does not stop sending", "AB"[i]);
            length = hf_stack_output(player->peers[i].stack, packet->bytes, sizeof packet->bytes,
                                     player->now);
            if (length < 0)
                differs(player, "hf_stack_output gave %ld", (long)length);
            packet->length = (size_t)length;
            outbox->count += length > 0 ? 1 : 0;
        } while (length > 0);
    }
}

static void read_all(struct player *player, struct peer *peer)
{
    uint8_t chunk[CHUNK];
    ptrdiff_t length;

    while (peer->connection != HF_NO_HANDLE &&
           (length = hf_recv(peer->stack, peer->connection, chunk, sizeof chunk, 0, player->now)) >
               0) {
        for (ptrdiff_t k = 0; k < length; k++)
            assert_int_equal(chunk[k], (uint8_t)(peer->received_bytes + (uint64_t)k));
        peer->received_bytes += (uint64_t)length;
    }
}

static void serve(struct player *player)
{
    struct hf_event event;

    for (unsigned i = 0; i < PEERS; i++) {
        struct peer *peer = &player->peers[i];

        while (hf_stack_next_event(peer->stack, &event) == 1) {
            if (event.type == HF_EVENT_ACCEPTABLE)
                assert_int_equal(hf_accept(peer->stack, event.handle, &peer->connection, NULL),
                                 HF_OK);
            if (event.type == HF_EVENT_ERROR && event.handle == peer->connection)
                peer->error = event.error;
        }
        read_all(player, peer);
    }
    collect_output(player);
}

static struct hf_endpoint endpoint(const struct peer *peer)
{
    return (struct hf_endpoint){peer->address, peer->port};
}

static void reboot(struct player *player, unsigned i)
{
    struct peer *peer = &player->peers[i];

    player->reboots++;
    hf_stack_free(peer->stack);
    peer->listener = HF_NO_HANDLE;
    peer->connection = HF_NO_HANDLE;
    peer->traced_connection = HF_CLOSED;
    peer->traced_listener = HF_CLOSED;
    peer->stack = new_stack(player, i);
}

static int send_bytes(struct player *player, struct peer *peer, uint32_t length)
{
    uint8_t bytes[256];

    assert_in_range(length, 1, sizeof bytes);
    for (unsigned k = 0; k < sizeof bytes; k++)
        bytes[k] = (uint8_t)k;
    return hf_send(peer->stack, peer->connection, bytes, length, 0, player->now) ==
                   (ptrdiff_t)length
               ? HF_OK
               : HF_EAGAIN;
}

static void check_judgement(const struct player *player)
{
    const struct peer *peer = &player->peers[player->row->peer];
    enum hf_reason found;

    assert_true(peer->received_count > 0);
    found = peer->received_reasons[peer->received_count - 1];
    if (found != player->row->reason)
        differs(player, "the arrival's reason is %s, not %s", hf_reason_name(found),
                hf_reason_name(player->row->reason));
}

static int call(struct player *player, const struct figure_row *row)
{
    struct peer *peer = &player->peers[row->peer];
    struct hf_endpoint local = endpoint(peer);
    struct hf_endpoint remote = endpoint(&player->peers[row->peer == PEER_A ? PEER_B : PEER_A]);

    switch (row->move) {
    case LISTENS:
        return hf_listen(peer->stack, &local, 4, &peer->listener);
    case UNLISTENS:
        return hf_close(peer->stack, peer->listener, player->now);
    case CONNECTS:
        return hf_connect(peer->stack, &local, &remote, player->now, &peer->connection);
    case CLOSES:
        return player->variant->whole_close
                   ? hf_close(peer->stack, peer->connection, player->now)
                   : hf_shutdown(peer->stack, peer->connection, player->now);
    case ABORTS:
        return hf_abort(peer->stack, peer->connection, player->now);
    case SENDS:
        return send_bytes(player, peer, row->length);
    case REBOOTS:
        reboot(player, row->peer);
        return HF_OK;
    case WAITS:
        player->now += row->length * HF_MILLISECOND;
        return HF_OK;
    case JUDGES:
        check_judgement(player);
        return HF_OK;
    case LEAVES:
    case ARRIVES:
    case PASSES:
    case OVERTAKES:
        break;
    }
    return HF_EINVAL;
}

/* ---- Segments, from their bytes */

static size_t tcp_offset(const uint8_t *packet)
{
    return packet[0] >> 4 == 4 ? (size_t)(packet[0] & 15) * 4 : 40;
}

static uint32_t read_32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* RFC 1624: HC' = ~(~HC + ~m + m'), word by word. */
void figure_write_seq(uint8_t *packet, uint32_t seq)
{
    uint8_t *header = packet + tcp_offset(packet);
    uint32_t sum = (uint32_t)(~(header[16] << 8 | header[17]) & 0xffff);

    for (unsigned i = 0; i < 2; i++) {
        uint8_t *word = header + 4 + 2 * i;
        uint32_t after = seq >> (16 - 16 * i) & 0xffff;

        sum += (uint32_t)(~(word[0] << 8 | word[1]) & 0xffff) + after;
        word[0] = (uint8_t)(after >> 8);
        word[1] = (uint8_t)after;
    }
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    header[16] = (uint8_t)(~sum >> 8);
    header[17] = (uint8_t)~sum;
}

static void check_number(struct player *player, const char *what, struct number number,
                         uint32_t found)
{
    if (number.origin == NO_NUMBER)
        return;
    if (!player->known[number.origin]) {
        player->known[number.origin] = true;
        player->numbers[number.origin] = found - number.plus;
    }
    if (found - player->numbers[number.origin] != number.plus)
        differs(player, "%s is its origin plus %ld, the figure says plus %lu", what,
                (long)(int32_t)(found - player->numbers[number.origin]),
                (unsigned long)number.plus);
}

static void check_traced(const struct player *player, const struct hf_trace_segment *segment,
                         const struct packet *packet)
{
    const uint8_t *header = packet->bytes + tcp_offset(packet->bytes);
    size_t header_length = tcp_offset(packet->bytes) + (size_t)(header[12] >> 4) * 4;

    if (segment->seq != read_32(header + 4) || (segment->flags & 0xff) != header[13] ||
        segment->length != packet->length - header_length ||
        ((header[13] & HF_ACK) != 0 && segment->ack != read_32(header + 8)))
        differs(player, "the trace says otherwise than the packet's bytes");
}

static void check_segment(struct player *player, const struct packet *packet)
{
    const struct figure_row *row = player->row;
    const uint8_t *header = packet->bytes + tcp_offset(packet->bytes);
    size_t length = packet->length - tcp_offset(packet->bytes) - (size_t)(header[12] >> 4) * 4;
    unsigned flags = header[13] & ~(unsigned)HF_PSH;

    if (flags != row->flags)
        differs(player, "flags are %#x, the figure says %#x", flags, row->flags);
    if (length != row->length)
        differs(player, "%lu bytes of data, the figure says %lu", (unsigned long)length,
                (unsigned long)row->length);
    check_number(player, "SEQ", row->seq, read_32(header + 4));
    check_number(player, "ACK", row->ack, read_32(header + 8));
}

/* ---- Rows */

static void take(struct packets *packets, unsigned at, struct packet *packet)
{
    *packet = packets->items[at];
    packets->count--;
    memmove(packets->items + at, packets->items + at + 1,
            (packets->count - at) * sizeof packets->items[0]);
}

static void leave(struct player *player)
{
    struct peer *peer = &player->peers[player->row->peer];
    struct packets *network = &peer->network;

    if (peer->outbox.count == 0)
        differs(player, "peer %c sends nothing", "AB"[player->row->peer]);
    assert_in_range(network->count, 0, PACKETS_MOST - 1);
    take(&peer->outbox, 0, &network->items[network->count]);
    check_segment(player, &network->items[network->count]);
    if (peer->sent_seen >= peer->sent_count)
        differs(player, "a packet left that the trace does not show");
    check_traced(player, &peer->sent[peer->sent_seen], &network->items[network->count]);
    if (player->row->reason != HF_REASON_NONE &&
        peer->sent_reasons[peer->sent_seen] != player->row->reason)
        differs(player, "the reason is %s, not %s",
                hf_reason_name(peer->sent_reasons[peer->sent_seen]),
                hf_reason_name(player->row->reason));
    peer->sent_seen++;
    network->count++;
}

static void arrive(struct player *player)
{
    struct packets *network = &player->peers[player->row->peer].network;
    struct peer *to = &player->peers[player->row->peer == PEER_A ? PEER_B : PEER_A];
    struct packet packet;

    assert_true(network->count > 0);
    if (player->row->move == PASSES && network->count > 1)
        differs(player, "an earlier packet is still under way: the table is wrong");
    take(network, player->row->move == OVERTAKES ? network->count - 1 : 0, &packet);
    check_segment(player, &packet);
    if (player->figure->tamper != NULL)
        player->figure->tamper(player->row->line, player->numbers, packet.bytes);
    hf_stack_input(to->stack, packet.bytes, packet.length, player->now);
    if (to->received_seen >= to->received_count)
        differs(player, "a packet arrived that the trace does not show");
    check_traced(player, &to->received[to->received_seen++], &packet);
}

static void play_row(struct player *player)
{
    const struct figure_row *row = player->row;

    int error = HF_OK;

    player->now += ROW_TIME;
    if (row->move == LEAVES || row->move == PASSES || row->move == OVERTAKES)
        leave(player);
    else if (row->move != ARRIVES)
        error = call(player, row);
    if (error != HF_OK)
        differs(player, "the call gave %s", hf_error_text(error));
    if (row->move == ARRIVES || row->move == PASSES || row->move == OVERTAKES)
        arrive(player);
    serve(player);
    check_states(player);
}

static void check_end(const struct player *player)
{
    unsigned in_network = player->peers[PEER_A].network.count + player->peers[PEER_B].network.count;

    if (in_network != player->figure->in_network)
        differs(player, "%u packets are under way, the figure leaves %u", in_network,
                player->figure->in_network);
    for (unsigned i = 0; i < PEERS; i++) {
        const struct peer *peer = &player->peers[i];

        if (peer->outbox.count > 0)
            differs(player, "peer %c sent %u packets more than the figure shows", "AB"[i],
                    peer -> outbox.count);
        if (peer->error != player->figure->errors[i])
            differs(player, "peer %c's program was told '%s', not '%s'", "AB"[i],
                    hf_error_text(peer->error), hf_error_text(player->figure->errors[i]));
        if (peer->received_bytes != player->figure->received_bytes[i])
            differs(player, "peer %c's program read %lu bytes, not %lu", "AB"[i],
                    (unsigned long)peer -> received_bytes,
                    (unsigned long)player -> figure -> received_bytes[i]);
    }
}

static void play_variant(const struct figure *figure, const struct figure_variant *variant)
{
    static const uint8_t base[16] = {0x20, 0x01, 0x0d, 0xb8};
    struct player *player = calloc(1, sizeof *player);

    assert_non_null(player);
    player->figure = figure;
    player->variant = variant;
    player->row = figure->rows;
    player->now = HF_SECOND * variant->seed;
    for (unsigned i = 0; i < PEERS; i++) {
        struct peer *peer = &player->peers[i];
        uint8_t bytes[16];

        memcpy(bytes, base, sizeof bytes);
        bytes[15] = (uint8_t)(i + 1);
        peer->address = variant->family == HF_IPV4 ? hf_address_ipv4(192, 0, 2, (uint8_t)(i + 1))
                                                   : hf_address_ipv6(bytes);
        peer->port = (uint16_t)(i == PEER_A ? PORT_A : PORT_B);
        peer->stack = new_stack(player, i);
    }
    for (size_t k = 0; k < figure->row_count; k++) {
        player->row = &figure->rows[k];
        play_row(player);
    }
    check_end(player);
    for (unsigned i = 0; i < PEERS; i++)
        hf_stack_free(player->peers[i].stack);
    free(player);
}

void figure_play(const struct figure *figure)
{
    for (unsigned seed = 1; seed <= 8; seed++) {
        for (unsigned bits = 0; bits < 8; bits++) {
            const struct figure_variant variant = {
                .family = (bits & 1) != 0 ? HF_IPV6 : HF_IPV4,
                .seed = (uint8_t)seed,
                .timestamps = (bits & 2) != 0,
                .whole_close = (bits & 4) != 0,
            };

            play_variant(figure, &variant);
        }
    }
}
