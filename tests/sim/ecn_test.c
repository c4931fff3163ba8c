/* SPDX-License-Identifier: MIT
 *
 * ECN over a link that marks, and over links that meddle with the marks: judged by the packets.
 *
 * The link here is the test's own: it knows what it marked and what it delivered, so it knows what
 * each host must say. With RFC 9768 the ACE field of every packet and each field of its option must
 * be exactly what has arrived; with RFC 3168 ECE must stand from the mark to the CWR. cwnd gives
 * way at most once in a round trip, and CWR tells of each time. Where the field is bleached or
 * rewritten on the way everything still arrives, and nobody reacts to what was not there.
 */
#include <handfast/handfast.h>

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* needs what is above */
#include <cmocka.h>

#include "chance.h"

#define PORT 7000
#define BYTES 400000u
#define PACKETS 4096u
#define PACKET_MAX 1500u
#define SEEDS 6u
#define LONGEST (600 * HF_SECOND)

enum codepoint { NOT_ECT = 0, ECT_1 = 1, ECT_0 = 2, CE = 3 };

/* What is done to the packets of both directions. */
enum meddling {
    MARKS,        /* CE on some that allow it */
    MARKS_LOSES,  /* and some are lost */
    BLEACHES,     /* to Not-ECT, whatever it was */
    BLEACHES_CE,  /* a second router takes the first one's marks back */
    RAISES,       /* ECT(0) to ECT(1) */
    FLOODS,       /* everything becomes CE, SYNs too */
    CLEARS_FLAGS, /* AE, CWR and ECE are cleared, from the first packet on */
    CLEARS_LATER, /* ... but on SYNs */
    MEDDLINGS
};

struct packet {
    uint8_t bytes[PACKET_MAX];
    size_t length;
    hf_time arrives;
};

struct way {
    struct packet *packets; /* first in, first out */
    size_t first, count;
    hf_time free;
};

/* What the packets that reached a host, and those that left it, add up to. */
struct side {
    struct hf_stack *stack;
    hf_handle connection;
    uint32_t sent, received;
    uint32_t arrived_ce;       /* segments, SYNs not counted */
    uint32_t arrived_bytes[4]; /* payload by codepoint */
    bool echo;                 /* RFC 3168: a mark has come, and no CWR since */
    bool spoke;                /* the packet after the SYN has left */
    uint32_t next;             /* SND.NXT by the packets */
    bool next_known, reduced;
    uint32_t reduced_until;
    uint32_t reductions, cwrs, judged, options;
};

struct run {
    enum meddling meddling;
    uint8_t ecn;
    bool dctcp;
    struct chance chance;
    struct way ways[2]; /* to host 0, to host 1 */
    struct side sides[2];
    hf_time now;
    uint32_t mark_percent, marked;
    char what[100];
};

static uint32_t read_number(const uint8_t *bytes, unsigned count)
{
    uint32_t number = 0;

    while (count-- > 0)
        number = number << 8 | *bytes++;
    return number;
}

static bool before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

/* ---- what a packet says */

struct header {
    const uint8_t *tcp;
    size_t tcp_bytes;
    uint32_t payload_bytes, seq;
    uint8_t codepoint, ace, flags;
};

static struct header parse(const uint8_t *packet, size_t length)
{
    bool ipv6 = packet[0] >> 4 == 6;
    size_t ip_bytes = ipv6 ? 40 : (packet[0] & 15u) * 4u;
    struct header header = {.tcp = packet + ip_bytes};

    header.codepoint = ipv6 ? packet[1] >> 4 & 3 : packet[1] & 3;
    header.tcp_bytes = (header.tcp[12] >> 4) * 4u;
    header.payload_bytes = (uint32_t)(length - ip_bytes - header.tcp_bytes);
    header.seq = read_number(header.tcp + 4, 4);
    header.flags = header.tcp[13];
    header.ace = (uint8_t)((header.tcp[12] & 1) << 2 | header.flags >> 6);
    return header;
}

/* Sets 16 bits, and mends the checksum at `sum` for it (RFC 1624). */
static void rewrite(uint8_t *word, uint8_t *sum, uint32_t value)
{
    uint32_t mended = (~read_number(sum, 2) & 0xffff) + (~read_number(word, 2) & 0xffff) + value;

    mended = (mended & 0xffff) + (mended >> 16);
    mended = ~((mended & 0xffff) + (mended >> 16));
    sum[0] = (uint8_t)(mended >> 8);
    sum[1] = (uint8_t)mended;
    word[0] = (uint8_t)(value >> 8);
    word[1] = (uint8_t)value;
}

static void set_codepoint(uint8_t *packet, enum codepoint codepoint)
{
    if (packet[0] >> 4 == 6)
        packet[1] = (uint8_t)((packet[1] & 0xcf) | (unsigned)codepoint << 4);
    else
        rewrite(packet, packet + 10, (read_number(packet, 2) & 0xfffc) | (unsigned)codepoint);
}

static void clear_flags(uint8_t *packet)
{
    uint8_t *tcp = packet + (packet[0] >> 4 == 6 ? 40 : 20);

    rewrite(tcp + 12, tcp + 16, read_number(tcp + 12, 2) & 0xfe3f);
}

/* ---- the link. False: the packet is lost. */

static bool meddle(struct run *run, uint8_t *packet, size_t length)
{
    struct header header = parse(packet, length);
    bool syn = (header.flags & HF_SYN) != 0;
    bool marks = header.codepoint != NOT_ECT && chance_percent(&run->chance, run->mark_percent);

    switch (run->meddling) {
    case MARKS:
    case MARKS_LOSES:
        if (marks && !syn) {
            set_codepoint(packet, CE);
            run->marked++;
        }
        return run->meddling == MARKS || syn || !chance_percent(&run->chance, 2);
    case BLEACHES:
        set_codepoint(packet, NOT_ECT);
        break;
    case BLEACHES_CE:
        if (marks)
            set_codepoint(packet, ECT_0);
        break;
    case RAISES:
        if (header.codepoint == ECT_0)
            set_codepoint(packet, ECT_1);
        break;
    case FLOODS:
        set_codepoint(packet, CE);
        break;
    case CLEARS_FLAGS:
        clear_flags(packet);
        break;
    case CLEARS_LATER:
        if (!syn)
            clear_flags(packet);
        break;
    case MEDDLINGS:
        break;
    }
    return true;
}

/* ---- what a host must say */

/* Each field of the option is 24 bits of what arrived; the ECT ones begin at 1 (RFC 9768 3.2.1). */
static void judge_option(struct run *run, struct side *side, const struct header *header)
{
    const uint8_t *option = header->tcp + 20, *end = header->tcp + header->tcp_bytes;

    while (option < end && option[0] != 0) {
        uint8_t kind = option[0], length = kind == 1 ? 1 : option[1];
        const uint8_t order[2][3] = {{ECT_0, CE, ECT_1}, {ECT_1, CE, ECT_0}};
        if (kind == 172 || kind == 174) {
            side->options++;
            for (unsigned i = 0; i < (length - 2u) / 3u; i++) {
                uint8_t codepoint = order[kind == 174][i];
                uint32_t right = side->arrived_bytes[codepoint] + (codepoint != CE);
                if (read_number(option + 2 + 3 * i, 3) != (right & 0xffffff))
                    fail_msg("%s: %u bytes of codepoint %u in the option, %u arrived", run->what,
                             read_number(option + 2 + 3 * i, 3), codepoint, right);
            }
        }
        option += length;
    }
}

static void judge_accurate(struct run *run, struct side *side, const struct header *header)
{
    if (header->ace != ((5 + side->arrived_ce) & 7))
        fail_msg("%s: ACE is %u after %u marks", run->what, header->ace, side->arrived_ce);
    judge_option(run, side, header);
    /* 3.3: all that leaves is ECN-capable. */
    assert_int_equal(header->codepoint, ECT_0);
}

static void judge_classic(struct run *run, struct side *side, const struct header *header,
                          bool new_data)
{
    if (run->dctcp) { /* RFC 8257 3.1; its echo, mark by mark, is judged by scripts */
        assert_int_equal(header->codepoint, ECT_0);
        side->cwrs += (header->flags & HF_CWR) != 0;
        return;
    }
    if (((header->flags & HF_ECE) != 0) != side->echo)
        fail_msg("%s: ECE is %u", run->what, !side->echo);
    /* 6.1.2, 6.1.4, 6.1.5: new data is ECT(0) and may have CWR, nothing else. */
    if (header->codepoint != (new_data ? ECT_0 : NOT_ECT))
        fail_msg("%s: codepoint %u on %s", run->what, header->codepoint,
                 new_data ? "new data" : "what is none");
    if (!new_data)
        assert_int_equal(header->flags & HF_CWR, 0);
    side->cwrs += (header->flags & HF_CWR) != 0;
}

static void judge_sent(struct run *run, struct side *side, const uint8_t *packet, size_t length)
{
    struct header header = parse(packet, length);
    uint32_t end = header.seq + header.payload_bytes;
    bool new_data = header.payload_bytes > 0 && (!side->next_known || before(side->next, end));
    bool first_reply = !side->spoke && header.payload_bytes == 0;

    if (header.flags & (HF_SYN | HF_RST))
        return;
    side->spoke = true;
    if (new_data || !side->next_known)
        side->next = end;
    side->next_known = true;
    if (run->meddling != MARKS)
        return;
    side->judged++;
    if (run->ecn == 1)
        judge_classic(run, side, &header, new_data);
    else if (!first_reply || side == &run->sides[1]) /* the client's first echoes the SYN-ACK's */
        judge_accurate(run, side, &header);
}

/* What RFC 9293 3.10.7.4 finds unacceptable, a needless repetition for one, counts for nothing. */
static void count_arrival(struct run *run, struct side *side, const struct packet *packet,
                          enum hf_reason reason)
{
    struct header header = parse(packet->bytes, packet->length);

    if ((header.flags & (HF_SYN | HF_RST)) || reason == HF_REASON_SEQUENCE_OLD ||
        reason == HF_REASON_SEQUENCE_BEYOND)
        return;
    side->arrived_ce += header.codepoint == CE;
    side->arrived_bytes[header.codepoint] += header.payload_bytes;
    if (run->ecn == 1 && header.payload_bytes > 0) {
        if (header.flags & HF_CWR)
            side->echo = false;
        side->echo |= header.codepoint == CE;
    }
}

/* cwnd gives way once for what was in flight (RFC 3168 6.1.2, RFC 9768 3.2.2.5). */
static void hear(void *context, const struct hf_trace_event *event)
{
    struct run *run = context;
    struct side *side = &run->sides[event->host];

    if (event->kind != HF_TRACE_CWND || event->reason != HF_REASON_CWND_ECN)
        return;
    if (side->reduced && before(event->numbers.snd_una, side->reduced_until))
        fail_msg("%s: reduced twice in a round trip", run->what);
    side->reduced = true;
    side->reduced_until = event->numbers.snd_nxt;
    side->reductions++;
}

/* ---- playing */

static void send_out(struct run *run)
{
    for (unsigned from = 0; from < 2; from++) {
        struct way *way = &run->ways[1 - from];
        ptrdiff_t length;
        for (;;) {
            struct packet *packet = &way->packets[(way->first + way->count) % PACKETS];
            assert_true(way->count < PACKETS);
            length = hf_stack_output(run->sides[from].stack, packet->bytes, PACKET_MAX, run->now);
            if (length <= 0)
                break;
            packet->length = (size_t)length;
            judge_sent(run, &run->sides[from], packet->bytes, packet->length);
            if (!meddle(run, packet->bytes, packet->length))
                continue;
            way->free = way->free > run->now ? way->free : run->now;
            way->free += length * 800; /* 10 Mbit/s */
            packet->arrives = way->free + 10 * HF_MILLISECOND;
            way->count++;
        }
    }
}

static uint8_t byte_at(unsigned host, uint32_t offset)
{
    return (uint8_t)(offset * 2654435761u >> 21 ^ offset ^ host);
}

static void use_connection(struct run *run, unsigned host)
{
    struct side *side = &run->sides[host];
    struct hf_event event;
    uint8_t piece[4096];
    ptrdiff_t length;

    while (hf_stack_next_event(side->stack, &event)) {
        if (event.type == HF_EVENT_ERROR)
            fail_msg("%s: error %d", run->what, event.error);
        if (event.type == HF_EVENT_ACCEPTABLE)
            assert_int_equal(hf_accept(side->stack, event.handle, &side->connection, NULL), HF_OK);
    }
    if (side->connection == HF_NO_HANDLE)
        return;
    while (side->sent < BYTES) {
        uint32_t left = BYTES - side->sent;
        uint32_t count = left < sizeof piece ? left : sizeof piece;
        for (uint32_t i = 0; i < count; i++)
            piece[i] = byte_at(host, side->sent + i);
        length = hf_send(side->stack, side->connection, piece, count, 0, run->now);
        if (length <= 0)
            break;
        side->sent += (uint32_t)length;
    }
    while ((length = hf_recv(side->stack, side->connection, piece, sizeof piece, 0, run->now)) >
           0) {
        for (ptrdiff_t i = 0; i < length; i++)
            assert_int_equal(piece[i], byte_at(1 - host, side->received + (uint32_t)i));
        side->received += (uint32_t)length;
    }
}

static hf_time next_time(const struct run *run)
{
    hf_time next = LONGEST;

    for (unsigned i = 0; i < 2; i++) {
        const struct way *way = &run->ways[i];
        hf_time due = hf_stack_next_deadline(run->sides[i].stack);
        next = due < next ? due : next;
        if (way->count > 0 && way->packets[way->first].arrives < next)
            next = way->packets[way->first].arrives;
    }
    return next > run->now ? next : run->now;
}

static void deliver(struct run *run)
{
    for (unsigned i = 0; i < 2; i++) {
        struct way *way = &run->ways[i];
        while (way->count > 0 && way->packets[way->first].arrives <= run->now) {
            const struct packet *packet = &way->packets[way->first];
            enum hf_reason reason =
                hf_stack_input(run->sides[i].stack, packet->bytes, packet->length, run->now);
            count_arrival(run, &run->sides[i], packet, reason);
            way->first = (way->first + 1) % PACKETS;
            way->count--;
        }
    }
}

static bool all_is_said(const struct run *run)
{
    return run->sides[0].received == BYTES && run->sides[1].received == BYTES &&
           run->ways[0].count + run->ways[1].count == 0;
}

static void play(struct run *run)
{
    /* A second more: the last ACKs, delayed ones among them. */
    hf_time end = LONGEST;

    while (run->now < end) {
        send_out(run);
        use_connection(run, 0);
        use_connection(run, 1);
        send_out(run);
        if (end == LONGEST && all_is_said(run))
            end = run->now + HF_SECOND;
        run->now = next_time(run);
        deliver(run);
    }
    if (!all_is_said(run))
        fail_msg("%s: %u and %u bytes arrived", run->what, run->sides[0].received,
                 run->sides[1].received);
}

static void open_hosts(struct run *run, const char *algorithm, bool ipv6, unsigned seed)
{
    struct hf_endpoint remote = {.port = PORT};
    hf_handle listener;

    for (unsigned i = 0; i < 2; i++) {
        struct hf_config config = hf_config_default();
        uint8_t bytes[16] = {0xfd, [15] = (uint8_t)(i + 1)};
        struct hf_address address =
            ipv6 ? hf_address_ipv6(bytes) : hf_address_ipv4(10, 0, 0, (uint8_t)(i + 1));
        memset(config.seed, (int)seed, sizeof config.seed);
        config.host_id = i;
        config.ecn = run->ecn;
        config.congestion_control = hf_congestion_control(algorithm);
        config.trace = (struct hf_trace_sink){hear, run};
        run->sides[i].stack = hf_stack_new(&config);
        assert_non_null(run->sides[i].stack);
        assert_int_equal(hf_stack_add_address(run->sides[i].stack, &address), HF_OK);
        remote.address = address;
    }
    assert_int_equal(hf_listen(run->sides[1].stack, &remote, 1, &listener), HF_OK);
    assert_int_equal(hf_connect(run->sides[0].stack, NULL, &remote, 0, &run->sides[0].connection),
                     HF_OK);
}

/* ---- what must hold at the end */

static void judge_side(const struct run *run, unsigned host)
{
    const struct side *side = &run->sides[host], *other = &run->sides[1 - host];
    struct hf_status status;

    assert_int_equal(hf_status(side->stack, side->connection, &status), HF_OK);
    switch (run->meddling) {
    case MARKS:
        assert_int_equal(status.ecn, run->ecn == 1 ? 1 : 2);
        assert_int_equal(status.received_ce_segments, side->arrived_ce);
        assert_true(side->judged > 100 && side->reductions > 0);
        if (run->ecn == 1) {
            assert_in_range(side->cwrs, side->reductions - 1, side->reductions);
            break;
        }
        assert_true(side->options > 10);
        assert_int_equal(status.ecn_received_bytes[0], side->arrived_bytes[ECT_0]);
        assert_int_equal(status.ecn_received_bytes[1], side->arrived_bytes[CE]);
        assert_int_equal(status.ecn_delivered_bytes[1], other->arrived_bytes[CE]);
        assert_int_equal(status.ecn_delivered_bytes[0], other->arrived_bytes[ECT_0]);
        break;
    case MARKS_LOSES:
        assert_int_equal(status.ecn, run->ecn == 1 ? 1 : 2);
        break;
    case BLEACHES:
    case BLEACHES_CE:
    case RAISES:
        assert_int_equal(side->reductions, 0);
        break;
    case CLEARS_FLAGS:
        assert_int_equal(status.ecn, 0);
        assert_int_equal(other->arrived_ce, 0);
        assert_int_equal(side->reductions, 0);
        assert_int_equal(other->arrived_bytes[ECT_0] + other->arrived_bytes[ECT_1], 0);
        break;
    case FLOODS:
    case CLEARS_LATER:
    case MEDDLINGS:
        break;
    }
}

static void run_once(enum meddling meddling, uint8_t ecn, const char *algorithm, unsigned seed)
{
    struct run *run = calloc(1, sizeof *run);

    assert_non_null(run);
    run->meddling = meddling;
    run->ecn = ecn;
    run->dctcp = strcmp(algorithm, "dctcp") == 0;
    run->chance = chance_from(seed);
    run->mark_percent = chance_scaled(&run->chance, 1, 60);
    snprintf(run->what, sizeof run->what, "meddling %d, ecn %u, %s, seed %u", (int)meddling, ecn,
             algorithm, seed);
    for (unsigned i = 0; i < 2; i++) {
        run->ways[i].packets = calloc(PACKETS, sizeof run->ways[i].packets[0]);
        assert_non_null(run->ways[i].packets);
    }
    open_hosts(run, algorithm, seed % 2 == 1, seed);
    play(run);
    judge_side(run, 0);
    judge_side(run, 1);
    for (unsigned i = 0; i < 2; i++) {
        hf_stack_free(run->sides[i].stack);
        free(run->ways[i].packets);
    }
    free(run);
}

static void run_all(enum meddling meddling)
{
    static const char *const algorithms[] = {"cubic", "reno", "dctcp", "bbr"};

    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        for (unsigned a = 0; a < sizeof algorithms / sizeof algorithms[0]; a++) {
            run_once(meddling, 1, algorithms[a], seed);
            run_once(meddling, 3, algorithms[a], seed);
        }
    }
}

/* RFC 3168 6.1.2 and 6.1.3, RFC 9768 3.2.2 and 3.2.3. */
static void marks_are_counted(void **state)
{
    (void)state;
    run_all(MARKS);
}

static void marks_and_losses(void **state)
{
    (void)state;
    run_all(MARKS_LOSES);
}

static void bleached(void **state)
{
    (void)state;
    run_all(BLEACHES);
    run_all(BLEACHES_CE);
}

static void raised(void **state)
{
    (void)state;
    run_all(RAISES);
}

static void flooded(void **state)
{
    (void)state;
    run_all(FLOODS);
}

static void flags_cleared(void **state)
{
    (void)state;
    run_all(CLEARS_FLAGS);
    run_all(CLEARS_LATER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_are_counted), cmocka_unit_test(marks_and_losses),
        cmocka_unit_test(bleached),          cmocka_unit_test(raised),
        cmocka_unit_test(flooded),           cmocka_unit_test(flags_cleared),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
