/* SPDX-License-Identifier: MIT
 *
 * What a sender has in flight, as the packets show it: each segment that left and is not
 * acknowledged, whether the peer reported it, whether the sender took it as lost. Kept by a plain
 * array, with nothing of the stack's own in it.
 */
#ifndef FLIGHT_MODEL_H
#define FLIGHT_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* When something left, last; how much was known to be delivered then, and since when. */
struct flight_arrival {
    int64_t sent, delivered_time; /* ns */
    uint64_t delivered_bytes;
};

struct flight_segment {
    uint32_t seq, end; /* of sequence space: a FIN counts one */
    bool sacked;
    bool waits; /* taken as lost, and has not left again */
    struct flight_arrival left;
};

struct flight_model {
    struct flight_segment *segments; /* ascending, without gaps */
    size_t first, end, capacity;
    uint32_t pipe_bytes; /* neither reported nor waiting (RFC 6675's pipe) */
    uint32_t sacked_bytes;
    uint32_t waiting_bytes;
    int64_t now; /* set by the caller */
    int64_t delivered_time;
    uint64_t delivered_bytes;
    struct flight_arrival *arrived; /* since flight_model_begin_ack */
    size_t arrived_count, arrived_capacity;
    bool reneged;
};

static inline bool flight_before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

/* False: [seq, end) begins before the end of what left before: it leaves again. */
bool flight_model_append(struct flight_model *model, uint32_t seq, uint32_t end);
/* What begins at `seq` leaves again. Its length, and whether it had waited; 0: there is none. */
uint32_t flight_model_repeat(struct flight_model *model, uint32_t seq, bool *waited);
void flight_model_lose(struct flight_model *model, uint32_t seq);
void flight_model_begin_ack(struct flight_model *model);
/* Both return how many bytes are newly known to be delivered. */
uint32_t flight_model_acknowledge(struct flight_model *model, uint32_t ack);
uint32_t flight_model_report(struct flight_model *model, uint32_t left, uint32_t right);
/* No loss was one; no report is believed. */
void flight_model_unlose(struct flight_model *model);
void flight_model_forget_reports(struct flight_model *model);
void flight_model_free(struct flight_model *model);

#endif
