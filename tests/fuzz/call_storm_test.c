/* SPDX-License-Identifier: MIT
 *
 * Two hosts whose programs use every way of sending, reading, taking out and handing in at once,
 * by chance, over a link that loses, repeats, reorders and damages, while memory is refused now and
 * then: no sanitizer report; what is read is what was sent, wherever it was put; each reference
 * comes back once and nothing of its memory is looked at afterwards; what a batch cuts to pieces is
 * the same by either call; the stack counts its memory rightly and leaves none behind.
 *
 *     call_storm_test [RUNS] [FIRST]
 *
 * Every other run the link lies as well: hints that do not fit the packet, checksums called valid
 * that are not. Then nothing can be said of the stream, and all else must hold.
 */
#include "packet_forge.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLOWS 6
#define STEPS 1500
#define WAITING 512
#define PORT 80
#define PIECES 16

#define CHECK(condition)                                                                         \
    do {                                                                                         \
        if (!(condition)) {                                                                      \
            fprintf(stderr, "run %" PRIu64 ", line %d: %s\n", storm->run, __LINE__, #condition); \
            abort();                                                                             \
        }                                                                                        \
    } while (0)

struct end {
    hf_handle handle;
    bool open;
    uint64_t sent, read;
    uint8_t *posted;
    size_t posted_bytes;
    uint64_t behind; /* read behind the posted buffer */
    struct hf_piece held[PIECES];
    uint32_t held_count;
};

struct waiting {
    uint8_t *bytes;
    size_t length;
    struct hf_packet_hints hints;
};

struct memory {
    uint64_t live;
    uint32_t refuse_ppm;
    struct forge_random *random;
};

struct reference {
    uint8_t *data;
    size_t length;
    struct reference *next;
};

struct storm {
    uint64_t run, verified;
    struct forge_random random;
    struct hf_stack *hosts[2];
    struct hf_address addresses[2];
    struct memory memory[2];
    uint32_t mtu[2];
    hf_handle listener;
    struct flow {
        uint16_t port; /* the client's; 0: free */
        struct end ends[2];
    } flows[FLOWS];
    uint16_t next_port;
    struct waiting link[2][WAITING]; /* to each host */
    unsigned waiting[2];
    struct reference *references;
    bool lies;
    hf_time now;
};

static uint32_t below(struct storm *storm, uint32_t bound)
{
    return forge_below(&storm->random, bound);
}

static bool one_in(struct storm *storm, uint32_t times)
{
    return below(storm, times) == 0;
}

/* ---- memory, counted, and refused now and then */

static void *allocate(void *context, size_t size)
{
    struct memory *memory = context;
    if (forge_below(memory->random, 1000000) < memory->refuse_ppm) {
        return NULL;
    }
    memory->live += size;
    return malloc(size);
}

static void release(void *context, void *block, size_t size)
{
    struct memory *memory = context;
    memory->live -= size;
    free(block);
}

/* ---- the stream: what each byte must be */

static uint8_t byte_at(uint16_t port, unsigned side, uint64_t at)
{
    return (uint8_t)(at * 131 + (at >> 8) * 7 + (at >> 16) * 3 + port * 17u + side * 29u);
}

/* What was read, or lies to be read, `at` bytes into what the other side sends. */
static void verify(struct storm *storm, const struct flow *flow, unsigned side, const void *data,
                   size_t length, uint64_t at)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < length && !storm->lies; i++) {
        CHECK(bytes[i] == byte_at(flow->port, 1 - side, at + i));
    }
    storm->verified += length;
}

static uint64_t place_of_next(const struct end *end)
{
    return end->read + (end->posted != NULL ? end->posted_bytes + end->behind : 0);
}

static void has_read(struct end *end, size_t length)
{
    *(end->posted != NULL ? &end->behind : &end->read) += length;
    end->held_count = 0;
}

/* ---- programs */

static void send_some(struct storm *storm, struct flow *flow, unsigned side)
{
    struct end *end = &flow->ends[side];
    size_t length = 1 + below(storm, one_in(storm, 3) ? 100000 : 3000);
    uint8_t *data = malloc(length);
    struct reference *reference = malloc(sizeof *reference);
    unsigned flags = one_in(storm, 10) ? HF_SEND_MORE : 0;
    ptrdiff_t taken;
    CHECK(data != NULL && reference != NULL);
    for (size_t i = 0; i < length; i++) {
        data[i] = byte_at(flow->port, side, end->sent + i);
    }
    if (one_in(storm, 2)) {
        taken = hf_send(storm->hosts[side], end->handle, data, length, flags, storm->now);
    } else {
        taken = hf_send_ref(storm->hosts[side], end->handle, data, length, reference, flags,
                            storm->now);
        if (taken > 0) {
            *reference = (struct reference){data, (size_t)taken, storm->references};
            storm->references = reference;
            memset(data + taken, 0xee, length - (size_t)taken);
            data = NULL;
            reference = NULL;
        }
    }
    CHECK(taken <= (ptrdiff_t)length);
    end->sent += taken > 0 ? (uint64_t)taken : 0;
    free(data);
    free(reference);
}

static void fetch_returned(struct storm *storm, unsigned side)
{
    struct hf_returned returned;
    while (hf_next_returned(storm->hosts[side], &returned)) {
        struct reference **at = &storm->references;
        while (*at != NULL && *at != returned.context) {
            at = &(*at)->next;
        }
        CHECK(*at != NULL); /* not a second time */
        struct reference *reference = *at;
        CHECK(returned.data == reference->data && returned.length == reference->length);
        CHECK(returned.error == HF_OK ? returned.acknowledged == returned.length
                                      : returned.acknowledged <= returned.length);
        *at = reference->next;
        free(reference->data);
        free(reference);
    }
}

static void read_referred(struct storm *storm, struct flow *flow, unsigned side)
{
    struct end *end = &flow->ends[side];
    uint32_t count = 1 + below(storm, PIECES), room = count;
    ptrdiff_t length = hf_recv_ref(storm->hosts[side], end->handle, end->held, &count);
    size_t together = 0;
    end->held_count = 0;
    CHECK(count <= room && (length > 0) == (count > 0));
    for (uint32_t i = 0; i < count; i++) {
        CHECK(end->held[i].length > 0 && end->held[i].length <= 4096);
        verify(storm, flow, side, end->held[i].data, end->held[i].length,
               place_of_next(end) + together);
        together += end->held[i].length;
    }
    if (length <= 0) {
        return;
    }
    CHECK(together == (size_t)length);
    end->held_count = count; /* and is looked at again before anything else is read */
    if (one_in(storm, 2)) {
        size_t part = below(storm, (uint32_t)together + 1);
        CHECK(hf_recv_release(storm->hosts[side], end->handle, SIZE_MAX, storm->now) == HF_EINVAL);
        CHECK(hf_recv_release(storm->hosts[side], end->handle, part, storm->now) == HF_OK);
        has_read(end, part);
    }
}

static void post_or_take_back(struct storm *storm, struct flow *flow, unsigned side)
{
    struct end *end = &flow->ends[side];
    size_t length = 1 + below(storm, one_in(storm, 2) ? 200000 : 2000);
    ptrdiff_t filled;
    end->held_count = 0;
    if (end->posted == NULL) {
        end->posted = malloc(length);
        end->posted_bytes = length;
        CHECK(end->posted != NULL);
        if (hf_recv_post(storm->hosts[side], end->handle, end->posted, length, storm->now) !=
            HF_OK) {
            free(end->posted);
            end->posted = NULL;
        }
        return;
    }
    CHECK(hf_recv_post(storm->hosts[side], end->handle, end, 1, storm->now) == HF_EINVAL);
    filled = hf_recv_posted(storm->hosts[side], end->handle, storm->now);
    CHECK(filled != HF_EINVAL && filled <= (ptrdiff_t)end->posted_bytes);
    CHECK(end->behind == 0 || filled == (ptrdiff_t)end->posted_bytes);
    if (filled > 0) {
        verify(storm, flow, side, end->posted, (size_t)filled, end->read);
        end->read += (uint64_t)filled;
    }
    end->read += end->behind;
    end->behind = 0;
    free(end->posted);
    end->posted = NULL;
}

static void read_some(struct storm *storm, struct flow *flow, unsigned side)
{
    static uint8_t buffer[70000];
    struct end *end = &flow->ends[side];
    size_t most = 1 + below(storm, one_in(storm, 2) ? sizeof buffer - 1 : 200);
    uint32_t offset = below(storm, 5000);
    uint64_t at = place_of_next(end);
    ptrdiff_t length;
    for (uint32_t i = 0; i < end->held_count; i++) {
        verify(storm, flow, side, end->held[i].data, end->held[i].length, at);
        at += end->held[i].length;
    }
    switch (below(storm, 5)) {
    case 0:
        length = hf_recv(storm->hosts[side], end->handle, buffer, most, 0, storm->now);
        if (length > 0) {
            verify(storm, flow, side, buffer, (size_t)length, place_of_next(end));
            has_read(end, (size_t)length);
        }
        break;
    case 1:
        length = hf_peek(storm->hosts[side], end->handle, offset, buffer, most);
        if (length > 0) {
            verify(storm, flow, side, buffer, (size_t)length, place_of_next(end) + offset);
        }
        break;
    case 2:
        post_or_take_back(storm, flow, side);
        break;
    default:
        read_referred(storm, flow, side);
        break;
    }
}

static void let_go(struct storm *storm, struct flow *flow, unsigned side)
{
    struct end *end = &flow->ends[side];
    if (!end->open) {
        return;
    }
    if (one_in(storm, 2)) {
        (void)hf_close(storm->hosts[side], end->handle, storm->now);
    } else {
        (void)hf_abort(storm->hosts[side], end->handle, storm->now);
    }
    free(end->posted); /* the stack must not write to it any more */
    memset(end, 0, sizeof *end);
}

static void open_and_accept(struct storm *storm)
{
    struct hf_endpoint local = {storm->addresses[0], 0}, peer;
    struct hf_endpoint remote = {storm->addresses[1], PORT};
    hf_handle handle;
    for (unsigned i = 0; i < FLOWS && one_in(storm, 10); i++) {
        struct flow *flow = &storm->flows[i];
        local.port = (uint16_t)(20000 + storm->next_port++ % 30000);
        if (!flow->ends[0].open && !flow->ends[1].open &&
            hf_connect(storm->hosts[0], &local, &remote, storm->now, &handle) == HF_OK) {
            *flow = (struct flow){.port = local.port};
            flow->ends[0].handle = handle;
            flow->ends[0].open = true;
        }
    }
    while (hf_accept(storm->hosts[1], storm->listener, &handle, &peer) == HF_OK) {
        struct flow *flow = NULL;
        for (unsigned i = 0; i < FLOWS; i++) {
            if (storm->flows[i].port == peer.port && !storm->flows[i].ends[1].open) {
                flow = &storm->flows[i];
            }
        }
        if (flow == NULL) {
            (void)hf_abort(storm->hosts[1], handle, storm->now);
        } else {
            flow->ends[1] = (struct end){.handle = handle, .open = true};
        }
    }
}

/* ---- the link */

static void put(struct storm *storm, unsigned to, const void *bytes, size_t length,
                struct hf_packet_hints hints)
{
    struct waiting *waiting;
    if (storm->waiting[to] == WAITING) {
        return;
    }
    waiting = &storm->link[to][storm->waiting[to]++];
    waiting->bytes = malloc(length > 0 ? length : 1);
    CHECK(waiting->bytes != NULL);
    memcpy(waiting->bytes, bytes, length);
    waiting->length = length;
    waiting->hints = hints;
}

/* One copy, or none, or two, out of order; and a damaged one. A single flipped bit or a missing end
 * is always seen by the checksum, so the stream must not show it. */
static void carry(struct storm *storm, unsigned to, uint8_t *bytes, size_t length,
                  struct hf_packet_hints hints)
{
    struct hf_packet_hints none = {0, 0};
    uint32_t bit = below(storm, (uint32_t)length * 8);
    unsigned other;
    for (unsigned copies = one_in(storm, 30) ? below(storm, 3) : 1; copies > 0; copies--) {
        put(storm, to, bytes, length, hints);
    }
    if (storm->waiting[to] > 1 && one_in(storm, 20)) {
        struct waiting last = storm->link[to][storm->waiting[to] - 1];
        other = below(storm, storm->waiting[to]);
        storm->link[to][storm->waiting[to] - 1] = storm->link[to][other];
        storm->link[to][other] = last;
    }
    if (one_in(storm, 40)) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        put(storm, to, bytes, length, none);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    if (one_in(storm, 40)) {
        put(storm, to, bytes, below(storm, (uint32_t)length), none);
    }
}

/* Every segment of a packet, by both calls. */
static void cut(struct storm *storm, unsigned from, const struct hf_packet *packet)
{
    static uint8_t one[HF_PACKET_BYTES], two[HF_PACKET_BYTES];
    struct hf_packet_hints none = {0, 0};
    struct hf_split split;
    uint32_t index = 0;
    ptrdiff_t length;
    hf_split_begin(&split, packet);
    CHECK(hf_split_next(&split, one, 19) == HF_EMSGSIZE);
    while ((length = hf_split_next(&split, one, sizeof one)) > 0) {
        CHECK((size_t)length <= storm->mtu[from]);
        CHECK(hf_packet_split(packet, index, two, sizeof two) == length &&
              memcmp(one, two, (size_t)length) == 0);
        carry(storm, 1 - from, one, (size_t)length, none);
        index++;
    }
    CHECK(length == 0 && index == packet->segments);
    CHECK(hf_packet_split(packet, index, two, sizeof two) == HF_EINVAL);
}

static void take_packet(struct storm *storm, unsigned from, struct hf_packet *packet)
{
    size_t together = packet->length;
    CHECK(packet->segments > 0 && packet->length <= packet->capacity);
    for (uint32_t i = 0; i < packet->piece_count; i++) {
        together += packet->pieces[i].length;
    }
    CHECK(together == packet->total_length);
    if (packet->total_length <= packet->capacity && one_in(storm, 2)) {
        CHECK(hf_packet_keep(packet) == HF_OK && packet->length == packet->total_length);
        if (one_in(storm, 2)) { /* as it is, to a host that takes it so */
            struct hf_packet_hints hints = {packet->segment_bytes, packet->flags};
            carry(storm, 1 - from, packet->bytes, packet->length, hints);
            return;
        }
    }
    cut(storm, from, packet);
}

static void take_out(struct storm *storm, unsigned from)
{
    static uint8_t space[3][HF_PACKET_BYTES];
    static const uint32_t shapes[] = {0, 1, 2, 3, 6, 7};
    struct hf_packet_hints none = {0, 0};
    uint32_t flags = shapes[below(storm, 6)];
    size_t capacity = flags & HF_OUTPUT_SUPER ? HF_PACKET_BYTES : storm->mtu[from];
    struct hf_packet packets[3] = {{.bytes = NULL}};
    struct hf_packet small = {.bytes = space[0], .capacity = capacity - 1};
    ptrdiff_t length;
    int made;
    CHECK(hf_stack_output(storm->hosts[from], space[0], storm->mtu[from] - 1, storm->now) ==
          HF_EMSGSIZE);
    CHECK(hf_stack_output_batch(storm->hosts[from], &small, 1, flags, storm->now) == HF_EMSGSIZE);
    CHECK(hf_stack_output_batch(storm->hosts[from], packets, 3, 4, storm->now) == HF_EINVAL);
    if (one_in(storm, 3)) {
        while ((length = hf_stack_output(storm->hosts[from], space[0], capacity, storm->now)) > 0) {
            carry(storm, 1 - from, space[0], (size_t)length, none);
        }
        CHECK(length == 0);
        return;
    }
    do {
        uint32_t count = 1 + below(storm, 3);
        for (unsigned i = 0; i < 3; i++) {
            packets[i] = (struct hf_packet){.bytes = space[i], .capacity = capacity};
        }
        made = hf_stack_output_batch(storm->hosts[from], packets, count, flags, storm->now);
        CHECK(made >= 0 && (uint32_t)made <= count);
        for (int i = 0; i < made; i++) {
            take_packet(storm, from, &packets[i]);
        }
    } while (made > 0);
}

static struct hf_packet_hints hints_of(struct storm *storm, const struct waiting *waiting)
{
    struct hf_packet_hints lie = {below(storm, 3000), below(storm, 4)};
    return storm->lies && one_in(storm, 20) ? lie : waiting->hints;
}

static void hand_in(struct storm *storm, unsigned to)
{
    struct hf_arriving arriving[70];
    unsigned done = 0;
    while (done < storm->waiting[to]) {
        unsigned count = 1 + below(storm, 70);
        count = count < storm->waiting[to] - done ? count : storm->waiting[to] - done;
        for (unsigned i = 0; i < count; i++) {
            const struct waiting *waiting = &storm->link[to][done + i];
            arriving[i] =
                (struct hf_arriving){waiting->bytes, waiting->length, hints_of(storm, waiting)};
        }
        if (one_in(storm, 3)) {
            for (unsigned i = 0; i < count; i++) {
                (void)hf_stack_input_packet(storm->hosts[to], arriving[i].bytes, arriving[i].length,
                                            &arriving[i].hints, storm->now);
            }
        } else {
            hf_stack_input_batch(storm->hosts[to], arriving, count, storm->now);
        }
        done += count;
    }
    for (unsigned i = 0; i < storm->waiting[to]; i++) {
        free(storm->link[to][i].bytes);
    }
    storm->waiting[to] = 0;
}

/* ---- a run */

static void new_host(struct storm *storm, unsigned number)
{
    static const char *const algorithms[] = {"reno", "cubic", "bbr", "dctcp"};
    struct hf_config config = hf_config_default();
    memset(config.seed, (int)storm->run, sizeof config.seed);
    storm->memory[number].random = &storm->random;
    config.allocator = (struct hf_allocator){allocate, release, &storm->memory[number]};
    config.max_connections = 20;
    config.max_references = 1 + below(storm, 100);
    config.mtu = one_in(storm, 3) ? 1280 + below(storm, 20000) : 1500;
    config.receive_buffer_bytes = 256 + below(storm, 100000);
    config.send_buffer_bytes = 256 + below(storm, 100000);
    config.rest_after_ns = one_in(storm, 2) ? HF_MILLISECOND : HF_SECOND;
    config.sack = (uint8_t)below(storm, 2);
    config.timestamps = (uint8_t)below(storm, 2);
    config.recovery = (uint8_t)below(storm, 8);
    config.ecn = (uint8_t)below(storm, 6);
    config.late_split = (uint8_t)below(storm, 2);
    config.mtu_probing = (uint8_t)below(storm, 3);
    config.congestion_control = hf_congestion_control(algorithms[below(storm, 4)]);
    storm->mtu[number] = config.mtu;
    storm->addresses[number] = hf_address_ipv4(10, 0, 0, (uint8_t)(1 + number));
    storm->hosts[number] = hf_stack_new(&config);
    CHECK(storm->hosts[number] != NULL);
    CHECK(hf_stack_add_address(storm->hosts[number], &storm->addresses[number]) == HF_OK);
}

static void step(struct storm *storm)
{
    struct flow *flow = &storm->flows[below(storm, FLOWS)];
    unsigned side = below(storm, 2);
    struct hf_counters counters;
    struct hf_event event;
    open_and_accept(storm);
    if (flow->ends[side].open) {
        if (one_in(storm, 2)) {
            send_some(storm, flow, side);
        } else {
            read_some(storm, flow, side);
        }
    }
    if (one_in(storm, 100)) {
        let_go(storm, flow, side);
    }
    for (unsigned host = 0; host < 2; host++) {
        if (one_in(storm, 2)) {
            take_out(storm, host);
        }
        if (one_in(storm, 2)) {
            hand_in(storm, host);
        }
        while (hf_stack_next_event(storm->hosts[host], &event)) {
        }
        fetch_returned(storm, host);
        hf_stack_counters(storm->hosts[host], &counters);
        CHECK(counters.memory_used_bytes == storm->memory[host].live);
    }
    storm->now += below(storm, one_in(storm, 50) ? 2000000000 : 5000000);
}

static uint64_t run(uint64_t number)
{
    static struct storm space;
    struct storm *storm = &space;
    struct hf_endpoint door;
    memset(storm, 0, sizeof *storm);
    storm->run = number;
    storm->random.state = number * 7919;
    storm->lies = number % 2 == 1;
    new_host(storm, 0);
    new_host(storm, 1);
    door = (struct hf_endpoint){storm->addresses[1], PORT};
    CHECK(hf_listen(storm->hosts[1], &door, 8, &storm->listener) == HF_OK);
    for (unsigned host = 0; host < 2 && number % 3 == 0; host++) {
        storm->memory[host].refuse_ppm = below(storm, 100000);
    }
    for (unsigned i = 0; i < STEPS; i++) {
        step(storm);
    }
    for (unsigned host = 0; host < 2; host++) {
        for (unsigned i = 0; i < FLOWS; i++) {
            let_go(storm, &storm->flows[i], host);
        }
        hand_in(storm, host);
    }
    for (unsigned host = 0; host < 2; host++) {
        fetch_returned(storm, host);
        hf_stack_free(storm->hosts[host]);
        CHECK(storm->memory[host].live == 0);
    }
    while (storm->references != NULL) { /* these hf_stack_free has given back */
        struct reference *next = storm->references->next;
        free(storm->references->data);
        free(storm->references);
        storm->references = next;
    }
    return storm->verified;
}

int main(int argc, char **argv)
{
    uint64_t runs = argc > 1 ? strtoull(argv[1], NULL, 10) : 60;
    uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    uint64_t verified = 0;
    for (uint64_t number = first; number < first + runs; number++) {
        verified += run(number);
    }
    printf("%" PRIu64 " runs, %" PRIu64 " bytes looked at\n", runs, verified);
    return verified > 0 ? 0 : 1;
}
