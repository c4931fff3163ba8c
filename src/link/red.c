/* SPDX-License-Identifier: MIT
 *
 * All in integers: the average has nine bits behind the point, chances are parts per million.
 */
#include "red.h"

#define PPM UINT64_C(1000000)
/* After so many packets' time an average has faded to nothing: (511/512)^16384 < 10^-13. */
#define FADED_PACKETS 16384u

static void update_average(struct red *red, uint64_t queue_bytes, uint64_t idle_packets)
{
    if (idle_packets >= FADED_PACKETS)
        red->average = 0;
    for (uint64_t i = 0; i < idle_packets && red->average != 0; i++)
        red->average -= (red->average >> RED_WEIGHT_SHIFT) + 1;
    red->average = red->average - (red->average >> RED_WEIGHT_SHIFT) + queue_bytes;
}

/* p_b, before it is spread evenly. */
static uint64_t slope_ppm(const struct red *red, uint64_t average)
{
    uint64_t span = red->maximum_bytes - red->minimum_bytes;

    if (average < red->minimum_bytes)
        return 0;
    if (average < red->maximum_bytes)
        return red->maximum_ppm * (average - red->minimum_bytes) / span;
    if (average < 2 * red->maximum_bytes)
        return red->maximum_ppm +
               (PPM - red->maximum_ppm) * (average - red->maximum_bytes) / red->maximum_bytes;
    return PPM;
}

bool red_condemns(struct red *red, uint64_t queue_bytes, uint64_t idle_packets, uint32_t luck_ppm)
{
    uint64_t chance_ppm, spread;

    update_average(red, queue_bytes, idle_packets);
    chance_ppm = slope_ppm(red, red->average >> RED_WEIGHT_SHIFT);
    if (chance_ppm == 0) {
        red->since_last = 0;
        return false;
    }
    /* p_a = p_b / (1 - count * p_b): the gaps between two become uniform. */
    spread = red->since_last * chance_ppm;
    red->since_last++;
    if (spread < PPM)
        chance_ppm = chance_ppm * PPM / (PPM - spread);
    if (spread < PPM && luck_ppm >= chance_ppm)
        return false;
    red->since_last = 0;
    return true;
}
