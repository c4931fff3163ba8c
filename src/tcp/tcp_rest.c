/* SPDX-License-Identifier: MIT
 *
 * How a connection is packed. Three steps, each of which can be taken back exactly:
 *
 * 1. A copy is made, without what is known otherwise (tuple, handle, pointers to what is packed
 *    with it).
 * 2. In the copy, sequence numbers become distances from SND.NXT or RCV.NXT, and times distances
 *    from when the last segment came or left (the table `related`). Zero stays zero and never stays
 *    never, for those mean "none"; each map is one to one, so it needs no care about ranges.
 * 3. What differs from the model, which went through the same, is written: how many words of 32
 *    bits to step over, and a number of 0 to 8 bytes.
 *
 * The model is a connection that was at rest before, so that what is common to all of a host's
 * connections (options agreed on, windows, limits, the algorithm) costs nothing.
 */
#include "tcp_rest.h"

#include "tcp_internal.h"

/* ---- step 2: numbers that follow from others */

enum relation {
    TO_SND_NXT,
    TO_RCV_NXT,
    TO_ARRIVAL,    /* a time, from when the last segment came */
    TO_DEPARTURE,  /* a time, from when data last left */
    TO_ARRIVAL_MS, /* a time in milliseconds, modulo 2^32 */
    TO_ARRIVAL_S,
    TO_TIMESTAMP /* our clock of timestamps when the last segment came */
};

struct related {
    uint16_t offset;
    uint8_t relation;
};

#define CONN(field, relation)                                 \
    {                                                         \
        offsetof(struct tcp_rest_image, conn.field), relation \
    }
#define SENDER(field, relation)                                 \
    {                                                           \
        offsetof(struct tcp_rest_image, sender.field), relation \
    }

/* None of these is one that others are measured from. */
static const struct related related[] = {
    CONN(snd.una, TO_SND_NXT),
    CONN(snd.up, TO_SND_NXT),
    CONN(snd.wl1, TO_RCV_NXT),
    CONN(snd.wl2, TO_SND_NXT),
    CONN(snd.front, TO_SND_NXT),
    CONN(snd.retransmit_next, TO_SND_NXT),
    CONN(snd.recover, TO_SND_NXT),
    CONN(snd.limited_until, TO_SND_NXT),
    CONN(snd.first_duplicate, TO_SND_NXT),
    CONN(snd.small_end, TO_SND_NXT),
    CONN(snd.una_before, TO_SND_NXT),
    CONN(iss, TO_SND_NXT),
    CONN(rcv.up, TO_RCV_NXT),
    CONN(rcv.last_ack_sent, TO_RCV_NXT),
    CONN(rcv.fin, TO_RCV_NXT),
    CONN(irs, TO_RCV_NXT),
    CONN(ts_recent_age_s, TO_ARRIVAL_S),
    CONN(reset_seq, TO_SND_NXT),
    CONN(reset_ack, TO_RCV_NXT),
    CONN(rtt_seq, TO_SND_NXT),
    CONN(rtt_start, TO_DEPARTURE),
    CONN(rack.sent, TO_DEPARTURE),
    CONN(rack.fack, TO_SND_NXT),
    CONN(rack.dsack_round, TO_SND_NXT),
    CONN(rack.probe_end, TO_SND_NXT),
    CONN(rack.min_rtt.samples[0].stamp_ms, TO_ARRIVAL_MS),
    CONN(rack.min_rtt.samples[1].stamp_ms, TO_ARRIVAL_MS),
    CONN(rack.min_rtt.samples[2].stamp_ms, TO_ARRIVAL_MS),
    CONN(undo.marker, TO_SND_NXT),
    CONN(undo.stamp, TO_TIMESTAMP),
    CONN(search.probe_start, TO_SND_NXT),
    CONN(search.probe_end, TO_SND_NXT),
    CONN(search.sized_end, TO_SND_NXT),
    CONN(search.held_seq, TO_SND_NXT),
    CONN(search.since, TO_ARRIVAL),
    CONN(search.silent_since, TO_ARRIVAL),
    CONN(ecn.option_sent, TO_DEPARTURE),
    CONN(ecn.reduced_until, TO_SND_NXT),
    CONN(ecn.prior_until, TO_SND_NXT),
    CONN(dsack.left, TO_RCV_NXT),
    CONN(dsack.right, TO_RCV_NXT),
    CONN(deadlines[TCP_TIMER_REORDERING], TO_ARRIVAL),
    CONN(deadlines[TCP_TIMER_LOSS_PROBE], TO_ARRIVAL),
    CONN(deadlines[TCP_TIMER_RETRANSMIT], TO_ARRIVAL),
    CONN(deadlines[TCP_TIMER_PROBE], TO_ARRIVAL),
    CONN(deadlines[TCP_TIMER_DELAYED_ACK], TO_ARRIVAL),
    CONN(deadlines[TCP_TIMER_KEEPALIVE], TO_ARRIVAL),
    CONN(deadlines[TCP_TIMER_FIN_WAIT_2], TO_ARRIVAL),
    CONN(deadlines[TCP_TIMER_PACING], TO_ARRIVAL),
    CONN(progress_time, TO_ARRIVAL),
    CONN(challenge_refill, TO_ARRIVAL),
    CONN(path_mtu_lowered, TO_ARRIVAL),
    CONN(tuning.rtt_seq, TO_RCV_NXT),
    CONN(tuning.rtt_echo, TO_TIMESTAMP),
    CONN(tuning.rtt_since, TO_ARRIVAL),
    CONN(tuning.space_seq, TO_RCV_NXT),
    CONN(tuning.space_since, TO_ARRIVAL),
    CONN(tally.timeout_since, TO_ARRIVAL),
    CONN(tally.last_data_received, TO_ARRIVAL),
    CONN(tally.established, TO_ARRIVAL),
    CONN(tally.limited_since, TO_ARRIVAL),
    SENDER(used_stamp, TO_DEPARTURE),
    SENDER(delivered_time, TO_ARRIVAL),
    SENDER(first_sent_time, TO_DEPARTURE),
    SENDER(timed.delivered_time, TO_DEPARTURE),
    SENDER(timed.first_sent_time, TO_DEPARTURE),
    SENDER(timed_sent, TO_DEPARTURE),
    SENDER(timed_end, TO_SND_NXT),
    SENDER(ack.mark.delivered_time, TO_DEPARTURE),
    SENDER(ack.mark.first_sent_time, TO_DEPARTURE),
    SENDER(ack.sent, TO_DEPARTURE),
    SENDER(ack.end, TO_SND_NXT),
    SENDER(burst_end, TO_SND_NXT),
    SENDER(burst_time, TO_DEPARTURE),
    SENDER(pacing_next, TO_DEPARTURE),
    SENDER(resent_una, TO_SND_NXT),
    SENDER(mtu_shared_end, TO_SND_NXT),
};
#define RELATED_COUNT (sizeof related / sizeof *related)

/* What the others are measured from, out of a connection that has these as they are. */
struct bases {
    uint32_t of_32[TO_TIMESTAMP + 1];
    uint64_t of_64[TO_TIMESTAMP + 1];
};

static struct bases bases_of(const struct tcp_conn *conn)
{
    uint64_t arrival = (uint64_t)conn->last_received;
    uint32_t arrival_ms = (uint32_t)(arrival / (uint64_t)HF_MILLISECOND);
    return (struct bases){
        .of_32 = {[TO_SND_NXT] = conn->snd.nxt.value,
                  [TO_RCV_NXT] = conn->rcv.nxt.value,
                  [TO_ARRIVAL_MS] = arrival_ms,
                  [TO_ARRIVAL_S] = (uint32_t)(arrival / (uint64_t)HF_SECOND),
                  [TO_TIMESTAMP] = arrival_ms + conn->ts_offset},
        .of_64 = {[TO_ARRIVAL] = arrival, [TO_DEPARTURE] = (uint64_t)conn->last_sent},
    };
}

static uint32_t load_32(const uint8_t *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static uint64_t load_64(const uint8_t *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

/* Distances near 0 on either side as small numbers. */
static uint64_t fold(uint64_t distance)
{
    return distance << 1 ^ (0 - (distance >> 63));
}

static uint64_t unfold(uint64_t folded)
{
    return folded >> 1 ^ (0 - (folded & 1));
}

static uint32_t fold_32(uint32_t distance)
{
    return distance << 1 ^ (0 - (distance >> 31));
}

static uint32_t unfold_32(uint32_t folded)
{
    return folded >> 1 ^ (0 - (folded & 1));
}

/* Zero stays zero: its folded distance is taken out of the row, and those below it move up. */
static uint32_t relate_32(uint32_t value, uint32_t base)
{
    uint32_t hole = fold_32(0 - base);
    uint32_t folded = fold_32(value - base);
    return value == 0 ? 0 : folded + (folded < hole);
}

static uint32_t absolute_32(uint32_t related_value, uint32_t base)
{
    uint32_t hole = fold_32(0 - base);
    return related_value == 0 ? 0 : base + unfold_32(related_value - (related_value <= hole));
}

/* The same with two that stay: zero, and never, which becomes 1. */
static uint64_t relate_64(uint64_t value, uint64_t base)
{
    uint64_t zero = fold(0 - base);
    uint64_t never = fold((uint64_t)HF_TIME_NEVER - base);
    uint64_t folded = fold(value - base);
    if (value == 0 || value == (uint64_t)HF_TIME_NEVER) {
        return value != 0;
    }
    return folded + (folded < zero) + (folded < never);
}

static uint64_t absolute_64(uint64_t related_value, uint64_t base)
{
    uint64_t zero = fold(0 - base);
    uint64_t never = fold((uint64_t)HF_TIME_NEVER - base);
    uint64_t low = zero < never ? zero : never;
    uint64_t high = zero < never ? never : zero;
    if (related_value <= 1) {
        return related_value == 0 ? 0 : (uint64_t)HF_TIME_NEVER;
    }
    if (related_value < low + 2) {
        return base + unfold(related_value - 2);
    }
    return base + unfold(related_value - (related_value <= high));
}

static bool is_time(uint8_t relation)
{
    return relation == TO_ARRIVAL || relation == TO_DEPARTURE;
}

/* Turns every member of `related` into its distance from its base, or back. */
static void relate_all(struct tcp_rest_image *image, bool back)
{
    struct bases bases = bases_of(&image->conn);
    uint8_t *bytes = (uint8_t *)image;
    for (size_t i = 0; i < RELATED_COUNT; i++) {
        uint8_t *at = bytes + related[i].offset;
        uint8_t relation = related[i].relation;
        if (is_time(relation)) {
            uint64_t base = bases.of_64[relation];
            uint64_t value = back ? absolute_64(load_64(at), base) : relate_64(load_64(at), base);
            memcpy(at, &value, sizeof value);
        } else {
            uint32_t base = bases.of_32[relation];
            uint32_t value = back ? absolute_32(load_32(at), base) : relate_32(load_32(at), base);
            memcpy(at, &value, sizeof value);
        }
    }
}

/* ---- step 1 */

static bool is_ours(const struct hf_cc_ops *ops)
{
    for (unsigned i = 0; i < CC_BUILTIN_COUNT; i++) {
        if (cc_builtin(i) == ops) {
            return true;
        }
    }
    return false;
}

struct tcp_rest_parts tcp_rest_parts(const struct tcp_conn *conn)
{
    struct tcp_rest_parts parts = {.sender = conn->sender != NULL};
    if (conn->congestion.private_state != NULL && is_ours(conn->cc) &&
        conn->cc->private_bytes <= TCP_REST_PRIVATE_BYTES) {
        parts.private_state = true;
        parts.private_bytes = (uint16_t)conn->cc->private_bytes;
    }
    return parts;
}

static void fill_image(struct tcp_rest_image *image, const struct tcp_conn *conn)
{
    struct tcp_rest_parts parts = tcp_rest_parts(conn);
    memset(&image->sender, 0, sizeof *image - offsetof(struct tcp_rest_image, sender));
    memcpy(&image->conn, conn, sizeof *conn);
    memset(&image->conn.tuple, 0, sizeof image->conn.tuple);
    image->conn.handle = 0;
    image->conn.sender = NULL;
    if (parts.sender) {
        memcpy(&image->sender, conn->sender, sizeof image->sender);
    }
    if (parts.private_state) {
        image->conn.congestion.private_state = NULL;
        memcpy(image->private_state, conn->congestion.private_state, parts.private_bytes);
    }
    relate_all(image, false);
}

void tcp_rest_model_init(struct tcp_rest_model *model, const struct tcp_conn *conn)
{
    fill_image(&model->image, conn);
}

bool tcp_rests_quietly(const struct tcp_conn *conn)
{
    return conn->intents == 0 && conn->events == 0 && conn->duplicate_acks_due == 0 &&
           conn->send_bytes == 0 && conn->receive_bytes == 0 && tcp_flight(conn) == 0 &&
           conn->reassembly == NULL && conn->sent == NULL && conn->fast_open == NULL &&
           conn->notes == NULL && send_queue_is_empty(&conn->send_queue) &&
           bytequeue_is_empty(&conn->receive_queue);
}

/* ---- step 3 */

#define WORD_BYTES 4u
#define IMAGE_WORDS (sizeof(struct tcp_rest_image) / WORD_BYTES)
_Static_assert(sizeof(struct tcp_rest_image) % 8 == 0, "an image is a row of pairs of words");
/* In the first byte of each number: words to step over, more to come in the next byte; bytes. */
#define STEP_SHIFT 4
#define STEP_MORE 15u
#define STEP_MORE_MAX 255u
#define LENGTH_MASK 15u

struct writer {
    uint8_t *bytes;
    uint32_t length, capacity;
    bool full;
};

static void put(struct writer *writer, uint32_t byte)
{
    if (writer->length < writer->capacity) {
        writer->bytes[writer->length++] = (uint8_t)byte;
    } else {
        writer->full = true;
    }
}

static unsigned bytes_of(uint64_t value)
{
    return value == 0 ? 0 : (71 - (unsigned)__builtin_clzll(value)) / 8;
}

/* A step too long for one number is taken in several, which write what is there already. */
static void put_number(struct writer *writer, uint32_t step, uint64_t value, unsigned length)
{
    put(writer, (step < STEP_MORE ? step : STEP_MORE) << STEP_SHIFT | length);
    if (step >= STEP_MORE) {
        put(writer, step - STEP_MORE);
    }
    for (unsigned i = 0; i < length; i++, value >>= 8) {
        put(writer, value & 0xff);
    }
}

static void put_differences(struct writer *writer, const uint8_t *image, const uint8_t *model)
{
    uint32_t next = 0; /* the first word that nothing was said of */
    for (uint32_t word = 0; word < IMAGE_WORDS && !writer->full;) {
        const uint8_t *at = image + (size_t)word * WORD_BYTES;
        const uint8_t *common = model + (size_t)word * WORD_BYTES;
        uint32_t value;
        if (word % 2 == 0 && load_64(at) == load_64(common)) {
            word += 2;
            continue;
        }
        value = load_32(at);
        if (value == load_32(common)) {
            word++;
            continue;
        }
        while (word - next > STEP_MORE + STEP_MORE_MAX) {
            next += STEP_MORE + STEP_MORE_MAX;
            put_number(writer, STEP_MORE + STEP_MORE_MAX,
                       load_32(image + (size_t)next * WORD_BYTES), WORD_BYTES);
            next++;
        }
        if (word + 1 < IMAGE_WORDS && load_32(at + WORD_BYTES) != load_32(common + WORD_BYTES)) {
            unsigned length = bytes_of(load_32(at + WORD_BYTES));
            put_number(writer, word - next, (uint64_t)load_32(at + WORD_BYTES) << 32 | value,
                       WORD_BYTES + (length > 0 ? length : 1));
            word += 2;
        } else {
            put_number(writer, word - next, value, bytes_of(value));
            word++;
        }
        next = word;
    }
}

uint32_t tcp_rest_pack(const struct tcp_conn *conn, const struct tcp_rest_model *model,
                       uint8_t *bytes, uint32_t capacity)
{
    struct writer writer = {.bytes = bytes, .capacity = capacity};
    struct tcp_rest_image image;
    fill_image(&image, conn);
    put_differences(&writer, (const uint8_t *)&image, (const uint8_t *)&model->image);
    return writer.full ? TCP_REST_TOO_LARGE : writer.length;
}

static void take_differences(uint8_t *image, const uint8_t *bytes, uint32_t length)
{
    const uint8_t *end = bytes + length;
    uint32_t word = 0;
    while (bytes < end) {
        uint32_t count = *bytes & LENGTH_MASK;
        uint32_t step = *bytes++ >> STEP_SHIFT;
        uint64_t value = 0;
        uint32_t low;
        uint32_t high;
        if (step == STEP_MORE) {
            step += *bytes++;
        }
        for (unsigned i = 0; i < count; i++) {
            value |= (uint64_t)*bytes++ << 8 * i;
        }
        word += step;
        low = (uint32_t)value;
        memcpy(image + (size_t)word++ * WORD_BYTES, &low, sizeof low);
        if (count > WORD_BYTES) {
            high = (uint32_t)(value >> 32);
            memcpy(image + (size_t)word++ * WORD_BYTES, &high, sizeof high);
        }
    }
}

void tcp_rest_unpack(struct tcp_conn *conn, struct tcp_sender *sender, void *private_state,
                     const struct tcp_rest_model *model, const uint8_t *bytes, uint32_t length)
{
    struct tcp_rest_image image;
    struct flow_tuple tuple = conn->tuple;
    hf_handle handle = conn->handle;
    memcpy(&image, &model->image, sizeof image);
    take_differences((uint8_t *)&image, bytes, length);
    relate_all(&image, true);
    memcpy(conn, &image.conn, sizeof *conn);
    conn->tuple = tuple;
    conn->handle = handle;
    conn->sender = sender;
    if (sender != NULL) {
        memcpy(sender, &image.sender, sizeof *sender);
    }
    if (private_state != NULL) {
        conn->congestion.private_state = private_state;
        memcpy(private_state, image.private_state, conn->cc->private_bytes);
    }
}

void tcp_trace_rest(const struct tcp_conn *conn, const struct tcp_host *host, enum hf_reason reason,
                    uint32_t bytes)
{
    tcp_trace(conn, host, HF_TRACE_REST, reason, bytes);
}
